"""The worker's loop over the queue, and what becomes of each run."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import FrameType

from filelock import FileLock

from ga2app.config import DEMO, RunConfig
from ga2app.errors import Diverged, ErrorCode, StoreError, StudioError, code_of
from ga2app.paths import Home, write_whole
from ga2app.store import Store
from ga2app.store.chosen_anchors import DRAWN_SCENES, borrow, borrows, with_chosen
from ga2app.store.run_claims import WorkerPlace
from ga2app.types import REPORT, Dataset, Report, RunRecord, RunState, TrainResult
from ga2app.worker import launcher
from ga2app.worker.run_parts import HEARTBEAT, EventWriter, Parts
from ga2app.worker.worker_slots import WorkerSlot

LOG = "log.txt"
LOG_BYTES = 2_000_000
"""How long a run's log gets before it turns over; the one before is kept beside it."""
POLL_S = 0.5
STALE_S = 60.0
"""A run whose worker has not been heard of for so long is given to another."""
SWEEP_S = 10.0

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
        self._me = launcher.this_process()
        self._leaving = self._ahead = False

    def leave(self, signum: int = signal.SIGTERM, frame: FrameType | None = None) -> None:
        """Save at the next step, put the run back in the queue, and return.

        A signal handler, hence only a flag; what is merely done ahead is broken off, but not from another thread.
        """
        self._leaving = True
        if self._ahead and frame is not None:
            self._ahead = False
            raise _BrokenOff

    def work(self, *, once: bool, idle_exit_s: float) -> None:
        """Take runs until the queue is empty (``once``), nothing came for ``idle_exit_s``, or ``leave`` was called."""
        self._sweep()
        self._store.runs.drop_done_checkpoints()
        prepared = once or self._slot.remote
        busy_s = swept_s = time.monotonic()
        while not self._leaving:
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

    def _place(self) -> WorkerPlace:
        """Which runs are this worker's; a run that names a device with a worker of its own is that worker's."""
        taken = (slot.device for slot in launcher.workers(self._home) if slot.device.startswith("cuda:"))
        own = self._slot.device
        return WorkerPlace(own, tuple(taken) if own.startswith("cuda:") else (), self._slot.remote)

    def _sweep(self) -> None:
        """Put runs back that a dead worker has left. What this process has is left over too: it is between runs."""

        def is_alive(pid: int, started_s: float) -> bool:
            return launcher.is_alive(pid, started_s) and (pid, started_s) != (self._me.pid, self._me.started_s)

        for run_id in self._store.runs.requeue_lost(is_alive, STALE_S):
            _log.warning(
                "run %d was left by a worker that is gone; it is %s", run_id, self._store.runs.get(run_id).state
            )

    def _may_leave(self) -> bool:
        """Whether the queue is empty once nobody can think any more that a worker is there."""
        launcher.release_lock(self._home, self._slot)
        return not self._store.runs.count_for(self._place()) or not launcher.take_lock(self._home, self._slot)

    def _prepare(self) -> None:
        """Do ahead, while there is nothing else to do, what the first run would have to wait for."""
        try:
            with self._alone_at_the_demo():
                with self._broken_off_to_leave():
                    drawn = self._draw_demo()
                self._list_demo(drawn)
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

    @contextmanager
    def _alone_at_the_demo(self) -> Iterator[None]:
        """Workers that start together draw the demo once: the others wait for it."""
        with FileLock(self._home.root / "demo.lock", poll_interval=0.05):
            yield

    def _draw_demo(self) -> Dataset | None:
        """The demo, drawn; None where it is listed already."""
        if DEMO in {row.name for row in self._store.datasets.list()}:
            return None
        _log.info("drawing the demo data set")
        return self._parts.draw_demo(self._home.media / DEMO)

    def _list_demo(self, drawn: Dataset | None) -> None:
        if drawn is not None:
            self._store.datasets.add(drawn, origin="drawn by the app")
            self._store.anchors.add_clips("drawn scenes", drawn.anchors)

    def _dataset(self, name: str) -> Dataset:
        if name == DEMO:
            with self._alone_at_the_demo():
                self._list_demo(self._draw_demo())
        return self._store.datasets.get(name)

    def _run(self, record: RunRecord) -> None:
        folder = self._home.run_folder(record.id)
        folder.mkdir(parents=True, exist_ok=True)
        with _log_to(folder / LOG), EventWriter(self._store, record.id, self._me.pid) as events:
            _log.info("run %d, attempt %d", record.id, record.attempts)
            try:
                outcome = self._train(record, self._home.checkpoint(record.id), events)
                events.flush()
                self._conclude(record.id, outcome)
            except Exception as exc:
                reason = explain(exc)
                if isinstance(exc, StudioError):
                    _log.error("run %d failed: %s", record.id, reason)
                else:
                    _log.exception("run %d failed: %s", record.id, reason)
                self._fail(record.id, reason, code_of(exc), self._kept(exc))

    def _kept(self, exc: Exception) -> str | None:
        """The bundle of what was learned before the training diverged, listed in the library; None without one."""
        bundle = exc.bundle if isinstance(exc, Diverged) else ""
        if not bundle:
            return None
        try:
            self._list(bundle)
        except StudioError as fault:
            _log.warning("%s", fault)
            return None
        return bundle

    def _fail(self, run_id: int, reason: str, code: ErrorCode, bundle: str | None) -> None:
        try:
            self._store.runs.finish(
                run_id,
                RunState.FAILED,
                exit_code=1,
                error=reason,
                error_code=code.value,
                bundle=bundle,
                pid=self._me.pid,
            )
        except StoreError:
            _log.exception("run %d could not be marked as failed; the next sweep puts it back if it is ours", run_id)

    def _train(self, record: RunRecord, checkpoint: Path, events: EventWriter) -> TrainResult:
        config = RunConfig.from_dict(record.config)
        if not checkpoint.exists():
            # A lost attempt may have told of steps before it came to its first checkpoint.
            self._store.runs.drop_events_after(record.id, -1)
        if config.anchors == DRAWN_SCENES:
            self._dataset(DEMO)  # its drawing fills the set
        dataset = with_chosen(self._store, config, self._dataset(config.dataset))
        if any(borrows(config, dataset)):
            _log.info("data set '%s' lacks anchors of its own: the drawn scenes serve", dataset.name)
            dataset = borrow(config, dataset, lambda: self._dataset(DEMO))
        out = self._home.bundles / f"run-{record.id:06d}"

        def leaving() -> bool:
            return self._leaving or events.lost

        def stopped() -> bool:
            return self._store.runs.should_stop(record.id)

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
        if not self._store.runs.heartbeat(run_id, pid=self._me.pid):
            _log.warning("run %d was given to another worker; this one stops working on it", run_id)
        elif outcome.finished:
            self._accept(run_id, outcome)
        elif self._leaving:
            self._store.runs.release(run_id, pid=self._me.pid)
            _log.info("run %d goes back to the queue: the worker was told to leave", run_id)
        else:
            self._store.runs.finish(run_id, RunState.STOPPED, exit_code=0, pid=self._me.pid)
            _log.info("run %d stopped as asked", run_id)

    def _accept(self, run_id: int, outcome: TrainResult) -> None:
        """End the run as done, provided that its bundle loads."""
        bundle = outcome.bundle
        if bundle is None:
            raise RuntimeError("the training ended without a bundle")
        self._list(bundle)
        self._write_report(run_id, outcome.report)
        self._store.runs.finish(run_id, RunState.DONE, exit_code=0, bundle=bundle, pid=self._me.pid)
        self._home.checkpoint(run_id).unlink(missing_ok=True)  # nothing goes on from the end
        _log.info("run %d done: %s", run_id, bundle)

    def _list(self, bundle: str) -> None:
        self._parts.check_bundle(bundle)
        self._store.bundles.add(self._parts.read_card(bundle))

    def _write_report(self, run_id: int, report: Report | None) -> None:
        """Put the report beside the log. A run is done without one, too."""
        if report is None:
            return
        try:
            write_whole(self._home.run_folder(run_id) / REPORT, report.to_json())
        except StudioError as exc:
            _log.warning("run %d has no report: %s", run_id, exc)


def explain(exc: Exception) -> str:
    """Why a run failed, in one line; what to do about it where that is known."""
    text = " ".join(str(exc).split())
    if isinstance(exc, StudioError):
        return text
    if code_of(exc) is ErrorCode.OUT_OF_MEMORY:
        return "there was not enough memory; lower the batch size or the number of frames and retry"
    return f"{type(exc).__name__}: {text}; this is a fault of the program, the log has the details"


@contextmanager
def _log_to(path: Path) -> Iterator[None]:
    handler = RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    here = threading.get_ident()
    # Where the worker is a thread of the app, what others do there is none of the run's business.
    handler.addFilter(lambda record: record.thread == here or str(record.threadName).startswith(HEARTBEAT))
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
