"""Several runs beside each other: what they differ in, their final figures, and seeds of the same settings."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ga2app.config.reading import flat
from ga2app.services.run_curves import RunCurve
from ga2app.types import BASELINES, BaselineReport, RunRecord, RunState, Spread, spread

MOST_COMPARED = 12
"""More curves in one plot cannot be told apart."""


def spreads(finals: Sequence[Mapping[str, float]], figures: Sequence[str]) -> dict[str, Spread]:
    """Mean and deviation of each of ``figures`` that any of ``finals`` has."""
    found = {key: [float(final[key]) for final in finals if key in final] for key in figures}
    return {key: spread(values) for key, values in found.items() if values}


@dataclass(frozen=True)
class SeedGroup:
    """Finished runs that are equal but for their seed, in the order in which they were given.

    ``data`` identifies the clips of each; it is empty for runs of before.
    """

    runs: tuple[RunRecord, ...]
    data: tuple[str, ...]

    @property
    def same_clips(self) -> bool:
        """Whether all were trained and tested on the same clips, as far as that is known."""
        return len({data for data in self.data if data}) < 2

    def one_a_seed(self) -> list[RunRecord]:
        """The newest run of each seed: a run that is done again tells nothing about the spread."""
        newest = {run.config.get("seed"): run.id for run in sorted(self.runs, key=lambda run: run.id)}
        return [run for run in self.runs if run.id in newest.values()]


@dataclass(frozen=True)
class Comparison:
    """Runs with their curves and baselines, and the numbers of those that were asked for and are not there."""

    runs: tuple[RunRecord, ...]
    curves: Mapping[int, RunCurve]
    missing: tuple[int, ...] = ()
    baselines: Mapping[int, tuple[BaselineReport, ...]] = field(default_factory=dict)

    def beside(self) -> list[tuple[str, list[BaselineReport | None]]]:
        """Each baseline's title, with its figures in each run, None where a run's report has none."""
        found = {run.id: {one.name: one for one in self.baselines.get(run.id, ())} for run in self.runs}
        names = [name for name in BASELINES if any(name in rows for rows in found.values())]
        return [(BASELINES[name].title, [found[run.id].get(name) for run in self.runs]) for name in names]

    def seed_groups(self) -> list[SeedGroup]:
        """Groups of two or more finished runs that are equal but for their seed."""
        groups: dict[str, list[RunRecord]] = {}
        for run in self.runs:
            if run.state is RunState.DONE:
                without = {key: value for key, value in run.config.items() if key != "seed"}
                groups.setdefault(json.dumps(without, sort_keys=True), []).append(run)
        return [
            SeedGroup(tuple(group), tuple(self.curves[run.id].conditions.data for run in group))
            for group in groups.values()
            if len(group) > 1
        ]

    def differing_clips(self) -> list[str | None]:
        """A letter for the clips of each run, with the number of test clips, where not all runs have the same."""
        used = [self.curves[run.id].conditions for run in self.runs]
        kinds = list(dict.fromkeys(one.data for one in used if one.data))
        if len(kinds) < 2:
            return []
        counts = [sum(size.clips for size in one.tested.values()) for one in used]
        return [
            f"{chr(ord('A') + kinds.index(one.data))}, {clips} test clips" if one.data else None
            for one, clips in zip(used, counts, strict=True)
        ]

    def differing_settings(self) -> dict[str, list[Any]]:
        """The settings, by path, that are not the same in all runs: the value of each run, None where it has none."""
        return differing_settings([run.config for run in self.runs])


def differing_settings(configs: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The settings, by path, that are not the same in all of ``configs``; None where one has none."""
    flattened = [flat(config) for config in configs]
    paths = dict.fromkeys(path for config in flattened for path in config)
    found = {path: [config.get(path) for config in flattened] for path in paths}
    return {path: values for path, values in found.items() if len({repr(as_in_json(value)) for value in values}) > 1}


def as_in_json(value: Any) -> Any:
    """Lists and tuples, and whole numbers as whole or not, compare equal: JSON does not tell them apart."""
    return list(value) if isinstance(value, tuple) else float(value) if type(value) is int else value


def run_numbers(text: object) -> tuple[int, ...]:
    """The run numbers in a text such as "3,1,2" in ascending order, each once; what is none is left out."""
    found = re.findall(r"(?<!\d)\d{1,9}(?!\d)", text) if isinstance(text, str) else []
    return tuple(sorted({int(number) for number in found if int(number)}))
