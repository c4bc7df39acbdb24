"""The Anchors screen in Chromium, with a decoder and an advisor that only pretend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ga2app.store.anchor_sets import AnchorFile

from ..fakes import GO_ON
from ..studios import BASE, Served, add_dataset, draw_clip

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect


@pytest.fixture(autouse=True)
def _fresh(served: Served) -> None:
    """Each test begins with one empty anchor set, one empty group, and one data set."""
    store = served.studio.store
    add_dataset(served.studio)
    store.anchors.create("mine")
    store.negatives.create_group("things")


def open_anchors(tab: Any, served: Served, room: str = "Anchor clips") -> None:
    tab.goto(f"{served.address}/anchors")
    tab.get_by_role("tab", name=room).click()


def captions(served: Served) -> list[tuple[str, bool]]:
    (row,) = served.studio.store.anchors.sets()
    return [(clip.caption, clip.enabled) for clip in served.studio.store.anchors.rows(row.id)]


def fill_set(served: Served, count: int, folder: Path) -> int:
    """Clips in the only set; gives the set's number."""
    clip = draw_clip(folder / "clip.mp4")
    (row,) = served.studio.store.anchors.sets()
    files = [AnchorFile(f"{clip}#{number}", f"scene {number}", f"digest-{number}") for number in range(count)]
    served.studio.store.anchors.add(row.id, files)
    return row.id


def test_clips_are_uploaded_edited_in_place_deleted_and_brought_back(tab: Any, served: Served, tmp_path: Path) -> None:
    open_anchors(tab, served)
    expect(tab.locator("#anchor-rows")).to_contain_text("has nothing to do with your actions")
    expect(tab.locator("#anchor-rows")).to_contain_text("a held frame of somebody riding a bicycle still looks like")
    tab.get_by_role("button", name="Add clips of your own").click()
    clips = [draw_clip(tmp_path / name, place) for place, name in enumerate(("rain.mp4", "car.mp4", "broken.mp4"))]
    tab.locator("#anchor-files input[type=file]").set_input_files(clips)
    expect(tab.locator("#anchor-told")).to_contain_text("2 clips added")
    expect(tab.locator("#anchor-told .notice.error")).to_contain_text("it has no video")
    cards = tab.locator("#anchor-rows .anchor-card")
    expect(cards).to_have_count(2)
    cards.nth(1).get_by_label("Caption of car.mp4").fill("a car passing")
    cards.nth(1).get_by_label("Caption of car.mp4").press("Enter")
    cards.nth(0).get_by_label("Use rain").uncheck()
    expect(tab.locator("#anchor-sets")).to_contain_text("2 clips, 1 on")
    tab.reload()
    expect(cards.nth(1).get_by_label("Caption of car.mp4")).to_have_value("a car passing")
    assert captions(served) == [("rain", False), ("a car passing", True)]
    cards.nth(0).get_by_label("Select rain").check()
    tab.get_by_role("button", name="Delete selected (1)").click()
    expect(cards).to_have_count(1)
    tab.locator("#anchor-undo").click()
    expect(cards).to_have_count(2)
    assert captions(served) == [("rain", False), ("a car passing", True)]
    for offered in ("switching 'rain' off", "changing the caption to 'a car passing'", "adding 2 clips to"):
        expect(tab.locator("#anchor-undo")).to_contain_text(offered)
        tab.locator("#anchor-undo").click()
        expect(tab.locator("#anchor-undone")).to_contain_text(f"Undone: {offered}")
    expect(cards).to_have_count(0)
    expect(tab.locator("#anchor-undo")).to_be_hidden()


