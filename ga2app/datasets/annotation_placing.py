"""Stretches of a file of annotations, fitted into the clips that they are of: what is taken, cut, and left out."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Protocol

from ga2app.datasets.annotation_clocks import ROUNDING_S, ClipClock, clock_of
from ga2app.datasets.annotation_records import (
    Annotations,
    CutStretch,
    LabeledStretch,
    LeftOut,
    Mark,
    Reading,
    Unit,
    media_path,
)
from ga2app.datasets.clip_files import ClipFinder, Search
from ga2app.datasets.clip_names import split_suffix
from ga2app.errors import ClipError, DatasetError, counted, named, shown
from ga2app.untrusted import text_fault
from ga2app.video.clip_loader import ClipLoader

_UPLOADED = re.compile(r"[0-9a-f]{8}-(.+)")
"""Label Studio's name for an upload."""


class Look(Protocol):
    """Looks at the clips of annotations in place of ``clock_of``, several at once, and is told how many are done."""

    def clock(self, path: str, marks: Sequence[Mark]) -> ClipClock:
        """The clock of the clip at ``path``. Raises ClipError."""
        ...

    def tell(self, done: int, total: int) -> None:
        """That so many clips are done; what it raises ends all."""
        ...


class Placer:
    """Finds the clips of ``reading`` and fits its stretches into them."""

    def __init__(
        self, root: Path, reading: Reading, tiers: Collection[str], labels: Mapping[int, str], look: Look | None = None
    ) -> None:
        self._root, self._reading, self._labels, self._look = root, reading, labels, look
        self._marks = [mark for mark in reading.marks if not tiers or mark.tier in tiers]
        known = {mark.tier for mark in reading.marks}
        if missing := set(tiers) - known:
            raise DatasetError(
                f"there is no tier {named(sorted(missing), quoted=True)}; it has {named(sorted(known), quoted=True)}"
            )
        if not tiers and len(known) > 1:
            reading.notes.append(
                f"{len(known)} tiers are taken: {named(sorted(known), quoted=True)}; choose with --tier"
            )
        self._paths = dict.fromkeys(mark.path for mark in self._marks)
        listed = {_plain(path) for path in self._paths}
        self._finder = ClipFinder(root, listed)
        self._owners = Counter(rest for path in listed for rest in _suffixes(path))
        self._beyond: list[tuple[str, float, float]] = []
        self._renamed: dict[str, str] = {}
        self._elsewhere: dict[str, str] = {}
        self._left_out = list(reading.left_out)
        self._cut: list[CutStretch] = []

    def placed(self) -> Annotations:
        """All stretches, in the order of the file. Raises DatasetError for a frame rate that cannot be."""
        clips = self._clips()
        seen: dict[LabeledStretch, None] = {}
        for mark in self._marks:
            clip = clips[mark.path]
            if isinstance(clip, str):
                self._leave(mark, f"'{shown(mark.path)}' {clip}", mark.path)
            elif (found := self._fitted(mark, *clip)) in seen:
                self._leave(
                    mark, f"is given twice: {_span(found.start, found.end)}", found.path, found.start, found.end
                )
            elif found is not None:
                seen[found] = None
        self._check_grid()
        stretches = tuple(seen)
        notes = (*self._reading.notes, *self._told(stretches))
        left_out = tuple(map(_rounded, self._left_out))
        spans = {one[0]: (one[1].first_s, one[1].end_s) for one in clips.values() if not isinstance(one, str)}
        return Annotations(self._reading.format, self._root, stretches, tuple(self._cut), left_out, notes, spans)

    def _clips(self) -> dict[str, tuple[str, ClipClock] | str]:
        """Each clip's place below the root and its clock; else why it cannot be used, as the rest of a sentence."""
        marks: dict[str, list[Mark]] = {path: [] for path in self._paths}
        for mark in self._marks:
            marks[mark.path].append(mark)
        found = {path: self._find(path) for path in marks}
        clips: dict[str, tuple[str, ClipClock] | str] = {path: one.reason for path, one in found.items()}
        there = {path: one.path for path, one in found.items() if one.path is not None}
        clock = self._look.clock if self._look else clock_of
        with closing(ClipLoader().ahead(partial(clock, file, marks[path]) for path, file in there.items())) as clocks:
            for done, ((path, file), one) in enumerate(zip(there.items(), clocks, strict=True), 1):
                place = Path(os.path.relpath(file, self._root)).as_posix()
                clips[path] = f"cannot be read: {one.reason}" if isinstance(one, ClipError) else (place, one)
                if self._look:
                    self._look.tell(done, len(there))
        return clips

    def _find(self, path: str) -> Search:
        """The clip that ``path`` names: below the root as it says, by ever less of its path, then by its name."""
        plain = _plain(path)
        name = plain.rpartition("/")[2]
        if not name:
            return Search(None, reason="names no file", advice="write the path of the clip below --root")
        for rest in _suffixes(plain):
            # A part of a path that stands for two clips of the list is no name of either.
            if self._owners[rest] == 1 and os.path.isfile(self._root / rest):
                return self._finder.find(rest)
        found = self._found(plain)
        upload = _UPLOADED.fullmatch(name)
        # ActivityNet's files begin with v_, which its list leaves out.
        other = upload[1] if upload else "" if split_suffix(name)[1] else f"v_{name}"
        if found.path is None and other and (again := self._found(other)).path is not None:
            if upload:
                self._renamed[name] = other
            return again
        return found

    def _found(self, path: str) -> Search:
        found = self._finder.find(path)
        if found.moved and found.path:
            place = Path(os.path.relpath(found.path, self._root)).as_posix()
            if os.path.dirname(place) != os.path.dirname(path):
                self._elsewhere[path] = place
        return found

    def _fitted(self, mark: Mark, path: str, clock: ClipClock) -> LabeledStretch | None:
        label = self._label(mark.label)
        try:
            start, end = clock.seconds(mark)
        except ValueError as exc:
            self._leave(mark, str(exc), path)
            return None
        if end > clock.end_s + ROUNDING_S and mark.unit is (Unit.GRID if self._reading.grid_rate else Unit.SECONDS):
            self._beyond.append((path, end, clock.end_s))
        why = _fault(mark, label, start, end, clock)
        if why:
            self._leave(mark, why, path, start, end)
            return None
        first, last = clock.fitted(start, end)
        found = LabeledStretch(path, round(first, 6), round(last, 6), label)
        if found.end <= found.start:
            self._leave(mark, f"has no length: {_span(start, end)}", path, start, end)
            return None
        if last < end or first > start:
            limits = f"the clip lasts to {_s(clock.end_s)}" if last < end else "no clip begins before 0 s"
            told = f"was {_span(start, end)}{clock.frames_told(end - last)}, and {limits}"
            self._cut.append(CutStretch(path, found.start, found.end, label, told))
        return found

    def _leave(self, mark: Mark, why: str, path: str, start: float | None = None, end: float | None = None) -> None:
        if start is None and mark.unit in (Unit.SECONDS, Unit.GRID):
            start, end = mark.start, mark.end
        self._left_out.append(LeftOut(path, start, end, " ".join(mark.label.split()), why))

    def _label(self, text: str) -> str:
        """``text`` on one line, or the name that stands for its number or code."""
        label = " ".join(text.split())
        code = re.fullmatch(r"[a-z]?(\d{1,9})", label)
        return self._labels.get(int(code[1]), label) if code else label

    def _check_grid(self) -> None:
        """Refuse a rate of the grid that puts an end beyond its clip, by more than a frame: it is not the grid's."""
        rate = self._reading.grid_rate
        if rate is None or not (beyond := [one for one in self._beyond if one[1] > one[2] + 1 / rate + ROUNDING_S]):
            return
        path, end, length = max(beyond, key=lambda one: one[1] / one[2])
        raise DatasetError(
            f"a frame rate of {rate:g} cannot be that of the labeling configuration: {_stretches(len(beyond))} would "
            f"end beyond the clip (frame {end * rate:.0f} of '{path}' at {_s(end)}, and it lasts to {_s(length)}); "
            "give the one that <Video frameRate> says with --frame-rate, which is "
            f"{end * rate / length:.4g} or more"
        )

    def _told(self, stretches: Sequence[LabeledStretch]) -> list[str]:
        """Notes on what was matched by another name, and on stretches that share time."""
        notes = []
        if self._renamed:
            some = named(f"{name} is {clip}" for name, clip in self._renamed.items())
            notes.append(f"{counted(len(self._renamed), 'clip')} found without the prefix of an upload: {some}")
        if self._elsewhere:
            some = named((f"{path} is {place}" for path, place in self._elsewhere.items()), 3)
            notes.append(f"{counted(len(self._elsewhere), 'clip')} found by name elsewhere than listed: {some}")
        if self._cut:
            notes.append(f"{_stretches(len(self._cut))} reached beyond the clip: cut to it")
        shared = _overlaps(stretches)
        if shared:
            before, after = shared[0]
            where = f"first in {before.path}"
            first = f"{before.label} {_span(before.start, before.end)}, {after.label} {_span(after.start, after.end)}"
            notes.append(
                f"{_stretches(len(shared), 'overlap', 'overlaps')} an earlier one of its clip ({where}: {first})"
            )
        whole = [end for mark in self._marks if mark.unit is Unit.SECONDS for end in (mark.start, mark.end) if end]
        beyond = {one[0] for one in self._beyond}
        if beyond and self._reading.grid_rate is None and whole and all(float(end).is_integer() for end in whole):
            notes.append(
                f"all times are whole numbers, and {_stretches(len(self._beyond), 'end', 'ends')} beyond the clip: "
                "are these frame numbers? Write seconds"
            )
        return notes


