"""Transfers that take their time: what the page hears of them."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextvars import ContextVar
from typing import Any, TypeVar

import pytest

from ga2app.errors import HubError
from ga2app.types import ByteProgress, HubAccount, HubRevision, Pushed
from ga2app.web.components.hub_panels import fault_html, moving
from ga2app.web.components.markup import render

T = TypeVar("T")
who: ContextVar[str] = ContextVar("who", default="nobody")


def followed(steps: Generator[list[Any], None, T]) -> tuple[list[list[Any]], T]:
    """What the page was told, and what the transfer gave."""
    told = []
    while True:
        try:
            told.append(next(steps))
        except StopIteration as end:
            return told, end.value


def test_a_transfer_is_followed_to_its_end() -> None:
    seen = threading.Event()

    def transfer(progress: ByteProgress) -> str:
        progress(512, 2048)
        assert seen.wait(20)
        return "there"

    def shown(bar: str) -> list[Any]:
        seen.set()
        return [bar]

    told, given = followed(moving("Sending", transfer, shown))
    assert given == "there" and "512 bytes of 2.0 KiB" in told[0][0] and "width:25.0%" in told[0][0]


def test_a_transfer_knows_who_asked() -> None:
    """A rule about who may do what is asked in the transfer's thread, too."""
    token = who.set("alice")
    try:
        assert followed(moving("Sending", lambda progress: who.get(), lambda bar: [bar])) == ([], "alice")
    finally:
        who.reset(token)


def test_what_a_transfer_raises_arrives() -> None:
    def transfer(progress: ByteProgress) -> None:
        raise OSError("no way")

    with pytest.raises(OSError, match="no way"):
        list(moving("Sending", transfer, lambda bar: [bar]))


def test_what_the_hub_says_is_shown_as_text() -> None:
    evil = "<script>alert(1)</script>"
    pushed = Pushed(HubRevision("a/b", "0" * 40), f"https://hub/{evil}", True, (evil,), ())
    account = HubAccount(evil, (evil,), writes=False)
    for html in (
        fault_html(HubError(evil)),
        render("hub_pushed.html", pushed=pushed),
        render("hub_account.html", account=account, title=evil),
    ):
        assert evil not in html and "&lt;script&gt;" in html
    assert "may read only" in render("hub_account.html", account=account, title="x")
