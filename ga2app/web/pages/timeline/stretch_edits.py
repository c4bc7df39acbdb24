"""Stretches of a long video as they are corrected by hand: functions of what there was, each of which can be undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ga2app.errors import DatasetError, shown
from ga2app.labels import tidy
from ga2app.stretches import seconds, seconds_of
from ga2app.types import TimedLabels, TimedStretch

ROWS = 100
"""Stretches that can be edited at a time; a click on the timeline leads to others."""
_MOST_UNDO = 50

Stretches = tuple[TimedStretch, ...]


@dataclass(frozen=True, eq=False)
class Work:
    """A video that is being labeled: its address, what was found, its stretches as they are now, in order, and as they
    were before. ``first`` is the number of the first one in the table."""

    path: str = ""
    found: TimedLabels | None = None
    stretches: Stretches = ()
    past: tuple[Stretches, ...] = ()
    first: int = 0

    def changed(self, *stretches: TimedStretch) -> Work:
        """With other stretches."""
        ordered = tuple(sorted(stretches, key=lambda one: (one.start, one.end)))
        return replace(self, stretches=ordered, past=(*self.past, self.stretches)[-_MOST_UNDO:])


def edited(work: Work, given: Mapping[str, Any]) -> Work:
    """``work`` after what a row of the table or its keys asked for. Raises StudioError and has changed nothing then."""
    does = _EDITS.get(str(given.get("do")))
    return does(work, given) if does else work


def _set(work: Work, given: Mapping[str, Any]) -> Work:
    number = _row(work, given)
    before = work.stretches[number]
    start, end = (_time(work, given.get(key), getattr(before, key)) for key in ("start", "end"))
    label = tidy(str(given.get("label") or ""))
    if not label:
        raise DatasetError("a stretch needs a label; type one, or delete the stretch")
    if start >= end:
        raise DatasetError(f"the stretch would not end after its start: {seconds(start)} s to {seconds(end)} s")
    after = TimedStretch(start, end, label)
    if (start, end, label) == (before.start, before.end, before.label):
        return work
    return work.changed(*_without(work, number), after)


def _delete(work: Work, given: Mapping[str, Any]) -> Work:
    return work.changed(*_without(work, _row(work, given)))


def _merge(work: Work, given: Mapping[str, Any]) -> Work:
    """A stretch with the next one, under its own label."""
    number = _row(work, given)
    if number + 1 >= len(work.stretches):
        raise DatasetError("there is no stretch after the last one to merge it with")
    one, other = work.stretches[number : number + 2]
    rest = [*work.stretches[:number], *work.stretches[number + 2 :]]
    return work.changed(*rest, TimedStretch(one.start, max(one.end, other.end), one.label))


def _split(work: Work, given: Mapping[str, Any]) -> Work:
    """A stretch in two, where the video is."""
    number, at = _row(work, given), _time(work, given.get("at"), -1.0)
    one = work.stretches[number]
    if not one.start < at < one.end:
        raise DatasetError(f"the video is at {seconds(at)} s, outside this stretch; play it to where it is to be split")
    parts = TimedStretch(one.start, at, one.label), TimedStretch(at, one.end, one.label)
    return work.changed(*_without(work, number), *parts)


def _add(work: Work, given: Mapping[str, Any]) -> Work:
    """A stretch from where the video is, as long as a window, or to the next one."""
    assert work.found is not None
    at = _time(work, given.get("at"), work.found.start)
    later = [one.start for one in work.stretches if one.start > at]
    end = min([at + work.found.window_s, work.found.end, *later])
    if end <= at:
        raise DatasetError(f"at {seconds(at)} s there is no room for a stretch; the video ends there")
    label = next((one.label for one in reversed(work.stretches) if one.start <= at), work.found.labels[0])
    return work.changed(*work.stretches, TimedStretch(at, round(end, 3), label))


def _undo(work: Work, given: Mapping[str, Any]) -> Work:
    return replace(work, stretches=work.past[-1], past=work.past[:-1]) if work.past else work


def _show(work: Work, given: Mapping[str, Any]) -> Work:
    """The rows from the one that is shown at a moment of the video, or from a number on."""
    if isinstance(number := given.get("first"), int):
        return replace(work, first=max(0, min(number, len(work.stretches) - 1)))
    at = _time(work, given.get("at"), 0.0)
    place = max((number for number, one in enumerate(work.stretches) if one.start <= at), default=0)
    return work if work.first <= place < work.first + ROWS else replace(work, first=place // ROWS * ROWS)


_EDITS: dict[str, Callable[[Work, Mapping[str, Any]], Work]] = {
    "set": _set,
    "delete": _delete,
    "merge": _merge,
    "split": _split,
    "add": _add,
    "undo": _undo,
    "show": _show,
}


def _row(work: Work, given: Mapping[str, Any]) -> int:
    number = given.get("row")
    if not isinstance(number, int) or not 0 <= number < len(work.stretches):
        raise DatasetError("this stretch is not there any more; reload the page")
    return number


def _without(work: Work, number: int) -> list[TimedStretch]:
    return [*work.stretches[:number], *work.stretches[number + 1 :]]


def _time(work: Work, given: Any, default: float) -> float:
    """Seconds of what was typed, to the millisecond, inside the video."""
    assert work.found is not None
    if given is None or given == "":
        return default
    value = float(given) if isinstance(given, int | float) else seconds_of(str(given)[:40])
    start, end = work.found.start, work.found.end
    if not start - 1e-3 <= value <= end + 1e-3:
        raise DatasetError(f"{shown(str(given))} lies outside the video, {seconds(start)} s to {seconds(end)} s")
    return min(max(round(value, 3), start), end)
