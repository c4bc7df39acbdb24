"""What the server remembers of sessions is bounded, and a lane that is full keeps nobody else out."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from .studios import free_port, running

EVENTS = ("count", "choose", "chosen", "slow", "look")


class App:
    """The small app as a program sees it; ``go`` lets what is slow end."""

    def __init__(self, address: str, go: Path) -> None:
        self.api, self._go = f"{address}/gradio_api", go

    def ask(self, name: str, session: str, *given: Any) -> httpx.Response:
        """Queue an event in a session."""
        body = {"data": list(given), "fn_index": EVENTS.index(name), "session_hash": session}
        return httpx.post(f"{self.api}/queue/join", json=body, timeout=20)

    def told(self, session: str) -> dict[str, Any]:
        """How the last event of the session has ended."""
        text = httpx.get(f"{self.api}/queue/data", params={"session_hash": session}, timeout=60).text
        messages = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
        return [one for one in messages if one["msg"] == "process_completed"][-1]  # type: ignore[no-any-return]

    def do(self, name: str, session: str, *given: Any) -> Any:
        """What an event of a session answers, last of all; None where it fails."""
        assert self.ask(name, session, *given).status_code == 200
        told = self.told(session)
        return told["output"]["data"][-1] if told["success"] else None

    def look(self) -> dict[str, Any]:
        """What the server holds."""
        return dict(self.do("look", f"look-{secrets.token_hex(4)}"))

    def go(self) -> None:
        self._go.touch()


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    port, go = free_port(), tmp_path / "go"
    address = f"http://127.0.0.1:{port}"
    with running(["-m", "ui.small_app", str(port), str(go)], address, tmp_path / "app.log"):
        time.sleep(0.2)  # it answers a moment before its memory has taken over
        yield App(address, go)
        go.touch()


def test_idle_sessions_go_when_there_are_many_and_open_or_busy_ones_stay(app: App) -> None:
    with httpx.stream("GET", f"{app.api}/heartbeat/open", timeout=20) as heartbeat:
        lines = heartbeat.iter_lines()  # closed with the last reference to it
        next(lines)
        assert app.do("count", "open", None) == "1"
        app.ask("slow", "busy")
        for number in range(20):
            assert app.do("count", f"idle-{number}", None) == "1"
        held = app.look()
        assert {"open", "busy"} <= set(held["sessions"]) and len(held["sessions"]) <= 6
        assert set(held["kept"]) <= set(held["sessions"]) and held["events"] == 0
        assert app.do("count", "open", None) == "2"
    app.go()
    assert app.told("busy")["success"]
    assert app.do("count", "idle-0", None) == "1"  # it was forgotten, and begins anew


def test_a_component_that_was_changed_in_one_session_is_as_it_was_in_others(app: App) -> None:
    app.do("choose", "one")
    assert app.do("chosen", "one", "b") == "b"
    assert app.do("chosen", "other", "b") is None  # it is no choice there
    held = app.look()
    assert held["values"] == 0 and (held["changed"]["one"], held["changed"]["other"]) == (1, 0)


def test_a_lane_that_is_full_says_so_and_keeps_nobody_else_out(app: App) -> None:
    assert app.ask("slow", "s0").status_code == 200
    while app.look()["waiting"]:
        time.sleep(0.01)  # until the first is being answered
    assert [app.ask("slow", f"s{number}").status_code for number in (1, 2)] == [200, 200]
    refused = app.ask("slow", "s3")
    assert (refused.status_code, refused.json()["detail"]) == (503, "busy: 2 wait before this; try again in a moment")
    assert app.do("count", "quick", None) == "1"
    app.go()
    assert all(app.told(f"s{number}")["success"] for number in range(3))
