"""Saliency drawn over frames: warm where it speaks for the label, cold where it speaks against it.

Notation: T frames, S side in pixels, G cells a side.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WARM = (255, 120, 0)
COLD = (0, 110, 255)
STRONGEST = 0.75
"""How much of the frame the strongest cell covers."""


def overlay(frames: NDArray[np.uint8], cells: NDArray[np.floating], limit: float | None = None) -> NDArray[np.uint8]:
    """``frames`` (T, S, S, 3) under ``cells`` (T, G, G), uint8 (T, S, S, 3).

    A value of ±``limit`` (the largest of all unless given) has the full color; give pictures that are to be compared
    the same one. The frames are grayed, so that no color of theirs is taken for one of the map's.
    """
    limit = float(np.abs(cells).max()) if limit is None else limit
    strength = np.clip(cells / max(limit, 1e-12), -1, 1)  # (T, G, G)
    side = frames.shape[1]
    rows = np.arange(side) * cells.shape[1] // side  # the cell of each pixel
    strength = strength[:, rows][:, :, rows][..., None]  # (T, S, S, 1)
    gray = 0.35 * frames + 0.65 * frames.mean(axis=-1, keepdims=True)
    color = np.where(strength > 0, np.array(WARM), np.array(COLD))
    cover = STRONGEST * np.abs(strength)
    picture: NDArray[np.uint8] = (gray * (1 - cover) + color * cover).round().astype(np.uint8)
    return picture
