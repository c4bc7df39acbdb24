"""Does a clip look like real footage or like a drawing? Told from how many colors there are, and how they meet."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

GRID = 32
FEWEST_FRAMES = 4

COLOR_STEP = 12
MOST_ENTROPY_BITS = 5.2
MOST_CONTRAST = 6.0
"""Bounds for the picture without its noise, which takes a few different frames."""

COARSE_COLOR_STEP = 24
MOST_COARSE_ENTROPY_BITS = 4.4
MOST_NOISY_CONTRAST = 9.0
"""Bounds for single frames, where a bad camera's noise counts as color and contrast."""


def looks_photographic(frames: NDArray[np.uint8]) -> bool:
    """Whether ``frames`` (T, H, W, 3) look like real footage; a fifth of real clips, the plainest and darkest, do not.

    Drawings have few colors in large areas. A bad camera's noise hides that: a 32 x 32 grid averages it within a frame,
    and the median over the frames takes most of the rest. The bounds lie just above the most colorful of 585 drawn
    clips of all styles, so that a drawing is hardly ever taken for footage.
    """
    grids = np.stack([_shrink(frame) for frame in frames])
    if len(grids) < FEWEST_FRAMES or not np.ptp(grids, axis=0).any():
        told = [(_entropy_bits(grid, COARSE_COLOR_STEP), _contrast(grid)) for grid in grids]
        entropy_bits, contrast = np.mean(told, axis=0)
        return bool(entropy_bits > MOST_COARSE_ENTROPY_BITS or contrast > MOST_NOISY_CONTRAST)
    still = np.median(grids, axis=0)
    contrast = max(_contrast(still), _contrast(still.swapaxes(0, 1)))
    return bool(_entropy_bits(still, COLOR_STEP) > MOST_ENTROPY_BITS or contrast > MOST_CONTRAST)


def _shrink(frame: NDArray[np.uint8]) -> NDArray[np.float64]:
    """``frame`` (H, W, 3) as the mean colors of a grid (32, 32, 3); smaller frames repeat pixels."""
    height, width = frame.shape[:2]
    rows, columns = (np.arange(GRID) * side // GRID for side in (height, width))
    sums = np.add.reduceat(np.add.reduceat(frame.astype(np.float64), rows, axis=0), columns, axis=1)
    tall, wide = (np.maximum(np.diff([*starts, side]), 1) for starts, side in ((rows, height), (columns, width)))
    shrunk: NDArray[np.float64] = sums / (tall[:, None, None] * wide[None, :, None])
    return shrunk


def _entropy_bits(grid: NDArray[np.float64], step: int) -> float:
    """Entropy of the colors of ``grid``, in levels of ``step``."""
    levels = (grid // step).astype(np.int64)
    _, counts = np.unique(levels @ np.array([1, 32, 1024]), return_counts=True)
    shares = counts / counts.sum()
    return float(-(shares * np.log2(shares)).sum())


def _contrast(grid: NDArray[np.float64]) -> float:
    """The median step from a cell to the next in its row (0 to 255)."""
    return float(np.median(np.abs(np.diff(grid, axis=1)).mean(axis=-1)))
