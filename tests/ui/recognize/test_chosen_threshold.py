"""The threshold for "none of these" that a bundle's run has chosen from data, as Recognize offers it."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from ga2app.services.studio import Studio
from ga2app.types import NoneWay, Temperature
from ga2app.web.pages.recognize.recognize_controls import choose_way, offered_threshold

from ..studios import add_bundle, keep_bundle

CHOSEN = Temperature(1.6, "40 clips", 0.139, "it keeps 95% of 80 test clips")


def with_temperature(studio: Studio, temperature: Temperature) -> str:
    """The key of a bundle in the library whose manifest has ``temperature``."""
    return Path(keep_bundle(studio, temperature=temperature.to_dict())).name


def test_the_first_bundle_with_a_threshold_from_data_offers_it(studio: Studio) -> None:
    key, service = with_temperature(studio, CHOSEN), studio.recognition
    assert service.chosen_threshold([key]) == CHOSEN
    assert service.chosen_threshold([]) is None and service.chosen_threshold(None) is None


def test_a_bundle_of_before_or_one_that_is_gone_offers_none(studio: Studio) -> None:
    before, gone = with_temperature(studio, Temperature()), Path(add_bundle(studio, "gone")).name
    assert studio.recognition.chosen_threshold([before, gone]) is None
    assert studio.recognition.chosen_threshold(["nobody"]) is None


def test_the_slider_begins_at_the_chosen_threshold_rounded_down_and_says_what_it_does() -> None:
    _, slider = choose_way(NoneWay.THRESHOLD.value, CHOSEN)
    assert slider["value"] == 13 and slider["visible"]
    assert "Chosen from data for this bundle: it keeps 95% of 80 test clips." in slider["info"]
    assert choose_way(NoneWay.THRESHOLD.value)[1]["value"] == 50
    assert choose_way(NoneWay.COMPETE.value, CHOSEN)[1]["value"] == 0
    assert not choose_way("off", CHOSEN)[1]["visible"]


def test_choosing_a_bundle_leaves_a_hand_set_threshold_alone_where_it_has_none() -> None:
    for way, found in ((NoneWay.THRESHOLD, None), (NoneWay.COMPETE, CHOSEN), ("off", CHOSEN)):
        assert offered_threshold(str(way), found) == gr.skip()
    assert offered_threshold(NoneWay.THRESHOLD.value, CHOSEN)["value"] == 13
