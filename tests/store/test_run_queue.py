"""The queue: states, order, and who may take what."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ga2app.config import RunConfig, preset
from ga2app.errors import StoreError
from ga2app.paths import PROJECT, Home
from ga2app.store import Store
from ga2app.store.run_claims import WorkerPlace
from ga2app.types import Event, EventKind, RunState

CONFIG = preset("quick")


def claim(store: Store, pid: int = 1) -> int:
    record = store.runs.claim(pid, 10.0)
    assert record is not None
    return record.id


def test_a_queued_run_comes_back_with_its_whole_configuration(store: Store) -> None:
    run_id = store.runs.queue(CONFIG, name=" mine ", owner="ada")
    record = store.runs.get(run_id)
    assert (record.state, record.name, record.owner, record.attempts) == (RunState.QUEUED, "mine", "ada", 0)
    assert RunConfig.from_dict(record.config) == CONFIG


def test_an_unknown_run_is_named_and_the_next_step_told(store: Store) -> None:
    with pytest.raises(StoreError, match=r"there is no run 7; it may have been deleted, so reload the list"):
        store.runs.get(7)


def test_lists_are_newest_first_in_pages_and_by_state(store: Store) -> None:
    ids = [store.runs.queue(CONFIG) for _ in range(5)]
    claim(store)
    assert [record.id for record in store.runs.list(limit=2, offset=1)] == [ids[3], ids[2]]
    assert [record.id for record in store.runs.list(states=[RunState.RUNNING])] == [ids[0]]
    assert store.runs.count() == 5
    assert store.runs.count([RunState.QUEUED]) == 4


def test_runs_are_taken_in_the_order_of_queuing(store: Store) -> None:
    ids = [store.runs.queue(CONFIG) for _ in range(3)]
    assert [claim(store) for _ in range(3)] == ids
    assert store.runs.claim(1, 10.0) is None


def test_a_resumed_run_takes_its_place_at_the_end_of_the_queue(store: Store) -> None:
    first, second = store.runs.queue(CONFIG), store.runs.queue(CONFIG)
    store.runs.request_stop(first)
    store.runs.requeue(first)
    assert [claim(store), claim(store)] == [second, first]


def test_stopping_a_queued_run_stops_it_at_once(store: Store) -> None:
    run_id = store.runs.queue(CONFIG)
    assert store.runs.request_stop(run_id) is RunState.STOPPED
    assert store.runs.get(run_id).finished_s is not None
    assert store.runs.claim(1, 10.0) is None


def test_stopping_a_running_run_is_a_wish_that_the_worker_sees(store: Store) -> None:
    store.runs.queue(CONFIG)
    run_id = claim(store)
    assert not store.runs.should_stop(run_id)
    assert store.runs.request_stop(run_id) is RunState.STOPPING
    assert store.runs.should_stop(run_id)


def test_stopping_an_ended_run_leaves_it_as_it_is(store: Store) -> None:
    store.runs.queue(CONFIG)
    run_id = claim(store)
    store.runs.finish(run_id, RunState.DONE, exit_code=0)
    assert store.runs.request_stop(run_id) is RunState.DONE


def test_only_stopped_and_failed_runs_can_be_queued_again(store: Store) -> None:
    store.runs.queue(CONFIG)
    run_id = claim(store)
    with pytest.raises(StoreError, match=rf"run {run_id} is running; only a stopped or failed run"):
        store.runs.requeue(run_id)
    store.runs.finish(run_id, RunState.FAILED, exit_code=1, error="because")
    assert store.runs.get(run_id).error == "because"
    store.runs.requeue(run_id)
    record = store.runs.get(run_id)
    assert (record.state, record.error, record.exit_code, record.attempts) == (RunState.QUEUED, None, None, 0)


def test_a_running_run_cannot_be_deleted(store: Store) -> None:
    store.runs.queue(CONFIG)
    run_id = claim(store)
    for _ in range(2):
        with pytest.raises(StoreError, match="stop it and wait until it has stopped, then delete it"):
            store.runs.delete(run_id)
        store.runs.request_stop(run_id)
    store.runs.finish(run_id, RunState.STOPPED, exit_code=0)
    store.runs.append(run_id, Event(EventKind.LOG, 0, {"text": "bye"}))
    store.runs.delete(run_id)
    assert store.runs.count() == 0
    assert store.runs.events(run_id) == []


def test_the_number_of_a_deleted_run_is_never_given_again(store: Store) -> None:
    run_id = store.runs.queue(CONFIG)
    store.runs.delete(run_id)
    assert store.runs.queue(CONFIG) > run_id


def test_a_run_that_no_worker_has_cannot_end(store: Store) -> None:
    run_id = store.runs.queue(CONFIG)
    with pytest.raises(StoreError, match=rf"run {run_id} is queued, so it cannot end as done"):
        store.runs.finish(run_id, RunState.DONE, exit_code=0)


def test_a_run_of_a_dead_worker_goes_back_to_the_head_of_the_queue(store: Store) -> None:
    lost, waiting = store.runs.queue(CONFIG), store.runs.queue(CONFIG)
    claim(store)
    assert store.runs.requeue_lost(lambda pid, started_s: True, 60.0) == []
    assert store.runs.requeue_lost(lambda pid, started_s: (pid, started_s) != (1, 10.0), 60.0) == [lost]
    assert [claim(store), claim(store)] == [lost, waiting]


def test_a_run_whose_worker_is_silent_goes_back_although_the_process_lives(store: Store) -> None:
    run_id = store.runs.queue(CONFIG)
    claim(store)
    assert store.runs.requeue_lost(lambda pid, started_s: True, -1.0) == [run_id]


def test_the_worker_that_was_given_up_hears_it_at_its_next_heartbeat(store: Store) -> None:
    run_id = store.runs.queue(CONFIG)
    claim(store, pid=1)
    assert store.runs.heartbeat(run_id, pid=1)
    store.runs.requeue_lost(lambda pid, started_s: False, 60.0)
    claim(store, pid=2)
    assert not store.runs.heartbeat(run_id, pid=1)
    assert store.runs.heartbeat(run_id, pid=2)


def test_a_run_that_was_being_stopped_is_stopped_when_its_worker_dies(store: Store) -> None:
    run_id = store.runs.queue(CONFIG)
    claim(store)
    store.runs.request_stop(run_id)
    store.runs.requeue_lost(lambda pid, started_s: False, 60.0)
    assert store.runs.get(run_id).state is RunState.STOPPED


def test_the_third_worker_that_dies_at_the_same_place_fails_the_run(store: Store) -> None:
    run_id = store.runs.queue(CONFIG)
    states = []
    for _ in range(3):
        claim(store)
        store.runs.requeue_lost(lambda pid, started_s: False, 60.0)
        states.append(store.runs.get(run_id).state)
    assert states == [RunState.QUEUED, RunState.QUEUED, RunState.FAILED]
    failed = store.runs.get(run_id)
    assert "died 3 times at the same place" in str(failed.error) and failed.error_code == "worker died"
    store.runs.requeue(run_id)
    assert store.runs.get(run_id).error_code == ""


def test_a_run_that_gets_further_each_time_may_lose_any_number_of_workers(store: Store) -> None:
    run_id = store.runs.queue(CONFIG)
    for step in range(10, 60, 10):
        claim(store)
        store.runs.resumed(run_id, step)
        store.runs.requeue_lost(lambda pid, started_s: False, 60.0)
        assert store.runs.get(run_id).state is RunState.QUEUED


def test_kills_with_a_new_checkpoint_between_them_never_fail_a_run(store: Store, home: Home) -> None:
    run_id = store.runs.queue(CONFIG)
    saved = home.checkpoint(run_id)
    saved.parent.mkdir(parents=True)
    claim(store)
    store.runs.requeue_lost(lambda pid, started_s: False, 60.0)  # before its first checkpoint
    for number in range(1, 9):
        claim(store)
        saved.touch()
        os.utime(saved, ns=(number, number))
        store.runs.requeue_lost(lambda pid, started_s: False, 60.0)
        record = store.runs.get(run_id)
        assert (record.state, record.attempts) == (RunState.QUEUED, 1)
    for state in (RunState.QUEUED, RunState.FAILED):  # no further: the third death at the same place is its own fault
        claim(store)
        store.runs.requeue_lost(lambda pid, started_s: False, 60.0)
        assert store.runs.get(run_id).state is state


def test_a_run_of_another_machine_is_judged_by_its_heartbeat_alone(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = store.runs.queue(CONFIG)
    monkeypatch.setenv("GA2_HOST", "far")
    claim(store)
    monkeypatch.setenv("GA2_HOST", "near")
    assert store.runs.requeue_lost(lambda pid, started_s: False, 60.0) == [], "its number means nothing here"
    monkeypatch.setenv("GA2_HOST", "far")
    assert store.runs.heartbeat(run_id, pid=1)
    monkeypatch.setenv("GA2_HOST", "near")
    assert store.runs.requeue_lost(lambda pid, started_s: False, 60.0) == []
    assert store.runs.requeue_lost(lambda pid, started_s: True, 0.0) == [run_id], "it has not changed since"


def test_a_worker_of_another_machine_with_the_same_number_is_another(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = store.runs.queue(CONFIG)
    monkeypatch.setenv("GA2_HOST", "far")
    claim(store)
    monkeypatch.setenv("GA2_HOST", "near")
    assert not store.runs.heartbeat(run_id, pid=1)
    store.runs.release(run_id, pid=1)
    with pytest.raises(StoreError, match="is running, in process 1, so it cannot end as done"):
        store.runs.finish(run_id, RunState.DONE, exit_code=0, pid=1)
    monkeypatch.setenv("GA2_HOST", "far")
    assert store.runs.heartbeat(run_id, pid=1)


def test_a_run_whose_own_processes_are_killed_goes_back_and_the_third_time_at_one_place_it_fails_with_the_reason(
    store: Store,
) -> None:
    run_id, states = store.runs.queue(CONFIG), []
    for _ in range(3):
        claim(store)
        assert store.runs.lose_attempt(run_id, "killed", "out of memory", pid=2) is RunState.RUNNING, "of another"
        states.append(store.runs.lose_attempt(run_id, "killed", "out of memory", pid=1))
    assert states == [RunState.QUEUED, RunState.QUEUED, RunState.FAILED]
    assert (store.runs.get(run_id).error, store.runs.get(run_id).error_code) == ("killed", "out of memory")


def test_runs_that_a_worker_holds_back_are_taken_by_others_alone(store: Store) -> None:
    held, free = store.runs.queue(CONFIG), store.runs.queue(CONFIG)
    taken = store.runs.claim(1, 1.0, WorkerPlace(held=(held,)))
    assert taken is not None and taken.id == free
    assert store.runs.claim(1, 1.0, WorkerPlace(held=(held,))) is None
    assert claim(store) == held


def test_a_worker_that_leaves_in_good_order_costs_the_run_no_attempt(store: Store) -> None:
    run_id = store.runs.queue(CONFIG)
    for _ in range(5):
        claim(store)
        store.runs.release(run_id)
    record = store.runs.get(run_id)
    assert (record.state, record.attempts, record.pid) == (RunState.QUEUED, 0, None)


def test_a_run_is_ended_and_given_back_by_the_process_that_has_it_alone(store: Store) -> None:
    run_id = store.runs.queue(CONFIG)
    claim(store, pid=7)
    store.runs.release(run_id, pid=8)
    with pytest.raises(StoreError, match="is running, in process 7, so it cannot end as done"):
        store.runs.finish(run_id, RunState.DONE, exit_code=0, pid=8)
    assert store.runs.get(run_id).state is RunState.RUNNING
    store.runs.finish(run_id, RunState.DONE, exit_code=0, pid=7)
    assert store.runs.get(run_id).state is RunState.DONE


def test_a_run_that_was_being_stopped_is_not_put_back_when_its_worker_leaves(store: Store) -> None:
    run_id = store.runs.queue(CONFIG)
    claim(store)
    store.runs.request_stop(run_id)
    store.runs.release(run_id)
    assert store.runs.get(run_id).state is RunState.STOPPED


def test_a_bundle_is_found_after_the_home_has_moved(home: Home, tmp_path: Path) -> None:
    with Store.open(home) as store:
        run_id = store.runs.queue(CONFIG)
        claim(store)
        store.runs.finish(run_id, RunState.DONE, exit_code=0, bundle=str(home.bundles / "run-000001"))
        assert store.runs.get(run_id).bundle == str(home.bundles / "run-000001")
    moved = Home(home.root.rename(tmp_path / "moved"))
    with Store.open(moved) as store:
        assert store.runs.get(run_id).bundle == str(moved.bundles / "run-000001")


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


def test_two_processes_that_take_runs_at_once_never_take_the_same_one(home: Home, store: Store) -> None:
    ids = [store.runs.queue(CONFIG) for _ in range(200)]
    takers = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIM_ALL, str(home.root)],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for taker in takers:
        assert taker.stdout is not None and taker.stdout.readline() == "ready\n"
    for taker in takers:
        assert taker.stdin is not None
        taker.stdin.write("go\n")
        taker.stdin.flush()
    taken = [[int(line) for line in taker.communicate(timeout=30)[0].split()] for taker in takers]
    assert sorted(taken[0] + taken[1]) == ids
    assert all(part == sorted(part) for part in taken)
    assert [taker.returncode for taker in takers] == [0, 0]
