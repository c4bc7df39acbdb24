"""The stream that a page follows: closed before the next event, it leaves no answer behind, nor holds who leaves."""

from __future__ import annotations

import time
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


def test_a_link_to_a_page_that_is_slow_to_come_is_followed_while_an_answer_is_awaited(tab: Any, tmp_path: Path) -> None:
    def slow_to_come(route: Any) -> None:
        time.sleep(4)  # Gradio asks every two seconds whether a server that it takes for lost is back
        route.fulfill(body="<title>there</title>", content_type="text/html")

    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with running(["-m", "ui.small_app", str(port), str(tmp_path / "go")], address, tmp_path / "app.log"):
        tab.route("**/other", slow_to_come)
        tab.goto(address)
        with tab.expect_response("**/queue/data*"):
            tab.get_by_role("button", name="wait").click()
        tab.get_by_role("link", name="other page").click()
        expect(tab).to_have_title("there", timeout=20_000)
