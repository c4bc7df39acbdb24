"""The page Review in Chromium: clips are looked at, confirmed and corrected by keys, searched, and joined."""

from __future__ import annotations

from typing import Any

import pytest

from ga2app.store.clip_pages import ClipFilter
from ga2app.types.dataset_types import Reviewed

from ..studios import LABELS, Served, add_dataset
from ..test_accessibility import lasting_findings

pytestmark = pytest.mark.browser
CLIPS = ClipFilter()
expect = pytest.importorskip("playwright.sync_api").expect


def clip_on_stage(tab: Any) -> str:
    return str(tab.locator(".rv-stage").get_attribute("data-id"))


def another_clip(tab: Any, before: str) -> None:
    expect(tab.locator(f'.rv-stage:not([data-id="{before}"])')).to_be_visible()


def what_anybody_can_use(tab: Any) -> None:
    """Nothing serious for axe in either theme, and the page fits a phone."""
    assert lasting_findings(tab) == []
    tab.evaluate("document.body.classList.add('dark')")
    tab.set_viewport_size({"width": 400, "height": 860})
    assert lasting_findings(tab) == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= 400


def test_clips_are_looked_at_and_reviewed_with_the_keyboard_alone(tab: Any, served: Served) -> None:
    add_dataset(served.studio)
    of = served.studio.datasets.called("demo").id
    tab.goto(f"{served.address}/datasets?id={of}")
    tab.locator("#ds-review").click()
    expect(tab.locator("#review-stage")).to_contain_text("Nothing to review yet")
    tab.locator("#rv-look").click()
    expect(tab.locator(".rv-stage video")).to_be_visible()

    first = clip_on_stage(tab)
    assert lasting_findings(tab) == []
    tab.keyboard.press("Enter")
    another_clip(tab, first)
    expect(tab.locator("#review-answer")).to_contain_text("Done: confirming")
    expect(tab.locator(".rv-counts")).to_contain_text("1 confirmed, 0 corrected, 0 skipped of 8 clips")

    second = clip_on_stage(tab)
    label = tab.locator(".rv-choices button:not(.own)").first.get_attribute("data-label")
    key = tab.locator(".rv-choices button:not(.own) kbd").first.inner_text()
    tab.keyboard.press(key)
    another_clip(tab, second)
    assert served.studio.store.clips.get(int(second)).label == label

    third = clip_on_stage(tab)
    tab.keyboard.press("ArrowLeft")
    expect(tab.locator("#review-answer")).to_contain_text("Undone: correcting")
    another_clip(tab, third)
    assert clip_on_stage(tab) == second

    tab.keyboard.type("handst")
    expect(tab.locator("#rv-label")).to_have_value("handst")
    tab.keyboard.press("Enter")
    expect(tab.locator("#rv-typed")).to_contain_text("No label matches. Enter again makes 'handst' a new label.")
    tab.locator("#rv-label").fill("jumping")
    tab.keyboard.press("Enter")
    another_clip(tab, second)
    assert served.studio.store.clips.get(int(second)).label == "jumping rope"

    tab.reload()
    expect(tab.locator(".rv-counts")).to_contain_text("1 confirmed, 1 corrected")
    counts = served.studio.review.counts(of)
    assert [counts[how] for how in Reviewed] == [6, 1, 1, 0]


def test_an_order_a_search_and_copies_are_addresses(tab: Any, served: Served) -> None:
    add_dataset(served.studio)
    of = served.studio.datasets.called("demo").id
    served.studio.looks.look(of)
    tab.goto(f"{served.address}/review?id={of}")
    expect(tab.locator(".rv-stage")).to_be_visible()
    tab.locator("#rv-order").select_option("label")
    tab.wait_for_url("**/review?id=*order=label*")
    expect(tab.locator(".rv-stage")).to_contain_text("its own label has")
    tab.locator("#rv-find").fill("a person waving")
    tab.keyboard.press("Enter")
    expect(tab.locator("#review-list h3")).to_have_text("Nearest to 'a person waving'")
    assert tab.locator(".rv-list .ds-clip").count() == 8
    tab.get_by_role("link", name="Near-copies").click()
    expect(tab.locator(".rv-pairs li").first).to_contain_text("for training and for testing")
    what_anybody_can_use(tab)
    tab.locator(".rv-pairs [data-do=leave-out]").first.click()
    expect(tab.locator("#review-answer")).to_contain_text("Left out:")
    assert served.studio.datasets.summary(of).clips == 7


def test_recognized_clips_join_a_data_set(tab: Any, served: Served) -> None:
    add_dataset(served.studio)
    of = served.studio.datasets.called("demo").id
    served.studio.store.reviews.wait(
        [(served.studio.examples[0].path, "0" * 64, {"Zero-shot CLIP": [(LABELS[1], 0.6), (LABELS[0], 0.4)]}, 0.2)]
    )
    tab.goto(f"{served.address}/review?id={of}&show=waiting")
    expect(tab.locator(".rv-say h2")).to_have_text("Which label?")
    served.studio.store.dataset_edits.delete_clips(
        [row.id for row in served.studio.store.clips.page(of, CLIPS, limit=9) if row.label == LABELS[0]]
    )
    what_anybody_can_use(tab)
    tab.keyboard.press("2")
    expect(tab.locator("#review-stage")).to_contain_text("No clip waits")
    assert served.studio.datasets.summary(of).clips == 7


def test_what_an_address_names_and_nobody_has_is_told(tab: Any, served: Served) -> None:
    add_dataset(served.studio)
    of = served.studio.datasets.called("demo").id
    tab.goto(f"{served.address}/review?id=999")
    expect(tab.locator("#review-answer")).to_contain_text("There is no data set '999'.")
    tab.goto(f"{served.address}/review?id={of}&bundle=gone")
    expect(tab.locator("#review-answer")).to_contain_text("there is no bundle 'gone'")
