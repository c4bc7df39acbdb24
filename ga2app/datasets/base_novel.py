"""Which classes are trained on and which are not: by name, by list, or by half.

The paper's halves are published as lists of base and of novel classes; a half drawn here is a convenience.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from ga2app.datasets.drafts import Draft
from ga2app.datasets.import_report import Problem, listed
from ga2app.datasets.label_list import read_label_list
from ga2app.errors import DatasetError
from ga2app.labels import LabelNames
from ga2app.types import Dataset, Subset

Divisible = TypeVar("Divisible", Dataset, Draft)


class Half(StrEnum):
    """Which half of the classes becomes base, the larger one where their number is odd.

    ``list``: the first in the order of the label list. ``frequency``: those with the most training clips.
    """

    LIST = "list"
    FREQUENCY = "frequency"


@dataclass(frozen=True)
class Division:
    """At most one way to choose the novel classes; without one all are base. Spelling may differ in case and spaces."""

    novel: tuple[str, ...] = ()
    novel_list: Path | None = None
    base_list: Path | None = None
    half: Half | None = None

    def ways(self) -> list[str]:
        """The options that are in use, as the command line calls them."""
        given = {"--novel": self.novel, "--novel-list": self.novel_list, "--base-list": self.base_list}
        return [option for option, value in (*given.items(), ("--novel-half", self.half)) if value]


def divide(
    names: Sequence[str], training_clips: Mapping[str, int], division: Division, problems: list[Problem]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Base and novel names, each in the order of ``names``. Every fault goes into ``problems``."""
    ways = division.ways()
    if len(ways) > 1:
        problems.append(
            Problem(" and ".join(ways), 0, "", "cannot be used together", "choose the novel classes in one way")
        )
        return tuple(names), ()
    novel: set[str] = set()
    if division.novel:
        novel = _known(names, division.novel, "novel", problems)
    elif division.novel_list:
        novel = _known(names, _listed_names(division.novel_list, problems), str(division.novel_list), problems)
    elif division.base_list:
        base = _known(names, _listed_names(division.base_list, problems), str(division.base_list), problems)
        novel = set(names) - base
    elif division.half:
        by_frequency = division.half is Half.FREQUENCY
        ranked = sorted(names, key=lambda name: -training_clips.get(name, 0)) if by_frequency else list(names)
        novel = set(ranked[(len(names) + 1) // 2 :])
    if names and len(novel) == len(names):
        problems.append(Problem(ways[0], 0, "", "leaves no base class", "keep at least two classes to train on"))
    return tuple(name for name in names if name not in novel), tuple(name for name in names if name in novel)


def divided(dataset: Divisible, division: Division) -> Divisible:
    """``dataset`` with its classes divided anew; as it is without a division. Raises DatasetError with every fault.

    Clips of a draft that are in no part yet count as training clips.
    """
    if not division.ways():
        return dataset
    counts: dict[str, int] = {}
    for clip in dataset.clips:
        counts[clip.label] = counts.get(clip.label, 0) + (clip.subset is not Subset.TEST)
    problems: list[Problem] = []
    base, novel = divide((*dataset.base, *dataset.novel), counts, division, problems)
    if problems:
        raise DatasetError(". ".join(str(problem) for problem in problems))
    return replace(dataset, base=base, novel=novel)


def _listed_names(file: Path, problems: list[Problem]) -> list[str]:
    labels = read_label_list(file, problems)
    return list(labels.names.values()) if labels else []


def _known(names: Sequence[str], chosen: Sequence[str], source: str, problems: list[Problem]) -> set[str]:
    known = LabelNames(names)
    unknown = [name for name in chosen if known.find(name) is None]
    if unknown:
        advice = f"the classes are {listed(list(names), 10)}"
        problems.append(Problem(source, 0, ", ".join(unknown[:5]), "is no class of this data set", advice))
    return {found for name in chosen if (found := known.find(name)) is not None}
