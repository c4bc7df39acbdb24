"""What a recognition answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class LabelKind(StrEnum):
    """Where a label comes from: trained on by the bundle, typed by the user, or a negative prompt."""

    BASE = "base"
    NOVEL = "novel"
    NEGATIVE = "negative"


@dataclass(frozen=True)
class Score:
    """One label's share of a clip's softmax, between 0 and 1."""

    label: str
    score: float
    kind: LabelKind = LabelKind.NOVEL

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, as the command line and the endpoints answer."""
        return {"label": self.label, "score": self.score, "kind": self.kind.value}


@dataclass(frozen=True)
class FrameScore:
    """What one sampled frame alone looks like: its number in the clip and its best label."""

    index: int
    label: str
    score: float


@dataclass(frozen=True)
class RecognizedClip:
    """The answer for one clip. ``plain`` and ``bundle`` are best first; ``bundle`` is None without a bundle.

    ``thumbnails`` are the sampled frames, uint8 (H, W, 3), small; ``timeline`` has an entry for each of them
    and speaks for the bundle where there is one.
    """

    file: str
    error: str | None = None
    plain: tuple[Score, ...] = ()
    bundle: tuple[Score, ...] | None = None
    thumbnails: tuple[NDArray[np.uint8], ...] = ()
    timeline: tuple[FrameScore, ...] = ()


@dataclass(frozen=True)
class Recognition:
    """The answer for a request: the backbone that spoke, notes for the user, and one entry a clip."""

    backbone: str
    clips: tuple[RecognizedClip, ...]
    notes: tuple[str, ...] = ()
