"""The whole trip, with nothing pretended: the real app, worker, backbone and training, in Chromium."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ga2app.config import DEMO
from ga2app.store import Store
from tests.browser import go_to

from .studios import real_studio

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect

TRAINED_WITHIN_MS = 240_000
ANSWERED_WITHIN_MS = 60_000
EPOCHS = "4"
SETTLED_MS = 600


def test_from_an_example_to_a_novel_label_with_an_own_bundle(tab: Any, tmp_path: Path, drawn_demo: Path) -> None:
    with real_studio(tmp_path, drawn_demo) as (address, home):
        tab.goto(address)
        tab.get_by_role("button", name="Recognize the example: climbing a ladder").click()
        best = tab.locator(".side.plain li.best .name")
        expect(best).to_have_text("climbing a ladder", timeout=ANSWERED_WITHIN_MS)

        go_to(tab, "Train")
        expect(tab.locator("#dataset-card .chip.base").first).to_be_visible(timeout=ANSWERED_WITHIN_MS)
        expect(tab.get_by_label("Quick")).to_be_checked()
        tab.locator("#set-optimizer-epochs input").fill(EPOCHS)
        tab.wait_for_timeout(SETTLED_MS)  # what is typed is told to the server a moment later
        tab.locator("#queue").click()
        tab.locator("#watch").click()
        state = tab.locator("#run-head .badge")
        expect(tab.locator("#run-head h2")).to_contain_text("Run 1")
        expect(tab.locator("#run-head .pace")).to_contain_text("step", timeout=TRAINED_WITHIN_MS)
        tab.reload()
        expect(tab.locator("#run-head h2")).to_contain_text("Run 1")
        expect(state).to_have_text("done", timeout=TRAINED_WITHIN_MS)
        expect(tab.locator("#run-result .change").first).to_be_visible()
        expect(tab.locator("#run-loss svg")).to_be_visible()

        tab.locator("#try-it").click()
        expect(tab.locator("#bundle")).to_contain_text("Run 1")
        expect(tab.locator("[data-example]").first).to_be_visible()
        with Store.open(home) as store:
            novel = set(store.datasets.get(DEMO).novel)
        examples = tab.locator("[data-example]").evaluate_all("all => all.map(one => one.ariaLabel.split(': ')[1])")
        untrained = next(label for label in examples if label in novel)
        tab.get_by_role("button", name=f"Recognize the example: {untrained}").click()
        tuned = tab.locator(".side.tuned li.best")
        expect(tuned.locator(".name")).to_have_text(untrained, timeout=ANSWERED_WITHIN_MS)
        expect(tuned.locator(".kind")).to_have_text("novel")
