"""The order of the queue, and runs that are deleted and come back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ga2app.config import preset
from ga2app.errors import StoreError
from ga2app.paths import PROJECT, Home
from ga2app.store import Place, Store
from ga2app.types import Event, EventKind, RunState

CONFIG = preset("quick")


@pytest.fixture
def ids(store: Store) -> list[int]:
    return [store.runs.queue(CONFIG) for _ in range(4)]


def taken(store: Store) -> list[int]:
    order = []
    while record := store.runs.claim(1, 1.0):
        order.append(record.id)
    return order


@pytest.mark.parametrize(
    ("which", "to", "order"),
    [
        (2, Place.UP, [0, 2, 1, 3]),
        (2, Place.DOWN, [0, 1, 3, 2]),
        (3, Place.FRONT, [3, 0, 1, 2]),
        (0, Place.UP, [0, 1, 2, 3]),
        (3, Place.DOWN, [0, 1, 2, 3]),
    ],
)
def test_a_waiting_run_is_moved_and_taken_at_its_new_place(
    store: Store, ids: list[int], which: int, to: Place, order: list[int]
) -> None:
    wanted = [ids[place] for place in order]
    assert store.runs.move(ids[which], to) == wanted
    assert store.runs.waiting() == wanted
    assert [run.id for run in store.runs.list(queue_first=True)] == wanted
    assert taken(store) == wanted


def test_runs_queued_at_the_same_moment_can_be_moved_past_each_other(store: Store, ids: list[int]) -> None:
    with store._database.write() as db:
        db.execute("UPDATE runs SET queued_s = 1000000000.0")
    for _ in range(3):
        store.runs.move(ids[3], Place.UP)
    assert taken(store) == [ids[3], *ids[:3]]


def test_a_run_queued_later_comes_behind_those_that_were_moved(store: Store, ids: list[int]) -> None:
    store.runs.move(ids[0], Place.DOWN)
    late = store.runs.queue(CONFIG)
    assert store.runs.waiting() == [ids[1], ids[0], ids[2], ids[3], late]


def test_only_a_waiting_run_can_be_moved(store: Store, ids: list[int]) -> None:
    store.runs.claim(1, 1.0)
    with pytest.raises(StoreError, match=rf"run {ids[0]} is running; only a waiting run can be moved"):
        store.runs.move(ids[0], Place.DOWN)


CLAIM_ALL = """
import os, pathlib, sys
from ga2app.paths import Home
from ga2app.store import Store
with Store.open(Home(pathlib.Path(sys.argv[1]))) as store:
    print("ready", flush=True)
    sys.stdin.readline()
    while record := store.runs.claim(os.getpid(), 1.0):
        print(record.id, flush=True)
"""


def test_runs_that_are_moved_while_a_worker_takes_them_are_each_taken_once(home: Home, store: Store) -> None:
    ids = [store.runs.queue(CONFIG) for _ in range(120)]
    taker = subprocess.Popen(
        [sys.executable, "-c", CLAIM_ALL, str(home.root)],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert taker.stdin is not None and taker.stdout is not None
    assert taker.stdout.readline() == "ready\n"
    taker.stdin.write("go\n")
    taker.stdin.flush()
    for run_id in reversed(ids):
        try:
            order = store.runs.move(run_id, Place.FRONT)
            assert order[0] == run_id and len(order) == len(set(order))
        except StoreError as exc:  # the other process may be quicker, however many are left
            assert "only a waiting run can be moved" in str(exc)
    took = [int(line) for line in taker.communicate(timeout=300)[0].split()]
    assert taker.returncode == 0 and sorted(took) == ids


def told(store: Store, steps: int) -> int:
    """A stopped run that has told of so many steps and two epochs."""
    run_id = store.runs.queue(CONFIG, name="mine")
    store.runs.claim(1, 1.0)
    events = [Event(EventKind.PLAN, 0, {"total_steps": steps}), Event(EventKind.ZERO_SHOT, 0, {"base": 1.0})]
    events += [Event(EventKind.STEP, step, {"total": 1 / step}) for step in range(1, steps + 1)]
    events += [Event(EventKind.EPOCH, steps, {"epoch": 1, "base": 2.0}), Event(EventKind.LOG, steps, {"text": "bye"})]
    store.runs.append_many(run_id, events)
    store.runs.finish(run_id, RunState.STOPPED, exit_code=0)
    return run_id


def test_a_deleted_run_comes_back_with_its_number_its_figures_and_its_curve(store: Store) -> None:
    run_id = told(store, 50)
    before, events = store.runs.get(run_id), store.runs.events(run_id)
    entry = store.runs.delete(run_id, what="run 1: mine")
    assert store.runs.count() == 0 and store.runs.events(run_id) == []
    last = store.trash.last("runs")
    assert last and (last.id, last.what) == (entry, "run 1: mine")
    store.trash.restore(entry)
    assert store.runs.get(run_id) == before
    assert store.runs.events(run_id) == events


def test_of_a_long_curve_every_so_many_th_step_comes_back_and_always_the_last(store: Store) -> None:
    run_id = told(store, 5000)
    store.trash.restore(store.runs.delete(run_id))
    steps = [item.event.step for item in store.runs.events(run_id, kinds=[EventKind.STEP])]
    assert 500 <= len(steps) <= 600
    assert steps[-1] == 5000
    assert {later - earlier for earlier, later in zip(steps, steps[1:], strict=False)} == {9}
    kinds = [item.event.kind for item in store.runs.events(run_id) if item.event.kind is not EventKind.STEP]
    assert kinds == [EventKind.PLAN, EventKind.ZERO_SHOT, EventKind.EPOCH, EventKind.LOG]


def test_a_deleted_waiting_run_comes_back_to_its_place_in_the_queue(store: Store, ids: list[int]) -> None:
    entry = store.runs.delete(ids[1])
    assert store.runs.waiting() == [ids[0], ids[2], ids[3]]
    store.trash.restore(entry)
    assert taken(store) == ids


def test_the_folder_of_a_run_goes_when_the_trash_is_emptied_and_not_before(store: Store, home: Home) -> None:
    run_id = told(store, 3)
    folder: Path = home.run_folder(run_id)
    folder.mkdir(parents=True)
    (folder / "log.txt").write_text("hello")
    store.runs.delete(run_id)
    assert store.trash.purge() == 0 and folder.exists()
    assert store.trash.purge(keep_s=-1) == 1
    assert not folder.exists()