def test_the_list_of_clips_that_could_not_be_added_stays_until_it_is_dismissed(
    tab: Any, served: Served, tmp_path: Path
) -> None:
    open_anchors(tab, served)
    tab.get_by_role("button", name="Add clips of your own").click()
    clips = [draw_clip(tmp_path / name, place) for place, name in enumerate(("rain.mp4", "broken.mp4"))]
    tab.locator("#anchor-files input[type=file]").set_input_files(clips)
    told = tab.locator("#anchor-told")
    expect(told).to_contain_text("1 clip could not be added to 'mine'.")
    tab.locator("#anchor-ideas-button").click()
    expect(tab.locator("#anchor-ideas [data-idea]").first).to_be_visible()
    expect(told).not_to_contain_text("1 clip added")
    expect(told).to_contain_text("it has no video")
    tab.locator("#anchor-measure").click()
    expect(told).to_contain_text("1 clip measured")
    expect(told).to_contain_text("it has no video")
    told.get_by_role("button", name="Dismiss").click()
    expect(told).not_to_contain_text("it has no video")
    expect(told).to_contain_text("1 clip measured")
    tab.locator("#anchor-all-off").click()
    expect(told).to_contain_text("1 clip switched off")
    expect(told).not_to_contain_text("it has no video")


def test_what_was_undone_is_said_beside_the_button_and_in_no_room(tab: Any, served: Served, tmp_path: Path) -> None:
    fill_set(served, 2, tmp_path)
    open_anchors(tab, served)
    tab.locator("#anchor-rows [data-pick]").first.check()
    tab.get_by_role("button", name="Delete selected (1)").click()
    expect(tab.locator("#anchor-told")).to_contain_text("1 clip deleted")
    tab.get_by_role("tab", name="Negative prompts").click()
    tab.locator("#anchor-undo").click()
    expect(tab.locator("#anchor-undone")).to_have_text("Brought back: 1 clip of the anchor set 'mine'.")
    expect(tab.locator("#negative-told")).to_have_text("")
    tab.get_by_role("tab", name="Anchor clips").click()
    expect(tab.locator("#anchor-told")).to_have_text("")
    tab.locator("#anchor-all-off").click()
    expect(tab.locator("#anchor-told")).to_contain_text("2 clips switched off")
    expect(tab.locator("#anchor-undone")).to_have_text("")


def test_a_set_is_filled_by_a_suggestion_and_measured_and_a_reload_shows_it(
    tab: Any, served: Served, tmp_path: Path
) -> None:
    store = served.studio.store
    pool = store.anchors.create("pool")
    scenes = [draw_clip(tmp_path / name, 40 * place) for place, name in enumerate(("clouds.mp4", "a-ladder.mp4"))]
    store.anchors.add(pool, [AnchorFile(str(path), path.stem, path.stem) for path in scenes])
    open_anchors(tab, served)
    tab.get_by_role("button", name="Suggest clips from a data set").click()
    expect(tab.locator("#anchor-pool input")).to_have_value("anchor set: pool (2 clips)")
    tab.locator("#anchor-suggest").click()
    proposed = tab.locator("#anchor-proposals .anchor-card")
    expect(proposed).to_have_count(2)
    expect(tab.get_by_label("Take clouds")).to_be_checked()
    expect(tab.get_by_label("Take a-ladder")).not_to_be_checked()
    expect(tab.locator("#anchor-rows .anchor-card")).to_have_count(0)
    tab.get_by_label("Take a-ladder").check()
    tab.get_by_role("button", name="Add the ticked clips").click()
    cards = tab.locator("#anchor-rows .anchor-card")
    expect(cards).to_have_count(2)
    expect(proposed).to_have_count(0)
    tab.locator("#anchor-measure").click()
    expect(tab.locator("#anchor-told")).to_contain_text("1 clip looks relevant")
    tab.reload()
    expect(tab.locator("#anchor-rows .warned .looks-relevant")).to_have_text(f"looks like “{BASE[0]}”")
    expect(cards.nth(1).get_by_role("meter")).to_have_attribute("aria-valuenow", "0.10")
    tab.locator("#anchor-order input").click()
    tab.get_by_role("option", name="most relevant first").click()
    expect(cards.nth(0)).to_contain_text("looks like")


