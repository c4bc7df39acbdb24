"""Several seeds at once, each in a process of its own, on a device of its own where there are several."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, TypeVar

from ga2app.clip.compute import OWN_DEVICE, devices
from ga2app.errors import ConfigError, Fault, TrainingError

T = TypeVar("T")
_LOOK_S = 0.2


def workers_for(asked: int | None, device: str, most: int, *, per_core: bool = False) -> int:
    """How many processes train at once: as many as ``asked`` for, else one a CUDA device; never more than ``most``.

    ``device`` is that of the settings: where it names one of several, all of them share it. On a processor it is one,
    or ``per_core`` one a core. Raises ConfigError.
    """
    if asked is not None and asked < 1:
        raise ConfigError([Fault("workers", f"must be at least 1 (it is {asked})")])
    found = devices()
    if found[0].startswith("cuda") and device in ("auto", "cuda"):
        usual = len(found)
    else:
        usual = (os.cpu_count() or 1) if per_core else 1
    return max(1, min(asked or usual, most))


@contextmanager
def seed_processes(
    workers: int, begin: Callable[..., None] | None = None, *arguments: Any
) -> Iterator[ProcessPoolExecutor]:
    """A pool of ``workers`` fresh processes, each with a device of its own in turn; ``begin`` is called first in each.

    Raises TrainingError where one of them is killed.
    """
    context = multiprocessing.get_context("spawn")
    places = context.Queue()
    found = devices()
    for number in range(workers):
        places.put(found[number % len(found)])
    pool = ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(places, begin, arguments))
    try:
        with pool:
            try:
                yield pool
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    except BrokenProcessPool as exc:
        raise TrainingError(
            "one of the processes that trained was ended from outside, most likely for want of memory; what is "
            "finished is kept: give the same command again with fewer --workers"
        ) from exc
    finally:
        places.close()
        places.cancel_join_thread()


def as_they_come(futures: dict[Future[T], Any], stop: Callable[[], None]) -> Iterator[Future[T]]:
    """``futures`` as they are done; ``stop`` is called several times a second until all are."""
    waiting = set(futures)
    while waiting:
        done, waiting = wait(waiting, timeout=_LOOK_S, return_when=FIRST_COMPLETED)
        stop()
        yield from done


def _begin(places: Any, begin: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one, which passes it on
    os.environ[OWN_DEVICE] = places.get()
    if begin:
        begin(*arguments)
