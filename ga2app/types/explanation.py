"""Why a clip got its label, as the screens show it.

A clip's feature is the mean over its frames and blind to their order: no reason here can ever name the order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class FrameReason:
    """One sampled frame: its number in the clip, and what the label's lead loses without it."""

    index: int
    lost: float


@dataclass(frozen=True)
class Neighbor:
    """An anchor clip or a negative prompt, and its cosine to the clip."""

    name: str
    cosine: float


@dataclass(frozen=True)
class ClassifierReasons:
    """Why one classifier, zero-shot CLIP or the ``bundle`` in that folder, gave the label its ``probability``.

    ``lead`` is the label's lead over ``rival``, the best other label, in logits. ``overlays`` are the frames, uint8
    (S, S, 3): orange where they speak for the label, blue where against. ``label_cosine`` is for comparison with the
    negatives.
    """

    bundle: str | None
    probability: float
    lead: float
    rival: str
    frames: tuple[FrameReason, ...]
    overlays: tuple[NDArray[np.uint8], ...]
    anchors: tuple[Neighbor, ...] = ()
    negatives: tuple[Neighbor, ...] = ()
    label_cosine: float = 0.0


@dataclass(frozen=True)
class Explanation:
    """Why a clip got its ``label``, by zero-shot CLIP and, after it, by the bundle that was asked.

    ``pictures`` are the sampled frames as the model sees them, uint8 (S, S, 3).
    """

    label: str
    pictures: tuple[NDArray[np.uint8], ...]
    classifiers: tuple[ClassifierReasons, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class TokenReading:
    """The ``words`` nearest to one of a bundle's learned tokens, with their cosines, the nearest first.

    ``meant`` says how far the nearest may be believed: "word" it is that word, "blend" a random blend of all words
    comes as near, "noise" a random token does.
    """

    place: int
    words: tuple[tuple[str, float], ...]
    meant: str
