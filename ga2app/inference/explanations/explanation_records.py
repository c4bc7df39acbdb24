"""What an explanation hands out: plain records, each with ``to_dict`` for ``--json``.

Notation: T frames, G cells a side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Record:
    """What every record below can do."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)  # type: ignore[call-overload,no-any-return]


class TokenKind(StrEnum):
    """``soft`` tokens were learned; ``context`` tokens are what the coupling makes of them and the text tower reads."""

    SOFT = "soft"
    CONTEXT = "context"


class Reading(StrEnum):
    """How far the nearest word may be believed.

    ``noise``: a random token of the same length comes as near. ``blend``: nearer than that, but a random blend of all
    words comes as near, so no single word is meant. ``word``: nearer than both.
    """

    NOISE = "noise"
    BLEND = "blend"
    WORD = "word"


@dataclass(frozen=True)
class Word(Record):
    """A word, or a part of one unless ``whole``, with its cosine and its Euclidean distance to a token."""

    text: str
    whole: bool
    cosine: float
    distance: float


@dataclass(frozen=True)
class TokenWords(Record):
    """The words nearest to one prompt token, by cosine; ``place`` counts from 1.

    ``nearest_by_distance`` may be another one: of two words in the same direction the shorter is nearer to a short
    token. ``noise_cosine`` is what 99% of random tokens of the same length stay below.
    """

    kind: TokenKind
    place: int
    norm: float
    words: tuple[Word, ...]
    nearest_by_distance: Word
    noise_cosine: float
    reading: Reading


@dataclass(frozen=True)
class WordReport(Record):
    """The nearest words of all tokens, and the measures of the vocabulary they are to be held against.

    ``words`` of the vocabulary were searched, whose median length is ``word_norm``; ``word_cosine`` and
    ``word_distance`` are the medians of a word's nearest other word; ``blend_cosine`` is what 99% of random blends of
    words stay below.
    """

    backbone: str
    words: int
    word_norm: float
    word_cosine: float
    word_distance: float
    blend_cosine: float
    tokens: tuple[TokenWords, ...]


@dataclass(frozen=True)
class FrameShare(Record):
    """One sampled frame: its number in the clip, what the score loses without it, and the score of it ``alone``."""

    index: int
    contribution: float
    alone: float


@dataclass(frozen=True)
class StrongCell(Record):
    """One cell of one frame, counted from 0 from the top left: ``frame`` counts the sampled ones."""

    frame: int
    row: int
    column: int
    value: float


@dataclass(frozen=True)
class SaliencyMap:
    """What the score loses with each cell: ``cells`` (T, G, G), and in all frames at once, ``places`` (G, G).

    Negative cells speak against the label. ``method`` is the way it was found out.
    """

    method: str
    cells: NDArray[np.float32]
    places: NDArray[np.float32]

    def thirds(self) -> NDArray[np.float64]:
        """Share (3, 3) of all positive saliency in each ninth of the picture, frames taken together; 0 if none is."""
        positive = np.maximum(self.cells, 0).sum(axis=0).astype(np.float64)  # (G, G)
        fine = positive.repeat(3, axis=0).repeat(3, axis=1) / 9  # (3 G, 3 G): thirds of cells, so that G may be 8
        count = len(positive)
        ninths: NDArray[np.float64] = fine.reshape(3, count, 3, count).sum(axis=(1, 3))
        return ninths / max(float(positive.sum()), 1e-12)

    def strongest(self, count: int) -> list[StrongCell]:
        """The ``count`` cells with the largest values, largest first."""
        order = np.argsort(-self.cells, axis=None, kind="stable")[:count]
        places = zip(*np.unravel_index(order, self.cells.shape), strict=True)
        return [StrongCell(int(t), int(r), int(c), float(self.cells[t, r, c])) for t, r, c in places]

    def to_dict(self) -> dict[str, Any]:
        return {
            "method": self.method,
            "cells": np.round(self.cells.astype(float), 6).tolist(),
            "places": np.round(self.places.astype(float), 6).tolist(),
            "thirds": np.round(self.thirds(), 4).tolist(),
            "strongest": [cell.to_dict() for cell in self.strongest(3)],
        }


@dataclass(frozen=True)
class Relative(Record):
    """An anchor clip or a negative prompt and its cosine to the clip; ``path`` is the anchor's file."""

    name: str
    cosine: float
    path: str | None = None


@dataclass(frozen=True)
class Relatives(Record):
    """The anchors and negatives nearest to a clip, nearest first, and for comparison the cosine of its label.

    Clips and texts lie apart in a CLIP: hold anchors against anchors, negatives against the label.
    """

    anchors: tuple[Relative, ...]
    negatives: tuple[Relative, ...]
    label_cosine: float


@dataclass(frozen=True)
class ModelExplanation:
    """Why one model gave a label its score.

    ``share`` is the label's softmax share; ``score`` what was explained, the label's logit or its margin over
    ``rival``. ``ordered`` where the order of the frames counts.
    """

    share: float
    score: float
    rival: str | None
    frames: tuple[FrameShare, ...]
    saliency: SaliencyMap
    relatives: Relatives | None = None
    ordered: bool = False

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"saliency": self.saliency.to_dict()}


@dataclass(frozen=True)
class ClipExplanation:
    """Why a clip got its ``label``, by zero-shot CLIP and, where there is one, by the bundle.

    ``pictures`` are the frames as the model sees them: uint8 (T, S, S, 3), cropped to the square.
    """

    file: str
    backbone: str
    label: str
    kind: str
    pictures: NDArray[np.uint8]
    plain: ModelExplanation
    bundle: ModelExplanation | None = None
    notes: tuple[str, ...] = ()

    def models(self) -> Mapping[str, ModelExplanation]:
        """Each explanation under its title."""
        return {"zero-shot CLIP": self.plain} | ({"bundle": self.bundle} if self.bundle else {})

    def to_dict(self) -> dict[str, Any]:
        return {
            "file": self.file,
            "backbone": self.backbone,
            "label": self.label,
            "score": self.kind,
            "plain": self.plain.to_dict(),
            "bundle": None if self.bundle is None else self.bundle.to_dict(),
            "notes": list(self.notes),
        }
