"""An experiment tracker of accelerate behind a thread of its own, which sends it what it does not have yet.

A tracker keeps its rows in its own time, and a process may be killed at any. Where it can be asked for its last row it
is, so that nothing is missing and nothing comes twice; else a file holds the place of the last row that was sent.
"""

from __future__ import annotations

import logging
import os
import queue
import re
import sys
import threading
import warnings
from collections.abc import Iterable, Mapping
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from ga2app.environment import OwnThread

ROWS_WAITING = 10_000
"""So many rows wait for a tracker that takes none before it is given up."""

_SECRET = re.compile(r"hf_\w{8,}|(?<=write_token=)[^&\s]+")
_NAMES_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSWORD")

logger = logging.getLogger(__name__)


class Row(NamedTuple):
    """Figures of ``step``. Rows of a run come in the order of ``place``, each once."""

    place: int
    step: int
    figures: Mapping[str, float]


def place_of(part: str, step: int) -> int:
    """Where a row stands: a step before the evaluation that follows it, and that before the figures of the report."""
    return 0 if part == "zero_shot" else 2 * step + ("train", "eval", "final").index(part)


class Tracker(OwnThread):
    """One tracker of one run, and the thread that talks to it."""

    def __init__(
        self,
        kind: str,
        folder: Path,
        run: str,
        project: str,
        space: str,
        settings: dict[str, Any],
        rows: Iterable[Row],
    ) -> None:
        super().__init__(name=f"{kind} of {run}", daemon=True)
        self.kind, self._folder, self._run_name, self._settings = kind, folder, run, settings
        self._project, self._space = project, space
        self.waiting: queue.Queue[Row | None] = queue.Queue()
        for row in rows:  # of the run so far; those that the tracker has are not sent again
            self.waiting.put(row)
        self._most = self.waiting.qsize() + ROWS_WAITING
        self.notes: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._given_up, self._noted = False, set[str]()

    def put(self, row: Row) -> None:
        """Send ``row`` when the tracker has taken those before it."""
        if not self._given_up and self.waiting.qsize() >= self._most:
            self._give_up(f"does not answer; {ROWS_WAITING:,} steps wait for it")
        if not self._given_up:
            self.waiting.put(row)

    def _give_up(self, why: str) -> None:
        self._given_up = True
        self.note(f"{why}. Nothing more is reported there; the run goes on")

    def run(self) -> None:
        """Log what comes until the end, or until the tracker fails."""
        try:
            warnings.filterwarnings("always", category=UserWarning, module="trackio")  # told in each run anew
            tracker = self._begun()
            self._log_all(tracker)
            tracker.finish()
        except Exception as exc:  # whatever a tracker raises
            logger.debug("%s", self.kind, exc_info=exc)
            self._give_up(f"{type(exc).__name__}: {str(exc).strip() or 'no message'}".rstrip("."))

    def note(self, text: str) -> None:
        """Tell ``text`` once as a line of the run's log."""
        text = _without_secrets(" ".join(text.split()))
        if text not in self._noted:
            self._noted.add(text)
            self.notes.put(text)

    def _log_all(self, tracker: Any) -> None:
        file = self._folder / f"{self.kind}.mark"
        mark = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            stored = self._stored(tracker)
            last, known = (_read_mark(file), {}) if stored is None else (-1, stored)
            while (row := self.waiting.get()) is not None and not self._given_up:
                fresh = {name: value for name, value in row.figures.items() if row.step > known.get(name, -1)}
                if fresh and row.place > last:
                    tracker.log(fresh, step=row.step)
                    os.pwrite(mark, b"%20d" % row.place, 0)
        finally:
            os.close(mark)

    def _begun(self) -> Any:
        """The tracker of accelerate, begun, with the settings as hyperparameters where the run is new to it."""
        # Its state would otherwise be that of a training of accelerate's own, with the first GPU taken for it.
        os.environ.setdefault("ACCELERATE_TORCH_DEVICE", "cpu")
        from accelerate import tracking
        from accelerate.state import PartialState

        PartialState()
        new = _read_mark(self._folder / f"{self.kind}.mark") < 0
        tracker: Any
        if self.kind == "tensorboard":
            tracker = tracking.TensorBoardTracker(self._run_name, str(self._folder / self.kind))
        elif self.kind == "trackio":
            how = {"name": self._run_name, "resume": "allow", "space_id": self._space or None, "embed": False}
            tracker = tracking.TrackioTracker(self._project, **how, private=True, config=self._settings)
        else:
            tracker = tracking.WandBTracker(self._project, **self._wandb_options())
        tracker.main_process_only = False  # this is the first process, whatever accelerate takes it for
        tracker.start()
        if new and self.kind != "trackio":  # Trackio keeps those that it is begun with
            tracker.store_init_configuration(self._settings)
        return tracker

    def _wandb_options(self) -> dict[str, Any]:
        """Nothing of the machine goes there but its load. Raises RuntimeError where it would ask for a key."""
        import wandb

        if os.environ.get("WANDB_MODE", "online") == "online" and not wandb.login(prompt=False):
            raise RuntimeError("there is no API key; run wandb login, or set WANDB_MODE=offline")
        quiet = {"console": "off", "silent": True, "disable_git": True, "disable_code": True, "save_code": False}
        settings = wandb.Settings(**quiet, x_disable_meta=True, x_save_requirements=False)
        run = {"id": re.sub(r"\W", "-", self._run_name)[-60:], "name": self._run_name, "resume": "allow"}
        return {**run, "dir": str(self._folder), "settings": settings}

    def _stored(self, tracker: Any) -> dict[str, int] | None:
        """The last step of each figure that the tracker has; None where it cannot say, and the mark has to do.

        What was logged just before a process was killed may be there or not, and of TensorBoard in part.
        """
        if self.kind == "tensorboard":
            from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

            written = EventAccumulator(tracker.logging_dir, size_guidance={"scalars": 1}).Reload()
            return {tag: written.Scalars(tag)[-1].step for tag in written.Tags()["scalars"]}
        if self.kind == "trackio" and tracker.tracker.url is None:
            from trackio.sqlite_storage import SQLiteStorage

            rows = SQLiteStorage.get_logs(self._project, self._run_name, scalar_only=True)
            return {tag: row["step"] for row in sorted(rows, key=itemgetter("step")) for tag in row}
        return None


