"""What the screens need of the torch side, as protocols. ``app.py`` passes the real ones in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from ga2app.types.anchor_types import (
    AnchorKind,
    ClipRatings,
    MadeClips,
    Progress,
    TextProposal,
    TextRatings,
)
from ga2app.types.dataset_types import AnchorClip, ProposalKind


class AnchorAdvisor(Protocol):
    """Rates anchor clips and negative prompts against labels, chooses and makes clips, proposes texts.

    Nothing is ever added to a set or a group by it. Every method raises StudioError for labels, a backbone or clips
    that cannot be used.
    """

    def irrelevance(
        self, paths: Sequence[str], labels: Sequence[str], *, backbone: str, progress: Progress | None = None
    ) -> ClipRatings:
        """How irrelevant each clip is to the labels, in the order of ``paths`` without those that cannot be read."""
        ...

    def choose(
        self,
        pool: Sequence[AnchorClip],
        labels: Sequence[str],
        *,
        backbone: str,
        count: int,
        progress: Progress | None = None,
    ) -> ClipRatings:
        """The ``count`` clips of the pool that are most irrelevant yet unlike each other, in the order of the choice.

        All of them where the pool has no more.
        """
        ...

    def make(
        self,
        paths: Sequence[str],
        folder: Path,
        kinds: Sequence[AnchorKind],
        *,
        progress: Progress | None = None,
    ) -> MadeClips:
        """Write an anchor of each kind for each clip into ``folder``."""
        ...

    def text_similarity(self, texts: Sequence[str], labels: Sequence[str], *, backbone: str) -> TextRatings:
        """How close each text comes to the labels, in the order of ``texts``."""
        ...

    def suggest(
        self,
        labels: Sequence[str],
        *,
        backbone: str,
        count: int,
        kind: ProposalKind,
        language_model: str | None = None,
    ) -> list[TextProposal]:
        """Texts of one kind, the farthest from the labels first: the shipped ones, or what a language model proposes.

        The language model is asked on the Hub with the login of this machine.
        """
        ...

    def login(self) -> bool:
        """Whether this machine's own user is logged in at the Hub, so that a language model can be asked."""
        ...
