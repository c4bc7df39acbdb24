"""A visit to Recognize in Chromium, with a recognizer that only pretends: each step where the one before has ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser import go_to, opened

from ..studios import LABELS, Served, add_bundle, add_negatives, draw_clip

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect

CLIPS = ("riding/001.mp4", "walking/001.mp4", "walk{1}!.mp4", "waving.mp4", "broken <b>.mp4") + tuple(
    f"more-{number}.mp4" for number in range(4)
)


def choose_bundles(tab: Any, *names: str) -> None:
    """Pick bundles from the list, which stays open until Escape, or take them back."""
    tab.locator("#bundle input").click()
    for name in names:
        tab.get_by_role("option", name=name).click()
    tab.keyboard.press("Escape")
    tab.locator("#masthead h1").click()


def test_a_visit_from_a_first_press_without_a_clip_to_coming_back(
    tab: Any, served: Served, tmp_path: Path, tiny_clip_folder: Path
) -> None:
    add_bundle(served.studio)
    add_bundle(served.studio, "second", name="other prompts")
    add_bundle(served.studio, "real-one", "real", name="photo prompts")
    add_negatives(served.studio)
    tab.set_viewport_size({"width": 1280, "height": 640})
    tab.goto(served.address)
    opened(tab)
    faults_stand_where_the_press_was(tab)
    a_backbone_is_typed_or_comes_with_a_bundle(tab, tmp_path, tiny_clip_folder)
    nine_uploads_are_recognized_page_by_page(tab, tmp_path)
    true_labels_are_pasted_typed_and_graded(tab)
    an_example_is_recognized_explained_and_held_against_a_threshold(tab)
    coming_back_finds_all_of_it_and_another_tab_the_choices(tab, served)


def faults_stand_where_the_press_was(tab: Any) -> None:
    expect(tab.get_by_text("What is going on in your clip?")).to_be_visible()
    tab.evaluate("scrollTo(0, document.body.scrollHeight)")
    tab.locator("#recognize").click()
    fault = tab.locator("#recognize-fault .notice.error")
    expect(fault).to_contain_text("no clip was given")
    expect(fault).to_be_in_viewport(ratio=1)
    expect(tab.locator("#answer .notice.error")).to_contain_text("no clip was given")


def a_backbone_is_typed_or_comes_with_a_bundle(tab: Any, empty: Path, clip: Path) -> None:
    box = tab.locator("#backbone input")
    for folder, held in ((empty, str(empty)), (f"{clip}/", str(clip))):
        box.click()
        box.fill(str(folder))
        box.press("Enter")
        box.blur()
        expect(box).to_have_value(held)
        if folder == empty:
            told = "does not hold a CLIP that transformers can load"
            expect(tab.locator("#fit .notice.error")).to_contain_text(told)
    expect(tab.locator("#fit .notice")).to_have_count(0)
    choose_bundles(tab, "photo prompts")
    expect(box).to_have_value("A real CLIP")
    choose_bundles(tab, "photo prompts")
    choose_bundles(tab, "tuned prompts")
    expect(box).to_have_value("sketch (embedded)")


def nine_uploads_are_recognized_page_by_page(tab: Any, folder: Path) -> None:
    clips = [draw_clip(folder / name, 25 * place) for place, name in enumerate(CLIPS)]
    tab.locator("#clips input[type=file]").first.set_input_files(clips)
    expect(tab.locator("#clips")).to_contain_text("more-3")
    labels = tab.locator("#labels textarea")
    labels.fill("walking")
    tab.locator("#recognize").click()
    expect(tab.locator("#answer .notice.error")).to_contain_text("is the only label")
    tab.get_by_role("button", name="Use the bundle's labels").click()
    expect(labels).to_have_value(", ".join(LABELS))
    labels.press("Enter")
    cards, rows = tab.locator("article.clip"), tab.locator("#overview tbody th")
    expect(rows).to_have_count(len(CLIPS))
    expect(cards).to_have_count(8)
    expect(tab.locator("#recognize-fault .notice.error")).to_have_count(0)
    assert rows.all_inner_texts()[:3] == ["001.mp4 (#1)", "001.mp4 (#2)", "walk{1}!.mp4"]
    expect(cards.nth(3).locator(".side.tuned li.best .name")).to_have_text("waving")
    expect(cards.nth(3).locator(".side.tuned li.best .kind")).to_have_text("novel")
    expect(cards.nth(4).locator(".notice.error")).to_contain_text("it has no video")
    voices = cards.nth(3).locator(".voice")
    expect(cards.nth(3).locator(".voice:visible")).to_have_count(1)
    cards.nth(3).locator(".voices label", has_text="Zero-shot CLIP").click()
    expect(voices.nth(0)).to_be_visible()
    expect(voices.nth(1)).to_be_hidden()
    later = tab.get_by_role("button", name="Later clips")
    expect(later).to_be_enabled()
    later.click()
    expect(cards.locator("h3").first).to_have_text("more-3.mp4")
    expect(cards.first).to_be_in_viewport(ratio=0.5)
    expect(cards.first).to_be_focused()


def true_labels_are_pasted_typed_and_graded(tab: Any) -> None:
    tab.get_by_text("Check against true labels").click()
    pasted = "riding/001.mp4,rowing a boat\nwalking/001.mp4,waving\nwalk{1}!.mp4,waving"
    tab.locator("#truth textarea").fill(pasted)
    tab.get_by_role("button", name="Use these").click()
    boxes, grades = tab.locator("[data-truth]"), tab.locator(".grades tbody tr")
    expect(boxes.nth(2)).to_have_value("waving")
    expect(boxes.nth(0)).to_have_attribute("placeholder", "rowing a boat or waving?")
    expect(tab.locator("#grades")).to_contain_text("clips #1, #2 have the name '001.mp4'")
    boxes.nth(1).fill("waving")
    boxes.nth(1).press("Enter")
    expect(grades.nth(1)).to_contain_text("2 of 2")
    box = tab.get_by_label("True label of waving.mp4")
    box.fill("waving")
    box.press("Enter")
    expect(grades.nth(0)).to_contain_text("0 of 3")
    expect(grades.nth(1)).to_contain_text("3 of 3")
    choose_bundles(tab, "other prompts")
    tab.locator("#recognize").click()
    expect(grades).to_have_count(3)
    expect(tab.locator("#overview tbody th")).to_have_count(len(CLIPS))
    assert boxes.evaluate_all("all => all.map(one => one.value)")[:5] == ["", "waving", "waving", "waving", ""]
    with tab.expect_download() as download:
        tab.get_by_role("link", name="Download CSV").click()
    text = Path(download.value.path()).read_text()
    assert text.startswith("file,backbone,plain_label") and ",waving," in text.splitlines()[2]


def an_example_is_recognized_explained_and_held_against_a_threshold(tab: Any) -> None:
    tab.get_by_role("button", name="None of these").click()
    tab.get_by_label("Reject below a threshold").check()
    threshold = tab.locator("#threshold input[type=number]")
    expect(threshold).to_have_value("50")
    tab.get_by_role("button", name="Recognize the example: rowing a boat").focus()
    tab.keyboard.press("Enter")
    expect(tab.locator("article.clip")).to_have_count(1)
    expect(tab.locator(".side.plain li.best .name")).to_have_text(LABELS[0])
    expect(tab.locator(".side.tuned li.best .name")).to_have_text(["rowing a boat"] * 2)
    expect(tab.locator(".strip img")).to_have_count(8)
    tab.wait_for_function("document.querySelector('.strip img').naturalWidth > 0")
    tab.wait_for_function("document.querySelector('.example video').videoWidth === 64")
    expect(tab.locator(".clip .speaker")).to_have_text("sketch (embedded)")
    expect(tab.locator(".verdict").first).to_contain_text("One of these")
    for least, told in (("80", "the best label has 50% of the 80% asked for"), ("20", "One of these")):
        threshold.fill(least)
        threshold.press("Tab")
        expect(tab.locator(".verdict").first).to_contain_text(told)
    tab.get_by_role("button", name="Why does tuned prompts say rowing a boat?").click()
    reasons = tab.locator("article.clip .reasons")
    expect(reasons.locator(".overlays")).to_have_count(2)
    expect(reasons.locator(".tokens")).to_be_visible()
    reasons.get_by_label("Ask about").select_option("waving")
    expect(reasons.locator("h4")).to_contain_text("Why “waving”?")
    reasons.get_by_role("button", name="Close the reasons").click()
    expect(reasons).to_have_count(0)


def coming_back_finds_all_of_it_and_another_tab_the_choices(tab: Any, served: Served) -> None:
    labels, template = tab.locator("#labels textarea"), tab.locator("#template textarea")
    labels.fill("")
    for label in ("waving", "rowing a boat"):
        tab.get_by_role("button", name=f"Add the label {label}").click()
        expect(tab.get_by_role("button", name=f"Add the label {label}")).to_have_count(0)
    expect(labels).to_have_value("waving, rowing a boat")
    tab.get_by_text("Settings", exact=True).click()
    template.fill("a drawing of {}.")
    go_to(tab, "Library")
    go_to(tab, "Recognize")
    expect(tab.locator(".side.tuned li.best .name")).to_have_text(["rowing a boat"] * 2)
    expect(tab.locator("#clips")).to_contain_text("rowing-a-boat")
    expect(labels).to_have_value("waving, rowing a boat")
    tab.get_by_text("Settings", exact=True).click()
    expect(template).to_have_value("a drawing of {}.")
    tab.locator("#recognize").click()
    expect(tab.locator(".side.plain li.best .name")).to_have_text("waving")
    other = tab.context.new_page()
    other.goto(served.address)
    expect(other.locator("#labels textarea")).to_have_value("waving, rowing a boat")
    expect(other.locator("#bundle")).to_contain_text("tuned prompts")
    expect(other.locator("#take-labels")).to_be_visible()
    expect(other.locator("#answer")).to_contain_text("What is going on in your clip?")
    other.close()


def test_an_upload_that_a_proxy_refuses_is_told_with_its_size_and_the_proxys_setting(
    context: Any, served: Served
) -> None:
    page = context.new_page()  # no tab: its console tells of the refused upload
    try:
        page.route("**/upload?*", lambda route: route.fulfill(status=413, body="<html>413</html>"))
        page.goto(served.address)
        opened(page)
        big = {"name": "holiday.mp4", "mimeType": "video/mp4", "buffer": b"\0" * 2_500_000}
        page.locator("#clips input[type=file]").set_input_files([big])
        expect(page.get_by_text("This upload of 2.5 MB is larger than the proxy").first).to_be_visible()
        expect(page.get_by_text("client_max_body_size").first).to_be_visible()
    finally:
        page.close()
