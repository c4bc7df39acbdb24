"""A fresh home and its store, on a real disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ga2app.paths import Home
from ga2app.store import Store


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def store(home: Home, empty_database: bytes) -> Iterator[Store]:
    home.root.mkdir()
    home.database.write_bytes(empty_database)
    with Store.open(home) as opened:
        yield opened
