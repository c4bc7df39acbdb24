"""The Datasets page in Chromium: clips come in, are looked at, corrected, taken out and brought back."""

from __future__ import annotations

import os
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from ga2app.store.import_records import ImportState
from ga2app.worker.launcher import process_started_s
from tests.browser import ticked

from ..studios import LABELS, Served, add_dataset, draw_clip

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect


@pytest.fixture
def clips_zip(tmp_path: Path) -> Path:
    """Seven clips under two labels, three of which are broken."""
    path = tmp_path / "moves.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(4):
            label = "waving" if number % 2 else "jumping"
            archive.write(draw_clip(tmp_path / f"{number}.mp4", 10 * number), f"moves/{label}/clip-{number}.mp4")
        for number in range(2):
            archive.writestr(f"moves/waving/broken-{number}.mp4", b"no clip")
        archive.writestr("moves/jumping/broken <b>.mp4", b"no clip")
    return path


def test_a_zip_comes_in_with_its_faults_and_data_sets_are_looked_at_edited_and_brought_back(
    tab: Any, served: Served, clips_zip: Path
) -> None:
    tab.goto(f"{served.address}/datasets")
    a_zip_with_broken_clips_comes_in(tab, clips_zip)
    a_clip_is_played_and_the_player_closed(tab)
    a_running_import_is_followed_and_cancelled(tab, served)
    add_dataset(served.studio)
    clips_are_found_ticked_and_moved(tab, served)
    labels_are_ticked_merged_and_made_novel(tab, served)
    it_is_renamed_exported_deleted_and_brought_back(tab, served)
    a_list_of_stretches_is_previewed_imported_and_written(tab, served, clips_zip.parent)


def part_of_page(tab: Any, name: str) -> None:
    tab.locator("#ds-detail").get_by_role("tab", name=name, exact=True).click()


def a_zip_with_broken_clips_comes_in(tab: Any, archive: Path) -> None:
    expect(tab.locator("#ds-importing")).to_contain_text("Put the clips of each action into a folder")
    tab.locator("#ds-import").click()
    expect(tab.locator("#ds-import-answer .notice.error")).to_contain_text("no zip was given")
    tab.locator("#ds-zip input[type=file]").set_input_files(archive)
    expect(tab.locator("#ds-zip")).to_contain_text("moves")
    tab.locator("#ds-import").click()
    report = tab.locator("#ds-report")
    expect(report.locator(".notice.success")).to_contain_text("4 clips went in")
    expect(report.locator("tbody tr")).to_have_count(3)
    expect(report).to_contain_text("jumping/broken <b>.mp4")
    with tab.expect_download() as download:
        report.get_by_role("link", name="Download CSV").click()
    assert len(Path(download.value.path()).read_text().splitlines()) == 4
    expect(tab.locator(".ds-set", has_text="moves")).to_be_visible()
    report.get_by_role("link", name="Open this data set").click()
    expect(tab.locator("#ds-head h2")).to_have_text("moves")
    assert re.search(r"/datasets\?id=\d+$", tab.url)


def a_clip_is_played_and_the_player_closed(tab: Any) -> None:
    expect(tab.locator(".ds-clip img")).to_have_count(4)
    tab.wait_for_function("document.querySelector('.ds-clip img').naturalWidth === 160")
    picture, player = tab.locator(".ds-picture").nth(2), tab.locator(".ds-player video")
    picture.focus()
    picture.press("Enter")
    expect(player).to_be_visible()
    tab.wait_for_function("document.querySelector('.ds-player video').videoWidth === 64")
    expect(tab.get_by_role("button", name="Close the player")).to_be_focused()
    tab.keyboard.press("Escape")
    expect(player).to_have_count(0)
    expect(picture).to_be_focused()
    picture.click()
    expect(player).to_be_visible()
    tab.locator(".ds-stage").click(position={"x": -20, "y": -20}, force=True)
    expect(player).to_have_count(0)
    tab.get_by_role("link", name="+ Import clips").click()
    expect(tab.locator("#ds-report tbody tr")).to_have_count(3)


def a_running_import_is_followed_and_cancelled(tab: Any, served: Served) -> None:
    store, another = served.studio.store, os.getppid()
    import_id = store.imports.begin("slow", "slow.zip", another, process_started_s(another) or 0.0)
    going = tab.locator("#ds-panel .ds-progress")
    try:
        store.imports.progress(import_id, "Looking at clips", 5, 20)
        tab.goto(f"{served.address}/datasets")
        expect(going).to_contain_text("Looking at clips 5 of 20")
        store.imports.progress(import_id, "Looking at clips", 12, 20)
        expect(going).to_contain_text("Looking at clips 12 of 20")
        tab.locator("#ds-cancel").click()
        expect(going).to_contain_text("Cancelling")
    finally:
        store.imports.give_up(import_id, ImportState.CANCELLED, "cancelled; nothing was kept")
    expect(tab.locator("#ds-report")).to_contain_text("cancelled; nothing was kept")


