"""The torch side of anchors: rates clips and texts against labels, chooses and makes clips, proposes texts."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ga2app import hub
from ga2app.config import Precision
from ga2app.types import (
    AnchorClip,
    AnchorKind,
    ClipRatings,
    MadeClips,
    Progress,
    ProposalKind,
    TextProposal,
    TextRatings,
)

if TYPE_CHECKING:
    from ga2app.clip import Backbone

FRAMES = 8
"""Frames of a clip that are looked at, unless told otherwise."""


class AnchorAdvisor:
    """Adds nothing to a set or a group. One request at a time: a backbone is large, and the last one is kept.

    torch is loaded at the first request. Every method raises StudioError for labels, a backbone or clips that cannot
    be used.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._backbone: Backbone | None = None

    def irrelevance(
        self,
        pool: Sequence[AnchorClip],
        labels: Sequence[str],
        *,
        backbone: str,
        frames: int = FRAMES,
        progress: Progress | None = None,
    ) -> ClipRatings:
        """How irrelevant each clip is to the labels, in the order of ``pool`` without those that cannot be read."""
        from ga2app.inference.anchors import rate_clips

        with self._lock:
            return rate_clips(self._loaded(backbone), pool, labels, frames, progress).ratings

    def choose(
        self,
        pool: Sequence[AnchorClip],
        labels: Sequence[str],
        *,
        backbone: str,
        count: int,
        diversity: float = 0.5,
        frames: int = FRAMES,
        exactly: bool = False,
        progress: Progress | None = None,
    ) -> ClipRatings:
        """The ``count`` clips of the pool that are most irrelevant yet unlike each other, in the order of the choice.

        ``diversity`` weighs the second against the first, from 0 to 1. A pool with fewer clips gives all that it has;
        with ``exactly`` that is a DatasetError.
        """
        from ga2app.inference.anchors import rate_clips

        with self._lock:
            rated = rate_clips(self._loaded(backbone), pool, labels, frames, progress)
        return rated.choose(count if exactly else min(count, len(rated.ratings.clips)), diversity)

    def make(
        self,
        paths: Sequence[str],
        folder: Path,
        kinds: Sequence[AnchorKind],
        *,
        side_share: float = 0.5,
        progress: Progress | None = None,
    ) -> MadeClips:
        """Write an anchor of each kind for each clip into ``folder``; see ``make_anchors``."""
        from ga2app.inference.anchors import make_anchors

        return make_anchors(paths, folder, kinds, side_share, progress)

    def text_similarity(self, texts: Sequence[str], labels: Sequence[str], *, backbone: str) -> TextRatings:
        """How close each text comes to the labels, in the order of ``texts``."""
        from ga2app.inference.anchors import rate_texts

        with self._lock:
            return rate_texts(self._loaded(backbone), texts, labels)

    def suggest(
        self,
        labels: Sequence[str],
        *,
        backbone: str,
        count: int,
        kind: ProposalKind | None = None,
        language_model: str | None = None,
        endpoint: str | None = None,
    ) -> list[TextProposal]:
        """Texts of one kind, or of both, the farthest from the labels first: shipped ones, or a language model's.

        The language model is asked on the Hub with the login of this machine, or at the server ``endpoint``.
        """
        kinds = [kind] if kind else list(ProposalKind)
        # Asked before the backbone is loaded: a model that cannot be asked is told at once.
        texts = {
            one: hub.propose(language_model, labels, one, count, endpoint=endpoint) if language_model and labels else []
            for one in kinds
        }
        from ga2app.inference.anchors import rate_proposals, suggest

        with self._lock:
            loaded = self._loaded(backbone)
            if not language_model:
                return [one for one in suggest(loaded, labels, count) if one.kind in kinds]
            return [one for kind, said in texts.items() for one in rate_proposals(loaded, said, labels, kind)]

    def login(self) -> bool:
        """Whether this machine's own user is logged in at the Hub, so that a language model can be asked."""
        return hub.own_login()

    def _loaded(self, name: str) -> Backbone:
        """The backbone in CLIP's own precision; the one that was asked for last is kept."""
        if self._backbone is None or self._backbone.name != name:
            from ga2app.clip import load_backbone

            self._backbone = None
            self._backbone = load_backbone(name, precision=Precision.FLOAT32)
        return self._backbone
