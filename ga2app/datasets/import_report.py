"""What an import found: the data set, and everything that is wrong or worth knowing, by file and line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from ga2app.types import Dataset, Subset


class Missing(StrEnum):
    """What becomes of an import with clips that are not there: nothing is imported, or the other clips are."""

    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where (line 0: the whole file), what stands there, why it is wrong, and what to do."""

    file: str
    line: int
    entry: str
    reason: str
    advice: str

    def __str__(self) -> str:
        place = f"{Path(self.file).name} line {self.line}" if self.line else self.file
        entry = f"'{self.entry[:120]}' " if self.entry else ""
        return f"{place}: {entry}{self.reason}; {self.advice}"


@dataclass
class Findings:
    """What the steps of one import find, in the order in which they find it; each step adds to it."""

    faults: list[Problem] = field(default_factory=list)
    missing: list[Problem] = field(default_factory=list)
    repeated: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    layouts: dict[str, None] = field(default_factory=dict)


@dataclass(frozen=True)
class ImportReport:
    """The outcome of an import. ``dataset`` is None where nothing may be imported.

    ``faults`` are in the lists themselves and always stop an import; ``missing`` clips do unless they are to be
    skipped; ``repeated`` lines were counted once.
    """

    name: str
    dataset: Dataset | None
    layouts: tuple[str, ...] = ()
    faults: tuple[Problem, ...] = ()
    missing: tuple[Problem, ...] = ()
    repeated: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()

    def refusal(self) -> str:
        """Why nothing is imported, and what to do, in one line."""
        return refusal_of(self.name, self.faults, self.missing)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; every problem is in it."""
        dataset = self.dataset
        counts: dict[str, int] = {}
        if dataset is not None:
            subsets = Counter(clip.subset for clip in dataset.clips)
            counts = {
                "base": len(dataset.base),
                "novel": len(dataset.novel),
                "clips": len(dataset.clips),
                "train": subsets[Subset.TRAIN],
                "test": subsets[Subset.TEST],
                "anchors": len(dataset.anchors),
                "negatives": len(dataset.negatives),
            }
        problems = {
            kind: [asdict(problem) for problem in found]
            for kind, found in (("faults", self.faults), ("missing", self.missing), ("repeated", self.repeated))
        }
        head = {"dataset": self.name, "imported": dataset is not None, **counts, "layouts": list(self.layouts)}
        return {**head, **problems, "notes": list(self.notes)}


def refusal_of(name: str, faults: Sequence[Problem], missing: Sequence[Problem]) -> str:
    """Why nothing is imported as ``name``, and what to do, in one line."""
    parts = []
    if faults:
        parts.append(f"{_counted(len(faults), 'fault')} in the lists (first: {faults[0]})")
    if missing:
        parts.append(f"{_counted(len(missing), 'clip')} missing or unreadable (first: {missing[0]})")
    advice = "mend the lists" if faults else "put the clips there, or leave them out with --missing skip"
    return f"nothing was imported as '{name}': {' and '.join(parts)}. Next: {advice}"


def listed(items: list[str], shown: int = 5) -> str:
    """The first items between commas, and how many more there are."""
    more = f" and {len(items) - shown} more" if len(items) > shown else ""
    return ", ".join(items[:shown]) + more


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
