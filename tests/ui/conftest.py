"""A studio on a fresh home, with a recognizer that only pretends, served to clients and to Chromium."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ga2app.paths import Home
from ga2app.sketch.demo import demo_dataset
from ga2app.ui import Studio

from .studios import Served, empty, free_port, make_studio, running


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
