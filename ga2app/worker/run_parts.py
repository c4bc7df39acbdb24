"""What the worker calls to do the work itself, how it writes down what a run tells, and the demo that it draws."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock

from ga2app.config import DEMO, RunConfig
from ga2app.environment import repeating
from ga2app.errors import StoreError
from ga2app.paths import Home
from ga2app.store import Store
from ga2app.store.chosen_anchors import DRAWN_SCENES, borrow, borrows, data_of_run
from ga2app.types import BundleCard, Dataset, Event, EventKind, TrainResult
from ga2app.worker.run_faults import patiently


class Training(Protocol):
    """The shape of ``ga2app.training.train``."""

    def __call__(
        self,
        config: RunConfig,
        dataset: Dataset,
        *,
        out: Path,
        checkpoint: Path,
        emit: Callable[[Event], None],
        should_stop: Callable[[], bool],
    ) -> TrainResult: ...


def _on_another_machine(config: RunConfig, dataset: Dataset, **how: Any) -> TrainResult:
    from ga2app.hub.job_training import train_remotely

    return train_remotely(config, dataset, **how)


@dataclass(frozen=True)
class Parts:
    """What the worker calls to do the work itself. ``check_bundle`` raises for a bundle that does not load."""

    train: Training
    check_bundle: Callable[[str], object]
    read_card: Callable[[str], BundleCard]
    draw_demo: Callable[[Path], Dataset]
    warm: Callable[[], object]
    train_remotely: Callable[..., TrainResult] = _on_another_machine


def real_parts() -> Parts:
    """The torch side, imported when it is first called."""

    def train(config: RunConfig, dataset: Dataset, **how: Any) -> TrainResult:
        from ga2app.training import train

        return train(config, dataset, **how, reported=True)

    def check_bundle(folder: str) -> object:
        from ga2app.inference import load_bundle

        return load_bundle(folder)

    def read_card(folder: str) -> BundleCard:
        from ga2app.bundles import read_card

        return read_card(folder, origin="trained")

    def draw_demo(folder: Path) -> Dataset:
        from ga2app.synthetic.demo_dataset import demo_dataset

        return demo_dataset(folder)

    def warm() -> None:
        import ga2app.inference
        import ga2app.training  # noqa: F401

    return Parts(train, check_bundle, read_card, draw_demo, warm)


LOG_BYTES = 2_000_000
"""How long a run's log gets before it turns over; the one before is kept beside it."""
HEARTBEAT = "heartbeat of run"
HEARTBEAT_S = 2.0
FLUSH_S = 0.5
"""Events of steps are written together: a transaction a step would cost small models more than the step."""

_log = logging.getLogger(__name__)


class EventWriter:
    """Writes a run's events and its heartbeat, the latter from a thread: a step may take minutes.

    ``lost`` says that the run has been given to another worker.
    """

    def __init__(self, store: Store, run_id: int, pid: int) -> None:
        self._store = store
        self._run_id = run_id
        self._pid = pid
        self._lock = threading.Lock()
        self._waiting: list[Event] = []
        self._flushed_s = 0.0
        self._beating = repeating(self._beat, HEARTBEAT_S, f"{HEARTBEAT} {run_id}")
        self.lost = False

    def __enter__(self) -> EventWriter:
        self._beating.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._beating.__exit__(None, None, None)

    def emit(self, event: Event) -> None:
        """Write ``event`` down, in order: a step soon, anything else at once. What it is trained on goes to the run."""
        if event.kind is EventKind.SAVING:
            return patiently(self.flush)
        if event.kind is EventKind.DATA:
            patiently(lambda: self._store.runs.keep_data(self._run_id, dict(event.values)))
            return
        if event.kind is EventKind.LOG:
            _log.info("%s", event.values.get("text", ""))
            if str(event.values.get("text", "")).startswith("resumed at step"):
                patiently(self.flush)  # steps that wait still are among those that are taken back
                patiently(lambda: self._store.runs.resumed(self._run_id, event.step))
        with self._lock:
            self._waiting.append(event)
        if event.kind is not EventKind.STEP or time.monotonic() - self._flushed_s > FLUSH_S:
            try:
                self.flush()
            except StoreError as exc:
                _log.warning("run %d: %s; the events wait", self._run_id, exc)

    def flush(self) -> None:
        """Write down what waits. Raises StoreError, and keeps it, if the database cannot be written."""
        with self._lock:
            if self._waiting:
                if not self._store.runs.tell(self._run_id, self._waiting, pid=self._pid):
                    self.lost = True  # another worker tells of these steps by now
                self._waiting = []
            self._flushed_s = time.monotonic()

    def _beat(self) -> bool:
        try:
            self.lost = not self._store.runs.heartbeat(self._run_id, pid=self._pid)
            self.flush()
        except StoreError as exc:
            _log.warning("run %d: %s; trying again", self._run_id, exc)
        return True


@contextmanager
def log_to(path: Path) -> Iterator[None]:
    """In the block, what this thread logs, and the heartbeat of its run, goes to the file ``path`` too."""
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


class DemoData:
    """Data sets as a worker reads them; the demo is drawn by ``draw`` where it is not there yet."""

    def __init__(self, home: Home, store: Store, draw: Callable[[Path], Dataset]) -> None:
        self._home, self._store, self._draw = home, store, draw

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Workers that start together draw the demo once: the others wait for it."""
        with FileLock(self._home.root / "demo.lock", poll_interval=0.05):
            yield

    def drawn(self) -> Dataset | None:
        """The demo, drawn; None where it is listed already."""
        if DEMO in {row.name for row in self._store.datasets.list()}:
            return None
        _log.info("drawing the demo data set")
        return self._draw(self._home.media / DEMO)

    def list(self, drawn: Dataset | None) -> None:
        """List what ``drawn`` gave, and its scenes as an anchor set."""
        if drawn is not None:
            self._store.datasets.add(drawn, origin="drawn by the app", shared=True)
            self._store.anchors.add_clips(DRAWN_SCENES, drawn.anchors, shared=True)

    def of_run(self, config: RunConfig, owner: str) -> Dataset:
        """What a run of ``owner`` is trained on, with what it borrows of the demo. Raises DatasetError, BundleError."""
        if config.dataset == DEMO or config.anchors == DRAWN_SCENES:  # its drawing fills the set
            self._demo()
        dataset = data_of_run(self._store, config, owner)
        if any(borrows(config, dataset)):
            _log.info("data set '%s' lacks anchors of its own: the drawn scenes serve", dataset.name)
            dataset = borrow(config, dataset, self._demo)
        return dataset

    def _demo(self) -> Dataset:
        with self.alone():
            self.list(self.drawn())
        return self._store.datasets.get(DEMO)
