"""Several workers of one home: each its own run on its own device, whatever becomes of the others."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from ga2app.config import OptimizerConfig, RunConfig
from ga2app.errors import ConfigError, TrainingError
from ga2app.paths import PROJECT, Home
from ga2app.services.hardware import own_hardware
from ga2app.store import Store
from ga2app.store.run_claims import WorkerPlace
from ga2app.types import RunState
from ga2app.worker import launcher
from ga2app.worker.worker_identity import REMOTE, WorkerSlot, remote_slots, slots_on, usable_cores
from tests import fake_training

PATIENCE_S = 120.0
LONG = RunConfig(backbone="slow", optimizer=OptimizerConfig(epochs=1000))
TWO = ("cuda:0", "cuda:1")


@pytest.fixture
def start(home: Home) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts a program of workers whose training is the small one; none is left behind."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(*arguments: str) -> subprocess.Popen[bytes]:
        started.append(
            subprocess.Popen(
                [sys.executable, fake_training.__file__, "--home", str(home.root), *arguments],
                env=os.environ | {"PYTHONPATH": str(PROJECT)},
                stderr=subprocess.DEVNULL,
            )
        )
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait()
    launcher.stop_worker(home)


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def running(store: Store) -> dict[int, str]:
    return {run.id: run.device for run in store.runs.list(states=[RunState.RUNNING])}


def test_there_is_a_worker_for_each_cuda_device_and_on_a_processor_as_many_as_asked_for_share_its_cores() -> None:
    assert slots_on(TWO, 8, None) == (WorkerSlot("cuda:0"), WorkerSlot("cuda:1"))
    assert slots_on(TWO, 8, 1) == (WorkerSlot("cuda:0"),)
    assert slots_on(("cpu",), 8, None) == (WorkerSlot("cpu"),), "one alone takes what torch takes"
    assert slots_on(("cpu",), 8, 3) == tuple(WorkerSlot("cpu", number, 2) for number in range(3))
    assert slots_on(("mps",), 8, None) == (WorkerSlot("mps"),)
    assert WorkerSlot("cuda:1").environment() == {"GA2_DEVICE": "cuda:1"}
    assert WorkerSlot("cpu", 1, 4).environment() == {"GA2_DEVICE": "cpu", "OMP_NUM_THREADS": "4"}
    assert [slot.name for slot in remote_slots(9)] == ["hf-jobs", "hf-jobs-1", "hf-jobs-2", "hf-jobs-3"]


@pytest.mark.parametrize(
    ("found", "workers", "told"),
    [
        (
            TWO,
            3,
            r"each needs a device of its own, and there are 2 \(cuda:0, cuda:1\): give at most as many \(it is 3\)",
        ),
        (("cpu",), 5, r"each needs a core of its own: give at most 4 \(it is 5\)"),
        (("cpu",), 0, r"must be at least 1 \(it is 0\)"),
    ],
)
def test_more_workers_than_there_is_room_for_are_refused(found: tuple[str, ...], workers: int, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        slots_on(found, 4, workers)


def test_a_run_that_names_a_device_waits_for_the_worker_of_that_device(store: Store) -> None:
    named = store.runs.queue(replace(LONG, device="cuda:1"))
    free = store.runs.queue(LONG)
    first, second = WorkerPlace("cuda:0", TWO), WorkerPlace("cuda:1", TWO)
    taken = store.runs.claim(1, 1.0, first)
    assert taken is not None and (taken.id, taken.device) == (free, "cuda:0")
    assert store.runs.claim(1, 1.0, first) is None and store.runs.count_for(first) == 0
    taken = store.runs.claim(2, 2.0, second)
    assert taken is not None and (taken.id, taken.device) == (named, "cuda:1")


def test_a_run_that_names_a_device_without_a_worker_is_left_to_nobody(store: Store) -> None:
    run = store.runs.queue(replace(LONG, device="cuda:1"))
    taken = store.runs.claim(1, 1.0, WorkerPlace("cuda:0", ("cuda:0",)))
    assert taken is not None and taken.id == run


def test_a_run_on_several_processes_has_every_cuda_device_and_its_place_in_the_queue(store: Store) -> None:
    first, second = WorkerPlace("cuda:0", TWO), WorkerPlace("cuda:1", TWO)
    alone = store.runs.queue(LONG)
    wide = store.runs.queue(replace(LONG, processes=2))
    later = store.runs.queue(LONG)
    taken = store.runs.claim(1, 1.0, first)
    assert taken is not None and taken.id == alone
    assert store.runs.claim(2, 2.0, second) is None, "a device is in use, and the later run does not overtake"
    store.runs.finish(alone, RunState.DONE, exit_code=0)
    taken = store.runs.claim(2, 2.0, second)
    assert taken is not None and taken.id == wide
    assert store.runs.claim(1, 1.0, first) is None, "nothing begins beside it"
    store.runs.finish(wide, RunState.STOPPED, exit_code=0)
    taken = store.runs.claim(1, 1.0, first)
    assert taken is not None and taken.id == later


def test_runs_of_other_machines_are_taken_by_the_workers_that_follow_them_alone(store: Store) -> None:
    run = store.runs.queue(LONG, remote={"on": "hf-jobs", "flavor": "t4-small"})
    assert store.runs.claim(1, 1.0, WorkerPlace("cpu")) is None and store.runs.count_remote() == 1
    taken = store.runs.claim(1, 1.0, WorkerPlace(REMOTE, remote=True))
    assert taken is not None and taken.id == run and taken.remote == {"on": "hf-jobs", "flavor": "t4-small"}


def test_two_workers_train_two_runs_at_once_and_a_stop_reaches_the_right_one(
    home: Home, store: Store, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    first, second, third = (store.runs.queue(LONG) for _ in range(3))
    workers = [start("--slot", "cpu", str(number), "1") for number in range(2)]
    until(lambda: len(running(store)) == 2)
    assert running(store) == {first: "cpu", second: "cpu"}, "the third waits"
    records = [store.runs.get(run) for run in (first, second)]
    assert {record.pid for record in records} == {worker.pid for worker in workers}
    assert {slot.number for slot in launcher.workers(home)} == {0, 1}

    store.runs.request_stop(first)
    until(lambda: store.runs.get(first).state is RunState.STOPPED)
    until(lambda: store.runs.get(third).state is RunState.RUNNING)
    assert store.runs.get(second).pid == records[1].pid and store.runs.get(third).pid == records[0].pid
    assert launcher.stop_worker(home)
    assert [worker.wait(PATIENCE_S) for worker in workers] == [0, 0]
    assert [store.runs.get(run).state for run in (second, third)] == [RunState.QUEUED] * 2


@pytest.mark.skipif(usable_cores() < 2, reason="two workers need a core each")
def test_a_worker_that_is_killed_is_replaced_and_its_run_goes_on_while_the_others_work(
    home: Home, store: Store, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    runs = [store.runs.queue(LONG) for _ in range(2)]
    whole = start("--workers", "2")
    until(lambda: len(running(store)) == 2 and all(home.checkpoint(run).exists() for run in runs))
    before = {run: store.runs.get(run).pid for run in runs}
    os.kill(before[runs[0]] or 0, signal.SIGKILL)
    until(lambda: store.runs.get(runs[0]).pid not in (None, before[runs[0]]))
    record = store.runs.get(runs[0])
    assert (record.state, record.attempts) == (RunState.RUNNING, 2)
    assert store.runs.get(runs[1]).pid == before[runs[1]]
    whole.send_signal(signal.SIGINT)
    assert whole.wait(PATIENCE_S) == 0
    assert [store.runs.get(run).state for run in runs] == [RunState.QUEUED] * 2
    assert not launcher.workers(home)


def test_workers_that_start_together_draw_the_demo_once(
    home: Home, store: Store, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    runs = [store.runs.queue(RunConfig(backbone="plain")) for _ in range(4)]
    workers = [start("--slot", "cpu", str(number), "1", "--once") for number in range(3)]
    assert [worker.wait(PATIENCE_S) for worker in workers] == [0, 0, 0]
    assert [store.runs.get(run).state for run in runs] == [RunState.DONE] * 4
    assert [row.name for row in store.datasets.list()] == ["demo"]


def test_beside_a_worker_of_an_earlier_version_none_starts_and_it_is_said_how_to_go_on(
    home: Home, store: Store
) -> None:
    me = launcher.this_process()
    (home.root / "worker.json").write_text(json.dumps({"pid": me.pid, "started_s": me.started_s}))
    told = rf"a worker of an earlier version is at work in '.*' \(process {me.pid}\).* end it \(kill {me.pid}\)"
    with pytest.raises(TrainingError, match=told):
        launcher.ensure_worker(home)
    with pytest.raises(TrainingError, match=told):
        launcher.take_lock(home, WorkerSlot("cuda:1"))
    with pytest.raises(TrainingError, match=told):
        own_hardware(home, store).wake_worker()
    assert launcher.worker_alive(home) and not launcher.workers(home)
    (home.root / "worker.json").write_text(json.dumps({"pid": me.pid, "started_s": me.started_s - 5}))
    assert launcher.take_lock(home), "one that is gone counts for nothing"