class _Said:
    """While a run reports, what trackers print and warn of.

    The output of a command is for its answer. A warning becomes a note: Trackio has no other word for a Space that
    cannot be reached.
    """

    def __init__(self) -> None:
        self._lock, self._runs = threading.Lock(), 0
        self._usual: tuple[Any, Any] = (None, None)

    def __enter__(self) -> None:
        with self._lock:
            if not self._runs:
                self._usual = sys.stdout, warnings.showwarning
                sys.stdout, warnings.showwarning = self, self._warn
            self._runs += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._runs -= 1
            if not self._runs:
                sys.stdout, warnings.showwarning = self._usual

    def __getattr__(self, name: str) -> Any:
        return getattr(self._usual[0], name)

    def write(self, text: str) -> int:
        """Print ``text``, unless a tracker says it."""
        ours = isinstance(threading.current_thread(), Tracker)
        return len(text) if ours else int(self._usual[0].write(text) or 0)

    def _warn(self, message: Any, category: type[Warning], *where: Any, **more: Any) -> None:
        thread = threading.current_thread()
        if not isinstance(thread, Tracker):
            self._usual[1](message, category, *where, **more)
        elif issubclass(category, UserWarning):
            thread.note(str(message))


SAID = _Said()


def _read_mark(file: Path) -> int:
    """The place of the last row that was sent; -1 where none was."""
    try:
        return int(file.read_bytes() or b"-1")
    except (OSError, ValueError):
        return -1


def _without_secrets(text: str) -> str:
    """``text`` without keys and tokens of the environment, and what looks like one."""
    for name, value in os.environ.items():
        if _NAMES_SECRET.search(name) and len(value) >= 8:
            text = text.replace(value, "…")
    return _SECRET.sub("…", text)
