"""A client of the served studio, connected once."""

from __future__ import annotations

import pytest
from gradio_client import Client

from ..studios import Served


@pytest.fixture(scope="session")
def client(server: Served) -> Client:
    return Client(server.address, verbose=False, analytics_enabled=False)
