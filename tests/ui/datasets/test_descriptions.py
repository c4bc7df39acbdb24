"""Descriptions on the page of data sets: written, read from a file, proposed, and kept only when saved."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import pytest
from sets import add_set

from ga2app.errors import DatasetError, LanguageModelError
from ga2app.web import Studio
from ga2app.web.pages.datasets.dataset_handlers import Handlers
from ga2app.web.pages.datasets.dataset_views import DESCRIPTIONS, LABELS, View
from ga2app.web.pages.datasets.datasets_page import Parts
from tests.chat import chatting


def opened(page: Handlers, parts: Parts, dataset_id: int) -> dict[Any, Any]:
    """The page of a data set, with the tab of descriptions chosen."""
    request = cast(gr.Request, SimpleNamespace(query_params={"id": str(dataset_id)}))
    values = page.open({parts.view: None}, request)
    return values | page.draw_tab(values, DESCRIPTIONS)


def kept(studio: Studio) -> dict[str, tuple[str, ...]]:
    return dict(studio.store.datasets.get("mine").descriptions)


def test_each_label_has_a_line_and_what_is_saved_is_kept_and_can_be_undone(
    studio: Studio, page: Handlers, parts: Parts
):
    dataset_id = add_set(studio.store, {"PlayingViolin": 2, "brush hair": 2}, novel=("brush hair",))
    values = opened(page, parts, dataset_id)
    assert values[parts.described] == "PlayingViolin: \nbrush hair: "
    text = "playing violin: a bow on strings\nBrush_Hair: a brush\nbrush hair: long hair\nrowing: a boat\nbrush hair:\n"
    saved = page.save_descriptions(values | {parts.described: text})
    assert kept(studio) == {"PlayingViolin": ("a bow on strings",), "brush hair": ("a brush", "long hair")}
    assert "2 labels with 3 sentences; 2 changed" in saved[parts.told_described]
    assert "no label here is called &#39;rowing&#39;: left out" in saved[parts.told_described]
    assert saved[parts.described] == "PlayingViolin: a bow on strings\nbrush hair: a brush\nbrush hair: long hair"
    undone = page.act({parts.view: saved[parts.view]}, gr.EventData(None, {"do": "undo"}))
    assert kept(studio) == {} and page.draw_tab(undone)[parts.described] == values[parts.described]


def test_what_cannot_be_read_stays_in_the_box_with_the_reason(studio: Studio, page: Handlers, parts: Parts):
    values = opened(page, parts, add_set(studio.store, {"jump": 2, "climb": 2}))
    refused = page.save_descriptions(values | {parts.described: "jump up and down"})
    assert parts.described not in refused and kept(studio) == {}
    assert "write it like label: sentence" in refused[parts.told_described]


def test_an_edit_of_clips_leaves_what_is_being_typed(studio: Studio, page: Handlers, parts: Parts):
    values = opened(page, parts, add_set(studio.store, {"jump": 2, "climb": 2}))
    labels = studio.store.clips.labels(values[parts.view].dataset_id)
    pressed = gr.EventData(None, {"do": "novel", "ids": [labels[0].id]})
    edited = page.act({parts.view: values[parts.view]}, pressed)
    assert parts.described not in edited and parts.described not in page.draw_tab(edited)
    renamed = gr.EventData(None, {"do": "rename-label", "ids": [labels[0].id], "name": "leap"})
    assert "leap: " in page.draw_tab(page.act({parts.view: edited[parts.view]}, renamed))[parts.described]


def test_a_tab_is_drawn_when_it_is_chosen_and_again_when_what_it_shows_has_changed(
    studio: Studio, page: Handlers, parts: Parts
):
    values = page.show(View(add_set(studio.store, {"jump": 2, "climb": 2})))
    assert not {parts.labels, parts.whole, parts.described} & values.keys()
    labels = page.draw_tab(values, LABELS)
    assert "climb" in labels[parts.labels] and parts.whole not in labels
    assert parts.labels not in page.draw_tab(labels), "what is ticked in it would go"
    edited = page.act(labels, gr.EventData(None, {"do": "novel", "ids": [studio.store.clips.labels(1)[0].id]}))
    assert parts.labels in page.draw_tab(edited)
    other = page.show(replace(edited[parts.view], dataset_id=add_set(studio.store, {"jump": 2}, name="other")))
    assert "climb" not in page.draw_tab(other)[parts.labels]


def test_a_file_fills_the_box_and_nothing_is_kept_before_it_is_saved(
    studio: Studio, page: Handlers, parts: Parts, tmp_path: Path
):
    values = opened(page, parts, add_set(studio.store, {"jump": 2, "climb": 2}))
    (tmp_path / "told.json").write_text(json.dumps({"Jump": ["high", "y" * 10_000], "walk": "x"}))
    given = {parts.described: "climb: a wall", parts.read_described: str(tmp_path / "told.json")}
    read = page.read_descriptions(values | given)
    assert read[parts.described] == "jump: high\nclimb: a wall" and kept(studio) == {}
    said = read[parts.told_described]
    assert "1 sentence of 1 label read from the file. Nothing is saved yet." in said and "10,000 characters" in said


def test_a_language_model_is_asked_about_labels_without_sentences_and_its_answer_waits_to_be_saved(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
):
    dataset_id = add_set(studio.store, {"jump": 2, "climb": 2})
    with chatting() as server:
        server.content = json.dumps({"climb": ["hands on a wall", "a rope"], "jump": "never asked"})
        text, said = studio.descriptions.propose(dataset_id, "jump: mine", "tiny", endpoint=server.url)
        assert '["climb"]' in server.asked[0]["messages"][0]["content"]
    assert "climb: hands on a wall\nclimb: a rope" in text and "jump: mine" in text and "read them" in said
    assert kept(studio) == {}
    with pytest.raises(DatasetError, match="every label has a description already"):
        studio.descriptions.propose(dataset_id, text, "tiny", endpoint="http://127.0.0.1:9")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    if not studio.descriptions.can_ask():
        with pytest.raises(LanguageModelError, match="with your own login"):
            studio.descriptions.propose(dataset_id, "", "Qwen/Qwen3-8B")
