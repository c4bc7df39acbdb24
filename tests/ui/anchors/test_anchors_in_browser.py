"""The Anchors page in Chromium, with a decoder and an advisor that only pretend: a trip through each of its rooms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ga2app.store.anchor_sets import AnchorFile
from tests.browser import ticked

from ..fakes import GO_ON
from ..studios import BASE, Served, add_dataset, draw_clip

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect

PICKS, PROMPT_PICKS, PROPOSED = (
    "#anchor-rows [data-pick]",
    "#negative-rows [data-pick]",
    "#negative-proposals [data-pick]",
)


@pytest.fixture(autouse=True)
def _fresh(served: Served) -> None:
    """Each test begins with one empty anchor set, one empty group, and one data set."""
    store = served.studio.store
    add_dataset(served.studio)
    store.anchors.create("mine")
    store.negatives.create_group("things")


def captions(served: Served, name: str = "mine") -> list[tuple[str, bool]]:
    anchors = served.studio.store.anchors
    (row,) = (one for one in anchors.sets() if one.name == name)
    return [(clip.caption, clip.enabled) for clip in anchors.rows(row.id)]


def test_clips_are_added_edited_measured_suggested_and_brought_back(tab: Any, served: Served, tmp_path: Path) -> None:
    tab.goto(f"{served.address}/anchors")
    clips_are_uploaded_and_edited_in_place(tab, served, tmp_path)
    what_was_deleted_comes_back_and_that_is_said_in_one_place(tab, served)
    a_suggestion_is_taken_measured_and_sorted(tab, served, tmp_path)
    pictures_that_come_late_bring_back_no_other_set(tab, served, tmp_path)


def clips_are_uploaded_and_edited_in_place(tab: Any, served: Served, folder: Path) -> None:
    expect(tab.locator("#anchor-rows")).to_contain_text("has nothing to do with your actions")
    expect(tab.locator("#anchor-rows")).to_contain_text("a held frame of somebody riding a bicycle still looks like")
    tab.get_by_role("button", name="Add clips of your own").click()
    names = ("rain.mp4", "car.mp4", "fog.mp4", "broken.mp4")
    clips = [draw_clip(folder / name, place) for place, name in enumerate(names)]
    tab.locator("#anchor-files input[type=file]").set_input_files(clips)
    told, cards = tab.locator("#anchor-told"), tab.locator("#anchor-rows .anchor-card")
    expect(told).to_contain_text("3 clips added")
    expect(told.locator(".notice.error")).to_contain_text("1 clip could not be added to 'mine'.")
    expect(cards).to_have_count(3)
    # The list of what could not be added stays until it is dismissed.
    tab.locator("#anchor-ideas-button").click()
    expect(tab.locator("#anchor-ideas [data-idea]").first).to_be_visible()
    expect(told).not_to_contain_text("3 clips added")
    tab.locator("#anchor-measure").click()
    expect(told).to_contain_text("3 clips measured")
    expect(told).to_contain_text("it has no video")
    told.get_by_role("button", name="Dismiss").click()
    expect(told).not_to_contain_text("it has no video")
    expect(told).to_contain_text("3 clips measured")
    cards.nth(1).get_by_label("Caption of car.mp4").fill("a car passing")
    cards.nth(1).get_by_label("Caption of car.mp4").press("Enter")
    cards.nth(0).get_by_label("Use rain").uncheck()
    expect(tab.locator("#anchor-sets")).to_contain_text("3 clips, 2 on")
    tab.reload()
    expect(cards.nth(1).get_by_label("Caption of car.mp4")).to_have_value("a car passing")
    assert captions(served) == [("rain", False), ("a car passing", True), ("fog", True)]


def what_was_deleted_comes_back_and_that_is_said_in_one_place(tab: Any, served: Served) -> None:
    cards, undo = tab.locator("#anchor-rows .anchor-card"), tab.locator("#anchor-undo")
    for place in (0, 2):
        tab.locator(PICKS).nth(place).check()
    tab.get_by_role("button", name="Delete selected (2)").click()
    expect(cards).to_have_count(1)
    assert ticked(tab, PICKS) == [] and captions(served) == [("a car passing", True)]
    tab.locator(PICKS).first.check()
    tab.get_by_role("button", name="Delete selected (1)").click()
    expect(tab.locator("#anchor-told")).to_contain_text("1 clip deleted")
    tab.get_by_role("tab", name="Negative prompts").click()
    undo.click()
    expect(tab.locator("#anchor-undone")).to_have_text("Brought back: 1 clip of the anchor set 'mine'.")
    expect(tab.locator("#negative-told")).to_have_text("")
    tab.get_by_role("tab", name="Anchor clips").click()
    expect(tab.locator("#anchor-told")).to_have_text("")
    undo.click()
    expect(cards).to_have_count(3)
    assert ticked(tab, PICKS) == []
    assert captions(served) == [("rain", False), ("a car passing", True), ("fog", True)]
    tab.locator("#anchor-all-off").click()
    expect(tab.locator("#anchor-told")).to_contain_text("2 clips switched off")
    expect(tab.locator("#anchor-undone")).to_have_text("")
    for offered in ("switching", "switching 'rain' off", "changing the caption to 'a car passing'", "adding 3 clips"):
        expect(undo).to_contain_text(offered)
        undo.click()
        expect(tab.locator("#anchor-undone")).to_contain_text(f"Undone: {offered}")
    expect(cards).to_have_count(0)
    expect(undo).to_be_hidden()


def a_suggestion_is_taken_measured_and_sorted(tab: Any, served: Served, folder: Path) -> None:
    anchors = served.studio.store.anchors
    scenes = [draw_clip(folder / name, 40 * place) for place, name in enumerate(("clouds.mp4", "a-ladder.mp4"))]
    pool = anchors.create("pool")
    anchors.add(pool, [AnchorFile(str(path), path.stem, path.stem) for path in scenes])
    (mine,) = (one.id for one in anchors.sets() if one.name == "mine")
    tab.goto(f"{served.address}/anchors?set={mine}")
    tab.get_by_role("button", name="Suggest clips from a data set").click()
    expect(tab.locator("#anchor-pool input")).to_have_value("anchor set: pool (2 clips)")
    tab.locator("#anchor-suggest").click()
    proposed, cards = tab.locator("#anchor-proposals .anchor-card"), tab.locator("#anchor-rows .anchor-card")
    expect(proposed).to_have_count(2)
    expect(tab.get_by_label("Take clouds")).to_be_checked()
    expect(tab.get_by_label("Take a-ladder")).not_to_be_checked()
    expect(cards).to_have_count(0)
    tab.get_by_label("Take a-ladder").check()
    tab.get_by_role("button", name="Add the ticked clips").click()
    expect(cards).to_have_count(2)
    expect(proposed).to_have_count(0)
    tab.locator("#anchor-measure").click()
    expect(tab.locator("#anchor-told")).to_contain_text("1 clip looks relevant")
    expect(tab.locator("#anchor-rows .warned .looks-relevant")).to_have_text(f"looks like “{BASE[0]}”")
    expect(cards.nth(1).get_by_role("meter")).to_have_attribute("aria-valuenow", "0.10")
    tab.locator(PICKS).first.check()
    (clouds,) = ticked(tab, PICKS)
    tab.locator("#anchor-order input").click()
    tab.get_by_role("option", name="most relevant first").click()
    expect(cards.nth(0)).to_contain_text("looks like")
    expect(tab.locator(PICKS).last).to_be_checked()
    assert ticked(tab, PICKS) == [clouds], "a tick moves with its clip"


def pictures_that_come_late_bring_back_no_other_set(tab: Any, served: Served, folder: Path) -> None:
    clip = draw_clip(folder / "slow.mp4")
    late = served.studio.store.anchors.create("late")
    served.studio.store.anchors.add(late, [AnchorFile(str(clip), "slow", "slow-digest")])
    tab.goto(f"{served.address}/anchors?set={late}")
    cards = tab.locator("#anchor-rows .anchor-card")
    expect(cards).to_contain_text("making the picture…")
    tab.locator("#anchor-new-name input, #anchor-new-name textarea").first.fill("third")
    tab.locator("#anchor-create").click()
    expect(tab.locator("#anchor-name input, #anchor-name textarea").first).to_have_value("third")
    expect(cards).to_have_count(0)
    clip.with_name(GO_ON).touch()
    tab.wait_for_timeout(1000)
    expect(cards).to_have_count(0)
    tab.locator("#anchor-sets [data-choose]").filter(has_text="late").click()
    expect(cards.locator("img")).to_have_count(1)
    tab.wait_for_function("document.querySelector('#anchor-rows .anchor-card img').naturalWidth === 160")


def test_prompts_are_pasted_edited_measured_suggested_and_go_out_and_in(
    tab: Any, served: Served, tmp_path: Path
) -> None:
    tab.goto(f"{served.address}/anchors")
    tab.get_by_role("tab", name="Negative prompts").click()
    tab.locator("#negative-groups [data-choose]").nth(1).click()
    prompts_are_pasted_and_edited_in_place(tab, served)
    prompts_are_deleted_by_their_own_ticks(tab, served)
    new_proposals_have_the_ticks_of_none_before(tab)
    prompts_go_out_to_a_file_and_come_back(tab, served, tmp_path)


def prompts_are_pasted_and_edited_in_place(tab: Any, served: Served) -> None:
    tab.get_by_role("button", name="Add prompts").click()
    tab.locator("#negative-text textarea").fill("rain\na ladder\nrain\nthe wide sea")
    tab.locator("#negative-add").click()
    told, rows = tab.locator("#negative-told"), tab.locator("#negative-rows .prompt-row")
    expect(told).to_contain_text("3 prompts added")
    expect(told).to_contain_text("given twice: “rain”")
    expect(rows).to_have_count(3)
    tab.locator("#negative-measure").click()
    expect(rows.nth(1).get_by_role("meter")).to_have_attribute("aria-valuenow", "1.00")
    rows.nth(1).locator("[data-text]").fill("a wall")
    rows.nth(1).locator("[data-text]").press("Enter")
    expect(rows.nth(1)).to_contain_text("not measured")
    rows.nth(0).get_by_label("Use rain").uncheck()
    expect(tab.locator("#negative-groups")).to_contain_text("2 of 3 on")
    rows.nth(2).locator("[data-text]").fill("  ")
    rows.nth(2).locator("[data-text]").press("Enter")
    expect(tab.locator("#negative-told .notice.error")).to_contain_text("needs a text")
    expect(rows.nth(2).locator("[data-text]")).to_have_value("the wide sea")
    assert [(row.text, row.enabled) for row in served.studio.store.negatives.rows()] == [
        ("rain", False), ("a wall", True), ("the wide sea", True)]  # fmt: skip


def prompts_are_deleted_by_their_own_ticks(tab: Any, served: Served) -> None:
    rows, every = tab.locator("#negative-rows .prompt-row"), tab.get_by_label("all prompts on this page")
    every.check()
    assert len(ticked(tab, PROMPT_PICKS)) == 3
    tab.locator(PROMPT_PICKS).nth(1).uncheck()
    expect(every).not_to_be_checked()
    tab.get_by_role("button", name="Delete selected (2)").click()
    expect(rows).to_have_count(1)
    assert [row.text for row in served.studio.store.negatives.rows()] == ["a wall"]
    assert ticked(tab, PROMPT_PICKS) == []
    tab.locator("#anchor-undo").click()
    expect(rows).to_have_count(3)
    assert ticked(tab, PROMPT_PICKS) == []
    tab.locator("#negative-search input, #negative-search textarea").fill("wall")
    expect(rows).to_have_count(1)


def new_proposals_have_the_ticks_of_none_before(tab: Any) -> None:
    tab.get_by_role("button", name="Suggest prompts for my labels").click()
    count = tab.locator("#negative-count input")
    for number in ("3", "4"):
        count.fill(number)
        count.press("Tab")
        tab.wait_for_timeout(300)  # what is typed is told to Gradio's form a moment later
        tab.locator("#negative-suggest").click()
        expect(tab.locator(PROPOSED)).to_have_count(int(number))
        assert len(ticked(tab, PROPOSED)) == int(number)
        tab.locator(PROPOSED).first.uncheck()
        tab.locator(PROPOSED).nth(1).uncheck()


def prompts_go_out_to_a_file_and_come_back(tab: Any, served: Served, folder: Path) -> None:
    with tab.expect_download() as download:
        tab.locator("#negative-export").click()
    file = folder / "prompts.csv"
    download.value.save_as(file)
    text = file.read_text(encoding="utf-8")
    assert text == "group,text,enabled\nthings,rain,0\nthings,a wall,1\nthings,the wide sea,1\n"
    file.write_text(text + "things,,1\nnew,a door,0\n", encoding="utf-8")
    with tab.expect_file_chooser() as chooser:
        tab.locator("#negative-import").click()
    chooser.value.set_files(file)
    expect(tab.locator("#negative-told")).to_contain_text("1 prompt added; 3 there already")
    expect(tab.locator("#negative-told")).to_contain_text("line 5: the text is empty")
    expect(tab.locator("#negative-groups")).to_contain_text("new")
