"""The screen of data sets in Chromium: clips come in, are looked at, mended, and brought back."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from ga2app.store.clip_pages import ClipFilter
from ga2app.store.import_records import ImportState
from tests.browser import go_to

from ..studios import Served, add_dataset, draw_clip

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect


@pytest.fixture
def page(tab: Any, served: Served) -> Any:
    tab.goto(served.address)
    return tab


@pytest.fixture
def clips_zip(tmp_path: Path) -> Path:
    """Twenty clips under two labels, three of which are broken."""
    path = tmp_path / "moves.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(17):
            label = "waving" if number % 2 else "jumping"
            clip = draw_clip(tmp_path / f"{number}.mp4", 10 * number)
            archive.write(clip, f"moves/{label}/clip-{number}.mp4")
        for number in range(2):
            archive.writestr(f"moves/waving/broken-{number}.mp4", b"no clip")
        archive.writestr("moves/jumping/broken <b>.mp4", b"no clip")
    return path


def open_screen(page: Any) -> None:
    go_to(page, "Datasets")
    expect(page.locator(".ds-new")).to_be_visible()


def part_of_screen(page: Any, name: str) -> None:
    page.locator("#ds-detail").get_by_role("tab", name=name, exact=True).click()


def choose(page: Any, box: str, option: str) -> None:
    page.locator(f"{box} input").click()
    page.get_by_role("option", name=option).click()


def test_a_zip_with_three_broken_clips_among_twenty(page: Any, served: Served, clips_zip: Path) -> None:
    open_screen(page)
    expect(page.locator("#ds-importing")).to_contain_text("Put the clips of each action into a folder")
    page.locator("#ds-import").click()
    expect(page.locator("#ds-import-answer .notice.error")).to_contain_text("no zip was given")
    page.locator("#ds-zip input[type=file]").set_input_files(clips_zip)
    expect(page.locator("#ds-zip")).to_contain_text("moves")
    page.locator("#ds-import").click()
    report = page.locator("#ds-report")
    expect(report.locator(".notice.success")).to_contain_text("17 clips went in")
    expect(report.locator("tbody tr")).to_have_count(3)
    expect(report).to_contain_text("jumping/broken <b>.mp4")
    expect(report.locator("tbody tr").first).to_contain_text("it has no video")
    with page.expect_download() as download:
        report.get_by_role("link", name="Download CSV").click()
    assert len(Path(download.value.path()).read_text().splitlines()) == 4
    page.reload()
    open_screen(page)
    page.locator(".ds-new").click()
    expect(report.locator("tbody tr")).to_have_count(3)
    report.get_by_role("button", name="Open this data set").click()
    expect(page.locator("#ds-head h2")).to_have_text("moves")
    expect(page.locator(".ds-clip img")).to_have_count(17)
    page.locator(".ds-picture").first.click()
    player = page.locator(".ds-player video")
    expect(player).to_be_visible()
    page.wait_for_function("document.querySelector('.ds-player video').videoWidth === 64")
    page.get_by_role("button", name="Close the player").click()
    expect(player).to_have_count(0)


def test_escape_closes_the_player_and_the_focus_comes_back(page: Any, served: Served) -> None:
    add_dataset(served.studio)
    open_screen(page)
    picture, player = page.locator(".ds-picture").nth(2), page.locator(".ds-player video")
    picture.focus()
    picture.press("Enter")
    expect(player).to_be_visible()
    close = page.get_by_role("button", name="Close the player")
    expect(close).to_be_focused()
    assert (
        page.locator("#ds-detail")
        .get_by_role("tab", name="More", exact=True)
        .evaluate(
            "tab => { const at = tab.getBoundingClientRect();"
            " return !tab.contains(document.elementFromPoint(at.x + at.width / 2, at.y + at.height / 2)); }"
        )
    )
    page.keyboard.press("Escape")
    expect(player).to_have_count(0)
    expect(picture).to_be_focused()
    picture.click()
    expect(player).to_be_visible()
    page.locator(".ds-stage").click(position={"x": -20, "y": -20}, force=True)
    expect(player).to_have_count(0)


def test_every_edit_of_a_data_set_is_undone_by_a_press(page: Any, served: Served) -> None:
    add_dataset(served.studio)
    store = served.studio.store
    before = store.datasets.get("demo")
    open_screen(page)
    part_of_screen(page, "Labels")
    page.get_by_role("button", name="waving is novel: make it base").click()
    undo = page.locator("#ds-undo")
    expect(undo).to_have_text("Undo: making label 'waving' base")
    page.get_by_role("checkbox", name="Tick waving").check()
    choose(page, "#ds-merge-into", "jumping rope")
    page.locator("#ds-merge").click()
    expect(undo).to_have_text("Undo: merging label 'waving' into 'jumping rope'")
    part_of_screen(page, "Clips")
    page.locator(".ds-clip input").first.check()
    page.locator("#ds-move-to input").fill("saluting")
    page.locator("#ds-move-to input").press("Enter")
    page.locator("#ds-move").click()
    expect(undo).to_have_text("Undo: moving 1 clip to 'saluting'")
    undo.click()
    expect(page.locator("#ds-answer")).to_contain_text("Undone: moving 1 clip to 'saluting'.")
    undo.click()
    expect(undo).to_have_text("Undo: making label 'waving' base")
    undo.click()
    expect(undo).to_be_hidden()
    assert store.datasets.get("demo") == before


def test_clips_are_filtered_moved_deleted_and_brought_back(page: Any, served: Served) -> None:
    add_dataset(served.studio)
    open_screen(page)
    expect(page.locator("#ds-head h2")).to_have_text("demo")
    expect(page.locator(".ds-clip")).to_have_count(8)
    choose(page, "#ds-filter-label", "waving")
    expect(page.locator(".ds-clip")).to_have_count(2)
    page.locator(".ds-clip input").first.check()
    expect(page.locator(".ds-ticked")).to_have_text("1 ticked")
    page.locator("#ds-move-to input").fill("saluting")
    page.locator("#ds-move-to input").press("Enter")
    page.locator("#ds-move").click()
    expect(page.locator("#ds-answer")).to_contain_text("1 clip moved to 'saluting'")
    expect(page.locator(".ds-clip")).to_have_count(1)
    page.locator(".ds-clip input").check()
    page.locator("#ds-delete-clips").click()
    expect(page.locator("#ds-undo")).to_have_text("Undo: bring back 1 clip")
    expect(page.locator("#ds-clips")).to_contain_text("No clip matches")
    page.locator("#ds-undo").click()
    expect(page.locator(".ds-clip")).to_have_count(1)
    expect(page.locator("#ds-undo")).to_have_text("Undo: moving 1 clip to 'saluting'")
    page.locator("#ds-delete-clips").click()
    expect(page.locator("#ds-answer .notice.error")).to_contain_text("no clip is ticked")
    choose(page, "#ds-filter-label", "All labels")
    page.locator("#ds-filter-text textarea, #ds-filter-text input").fill("rope")
    page.locator("#ds-filter-text textarea, #ds-filter-text input").press("Enter")
    expect(page.locator(".ds-clip")).to_have_count(2)


def test_labels_are_turned_merged_and_split_anew(page: Any, served: Served) -> None:
    add_dataset(served.studio)
    store = served.studio.store
    open_screen(page)
    part_of_screen(page, "Labels")
    page.get_by_role("button", name="waving is novel: make it base").click()
    expect(page.get_by_role("button", name="waving is base: make it novel")).to_be_visible()
    page.get_by_role("checkbox", name="Tick waving").check()
    page.get_by_role("checkbox", name="Tick jumping rope").check()
    choose(page, "#ds-merge-into", "jumping rope")
    page.locator("#ds-merge").click()
    expect(page.locator("#ds-answer")).to_contain_text("Merged: 2 clips moved.")
    expect(page.locator("#ds-labels tbody tr")).to_have_count(3)
    assert len(store.datasets.get("demo").clips) == 8
    page.get_by_role("checkbox", name="Tick rowing a boat").check()
    page.locator("#ds-delete-labels").click()
    expect(page.locator("#ds-head")).to_contain_text("training needs at least two base labels, and there is one")
    page.locator("#ds-undo").click()
    expect(page.locator("#ds-labels tbody tr")).to_have_count(3)
    part_of_screen(page, "Split and draw")
    page.locator("#ds-split").click()
    expect(page.locator("#ds-answer")).to_contain_text("Split anew with seed 0")
    page.locator("#ds-draw").click()
    expect(page.locator("#ds-drawn h4")).to_have_count(2)
    page.locator("#ds-train-on").click()
    expect(page.locator("#dataset")).to_contain_text("demo")


def test_a_data_set_is_renamed_exported_deleted_and_brought_back(page: Any, served: Served) -> None:
    add_dataset(served.studio)
    before = served.studio.store.datasets.get("demo")
    open_screen(page)
    part_of_screen(page, "More")
    name = page.locator("#ds-new-name textarea, #ds-new-name input")
    expect(name).to_have_value("demo")
    name.fill("my moves")
    name.press("Tab")
    page.wait_for_timeout(300)
    expect(name).to_have_value("my moves")
    page.locator("#ds-rename").click()
    expect(page.locator("#ds-answer")).to_contain_text("The data set is called 'my moves' now")
    expect(page.locator("#ds-head h2")).to_have_text("my moves")
    page.locator("#ds-pack").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download my moves.zip").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert "clips.csv" in archive.namelist() and len(archive.namelist()) == 9
    page.locator("#ds-delete").click()
    page.locator("#ds-really-delete").click()
    expect(page.locator("#ds-importing")).to_be_visible()
    page.locator("#ds-undo").click()
    expect(page.locator(".ds-set:not(.waiting)")).to_contain_text("my moves")
    assert served.studio.store.datasets.get("my moves").clips == before.clips


def test_a_running_import_is_found_after_a_reload_and_can_be_cancelled(page: Any, served: Served) -> None:
    store = served.studio.store
    import_id = store.imports.begin("slow", "slow.zip", pid=1, process_started_s=1.0)
    try:
        store.imports.progress(import_id, "Looking at clips", 5, 20)
        open_screen(page)
        expect(page.locator("#ds-progress")).to_contain_text("Looking at clips 5 of 20")
        store.imports.progress(import_id, "Looking at clips", 12, 20)
        expect(page.locator("#ds-progress")).to_contain_text("Looking at clips 12 of 20")
        page.reload()
        open_screen(page)
        expect(page.locator("#ds-progress")).to_contain_text("12 of 20")
        page.locator("#ds-cancel").click()
        expect(page.locator("#ds-progress")).to_contain_text("Cancelling")
        assert not store.imports.progress(import_id, "Looking at clips", 13, 20)
    finally:
        store.imports.give_up(import_id, ImportState.CANCELLED, "cancelled; nothing was kept")
    expect(page.locator("#ds-report")).to_contain_text("cancelled; nothing was kept")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_screen_fits_a_phone_and_every_field_has_a_name(tab: Any, served: Served, theme: str) -> None:
    add_dataset(served.studio)
    tab.set_viewport_size({"width": 400, "height": 800})
    tab.goto(f"{served.address}/datasets?__theme={theme}")
    expect(tab.locator(".ds-clip").first).to_be_visible()
    for name in ("Labels", "Split and draw", "More", "Clips"):
        part_of_screen(tab, name)
        tab.wait_for_timeout(200)
        assert tab.evaluate("document.documentElement.scrollWidth") <= 400
        nameless = tab.evaluate(
            """() => [...document.querySelectorAll('input, textarea, select, button')].filter(one =>
                one.offsetParent && one.type !== 'file' && !(one.labels && one.labels.length)
                && !one.ariaLabel && !one.textContent.trim() && !one.title).map(one => one.outerHTML)"""
        )
        assert nameless == []
    tab.locator(".ds-new").click()
    expect(tab.locator("#ds-import")).to_be_visible()
    assert tab.evaluate("document.documentElement.scrollWidth") <= 400


def test_pages_of_sixty(page: Any, served: Served) -> None:
    from ga2app.types import Dataset, LabelledClip

    clips = tuple(LabelledClip(served.studio.examples[0].path, f"label {number % 4}") for number in range(130))
    labels = tuple(f"label {number}" for number in range(4))
    dataset_id = served.studio.store.datasets.add(Dataset("many", labels, (), clips), origin="test")
    open_screen(page)
    expect(page.locator(".ds-clip")).to_have_count(60)
    page.get_by_role("button", name="Last").first.click()
    expect(page.locator(".ds-clip")).to_have_count(10)
    expect(page.locator(".ds-bar").first).to_contain_text(re.compile("121 to 130 of 130"))
    assert served.studio.store.clips.count(dataset_id, ClipFilter()) == 130
