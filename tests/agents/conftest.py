"""A studio with a recognizer that only pretends, for agents to call."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ga2app.paths import Home
from ga2app.web import Studio
from tests.ui.studios import empty, make_studio


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = make_studio(Home(tmp_path / "studio"))
    empty(made)
    yield made
    made.store.close()
