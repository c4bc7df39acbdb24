"""What one request, one person and all together may ask of a studio: numbers, and the plain words of a refusal.

On one's own machine they keep a slip of the hand from taking the machine for hours; a Space's are smaller, and its
variables change them.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path

from ga2app.config import RunConfig
from ga2app.errors import BusyError, ConfigError, Fault, LimitError, counted, shown
from ga2app.services.forecast import workload_of
from ga2app.store import Quotas, Store
from ga2app.store.holdings import Holdings
from ga2app.stretches import file_of
from ga2app.types import Dataset

_FIRST_GUESS_S = 2.0


ON_SPACE = Quotas(texts=10_000, frames=5_000)


def variable(name: str) -> str:
    """The environment variable of the quota ``name``."""
    return f"GA2_MOST_{name.upper()}"


def present_quotas(on_space: bool, environment: Mapping[str, str] = os.environ) -> Quotas:
    """The bounds that hold here. Raises ConfigError with every variable at fault."""
    quotas, faults = ON_SPACE if on_space else Quotas(), []
    for name in (field.name for field in fields(Quotas)):
        given = environment.get(variable(name), "").strip()
        if not given:
            continue
        if given.isascii() and given.isdigit() and 0 < int(given[:12]) and len(given) <= 12:
            quotas = replace(quotas, **{name: int(given)})
        else:
            faults.append(Fault(variable(name), f"must be a whole number from 1 on, not '{shown(given)}'"))
    if faults:
        raise ConfigError(faults)
    return quotas


class Admission:
    """How many recognitions and explanations are under way, of whom, and how fast they are done."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._inside: dict[object, str | None] = {}
        self._last_s, self._pace_s = 0.0, _FIRST_GUESS_S

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Let one more in for as long as the block lasts, of whoever asks. Raises BusyError."""
        ticket, began_s, person = object(), time.monotonic(), self._store.person()
        with self._lock:
            self._check(person)
            self._inside[ticket] = person
        try:
            yield
        finally:
            with self._lock:
                del self._inside[ticket]
                now_s = time.monotonic()
                took_s = now_s - max(self._last_s, began_s)  # since the one before was done, or since this one began
                self._last_s, self._pace_s = now_s, 0.8 * self._pace_s + 0.2 * took_s

    def _check(self, person: str | None) -> None:
        inside, quotas = [*self._inside.values()], self._store.quotas
        if person:
            mine, most, whose = inside.count(person), quotas.recognitions_each, "of yours "
        elif person is None:
            mine, most, whose = inside.count(None), quotas.strangers, ""
        else:
            mine, most, whose = 0, quotas.recognitions, ""
        if mine >= most or len(inside) >= quotas.recognitions:
            before = mine if mine >= most else len(inside)
            said = whose if mine >= most else ""
            again_s = max(1, round(before * self._pace_s))
            raise BusyError(
                f"busy: {counted(before, 'recognition')} {said}before this one",
                hint=f"try again in about {counted(again_s, 'second')}",
            )


def check_clips(store: Store, paths: Sequence[str]) -> None:
    """Raises LimitError where whoever acts may not keep these clips, too, on a Space."""
    if not (person := store.person()):
        return
    count, quotas, had = len(paths), store.quotas, store.holdings(person)
    if had.clips + count > quotas.clips:
        raise LimitError(
            f"you keep {counted(had.clips, 'clip')} here, this is {count:,} more, and {quotas.clips:,} are the most "
            "for one person",
            hint="delete data sets or anchor clips that you need no more, or take fewer clips",
        )
    _check_bytes(had, quotas, paths)


def check_room(store: Store, paths: Iterable[str | Path]) -> None:
    """Raises LimitError where whoever acts may not keep these files, too, on a Space."""
    if person := store.person():
        _check_bytes(store.holdings(person), store.quotas, paths)


def _check_bytes(had: Holdings, quotas: Quotas, paths: Iterable[str | Path]) -> None:
    size_bytes = sum(os.path.getsize(path) for path in set(map(file_of, paths)) if os.path.isfile(path))
    if had.size_bytes + size_bytes > quotas.megabytes * 1_000_000:
        raise LimitError(
            f"your clips and bundles here take {had.size_bytes / 1e6:,.0f} MB, this is {size_bytes / 1e6:,.0f} MB "
            f"more, and {quotas.megabytes:,} MB are the most for one person",
            hint="delete data sets, anchor clips or bundles that you need no more, or take shorter clips",
        )


def check_runs(store: Store, runs: Sequence[tuple[RunConfig, Dataset | None] | None]) -> None:
    """Raises LimitError where whoever acts may not queue ``runs`` on a Space.

    A run is told by its settings and its data set, None while that is being drawn; one that was queued before by None.
    """
    if not (person := store.person()):
        return
    quotas, waiting = store.quotas, store.holdings(person).waiting_runs
    if waiting + len(runs) > quotas.waiting_runs:
        raise LimitError(
            f"{counted(waiting, 'run')} of yours wait, this is {len(runs):,} more, and {quotas.waiting_runs:,} are the "
            "most for one person",
            hint="wait until some are done, or delete some from the queue",
        )
    steps = max((workload_of(run[0], run[1]).steps for run in runs if run and run[1]), default=0)
    if steps > quotas.steps:
        raise LimitError(
            f"this run would take {steps:,} steps, and {quotas.steps:,} are the most here",
            hint="train fewer epochs, or raise the batch size",
        )
