"""What an import tells a person: every clip with a fault, the reason, and what to do."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


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
    """What one import found; its steps add to it."""

    name: str
    flaws: list[Flaw] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def left_out(self, file: str, label: str, reason: str, fix: str) -> None:
        """A clip that does not go in."""
        self.flaws.append(Flaw(file, label, FlawKind.LEFT_OUT, reason, fix))

    def taken(self, file: str, label: str, reason: str, fix: str) -> None:
        """A clip that goes in and should be looked at."""
        self.flaws.append(Flaw(file, label, FlawKind.TAKEN, reason, fix))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        flaws = [asdict(flaw) | {"kind": flaw.kind.value} for flaw in self.flaws]
        return {"name": self.name, **self.counts, "flaws": flaws, "notes": list(self.notes)}


def flaws_of(report: Mapping[str, Any]) -> list[Flaw]:
    """The flaws in what ``Report.to_dict`` gave."""
    return [Flaw(**{**flaw, "kind": FlawKind(flaw["kind"])}) for flaw in report.get("flaws", ())]


def report_csv(report: Mapping[str, Any]) -> str:
    """All flaws as CSV, one a line."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["file", "label", "what", "reason", "fix"])
    rows.writerows([flaw.file, flaw.label, flaw.kind.value, flaw.reason, flaw.fix] for flaw in flaws_of(report))
    return text.getvalue()
