"""Curves of runs: read once and then only what is new, and written to files whole.

A run of a hundred thousand steps is looked at every second.
"""

from __future__ import annotations

import json
import math
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ga2app.errors import StoreError
from ga2app.store import Store, StoredEvent
from ga2app.types import Conditions, Event, EventKind, RunRecord, read_conditions
from ga2app.untrusted import csv_text

LOSSES = ("total", "ce", "anchor")
POINTS = 512
"""A curve keeps at least half as many points and at most this many."""

_KEPT_RUNS = 64
_DRAWN = (EventKind.PLAN, EventKind.ZERO_SHOT, EventKind.STEP, EventKind.EPOCH)


@dataclass(frozen=True)
class RunCurve:
    """What a run has told so far. ``losses`` are points (step, value), each the mean of ``steps_a_point`` steps."""

    plan: Event | None = None
    zero_shot: Event | None = None
    step: Event | None = None
    epochs: tuple[Event, ...] = ()
    losses: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    steps_a_point: int = 1

    @property
    def total_steps(self) -> int:
        """Steps of the whole run; 0 while nobody knows."""
        return int(self.plan.values.get("total_steps", 0)) if self.plan else 0

    @property
    def conditions(self) -> Conditions:
        """What the run really used, and on how much it is tested; empty for runs of before."""
        return read_conditions(self.plan.values.get("conditions")) if self.plan else Conditions()

    @property
    def total_epochs(self) -> int:
        return int(self.plan.values.get("epochs", 0)) if self.plan else 0


class Thinned:
    """A growing series of points that keeps the means of so many neighbors as makes it stay short."""

    def __init__(self, limit: int = POINTS) -> None:
        self._limit = limit
        self._sums: list[list[float]] = []
        self.width = 1

    def add(self, x: float, y: float) -> None:
        """Append a point; one that is not a number is left out."""
        if not (math.isfinite(x) and math.isfinite(y)):
            return
        if self._sums and self._sums[-1][0] < self.width:
            last = self._sums[-1]
            last[0], last[1], last[2] = last[0] + 1, last[1] + x, last[2] + y
            return
        if len(self._sums) == self._limit:
            pairs = zip(self._sums[::2], self._sums[1::2], strict=True)
            self._sums = [[a + b for a, b in zip(*pair, strict=True)] for pair in pairs]
            self.width *= 2
        self._sums.append([1, x, y])

    def points(self) -> list[tuple[float, float]]:
        """The means."""
        return [(x / count, y / count) for count, x, y in self._sums]


class _Reading:
    """What was read of one run so far."""

    def __init__(self) -> None:
        self.last_id = self.last_step_id = 0
        self.latest: dict[EventKind, Event] = {}
        self.epochs: list[Event] = []
        self.losses = {name: Thinned() for name in LOSSES}

    def take(self, items: Sequence[StoredEvent]) -> None:
        for item in items:
            event, self.last_id = item.event, item.id
            self.latest[event.kind] = event
            if event.kind is EventKind.EPOCH:
                self.epochs.append(event)
            elif event.kind is EventKind.STEP:
                self.last_step_id = item.id
                for name, series in self.losses.items():
                    value = event.values.get(name)
                    if isinstance(value, float | int):
                        series.add(event.step, float(value))

    def curve(self) -> RunCurve:
        plan, zero_shot, step = map(self.latest.get, (EventKind.PLAN, EventKind.ZERO_SHOT, EventKind.STEP))
        points = {name: series.points() for name, series in self.losses.items()}
        return RunCurve(plan, zero_shot, step, tuple(self.epochs), points, self.losses["total"].width)


class Curves:
    """The curves of the runs that somebody looks at. Any thread may ask."""

    def __init__(self, store: Store) -> None:
        self._runs = store.runs
        self._lock = threading.Lock()
        self._readings: OrderedDict[int, _Reading] = OrderedDict()

    def of(self, run_id: int) -> RunCurve:
        """The run's curve as of now, empty where there is no such run; what was read before is not read again.

        A resumed run forgets what its lost attempt told after the checkpoint. The last step that was read is then gone
        from the store, and the reading begins anew.
        """
        try:
            self._runs.get(run_id)
        except StoreError:
            return _Reading().curve()
        with self._lock:
            reading = self._readings.pop(run_id, None)
            if reading is None or (reading.last_step_id and not self._runs.holds_event(reading.last_step_id)):
                reading = _Reading()
            reading.take(self._runs.events(run_id, kinds=_DRAWN, after_id=reading.last_id))
            self._readings[run_id] = reading
            while len(self._readings) > _KEPT_RUNS:
                self._readings.popitem(last=False)
            return reading.curve()


COLUMNS = tuple("run name seed kind step epoch ce anchor total learning_rate base novel hm".split())
_WRITTEN = (EventKind.ZERO_SHOT, EventKind.STEP, EventKind.EPOCH)


def run_title(run: RunRecord) -> str:
    """What a person calls the run."""
    return run.name or f"{run.config.get('dataset', '?')} on {run.config.get('backbone', '?')}"


def curves_csv(store: Store, runs: Sequence[RunRecord]) -> str:
    """A row for each thing that a run told: zero-shot CLIP, each step, each epoch. Nothing is thinned."""
    rows: list[Sequence[object]] = [COLUMNS]
    for run in runs:
        about = {"run": run.id, "name": run_title(run), "seed": run.config.get("seed", "")}
        for item in store.runs.events(run.id, kinds=_WRITTEN):
            told = {**item.event.values, **about, "kind": item.event.kind.value, "step": item.event.step}
            rows.append([told.get(name, "") for name in COLUMNS])
    return csv_text(rows)


def curves_json(store: Store, runs: Sequence[RunRecord]) -> str:
    """An entry for each run: what it is, its settings, zero-shot CLIP, steps and epochs. Nothing is thinned."""
    return json.dumps({"runs": [_entry(store, run) for run in runs]}, indent=1, ensure_ascii=False) + "\n"


def _entry(store: Store, run: RunRecord) -> dict[str, Any]:
    told: dict[EventKind, list[dict[str, Any]]] = {kind: [] for kind in _WRITTEN}
    for item in store.runs.events(run.id, kinds=_WRITTEN):
        told[item.event.kind].append({**item.event.values, "step": item.event.step})
    zero_shot = told[EventKind.ZERO_SHOT]
    return {
        "run": run.id,
        "name": run_title(run),
        "state": run.state.value,
        "config": dict(run.config),
        "zero_shot": zero_shot[-1] if zero_shot else None,
        "steps": told[EventKind.STEP],
        "epochs": told[EventKind.EPOCH],
    }
