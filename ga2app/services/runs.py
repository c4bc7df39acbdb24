"""Runs, for whoever asks: the queue and its history, one run in full, several compared, and what changes a run."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ga2app.errors import StoreError, StudioError
from ga2app.paths import last_lines
from ga2app.services.quotas import check_runs
from ga2app.services.run_checks import check_unchanged
from ga2app.services.run_comparison import MOST_COMPARED, Comparison
from ga2app.services.run_curves import Curves, RunCurve, curves_csv, curves_json, run_title
from ga2app.store import Place, RunFilter

from ga2app.types import (  # isort: skip
    REPORT, BaselineReport, Conditions, Event, EventKind, Report, RunRecord, RunState, as_document, cautions,
    read_conditions, read_report, to_counts, with_nulls,
)  # fmt: skip

if TYPE_CHECKING:
    from ga2app.services.studio import Studio

log = logging.getLogger(__name__)

PAGE = 25
MOST_LISTED = 200
OPEN = (RunState.QUEUED, RunState.RUNNING, RunState.STOPPING)
LOG = "log.txt"
_ROOM = "runs"
_KEPT_REPORTS = 8


@dataclass(frozen=True)
class RunPage:
    """A page of the list: its runs, the last figures of those that are done, and the places of those that wait.

    ``results``, ``places`` and ``shares`` go by the number of a run; places are counted from 1, ``shares`` say how much
    of a run that is worked on is done, 0 to 1. ``count`` is the number of runs on
    all pages, ``page`` the one that is given, from 0.
    """

    runs: tuple[RunRecord, ...]
    results: Mapping[int, Event]
    places: Mapping[int, int]
    shares: Mapping[int, float]
    page: int
    count: int


class RunService:
    """Everything that pages, endpoints, agents and commands do with runs. It remembers what it has read of files."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._store = studio.store.runs
        self._curves = Curves(studio.store)
        self._reports: dict[int, tuple[int, Report | StoreError]] = {}

    def get(self, run_id: int | None) -> RunRecord:
        """The run of that number. Raises StoreError if there is none."""
        if run_id is None:
            raise StoreError("no run is chosen; choose one from the list")
        return self._store.get(run_id)

    def find(self, run_id: int | None) -> RunRecord | None:
        """The run of that number or None; without a number the one that is worked on, the next, or the newest."""
        if run_id is None:
            return next(iter(self._store.list(limit=1, queue_first=True)), None)
        try:
            return self._store.get(run_id)
        except StoreError:
            return None

    def page(self, only: RunFilter | None = None, page: int = 0) -> RunPage:
        """A page of the runs that ``only`` lets pass: what is worked on, the queue, then the rest, newest first."""
        count = self._store.count(only=only)
        page = max(0, min(page, (count - 1) // PAGE))
        rows = self._store.list(limit=PAGE, offset=page * PAGE, only=only, queue_first=True)
        results = self._store.last_epochs([row.id for row in rows if row.state is RunState.DONE])
        places = self._store.places() if any(row.state is RunState.QUEUED for row in rows) else {}
        going = [row.id for row in rows if row.state in (RunState.RUNNING, RunState.STOPPING)]
        return RunPage(tuple(rows), results, places, {run_id: self._share(run_id) for run_id in going}, page, count)

    def _share(self, run_id: int) -> float:
        """How much of a run is done, 0 to 1."""
        plan, step = self._store.latest(run_id, EventKind.PLAN), self._store.latest(run_id, EventKind.STEP)
        total = int(plan.values.get("total_steps", 0)) if plan else 0
        return min(1.0, step.step / total) if step and total else 0.0

    def summaries(self, state: str = "", limit: int = 50, offset: int = 0) -> list[dict[str, Any]]:
        """Runs as plain JSON, newest first, at most 200. Raises StoreError for a ``state`` that there is not."""
        try:
            states = [RunState(state)] if state else None
        except ValueError as exc:
            known = ", ".join(RunState)
            raise StoreError(f"'{state}' is not a state of a run; choose one of {known}, or leave it empty") from exc
        runs = self._store.list(limit=max(1, min(limit, MOST_LISTED)), offset=max(0, offset), states=states)
        return [
            {
                "run": run.id,
                "name": run.name,
                "state": run.state.value,
                "dataset": run.config.get("dataset"),
                "backbone": run.config.get("backbone"),
                "seed": run.config.get("seed"),
                "device": run.device or None,
                "created_s": run.created_s,
                "finished_s": run.finished_s,
                "bundle": run.bundle_key,
                "error": run.error,
            }
            for run in runs
        ]

    def status(self, run_id: int) -> dict[str, Any]:
        """A run's state, step and figures as plain JSON. Raises StoreError if there is no such run."""
        run, store = self._store.get(run_id), self._store
        plan, step = store.latest(run_id, EventKind.PLAN), store.latest(run_id, EventKind.STEP)
        epoch, zero_shot = store.latest(run_id, EventKind.EPOCH), store.latest(run_id, EventKind.ZERO_SHOT)
        used = read_conditions(plan.values.get("conditions")) if plan else Conditions()
        metrics = {name: value for name, value in epoch.values.items() if name != "tested"} if epoch else {}
        return {
            "run": run.id,
            "name": run.name,
            "state": run.state.value,
            "device": run.device or None,
            "step": step.step if step else 0,
            "total_steps": int(plan.values.get("total_steps", 0)) if plan else None,
            "metrics": with_nulls(metrics) if epoch else None,
            "zero_shot": with_nulls(zero_shot.values) if zero_shot else None,
            "tested": to_counts(used.tested),
            "intervals": as_document(metrics, used.tested),
            "cautions": cautions(used.tested),
            "baselines": {one.name: one.to_document(used.tested) for one in self._baselines(run_id)},
            "adjusted": used.adjustments,
            "error": run.error,
            "bundle": run.bundle_key,
        }

    def curve(self, run_id: int) -> RunCurve:
        """What the run has told so far, as of now."""
        return self._curves.of(run_id)

    def has_report(self, run: RunRecord) -> bool:
        """Whether the run is done and has a report."""
        return run.state is RunState.DONE and self.find(run.id) is not None and self._report_file(run.id).exists()

    def report(self, run_id: int) -> Report | None:
        """The report of a run, read once; None where there is none. Raises StoreError for one that is damaged."""
        file = self._report_file(run_id)
        try:
            written_ns = file.stat().st_mtime_ns
        except OSError:
            return None
        if self.find(run_id) is None:
            return None
        known = self._reports.get(run_id)
        if known is None or known[0] != written_ns:
            try:
                found: Report | StoreError | None = read_report(file)
            except StoreError as exc:
                found = exc
            if found is None:
                return None
            known = (written_ns, found)
            self._reports = {**dict([*self._reports.items()][-_KEPT_REPORTS:]), run_id: known}
        if isinstance(known[1], StoreError):
            raise StoreError(str(known[1]))
        return known[1]

    def _baselines(self, run_id: int) -> tuple[BaselineReport, ...]:
        """The baselines of a run's report; none where there is none, or it is damaged, which its own page tells."""
        try:
            report = self.report(run_id)
        except StoreError:
            return ()
        return report.baselines if report else ()

    def seeds(self, run: RunRecord) -> list[Mapping[str, float]]:
        """The last figures of finished runs on the same clips that differ in their seed alone, this one too.

        Of runs with the same seed the newest speaks: they say nothing about the spread.
        """
        data = self.curve(run.id).conditions.data
        same = {
            one.config.get("seed"): one.id
            for one in self._store.same_but_seed(run.id)
            if self.curve(one.id).conditions.data == data
        }
        return [event.values for event in self._store.last_epochs([*same.values()]).values()]

    def log_file(self, run_id: int) -> Path:
        """The file of the run's whole log. Raises StoreError where there is no such run, or no log yet."""
        self._store.get(run_id)
        file = self._studio.home.run_folder(run_id) / LOG
        if not file.exists():
            raise StoreError(f"run {run_id} has no log yet; it has one as soon as a worker takes it")
        return file

    def log_tail(self, run_id: int, count: int) -> list[str]:
        """The last ``count`` lines of the run's log; none where there is none yet."""
        return last_lines(self._studio.home.run_folder(run_id) / LOG, count) if self.find(run_id) else []

    def comparison(self, run_ids: Sequence[int]) -> Comparison:
        """The runs in ascending order, at most 12 of them, and those that are not there."""
        found = {run_id: self.find(run_id) for run_id in sorted(set(run_ids))}
        runs = tuple(run for run in found.values() if run)[:MOST_COMPARED]
        missing = tuple(run_id for run_id, run in found.items() if run is None)
        curves = {run.id: self.curve(run.id) for run in runs}
        return Comparison(runs, curves, missing, {run.id: self._baselines(run.id) for run in runs})

    def curves_text(self, run_ids: Sequence[int], kind: str) -> tuple[str, str]:
        """Name and text of a file with the curves of the runs, ``csv`` or ``json``. Raises StoreError."""
        runs = [self.get(run_id) for run_id in run_ids]
        if not runs:
            raise StoreError("no run is chosen; choose one from the list")
        text = (curves_csv if kind == "csv" else curves_json)(self._studio.store, runs)
        return f"runs-{'-'.join(str(run.id) for run in runs)}.{kind}", text

    def possible(self, run: RunRecord) -> frozenset[str]:
        """What whoever asks can do with a run now, from trying it to deleting it; with others' what changes nothing."""
        if self.find(run.id) is None:
            return frozenset()
        state, ended = run.state, run.state in (RunState.STOPPED, RunState.FAILED)
        waiting = self._store.waiting() if state is RunState.QUEUED else []
        at = waiting.index(run.id) if run.id in waiting else 0
        can = {
            # A run whose training diverged leaves a bundle, too: of what it had learned before.
            "try": state in (RunState.DONE, RunState.FAILED) and bool(run.bundle),
            "stop": state in (RunState.QUEUED, RunState.RUNNING),
            "resume": ended,
            "restart": ended and self._store.has_checkpoint(run.id),
            "front": at > 0,
            "up": at > 0,
            "down": at + 1 < len(waiting),
            "delete": state not in (RunState.RUNNING, RunState.STOPPING),
            "export": state is not RunState.QUEUED,
        }
        names = frozenset(name for name, may in can.items() if may)
        return names & {"try", "export"} if self._studio.ownership.locked(run) else names

    def stop(self, run_id: int) -> RunState:
        """Stop a queued run at once, a running one after its present step. Raises StoreError."""
        return self._store.request_stop(run_id)

    def resume(self, run_id: int, *, restart: bool = False) -> str:
        """Queue a stopped or failed run again: it goes on from its checkpoint, or with ``restart`` from step 0.

        Gives what is wrong where no worker could be started; the run stays queued all the same. Raises StoreError for a
        run that cannot be queued again, and TrainingError, with what has changed, where the labels, clips, anchors or
        split that its checkpoint was made with have changed.
        """
        self._studio.store.may_change()
        if not restart:
            check_unchanged(self._studio.store, run_id)
        check_runs(self._studio.store, [None])
        self._store.requeue(run_id, restart=restart)
        return self.wake()

    def wake(self) -> str:
        """Start a worker if there is none; gives what is wrong if that fails."""
        try:
            self._studio.wake_worker()
        except StudioError as exc:
            log.warning("%s", exc)
            return str(exc)
        return ""

    def rename(self, run_id: int, name: str) -> None:
        """Give the run another name, an empty one to go by data set and backbone. Raises StoreError."""
        self._store.rename(run_id, name)

    def move(self, run_id: int, to: str) -> None:
        """Move a waiting run to the ``front`` of the queue, ``up`` or ``down``. Raises StoreError."""
        self._store.move(run_id, Place(to))

    def delete(self, run_id: int) -> str:
        """Delete a run, which can be undone; gives what it is called. Raises StoreError while a worker has it."""
        run = self._store.get(run_id)
        what = f"run {run.id}: {run_title(run)}"
        self._store.delete(run.id, what=what)
        return what

    def undo_offer(self) -> str:
        """What an undo would bring back, in words; empty where there is nothing to undo."""
        return self._studio.store.trash.offer(_ROOM)

    def undo(self) -> tuple[str, int | None]:
        """Bring the run back that was deleted last: what is told of it, and its number. Raises StoreError."""
        last = self._studio.store.trash.last(_ROOM)
        number = re.match(r"run (\d+)", last.what) if last else None
        return self._studio.store.trash.undo(_ROOM), int(number[1]) if number else None

    def _report_file(self, run_id: int) -> Path:
        return self._studio.home.run_folder(run_id) / REPORT
