"""From a run to the database: its events, and a heartbeat that says that somebody works on it."""

from __future__ import annotations

import logging
import threading
import time

from ga2app.errors import StoreError
from ga2app.store import Store
from ga2app.types import Event, EventKind

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
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"{HEARTBEAT} {run_id}", daemon=True)
        self.lost = False

    def __enter__(self) -> EventWriter:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def emit(self, event: Event) -> None:
        """Write ``event`` down, in order: a step soon, anything else at once. What it is trained on goes to the run."""
        if event.kind is EventKind.DATA:
            self._store.runs.keep_data(self._run_id, dict(event.values))
            return
        if event.kind is EventKind.LOG:
            _log.info("%s", event.values.get("text", ""))
            if str(event.values.get("text", "")).startswith("resumed at step"):
                self._store.runs.resumed(self._run_id, event.step)
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
                self._store.runs.append_many(self._run_id, self._waiting)
                self._waiting = []
            self._flushed_s = time.monotonic()

    def _beat(self) -> None:
        while not self._ended.wait(HEARTBEAT_S):
            try:
                self.lost = not self._store.runs.heartbeat(self._run_id, pid=self._pid)
                self.flush()
            except StoreError as exc:
                _log.warning("run %d: %s; trying again", self._run_id, exc)
