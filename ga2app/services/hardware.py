"""What the app runs on: a machine of its own, or a Space whose GPU is lent for one call at a time."""

from __future__ import annotations

import importlib
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

from ga2app.environment import OwnThread
from ga2app.errors import SpaceError, StudioError
from ga2app.paths import Home
from ga2app.services.recognizers import Lend, OwnRecognizer, ZeroGpuRecognizer
from ga2app.services.runs import OPEN
from ga2app.services.space import Space
from ga2app.services.zerogpu_training import LentTraining
from ga2app.store import Store
from ga2app.worker import launcher
from ga2app.worker.queue_loop import Worker
from ga2app.worker.run_parts import Parts, real_parts
from ga2app.worker.worker_identity import WorkerSlot, plan_slots

CLIPS_AT_ONCE = 8
"""Clips that one call for a lent GPU recognizes: to ask for it anew for each would take longer than the answers."""

_LEAVES_WITHIN_S = 25.0
_LENT = WorkerSlot("zerogpu")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Hardware:
    """What the app takes from where it runs. ``close`` is called when the app ends."""

    recognizer: OwnRecognizer
    wake_worker: Callable[[], object]
    worker_alive: Callable[[], bool]
    close: Callable[[], None] = lambda: None
    clips_at_once: int = 1


def own_hardware(home: Home, store: Store, workers: int | None = None) -> Hardware:
    """Workers that are processes of their own, and outlive the app: one a device, or as many as ``workers`` says.

    As many are started as runs are open, one at least. Raises ConfigError for more than there is room for.
    """
    slots = cache(lambda: plan_slots(workers))
    if workers is not None:
        slots()

    def wake() -> None:
        launcher.ensure_workers(home, slots()[: max(1, store.runs.count(OPEN) - store.runs.count_remote())])
        launcher.ensure_remote_workers(home, store)

    return Hardware(OwnRecognizer(), wake, lambda: launcher.worker_alive(home))


def lent_hardware(home: Home, store: Store, space: Space) -> Hardware:
    """ZeroGPU: the GPU is there only in functions that the Hub's package lends it to, and in forks of this process.

    So the worker is a thread of the app, and trains in slices. To be called before anything loads torch: the package
    has to come first. Raises SpaceError where it is missing.
    """
    # Read when cuBLAS is first used, and by then CUDA has been set up already: a resumed run must repeat bit for bit.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    try:
        lender = importlib.import_module("spaces")
    except ImportError as exc:
        raise SpaceError(
            f"ZeroGPU hardware needs the package 'spaces' ({exc}); add it to the Space's requirements.txt"
        ) from exc
    from ga2app.clip.compute import only_lent

    only_lent()
    lend: Lend = lender.GPU(duration=space.gpu_s)
    recognizer = ZeroGpuRecognizer(lend)
    training = LentTraining(lend, space.gpu_s, recognizer.ready)
    worker = ThreadWorker(home, store, replace(real_parts(), train=training))
    return Hardware(
        recognizer=recognizer,
        wake_worker=worker.wake,
        worker_alive=lambda: worker.alive() or launcher.worker_alive(home),
        close=worker.close,
        clips_at_once=CLIPS_AT_ONCE,
    )


class ThreadWorker:
    """The worker as a thread of this process, for a GPU that no other process could have."""

    def __init__(self, home: Home, store: Store, parts: Parts) -> None:
        self._home, self._store, self._parts = home, store, parts
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._leave: Callable[[], None] = lambda: None
        self._closed = False

    def wake(self) -> None:
        """Start the thread unless it runs, or a worker lives in this home already. Raises TrainingError."""
        with self._lock:
            if self._closed or self.alive() or not launcher.take_lock(self._home, _LENT):
                return
            worker = Worker(self._home, self._store, self._parts, _LENT)
            self._leave = worker.leave
            self._thread = OwnThread(target=self._work, args=(worker.work,), daemon=True, name="worker")
            self._thread.start()

    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def close(self) -> None:
        """Have the present run saved and put back into the queue."""
        with self._lock:
            self._closed = True
            self._leave()
            if self._thread is not None:
                self._thread.join(_LEAVES_WITHIN_S)

    def _work(self, work: Callable[..., None]) -> None:
        try:
            work(once=False, idle_exit_s=float("inf"))
        except StudioError as exc:
            _log.error("the worker has ended: %s", exc)
        except Exception:
            _log.exception("the worker has ended")
        finally:
            launcher.release_lock(self._home, _LENT)
