"""What reading a clip returns; when its frames are shown and how long it lasts, by its time stamps where these can be
believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ga2app.errors import ClipError

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

    from ga2app.video.sampling import Sampling

_STEADY_FRAMES = 0.1
"""A clip whose length by the rate is no further off keeps the rate that its file tells: stamps are rounded, to
milliseconds for example."""


@dataclass(frozen=True)
class ClipFrames:
    """Frames of one clip.

    ``frames`` is uint8 (T, H, W, 3), RGB, upright; ``indices`` are their numbers in the clip of ``total_frames``
    frames; ``fps`` is the average rate, None where the file does not tell; ``reader`` is "decord", "pyav" or, for
    animated WebP, "pillow"; ``width`` and ``height`` are the picture's own size, upright and with square pixels,
    before any shrinking. ``seconds`` is the clip's length by its time stamps, None where the file does not tell, and
    ``times_s`` is when each of ``frames`` is shown, after the clip's first, empty where that is not known. ``notes``
    are sentences for a person on what was done to the colors, or that a stretch was cut. ``first_s`` is when the first
    frame of the clip is shown, on the file's own clock. Where several stretches were read at once, ``frames`` are those
    of all, one after the other, and ``parts`` tell of each: see ``split``.
    """

    frames: NDArray[np.uint8]
    indices: tuple[int, ...]
    total_frames: int
    fps: float | None
    reader: str
    width: int = 0
    height: int = 0
    seconds: float | None = None
    times_s: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()
    first_s: float = 0.0
    parts: tuple[Mapping[str, Any], ...] = ()

    def header(self) -> dict[str, Any]:
        """All but the pixels, as JSON writes it: what goes through a pipe or a file before them."""
        return {
            "shape": self.frames.shape,
            "indices": self.indices,
            "total_frames": self.total_frames,
            "fps": self.fps,
            "reader": self.reader,
            "size": [self.width, self.height],
            "seconds": self.seconds,
            "times_s": self.times_s,
            "notes": self.notes,
            "first_s": self.first_s,
            "parts": self.parts,
        }

    @classmethod
    def from_header(cls, header: Mapping[str, Any], frames: NDArray[np.uint8]) -> ClipFrames:
        """The clip that ``header`` describes, with its ``frames``."""
        return cls(
            frames,
            tuple(header["indices"]),
            header["total_frames"],
            header["fps"],
            header["reader"],
            width=header["size"][0],
            height=header["size"][1],
            seconds=header["seconds"],
            times_s=tuple(header["times_s"]),
            notes=tuple(header["notes"]),
            first_s=header.get("first_s", 0.0),
            parts=tuple(header.get("parts", ())),
        )

    @classmethod
    def joined(cls, clips: Sequence[ClipFrames | ClipError]) -> ClipFrames:
        """Several stretches of one file as one answer; at least one of ``clips`` is no error."""
        parts = [
            {"error": [one.name, one.reason, one.advice]} if isinstance(one, ClipError) else one.header()
            for one in clips
        ]
        read = [one for one in clips if isinstance(one, ClipFrames)]
        return replace(read[0], frames=np.concatenate([one.frames for one in read]), parts=tuple(parts))

    def split(self) -> list[ClipFrames | ClipError]:
        """The stretches of which this was joined, and why there is none. Raises ValueError where they do not fit."""
        found: list[ClipFrames | ClipError] = []
        begin = 0
        for part in self.parts:
            if "error" in part:
                found.append(ClipError(*map(str, part["error"][:3])))
                continue
            after = begin + int(part["shape"][0])
            found.append(self.from_header(part, self.frames[begin:after]))
            begin = after
        if begin != len(self.frames):
            raise ValueError(f"{begin} frames were told of, and {len(self.frames)} came")
        return found

    def chosen(self, sampling: Sampling) -> ClipFrames:
        """Those of these frames, which have to be among them, that ``sampling`` chooses."""
        wanted = sampling.indices(self.total_frames)
        if wanted == self.indices:
            return self
        places = {number: row for row, number in enumerate(self.indices)}
        rows = [places[number] for number in wanted]
        times_s = tuple(self.times_s[row] for row in rows) if self.times_s else ()
        return replace(self, frames=self.frames[rows], indices=wanted, times_s=times_s)


@dataclass(frozen=True)
class Pace:
    """``seconds`` that a clip lasts, ``fps`` frames a second on average, and when each frame is shown, in seconds
    after the first; None where the file does not tell. ``first_s`` is when the first is shown, on the file's clock."""

    seconds: float | None
    fps: float | None
    starts_s: tuple[float, ...] | None
    first_s: float = 0.0

    @property
    def clock_s(self) -> tuple[float, ...] | None:
        """When each frame is shown on the file's own clock; None where that is not known."""
        return None if self.starts_s is None else tuple(self.first_s + start for start in self.starts_s)

    def times_s(self, indices: Sequence[int]) -> tuple[float, ...]:
        """When frames ``indices`` are shown; empty where that is not known."""
        if self.starts_s is None:
            return ()
        return tuple(self.starts_s[index] for index in indices)


class TimeStamps:
    """Notes the time stamps of frames as they come out of the decoder."""

    def __init__(self) -> None:
        self._starts: list[int | None] = []
        self._last, self._unit = 0, Fraction(0)

    def clear(self) -> None:
        """Begin anew, since the clip is read from its start once more."""
        self._starts.clear()

    @property
    def count(self) -> int:
        """Frames that were noted."""
        return len(self._starts)

    def add(self, frame: VideoFrame) -> None:
        """Note the next frame."""
        self._starts.append(frame.pts)
        self._last = frame.duration
        if not self._unit and frame.time_base is not None:
            self._unit = frame.time_base

    def pace(self, rate: float | None) -> Pace:
        """What the frames' times say beside the average ``rate`` that the file tells, None if it does not."""
        starts = [start for start in self._starts if start is not None]
        complete = self._unit and len(starts) == len(self._starts)
        return pace(starts if complete else None, self._last, float(self._unit), len(self._starts), rate)


def pace(starts: Sequence[int] | None, last: int, unit_s: float, total: int, rate: float | None) -> Pace:
    """The pace of ``total`` frames that begin at ``starts``, the last of which stays for ``last`` (0: not told), both
    in units of ``unit_s`` seconds.

    Times that are missing or do not grow are no times; then the ``rate`` that the file tells has to do.
    """
    if starts is None or total < 2 or any(after <= before for before, after in pairwise(starts)):
        even = tuple(number / rate for number in range(total)) if rate else None
        return Pace(total / rate if rate else None, rate, even)
    seconds = (starts[-1] - starts[0] + (last if last > 0 else starts[-1] - starts[-2])) * unit_s
    if rate and abs(total / rate - seconds) <= _STEADY_FRAMES / rate:
        seconds = total / rate
    else:
        rate = total / seconds
    return Pace(seconds, rate, tuple((start - starts[0]) * unit_s for start in starts), starts[0] * unit_s)
