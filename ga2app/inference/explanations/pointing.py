"""Whether saliency points at the actor, where the actor's pixels are known.

Notation: T frames, S side in pixels, G cells a side.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

TOUCHED = 0.02
"""The share of a cell's pixels from which on the actor touches it."""


@dataclass(frozen=True)
class Pointing:
    """Shares between 0 and 1. ``area`` is what saliency that knows nothing would get in place of ``share``.

    ``share``: how much of the positive saliency falls on the actor's pixels, each cell's spread evenly over its
    pixels. ``most`` is what the best possible saliency gets at this size of cells, all of it in the cell that the
    actor fills most. ``hit``: whether the strongest cell is one that the actor touches, ``touched`` the share of such
    cells, by which chance alone would hit.
    """

    share: float
    area: float
    most: float
    hit: bool
    touched: float

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def point(cells: NDArray[np.floating], actor: NDArray[np.floating]) -> Pointing:
    """How saliency ``cells`` (T, G, G) lies on the ``actor`` (T, S, S), 0 to 1 in each pixel.

    Without positive saliency the share is that of the area. Raises ValueError unless G divides S.
    """
    frames, count, _ = cells.shape
    side, rest = divmod(actor.shape[1], count)
    if rest or actor.shape != (frames, side * count, side * count):
        raise ValueError(f"an actor of shape {actor.shape} cannot be divided into cells of shape {cells.shape}")
    filled = actor.reshape(frames, count, side, count, side).mean(axis=(2, 4), dtype=np.float64)  # (T, G, G)
    positive = np.maximum(cells, 0).astype(np.float64)
    area = float(filled.mean())
    share = float((positive * filled).sum() / positive.sum()) if positive.sum() > 0 else area
    strongest = filled.reshape(-1)[int(cells.argmax())]
    return Pointing(share, area, float(filled.max()), bool(strongest > TOUCHED), float((filled > TOUCHED).mean()))
