"""No answer is left behind when the stream that a page follows is closed just before its next event."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .studios import free_port, running

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect


def test_an_event_that_comes_while_the_stream_is_closed_is_answered(tab: Any, tmp_path: Path) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with running(["-m", "ui.small_app", str(port), str(tmp_path / "go"), "0.6"], address, tmp_path / "app.log"):
        tab.goto(address)
        for presses in ("1", "2", "3"):
            tab.get_by_role("button", name="count").click()
            expect(tab.locator("#told textarea")).to_have_value(presses, timeout=20_000)
