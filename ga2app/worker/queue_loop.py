"""The worker's loop over the queue, and what becomes of each run."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType

from ga2app.config import RunConfig
from ga2app.disk import drop_checkpoint
from ga2app.errors import Diverged, ErrorCode, ProcessKilled, StoreError, StudioError, code_of
from ga2app.paths import Home, write_whole
from ga2app.store import Store
from ga2app.store.row_guard import acting_as, owner_of
from ga2app.store.run_claims import WorkerPlace
from ga2app.types import REPORT, Report, RunRecord, RunState, TrainResult
from ga2app.worker import launcher, worker_identity
from ga2app.worker.run_faults import (
    PATIENCE_S,
    RETRY_S,
    Value,
    explain,
    free_memory,
    passes,
    patiently,
    spoils_gpu,
    sweep_unfinished,
)
from ga2app.worker.run_parts import DemoData, EventWriter, Parts, log_to
from ga2app.worker.worker_identity import WorkerSlot

LOG = "log.txt"
POLL_S = 0.5
SWEEP_S = 10.0
HELD_S = 30.0
"""So long a run is left alone whose folder somebody else still holds: a worker that was taken for dead, and is not."""

_log = logging.getLogger(__name__)


class _BrokenOff(BaseException):
    """What is done ahead is given up, wherever it is: whoever asks to leave does not wait for it."""


class Worker:
    """Works on the queue of one home, in the calling thread."""

    def __init__(self, home: Home, store: Store, parts: Parts, slot: WorkerSlot | None = None) -> None:
        self._home = home
        self._slot = slot or WorkerSlot()
        self._store = store
        self._parts = parts
        self._data = DemoData(home, store, parts.draw_demo)
        self._me = launcher.this_process()
        self._leaving = self._ahead = False
        self.spent = False  # after a fault of its GPU no process can use it again: another one takes the next run
        self._held: dict[int, float] = {}  # runs that are left alone, and until when

    def leave(self, signum: int = signal.SIGTERM, frame: FrameType | None = None) -> None:
        """Save at the next step, put the run back in the queue, and return.

        A signal handler, hence only a flag; what is merely done ahead is broken off, but not from another thread.
        """
        self._leaving = True
        if self._ahead and frame is not None:
            self._ahead = False
            raise _BrokenOff

    def work(self, *, once: bool, idle_exit_s: float) -> None:
        """Take runs until the queue is empty (``once``), nothing came for ``idle_exit_s``, or ``leave`` was called.

        A database that is locked, or whose disk is full, is waited for. Raises StoreError if that lasts.
        """
        troubled_s = began_s = time.monotonic()
        with launcher.heartbeat(self._home, self._slot, self._replaced):
            while True:
                try:
                    return self._work(once, idle_exit_s)
                except StoreError as exc:
                    now_s = time.monotonic()
                    began_s, troubled_s = began_s if now_s - troubled_s < 10 * RETRY_S else now_s, now_s
                    if not passes(exc) or self._leaving or now_s - began_s > PATIENCE_S:
                        raise
                    _log.warning("%s; trying again", exc)
                    time.sleep(RETRY_S)

    def _work(self, once: bool, idle_exit_s: float) -> None:
        self._sweep()
        self._store.runs.drop_done_checkpoints()
        sweep_unfinished(self._home.bundles)
        prepared = once or self._slot.remote
        busy_s = swept_s = time.monotonic()
        while not (self._leaving or self.spent):
            record = self._store.runs.claim(self._me.pid, self._me.started_s, self._place())
            if record:
                self._run(record)
                busy_s = time.monotonic()
            elif not prepared:
                self._prepare()
                prepared, busy_s = True, time.monotonic()
            elif once or time.monotonic() - busy_s > idle_exit_s:
                if self._may_leave():
                    return
            else:
                time.sleep(POLL_S)
                if time.monotonic() - swept_s > SWEEP_S:
                    self._sweep()
                    swept_s = time.monotonic()

    def _replaced(self) -> None:
        """This process was stopped for so long that another has taken its place."""
        _log.warning("another worker has taken the place of this one, which was not heard of; it leaves")
        self._leaving = True

    def _place(self) -> WorkerPlace:
        """Which runs are this worker's; a run that names a device with a worker of its own is that worker's."""
        taken = (slot.device for slot in launcher.workers(self._home) if slot.device.startswith("cuda:"))
        own, now_s = self._slot.device, time.monotonic()
        self._held = {run_id: until_s for run_id, until_s in self._held.items() if until_s > now_s}
        return WorkerPlace(own, tuple(taken) if own.startswith("cuda:") else (), self._slot.remote, tuple(self._held))

    def _sweep(self) -> None:
        """Put runs back that a dead worker has left. What this process has is left over too: it is between runs."""

        def is_alive(pid: int, started_s: float) -> bool:
            return launcher.is_alive(pid, started_s) and (pid, started_s) != (self._me.pid, self._me.started_s)

        for run_id in self._store.runs.requeue_lost(is_alive, worker_identity.SILENT_S):
            folder = self._home.run_folder(run_id)
            folder.mkdir(parents=True, exist_ok=True)
            with log_to(folder / LOG):
                state = self._store.runs.get(run_id).state
                _log.warning("run %d was left by a worker that is gone or hangs; it is %s", run_id, state)

    def _may_leave(self) -> bool:
        """Whether the queue is empty once nobody can think any more that a worker is there."""
        launcher.release_lock(self._home, self._slot)
        return not self._store.runs.count_for(self._place()) or not launcher.take_lock(self._home, self._slot)

    def _prepare(self) -> None:
        """Do ahead, while there is nothing else to do, what the first run would have to wait for."""
        try:
            with self._data.alone():
                with self._broken_off_to_leave():
                    drawn = self._data.drawn()
                self._data.list(drawn)
            with self._broken_off_to_leave():
                self._parts.warm()
        except _BrokenOff:
            _log.info("asked to leave; what was being prepared is given up")
        except Exception:
            _log.exception("preparing for the first run failed; a run that needs it will try again")

    @contextmanager
    def _broken_off_to_leave(self) -> Iterator[None]:
        """In the block ``leave`` raises ``_BrokenOff``; nothing in it may write to the database."""
        self._ahead = True
        try:
            if self._leaving:
                raise _BrokenOff
            yield
        finally:
            self._ahead = False

    def _run(self, record: RunRecord) -> None:
        folder = self._home.run_folder(record.id)
        folder.mkdir(parents=True, exist_ok=True)
        code = ErrorCode.OTHER
        with log_to(folder / LOG), EventWriter(self._store, record.id, self._me.pid) as events:
            _log.info("run %d, attempt %d", record.id, record.attempts)
            try:
                outcome = self._train(record, self._home.checkpoint(record.id), events)
                self._surely(events.flush)
                self._conclude(record.id, outcome)
            except Exception as exc:
                reason, code, self.spent = explain(exc), code_of(exc), spoils_gpu(exc)
                if code is ErrorCode.FOLDER_IN_USE:
                    return self._hold(record.id, reason)
                if isinstance(exc, ProcessKilled):
                    lose = partial(self._store.runs.lose_attempt, record.id, reason, code.value, pid=self._me.pid)
                    return _log.error("run %d is %s: %s", record.id, self._surely(lose), reason)
                if isinstance(exc, StudioError):
                    _log.error("run %d failed: %s", record.id, reason)
                else:
                    _log.exception("run %d failed: %s", record.id, reason)
                self._fail(record.id, reason, code, self._kept(record.id, exc))
        if code is ErrorCode.OUT_OF_MEMORY and not self.spent:
            free_memory()

    def _surely(self, tell: Callable[[], Value]) -> Value:
        """What ``tell`` gives, also where the database has to be waited for."""
        return patiently(tell, lambda: self._leaving)

    def _hold(self, run_id: int, reason: str) -> None:
        """Back to the queue with a run that a worker still writes to which was taken for dead: it will hear of it."""
        _log.warning("run %d waits: %s", run_id, reason)
        self._held[run_id] = time.monotonic() + HELD_S
        self._surely(lambda: self._store.runs.release(run_id, pid=self._me.pid))

    def _kept(self, run_id: int, exc: Exception) -> str | None:
        """The bundle of what was learned before the training diverged, listed in the library; None without one."""
        bundle = exc.bundle if isinstance(exc, Diverged) else ""
        if not bundle:
            return None
        try:
            self._list(run_id, bundle)
        except StudioError as fault:
            _log.warning("%s", fault)
            return None
        return bundle

    def _fail(self, run_id: int, reason: str, code: ErrorCode, bundle: str | None) -> None:
        try:
            end = partial(self._store.runs.finish, run_id, RunState.FAILED, exit_code=1, pid=self._me.pid)
            self._surely(partial(end, error=reason, error_code=code.value, bundle=bundle))
        except StoreError:
            _log.exception("run %d could not be marked as failed; the next sweep puts it back if it is ours", run_id)

    def _train(self, record: RunRecord, checkpoint: Path, events: EventWriter) -> TrainResult:
        config = RunConfig.from_dict(record.config)
        if not checkpoint.exists():
            # A lost attempt may have told of steps before it came to its first checkpoint.
            self._surely(lambda: self._store.runs.drop_events_after(record.id, -1))
        dataset = self._data.of_run(config, record.owner)
        out = self._home.bundles / f"run-{record.id:06d}"

        def leaving() -> bool:
            return self._leaving or events.lost

        def stopped() -> bool:
            try:
                return self._store.runs.should_stop(record.id)
            except StoreError as exc:
                if not passes(exc):
                    raise
                return False  # asked again at the next step

        if record.remote:
            return self._parts.train_remotely(
                config,
                dataset,
                remote=record.remote,
                out=out,
                checkpoint=checkpoint,
                emit=events.emit,
                should_stop=stopped,
                leaving=leaving,
            )
        return self._parts.train(
            config,
            dataset,
            out=out,
            checkpoint=checkpoint,
            emit=events.emit,
            should_stop=lambda: leaving() or stopped(),
        )

    def _conclude(self, run_id: int, outcome: TrainResult) -> None:
        # Asked of the store, not of the last heartbeat: the run may have changed hands since.
        if not self._surely(lambda: self._store.runs.heartbeat(run_id, pid=self._me.pid)):
            _log.warning("run %d was given to another worker; this one stops working on it", run_id)
        elif outcome.finished:
            self._accept(run_id, outcome)
        elif self._leaving:
            patiently(lambda: self._store.runs.release(run_id, pid=self._me.pid))
            _log.info("run %d goes back to the queue: the worker was told to leave", run_id)
        else:
            self._surely(lambda: self._store.runs.finish(run_id, RunState.STOPPED, exit_code=0, pid=self._me.pid))
            _log.info("run %d stopped as asked", run_id)

    def _accept(self, run_id: int, outcome: TrainResult) -> None:
        """End the run as done, provided that its bundle loads."""
        bundle = outcome.bundle
        if bundle is None:
            raise RuntimeError("the training ended without a bundle")
        self._surely(lambda: self._list(run_id, bundle))
        self._write_report(run_id, outcome.report)
        end = partial(self._store.runs.finish, run_id, RunState.DONE, exit_code=0, pid=self._me.pid)
        self._surely(partial(end, bundle=bundle))
        drop_checkpoint(self._home.checkpoint(run_id))  # nothing goes on from the end
        _log.info("run %d done: %s", run_id, bundle)

    def _list(self, run_id: int, bundle: str) -> None:
        self._parts.check_bundle(bundle)
        with acting_as(owner_of(self._store.runs.get(run_id).owner)):
            self._store.bundles.add(self._parts.read_card(bundle))

    def _write_report(self, run_id: int, report: Report | None) -> None:
        """Put the report beside the log. A run is done without one, too."""
        try:
            if report is not None:
                write_whole(self._home.run_folder(run_id) / REPORT, report.to_json())
        except StudioError as exc:
            _log.warning("run %d has no report: %s", run_id, exc)
