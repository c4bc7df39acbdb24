"""Taking turns: what takes long is done a slice at a time, and whoever waits comes in between, in the order of asking.

Whoever computes holds the turn (``Turns.turn``); between two slices of work the towers call ``let_others_in``, which
hands the turn on if anybody waits, and waits for it at the end of the line. ``turn_set_aside`` leaves it to others for
as long as clips are being decoded. Outside a turn, in a training for example, both do nothing.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_held: ContextVar[Turns | None] = ContextVar("held", default=None)


class Turns:
    """A lock that is handed on in the order in which it was asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Event] = deque()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the turn and hold it; whoever holds it already goes on."""
        if _held.get() is self:
            yield
            return
        self._take()
        token = _held.set(self)
        try:
            yield
        finally:
            _held.reset(token)
            self._hand_on()

    def let_others_in(self) -> None:
        """Hand the turn on and wait for the next, if anybody waits."""
        if self._waiting:
            self._hand_on()
            self._take()

    @contextmanager
    def set_aside(self) -> Iterator[None]:
        """Leave the turn that is held to others for as long as the block lasts."""
        token = _held.set(None)
        self._hand_on()
        try:
            yield
        finally:
            self._take()
            _held.reset(token)

    def _take(self) -> None:
        with self._lock:
            mine = None
            if self._taken:
                mine = threading.Event()
                self._waiting.append(mine)
            self._taken = True
        try:
            if mine is not None:
                mine.wait()
        except BaseException:  # interrupted: the turn that was given meanwhile goes to the next
            with self._lock:
                given = mine not in self._waiting
                if not given:
                    self._waiting.remove(mine)  # type: ignore[arg-type]
            if given:
                self._hand_on()
            raise

    def _hand_on(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._taken = False


def let_others_in() -> None:
    """Between two slices of work: whoever waits for the turn that is held here comes in between."""
    if (turns := _held.get()) is not None:
        turns.let_others_in()


@contextmanager
def turn_set_aside() -> Iterator[None]:
    """While something is waited for that computes nothing here: whoever waits for the turn need not wait for that."""
    if (turns := _held.get()) is None:
        yield
        return
    with turns.set_aside():
        yield
