"""The screens as keyboards and screen readers meet them: axe-core finds nothing serious, and what it does not see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ga2app.types import AnchorClip, RunState
from tests.browser import go_to, opened, path_of

from .studios import Served, add_dataset, add_negatives, add_run, keep_bundle

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect
AXE = Path(pytest.importorskip("axe_playwright_python").__file__).with_name("axe.min.js")

MENU = ("Recognize", "Datasets", "Anchors", "Train", "Runs", "Library")
SCREENS = (*MENU, "Live")
CARD = f"# A card\n\n| label | kind |\n|---|---|\n| walking | base |\n\n```\n{'a long line ' * 40}\n```\n"
LUMINANCE_JS = """
node => {
  const rgb = text => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const light = color => rgb(color).map(one => one / 255)
    .map(one => one <= .03928 ? one / 12.92 : ((one + .055) / 1.055) ** 2.4)
    .reduce((sum, one, place) => sum + one * [.2126, .7152, .0722][place], 0);
  const style = getComputedStyle(node);
  const [edge, field] = [light(style.borderTopColor), light(style.backgroundColor)];
  return style.borderTopWidth === '0px' ? 1 : (Math.max(edge, field) + .05) / (Math.min(edge, field) + .05);
}
"""
UNDER_JS = """
() => {
  const box = document.activeElement.getBoundingClientRect();
  const bar = document.querySelector('#recognize');
  if (!bar || document.activeElement === bar || !box.height) return null;
  const over = bar.getBoundingClientRect();
  const middle = (box.top + box.bottom) / 2, across = (box.left + box.right) / 2;
  const under = middle > over.top && middle < over.bottom && across > over.left && across < over.right;
  return under ? document.activeElement.outerHTML.slice(0, 200) : null;
}
"""


@pytest.fixture
def filled(served: Served) -> Served:
    """A studio with something on every screen."""
    add_dataset(served.studio)
    add_dataset(served.studio, "kitchen")
    add_negatives(served.studio)
    keep_bundle(served.studio, "a-name-that-is-very-long-and-has-no-place-to-break-it-" * 2)
    clips = [AnchorClip(example.path, example.label) for example in served.studio.examples]
    served.studio.store.anchors.add_clips("places", clips)
    add_run(served.studio, RunState.DONE, steps=40, bundle=keep_bundle(served.studio, readme=CARD))
    add_run(served.studio, RunState.FAILED, error="it went wrong")
    return served


def open_screen(tab: Any, name: str) -> None:
    """The screen with something on it that was asked for."""
    if name == "Recognize":
        tab.get_by_role("button", name="Recognize the example: waving").click()
        expect(tab.locator("article.clip")).to_be_visible()
    elif name == "Datasets":
        tab.locator("#ds-list .ds-set").first.click()
        expect(tab.locator("#ds-clips .ds-clip").first).to_be_visible()
    elif name == "Train":
        tab.locator("#set-shots input").fill("0")
        expect(tab.locator("#train-preview")).to_contain_text("Before it can be queued:")
        tab.locator("#queue").click()
        expect(tab.locator("#queue-answer")).to_contain_text("needs a change")
    elif name == "Runs":
        expect(tab.locator("#run-head h2")).to_be_visible()
    elif name == "Library":
        tab.locator("#bundles .bundle").first.click()
        expect(tab.locator("#bundle-card, .bundle-card, pre").first).to_be_attached()


def lasting_findings(tab: Any) -> list[str]:
    """What axe-core calls serious or critical once the page has faded in."""
    if not tab.evaluate("() => Boolean(window.axe)"):
        tab.evaluate(AXE.read_text(encoding="utf-8"))
    for _ in range(8):
        found = findings(tab)
        if not found:
            break
        tab.wait_for_timeout(700)
    return found


def findings(tab: Any) -> list[str]:
    found = tab.evaluate("() => axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [
        f"{one['id']}: {node['target']} {node['html'][:160]} {node['failureSummary'][:200]}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


SECTIONS = {
    "Datasets": ("Clips", "Labels", "Descriptions", "Split", "More"),
    "Anchors": ("Anchor clips", "Negative prompts"),
}
CLOSED = ".label-wrap:not(.open):visible"
TICKS = {
    ("Datasets", "Clips"): ".ds-clip input",
    ("Datasets", "Labels"): "#ds-labels tbody input",
    ("Anchors", "Anchor clips"): "#anchor-rows [data-pick]",
    ("Runs", ""): "#runs [data-compare]",
}


@pytest.mark.parametrize("name", SCREENS)
def test_axe_finds_nothing_serious_in_either_theme_and_the_page_fits_a_phone(
    tab: Any, filled: Served, name: str
) -> None:
    tab.goto(f"{filled.address}/{path_of(name)}")
    opened(tab)
    open_screen(tab, name)
    found = {"light": lasting_findings(tab)}
    a_tick_is_seen(tab, TICKS.get((name, SECTIONS.get(name, ("",))[0])), "light")
    tab.evaluate("document.body.classList.add('dark')")
    tab.set_viewport_size({"width": 400, "height": 860})
    what_was_chosen_comes_into_view(tab, name)
    for section in SECTIONS.get(name, ("",)):
        if section:
            tab.get_by_role("tab", name=section, exact=True).click()
        while tab.locator(CLOSED).count():
            tab.locator(CLOSED).first.click()
        found[f"dark {section}"] = lasting_findings(tab)
        assert tab.evaluate("document.documentElement.scrollWidth") <= 400, section
        a_tick_is_seen(tab, TICKS.get((name, section)), "dark")
    assert not any(found.values()), found


def what_was_chosen_comes_into_view(tab: Any, name: str) -> None:
    """On a phone, where the answer is far below the list."""
    if name == "Recognize":
        tab.get_by_role("button", name="Recognize the example: rowing a boat").click()
        expect(tab.locator("article.clip")).to_be_in_viewport()
    elif name == "Library":
        tab.locator("[data-bundle]").nth(1).click()
        expect(tab.locator("#bundle-head h2")).to_be_in_viewport()


def a_tick_is_seen(tab: Any, boxes: str | None, theme: str) -> None:
    """A ticked box of ``boxes`` looks other than an empty one, in the colors of the ``theme``."""
    if boxes is None:
        return
    box = tab.locator(boxes).first
    box.uncheck()
    tab.mouse.move(0, 0)
    empty = box.screenshot()
    box.check()
    tab.mouse.move(0, 0)
    assert box.evaluate("one => getComputedStyle(one).appearance") == "auto", boxes
    assert box.evaluate("one => getComputedStyle(one).colorScheme") == theme, boxes
    assert box.screenshot() != empty, boxes


def test_a_keyboard_and_a_screen_reader_reach_everything(tab: Any, filled: Served) -> None:
    tab.goto(f"{filled.address}/train")
    opened(tab)
    expect(tab.locator("#train-preview")).not_to_be_empty()  # filled in: what is typed before would be overwritten
    the_first_stop_skips_to_what_the_page_is_for(tab)
    fields_have_an_edge_and_a_mark_while_they_have_the_focus(tab)
    a_faulty_field_says_so_and_a_chip_says_what_it_removes(tab)
    pages_are_links_and_tabs_obey_the_arrow_keys(tab)
    nothing_that_has_the_focus_lies_under_a_button_that_stays_in_view(tab)


def the_first_stop_skips_to_what_the_page_is_for(tab: Any) -> None:
    tab.keyboard.press("Tab")
    expect(tab.get_by_role("link", name="Skip to the page")).to_be_focused()
    tab.keyboard.press("Enter")
    expect(tab.locator("#page")).to_be_focused()


def fields_have_an_edge_and_a_mark_while_they_have_the_focus(tab: Any) -> None:
    for dark in (True, False):
        tab.evaluate("dark => document.body.classList.toggle('dark', dark)", dark)
        for field, drawn in (
            ("#set-shots input", "#set-shots input"),
            ("#run-name :is(input, textarea)", "#run-name :is(input, textarea)"),
            ("#dataset input", "#dataset .wrap:has(> .wrap-inner)"),
            ("#train-backbone input", "#train-backbone .wrap:has(> .wrap-inner)"),
        ):
            assert tab.locator(drawn).evaluate(LUMINANCE_JS) >= 3, field
            tab.locator(field).first.focus()
            style = tab.locator(drawn).evaluate(
                "node => [getComputedStyle(node).outlineStyle, getComputedStyle(node).outlineWidth]"
            )
            assert style == ["solid", "2px"], field
            tab.keyboard.press("Escape")


def a_faulty_field_says_so_and_a_chip_says_what_it_removes(tab: Any) -> None:
    shots = tab.locator("#set-shots input")
    expect(shots).to_have_accessible_description("Training clips taken from each base label.")
    shots.fill("0")
    expect(shots).to_have_attribute("aria-invalid", "true")
    assert "must be at least 1" in tab.locator(f"#{shots.get_attribute('aria-describedby')}").inner_text()
    shots.fill("2")
    expect(shots).not_to_have_attribute("aria-invalid", "true")
    expect(tab.get_by_role("button", name="Remove demo: 2 base and 2 novel labels")).to_be_visible()


def pages_are_links_and_tabs_obey_the_arrow_keys(tab: Any) -> None:
    menu = tab.get_by_role("navigation", name="Pages")
    assert menu.get_by_role("link").all_inner_texts() == list(MENU)
    expect(menu.locator("[aria-current=page]")).to_have_text("Train")
    menu.get_by_role("link", name="Anchors").focus()
    tab.keyboard.press("Enter")
    expect(menu.locator("[aria-current=page]")).to_have_text("Anchors")
    tab.get_by_role("tab", name="Anchor clips").focus()
    tab.keyboard.press("ArrowRight")
    chosen = tab.get_by_role("tab", name="Negative prompts")
    expect(chosen).to_be_focused()
    panel = tab.get_by_role("tabpanel", name="Negative prompts")
    expect(panel).to_be_visible()
    expect(chosen).to_have_attribute("aria-controls", panel.get_attribute("id"))


def nothing_that_has_the_focus_lies_under_a_button_that_stays_in_view(tab: Any) -> None:
    tab.set_viewport_size({"width": 400, "height": 700})
    go_to(tab, "Recognize")
    for width in (400, 1280):
        tab.set_viewport_size({"width": width, "height": 700})
        tab.get_by_role("link", name="Recognize", exact=True).focus()
        for _ in range(40):
            tab.keyboard.press("Tab")
            hidden = tab.evaluate(UNDER_JS)
            assert hidden is None
