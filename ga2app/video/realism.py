"""Does a clip look like real footage or like a drawing? Told from how many colors there are, and how they meet."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

GRID = 32
COLOR_STEP = 24
MOST_ENTROPY_BITS = 4.4
MOST_CONTRAST = 9.0


def looks_photographic(frames: NDArray[np.uint8]) -> bool:
    """Whether ``frames`` (T, H, W, 3) look like real footage; a third of real clips, the plainest, do not.

    Drawings have few colors in large areas, even with a bad camera's noise, which a 32 x 32 grid averages out. The
    bounds lie just above the most colorful of the drawn clips: a drawing is hardly ever taken for footage.
    """
    told = [_measure(_shrink(frame)) for frame in frames]
    entropy_bits, contrast = np.mean(told, axis=0)
    return bool(entropy_bits > MOST_ENTROPY_BITS or contrast > MOST_CONTRAST)


def _shrink(frame: NDArray[np.uint8]) -> NDArray[np.float64]:
    """``frame`` (H, W, 3) as the mean colors of a grid (32, 32, 3); smaller frames repeat pixels."""
    height, width = frame.shape[:2]
    rows, columns = (np.arange(GRID) * side // GRID for side in (height, width))
    sums = np.add.reduceat(np.add.reduceat(frame.astype(np.float64), rows, axis=0), columns, axis=1)
    tall, wide = (np.maximum(np.diff([*starts, side]), 1) for starts, side in ((rows, height), (columns, width)))
    shrunk: NDArray[np.float64] = sums / (tall[:, None, None] * wide[None, :, None])
    return shrunk


def _measure(grid: NDArray[np.float64]) -> tuple[float, float]:
    """Entropy of the colors in bits, and the median step from a cell to the next (0 to 255)."""
    levels = (grid // COLOR_STEP).astype(np.int64)
    _, counts = np.unique(levels @ np.array([1, 16, 256]), return_counts=True)
    shares = counts / counts.sum()
    step = np.abs(np.diff(grid, axis=1)).mean(axis=-1)
    return float(-(shares * np.log2(shares)).sum()), float(np.median(step))
