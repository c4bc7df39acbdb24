"""Training where a GPU is lent for one call at a time: in slices, each from the checkpoint of the one before."""

from __future__ import annotations

import logging
import os
import queue
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ga2app.config import RunConfig
from ga2app.environment import OwnThread
from ga2app.errors import StudioError, TrainingError
from ga2app.services.recognizers import Lend, portable, said_by
from ga2app.types import Dataset, Event, EventKind, TrainResult
from ga2app.worker.run_faults import spoils_gpu

if TYPE_CHECKING:
    from ga2app.training.resumable import Slice

FEATURES = "features.safetensors"
HEARD = ".heard"
"""Lies beside the checkpoint of a slice that may be saved now: all that was told up to it is kept."""
RESUMED = "resumed at step"
PATIENCE = 3
"""Slices in a row that may end without having got further."""
WAIT_S, LONGEST_WAIT_S = 30.0, 900.0
_POLL_S, _HEARD_POLL_S = 1.0, 0.005

_log = logging.getLogger(__name__)
_app = os.getpid()


@dataclass(frozen=True)
class Ended:
    """How a slice ended: with a result, a fault to tell, or a crash in words; with none of them if it was cut off.

    ``known`` clips have frozen features by then.
    """

    result: TrainResult | None = None
    known: int = 0
    fault: StudioError | None = None
    crash: str = ""

    @property
    def step(self) -> int:
        """The step that was saved, 0 where that is not known."""
        return self.result.step if self.result else 0


@dataclass(frozen=True)
class Said:
    """A line for the run's log."""

    level: int
    text: str


def run_slice(
    config: RunConfig, dataset: Dataset, out: str, checkpoint: str, stop: str, budget_s: float
) -> Iterator[Event | Said | Ended | None]:
    """What runs while the GPU is lent: train for ``budget_s`` seconds, and tell of it; ``Ended`` comes last.

    None says that it is still at work. A file at ``stop`` makes it save after the present step and end. No checkpoint
    is saved before what was told up to it has been heard: a process that is cut off takes what is on its way with it.
    """
    told: queue.SimpleQueue[Event | Said | Ended] = queue.SimpleQueue()
    left, broken, deadline = threading.Event(), threading.Event(), time.monotonic() + budget_s
    place = Path(checkpoint)

    def tell(event: Event) -> None:
        told.put(event)
        if event.kind is EventKind.SAVING:
            heard = place.with_name(HEARD)
            while not heard.exists():
                if left.wait(_HEARD_POLL_S):
                    raise _Unheard
            heard.unlink()

    def should_stop() -> bool:
        return left.is_set() or time.monotonic() > deadline or os.path.exists(stop)

    def work() -> None:
        from ga2app.training import train_slice

        files = {"out": Path(out), "checkpoint": place, "features": place.with_name(FEATURES)}
        ended = _ended(partial(train_slice, config, dataset, **files, emit=tell, should_stop=should_stop), broken)
        if ended is not None:
            told.put(ended)

    thread = OwnThread(target=work, name="slice", daemon=True)
    with LogLines(told.put):
        thread.start()
        try:
            yield None
            while True:
                try:
                    item = told.get(timeout=_POLL_S)
                except queue.Empty:
                    yield None
                    continue
                yield item
                if isinstance(item, Ended):
                    if broken.is_set() and os.getpid() != _app:
                        os._exit(1)  # its GPU is of no use any more, and the next slice would come to this process
                    return
        finally:
            left.set()  # nobody listens any more
            thread.join()


def _ended(train: Callable[[], Slice], broken: threading.Event) -> Ended | None:
    """How ``train`` ends, None where nobody hears of it; ``broken`` is set where its GPU is of no use any more."""
    from ga2app.clip.compute import lent

    try:
        with lent():
            trained = train()
        return Ended(trained.result, trained.known)
    except StudioError as exc:
        return Ended(fault=portable(exc))
    except _Unheard:
        _log.warning("the slice ends unsaved: nobody hears what it tells")
        return None
    except Exception as exc:
        _log.exception("the slice failed")
        if spoils_gpu(exc):
            broken.set()
        return Ended(crash=f"{type(exc).__name__}: {exc}")


