"""What an import tells a person: every clip with a fault, the reason, and what to do."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from ga2app.datasets.import_report import Problem, refusal_of


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
class Report:
    """What one import found; its steps add to it.

    ``flaws`` name every clip that needs a look. ``faults`` (in the lists), ``missing`` (or unreadable) clips and
    ``repeated`` lines are told once more by file and line: the first two stop an import that is to be whole.
    """

    name: str
    flaws: list[Flaw] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    layouts: list[str] = field(default_factory=list)
    faults: list[Problem] = field(default_factory=list)
    missing: list[Problem] = field(default_factory=list)
    repeated: list[Problem] = field(default_factory=list)

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
        return refusal_of(self.name, self.faults, self.missing)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        flaws = [asdict(flaw) | {"kind": flaw.kind.value} for flaw in self.flaws]
        problems = {
            kind: [asdict(problem) for problem in found]
            for kind, found in (("faults", self.faults), ("missing", self.missing), ("repeated", self.repeated))
        }
        head = {"name": self.name, **self.counts, "layouts": list(self.layouts)}
        return {**head, **problems, "flaws": flaws, "notes": list(self.notes)}


def flaws_of(report: Mapping[str, Any]) -> list[Flaw]:
    """The flaws in what ``Report.to_dict`` gave."""
    return [Flaw(**{**flaw, "kind": FlawKind(flaw["kind"])}) for flaw in report.get("flaws", ())]


def problems_of(report: Mapping[str, Any], kind: str) -> list[Problem]:
    """The ``faults``, ``missing`` or ``repeated`` of what ``Report.to_dict`` gave."""
    return [Problem(**problem) for problem in report.get(kind, ())]


def report_csv(report: Mapping[str, Any]) -> str:
    """All flaws as CSV, one a line."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["file", "label", "what", "reason", "fix"])
    rows.writerows([flaw.file, flaw.label, flaw.kind.value, flaw.reason, flaw.fix] for flaw in flaws_of(report))
    return text.getvalue()
