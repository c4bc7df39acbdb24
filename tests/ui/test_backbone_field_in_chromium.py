"""Typing a CLIP's folder into the lists of backbones, in Chromium."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser import path_of

from .studios import Served, add_dataset

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect


def type_folder(tab: Any, field: str, folder: object) -> Any:
    """Type ``folder`` over what is chosen, and leave the field; gives it."""
    box = tab.locator(f"{field} input")
    box.click()
    box.fill(str(folder))
    box.press("Enter")
    box.blur()
    return box


def test_recognize_answers_with_a_folder_that_was_typed(tab: Any, served: Served, tiny_clip_folder: Path) -> None:
    tab.goto(served.address)
    box = type_folder(tab, "#backbone", f"{tiny_clip_folder}/")
    expect(box).to_have_value(str(tiny_clip_folder))
    tab.get_by_role("button", name="Recognize the example: climbing a ladder").click()
    expect(tab.locator(".clip .speaker")).to_have_text(str(tiny_clip_folder))


def test_a_folder_that_cannot_be_used_is_told_at_once_and_stays_to_be_corrected(
    tab: Any, served: Served, tmp_path: Path
) -> None:
    tab.goto(served.address)
    box = type_folder(tab, "#backbone", tmp_path)
    expect(tab.locator("#fit .notice.error")).to_contain_text("does not hold a CLIP that transformers can load")
    expect(box).to_have_value(str(tmp_path))


def test_anchors_and_train_take_a_typed_folder_too(tab: Any, served: Served, tiny_clip_folder: Path) -> None:
    add_dataset(served.studio)
    for name, field in (("Anchors", "#anchor-backbone"), ("Train", "#train-backbone")):
        tab.goto(f"{served.address}/{path_of(name)}")
        wrong = type_folder(tab, field, f"{tiny_clip_folder}-gone")
        expect(tab.get_by_text("is not a folder on this machine").locator("visible=true").first).to_be_visible()
        expect(wrong).to_have_value(f"{tiny_clip_folder}-gone")
        expect(type_folder(tab, field, f"{tiny_clip_folder}/")).to_have_value(str(tiny_clip_folder))
