"""What a long video shows over time: probabilities of a window that slides over it, and the stretches they make."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ga2app.errors import ConfigError, Fault
from ga2app.stretches import address_of, file_of
from ga2app.types.recognition import NONE_OF_THESE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class StretchRules:
    """How windows become stretches, in this order.

    Args:
        threshold: a window whose best label has a lower probability is none of these, 0 to 1.
        margin: the label of the window before stays unless another is ahead of it by more than this, 0 to 1.
        gap_s: what is none of these for no longer, in seconds, between two stretches of one label joins them.
        shortest_s: shorter stretches, in seconds, go to the longer of their neighbors, the shortest first.

    Raises:
        ConfigError: a value out of its range.
    """

    threshold: float = 0.0
    margin: float = 0.1
    gap_s: float = 0.5
    shortest_s: float = 1.0

    def __post_init__(self) -> None:
        faults = [
            Fault(name, f"must be between 0 and {most} (it is {value:g})")
            for name, most in (("threshold", 1), ("margin", 1), ("gap_s", 3600), ("shortest_s", 3600))
            if not 0 <= (value := getattr(self, name)) <= most
        ]
        if faults:
            raise ConfigError(faults)


@dataclass(frozen=True)
class Sliding:
    """A window of ``window_s`` seconds that moves on by ``step_s``, and how its answers become stretches."""

    window_s: float = 2.0
    step_s: float = 0.5
    rules: StretchRules = field(default_factory=StretchRules)


@dataclass(frozen=True)
class TimedStretch:
    """From ``start`` to before ``end``, in seconds on the file's clock; ``probability`` is the mean over its windows,
    None where a person set it."""

    start: float
    end: float
    label: str
    probability: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        probability = None if self.probability is None else round(self.probability, 6)
        return {"start": self.start, "end": self.end, "label": self.label, "probability": probability}


@dataclass(frozen=True, eq=False)
class TimedLabels:
    """What ``Recognizer.over_time`` answers, by the bundle where there is one, else by zero-shot CLIP.

    Window w of W covers ``starts_s[w]`` to before ``starts_s[w] + window_s`` and speaks for the ``step_s`` round its
    middle; the first one also for all before that, and the last one for all after it.

    Args:
        file: the video, as it was given.
        backbone: the name of the CLIP.
        bundle: the bundle's folder; None for zero-shot CLIP.
        labels: the C class names.
        start: where the video, or the stretch of it, begins, in seconds on the file's clock.
        end: where it ends.
        window_s: length of a window in seconds.
        step_s: seconds from the start of one window to that of the next.
        starts_s: (W,), seconds on the file's clock.
        probabilities: (W, C), float32.
        none: (W,), bool: the windows that are none of these by the negative prompts; None where nobody asked.
        rules: how stretches were made.
        stretches: what the rules make of the windows; time that is none of these is in no stretch.
        notes: what weakens the answer, in sentences.

    Example:
        >>> from ga2app import Recognizer
        >>> answer = Recognizer("sketch").over_time("clip.mp4", ["jumping", "dancing"], window_s=0.5, step_s=0.25)
        >>> [(one.label, one.start) for one in answer.stretches]
        [('jumping', 0.0)]
    """

    file: str
    backbone: str
    bundle: str | None
    labels: tuple[str, ...]
    start: float
    end: float
    window_s: float
    step_s: float
    starts_s: NDArray[np.float64]
    probabilities: NDArray[np.float32]
    none: NDArray[np.bool_] | None = None
    rules: StretchRules = field(default_factory=StretchRules)
    stretches: tuple[TimedStretch, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def borders_s(self) -> NDArray[np.float64]:
        """Where the time that each window speaks for begins, and the end of the last one's (W + 1,)."""
        import numpy as np

        inner = self.starts_s[1:] + (self.window_s - self.step_s) / 2
        borders: NDArray[np.float64] = np.concatenate([[self.start], inner, [self.end]])
        return borders.clip(self.start, self.end)

    def with_rules(self, rules: StretchRules) -> TimedLabels:
        """The same probabilities with stretches made by other ``rules``; nothing is computed anew."""
        return replace(self, rules=rules, stretches=_stretches(self, rules))

    def address(self, stretch: TimedStretch) -> str:
        """The address of a stretch: what everything that takes a clip takes."""
        return address_of(file_of(self.file), stretch.start, stretch.end)

    def to_dict(self, *, windows: bool = True) -> dict[str, Any]:
        """Plain JSON values, as command line and endpoint answer; of each window its best label if ``windows``."""
        known = {"file": self.file, "backbone": self.backbone, "bundle": self.bundle, "start": self.start,
                 "end": self.end, "window": self.window_s, "step": self.step_s, "labels": list(self.labels),
                 "stretches": [one.to_dict() for one in self.stretches], "notes": list(self.notes)}  # fmt: skip
        return known | {"windows": list(self._windows())} if windows else known

    def _windows(self) -> Iterator[dict[str, Any]]:
        none = [False] * len(self.starts_s) if self.none is None else self.none.tolist()
        best = self.probabilities.argmax(axis=1)
        for start, place, row, empty in zip(self.starts_s.tolist(), best, self.probabilities, none, strict=True):
            label = NONE_OF_THESE if empty else self.labels[place]
            window = TimedStretch(round(start, 6), round(start + self.window_s, 6), label, float(row[place]))
            yield window.to_dict()


def _stretches(found: TimedLabels, rules: StretchRules) -> tuple[TimedStretch, ...]:
    import numpy as np

    borders = found.borders_s.round(6)
    labels, edges = _joined(_chosen(found, rules), np.arange(len(borders)))
    gaps = np.diff(borders[edges]) <= rules.gap_s
    for at in range(1, len(labels) - 1):
        if labels[at] == NONE and gaps[at] and labels[at - 1] == labels[at + 1]:
            labels[at] = labels[at - 1]
    labels, edges = _joined(labels, edges)
    while len(labels) > 1:
        lengths = np.diff(borders[edges])
        shortest = int(lengths.argmin())
        if lengths[shortest] >= rules.shortest_s:
            break
        beside = [at for at in (shortest - 1, shortest + 1) if 0 <= at < len(labels)]
        labels[shortest] = labels[max(beside, key=lengths.__getitem__)]
        labels, edges = _joined(labels, edges)
    return tuple(
        TimedStretch(float(borders[first]), float(borders[after]), found.labels[label],
                     float(found.probabilities[first:after, label].mean()))
        for label, first, after in zip(labels.tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=True)
        if label != NONE and borders[after] > borders[first]
    )  # fmt: skip


NONE = -1


def _chosen(found: TimedLabels, rules: StretchRules) -> NDArray[np.intp]:
    """The place of each window's label (W,), with hysteresis; ``NONE`` for none of these."""
    import numpy as np

    rows, best = found.probabilities, found.probabilities.argmax(axis=1)
    empty = rows.max(axis=1) < rules.threshold
    if found.none is not None:
        empty |= found.none
    chosen = np.full(len(best), NONE, np.intp)
    for number in np.flatnonzero(~empty).tolist():
        place, before = best[number], chosen[number - 1] if number else NONE
        ahead = rows[number, place] - rows[number, before]
        chosen[number] = before if before != NONE and ahead <= rules.margin else place
    return chosen


def _joined(labels: NDArray[np.intp], edges: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """``labels`` (N,) of runs between ``edges`` (N + 1,), neighbors of one label as one."""
    import numpy as np

    begins = np.concatenate([[True], labels[1:] != labels[:-1]])
    return labels[begins], np.concatenate([edges[:-1][begins], edges[-1:]])
