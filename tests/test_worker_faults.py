"""Faults around a worker, injected for real: other machines on its data directory, hangs, locks, full disks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from filelock import FileLock

from ga2app.config import OptimizerConfig, RunConfig
from ga2app.paths import PROJECT, Home
from ga2app.store import Store
from ga2app.store.database import Database
from ga2app.types import Event, EventKind, RunState
from ga2app.worker import launcher, run_faults, worker_identity
from ga2app.worker.queue_loop import LOG, Worker
from ga2app.worker.run_parts import EventWriter
from ga2app.worker.worker_identity import WorkerSlot
from tests import fake_training

HURRY_S = 2.0
"""Silence after which a worker is given up here; a minute in life."""
PATIENCE_S = 120.0

Spawn = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def spawn(home: Home) -> Iterator[Spawn]:
    """Starts a worker on the machine ``host``, as GA2_HOST names it; none is left behind."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(*arguments: str, host: str = "", number: int = 0) -> subprocess.Popen[bytes]:
        own = {"PYTHONPATH": str(PROJECT), "HURRY_S": str(HURRY_S), "GA2_HOST": host}
        slot = ("--slot", "cpu", str(number), "1")
        program = [sys.executable, fake_training.__file__, "--home", str(home.root), *slot, *arguments]
        started.append(subprocess.Popen(program, env=os.environ | own, stderr=subprocess.DEVNULL))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait()


def config(manner: str = "slow", epochs: int = 8) -> RunConfig:
    return RunConfig(backbone=manner, optimizer=OptimizerConfig(epochs=epochs))


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def steps(store: Store, run_id: int) -> list[int]:
    return [entry.event.step for entry in store.runs.events(run_id, kinds=[EventKind.STEP])]


def log_of(home: Home, run_id: int) -> str:
    return (home.run_folder(run_id) / LOG).read_text()


@pytest.mark.faults
def test_two_containers_with_one_data_directory_leave_each_others_runs_alone(
    home: Home, store: Store, spawn: Spawn
) -> None:
    theirs = store.runs.queue(config(epochs=60))
    first = spawn(host="a")
    until(lambda: store.runs.get(theirs).state is RunState.RUNNING)
    ours = store.runs.queue(config())
    assert spawn("--once", host="b").wait(PATIENCE_S) == 0, "the place is taken, whatever its process number means here"
    assert store.runs.get(ours).state is RunState.QUEUED
    assert spawn("--once", host="b", number=1).wait(PATIENCE_S) == 0, "in another place it takes what waits"
    assert store.runs.get(ours).state is RunState.DONE
    record = store.runs.get(theirs)
    assert (record.state, record.attempts, record.pid) == (RunState.RUNNING, 1, first.pid)
    assert launcher.stop_worker(home, timeout_s=0.0), "none of this machine is left"
    assert first.poll() is None, "and no signal goes to processes of others"
    first.terminate()
    assert first.wait(PATIENCE_S) == 0


@pytest.mark.faults
def test_a_container_that_is_killed_is_followed_by_another_and_its_run_ends_once(
    home: Home, store: Store, spawn: Spawn
) -> None:
    run_id = store.runs.queue(config())
    first = spawn(host="a")
    until(lambda: len(steps(store, run_id)) > 12)
    first.kill()
    first.wait()
    began_s = time.monotonic()
    while store.runs.get(run_id).state is not RunState.DONE:
        record = store.runs.get(run_id)
        assert record.state is not RunState.FAILED and time.monotonic() - began_s < PATIENCE_S, record
        spawn("--idle-exit", str(3 * HURRY_S), host="b").wait(PATIENCE_S)
    record = store.runs.get(run_id)
    assert (record.attempts, record.error) == (2, None) and steps(store, run_id) == list(range(1, 41))
    assert "was left by a worker that is gone or hangs" in log_of(home, run_id)


