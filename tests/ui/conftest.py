"""A studio on a fresh home, with a recognizer that only pretends, served to clients and to Chromium."""

from __future__ import annotations

from ga2app.web import Studio  # isort: skip  # first: Gradio without its stubs, which are half of the import

from collections.abc import Iterator
from pathlib import Path

import pytest

from ga2app.paths import Home

from .studios import Served, empty, free_port, make_studio, running


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "studio")


@pytest.fixture
def studio(home: Home, empty_database: bytes) -> Iterator[Studio]:
    home.root.mkdir(mode=0o700)
    home.database.write_bytes(empty_database)
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