def test_pictures_that_take_long_never_bring_back_the_set_that_was_left(
    tab: Any, served: Served, tmp_path: Path
) -> None:
    clip = draw_clip(tmp_path / "slow.mp4")
    (row,) = served.studio.store.anchors.sets()
    served.studio.store.anchors.add(row.id, [AnchorFile(str(clip), "slow", "slow-digest")])
    open_anchors(tab, served)
    cards = tab.locator("#anchor-rows .anchor-card")
    expect(cards).to_contain_text("making the picture…")
    tab.locator("#anchor-new-name input, #anchor-new-name textarea").first.fill("third")
    tab.locator("#anchor-create").click()
    expect(tab.locator("#anchor-name input, #anchor-name textarea").first).to_have_value("third")
    expect(cards).to_have_count(0)
    clip.with_name(GO_ON).touch()
    tab.wait_for_timeout(1000)
    expect(cards).to_have_count(0)
    tab.locator("#anchor-sets [data-choose]").filter(has_text="mine").click()
    expect(cards.locator("img")).to_have_count(1)


def test_prompts_are_pasted_edited_measured_deleted_and_brought_back(tab: Any, served: Served) -> None:
    negatives = served.studio.store.negatives
    open_anchors(tab, served, "Negative prompts")
    tab.locator("#negative-groups [data-choose]").nth(1).click()
    tab.get_by_role("button", name="Add prompts").click()
    tab.locator("#negative-text textarea").fill("rain\na ladder\nrain\nthe wide sea")
    tab.locator("#negative-add").click()
    expect(tab.locator("#negative-told")).to_contain_text("3 prompts added")
    expect(tab.locator("#negative-told")).to_contain_text("given twice: “rain”")
    rows = tab.locator("#negative-rows .prompt-row")
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
    assert [(row.text, row.enabled) for row in negatives.rows()] == [
        ("rain", False), ("a wall", True), ("the wide sea", True)]  # fmt: skip
    tab.get_by_label("all prompts on this page").check()
    tab.get_by_role("button", name="Delete selected (3)").click()
    expect(tab.locator("#negative-rows")).to_contain_text("No negative prompts here yet")
    tab.locator("#anchor-undo").click()
    expect(rows).to_have_count(3)
    tab.locator("#negative-search input, #negative-search textarea").fill("wall")
    expect(rows).to_have_count(1)


def test_prompts_go_out_to_a_file_and_come_back(tab: Any, served: Served, tmp_path: Path) -> None:
    negatives = served.studio.store.negatives
    negatives.add(negatives.group_rows()[0].id, ["rain", "a “wall”, red"])
    open_anchors(tab, served, "Negative prompts")
    with tab.expect_download() as download:
        tab.locator("#negative-export").click()
    file = tmp_path / "prompts.csv"
    download.value.save_as(file)
    assert file.read_text(encoding="utf-8") == 'group,text,enabled\nthings,rain,1\nthings,"a “wall”, red",1\n'
    file.write_text(file.read_text(encoding="utf-8") + "things,,1\nnew,a door,0\n", encoding="utf-8")
    with tab.expect_file_chooser() as chooser:
        tab.locator("#negative-import").click()
    chooser.value.set_files(file)
    expect(tab.locator("#negative-told")).to_contain_text("1 prompt added; 2 there already")
    expect(tab.locator("#negative-told")).to_contain_text("line 4: the text is empty")
    expect(tab.locator("#negative-groups")).to_contain_text("new")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_a_phone_and_every_input_has_a_name(tab: Any, served: Served, tmp_path: Path, theme: str) -> None:
    fill_set(served, 3, tmp_path)
    store = served.studio.store
    store.negatives.add(store.negatives.group_rows()[0].id, ["a rather long negative prompt " * 4])
    tab.set_viewport_size({"width": 400, "height": 800})
    tab.goto(f"{served.address}/anchors?__theme={theme}")
    for room in ("Anchor clips", "Negative prompts"):
        tab.get_by_role("tab", name=room).click()
        for box in tab.locator(".tabitem:visible .label-wrap:visible").all():
            box.click()
        tab.wait_for_timeout(300)
        assert tab.evaluate("document.documentElement.scrollWidth") <= 400
        nameless = tab.evaluate(
            """() => [...document.querySelectorAll('input, textarea, select, button')].filter(one =>
                one.offsetParent && one.type !== 'file' && !(one.labels && one.labels.length)
                && !one.ariaLabel && !one.textContent.trim() && !one.title).map(one => one.outerHTML)"""
        )
        assert nameless == []
