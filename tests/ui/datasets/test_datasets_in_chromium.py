"""The screen of data sets in Chromium: clips come in, are looked at, mended, and brought back."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from ga2app.store.import_records import ImportState

from ..studios import Served, add_dataset, draw_clip

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect


@pytest.fixture
def page(tab: Any, served: Served) -> Any:
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


def part_of_page(page: Any, name: str) -> None:
    page.locator("#ds-detail").get_by_role("tab", name=name, exact=True).click()


def test_a_zip_with_three_broken_clips_among_twenty_comes_in_and_is_played(
    page: Any, served: Served, clips_zip: Path
) -> None:
    page.goto(f"{served.address}/datasets")
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
    with page.expect_download() as download:
        report.get_by_role("link", name="Download CSV").click()
    assert len(Path(download.value.path()).read_text().splitlines()) == 4
    expect(page.locator(".ds-set", has_text="moves")).to_be_visible()
    report.get_by_role("link", name="Open this data set").click()
    expect(page.locator("#ds-head h2")).to_have_text("moves")
    assert re.search(r"/datasets\?id=\d+$", page.url)
    expect(page.locator(".ds-clip img")).to_have_count(17)
    picture, player = page.locator(".ds-picture").nth(2), page.locator(".ds-player video")
    picture.focus()
    picture.press("Enter")
    expect(player).to_be_visible()
    page.wait_for_function("document.querySelector('.ds-player video').videoWidth === 64")
    expect(page.get_by_role("button", name="Close the player")).to_be_focused()
    page.keyboard.press("Escape")
    expect(player).to_have_count(0)
    expect(picture).to_be_focused()
    picture.click()
    expect(player).to_be_visible()
    page.locator(".ds-stage").click(position={"x": -20, "y": -20}, force=True)
    expect(player).to_have_count(0)
    page.get_by_role("link", name="+ Import clips").click()
    expect(report.locator("tbody tr")).to_have_count(3)


def test_a_data_set_is_looked_at_edited_exported_deleted_and_brought_back(page: Any, served: Served) -> None:
    add_dataset(served.studio)
    store = served.studio.store
    before = store.datasets.get("demo")
    page.goto(f"{served.address}/datasets")
    told, undo = page.locator("#ds-answer"), page.locator("#ds-undo")
    expect(page.locator(".ds-clip")).to_have_count(8)
    page.locator("#ds-filter-label input").click()
    page.get_by_role("option", name="waving").click()
    expect(page.locator(".ds-clip")).to_have_count(2)
    page.wait_for_url(re.compile(r"id=\d+&label=\d+"))
    page.locator(".ds-clip input").first.check()
    expect(page.locator(".ds-ticked")).to_have_text("1 ticked")
    page.locator("#ds-move-to").fill("saluting")
    page.locator("#ds-move-to").press("Enter")
    expect(told).to_contain_text("1 clip moved to 'saluting'")
    expect(page.locator(".ds-clip")).to_have_count(1)
    page.reload()
    expect(page.locator(".ds-clip")).to_have_count(1)
    expect(undo).to_have_text("Undo: moving 1 clip to 'saluting'")
    part_of_page(page, "Labels")
    page.get_by_role("button", name="jumping rope is novel: make it base").click()
    expect(page.get_by_role("button", name="jumping rope is base: make it novel")).to_be_visible()
    page.get_by_role("checkbox", name="Tick saluting").check()
    page.locator("#ds-merge-into").select_option("waving")
    page.locator("#ds-merge").click()
    expect(page.locator("#ds-labels tbody tr")).to_have_count(4)
    for offer in ("merging label 'saluting' into 'waving'", "making label 'jumping rope' base"):
        expect(undo).to_have_text(f"Undo: {offer}")
        undo.click()
    expect(undo).to_have_text("Undo: moving 1 clip to 'saluting'")
    undo.click()
    expect(undo).to_have_count(0)
    assert store.datasets.get("demo") == before
    part_of_page(page, "Split and draw")
    page.locator("#ds-draw").click()
    expect(page.locator("#ds-drawn h4")).to_have_count(2)
    part_of_page(page, "More")
    page.locator("#ds-new-name").fill("my moves")
    page.wait_for_timeout(300)
    page.locator("#ds-rename").click()
    expect(page.locator("#ds-head h2")).to_have_text("my moves")
    page.locator("#ds-pack").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download my moves.zip").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert "clips.csv" in archive.namelist() and len(archive.namelist()) == 9
    page.locator("#ds-delete").click()
    page.locator("#ds-really-delete").click()
    expect(page.locator("#ds-importing")).to_be_visible()
    undo.click()
    expect(page.locator("#ds-head h2")).to_have_text("my moves")
    assert store.datasets.get("my moves").clips == before.clips
    page.locator("#ds-train-on").click()
    page.wait_for_url(re.compile(r"/train\?dataset=\d+"))


def test_a_running_import_is_found_after_a_reload_and_can_be_cancelled(page: Any, served: Served) -> None:
    store = served.studio.store
    import_id = store.imports.begin("slow", "slow.zip", pid=1, process_started_s=1.0)
    going = page.locator("#ds-panel .ds-progress")
    try:
        store.imports.progress(import_id, "Looking at clips", 5, 20)
        page.goto(f"{served.address}/datasets")
        expect(going).to_contain_text("Looking at clips 5 of 20")
        store.imports.progress(import_id, "Looking at clips", 12, 20)
        expect(going).to_contain_text("Looking at clips 12 of 20")
        page.reload()
        expect(going).to_contain_text("12 of 20")
        page.locator("#ds-cancel").click()
        expect(going).to_contain_text("Cancelling")
    finally:
        store.imports.give_up(import_id, ImportState.CANCELLED, "cancelled; nothing was kept")
    expect(page.locator("#ds-report")).to_contain_text("cancelled; nothing was kept")


def test_the_page_fits_a_phone_and_every_field_has_a_name(page: Any, served: Served) -> None:
    add_dataset(served.studio)
    page.set_viewport_size({"width": 400, "height": 800})
    page.goto(f"{served.address}/datasets?__theme=dark")
    expect(page.locator(".ds-clip").first).to_be_visible()
    for name in ("Labels", "Split and draw", "More", "Clips"):
        part_of_page(page, name)
        page.wait_for_timeout(200)
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
        nameless = page.evaluate(
            """() => [...document.querySelectorAll('input, textarea, select, button')].filter(one =>
                one.offsetParent && one.type !== 'file' && !(one.labels && one.labels.length)
                && !one.ariaLabel && !one.textContent.trim() && !one.title).map(one => one.outerHTML)"""
        )
        assert nameless == []
    page.locator(".ds-new").click()
    expect(page.locator("#ds-import")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
