"""Anchors and negative prompts as the torch side rates, makes and proposes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from ga2app.types.dataset_types import ProposalKind

Progress = Callable[[int, int], None]
"""Is told how many of how many clips are done."""

CALM = 0.5
"""A crop with more than this share of the frame's mean motion is not away from anything."""


class AnchorKind(StrEnum):
    """The ways to make an anchor from a clip: its middle frame held, the background, a crop away from the mover."""

    HELD_FRAME = "held-frame"
    MEDIAN = "median"
    AWAY = "away"


@dataclass(frozen=True)
class ClipRating:
    """How irrelevant a clip is: from 0 to 1, more is a better anchor; ``nearest`` is the label most like it.

    ``caption`` is the clip's own or, if it had none, the shipped one that is most like it: then it was ``guessed``.
    ``cosine`` is that between clip and nearest label.
    """

    path: str
    caption: str
    irrelevance: float
    nearest: str
    cosine: float = 0.0
    guessed: bool = False


@dataclass(frozen=True)
class ClipRatings:
    """Clips that could be read, rated, and what was wrong with the others.

    Unless ``comparable``, the backbone knows too few generic texts: the figures rank these clips and say no more.
    """

    clips: tuple[ClipRating, ...]
    faults: tuple[str, ...] = ()
    comparable: bool = True


@dataclass(frozen=True)
class MadeClip:
    """An anchor that was made from the clip ``source`` and written to ``path``.

    ``motion_share`` of a crop away from the mover is its motion over the whole frame's; None for other kinds.
    """

    path: str
    caption: str
    kind: AnchorKind
    source: str
    motion_share: float | None = None

    @property
    def restless(self) -> bool:
        """Whether a crop away from the mover still moves: the camera does, or nothing was still."""
        return (self.motion_share or 0.0) > CALM


@dataclass(frozen=True)
class MadeClips:
    """What was made, and what was wrong with the clips of which nothing was."""

    clips: tuple[MadeClip, ...]
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class TextRating:
    """How close a text comes to the ``nearest`` label: their ``cosine``. ``unknown`` words tell the backbone nothing.

    ``too_close``: it shares a word that matters with a label, or is as near to one as the labels are to each other.
    """

    text: str
    cosine: float
    nearest: str
    too_close: bool
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class TextRatings:
    """Texts, rated in their order. ``limit`` is the cosine that is too close; None where one label alone sets none."""

    texts: tuple[TextRating, ...]
    limit: float | None = None


@dataclass(frozen=True)
class TextProposal:
    """A text to accept or to leave. ``distance`` is 1 − cosine to the ``nearest`` label.

    Both are None for a text with words that the backbone does not know.
    """

    text: str
    kind: ProposalKind
    distance: float | None
    nearest: str | None
