"""What an import found: the data set, and everything that is wrong or worth knowing, by file and line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from ga2app.errors import counted
from ga2app.types import Dataset, Subset
from ga2app.untrusted import csv_text


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

    @property
    def place(self) -> str:
        """File and line, for a person."""
        return f"{Path(self.file).name} line {self.line}" if self.line else Path(self.file).name

    def __str__(self) -> str:
        place = self.place if self.line else self.file
        entry = f"'{self.entry[:120]}' " if self.entry else ""
        return f"{place}: {entry}{self.reason}; {self.advice}"


class FlawKind(StrEnum):
    """What became of a clip with a fault."""

    LEFT_OUT = "left out"
    TAKEN = "taken"


@dataclass(frozen=True)
class Flaw:
    """One clip that is not as it should be: its file as the source calls it, its label, the reason, and the fix."""

    file: str
    label: str
    kind: FlawKind
    reason: str
    fix: str


@dataclass
class ImportReport:
    """What one import finds; its steps add to it. ``dataset`` is None where nothing may be imported.

    ``flaws`` name every clip that needs a look. ``faults`` (in the lists), ``missing`` (or unreadable) clips and
    ``repeated`` lines are told by file and line: the first two stop an import that is to be whole.
    """

    name: str
    dataset: Dataset | None = None
    flaws: list[Flaw] = field(default_factory=list)
    faults: list[Problem] = field(default_factory=list)
    missing: list[Problem] = field(default_factory=list)
    repeated: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    layouts: list[str] = field(default_factory=list)

    def left_out(self, file: str, label: str, reason: str, fix: str) -> None:
        """A clip that does not go in."""
        self.flaws.append(Flaw(file, label, FlawKind.LEFT_OUT, reason, fix))

    def unusable(self, source: str, file: str, label: str, reason: str, fix: str) -> None:
        """A clip of ``source`` that is missing or cannot be read, so that it does not go in."""
        self.left_out(file, label, reason, fix)
        self.missing.append(Problem(source, 0, file, f"cannot be used: {reason}", fix))

    def absent(self, source: str, file: str, reason: str, fix: str) -> None:
        """A clip of ``source`` that is not there, or no file; the ``reason`` begins with a verb."""
        self.left_out(file, "", f"it {reason}", fix)
        self.missing.append(Problem(source, 0, file, reason, fix))

    def taken(self, file: str, label: str, reason: str, fix: str) -> None:
        """A clip that goes in and should be looked at."""
        self.flaws.append(Flaw(file, label, FlawKind.TAKEN, reason, fix))

    def refusal(self) -> str:
        """Why nothing is imported where everything has to be right, and what to do, in one line."""
        parts = []
        if self.faults:
            parts.append(f"{counted(len(self.faults), 'fault')} in the lists (first: {self.faults[0]})")
        if self.missing:
            parts.append(f"{counted(len(self.missing), 'clip')} missing or unreadable (first: {self.missing[0]})")
        advice = "correct the lists" if self.faults else "put the clips there, or leave them out with --missing skip"
        return f"nothing was imported as '{self.name}': {' and '.join(parts)}. Next: {advice}"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        counts = {}
        if self.dataset is not None:
            subsets = Counter(clip.subset for clip in self.dataset.clips)
            lengths = {kind: len(getattr(self.dataset, kind)) for kind in ("base", "novel", "anchors", "negatives")}
            counts = {"clips": subsets.total(), **{str(subset): subsets[subset] for subset in Subset}, **lengths}
        problems = {
            kind: [asdict(problem) for problem in getattr(self, kind)] for kind in ("faults", "missing", "repeated")
        }
        flaws = [asdict(flaw) | {"kind": flaw.kind.value} for flaw in self.flaws]
        return {"name": self.name, **counts, "layouts": self.layouts, **problems, "flaws": flaws, "notes": self.notes}


def flaws_of(report: Mapping[str, Any]) -> list[Flaw]:
    """The flaws in what ``ImportReport.to_dict`` gave."""
    return [Flaw(**{**flaw, "kind": FlawKind(flaw["kind"])}) for flaw in report.get("flaws", ())]


def problems_of(report: Mapping[str, Any], kind: str) -> list[Problem]:
    """The ``faults``, ``missing`` or ``repeated`` of what ``ImportReport.to_dict`` gave."""
    return [Problem(**problem) for problem in report.get(kind, ())]


def report_csv(report: Mapping[str, Any]) -> str:
    """All flaws as CSV, one a line."""
    rows = ([flaw.file, flaw.label, flaw.kind.value, flaw.reason, flaw.fix] for flaw in flaws_of(report))
    return csv_text([["file", "label", "what", "reason", "fix"], *rows])
