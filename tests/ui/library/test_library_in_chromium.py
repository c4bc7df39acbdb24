"""The library in Chromium: a bundle goes through all that can be done with one."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from ..studios import Served, keep_bundle

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect


def pick(tab: Any, path: Path) -> None:
    with tab.expect_file_chooser() as chooser:
        tab.locator("#upload-bundle").click()
    chooser.value.set_files(path)


def test_a_bundle_travels_is_found_renamed_deleted_brought_back_and_tried(
    tab: Any, served: Served, tmp_path: Path
) -> None:
    folder = keep_bundle(served.studio, "waves", "# Hi\n\n![x](https://spy.example/x.png)", base=["waving a flag", "x"])
    keep_bundle(served.studio, "jumps", base=["high jump", "x"], backbone="elsewhere")
    answer, titles, head = (
        tab.locator("#library-answer"),
        tab.locator("[data-bundle] .title"),
        tab.locator("#bundle-head"),
    )
    tab.goto(f"{served.address}/library?bundle=<script>alert(1)</script>")
    expect(answer.get_by_role("alert")).to_contain_text("there is no bundle '<script>alert(1)</script>' in the library")
    expect(head).to_be_empty()
    tab.goto(f"{served.address}/library")
    expect(titles).to_have_text(["jumps", "waves"])
    expect(head).to_contain_text("It cannot be used until 'elsewhere' is here.")
    tab.locator("#find-bundle textarea, #find-bundle input").fill("flag")
    expect(titles).to_have_text(["waves"])
    titles.first.click()
    expect(head.get_by_role("heading")).to_have_text("waves")
    expect(tab).to_have_url(re.compile(r"/library\?bundle=waves$"))
    expect(tab.locator(".model-card")).to_contain_text("[picture: x]")

    with tab.expect_download() as download:
        tab.locator("#download-bundle").click()
    assert download.value.suggested_filename == "waves.zip"
    archive = tmp_path / "waves.zip"
    download.value.save_as(archive)
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as bad:
        bad.writestr("weights.pt", b"")
    pick(tab, tmp_path / "bad.zip")
    expect(answer.get_by_role("alert")).to_contain_text("'weights.pt' may run code")
    served.studio.store.bundles.delete(folder)
    pick(tab, archive)
    expect(answer).to_contain_text("'waves' is here")
    pick(tab, archive)
    expect(answer).to_contain_text("is in the library already")

    title = tab.locator("#bundle-title textarea, #bundle-title input")
    tab.locator("#rename-bundle").click()
    title.fill("jumps")
    tab.locator("#save-title").click()
    expect(answer.get_by_role("alert")).to_contain_text("there is another bundle called 'jumps'")
    title.fill("flags <1>")
    title.press("Enter")
    expect(head.get_by_role("heading")).to_have_text("flags <1>")
    tab.locator("#delete-bundle").click()
    expect(tab.locator("#bundles")).to_contain_text("No bundle matches")
    tab.get_by_role("button", name="Undo: bring back bundle 'flags <1>'").click()
    expect(titles).to_have_text(["flags <1>"])
    titles.first.click()
    tab.locator("#try-bundle").click()
    expect(tab.locator("#labels textarea")).to_have_value(re.compile("waving a flag"))
