"""A tick belongs to the row that a person ticked, on every screen with a list, and it can be seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ga2app.store.anchor_sets import AnchorFile
from ga2app.types import RunState
from tests.browser import path_of

from .studios import LABELS, Served, add_dataset, add_run, draw_clip

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect


def open_screen(tab: Any, served: Served, name: str, theme: str = "light") -> None:
    tab.goto(f"{served.address}/{path_of(name)}?__theme={theme}")


def ticked(tab: Any, boxes: str) -> list[str]:
    """The values of the boxes that show a tick."""
    found: list[str] = tab.evaluate(
        "boxes => [...document.querySelectorAll(boxes)].filter(one => one.checked).map(one => one.value)", boxes
    )
    return found


def fill_set(served: Served, folder: Path, count: int) -> list[int]:
    """An anchor set of ``count`` clips; gives their numbers."""
    anchors = served.studio.store.anchors
    set_id, clip = anchors.create("street"), draw_clip(folder / "clip.mp4")
    anchors.add(set_id, [AnchorFile(f"{clip}#{n}", f"scene {n}", f"digest-{n}") for n in range(count)])
    return [row.id for row in anchors.rows(set_id)]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_ticked_box_looks_ticked_on_every_screen(tab: Any, served: Served, tmp_path: Path, theme: str) -> None:
    add_dataset(served.studio)
    fill_set(served, tmp_path, 1)
    add_run(served.studio, RunState.STOPPED)
    places = [
        ("Datasets", ".ds-clip input", None),
        ("Datasets", "#ds-labels tbody input", "Labels"),
        ("Anchors", "#anchor-rows [data-pick]", None),
        ("Runs", "#runs [data-compare]", None),
    ]
    for screen, boxes, inner in places:
        open_screen(tab, served, screen, theme)
        if inner:
            tab.get_by_role("tab", name=inner, exact=True).click()
        box = tab.locator(boxes).first
        expect(box).to_be_visible()
        empty = box.screenshot()
        box.check()
        tab.mouse.move(0, 0)
        assert box.evaluate("one => getComputedStyle(one).appearance") == "auto", boxes
        assert box.evaluate("one => getComputedStyle(one).colorScheme") == theme, boxes
        assert box.screenshot() != empty, boxes


def test_deleted_labels_take_their_ticks_with_them(tab: Any, served: Served) -> None:
    add_dataset(served.studio, "other")
    add_dataset(served.studio)
    boxes = "#ds-labels tbody input"
    open_screen(tab, served, "Datasets")
    tab.get_by_role("tab", name="Labels", exact=True).click()
    tab.get_by_role("checkbox", name=f"Tick {LABELS[0]}").check()
    tab.locator("#ds-delete-labels").click()
    expect(tab.locator(boxes)).to_have_count(3)
    assert ticked(tab, boxes) == []
    tab.locator("#ds-delete-labels").click()
    expect(tab.locator("#ds-answer .notice.error")).to_contain_text("no label is ticked")
    assert len(served.studio.store.datasets.get("demo").base + served.studio.store.datasets.get("demo").novel) == 3
    tab.locator("#ds-undo").click()
    expect(tab.locator(boxes)).to_have_count(4)
    assert ticked(tab, boxes) == []
    tab.get_by_role("button", name="Tick all", exact=True).click()
    assert len(ticked(tab, boxes)) == 4
    tab.locator("[data-set]", has_text="other").click()
    expect(tab.locator("#ds-head h2")).to_have_text("other")
    assert ticked(tab, boxes) == []


def test_anchor_clips_are_deleted_by_their_own_ticks_alone(tab: Any, served: Served, tmp_path: Path) -> None:
    clips = fill_set(served, tmp_path, 5)
    boxes, cards = "#anchor-rows [data-pick]", tab.locator("#anchor-rows .anchor-card")
    open_screen(tab, served, "Anchors")
    for place in (0, 2):
        tab.locator(boxes).nth(place).check()
    tab.get_by_role("button", name="Delete selected (2)").click()
    expect(cards).to_have_count(3)
    assert ticked(tab, boxes) == []
    tab.locator(boxes).nth(1).check()
    tab.get_by_role("button", name="Delete selected (1)").click()
    expect(cards).to_have_count(2)
    (row,) = served.studio.store.anchors.sets()
    assert [one.id for one in served.studio.store.anchors.rows(row.id)] == [clips[1], clips[4]]
    tab.locator("#anchor-undo").click()
    expect(cards).to_have_count(3)
    assert ticked(tab, boxes) == []


def test_a_tick_moves_with_its_clip_when_the_list_is_sorted(tab: Any, served: Served, tmp_path: Path) -> None:
    from ga2app.store.anchor_rows import Rating

    add_dataset(served.studio)
    clips = fill_set(served, tmp_path, 3)
    store = served.studio.store
    paths = [row.path for row in store.anchors.rows(store.anchors.sets()[0].id)]
    question = store.ratings.ask(LABELS[:2], "sketch", "demo")
    store.ratings.keep_clips(
        question.id,
        {path: Rating(0.2 + 0.3 * place, LABELS[0]) for place, path in enumerate(paths)},
        comparable=True,
    )
    open_screen(tab, served, "Anchors")
    tab.locator("#anchor-rows [data-pick]").first.check()
    tab.locator("#anchor-order input").click()
    tab.get_by_role("option", name="most irrelevant first").click()
    expect(tab.locator("#anchor-rows [data-text]").first).to_have_value("scene 2")
    assert ticked(tab, "#anchor-rows [data-pick]") == [str(clips[0])]
    expect(tab.locator("#anchor-rows [data-pick]").last).to_be_checked()


def test_negative_prompts_are_deleted_by_their_own_ticks_alone(tab: Any, served: Served) -> None:
    negatives = served.studio.store.negatives
    group = negatives.create_group("things")
    negatives.add(group, [f"thing {n}" for n in range(5)])
    boxes, rows = "#negative-rows [data-pick]", tab.locator("#negative-rows .prompt-row")
    open_screen(tab, served, "Anchors")
    tab.get_by_role("tab", name="Negative prompts").click()
    for place in (0, 1):
        tab.locator(boxes).nth(place).check()
    tab.get_by_role("button", name="Delete selected (2)").click()
    expect(rows).to_have_count(3)
    assert ticked(tab, boxes) == []
    tab.locator("#anchor-undo").click()
    expect(rows).to_have_count(5)
    assert ticked(tab, boxes) == []
    tab.get_by_label("all prompts on this page").check()
    assert len(ticked(tab, boxes)) == 5
    tab.locator(boxes).nth(3).uncheck()
    expect(tab.get_by_label("all prompts on this page")).not_to_be_checked()
    tab.get_by_role("button", name="Delete selected (4)").click()
    expect(rows).to_have_count(1)
    assert [row.text for row in negatives.rows(group)] == ["thing 3"]


def test_new_proposals_have_the_ticks_of_none_before(tab: Any, served: Served) -> None:
    add_dataset(served.studio)
    served.studio.store.negatives.create_group("things")
    boxes = "#negative-proposals [data-pick]"
    open_screen(tab, served, "Anchors")
    tab.get_by_role("tab", name="Negative prompts").click()
    tab.locator("#negative-groups [data-choose]").nth(1).click()
    tab.get_by_role("button", name="Suggest prompts for my labels").click()
    for count in ("3", "4"):
        tab.locator("#negative-count input").fill(count)
        tab.locator("#negative-count input").press("Tab")
        tab.wait_for_timeout(300)  # what is typed is told to Gradio's form a moment later
        tab.locator("#negative-suggest").click()
        expect(tab.locator(boxes)).to_have_count(int(count))
        assert len(ticked(tab, boxes)) == int(count)
        tab.locator(boxes).first.uncheck()
        tab.locator(boxes).nth(1).uncheck()


def test_a_deleted_run_is_not_compared_and_untick_all_empties_the_boxes(tab: Any, served: Served) -> None:
    runs = [add_run(served.studio, RunState.STOPPED) for _ in range(5)]
    boxes = "#runs [data-compare]"
    tab.goto(f"{served.address}/runs?id={runs[2]}")
    for run_id in runs[2:]:
        tab.get_by_label(f"Compare run {run_id}").check()
    expect(tab.locator("#compare")).to_have_text("Compare 3 runs")
    tab.locator("#delete").click()
    expect(tab.locator(boxes)).to_have_count(4)
    assert ticked(tab, boxes) == [str(runs[4]), str(runs[3])]
    expect(tab.locator("#compare")).to_have_text("Compare 2 runs")
    tab.locator("#undo-run").click()
    expect(tab.locator(boxes)).to_have_count(5)
    assert ticked(tab, boxes) == [str(runs[4]), str(runs[3])]
    tab.locator("#compare-none").click()
    expect(tab.locator("#compare")).to_be_hidden()
    assert ticked(tab, boxes) == []
    tab.get_by_label(f"Compare run {runs[0]}").check()
    expect(tab.locator("#compare")).to_have_text("Tick another to compare")
