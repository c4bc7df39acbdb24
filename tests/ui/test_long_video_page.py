"""The page of long videos: labeled, corrected by hand with keys, exported, and added to a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest

from ga2app.errors import StudioError
from ga2app.stretches import split_address
from ga2app.types import NoneOfThese, NoneWay, TimedLabels, TimedStretch
from ga2app.web import Studio
from ga2app.web.pages.timeline import timeline_view
from ga2app.web.pages.timeline.stretch_edits import ROWS, Work, edited
from ga2app.web.pages.timeline.timeline_page import NEW, Asking, Handlers, Parts
from tests.space.hosting import finish

from .studios import Served


def work(*stretches: tuple[float, float, str]) -> Work:
    made = tuple(TimedStretch(*one, 0.9) for one in stretches)
    found = TimedLabels("a.mp4", "sketch", None, ("run", "jump"), 0.0, 10.0, 2.0, 0.5, np.arange(3.0),
                        np.full((3, 2), 0.5, np.float32), stretches=made)  # fmt: skip
    return Work("/a.mp4", found, made)


TWO = work((0, 4, "run"), (4, 8, "jump"))


def told(after: Work) -> list[tuple[float, float, str]]:
    return [(one.start, one.end, one.label) for one in after.stretches]


@pytest.mark.parametrize(
    ("given", "after"),
    [
        ({"do": "set", "row": 0, "start": "0:01.5", "end": "4", "label": " walk "}, [(1.5, 4, "walk"), (4, 8, "jump")]),
        ({"do": "set", "row": 0, "start": "5", "end": "6", "label": "run"}, [(4, 8, "jump"), (5, 6, "run")]),
        ({"do": "delete", "row": 0}, [(4, 8, "jump")]),
        ({"do": "merge", "row": 0}, [(0, 8, "run")]),
        ({"do": "split", "row": 1, "at": 5.25}, [(0, 4, "run"), (4, 5.25, "jump"), (5.25, 8, "jump")]),
        ({"do": "add", "at": 8.5}, [(0, 4, "run"), (4, 8, "jump"), (8.5, 10, "jump")]),
        ({"do": "unheard of"}, [(0, 4, "run"), (4, 8, "jump")]),
    ],
)
def test_an_edit_changes_what_it_names_and_nothing_else(given: dict[str, Any], after: Any) -> None:
    assert told(edited(TWO, given)) == after


def test_what_a_person_set_has_no_probability_and_an_undo_gives_it_back() -> None:
    changed = edited(TWO, {"do": "set", "row": 1, "start": "4", "end": "8", "label": "run"})
    assert [one.probability for one in changed.stretches] == [0.9, None]
    assert edited(changed, {"do": "undo"}).stretches == TWO.stretches
    assert edited(TWO, {"do": "set", "row": 0, "start": "0", "end": "4", "label": "run"}) is TWO
    assert edited(TWO, {"do": "undo"}) is TWO


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"do": "set", "row": 0, "start": "4", "end": "4", "label": "run"}, "would not end after its start: 4 s to 4"),
        ({"do": "set", "row": 0, "start": "0", "end": "99", "label": "run"}, "99 lies outside the video, 0 s to 10 s"),
        ({"do": "set", "row": 0, "start": "soon", "end": "4", "label": "run"}, "soon"),
        ({"do": "set", "row": 0, "start": "0", "end": "4", "label": " "}, "needs a label"),
        ({"do": "delete", "row": 7}, "not there any more"),
        ({"do": "delete", "row": "0"}, "not there any more"),
        ({"do": "merge", "row": 1}, "no stretch after the last one"),
        ({"do": "split", "row": 0, "at": 6}, "the video is at 6 s, outside this stretch"),
        ({"do": "split", "row": 0, "at": None}, "outside this stretch"),
        ({"do": "add", "at": 10}, "no room"),
    ],
)
def test_an_edit_that_makes_no_sense_is_told_and_changes_nothing(given: dict[str, Any], said: str) -> None:
    with pytest.raises(StudioError, match=said):
        edited(TWO, given)
    assert told(TWO) == [(0, 4, "run"), (4, 8, "jump")]


def test_of_ten_thousand_stretches_a_hundred_are_edited_at_a_time_and_a_click_leads_to_others() -> None:
    many = work(*((number / 1000, (number + 1) / 1000, "run") for number in range(10_000)))
    html = timeline_view.editor_html(many)
    assert html.count("data-row=") == ROWS and "10,000 stretches" in html and "Later ones" in html
    later = edited(many, {"do": "show", "at": 5.0005})
    assert 'data-row="5000"' in timeline_view.editor_html(later)
    assert edited(later, {"do": "show", "first": 10**9}).first == 9_999
    assert len(timeline_view.drawing_html(many)) < 1_000_000


def test_labels_and_names_are_escaped() -> None:
    bad = work((0, 4, "<script>alert(1)</script>"))
    assert "<script>alert" not in timeline_view.editor_html(bad) + timeline_view.drawing_html(bad)


@pytest.fixture
def page(studio: Studio) -> tuple[Handlers, Asking, Parts]:
    async def built() -> tuple[Asking, Parts]:
        with gr.Blocks(analytics_enabled=False):
            return Asking(studio), Parts()

    asking, parts = finish(built())
    return Handlers(studio, asking, parts), asking, parts


def test_what_the_fields_lack_is_told_beside_the_answer(
    page: tuple[Handlers, Asking, Parts], studio: Studio, tmp_path: Path
) -> None:
    handlers, asking, parts = page
    given = {one: one.value for one in asking.fields} | {asking.labels: "run, jump", asking.video: None}
    assert "no video was given" in [*handlers.label(given)][-1][parts.told]
    given |= {asking.path: studio.examples[0].path, asking.window: None, asking.step: None}
    last = [*handlers.label(given)][-1][parts.told]
    assert "window: is missing" in last and "step: is missing" in last
    given |= {asking.window: 2, asking.step: 0.5, asking.path: str(tmp_path / "broken.mp4")}
    assert "it cannot be read (No such file or directory)" in [*handlers.label(given)][-1][parts.told]
    (tmp_path / "broken.mp4").touch()
    assert "it has no video" in [*handlers.label(given)][-1][parts.told]


def test_backbone_and_negative_prompts_are_asked_for_as_chosen(page: tuple[Handlers, Asking, Parts]) -> None:
    _, asking, _ = page
    given = {one: one.value for one in asking.fields} | {asking.labels: "run, jump", asking.path: "day.mp4"}
    plain, _ = asking.request(given)
    assert plain.backbone == asking.backbone.value and plain.none_of_these is None
    chosen, _ = asking.request(given | {asking.backbone: "/a/clip", asking.compete: True})
    assert chosen.backbone == "/a/clip" and chosen.none_of_these == NoneOfThese(way=NoneWay.COMPETE)


def test_a_video_is_labeled_exported_and_added(page: tuple[Handlers, Asking, Parts], studio: Studio) -> None:
    handlers, asking, parts = page
    given = {one: one.value for one in asking.fields}
    given |= {asking.labels: "run, jump", asking.video: None, asking.path: studio.examples[0].path}
    *steps, last = handlers.label(given)
    assert "Labeled 50%" in steps[1][parts.told] and "2 stretches" in last[parts.told]
    done = last[parts.work]
    link = handlers.export(done, "elan", None)
    address = link.split('href="')[1].split('"')[0]
    path, _ = studio.files.find(*address.removeprefix("files/").split("/", 1))
    assert path.suffix == ".eaf" and "jump" in path.read_text()
    assert "frameRate" in handlers.export(done, "label-studio", None)
    assert "label a video first" in handlers.export(Work(), "csv", None)
    said, _ = handlers.add(done, NEW, "days")
    row = studio.datasets.called("days")
    assert f"./train?dataset={row.id}" in said and row.clips == 2
    assert {split_address(clip.path)[0] for clip in studio.store.datasets.get("days").clips} == {
        studio.examples[0].path
    }


@pytest.mark.browser
def test_in_the_browser_keys_correct_stretches_and_the_player_follows(tab: Any, served: Served, tmp_path: Path) -> None:
    expect = pytest.importorskip("playwright.sync_api").expect
    tab.goto(f"{served.address}/timeline?labels=run,jump")
    expect(tab.locator("#timeline-labels textarea, #timeline-labels input").first).to_have_value("run,jump")
    tab.locator("#timeline-video input[type=file]").set_input_files(served.studio.examples[0].path)
    expect(tab.locator("#timeline-video video")).to_be_visible()
    tab.locator("#timeline-label").click()
    rows = tab.locator(".stretch-editor tr[data-row]")
    expect(rows).to_have_count(2)
    rows.nth(1).locator("[name=label]").fill("walk")
    tab.keyboard.press("Enter")
    expect(rows.nth(1)).to_contain_text("by hand")
    expect(tab.locator("#timeline-drawing .lane-name").nth(1)).to_have_text("walk")
    tab.keyboard.press("ArrowUp")
    tab.keyboard.press("Alt+m")
    expect(rows).to_have_count(1)
    expect(rows.first.locator("[name=label]")).to_be_focused()
    tab.locator("[data-do=undo]").click()
    expect(rows).to_have_count(2)
    tab.locator("#timeline-drawing .bar").nth(1).click()
    tab.wait_for_function("document.querySelector('#timeline-video video').currentTime > 0.5")
    tab.locator("#timeline-export").click()
    expect(tab.locator("#timeline-took a")).to_contain_text("Download")
    tab.locator("#timeline-add").click()
    expect(tab.get_by_role("link", name="Train on these")).to_be_visible()
