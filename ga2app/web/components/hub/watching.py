"""Long errands of an event, such as an upload: the page hears how far they are, and how they ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextvars import copy_context
from dataclasses import dataclass
from typing import Generic, TypeVar

from ga2app.types import ByteProgress
from ga2app.web.components.markup import meter_html, size

T = TypeVar("T")

LOOK_S = 0.3
"""How often the page is told."""


@dataclass(frozen=True)
class Underway:
    """So many bytes of so many; ``total_bytes`` is 0 as long as it is not known."""

    done_bytes: int = 0
    total_bytes: int = 0


@dataclass(frozen=True)
class Ended(Generic[T]):
    """What the errand gave."""

    value: T


def watched(errand: Callable[[ByteProgress], T]) -> Iterator[Underway | Ended[T]]:
    """How far ``errand`` is, whenever that has changed, and at last what it gave; raises what it raises.

    It has a thread of its own, which knows who asked as the event does, and goes on to its end when the page is closed.
    """
    now = Underway()

    def note(done_bytes: int, total_bytes: int) -> None:
        nonlocal now
        now = Underway(done_bytes, total_bytes)

    pool = ThreadPoolExecutor(1, thread_name_prefix="errand")
    try:
        future = pool.submit(copy_context().run, errand, note)
        told = now
        yield told
        while not wait_for([future], LOOK_S).done:
            if now != told:
                told = now
                yield told
        yield Ended(future.result())
    finally:
        pool.shutdown(wait=False)


def errand_html(doing: str, done_bytes: int, total_bytes: int) -> str:
    """How far an errand is, as a bar with its bytes."""
    return meter_html(f"{doing}: {size(done_bytes)} of {size(total_bytes)}", done_bytes, total_bytes)