@pytest.mark.faults
def test_a_container_that_was_frozen_and_comes_back_neither_fails_nor_doubles_what_another_has_taken_over(
    home: Home, store: Store, spawn: Spawn
) -> None:
    run_id = store.runs.queue(config(epochs=60))
    frozen = spawn(host="a")
    until(lambda: len(steps(store, run_id)) > 12)
    frozen.send_signal(signal.SIGSTOP)
    other = spawn(host="b", number=1)
    until(lambda: store.runs.get(run_id).pid == other.pid)
    until(lambda: len(steps(store, run_id)) > 30)
    frozen.send_signal(signal.SIGCONT)
    until(lambda: store.runs.get(run_id).state is RunState.DONE)
    record = store.runs.get(run_id)
    assert (record.attempts, record.error) == (2, None)
    assert steps(store, run_id) == list(range(1, 301))
    epochs = [entry.event.step for entry in store.runs.events(run_id, kinds=[EventKind.EPOCH])]
    assert epochs == list(range(5, 301, 5))


@pytest.mark.faults
def test_a_worker_that_hangs_is_told_ended_and_replaced(
    home: Home, store: Store, spawn: Spawn, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(worker_identity, "SILENT_S", HURRY_S)
    run_id = store.runs.queue(config())
    hung = spawn()
    until(lambda: len(steps(store, run_id)) > 12)
    hung.send_signal(signal.SIGSTOP)
    command = [fake_training.__file__]
    until(lambda: launcher.ensure_worker(home, command=command, idle_exit_s=0.1) != hung.pid)
    other = launcher.worker_process(home)
    assert hung.wait(PATIENCE_S) == -signal.SIGKILL
    assert (
        other is not None
        and f"worker {hung.pid} has not answered for 2 s; it is ended, and another starts" in caplog.text
    )
    until(lambda: store.runs.get(run_id).state is RunState.DONE)
    assert steps(store, run_id) == list(range(1, 41)) and store.runs.get(run_id).attempts == 2
    until(
        lambda: (
            launcher.worker_process(home, WorkerSlot()) is None and not launcher.is_alive(other.pid, other.started_s)
        )
    )


def test_a_worker_that_answers_is_not_taken_for_one_that_hangs(
    home: Home, spawn: Spawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = spawn()
    until(lambda: launcher.worker_process(home) is not None)
    monkeypatch.setattr(worker_identity, "SILENT_S", 0.9)
    began_s = time.monotonic()
    while time.monotonic() - began_s < 1.5:
        assert launcher.ensure_worker(home) == worker.pid
        time.sleep(0.05)


def test_a_worker_of_another_machine_is_alive_as_long_as_its_file_is_fresh_by_the_clock_of_the_disk(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.root.mkdir(parents=True)
    monkeypatch.setenv("GA2_HOST", "far")
    assert launcher.take_lock(home)
    monkeypatch.setenv("GA2_HOST", "near")
    assert launcher.worker_alive(home) and not launcher.take_lock(home)
    assert launcher.stop_worker(home), "there is none here that could be stopped"
    file = home.root / "worker-cpu.json"
    past = time.time() - worker_identity.SILENT_S - 1
    os.utime(file, (past, past))
    assert not launcher.worker_alive(home) and launcher.take_lock(home)


def test_a_lock_of_another_program_that_lasts_longer_than_the_databases_patience_fails_no_run(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """14 s under the rollback journal, where the patience is 10 s: here 1 s and 0.2 s."""
    monkeypatch.setenv("GA2_JOURNAL", "delete")
    monkeypatch.setattr(run_faults, "RETRY_S", 0.1)
    store = Store(Database(home, busy_s=0.2))
    run_id = store.runs.queue(config())
    locker = (
        "import sqlite3, sys, time; db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=9); "
        "time.sleep(0.3); db.execute('BEGIN EXCLUSIVE'); time.sleep(1); db.execute('COMMIT'); print('held', flush=True)"
    )
    with subprocess.Popen([sys.executable, "-c", locker, str(home.database)], stdout=subprocess.PIPE) as other:
        Worker(home, store, fake_training.parts()).work(once=True, idle_exit_s=0)
        assert other.wait(PATIENCE_S) == 0
    record = store.runs.get(run_id)
    assert (record.state, record.error, record.attempts) == (RunState.DONE, None, 1)
    assert steps(store, run_id) == list(range(1, 41))
    store.close()


def test_a_run_that_wants_more_memory_than_there_is_fails_with_what_to_lower_and_the_next_one_starts(
    home: Home, store: Store
) -> None:
    ids = [store.runs.queue(config(manner)) for manner in ("runs out of memory", "plain")]
    Worker(home, store, fake_training.parts()).work(once=True, idle_exit_s=0)
    first, second = (store.runs.get(run_id) for run_id in ids)
    assert (first.state, first.error_code) == (RunState.FAILED, "out of memory")
    assert first.error == "there was not enough memory; lower the batch size or the number of frames and retry"
    assert second.state is RunState.DONE


def test_after_a_fault_of_its_gpu_a_process_takes_no_other_run_and_begins_anew(
    home: Home, store: Store, spawn: Spawn
) -> None:
    manners = ("breaks its GPU: device-side assert triggered", "plain", "breaks its GPU: out of memory", "plain")
    ids = [store.runs.queue(config(manner, epochs=4)) for manner in manners]
    once = Worker(home, store, fake_training.parts())
    once.work(once=True, idle_exit_s=0)
    assert once.spent and [store.runs.get(run_id).state for run_id in ids[1:]] == [RunState.QUEUED] * 3
    program = spawn("--once")
    assert program.wait(PATIENCE_S) == 0  # one process to whoever watches it, and a fresh one to its GPU
    records = [store.runs.get(run_id) for run_id in ids]
    assert [one.state for one in records] == [RunState.FAILED, RunState.DONE, RunState.FAILED, RunState.DONE]
    assert [one.error_code for one in records[::2]] == ["gpu fault", "out of memory"]


def test_what_killed_workers_left_of_bundles_is_swept_at_the_start_and_what_is_being_written_is_not(
    home: Home, store: Store
) -> None:
    for name in (".run-000001.new-4711", ".run-000002.new-77", ".mine.new-4711"):
        (home.bundles / name).mkdir(parents=True)
    with FileLock(home.bundles / ".run-000002.lock"):
        Worker(home, store, fake_training.parts()).work(once=True, idle_exit_s=0)
    left = {path.name for path in home.bundles.iterdir()}
    assert left == {".run-000002.new-77", ".run-000002.lock", ".mine.new-4711"}


def five_steps(store: Store) -> tuple[int, EventWriter]:
    """A run and what writes its events down, which was told of five steps so quickly that some wait."""
    run_id = store.runs.queue(config())
    store.runs.claim(1, 1.0)
    events = EventWriter(store, run_id, 1)
    for number in range(1, 6):
        events.emit(Event(EventKind.STEP, number))
    return run_id, events


def test_steps_that_wait_to_be_written_are_written_before_a_checkpoint_is(store: Store) -> None:
    run_id, events = five_steps(store)
    assert len(steps(store, run_id)) < 5
    events.emit(Event(EventKind.SAVING, 5))
    assert steps(store, run_id) == [1, 2, 3, 4, 5]
    assert {entry.event.kind for entry in store.runs.events(run_id)} == {EventKind.STEP}


def test_steps_that_wait_are_among_those_that_a_resumed_slice_takes_back(store: Store) -> None:
    run_id, events = five_steps(store)
    events.emit(Event(EventKind.LOG, 3, {"text": "resumed at step 3"}))
    for number in (4, 5, 6):
        events.emit(Event(EventKind.STEP, number))
    events.flush()
    assert steps(store, run_id) == [1, 2, 3, 4, 5, 6]


def test_events_of_a_worker_that_has_lost_its_run_are_not_written(store: Store) -> None:
    run_id = store.runs.queue(config())
    store.runs.claim(1, 1.0)
    assert store.runs.tell(run_id, [Event(EventKind.STEP, 1)], pid=1)
    store.runs.requeue_lost(lambda pid, started_s: False, 60.0)
    store.runs.claim(2, 2.0)
    assert not store.runs.tell(run_id, [Event(EventKind.STEP, 2)], pid=1)
    assert steps(store, run_id) == [1]


def test_the_place_of_a_worker_names_its_machine(home: Home) -> None:
    home.root.mkdir()
    assert launcher.take_lock(home, WorkerSlot("cpu", 3))
    (holder,) = launcher.workers(home).values()
    assert holder.near and holder.host.startswith(os.uname().nodename)
