"""Curves are read once, then only what is new, and stay short."""

from __future__ import annotations

import math

import pytest

from ga2app.config import preset
from ga2app.services.run_curves import Curves, Thinned
from ga2app.services.studio import Studio
from ga2app.store import Store, StoredEvent
from ga2app.types import Event, EventKind, RunRecord


def step(number: int, total: float = 1.0) -> Event:
    return Event(EventKind.STEP, number, {"ce": total / 2, "anchor": total / 2, "total": total})


class Counting:
    """The store, counting the events that are read."""

    def __init__(self, store: Store) -> None:
        self.runs = self
        self._runs = store.runs
        self.read = 0

    def holds_event(self, event_id: int) -> bool:
        return self._runs.holds_event(event_id)

    def get(self, run_id: int) -> RunRecord:
        return self._runs.get(run_id)

    def events(self, run_id: int, **given: object) -> list[StoredEvent]:
        found = self._runs.events(run_id, **given)  # type: ignore[arg-type]
        self.read += len(found)
        return found


@pytest.fixture
def run_id(studio: Studio) -> int:
    return studio.store.runs.queue(preset("quick"))


def test_a_short_series_keeps_every_point() -> None:
    series = Thinned(8)
    for x in range(8):
        series.add(x, x * x)
    assert series.points() == [(x, x * x) for x in range(8)] and series.width == 1


def test_a_long_series_keeps_means_of_neighbors_between_half_the_limit_and_the_limit() -> None:
    series = Thinned(8)
    for x in range(1000):
        series.add(x, 2 * x)
        assert len(series.points()) <= 8
    points = series.points()
    assert series.width == 128 and 4 <= len(points) <= 8
    assert points[0] == (63.5, 127.0)
    assert all(y == 2 * x for x, y in points)


def test_what_is_no_number_is_left_out() -> None:
    series = Thinned(8)
    for y in (1.0, math.nan, math.inf, 2.0):
        series.add(0, y)
    assert [y for _, y in series.points()] == [1.0, 2.0]


def test_the_second_look_reads_only_what_is_new(studio: Studio, run_id: int) -> None:
    runs = studio.store.runs
    runs.append_many(run_id, [Event(EventKind.PLAN, 0, {"total_steps": 200}), *(step(n) for n in range(1, 101))])
    store = Counting(studio.store)
    curves = Curves(store)  # type: ignore[arg-type]
    assert len(curves.of(run_id).losses["total"]) == 100 and store.read == 101
    runs.append_many(run_id, [step(101), Event(EventKind.EPOCH, 101, {"epoch": 1, "hm": 50.0})])
    curve = curves.of(run_id)
    assert store.read == 103
    assert len(curve.losses["total"]) == 101 and curve.step is not None and curve.step.step == 101
    assert curve.total_steps == 200 and [event.values["hm"] for event in curve.epochs] == [50.0]
    curves.of(run_id)
    assert store.read == 103


def test_a_resumed_run_goes_on_from_its_checkpoint_on_the_same_axis(studio: Studio, run_id: int) -> None:
    runs, curves = studio.store.runs, Curves(studio.store)
    runs.append_many(run_id, [*(step(n, 9.0) for n in range(1, 8)), Event(EventKind.EPOCH, 7, {"hm": 1.0})])
    assert [x for x, _ in curves.of(run_id).losses["total"]] == [1, 2, 3, 4, 5, 6, 7]
    runs.drop_events_after(run_id, 5)
    runs.append_many(run_id, [step(6, 3.0), Event(EventKind.EPOCH, 7, {"hm": 2.0})])
    curve = curves.of(run_id)
    assert curve.losses["total"] == [(1, 9.0), (2, 9.0), (3, 9.0), (4, 9.0), (5, 9.0), (6, 3.0)]
    assert [event.values["hm"] for event in curve.epochs] == [2.0]


def test_a_run_that_came_back_from_the_trash_has_its_curve(studio: Studio, run_id: int) -> None:
    curves = Curves(studio.store)
    studio.store.runs.append_many(run_id, [step(n) for n in range(1, 21)])
    before = curves.of(run_id).losses
    entry = studio.store.runs.delete(run_id)
    assert curves.of(run_id).losses["total"] == []
    studio.store.trash.restore(entry)
    assert curves.of(run_id).losses == before
