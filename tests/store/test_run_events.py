"""Events: their order, their steps, and what a resumed run forgets."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import pytest

from ga2app.config import preset
from ga2app.errors import StoreError
from ga2app.store import Store
from ga2app.types import Event, EventKind


@pytest.fixture
def run_id(store: Store) -> int:
    return store.runs.queue(preset("quick"))


def step(number: int) -> Event:
    return Event(EventKind.STEP, number, {"total": 1.5})


def test_events_come_back_in_the_order_they_were_written(store: Store, run_id: int) -> None:
    written = [
        Event(EventKind.PLAN, 0, {"total_steps": 9}),
        step(1),
        step(2),
        Event(EventKind.EPOCH, 2, {"base": 50.0}),
    ]
    store.runs.append(run_id, written[0])
    store.runs.append_many(run_id, written[1:])
    stored = store.runs.events(run_id)
    assert [entry.event for entry in stored] == written
    assert [entry.id for entry in stored] == sorted(entry.id for entry in stored)


def test_events_are_read_by_kind_from_an_id_on_and_up_to_a_limit(store: Store, run_id: int) -> None:
    store.runs.append_many(run_id, [step(number) for number in range(5)] + [Event(EventKind.EPOCH, 5, {})])
    ids = [entry.id for entry in store.runs.events(run_id)]
    after = store.runs.events(run_id, kinds=[EventKind.STEP], after_id=ids[1], limit=2)
    assert [entry.event.step for entry in after] == [2, 3]
    assert [entry.event.step for entry in store.runs.events(run_id, kinds=[EventKind.EPOCH])] == [5]


def test_the_latest_event_of_a_kind_is_the_last_one_written(store: Store, run_id: int) -> None:
    assert store.runs.latest(run_id, EventKind.STEP) is None
    store.runs.append_many(run_id, [step(1), step(2), Event(EventKind.LOG, 2, {"text": "x"})])
    assert store.runs.latest(run_id, EventKind.STEP) == step(2)


def test_the_events_of_two_runs_do_not_mix(store: Store, run_id: int) -> None:
    other = store.runs.queue(preset("quick"))
    store.runs.append(other, step(1))
    assert store.runs.events(run_id) == []


def test_a_resumed_run_forgets_the_steps_that_its_lost_attempt_made_after_the_checkpoint(
    store: Store, run_id: int
) -> None:
    log, epoch = Event(EventKind.LOG, 4, {"text": "x"}), Event(EventKind.EPOCH, 2, {"base": 50.0})
    store.runs.append_many(run_id, [step(1), step(2), epoch, step(3), step(4), log])
    store.runs.append(run_id, Event(EventKind.EPOCH, 4, {"base": 60.0}))
    store.runs.resumed(run_id, 2)
    store.runs.append(run_id, step(3))
    assert [entry.event for entry in store.runs.events(run_id)] == [step(1), step(2), epoch, log, step(3)]


def test_an_epoch_and_a_bundle_are_there_once_also_where_an_attempt_was_lost_just_after_it_had_told(
    store: Store, run_id: int
) -> None:
    told = [Event(EventKind.EPOCH, 2, {"base": 50.0}), Event(EventKind.BUNDLE, 2, {"path": "b"})]
    for _ in range(2):  # killed between bundle and row: the next attempt goes on from the same step
        store.runs.resumed(run_id, 2)
        store.runs.append_many(run_id, told)
    store.runs.append(run_id, Event(EventKind.EPOCH, 4, {"base": 60.0}))
    assert [entry.event for entry in store.runs.events(run_id)] == [*told, Event(EventKind.EPOCH, 4, {"base": 60.0})]


def test_a_loss_that_is_no_number_can_be_written_down(store: Store, run_id: int) -> None:
    store.runs.append(run_id, Event(EventKind.STEP, 1, {"total": math.nan}))
    latest = store.runs.latest(run_id, EventKind.STEP)
    assert latest is not None and math.isnan(latest.values["total"])


def test_an_event_of_a_run_that_does_not_exist_is_refused(store: Store) -> None:
    with pytest.raises(StoreError):
        store.runs.append(99, step(1))


def test_threads_can_write_and_read_through_one_store(store: Store, run_id: int) -> None:
    def write_and_read(number: int) -> int:
        store.runs.append(run_id, step(number))
        return len(store.runs.events(run_id))

    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(write_and_read, range(80)))
    assert max(counts) == 80
    assert sorted(entry.event.step for entry in store.runs.events(run_id)) == list(range(80))
