"""Sweeps: runs that were queued together as points over settings, read as one table, stopped and deleted as one."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from ga2app.config import RunConfig
from ga2app.config.reading import flat
from ga2app.errors import counted
from ga2app.services.run_requests import Asked, merged_settings
from ga2app.services.sweep_points import SweepAsked, value_text
from ga2app.types import EventKind, RunRecord, RunState
from ga2app.types.reliability_types import LEAST_CLIPS
from ga2app.untrusted import csv_text

if TYPE_CHECKING:
    from ga2app.services.studio import Studio

FIGURES = ("base", "novel", "hm")
CHOSEN_BY = (
    "The best point has the highest held-out accuracy, of equal ones the lower cross-entropy: on training clips of "
    "base labels that the shots left over. Base, novel and HM are of the test clips and choose nothing. Held-out clips "
    "have no novel labels, so what a point forgets does not show in them."
)
NONE_HELD_OUT = (
    f"No point is marked as the best: the shots left fewer than {LEAST_CLIPS} training clips over to choose by, and a "
    "figure that was chosen on test clips is too good. Take fewer shots than a label has training clips."
)
_OPEN = (RunState.QUEUED, RunState.RUNNING, RunState.STOPPING)


@dataclass(frozen=True)
class SweepRun:
    """One run of a sweep: its values of the settings that vary, and its figures in percent as far as it has any.

    ``validation`` has accuracy, ce and clips (``evaluation.validation_of``); ``best`` says that its point is.
    """

    run: RunRecord
    values: tuple[Any, ...]
    metrics: Mapping[str, float]
    validation: Mapping[str, float]
    seconds: float | None
    best: bool = False


@dataclass(frozen=True)
class Sweep:
    """A sweep as of now. ``paths`` are the settings that vary, with data set and seed where there are several."""

    id: int
    name: str
    asked: Mapping[str, Any]
    paths: tuple[str, ...]
    runs: tuple[SweepRun, ...]

    @property
    def open(self) -> int:
        """How many of its runs wait or are worked on."""
        return sum(one.run.state in _OPEN for one in self.runs)

    @property
    def note(self) -> str:
        """What the best point is chosen by, or why none is; empty until a run is done."""
        if any(one.validation for one in self.runs):
            uneven = len({one.validation["clips"] for one in self.runs if one.validation}) > 1
            seeds = "seed" in self.paths or "shots" in self.paths or uneven
            return CHOSEN_BY + (" Points of other shots or seeds are measured on other held-out clips." * seeds)
        return NONE_HELD_OUT if any(one.run.state is RunState.DONE for one in self.runs) else ""

    def to_document(self) -> dict[str, Any]:
        """Plain JSON values."""
        runs = [
            {
                "run": one.run.id,
                "state": one.run.state.value,
                "values": dict(zip(self.paths, one.values, strict=True)),
                "held_out": dict(one.validation) or None,
                "metrics": dict(one.metrics) or None,
                "seconds": one.seconds,
                "bundle": one.run.bundle_key,
                "error": one.run.error,
                "best": one.best,
            }
            for one in self.runs
        ]
        return {"sweep": self.id, "name": self.name, "asked": dict(self.asked), "note": self.note, "runs": runs}

    def to_csv(self) -> str:
        """A row for each run, as a spreadsheet reads it."""
        heads = ["run", "state", *self.paths, "held_out", "held_out_ce", "held_out_clips", *FIGURES, "seconds", "best"]
        rows: list[Sequence[object]] = [heads]
        for one in self.runs:
            held_out = [one.validation.get(key, "") for key in ("accuracy", "ce", "clips")]
            figures = [one.metrics.get(key, "") for key in FIGURES]
            values = [value_text(value) if isinstance(value, list) else value for value in one.values]
            seconds = "" if one.seconds is None else round(one.seconds, 1)
            rows.append([one.run.id, one.run.state.value, *values, *held_out, *figures, seconds, int(one.best)])
        return csv_text(rows)


class SweepService:
    """What pages, endpoints and commands do with sweeps."""

    def __init__(self, studio: Studio) -> None:
        self._studio, self._store = studio, studio.store.runs

    def queue_settings(
        self, settings: Any, sweep: SweepAsked, preset_name: str = "", name: str = "", seeds: str = ""
    ) -> tuple[list[int], str]:
        """Queue a run for each point of ``sweep`` around the settings of a preset with ``settings``, and wake a worker.

        Gives the numbers of the runs, the first of which is the sweep's, and why no worker could be started. Raises
        ConfigError with everything that keeps any of them from being trained.
        """
        config = RunConfig.from_dict(merged_settings(settings, preset_name))
        plan = self._studio.training.plan(asked_around(config, sweep, name, seeds))
        return self._studio.training.queue(plan), self._studio.runs.wake()

    def all(self) -> list[RunRecord]:
        """The first run that is left of each sweep, newest first."""
        return list(self._store.sweeps())

    def get(self, sweep_id: int) -> Sweep:
        """The sweep of that number. Raises StoreError if there is none."""
        records = self._store.of_sweep(sweep_id)
        configs, asked = [flat(run.config) for run in records], records[0].sweep
        paths = [path for path in ("dataset", "seed") if len({config.get(path) for config in configs}) > 1]
        paths += [path for path in asked.get("paths", []) if path not in paths]
        ids = [run.id for run in records]
        epochs, held_out = (self._store.last_of(ids, kind) for kind in (EventKind.EPOCH, EventKind.VALIDATION))
        runs = []
        for run, config in zip(records, configs, strict=True):
            told: Mapping[str, Any] = epochs[run.id].values if run.id in epochs else {}
            metrics = {key: float(told[key]) for key in FIGURES if isinstance(told.get(key), float | int)}
            chosen_by = held_out[run.id].values if run.id in held_out and run.state is RunState.DONE else {}
            end_s = run.finished_s or (time.time() if run.state in _OPEN else None)
            took_s = end_s - run.started_s if end_s and run.started_s else None
            runs.append(SweepRun(run, tuple(config.get(path) for path in paths), metrics, chosen_by, took_s))
        best = _best([path for path in paths if path != "seed"], paths, runs)
        marked = tuple(SweepRun(**(vars(one) | {"best": one.run.id in best})) for one in runs)
        return Sweep(sweep_id, _common_name(records), asked, tuple(paths), marked)

    def stop(self, sweep_id: int) -> str:
        """Stop all of its runs: those that wait at once, the others after their present step. Raises StoreError."""
        return f"{counted(self._store.stop_sweep(sweep_id), 'run')} of sweep {sweep_id} stopped or stopping."

    def delete(self, sweep_id: int) -> str:
        """Delete all of its runs, which can be undone; gives what it is called. Raises StoreError while one goes on."""
        what = f"sweep {sweep_id}: {counted(len(self._store.of_sweep(sweep_id)), 'run')}"
        self._store.delete_sweep(sweep_id, what=what)
        return what


def asked_around(config: RunConfig, sweep: SweepAsked, name: str = "", seeds: str = "") -> Asked:
    """What Train would ask for with the settings ``config``; without ``seeds`` the one of these."""
    settings = flat(config.to_dict())
    dataset, seed = settings.pop("dataset"), settings.pop("seed")
    return Asked((dataset,), seeds or str(seed), settings, name, sweep=sweep)


def _best(keys: Sequence[str], paths: Sequence[str], runs: Sequence[SweepRun]) -> set[int]:
    """The runs of each data set's best point: by the mean over its seeds of accuracy, then of the cross-entropy."""
    points: dict[str, list[SweepRun]] = {}
    for one in runs:
        if one.validation:
            values = dict(zip(paths, one.values, strict=True))
            points.setdefault(repr([values[key] for key in keys]), []).append(one)
    best: dict[str, tuple[tuple[float, float], set[int]]] = {}
    for group in points.values():
        accuracy, ce = (fmean(one.validation[key] for one in group) for key in ("accuracy", "ce"))
        dataset, score = str(group[0].run.config.get("dataset")), (accuracy, -ce)
        if dataset not in best or score > best[dataset][0]:
            best[dataset] = (score, {one.run.id for one in group})
    return set[int]().union(*(ids for _, ids in best.values()))


def _common_name(runs: Sequence[RunRecord]) -> str:
    """What the names of the runs begin with: the name that was given, or the data set's."""
    return next((run.name.split(" · ")[0] for run in runs if run.name), str(runs[0].config.get("dataset", "?")))
