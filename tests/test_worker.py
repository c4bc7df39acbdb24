"""The worker: what becomes of a run, whatever happens to the process that works on it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ga2app.config import DEMO, NOTHING, OptimizerConfig, RunConfig
from ga2app.errors import TrainingError
from ga2app.paths import PROJECT, Home, last_lines
from ga2app.store import Store
from ga2app.store.database import Database
from ga2app.store.run_queue import Runs
from ga2app.types import AnchorClip, Dataset, EventKind, RunRecord, RunState
from ga2app.worker import launcher
from ga2app.worker.queue_loop import LOG, Worker
from tests import fake_training

PROGRAM = Path(fake_training.__file__)
SPAWNED: list[subprocess.Popen[bytes]] = []
PATIENCE_S = 300.0
"""What never ends fails; what a busy machine makes slow does not."""


def config(manner: str = "plain", epochs: int = 3) -> RunConfig:
    return RunConfig(backbone=manner, optimizer=OptimizerConfig(epochs=epochs))


def work(home: Home, store: Store) -> None:
    """Work the queue off in this process."""
    Worker(home, store, fake_training.parts()).work(once=True, idle_exit_s=0)


def run(home: Home, store: Store, manner: str) -> RunRecord:
    run_id = store.runs.queue(config(manner))
    work(home, store)
    return store.runs.get(run_id)


def wait_until(holds: Callable[[], bool], timeout_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def no_worker_is_left_behind() -> Iterator[None]:
    yield
    for process in SPAWNED:
        if process.poll() is None:
            process.kill()
            process.wait()
    SPAWNED.clear()


def spawn(home: Home, *arguments: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, str(PROGRAM), "--home", str(home.root), *arguments],
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        stderr=subprocess.DEVNULL,
    )
    SPAWNED.append(process)
    return process


def steps(store: Store, run_id: int) -> list[int]:
    return [entry.event.step for entry in store.runs.events(run_id, kinds=[EventKind.STEP])]


def test_a_run_ends_as_done_with_all_its_events_and_a_bundle_in_the_library(home: Home, store: Store) -> None:
    record = run(home, store, "plain")
    assert (record.state, record.exit_code, record.error, record.attempts) == (RunState.DONE, 0, None, 1)
    assert record.bundle == str(home.bundles / "run-000001")
    assert [card.folder for card in store.bundles.list()] == [record.bundle]
    assert steps(store, record.id) == list(range(1, 16))
    epochs = [entry.event.step for entry in store.runs.events(record.id, kinds=[EventKind.EPOCH])]
    assert epochs == [5, 10, 15]


def test_runs_are_worked_off_in_order_and_a_failure_does_not_hold_up_the_next(home: Home, store: Store) -> None:
    ids = [store.runs.queue(config(manner)) for manner in ("plain", "has a bug", "plain")]
    work(home, store)
    assert [store.runs.get(run_id).state for run_id in ids] == [RunState.DONE, RunState.FAILED, RunState.DONE]


@pytest.mark.parametrize(
    ("manner", "code", "reason"),
    [
        ("asks too much", "", "the loss is nan at step 1; lower the learning rate"),
        ("has a bug", "bug", "ZeroDivisionError: division by zero; this is a fault of the program, the log has the"),
        ("wants memory", "out of memory", "there was not enough memory; lower the batch size or the number of frames"),
        (
            "breaks its GPU: device-side assert triggered",
            "gpu fault",
            "the GPU failed while it computed (CUDA error: device-side assert triggered); resume: it goes on from the",
        ),
        ("breaks its GPU: out of memory", "out of memory", "there was not enough memory; lower the batch size or the"),
        ("breaks its GPU: no kernel image is available", "device unusable", "AcceleratorError: CUDA error: no kernel"),
        ("names no bundle", "bug", "RuntimeError: the training ended without a bundle; this is a fault of the program"),
        ("diverges", "diverged", "the loss is nan at step 7"),
    ],
)
def test_a_failure_has_its_reason_in_one_line_and_its_code(
    home: Home, store: Store, manner: str, code: str, reason: str
) -> None:
    record = run(home, store, manner)
    assert record.error_code == code
    assert (record.state, record.exit_code) == (RunState.FAILED, 1)
    assert str(record.error).startswith(reason) and "\n" not in str(record.error)


def test_a_run_that_diverges_leaves_its_checkpoint_and_a_bundle_of_what_it_had_learned(
    home: Home, store: Store
) -> None:
    record = run(home, store, "diverges")
    assert record.state is RunState.FAILED and str(record.error).startswith("the loss is nan at step 7")
    assert record.bundle and [card.folder for card in store.bundles.list()] == [record.bundle]
    assert home.checkpoint(record.id).read_text() == "5"


def test_a_run_that_is_done_leaves_no_checkpoint(home: Home, store: Store) -> None:
    record = run(home, store, "plain")
    assert record.state is RunState.DONE and not home.checkpoint(record.id).exists()


@pytest.mark.parametrize("manner", ["leaves no bundle", "breaks its bundle"])
def test_a_run_whose_bundle_does_not_load_is_not_done(home: Home, store: Store, manner: str) -> None:
    record = run(home, store, manner)
    assert record.state is RunState.FAILED
    assert "run-000001' is not whole; train it again" in str(record.error)
    assert store.bundles.list() == []


def test_the_log_of_a_failed_run_ends_with_where_it_happened(home: Home, store: Store) -> None:
    record = run(home, store, "has a bug")
    lines = last_lines(home.run_folder(record.id) / LOG)
    assert any("Traceback" in line for line in lines)
    assert lines[-1] == "ZeroDivisionError: division by zero"


def test_a_configuration_of_an_unknown_data_set_fails_with_the_known_ones(home: Home, store: Store) -> None:
    run_id = store.runs.queue(replace(config(), dataset="elsewhere"))
    work(home, store)
    assert "there is no data set 'elsewhere'" in str(store.runs.get(run_id).error)


def test_a_run_is_trained_with_the_anchor_set_that_it_names(home: Home, store: Store) -> None:
    store.anchors.add_clips("my places", [AnchorClip("/hall.mp4", "an empty hall")])
    given: list[Dataset] = []

    def train(config: RunConfig, dataset: Dataset, **rest: Any) -> fake_training.Ended:
        given.append(dataset)
        return fake_training.train(config, dataset, **rest)

    store.runs.queue(replace(config(), anchors="my places", negatives=(NOTHING,)))
    Worker(home, store, replace(fake_training.parts(), train=train)).work(once=True, idle_exit_s=0)
    assert [anchor.caption for anchor in given[0].anchors] == ["an empty hall"]
    assert given[0].negatives == ()


def test_a_run_whose_anchor_set_was_deleted_fails_in_plain_words(home: Home, store: Store) -> None:
    run_id = store.runs.queue(replace(config(), anchors="my places"))
    work(home, store)
    assert "there is no anchor set 'my places' (any more); there are: 'drawn scenes'" in str(
        store.runs.get(run_id).error
    )


def test_the_drawn_scenes_may_be_named_before_they_are_drawn(home: Home, store: Store) -> None:
    run_id = store.runs.queue(replace(config(), anchors="drawn scenes"))
    work(home, store)
    assert store.runs.get(run_id).state is RunState.DONE


def test_the_demo_is_drawn_once_and_its_scenes_become_the_anchor_set(home: Home, store: Store) -> None:
    for _ in range(2):
        assert run(home, store, "plain").state is RunState.DONE
    assert [row.name for row in store.datasets.list()] == [DEMO]
    assert [clip.caption for clip in store.anchors.clips("drawn scenes")] == ["rain"]


def test_an_idle_worker_draws_the_demo_ahead_and_leaves_after_its_time(home: Home, store: Store) -> None:
    worker = spawn(home, "--idle-exit", "0.2")
    assert worker.wait(PATIENCE_S) == 0
    assert [row.name for row in store.datasets.list()] == [DEMO]
    assert not launcher.worker_alive(home)


def test_a_stop_is_obeyed_at_the_next_step_and_resuming_goes_on_from_there(home: Home, store: Store) -> None:
    run_id = store.runs.queue(config("slow", epochs=100))
    worker = spawn(home, "--once")
    wait_until(lambda: len(steps(store, run_id)) > 10)
    store.runs.request_stop(run_id)
    assert worker.wait(PATIENCE_S) == 0
    assert store.runs.get(run_id).state is RunState.STOPPED
    stopped = steps(store, run_id)
    assert stopped == list(range(1, len(stopped) + 1)) and len(stopped) < 500

    store.runs.requeue(run_id)
    worker = spawn(home, "--once")
    wait_until(lambda: len(steps(store, run_id)) > len(stopped) + 5)
    resumed = store.runs.latest(run_id, EventKind.LOG)
    assert resumed is not None and resumed.values["text"] == f"resumed at step {len(stopped)}"
    store.runs.request_stop(run_id)
    worker.wait(PATIENCE_S)
    assert steps(store, run_id) == list(range(1, len(steps(store, run_id)) + 1))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_that_is_told_to_leave_saves_and_puts_its_run_back(home: Home, store: Store, number: int) -> None:
    run_id = store.runs.queue(config("slow", epochs=100))
    worker = spawn(home)
    wait_until(lambda: len(steps(store, run_id)) > 7)
    worker.send_signal(number)
    assert worker.wait(PATIENCE_S) == 0
    record = store.runs.get(run_id)
    assert (record.state, record.attempts, record.pid) == (RunState.QUEUED, 0, None)
    assert home.checkpoint(run_id).read_text() == str(steps(store, run_id)[-1])


def test_a_killed_worker_costs_the_steps_since_its_checkpoint_and_nothing_else(home: Home, store: Store) -> None:
    run_id = store.runs.queue(config("slow", epochs=8))
    worker = spawn(home)
    wait_until(lambda: len(steps(store, run_id)) > 12)
    worker.kill()
    worker.wait()
    assert store.runs.get(run_id).state is RunState.RUNNING
    assert spawn(home, "--once").wait(30) == 0
    record = store.runs.get(run_id)
    assert (record.state, record.error) == (RunState.DONE, None)
    assert steps(store, run_id) == list(range(1, 41))


def test_a_worker_killed_before_its_first_checkpoint_leaves_no_doubled_steps(home: Home, store: Store) -> None:
    run_id = store.runs.queue(config("slow"))
    assert store.runs.claim(999_999_999, 1.0) is not None
    store.runs.append_many(run_id, [fake_training.Event(EventKind.STEP, number) for number in (1, 2, 3)])
    work(home, store)
    assert steps(store, run_id) == list(range(1, 16))


def test_a_run_that_this_very_process_could_not_end_is_taken_up_again(home: Home, store: Store) -> None:
    run_id = store.runs.queue(config())
    me = launcher.this_process()
    assert store.runs.claim(me.pid, me.started_s) is not None
    work(home, store)
    assert store.runs.get(run_id).state is RunState.DONE


def test_a_run_that_kills_its_worker_three_times_at_one_place_fails_with_the_reason(home: Home, store: Store) -> None:
    run_id = store.runs.queue(config("kills its worker"))
    other = store.runs.queue(config())
    for _ in range(3):
        assert spawn(home, "--once").wait(30) == -signal.SIGKILL
        assert store.runs.get(run_id).state is RunState.RUNNING
    assert spawn(home, "--once").wait(30) == 0
    record = store.runs.get(run_id)
    assert record.state is RunState.FAILED
    assert "its worker process died 3 times at the same place" in str(record.error)
    assert store.runs.get(other).state is RunState.DONE


def test_a_second_worker_leaves_the_queue_to_the_first(home: Home, store: Store) -> None:
    run_id = store.runs.queue(config("slow", epochs=1_000))
    first = spawn(home)
    wait_until(lambda: store.runs.get(run_id).state is RunState.RUNNING)
    waiting = store.runs.queue(config())
    assert spawn(home, "--once").wait(30) == 0
    assert store.runs.get(waiting).state is RunState.QUEUED
    assert store.runs.get(run_id).pid == first.pid
    assert launcher.stop_worker(home)
    first.wait()


class QueueJustAfterALook(Runs):
    """A queue that somebody puts a run into, once, right after the worker has found it empty."""

    queued: int | None = None

    def claim(self, *of: Any) -> RunRecord | None:
        record = super().claim(*of)
        if record is None and self.queued is None:
            self.queued = self.queue(config())
        return record


def test_a_run_queued_in_the_moment_of_leaving_is_not_left_behind(home: Home, store: Store) -> None:
    store.runs = queue = QueueJustAfterALook(Database(home))
    work(home, store)
    assert queue.queued is not None
    assert store.runs.get(queue.queued).state is RunState.DONE


def test_a_run_that_was_given_to_another_worker_is_let_go(home: Home, store: Store) -> None:
    run_id = store.runs.queue(config("slow", epochs=1000))
    worker = spawn(home, "--once")
    wait_until(lambda: store.runs.get(run_id).state is RunState.RUNNING)

    def taken() -> bool:  # the old worker may be quicker, once
        store.runs.requeue_lost(lambda pid, started_s: False, 60.0)
        return store.runs.claim(os.getpid(), launcher.this_process().started_s) is not None

    wait_until(taken)
    assert worker.wait(PATIENCE_S) == 0
    record = store.runs.get(run_id)
    assert (record.state, record.pid) == (RunState.RUNNING, os.getpid())


@pytest.mark.parametrize("ending", ["stopped", "done", "failed"])
def test_whatever_a_run_came_to_here_it_is_its_new_worker_who_ends_it(home: Home, store: Store, ending: str) -> None:
    """The run changes hands between two heartbeats: the old worker has not heard of it when its training ends."""

    def train(config: RunConfig, dataset: Dataset, **doors: Any) -> fake_training.Ended:
        store.runs.requeue_lost(lambda pid, started_s: False, 60.0)
        assert store.runs.claim(1, 1.0) is not None
        if ending == "failed":
            raise TrainingError("the loss is nan")
        return fake_training.Ended(ending == "done", str(home.bundles / "never"))

    run_id = store.runs.queue(config("quick"))
    Worker(home, store, replace(fake_training.parts(), train=train)).work(once=True, idle_exit_s=0)
    record = store.runs.get(run_id)
    assert (record.state, record.pid, record.error) == (RunState.RUNNING, 1, None)
    assert store.bundles.list() == []


def test_a_home_that_cannot_be_used_ends_the_worker_with_the_reason(home: Home) -> None:
    home.root.mkdir()
    home.database.write_text("not a database " * 100)
    answer = subprocess.run(
        [sys.executable, "-m", "ga2app.worker", "--home", str(home.root), "--once"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert answer.returncode == 1
    assert "is damaged" in answer.stderr and "Traceback" not in answer.stderr
    assert not launcher.worker_alive(home)


def test_what_is_done_ahead_is_broken_off_by_whoever_asks_to_leave(home: Home, store: Store) -> None:
    done: list[str] = []

    def draw(folder: Path) -> Dataset:
        try:
            done.append("begun")
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(1)
            done.append("drawn to its end")
        finally:
            done.append("cleaned up")
        return fake_training.draw_demo(folder)

    worker = Worker(home, store, replace(fake_training.parts(), draw_demo=draw))
    before = signal.signal(signal.SIGTERM, worker.leave)
    try:
        worker.work(once=False, idle_exit_s=60)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert done == ["begun", "cleaned up"]
    assert not store.datasets.list()