def _fault(mark: Mark, label: str, start: float, end: float, clock: ClipClock) -> str:
    """Why a stretch is left out; empty where it is not."""
    if not label:
        return f"has no label: {_span(start, end)}"
    if fault := text_fault(label):
        return f"its label {fault}"
    if end < start:
        return f"is reversed: it ends at {_s(end)}, before its start at {_s(start)}"
    if end == start:
        return f"has no length: it starts and ends at {_s(start)}"
    if start >= clock.end_s - ROUNDING_S:
        return f"lies outside: it starts at {_s(start)}, and the clip lasts to {_s(clock.end_s)}"
    if end <= clock.first_s:
        return f"lies outside: it ends at {_s(end)}, and the clip begins at {_s(clock.first_s)}"
    return ""


def _overlaps(stretches: Sequence[LabeledStretch]) -> list[tuple[LabeledStretch, LabeledStretch]]:
    """Each stretch that begins before an earlier one of its clip has ended, behind that one."""
    found = []
    reach: dict[str, LabeledStretch] = {}
    for one in sorted(stretches, key=lambda one: (one.path, one.start, one.end)):
        before = reach.get(one.path)
        if before is not None and one.start < before.end:
            found.append((before, one))
        if before is None or one.end > before.end:
            reach[one.path] = one
    return found


def _plain(path: str) -> str:
    """``path`` below any folder: without a drive, a leading slash, and steps upward."""
    parts = re.sub(r"^[A-Za-z]:", "", media_path(path).replace("\\", "/")).split("/")
    return "/".join(part for part in parts if part not in ("", ".", "..") and "\0" not in part)


def _suffixes(path: str) -> Iterator[str]:
    """``path``, and what is left of it when its first folders are taken away one by one."""
    parts = path.split("/")
    return ("/".join(parts[at:]) for at in range(len(parts)))


def _rounded(one: LeftOut) -> LeftOut:
    start, end = (None if time is None else round(time, 6) for time in (one.start, one.end))
    return replace(one, start=start, end=end)


def _s(seconds: float) -> str:
    return f"{seconds:.3f}".rstrip("0").rstrip(".") + " s"


def _span(start: float, end: float) -> str:
    return f"{_s(start)} to {_s(end)}"


def _stretches(count: int, what: str = "", of_one: str = "") -> str:
    """ "1 stretch", "2,000 stretches", and what they do."""
    return f"{counted(count, 'stretch')} {(of_one if count == 1 else '') or what}".strip()