def clips_are_found_ticked_and_moved(tab: Any, served: Served) -> None:
    tab.goto(f"{served.address}/datasets")
    expect(tab.locator("#ds-head h2")).to_have_text("demo")
    expect(tab.locator(".ds-clip")).to_have_count(8)
    tab.locator("#ds-filter-label input").click()
    tab.get_by_role("option", name="waving").click()
    expect(tab.locator(".ds-clip")).to_have_count(2)
    tab.wait_for_url(re.compile(r"id=\d+&label=\d+"))
    tab.locator(".ds-clip input").first.check()
    expect(tab.locator(".ds-ticked")).to_have_text("1 ticked")
    tab.locator("#ds-move-to").fill("saluting")
    tab.locator("#ds-move-to").press("Enter")
    expect(tab.locator("#ds-answer")).to_contain_text("1 clip moved to 'saluting'")
    expect(tab.locator(".ds-clip")).to_have_count(1)
    tab.reload()
    expect(tab.locator(".ds-clip")).to_have_count(1)
    expect(tab.locator("#ds-undo")).to_have_text("Undo: moving 1 clip to 'saluting'")


def labels_are_ticked_merged_and_made_novel(tab: Any, served: Served) -> None:
    boxes, rows, undo = "#ds-labels tbody input", tab.locator("#ds-labels tbody tr"), tab.locator("#ds-undo")
    part_of_page(tab, "Labels")
    tab.get_by_role("button", name="jumping rope is novel: make it base").click()
    expect(tab.get_by_role("button", name="jumping rope is base: make it novel")).to_be_visible()
    tab.get_by_role("checkbox", name="Tick saluting").check()
    tab.locator("#ds-merge-into").select_option("waving")
    tab.locator("#ds-merge").click()
    expect(rows).to_have_count(4)
    tab.get_by_role("checkbox", name=f"Tick {LABELS[0]}").check()
    tab.locator("#ds-delete-labels").click()
    expect(rows).to_have_count(3)
    assert ticked(tab, boxes) == []
    tab.locator("#ds-delete-labels").click()
    expect(tab.locator("#ds-answer .notice.error")).to_contain_text("no label is ticked")
    expect(rows).to_have_count(3)
    for offer in (LABELS[0], "merging label 'saluting' into 'waving'", "making label 'jumping rope' base"):
        expect(undo).to_contain_text(offer)
        undo.click()
    expect(undo).to_have_text("Undo: moving 1 clip to 'saluting'")
    undo.click()
    expect(rows).to_have_count(4)
    assert ticked(tab, boxes) == []
    tab.get_by_role("button", name="Tick all", exact=True).click()
    assert len(ticked(tab, boxes)) == 4
    tab.locator("[data-set]", has_text="moves").click()
    expect(tab.locator("#ds-head h2")).to_have_text("moves")
    assert ticked(tab, boxes) == []
    tab.locator("[data-set]", has_text="demo").click()
    expect(tab.locator("#ds-head h2")).to_have_text("demo")


def it_is_renamed_exported_deleted_and_brought_back(tab: Any, served: Served) -> None:
    store = served.studio.store
    before = store.datasets.get("demo")
    assert (before.base, len(before.clips)) == (LABELS[:2], 8)
    part_of_page(tab, "Split")
    tab.locator("#ds-draw").click()
    expect(tab.locator("#ds-drawn h4")).to_have_count(2)
    part_of_page(tab, "More")
    name = tab.locator("#ds-new-name")
    name.fill("my moves")
    name.blur()
    tab.locator("#ds-rename").click()
    expect(tab.locator("#ds-head h2")).to_have_text("my moves")
    tab.locator("#ds-pack").click()
    with tab.expect_download() as download:
        tab.get_by_role("link", name="Download my moves.zip").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert "clips.csv" in archive.namelist() and len(archive.namelist()) == 9
    tab.locator("#ds-delete").click()
    tab.locator("#ds-really-delete").click()
    expect(tab.locator("#ds-head h2")).to_have_text("moves")
    tab.locator("#ds-undo").click()
    expect(tab.locator("#ds-head h2")).to_have_text("my moves")
    assert store.datasets.get("my moves").clips == before.clips
    tab.locator("#ds-train-on").click()
    tab.wait_for_url(re.compile(r"/train\?dataset=\d+"))


def a_list_of_stretches_is_previewed_imported_and_written(tab: Any, served: Served, folder: Path) -> None:
    (folder / "labels.csv").write_text("path,label,start,end\n0.mp4,wave,0,0.5\n1.mp4,jump,0.25,9\n1.mp4,jump,5,6\n")
    tab.goto(f"{served.address}/datasets?new=1")
    tab.get_by_label("A folder, a CSV or a zip on this machine").check()
    expect(tab.locator("#ds-preview")).to_be_hidden()
    place = tab.locator("#ds-place :is(input, textarea)")
    place.press_sequentially(str(folder / "labels.csv"), delay=30)
    place.blur()
    tab.locator("#ds-preview").click()
    expect(tab.locator("#ds-found .timeline")).to_have_count(2)
    expect(tab.locator("#ds-found")).to_contain_text("2 stretches of 2 labels in 2 videos would be imported; 1 cut")
    expect(tab.locator("#ds-rate")).to_be_hidden()
    tab.locator("#ds-import").click()
    tab.get_by_role("link", name="Open this data set").click()
    expect(tab.locator("#ds-head h2")).to_have_text("labels")
    part_of_page(tab, "More")
    tab.locator("#ds-form").select_option("webvtt")
    tab.locator("#ds-of-video").fill("0.mp4")
    tab.locator("#ds-for-tool").click()
    with tab.expect_download() as download:
        tab.get_by_role("link", name="Download 0.vtt").click()
    assert Path(download.value.path()).read_text() == "WEBVTT\n\n00:00:00.000 --> 00:00:00.500\nwave\n"
