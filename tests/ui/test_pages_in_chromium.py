"""Links and addresses in Chromium: what is shown can be shared, reloaded and gone back from."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ga2app.paths import PROJECT
from ga2app.types import RunState
from tests.browser import opened

from .studios import Served, add_run

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect

ADDRESSES = PROJECT / "ga2app" / "web" / "components" / "address.js"
OLD_ADDRESSES = {
    "?screen=train": "./train",
    "?screen=recognize": "./",
    "?screen=nonsense": "./",
    "?run=1&view=log": "./runs?view=log&id=1",
    "?run=1&view=settings": "./runs?view=config&id=1",
    "?compare=1,2": "./compare?ids=1,2",
    "?bundle=tuned": None,
}
"""Of the time when all was one page, and where they lead."""
ASK = """([code, asked]) => {
    let led = null;
    const location = {search: asked, replace: to => { led = to; }};
    new Function('location', 'window', code)(location, {addEventListener: () => {}});
    return led;
}"""


def test_a_reload_and_back_and_forward_show_what_the_address_says_and_old_ones_lead_on(
    tab: Any, served: Served
) -> None:
    first, second = (add_run(served.studio, RunState.STOPPED) for _ in range(2))
    head = tab.locator("#run-head h2")

    def shows(run_id: int, query: str = "") -> None:
        expect(head).to_contain_text(f"Run {run_id}")
        expect(tab).to_have_url(f"{served.address}/runs?id={run_id}{query}")

    tab.goto(f"{served.address}/runs")
    shows(second)
    tab.locator(f"[data-run='{first}']").click()
    shows(first)
    tab.get_by_role("link", name="Settings", exact=True).click()
    shows(first, "&view=config")
    tab.reload()
    expect(tab.locator("#run-settings")).to_contain_text("preset Quick")
    shows(first, "&view=config")
    tab.go_back()
    shows(second)
    tab.go_forward()
    shows(first, "&view=config")
    tab.locator("#train-again").click()
    expect(tab).to_have_url(f"{served.address}/train?from=run-{first}")
    expect(tab.locator("#settings-answer")).to_contain_text(f"The settings are those of run {first}")
    tab.go_back()
    shows(first, "&view=config")

    tab.goto(f"{served.address}/?run={first}&view=settings")
    # In the order of the old address at first, then as the page that it has led to tells it.
    expect(tab).to_have_url(re.compile(rf"/runs\?(view=config&id={first}|id={first}&view=config)$"))
    code = ADDRESSES.read_text(encoding="utf-8")
    assert {old: tab.evaluate(ASK, [code, old]) for old in OLD_ADDRESSES} == OLD_ADDRESSES

    tab.get_by_role("link", name="Use via API").click()
    expect(tab).to_have_url(f"{served.address}/api")
    expect(tab.get_by_role("button", name="Use via API")).to_be_visible()
    described = tab.evaluate("fetch('gradio_api/info').then(answer => answer.json())")["named_endpoints"]
    assert {"/recognize", "/queue_run", "/list_bundles"} <= set(described)


def test_the_letters_of_a_page_are_sent_for_from_the_start_so_that_nothing_moves_once_they_come(
    tab: Any, served: Served
) -> None:
    tab.goto(served.address)
    opened(tab)
    used, sent_for_by = tab.evaluate("""async () => {
        await document.fonts.ready;
        const files = performance.getEntriesByType('resource').filter(one => one.name.endsWith('.woff2'));
        return [[...document.fonts].filter(one => one.status === 'loaded').length, files.map(one => one.initiatorType)];
    }""")
    assert sent_for_by == ["link"] * used
