"""What reading a clip returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ClipFrames:
    """Frames of one clip.

    ``frames`` is uint8 (T, H, W, 3), RGB, upright; ``indices`` are their numbers in the clip of ``total_frames``
    frames; ``fps`` is the average rate, None where the file does not tell; ``reader`` is "decord", "pyav" or, for
    animated WebP, "pillow"; ``width`` and ``height`` are the picture's own size, upright and with square pixels,
    before any shrinking. ``seconds`` is the clip's length by its time stamps, None where the file does not tell, and
    ``times_s`` is when each of ``frames`` is shown, after the clip's first, empty where that is not known. ``notes``
    are sentences for a person on what was done to the colors.
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
