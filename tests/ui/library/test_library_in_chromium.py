"""The library in Chromium: a bundle goes through all that can be done with one."""

from __future__ import annotations

import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ga2app.config import PromptConfig, RunConfig
from tests.browser import go_to

from ..studios import BASE, LABELS, Served, add_bundle, keep_bundle

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect


def open_library(tab: Any, served: Served, query: str = "") -> None:
    tab.goto(f"{served.address}/library{query}")


def test_a_bundle_is_downloaded_and_uploaded_into_a_library_that_teaches(
    tab: Any, served: Served, tmp_path: Path
) -> None:
    folder = keep_bundle(served.studio, "traveller", '# Hi\n\n<img src="/nowhere.png"> ![x](https://spy.example/x.png)')
    open_library(tab, served)
    expect(tab.locator("#bundle-head h2")).to_have_text("traveller")
    expect(tab.locator(".model-card")).to_contain_text('<img src="/nowhere.png"> [picture: x]')
    with tab.expect_download() as download:
        tab.locator("#download-bundle").click()
    assert download.value.suggested_filename == "traveller.zip"
    archive = tmp_path / "traveller.zip"
    download.value.save_as(archive)
    assert set(zipfile.ZipFile(archive).namelist()) == {"bundle.json", "README.md"}
    served.studio.store.bundles.delete(folder)
    go_to(tab, "Runs")
    go_to(tab, "Library")
    expect(tab.locator("#bundles")).to_contain_text("What is a bundle?")
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as bad:
        bad.writestr("weights.pt", b"")
    pick(tab, tmp_path / "bad.zip")
    expect(tab.locator("#library-answer .notice.error")).to_contain_text("'weights.pt' does not belong to a bundle")
    pick(tab, archive)
    expect(tab.locator("#library-answer .notice.success")).to_contain_text("'traveller' is here")
    pick(tab, archive)
    expect(tab.locator("#library-answer .notice.info")).to_contain_text("is in the library already")
    expect(tab.locator("[data-bundle]")).to_have_count(1)


def pick(tab: Any, path: Path) -> None:
    with tab.expect_file_chooser() as chooser:
        tab.locator("#upload-bundle").click()
    chooser.value.set_files(path)


def test_a_bundle_is_found_renamed_deleted_and_brought_back(tab: Any, served: Served) -> None:
    keep_bundle(served.studio, "waves", base=["waving a flag", "x"])
    keep_bundle(served.studio, "jumps", base=["high jump", "x"], backbone="elsewhere")
    open_library(tab, served)
    expect(tab.locator("[data-bundle] .title")).to_have_text(["jumps", "waves"])
    expect(tab.locator("#bundle-head .notice.warning")).to_contain_text("It cannot be used until 'elsewhere' is here.")
    expect(tab.locator("#try-bundle")).to_be_hidden()
    tab.locator("#find-bundle textarea, #find-bundle input").fill("flag")
    expect(tab.locator("[data-bundle] .title")).to_have_text(["waves"])
    tab.locator("[data-bundle='waves']").click()
    expect(tab.locator("#bundle-head h2")).to_have_text("waves")
    expect(tab).to_have_url(re.compile(r"/library\?bundle=waves$"))
    tab.locator("#rename-bundle").click()
    tab.locator("#bundle-title textarea, #bundle-title input").fill("jumps")
    tab.locator("#save-title").click()
    expect(tab.locator("#library-answer .notice.error")).to_contain_text("there is another bundle called 'jumps'")
    tab.locator("#bundle-title textarea, #bundle-title input").fill(" ")
    tab.locator("#save-title").click()
    expect(tab.locator("#library-answer .notice.error")).to_contain_text("the name is empty")
    tab.locator("#bundle-title textarea, #bundle-title input").fill("flags <1>")
    tab.locator("#bundle-title textarea, #bundle-title input").press("Enter")
    expect(tab.locator("#bundle-head h2")).to_have_text("flags <1>")
    tab.wait_for_timeout(2000)  # a reload in the middle of an answer is an error on the console
    tab.reload()
    expect(tab.locator("#bundle-head h2")).to_have_text("flags <1>")
    tab.locator("#delete-bundle").click()
    expect(tab.locator("[data-bundle] .title")).to_have_text(["jumps"])
    tab.get_by_role("button", name="Undo: bring back bundle 'flags <1>'").click()
    expect(tab.locator("[data-bundle] .title")).to_have_text(["jumps", "flags <1>"])
    expect(tab.locator("#undo-library")).to_be_hidden()


def test_a_bundle_that_is_needed_is_not_deleted(tab: Any, served: Served) -> None:
    folder = keep_bundle(served.studio, "needed")
    run = served.studio.store.runs.queue(RunConfig(prompts=PromptConfig(hard_prompt=folder)))
    open_library(tab, served)
    tab.locator("#delete-bundle").click()
    expect(tab.locator("#library-answer .notice.error")).to_contain_text(f"is the hard prompt of run {run}")
    served.studio.store.runs.request_stop(run)


def test_the_embedded_bundle_is_not_offered_for_deletion(tab: Any, served: Served) -> None:
    card = served.studio.store.bundles.get(keep_bundle(served.studio, "shipped"))
    keep_bundle(served.studio, "mine")
    served.studio.store.bundles.add(replace(card, origin="embedded"))
    open_library(tab, served)
    expect(tab.locator("#delete-bundle")).to_be_visible()
    tab.locator("[data-bundle='shipped']").click()
    expect(tab.locator("#bundle-head h2")).to_have_text("shipped")
    expect(tab.locator("#delete-bundle")).to_be_hidden()
    expect(tab.locator("#rename-bundle")).to_be_visible()


def test_a_bundle_is_tried_on_the_first_screen(tab: Any, served: Served) -> None:
    keep_bundle(served.studio, "tried", novel=list(LABELS[2:]))
    open_library(tab, served)
    tab.locator("#try-bundle").click()
    expect(tab.locator("#labels textarea")).to_have_value(re.compile(", ".join(BASE)))


def test_a_bundle_becomes_the_hard_prompt_of_the_next_run(tab: Any, served: Served) -> None:
    keep_bundle(served.studio, "brake", config={"prompts": {"length": 6, "text_depth": 2}})
    open_library(tab, served)
    tab.locator("#use-hard").click()
    tab.get_by_role("button", name=re.compile("^Hard prompt, anchors")).click()
    tab.get_by_role("button", name=re.compile("^Prompts: ")).click()
    hard = tab.locator("#set-prompts-hard-prompt input")
    expect(hard).to_have_value(re.compile("brake"))
    tab.wait_for_timeout(1000)
    expect(hard).to_have_value(re.compile("brake"))
    expect(tab.locator("#set-prompts-length input")).to_have_value("6")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_library_fits_a_phone(tab: Any, served: Served, theme: str) -> None:
    keep_bundle(served.studio, "a-name-that-is-very-long-and-has-no-place-to-break-it-" * 2)
    add_bundle(served.studio, "vanished")
    tab.set_viewport_size({"width": 400, "height": 800})
    open_library(tab, served, f"?__theme={theme}")
    expect(tab.locator("[data-bundle]")).to_have_count(2)
    tab.locator("[data-bundle]").nth(1).click()
    expect(tab.locator("#bundle-head h2")).to_be_in_viewport()
    assert tab.evaluate("document.documentElement.scrollWidth") <= 400
