"""A window that slides over a long video: which of its frames are looked at, so that each is decoded only once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ga2app.errors import ConfigError, Fault
from ga2app.stretches import Stretch

TOLERANCE_S = 1e-3
"""Containers round times to milliseconds: a frame is on screen from that much before its time on."""


@dataclass(frozen=True)
class Windows:
    """Windows of ``window_s`` seconds, one every ``step_s``; of each the frames at T (``num_frames``) moments.

    Moment i of T is i·window_s/T after the window's start: where frames follow each other evenly, and T moments fall on
    them, that is frame ⌊i·n/T⌋ of its n, what recognition looks at (paper, section 4). Windows share the moments that
    they have in common, which are most where ``step_s`` is a multiple of window_s/T.
    """

    window_s: float
    step_s: float
    num_frames: int

    def __post_init__(self) -> None:
        faults = [
            Fault(name, f"must be a number of seconds from 0.01 to 3600 (it is {value:g})")
            for name, value in (("window", self.window_s), ("step", self.step_s))
            if not 0.01 <= value <= 3600
        ]
        if faults:
            raise ConfigError(faults)

    def wants(self, begin_s: float, after_s: float) -> bool:
        """Whether a moment of some window falls on the frame on screen from ``begin_s`` to ``after_s``, in seconds
        after the first window's start."""
        begin_s, after_s = begin_s - TOLERANCE_S, after_s - TOLERANCE_S
        for part in range(self.num_frames):
            offset_s = part * self.window_s / self.num_frames
            number = max(0, math.ceil((begin_s - offset_s) / self.step_s))
            if number * self.step_s + offset_s < after_s:
                return True
        return False

    def starts_s(self, seconds: float) -> NDArray[np.float64]:
        """Starts (W,), after the first one's, of the windows that fit whole into so many ``seconds``."""
        count = math.floor((seconds + TOLERANCE_S - self.window_s) / self.step_s) + 1
        return np.arange(max(count, 0), dtype=np.float64) * self.step_s

    def frames(self, starts_s: NDArray[np.float64], times_s: Sequence[float]) -> NDArray[np.intp]:
        """Places (W, T), among frames shown from ``times_s`` on, of those on screen at the windows' moments."""
        moments = starts_s[:, None] + np.arange(self.num_frames) * self.window_s / self.num_frames
        places = np.searchsorted(np.asarray(times_s), moments + TOLERANCE_S, side="right") - 1
        return np.maximum(places, 0)


@dataclass(frozen=True)
class Swept:
    """What a decoder gives out piece by piece: the frames that ``windows`` look at, of all of a video or a stretch."""

    windows: Windows
    stretch: Stretch | None = None
