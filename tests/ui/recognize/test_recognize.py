"""What the first screen answers, without a browser."""

from __future__ import annotations

from typing import Any

import pytest

from ga2app.config import preset
from ga2app.contracts import BackboneChoice
from ga2app.errors import BackboneError, BundleError
from ga2app.ui.recognize.screen import UNEXPECTED, Request, answer_pages, answers, labels_of
from ga2app.ui.studio import Studio, bundle_key
from ga2app.ui.uploads import uploads_folder

from ..fakes import FakeRecognizer
from ..studios import LABELS, add_bundle, draw_clip, make_studio


def last_page(studio: Studio, **asked: Any) -> str:
    request = {"files": [studio.examples[1].path], "labels": ", ".join(LABELS)} | asked
    return list(answer_pages(studio, Request(**request)))[-1]


def test_an_upload_is_copied_before_it_is_looked_at(studio: Studio) -> None:
    last_page(studio)
    assert isinstance(studio.recognizer, FakeRecognizer)
    (path,), labels, backbone, bundle, template, top_k = studio.recognizer.asked[0]
    assert path.startswith(str(uploads_folder(studio.home)))
    assert (labels, backbone, bundle, template, top_k) == (LABELS, "sketch", None, None, 5)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"files": []}, "no clip was given; upload one"),
        ({"labels": " , "}, "there are no labels to choose from; type at least two"),
        ({"labels": "walking"}, "&#x27;walking&#x27; is the only label"),
        ({"bundle": "nobody"}, "there is no bundle &#x27;nobody&#x27; in the library"),
        ({"backbone": "openai/clip"}, "backbone &#x27;openai/clip&#x27; is not on this machine"),
        ({"labels": "boom, run"}, UNEXPECTED),
    ],
)
def test_what_cannot_be_answered_is_said_on_the_page(studio: Studio, asked: dict[str, Any], told: str) -> None:
    html = last_page(studio, **asked)
    assert 'class="notice error"' in html
    assert told in html
    assert "Traceback" not in html


def test_a_bundle_of_another_backbone_is_refused_with_the_reason(studio: Studio) -> None:
    add_bundle(studio, "alien", "other")
    assert "belongs to backbone &#x27;other&#x27;" in last_page(studio, bundle="alien")


def test_many_labels_long_ones_and_other_scripts_work(studio: Studio) -> None:
    labels = ["跑步", "🤸 cartwheel", "x" * 400, *(f"label {number}" for number in range(497))]
    html = last_page(studio, labels="\n".join(labels))
    assert html.count('class="name"') == 5
    assert "跑步" in html and "does not know" in html


def test_several_clips_come_one_after_the_other_and_a_broken_one_costs_only_itself(studio: Studio) -> None:
    files = [studio.examples[0].path, str(draw_clip(studio.home.root / "broken.mp4")), "/nowhere/gone.mp4"]
    pages = list(answer_pages(studio, Request(files, ", ".join(LABELS))))
    assert [page.count("<article") for page in pages] == [0, 1, 2, 3]
    assert "2 of 3 clips seen" in pages[2]
    assert "it has no video" in pages[-1] and "the upload could not be kept" in pages[-1]
    assert "Download CSV" in pages[-1]


def test_a_bundle_brings_its_labels(studio: Studio) -> None:
    add_bundle(studio)
    assert labels_of(studio, "tuned") == ", ".join(LABELS)
    assert labels_of(studio, "") == ""
    html = last_page(studio, bundle="tuned")
    assert "tuned prompts" in html and 'class="kind base"' in html and 'class="kind novel"' in html


def test_bundles_are_named_to_the_browser_without_a_path(studio: Studio) -> None:
    folder = add_bundle(studio)
    assert studio.bundle_choices() == [("tuned prompts (2 trained labels, HM 72.0)", "tuned")]
    card = studio.bundle("tuned")
    assert card is not None and card.folder == folder and bundle_key(card) == "tuned"
    with pytest.raises(BundleError, match="there is no bundle '../../etc'"):
        studio.bundle("../../etc")


def test_a_bundle_that_was_trained_here_goes_by_its_run(studio: Studio) -> None:
    studio.store.runs.queue(preset("quick"), name="my actions")
    for folder in ("run-000001", "run-000002"):
        add_bundle(studio, folder, name=folder)
    titles = [title.partition(" (")[0] for title, _ in studio.bundle_choices()]
    assert titles == ["Run 2", "Run 1: my actions"]


def test_the_first_backbone_is_the_default(home: Any) -> None:
    studio = make_studio(home, backbones=lambda: [BackboneChoice("real", "A real CLIP"), BackboneChoice("sketch", "s")])
    assert studio.known_backbone(None) == studio.known_backbone("") == "real"
    with pytest.raises(BackboneError, match="choose one of: real, sketch"):
        studio.known_backbone("/etc")
    request = Request([studio.examples[0].path], "a, b")
    recognition, speakers = list(answers(studio, request))[-1]
    assert (recognition.backbone, speakers.backbone) == ("real", "A real CLIP")
    studio.store.close()
