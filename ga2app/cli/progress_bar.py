"""Long commands: a line an epoch on stderr, and Ctrl-C as a wish to stop where nothing is lost."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ga2app.types import Event, EventKind

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells use it."""


@contextmanager
def stoppable() -> Iterator[Callable[[], bool]]:
    """Gives a function that says whether Ctrl-C was pressed since; within, it does nothing else."""
    interrupted = threading.Event()
    before = signal.signal(signal.SIGINT, lambda number, frame: interrupted.set())
    try:
        yield interrupted.is_set
    finally:
        signal.signal(signal.SIGINT, before)


def say(event: Event) -> None:
    """Progress on stderr: a line an epoch."""
    if event.kind is EventKind.LOG:
        print(event.values["text"], file=sys.stderr)
    elif event.kind is EventKind.EPOCH:
        figures = ", ".join(f"{key} {event.values[key]:.1f}" for key in ("base", "novel", "hm") if key in event.values)
        print(f"epoch {event.values['epoch']}, step {event.step}: {figures or 'no test clips'}", file=sys.stderr)
