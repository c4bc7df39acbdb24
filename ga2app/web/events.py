"""How the screens' events run: plumbing, hidden from the API, and in the order in which people acted."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import gradio as gr
from anyio import to_thread

from ga2app.errors import StudioError, counted
from ga2app.web.components.markup import UNEXPECTED, notice, script

log = logging.getLogger(__name__)

State = TypeVar("State")
MOST_PRESSES = 16
"""Presses of one session that wait for what an earlier one has begun."""

QUIET: dict[str, Any] = {"show_progress": "hidden", "show_progress_on": [], "api_visibility": "private"}
"""Keyword arguments of an event that nobody waits for, or that says by itself what is going on.

Gradio tells every component on which progress could be shown of every stage of every event, hidden or not. On none of
them, then: a screen has some fifty outputs, and this was most of the time in which it opened.
"""

REVEAL_JS = script("reveal.js")
"""On a narrow page the answer is below what was pressed: brings the element of the id that is filled in into view."""

SAVE_JS = script("save_file.js")
"""Saves a file whose address (``url``) and name (``orig_name``) an event has put into a hidden ``gr.JSON``."""


def in_turn(screen: str) -> dict[str, Any]:
    """Keyword arguments of an event that draws ``screen`` from the store.

    Such events run one at a time, as they came: the answer to an earlier one never comes behind that to a later one
    and puts back what was there before. For what takes no more than a moment; whatever reads clips has its own lane.
    """
    return QUIET | {"concurrency_id": screen, "concurrency_limit": 1}


@dataclass(eq=False)
class _Session:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0
    states: deque[object] = field(default_factory=lambda: deque(maxlen=64))
    """What the presses under way began with and what they made of it, the newest last."""


class OneAfterAnother:
    """Handlers that take long and change a state: one at a time in each session, and no session waits for another.

    A press that has waited goes on from what the one before has made, not from what was there when it was pressed.
    Nobody who waits keeps a thread.
    """

    def __init__(self) -> None:
        self._sessions: WeakValueDictionary[str, _Session] = WeakValueDictionary()

    async def run(self, session: str, before: State, work: Callable[[State], Iterator[State]]) -> AsyncIterator[State]:
        """What ``work`` makes of the session's state, step by step. Raises gr.Error where too many presses wait."""
        mine = self._sessions.setdefault(session, _Session())
        if mine.waiting > MOST_PRESSES:
            told = f"{counted(mine.waiting, 'click')} of yours wait before this one; try again in a moment"
            raise gr.Error(told, title="Busy", print_exception=False)
        mine.waiting += 1
        try:
            async with mine.lock:
                if not any(before is one for one in mine.states):
                    mine.states.append(before)
                steps = work(mine.states[-1])  # type: ignore[arg-type]
                while (changed := await to_thread.run_sync(next, steps, None)) is not None:
                    mine.states.append(changed)
                    yield changed
        finally:
            mine.waiting -= 1


def settle_modes(app: gr.Blocks) -> None:
    """Let none of several acts in a row be lost: Gradio drops an event while the same is still on its way.

    They are answered in the order in which they came, and so is what follows on them. Buttons and clocks are left: one
    that is pressed twice is pressed once, unless its event carries data or says otherwise.
    """
    for number in sorted(app.fns):  # what follows on an event was made after it
        event = app.fns[number]
        if event.trigger_mode != "once" or event.api_visibility == "public":
            continue
        if event.trigger_after is not None:
            counted_each = app.fns[event.trigger_after].trigger_mode != "once"
        else:
            counted_each = event.collects_event_data or not {"click", "tick"} & {kind for _, kind in event.targets}
        if counted_each:
            event.trigger_mode = "multiple"
            if event.concurrency_limit == "default":
                event.concurrency_limit = 1


def waited_for(shown: Any) -> dict[str, Any]:
    """Keyword arguments of an event that takes its time, which Gradio shows on the component ``shown``."""
    return {"show_progress": "minimal", "show_progress_on": shown, "api_visibility": "private"}


def attempt(action: Callable[[], str]) -> str:
    """What ``action`` says it did, or why it could not, as a message for the page."""
    try:
        return notice("success", action())
    except Exception as exc:
        return fault_html(exc)


def fault_html(exc: Exception) -> str:
    """Why an action has failed, as a message for the page; to be called in the handler of ``exc``."""
    if isinstance(exc, StudioError):
        return notice("error", str(exc))
    log.exception("an action of a page failed")
    return notice("error", UNEXPECTED)
