"""A studio on a fresh home, with a recognizer that only pretends, served to clients and to Chromium."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ga2app.paths import Home
from ga2app.sketch.demo import demo_dataset
from ga2app.ui import Studio

from .studios import CHROMIUM_FLAGS, Served, empty, free_port, make_studio, running

_PATIENCE_MS = 60_000
"""A page that is slow on a busy machine is no fault; whoever waits so long finds one."""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "studio")


@pytest.fixture
def studio(home: Home) -> Iterator[Studio]:
    made = make_studio(home)
    yield made
    made.store.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all tests, on a home of its own."""
    folder, port = tmp_path_factory.mktemp("served"), free_port()
    address = f"http://127.0.0.1:{port}"
    studio = make_studio(Home(folder / "studio"))
    command = ["-m", "ui.server", str(studio.home.root), str(port)]
    with running(command, address, folder / "server.log"):
        yield Served(studio, address)
    studio.store.close()


@pytest.fixture
def served(server: Served) -> Served:
    """The server with examples and nothing else, whatever an earlier test has left behind."""
    empty(server.studio)
    return server


@pytest.fixture(scope="session")
def drawn_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo data set, drawn once for all real studios, also for those of the other test processes."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "drawn-demo"
    demo_dataset(folder)
    return folder


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
