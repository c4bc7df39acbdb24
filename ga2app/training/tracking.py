"""What a run tells, sent on to experiment trackers (``report_to``) through those of accelerate.

Each tracker has a thread of its own, so that none can hold up the training: one that fails, or cannot be reached, is
told of once, and the run goes on. Each row has a place in the order of the run, and what a tracker has already is not
sent again, so that a run that goes on from its checkpoint logs no step twice.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import queue
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any, TextIO

from ga2app.config import RunConfig
from ga2app.config.reading import flat
from ga2app.errors import StudioError
from ga2app.paths import job_beside, safe_name, write_whole
from ga2app.training.tracker_threads import SAID, Row, Tracker, place_of
from ga2app.types import Event, EventKind, TrainResult
from ga2app.untrusted import stored_json

FINISH_S, LEAVE_S = 30.0, 5.0
"""So long a run waits for its trackers at its end, and where it was stopped."""

_TITLES = {"trackio": "Trackio", "tensorboard": "TensorBoard", "wandb": "Weights & Biases"}
_PARTS = {EventKind.ZERO_SHOT: "zero_shot", EventKind.STEP: "train", EventKind.EPOCH: "eval"}
_RUN = "run.json"
_ROWS = "rows.jsonl"

logger = logging.getLogger(__name__)


def trackers_beside(checkpoint: Path) -> Path:
    """Where the run of that checkpoint keeps what its trackers have, and what TensorBoard reads."""
    return checkpoint.with_name(checkpoint.stem + ".trackers")


def _row(part: str, step: int, values: Mapping[str, Any]) -> Row:
    numbers = {name: value for name, value in values.items() if isinstance(value, int | float)}
    return Row(place_of(part, step), step, {f"{part}/{name}": float(value) for name, value in numbers.items()})


def _read_row(line: str) -> Row | None:
    """The row that a line holds; None where it was cut off."""
    with contextlib.suppress(ValueError, TypeError):
        return Row(*stored_json(line))
    return None


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8", errors="replace").split("\n") if file.exists() else []


def _final(result: TrainResult) -> dict[str, Any]:
    """The figures of the report: accuracies, also among all names, clips gained and lost, calibration."""
    report = result.report
    if report is None:
        return {**result.metrics, **result.confidence.figures()}
    found: dict[str, Any] = dict(report.bundle.metrics)  # of a job nothing else comes back
    found |= {f"joint_{name}": value for name, value in report.bundle.joint_metrics.items()}
    found |= {"gained": report.gained, "lost": report.lost}
    return found | report.believed("bundle").figures()


@contextmanager
def tracked(
    config: RunConfig, checkpoint: Path, name: str, emit: Callable[[Event], None]
) -> Iterator[tuple[Callable[[Event], None], Callable[[TrainResult], TrainResult]]]:
    """In the block, an ``emit`` that also reports to the trackers of ``config``, and what to give the result to.

    ``checkpoint`` is the run's own: beside it lies what tells a run that goes on from one that begins, and what
    TensorBoard reads. A tracker that fails is told of once, as a line of the run's log.
    """
    if not config.report_to:
        yield emit, lambda result: result
        return
    reports = _Reports(config, checkpoint, name, emit)
    with SAID:
        try:
            yield reports.emit, reports.end
        finally:
            reports.close()


class _Reports:
    """The trackers of a run, which begin with its first event: of several processes the first alone tells any."""

    def __init__(self, config: RunConfig, checkpoint: Path, name: str, emit: Callable[[Event], None]) -> None:
        self._config, self._name, self._emit = config, name, emit
        self._folder = trackers_beside(checkpoint)
        self._goes_on = checkpoint.exists() or job_beside(checkpoint).exists()
        self._trackers: list[Tracker] = []
        self._step, self._ended = 0, False
        self._data: Mapping[str, Any] = {}
        self._known: dict[str, Any] = {}
        self._rows: TextIO | None = None
        self._last = -1

    def emit(self, event: Event) -> None:
        """Pass ``event`` on, and its figures to the trackers."""
        if event.kind is EventKind.DATA:
            self._data = event.values
        if not self._known and event.kind in _PARTS:
            try:
                self._begin()
            except (StudioError, OSError, ValueError, TypeError, KeyError) as exc:
                self._known = {"name": ""}
                why = getattr(exc, "strerror", None) or exc
                self._say(f"nothing is reported to trackers, whose folder is not usable ({why}); the run goes on")
        self._emit(event)
        self._step = event.step
        if part := _PARTS.get(event.kind):
            self._put(_row(part, event.step, event.values))
        self._tell()

    def end(self, result: TrainResult) -> TrainResult:
        """Send the figures of ``result``, which is given back."""
        self._ended = result.finished
        if result.finished and self._trackers:
            self._put(_row("final", result.step or self._step, _final(result)))
            with contextlib.suppress(StudioError):  # it then takes the next training for the same
                write_whole(self._folder / _RUN, json.dumps(self._known | {"ended": True}))
        return result

    def close(self) -> None:
        """Wait for the trackers, no longer than they may take."""
        for tracker in self._trackers:
            tracker.waiting.put(None)
        for tracker in self._trackers:
            tracker.join(FINISH_S if self._ended else LEAVE_S)
            if tracker.is_alive():
                tracker.note("has not taken everything in time; what is missing there is on Runs")
        if self._rows:
            self._rows.close()
        if self._ended:
            with contextlib.suppress(OSError):
                (self._folder / _ROWS).unlink()  # nothing goes on from the end
        self._tell()

    def _begin(self) -> None:
        settings, config = _hyperparameters(self._config), self._config
        run = self._identity(settings)
        rows = [row for line in _lines(self._folder / _ROWS) if (row := _read_row(line))]
        self._last = max((row.place for row in rows), default=-1)
        self._rows = (self._folder / _ROWS).open("a", encoding="utf-8")
        self._trackers = [
            Tracker(kind, self._folder, run, config.project, config.trackio_space_id, settings, rows)
            for kind in dict.fromkeys(config.report_to)
        ]
        for tracker in self._trackers:
            tracker.start()

    def _identity(self, settings: Mapping[str, Any]) -> str:
        """What the trackers call the run: as before where it goes on, also where it was killed in its first epoch."""
        made_of = hashlib.sha256(json.dumps([settings, self._data], sort_keys=True).encode()).hexdigest()
        before: dict[str, Any] = {}
        with contextlib.suppress(OSError, ValueError):
            before = stored_json((self._folder / _RUN).read_bytes())
        if not before or not self._goes_on and (before["made_of"], before["ended"]) != (made_of, False):
            self._folder.mkdir(parents=True, exist_ok=True)
            for file in (*self._folder.glob("*.mark"), self._folder / _ROWS):
                file.unlink(missing_ok=True)
            about = f"{self._name}-{settings['dataset']}-seed{self._config.seed}"
            before = {"name": f"{safe_name(about)}-{secrets.token_hex(3)}"}
        self._known = before | {"made_of": made_of, "ended": False}
        write_whole(self._folder / _RUN, json.dumps(self._known))
        return str(self._known["name"])

    def _put(self, row: Row) -> None:
        """Write ``row`` down, for a tracker may be far behind when the process is killed, and send it."""
        if self._rows is None or row.place <= self._last:
            return
        self._last = row.place
        try:
            self._rows.write(f"\n{json.dumps(row)}")  # in a line of its own also where the last one was cut off
            self._rows.flush()
        except OSError as exc:
            logger.debug("rows for trackers are not written down: %s", exc)
        for tracker in self._trackers:
            tracker.put(row)

    def _tell(self) -> None:
        for tracker in self._trackers:
            with contextlib.suppress(queue.Empty):
                while True:
                    self._say(f"{_TITLES[tracker.kind]}: {tracker.notes.get_nowait()}")

    def _say(self, text: str) -> None:
        logger.warning("%s", text)
        self._emit(Event(EventKind.LOG, self._step, {"text": text}))


def _hyperparameters(config: RunConfig) -> dict[str, Any]:
    """The settings as a tracker takes them, without a path of this machine."""
    config = replace(config, backbone=_named(config.backbone), dataset=_named(config.dataset))
    values = flat(config.passed_on().to_dict())
    return {name: ", ".join(value) if isinstance(value, list | tuple) else value for name, value in values.items()}


def _named(path: str) -> str:
    return PurePath(path).name if os.path.isabs(path) or os.path.isdir(path) else path
