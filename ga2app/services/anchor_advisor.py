"""The door to the anchors' torch side."""

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
    ClipRating,
    ClipRatings,
    MadeClip,
    MadeClips,
    Progress,
    ProposalKind,
    TextProposal,
    TextRatings,
)

if TYPE_CHECKING:
    from ga2app.clip import Backbone
    from ga2app.inference.anchors import RatedClip


class LazyAdvisor:
    """The real ``contracts.AnchorAdvisor``, imported at its first use. One request at a time: a backbone is large."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._backbone: Backbone | None = None

    def irrelevance(
        self, paths: Sequence[str], labels: Sequence[str], *, backbone: str, progress: Progress | None = None
    ) -> ClipRatings:
        """See ``contracts.AnchorAdvisor``."""
        from ga2app.inference.anchors import rate_clips

        with self._lock:
            pool = [AnchorClip(path) for path in paths]
            rated = rate_clips(self._loaded(backbone), pool, labels, progress=progress)
        return ClipRatings(tuple(map(_rating, rated.clips)), rated.faults, rated.comparable)

    def choose(
        self,
        pool: Sequence[AnchorClip],
        labels: Sequence[str],
        *,
        backbone: str,
        count: int,
        progress: Progress | None = None,
    ) -> ClipRatings:
        """See ``contracts.AnchorAdvisor``."""
        from ga2app.inference.anchors import rate_clips

        with self._lock:
            rated = rate_clips(self._loaded(backbone), pool, labels, progress=progress)
        chosen = rated.choose(min(count, len(rated.clips)))
        return ClipRatings(tuple(map(_rating, chosen)), rated.faults, rated.comparable)

    def make(
        self, paths: Sequence[str], folder: Path, kinds: Sequence[AnchorKind], *, progress: Progress | None = None
    ) -> MadeClips:
        """See ``contracts.AnchorAdvisor``."""
        from ga2app.inference.anchors import make_anchors
        from ga2app.inference.anchors.synthetic_anchors import CALM

        made = make_anchors(paths, folder, kinds, progress=progress)
        clips = [
            MadeClip(one.clip.path, one.clip.caption, one.kind, one.source, (one.motion_share or 0.0) > CALM)
            for one in made.anchors
        ]
        return MadeClips(tuple(clips), made.faults)

    def text_similarity(self, texts: Sequence[str], labels: Sequence[str], *, backbone: str) -> TextRatings:
        """See ``contracts.AnchorAdvisor``."""
        from ga2app.inference.anchors import rate_texts

        with self._lock:
            return rate_texts(self._loaded(backbone), texts, labels)

    def suggest(
        self,
        labels: Sequence[str],
        *,
        backbone: str,
        count: int,
        kind: ProposalKind,
        language_model: str | None = None,
    ) -> list[TextProposal]:
        """See ``contracts.AnchorAdvisor``."""
        # Asked before the backbone is loaded: a model that cannot be asked is told at once.
        texts = hub.propose(language_model, labels, kind, count) if language_model else None
        from ga2app.inference.anchors import rate_proposals, suggest

        with self._lock:
            loaded = self._loaded(backbone)
            found = (
                [one for one in suggest(loaded, labels, count) if one.kind is kind]
                if texts is None
                else rate_proposals(loaded, texts, labels, kind)
            )
        return [TextProposal(one.text, one.kind, one.distance, one.nearest) for one in found]

    def login(self) -> bool:
        """See ``contracts.AnchorAdvisor``."""
        return hub.own_login()

    def _loaded(self, name: str) -> Backbone:
        """The backbone in CLIP's own precision; the one that was asked for last is kept."""
        if self._backbone is None or self._backbone.name != name:
            from ga2app.clip import load_backbone

            self._backbone = None
            self._backbone = load_backbone(name, precision=Precision.FLOAT32)
        return self._backbone


def _rating(rated: RatedClip) -> ClipRating:
    return ClipRating(rated.clip.path, rated.clip.caption, rated.irrelevance, rated.nearest)
