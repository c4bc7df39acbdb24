"""The screens in Chromium, with a recognizer and a worker that only pretend."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ga2app.types import RunState
from tests.browser import go_to, path_of

from .studios import LABELS, Served, add_bundle, add_dataset, add_run

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect


def open_tab(tab: Any, served: Served, name: str = "Recognize", query: str = "") -> None:
    tab.goto(f"{served.address}/{path_of(name)}{query}")


def test_the_demo_may_be_queued_while_it_is_being_drawn_and_appears_by_itself(tab: Any, served: Served) -> None:
    open_tab(tab, served, "Train")
    expect(tab.locator("#dataset-card")).to_contain_text("Being drawn")
    tab.locator("#queue").click()
    expect(tab.locator("#queue-answer")).to_contain_text("is queued")
    add_dataset(served.studio)
    expect(tab.locator("#dataset-card")).to_contain_text("2 base labels")
    expect(tab.locator("#dataset-card .chip.novel").first).to_have_text("jumping rope")


def test_every_fault_stands_at_its_field_and_goes_away(tab: Any, served: Served) -> None:
    add_dataset(served.studio)
    open_tab(tab, served, "Train")
    tab.locator("#set-optimizer-learning-rate input").fill("1000000")
    tab.locator("#set-optimizer-epochs input").fill("0")
    tab.locator("#queue").click()
    expect(tab.locator("#queue-answer")).to_contain_text("settings need a change")
    for field in ("learning-rate", "epochs"):
        expect(tab.locator(f"#set-optimizer-{field}")).to_have_class(re.compile("faulty"))
    expect(tab.locator("#set-optimizer-learning-rate")).to_contain_text("must be above 0 and at most 1")
    assert served.studio.store.runs.count() == 0
    tab.get_by_label("Full").check()
    expect(tab.locator("#set-optimizer-learning-rate input")).to_have_value("0.004")
    expect(tab.locator("#set-optimizer-learning-rate")).not_to_have_class(re.compile("faulty"))
    tab.locator("#queue").click()
    expect(tab.locator("#queue-answer")).to_contain_text("is queued")
    (run,) = served.studio.store.runs.list()
    assert run.config["prompts"]["visual_depth"] == 4
    assert served.woken
    tab.locator("#watch").click()
    expect(tab.locator("#run-head h2")).to_contain_text(f"Run {run.id}")


def test_a_finished_run_is_tried_on_the_first_screen(tab: Any, served: Served) -> None:
    add_run(served.studio, RunState.DONE, steps=40, bundle=add_bundle(served.studio))
    open_tab(tab, served, "Runs")
    expect(tab.locator("#run-result")).to_contain_text("+50.0")
    tab.locator("#try-it").click()
    expect(tab.locator("#bundle")).to_contain_text("tuned prompts")
    expect(tab.locator("#labels textarea")).to_have_value(", ".join(LABELS))
    tab.get_by_role("button", name="Recognize the example: rowing a boat").click()
    expect(tab.locator(".side.tuned li.best .name")).to_have_text("rowing a boat")


def test_nothing_is_asked_of_the_server_while_nothing_runs(tab: Any, served: Served) -> None:
    add_dataset(served.studio)
    add_run(served.studio, RunState.STOPPED)
    open_tab(tab, served, "Runs")
    expect(tab.locator("#run-head .badge")).to_have_text("stopped")
    tab.wait_for_timeout(500)
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url) if "queue/join" in request.url else None)
    tab.wait_for_timeout(2500)
    assert asked == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_screen_is_wider_than_a_phone(tab: Any, served: Served, theme: str) -> None:
    add_dataset(served.studio)
    add_run(served.studio, RunState.DONE, steps=40, bundle=add_bundle(served.studio))
    tab.set_viewport_size({"width": 400, "height": 800})
    tab.goto(f"{served.address}/?__theme={theme}")
    tab.get_by_role("button", name="Recognize the example: waving").click()
    expect(tab.locator("article.clip")).to_be_in_viewport()
    for name in ("Recognize", "Train", "Runs"):
        go_to(tab, name)
        tab.wait_for_timeout(300)
        assert tab.evaluate("document.documentElement.scrollWidth") <= 400


def test_every_input_has_a_name(tab: Any, served: Served) -> None:
    add_dataset(served.studio)
    tab.goto(served.address)
    for name in ("Recognize", "Train", "Runs"):
        go_to(tab, name)
        tab.wait_for_timeout(300)
        nameless = tab.evaluate(
            """() => [...document.querySelectorAll('input, textarea, select, button')].filter(one =>
                one.offsetParent && one.type !== 'file' && !(one.labels && one.labels.length)
                && !one.ariaLabel && !one.textContent.trim() && !one.title).map(one => one.outerHTML)"""
        )
        assert nameless == []
