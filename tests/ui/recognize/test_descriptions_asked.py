"""Descriptions on Recognize: off unless switched on, and filled from a data set."""

from __future__ import annotations

from typing import Any

import gradio as gr
from sets import add_set

from ga2app.web import Studio
from ga2app.web.pages.recognize.recognize_controls import Controls
from tests.space.hosting import finish


def controls_of(studio: Studio) -> Controls:
    async def build() -> Controls:
        with gr.Blocks():
            return Controls(studio)

    return finish(build())


def test_sentences_are_asked_for_only_where_they_are_switched_on(studio: Studio):
    controls = controls_of(studio)
    settings = controls.settings
    given: dict[Any, Any] = {part: part.value for part in controls.asked} | {controls.labels: "jump, climb"}
    typed = given | {settings.described: "jump: a person leaves the ground"}
    assert controls.request(typed).descriptions is None
    assert controls.request(given | {settings.describe: True}).descriptions == ""  # those that bundles know
    assert controls.request(typed | {settings.describe: True}).descriptions == "jump: a person leaves the ground"


def test_the_sentences_of_a_data_set_come_with_its_labels(studio: Studio):
    dataset_id = add_set(studio.store, {"jump": 2, "climb": 2})
    assert studio.recognition.dataset_descriptions("mine") == ""
    studio.descriptions.save(dataset_id, "climb: hands on a wall\nclimb: a rope")
    assert studio.recognition.dataset_descriptions("mine") == "climb: hands on a wall\nclimb: a rope"
    assert studio.recognition.dataset_descriptions("gone") == studio.recognition.dataset_descriptions(None) == ""
