"""What a file of annotations over time says, before any clip is looked at: stretches, and what is none, with why."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from ga2app.errors import DatasetError, shown

MOST_STRETCHES = 500_000
"""The longest published list has 90,000."""
FARTHEST = 1e9
"""No time in seconds, and no frame, is beyond this."""


class Unit(StrEnum):
    """In what a file counts: seconds, also those of an editor's grid at a rate that was asked for; frames from 0, the
    end not included; or FiftyOne's share of the clip."""

    SECONDS = "seconds"
    GRID = "grid"
    FRAMES = "frames"
    SHARE = "timestamps"


@dataclass(frozen=True)
class Mark:
    """A stretch as the file writes it: ``path`` as it names its clip, empty for the clip of the file's own name.

    ``start`` None is the clip's beginning, ``end`` None its end. ``tier`` is what the tool calls the row of labels.
    """

    path: str
    start: float | None
    end: float | None
    label: str
    unit: Unit = Unit.SECONDS
    tier: str = ""


@dataclass(frozen=True)
class LeftOut:
    """What is not taken, in the words of the file, and why; times are seconds, None where they are not known."""

    path: str
    start: float | None
    end: float | None
    label: str
    why: str


@dataclass
class Reading:
    """What a reader found. ``grid_rate`` is the rate that turned frames of an editor's grid into seconds."""

    format: str
    marks: list[Mark] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    grid_rate: float | None = None

    def mark(self, path: str, start: float | None, end: float | None, label: str, **more: Any) -> None:
        """Add a stretch. Raises DatasetError for one too many."""
        if len(self.marks) >= MOST_STRETCHES:
            raise DatasetError(f"the file holds more than {MOST_STRETCHES:,} stretches; split it into smaller ones")
        self.marks.append(Mark(path, start, end, label, **more))

    def add(self, other: Reading) -> None:
        """Add what another file says. Raises DatasetError for one stretch too many."""
        for mark in other.marks:
            self.mark(**vars(mark))
        self.left_out += other.left_out
        self.notes += [note for note in other.notes if note not in self.notes]
        self.grid_rate = self.grid_rate or other.grid_rate

    def leave(self, path: str, label: str, why: str, start: float | None = None, end: float | None = None) -> None:
        """Add what is not taken. Raises DatasetError for one too many."""
        if len(self.left_out) >= MOST_STRETCHES:
            raise DatasetError(f"the file holds more than {MOST_STRETCHES:,} faults (last: {shown(label)}: {why})")
        self.left_out.append(LeftOut(path, start, end, label, why))


@dataclass(frozen=True)
class LabeledStretch:
    """From ``start`` to before ``end``, in seconds on the clock of the clip at ``path`` (below the root), ``label``."""

    path: str
    start: float
    end: float
    label: str


@dataclass(frozen=True)
class CutStretch(LabeledStretch):
    """A stretch that reached beyond its clip, as it is now; ``why`` says what it was."""

    why: str


@dataclass(frozen=True)
class Annotations:
    """What ``read_annotations`` found. ``stretches`` are all that are taken, also those in ``cut``.

    ``clips`` has when each clip that was found begins and ends, in seconds, by its path.
    """

    format: str
    root: Path
    stretches: tuple[LabeledStretch, ...]
    cut: tuple[CutStretch, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]
    clips: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        lists = {key: [asdict(one) for one in getattr(self, key)] for key in ("stretches", "cut", "left_out")}
        spans = {path: {"start": round(start, 6), "end": round(end, 6)} for path, (start, end) in self.clips.items()}
        return {"format": self.format, **lists, "notes": list(self.notes), "clips": spans}


def as_dict(value: Any) -> dict[str, Any]:
    """``value`` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """``value`` if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def as_text(value: Any) -> str:
    """``value`` as text: a text or a number; else empty."""
    return value if isinstance(value, str) else str(value) if type(value) in (int, float) else ""


def number(value: Any) -> float | None:
    """The number that ``value`` is or writes; None where it is none, or one beyond all clips."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) and abs(found) <= FARTHEST else None


_CLOCK = re.compile(r"(?:(\d{1,4}):)?(\d{1,4}):(\d{1,2}(?:[.,]\d{1,9})?)")


def seconds_of(value: Any) -> float | None:
    """Seconds of a number, of "12.5", or of "[hours:]minutes:seconds" with point or comma; None for anything else.

    Some tools write the last second of a minute as 60.000.
    """
    if isinstance(value, str) and (found := _CLOCK.fullmatch(value.strip())):
        return int(found[1] or 0) * 3600 + int(found[2]) * 60 + float(found[3].replace(",", "."))
    return number(value)


def media_path(address: str) -> str:
    """The path that an address of a tool means: of ``file:///home/a.mp4``, ``/data/local-files/?d=dir/a.mp4``, or an
    address in a bucket."""
    text = address.strip()
    if "?d=" in text or "&d=" in text:
        return (parse_qs(text.partition("?")[2]).get("d") or [text])[0]
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", text):
        try:
            return unquote(urlsplit(text).path) or text
        except ValueError:
            return text
    return text


def spread(
    files: Sequence[tuple[str, float | None]], start: float, end: float
) -> Iterator[tuple[str, float, float]] | None:
    """The stretch of an observation over ``files``, (name, seconds) one after another, as stretches of each of them;
    None where a length that is needed is not known."""
    if len(files) > 1 and any(not length or length <= 0 for _, length in files[:-1]):
        return None
    return _spread(files, start, end)


def _spread(files: Sequence[tuple[str, float | None]], start: float, end: float) -> Iterator[tuple[str, float, float]]:
    if len(files) == 1 or end <= start:
        yield files[0][0], start, end
        return
    begin = 0.0
    for place, (name, length) in enumerate(files):
        last = place == len(files) - 1
        until = math.inf if last else begin + (length or 0)
        if start < until and end > begin:
            yield name, max(start, begin) - begin, min(end, until) - begin
        begin = until
