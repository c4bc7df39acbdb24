"""The first screen in Chromium, with a recognizer that only pretends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser import opened

from ..studios import LABELS, Served, add_bundle, add_negatives, draw_clip

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect


def choose_bundles(tab: Any, *names: str) -> None:
    """Pick bundles from the list, which stays open until Escape."""
    tab.locator("#bundle input").click()
    for name in names:
        tab.get_by_role("option", name=name).click()
    tab.keyboard.press("Escape")
    tab.locator("#masthead h1").click()


def test_one_click_on_an_example_recognizes_it(tab: Any, served: Served) -> None:
    tab.goto(served.address)
    expect(tab.get_by_text("What is going on in your clip?")).to_be_visible()
    example = tab.get_by_role("button", name="Recognize the example: climbing a ladder")
    example.focus()
    tab.keyboard.press("Enter")
    expect(tab.locator(".side.plain li.best .name")).to_have_text(LABELS[0])
    expect(tab.locator("#labels textarea")).to_have_value(", ".join(LABELS))
    expect(tab.locator(".strip img")).to_have_count(8)
    expect(tab.locator(".clip .speaker")).to_have_text("sketch (embedded)")


def test_enter_recognizes_uploads_beside_two_bundles_and_true_labels_are_graded(
    tab: Any, served: Served, tmp_path: Path
) -> None:
    add_bundle(served.studio)
    add_bundle(served.studio, "second", name="other prompts")
    tab.goto(served.address)
    clips = [draw_clip(tmp_path / "waving.mp4"), draw_clip(tmp_path / "broken <b>.mp4")]
    tab.locator("#clips input[type=file]").set_input_files(clips)
    expect(tab.locator("#clips")).to_contain_text("waving")
    choose_bundles(tab, "tuned prompts", "other prompts")
    tab.get_by_role("button", name="Use the bundles' labels").click()
    labels = tab.locator("#labels textarea")
    expect(labels).to_have_value(", ".join(LABELS))
    labels.press("Enter")
    expect(tab.locator("article.clip")).to_have_count(2)
    expect(tab.locator(".side.tuned li.best .name")).to_have_text(["waving", "waving"])
    expect(tab.locator(".side.tuned li.best .kind")).to_have_text(["novel", "novel"])
    expect(tab.locator("article .notice.error")).to_contain_text("it has no video")

    expect(tab.locator(".voice:visible")).to_have_count(1)
    tab.locator(".voices label", has_text="Zero-shot CLIP").click()
    expect(tab.locator('.voice[data-voice="0"]')).to_be_visible()
    expect(tab.locator('.voice[data-voice="1"]')).to_be_hidden()

    box = tab.get_by_label("True label of waving.mp4")
    box.fill("waving")
    box.press("Enter")
    expect(tab.locator(".grades tbody tr")).to_have_count(3)
    expect(tab.locator(".grades tbody tr").nth(0)).to_contain_text("0 of 1")
    expect(tab.locator(".grades tbody tr").nth(1)).to_contain_text("1 of 1")
    with tab.expect_download() as download:
        tab.get_by_role("link", name="Download CSV").click()
    text = Path(download.value.path()).read_text()
    assert text.startswith("file,backbone,plain_label") and ",waving," in text.splitlines()[1]


def test_true_labels_match_names_from_before_the_upload_and_outlive_the_next_answer(
    tab: Any, served: Served, tmp_path: Path
) -> None:
    add_bundle(served.studio)
    names = ("riding/001.mp4", "walking/001.mp4", "walk{1}!.mp4")
    for folder in ("riding", "walking"):
        (tmp_path / folder).mkdir()
    clips = [draw_clip(tmp_path / name, color) for name, color in zip(names, (50, 120, 200), strict=True)]
    tab.goto(served.address)
    tab.locator("#clips input[type=file]").set_input_files(clips)
    expect(tab.locator("#clips")).to_contain_text("walk{1}!")
    tab.locator("#labels textarea").fill("riding, walking")
    tab.locator("#recognize").click()
    expect(tab.locator("article.clip")).to_have_count(3)
    expect(tab.locator("#overview tbody th")).to_have_text(["001.mp4 (#1)", "001.mp4 (#2)", "walk{1}!.mp4"])
    tab.get_by_text("Check against true labels").click()
    tab.locator("#truth textarea").fill("riding/001.mp4,riding\nwalking/001.mp4,walking\nwalk{1}!.mp4,walking")
    tab.get_by_role("button", name="Use these").click()
    boxes = tab.locator("[data-truth]")
    expect(boxes.nth(2)).to_have_value("walking")
    expect(boxes.nth(0)).to_have_attribute("placeholder", "riding or walking?")
    expect(tab.locator("#grades")).to_contain_text("clips #1, #2 have the name '001.mp4'")
    boxes.nth(1).fill("walking")
    boxes.nth(1).press("Enter")
    expect(tab.locator(".grades")).to_contain_text("of 2")
    choose_bundles(tab, "tuned prompts")
    tab.locator("#recognize").click()
    expect(tab.locator(".side.tuned")).to_have_count(3)
    expect(tab.locator(".grades tbody tr")).to_have_count(2)
    assert boxes.evaluate_all("all => all.map(one => one.value)") == ["", "walking", "walking"]


def test_a_request_without_clip_or_labels_is_answered_in_words(tab: Any, served: Served) -> None:
    tab.goto(served.address)
    tab.locator("#recognize").click()
    expect(tab.locator("#answer .notice.error")).to_contain_text("no clip was given")
    tab.get_by_role("button", name="Recognize the example: waving").click()
    expect(tab.locator("article.clip")).to_be_visible()
    tab.locator("#labels textarea").fill("walking")
    tab.locator("#recognize").click()
    expect(tab.locator("#answer .notice.error")).to_contain_text("is the only label")


def test_a_fault_stands_where_the_press_was_wherever_the_page_is(tab: Any, served: Served) -> None:
    tab.set_viewport_size({"width": 1280, "height": 640})
    tab.goto(served.address)
    opened(tab)
    tab.evaluate("scrollTo(0, document.body.scrollHeight)")
    tab.locator("#recognize").click()
    fault = tab.locator("#recognize-fault .notice.error")
    expect(fault).to_contain_text("no clip was given")
    expect(fault).to_be_in_viewport(ratio=1)
    tab.get_by_role("button", name="Recognize the example: waving").click()
    expect(tab.locator("article.clip")).to_be_visible()
    expect(fault).to_have_count(0)


def test_another_page_of_clips_is_shown_from_its_first_clip_on(tab: Any, served: Served) -> None:
    tab.goto(served.address)
    opened(tab)
    example = Path(served.studio.examples[0].path).read_bytes()
    clips = [{"name": f"clip-{n:02d}.mp4", "mimeType": "video/mp4", "buffer": example} for n in range(11)]
    tab.locator("#clips input[type=file]").first.set_input_files(clips)
    tab.locator("#labels textarea").fill("waving, rowing a boat")
    tab.locator("#recognize").click()
    later = tab.get_by_role("button", name="Later clips")
    expect(later).to_be_enabled()
    expect(tab.locator("#overview tbody tr")).to_have_count(11)
    later.click()
    expect(tab.locator("article.clip h3").first).to_have_text("clip-08.mp4")
    expect(tab.locator("article.clip").first).to_be_in_viewport(ratio=0.5)
    expect(tab.locator("article.clip").first).to_be_focused()


def test_why_is_answered_inside_the_clip(tab: Any, served: Served) -> None:
    add_bundle(served.studio)
    tab.goto(served.address)
    choose_bundles(tab, "tuned prompts")
    tab.get_by_role("button", name="Recognize the example: rowing a boat").click()
    tab.get_by_role("button", name="Why does tuned prompts say rowing a boat?").click()
    reasons = tab.locator("article.clip .reasons")
    expect(reasons.locator(".overlays")).to_have_count(2)
    expect(reasons.locator(".tokens")).to_be_visible()
    reasons.get_by_label("Ask about").select_option("waving")
    expect(reasons.locator("h4")).to_contain_text("Why “waving”?")
    reasons.get_by_role("button", name="Close the reasons").click()
    expect(reasons).to_have_count(0)


def test_none_of_these_follows_its_threshold_without_asking_again(tab: Any, served: Served) -> None:
    add_negatives(served.studio)
    tab.goto(served.address)
    tab.get_by_role("button", name="None of these").click()
    tab.get_by_label("Reject below a threshold").check()
    threshold = tab.locator("#threshold input[type=number]")
    expect(threshold).to_have_value("50")
    tab.get_by_role("button", name="Recognize the example: waving").click()
    expect(tab.locator(".verdict")).to_contain_text("One of these")
    threshold.fill("80")
    threshold.press("Tab")
    expect(tab.locator(".verdict.none")).to_contain_text("the best label has 50% of the 80% asked for")
    threshold.fill("20")
    threshold.press("Tab")
    expect(tab.locator(".verdict")).to_contain_text("One of these")


def test_labels_grow_by_suggestions_and_survive_a_reload_with_the_bundles(tab: Any, served: Served) -> None:
    add_bundle(served.studio)
    tab.goto(served.address)
    choose_bundles(tab, "tuned prompts")
    tab.get_by_role("button", name="Add the label waving").click()
    labels = tab.locator("#labels textarea")
    expect(labels).to_have_value("waving")
    expect(tab.get_by_role("button", name="Add the label waving")).to_have_count(0)
    tab.get_by_role("button", name="Add the label jumping rope").click()
    expect(labels).to_have_value("waving, jumping rope")
    tab.wait_for_timeout(300)
    tab.reload()
    expect(labels).to_have_value("waving, jumping rope")
    expect(tab.locator("#bundle")).to_contain_text("tuned prompts")
    expect(tab.locator("#take-labels")).to_be_visible()


def test_a_bundle_of_another_backbone_switches_it_or_is_told_of(tab: Any, served: Served) -> None:
    add_bundle(served.studio, "real-one", "real", name="photo prompts")
    add_bundle(served.studio, "gone-one", "gone", name="lost prompts")
    tab.goto(served.address)
    choose_bundles(tab, "photo prompts")
    expect(tab.locator("#backbone input")).to_have_value("A real CLIP")
    expect(tab.locator("#fit .notice")).to_have_count(0)
    choose_bundles(tab, "lost prompts")
    expect(tab.locator("#fit .notice")).to_contain_text("lost prompts was trained on backbone gone")
