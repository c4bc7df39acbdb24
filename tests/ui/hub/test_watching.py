"""Errands that take their time: what the page hears of them."""

from __future__ import annotations

import threading
from contextvars import ContextVar

import pytest

from ga2app.types import ByteProgress
from ga2app.web.components.hub.watching import Ended, Underway, errand_html, watched

who: ContextVar[str] = ContextVar("who", default="nobody")


def test_an_errand_is_followed_to_its_end() -> None:
    told, over = threading.Event(), threading.Event()

    def errand(progress: ByteProgress) -> str:
        progress(30, 100)
        told.set()
        assert over.wait(20)
        return "there"

    states = watched(errand)
    assert next(states) in (Underway(), Underway(30, 100))
    assert told.wait(20)
    over.set()
    *_, last = states
    assert last == Ended("there")


def test_an_errand_knows_who_asked() -> None:
    """A rule about who may do what is asked in the errand's thread, too."""
    token = who.set("alice")
    try:
        *_, last = watched(lambda progress: who.get())
    finally:
        who.reset(token)
    assert last == Ended("alice")


def test_what_an_errand_raises_arrives() -> None:
    def errand(progress: ByteProgress) -> None:
        raise OSError("no way")

    with pytest.raises(OSError, match="no way"):
        list(watched(errand))


def test_a_meter_tells_bytes_and_share() -> None:
    html = errand_html("Sending", 512, 2048)
    assert "512 bytes of 2.0 KiB" in html and "width:25.0%" in html