class LentTraining:
    """The shape of ``ga2app.training.train``, in slices for which a GPU is lent for ``gpu_s`` seconds each.

    The first waits until ``ready``. Where no GPU is available the run waits, ``wait_s`` seconds at first, and tells so.
    """

    def __init__(self, lend: Lend, gpu_s: int, ready: threading.Event, wait_s: float = WAIT_S) -> None:
        self._slice, self._gpu_s, self._ready, self._wait_s = lend(run_slice), gpu_s, ready, wait_s

    def __call__(
        self,
        config: RunConfig,
        dataset: Dataset,
        *,
        out: Path,
        checkpoint: Path,
        emit: Callable[[Event], None],
        should_stop: Callable[[], bool],
    ) -> TrainResult:
        """See ``ga2app.worker.Training``."""
        self._ready.wait()
        teller = Teller(emit)
        teller.say(f"training on ZeroGPU in parts of {self._gpu_s} s")
        idle, known, wait_s = 0, 0, self._wait_s
        with tempfile.TemporaryDirectory(prefix="ga2-slice-") as scratch:
            stop = Path(scratch) / "stop"
            budget_s = self._gpu_s - max(2.0, min(15.0, self._gpu_s / 4))  # the rest is for getting ready and saving
            heard = checkpoint.with_name(HEARD)
            while not should_stop():
                begun_at = teller.begun
                try:
                    heard.unlink(missing_ok=True)  # of a slice that was cut off
                    stream = self._slice(config, dataset, str(out), str(checkpoint), str(stop), budget_s)
                    ended = self._one(stream, stop, heard, teller, should_stop)
                except _NoGpu as exc:
                    teller.say(f"no GPU is available just now ({exc}); the run goes on by itself when there is one")
                    if _stopped_within(wait_s, should_stop):
                        break
                    wait_s = min(2 * wait_s, LONGEST_WAIT_S)
                    continue
                wait_s = self._wait_s
                if ended.result and ended.result.finished:
                    checkpoint.with_name(FEATURES).unlink(missing_ok=True)
                    return ended.result
                # Whether one that was cut off has left a checkpoint shows in where the next one begins.
                further = teller.begun > begun_at or ended.known > known or ended.step > max(teller.begun, 0)
                idle, known = 0 if further else idle + 1, max(known, ended.known)
                if idle >= PATIENCE:
                    raise TrainingError(
                        f"{idle} parts of {self._gpu_s} s in a row made no progress; set "
                        "GA2_GPU_SECONDS of the Space higher, lower the batch size or the number of frames, or choose "
                        "other GPU hardware"
                    )
        return TrainResult(finished=False)

    def _one(
        self,
        stream: Iterator[Event | Said | Ended | None],
        stop: Path,
        heard: Path,
        teller: Teller,
        should_stop: Callable[[], bool],
    ) -> Ended:
        """One slice. Raises what it has failed with, and ``_NoGpu``."""
        begun, ended = False, Ended()
        try:
            for item in stream:
                begun = True
                if isinstance(item, Ended):
                    ended = item
                elif isinstance(item, Said):
                    _log.log(item.level, "%s", item.text)
                elif item is not None:
                    teller.emit(item)
                    if item.kind is EventKind.SAVING:  # all of it is kept by now
                        heard.touch()
                if should_stop():
                    stop.touch()
        except Exception as exc:  # whatever the Hub's package raises
            title, why = str(getattr(exc, "title", "")), said_by(exc)
            if "illegal duration" in title:
                raise TrainingError(f"{why}; set GA2_GPU_SECONDS of the Space lower, and resume the run") from exc
            if not begun and "worker error" not in title:
                raise _NoGpu(why) from exc
            _log.warning("a slice was cut off (%s: %s)", type(exc).__name__, why)
        if ended.fault:
            raise ended.fault
        if ended.crash:
            raise RuntimeError(ended.crash)
        return ended


class Teller:
    """Tells of slices as of one run: what each would repeat is told once. ``begun`` is the step of the last slice."""

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self._emit = emit
        self._step = self.begun = -1
        self._told: set[EventKind] = set()

    def emit(self, event: Event) -> None:
        """Pass ``event`` on, unless it says nothing new."""
        resumes = event.kind is EventKind.LOG and str(event.values.get("text", "")).startswith(RESUMED)
        if event.kind is EventKind.PLAN:
            if 0 <= self._step != event.step:
                # What a slice that was cut off has told of later steps is taken back by this.
                self._emit(Event(EventKind.LOG, event.step, {"text": f"{RESUMED} {event.step}"}))
            self._step = self.begun = event.step
        elif event.kind is EventKind.STEP:
            self._step = event.step
        once = event.kind in (EventKind.PLAN, EventKind.ZERO_SHOT, EventKind.DATA)
        if resumes and self.begun >= 0 or once and event.kind in self._told:
            return
        if once:
            self._told.add(event.kind)
        self._emit(event)

    def say(self, text: str) -> None:
        """A line of the log, at the present step."""
        self._emit(Event(EventKind.LOG, max(self._step, 0), {"text": text}))


class _Unheard(Exception):
    """Nobody listens any more: what would be saved now has steps in it that nobody was told of."""


class _NoGpu(Exception):
    """No GPU is available; the text says why."""


def _stopped_within(seconds: float, should_stop: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if should_stop():
            return True
        time.sleep(min(_POLL_S, seconds))
    return should_stop()


class LogLines(logging.Handler):
    """Context in which a forked process tells its log to ``put``, and leaves the files of the process before alone."""

    def __init__(self, put: Callable[[Said], None]) -> None:
        super().__init__()
        self._put = put
        self._before: list[logging.Handler] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a line on."""
        self._put(Said(record.levelno, self.format(record)))

    def __enter__(self) -> LogLines:
        if os.getpid() != _app:
            root = logging.getLogger()
            self._before, root.handlers[:] = [*root.handlers], [self]
        return self

    def __exit__(self, *_: object) -> None:
        if os.getpid() != _app:
            logging.getLogger().handlers[:] = self._before
