"""Pages, links and addresses in Chromium: what is shown can be shared, reloaded and gone back from."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import pytest

from ga2app.types import RunState
from tests.browser import go_to, opened

from .studios import LABELS, Served, add_bundle, add_dataset, add_run, keep_bundle

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect


def test_a_reload_and_back_and_forward_show_what_the_address_says(tab: Any, served: Served) -> None:
    first, second = (add_run(served.studio, RunState.STOPPED) for _ in range(2))
    head = tab.locator("#run-head h2")

    def shows(run_id: int, query: str = "") -> None:
        expect(head).to_contain_text(f"Run {run_id}")
        expect(tab).to_have_url(f"{served.address}/runs?id={run_id}{query}")

    tab.goto(served.address)
    go_to(tab, "Runs")
    shows(second)
    tab.locator(f"[data-run='{first}']").click()
    shows(first)
    tab.get_by_role("link", name="Settings", exact=True).click()
    shows(first, "&view=config")
    tab.reload()
    expect(tab.locator("#run-settings")).to_contain_text("Preset")
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


def test_who_comes_back_to_recognize_finds_clips_labels_and_answers(tab: Any, served: Served) -> None:
    add_bundle(served.studio)
    tab.goto(f"{served.address}/?bundle=tuned")
    expect(tab.locator("#labels textarea")).to_have_value(", ".join(LABELS))
    tab.get_by_role("button", name="Recognize the example: rowing a boat").click()
    best = tab.locator(".side.tuned li.best .name")
    expect(best).to_have_text("rowing a boat")
    tab.get_by_text("Settings", exact=True).click()
    tab.locator("#template textarea").fill("a drawing of {}.")
    go_to(tab, "Library")
    go_to(tab, "Recognize")
    expect(best).to_have_text("rowing a boat")
    expect(tab.locator("#clips")).to_contain_text("rowing-a-boat")
    expect(tab.locator("#labels textarea")).to_have_value(", ".join(LABELS))
    tab.get_by_text("Settings", exact=True).click()
    expect(tab.locator("#template textarea")).to_have_value("a drawing of {}.")
    tab.locator("#recognize").click()
    expect(best).to_have_text("rowing a boat")
    other = tab.context.new_page()
    other.goto(served.address)
    expect(other.locator("#labels textarea")).to_have_value(", ".join(LABELS))
    expect(other.locator("#answer")).to_contain_text("What is going on in your clip?")
    other.close()


@pytest.mark.parametrize(
    ("query", "place", "told"),
    [
        ("?bundle=%3Cscript%3E", "#fit", "There is no bundle '<script>' in the library."),
        ("datasets?id=77", "#ds-answer", "There is no data set '77'."),
        ("datasets?id=<b>", "#ds-answer", "There is no data set '<b>'."),
        ("train?from=run-99", "#settings-answer", "99"),
        ("train?from=my-run", "#settings-answer", "'my-run' names no run"),
        ("train?dataset=77", "#settings-answer", "there is no data set 77"),
        ("train?hard_prompt=nope", "#settings-answer", "there is no bundle 'nope'"),
        ("runs?id=999", "#run-missing", "There is no run 999."),
        ("runs?id=seven", "#run-missing", "The address names no run."),
        ("compare?ids=998,999", "#compare-answer", "There is no run 998, 999."),
        ("library?bundle=nope", "#library-answer", "there is no bundle 'nope' in the library"),
    ],
)
def test_what_an_address_names_and_nobody_has_is_told_and_nothing_else_is_shown(
    tab: Any, served: Served, query: str, place: str, told: str
) -> None:
    add_dataset(served.studio)
    add_run(served.studio, RunState.STOPPED)
    keep_bundle(served.studio)
    tab.goto(f"{served.address}/{query}")
    expect(tab.locator(place)).to_contain_text(told)
    tab.wait_for_timeout(500)
    expect(tab.locator(place)).to_contain_text(told)
    assert unquote(tab.url) == unquote(f"{served.address}/{query}")
    for shown in ("#run-head h2", "#bundle-body .facts", "#ds-head h2"):
        expect(tab.locator(shown)).to_have_count(0)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("?screen=train", "train"),
        ("?screen=recognize", ""),
        ("?screen=nonsense", ""),
        ("?run=1&view=log", "runs?view=log&id=1"),
        ("?run=1&view=settings", "runs?view=config&id=1"),
        ("?compare=1,2", "compare?ids=1,2"),
    ],
)
def test_addresses_of_the_one_page_lead_to_the_pages(tab: Any, served: Served, old: str, new: str) -> None:
    tab.goto(f"{served.address}/{old}")
    opened(tab)
    expect(tab).to_have_url(re.compile(f"^{re.escape(served.address)}/{re.escape(new)}"))


def test_programs_find_the_endpoints_described_on_a_page_of_their_own(tab: Any, served: Served) -> None:
    tab.goto(served.address)
    tab.get_by_role("link", name="Use via API").click()
    expect(tab).to_have_url(f"{served.address}/api")
    expect(tab.get_by_role("button", name="Use via API")).to_be_visible()
    described = tab.evaluate("fetch('gradio_api/info').then(answer => answer.json())")["named_endpoints"]
    assert {"/recognize", "/queue_run", "/list_bundles"} <= set(described)
