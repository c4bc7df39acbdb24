"""Chromium for all tests that need one: one for each test process, and a page whose console has to stay silent."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-gpu",
    "--no-first-run",
)

_PATIENCE_MS = 60_000
"""A page that is slow on a busy machine is no fault; whoever waits so long finds one."""


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Debian's Chromium, or the one that Playwright brought."""
    playwright = pytest.importorskip("playwright.sync_api")
    playwright.expect.set_options(timeout=_PATIENCE_MS)
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=shutil.which("chromium"), args=list(CHROMIUM_FLAGS))
        yield browser
        browser.close()


_CUT_OFF = ("AbortError: signal is aborted", "Unexpected error Connection errored out")
"""What Gradio's client says of its own requests where a reload, or leaving the page, has cut them off."""


@pytest.fixture
def tab(chromium: Any) -> Iterator[Any]:
    """A page in a context of its own; the test fails if anything is reported on its console."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(_PATIENCE_MS)
    trouble: list[str] = []

    def forget_cut_off() -> None:
        trouble[:] = [text for text in trouble if not text.startswith(_CUT_OFF)]

    page.on("console", lambda message: trouble.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("response", lambda got: trouble.append(f"{got.status} {got.url}") if got.status >= 400 else None)
    page.on("framenavigated", lambda frame: forget_cut_off())
    yield page
    told = list(trouble)
    context.close()
    assert told == []
