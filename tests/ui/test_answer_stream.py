"""The stream that a page follows: closed before the next event, it leaves no answer behind, nor holds who leaves."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from ga2app.web.answer_stream import AnswerStream

from .studios import free_port, running

expect = pytest.importorskip("playwright.sync_api").expect


def test_a_page_is_told_which_of_its_streams_was_closed_last_and_no_browser_keeps_one() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        body = b'data: {"msg":"close_stream"}\n\n' if scope["path"].endswith("data") else b"{}"
        await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def visit() -> list[str | None]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(AnswerStream(app)), base_url="http://app") as page:

            async def joined(session: str) -> str | None:
                answer = await page.post("/queue/join", json={"session_hash": session})
                return answer.headers.get("x-closed-stream")

            async def followed(session: str, number: str) -> str | None:
                told = {"X-Answer-Stream": number}
                answer = await page.get("/queue/data", params={"session_hash": session}, headers=told)
                return answer.headers.get("cache-control")

            return [
                await joined("eve"),
                await followed("eve", "1"),
                await joined("eve"),
                await followed("eve", "2"),
                await joined("eve"),
                await followed("program", "one"),
                await joined("program"),
            ]

    found = ThreadPoolExecutor(1).submit(asyncio.run, visit()).result()  # Playwright's loop may run in this thread
    assert found == [None, "no-store", "1", "no-store", "2", "no-store", None]


@pytest.mark.browser
def test_an_event_that_comes_while_the_stream_is_closed_is_answered(tab: Any, tmp_path: Path) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with running(["-m", "ui.small_app", str(port), str(tmp_path / "go"), "0.6"], address, tmp_path / "app.log"):
        tab.goto(address)
        for presses in ("1", "2", "3"):
            tab.get_by_role("button", name="count").click()
            expect(tab.locator("#told textarea")).to_have_value(presses, timeout=20_000)


@pytest.mark.browser
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
