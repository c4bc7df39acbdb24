"""A new division of clips into train and test, by a share and a seed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from ga2app.datasets.clip_names import recording_of
from ga2app.datasets.train_test import Candidate, draw
from ga2app.store.dataset_edits import SplitClip
from ga2app.types import LabelKind, Subset


def choose_test(clips: Sequence[SplitClip], *, share: float, seed: int, novel_whole: bool) -> set[int]:
    """The ids of the clips for testing: ``share`` of each label, at least one where a label has two clips.

    Clips of the same content stay together, and so do clips of one recording: what was trained on measures nothing.
    With ``novel_whole`` all clips of novel labels are for testing: they are never trained on. The draw of a label
    hangs on its own clips only.
    """
    ordered = sorted(clips, key=lambda clip: (clip.label, clip.path.rsplit("/", 1)[-1], clip.id))
    candidates = [
        Candidate(
            clip.path,
            clip.label,
            Subset.TEST if novel_whole and clip.kind is LabelKind.NOVEL else None,
            tuple(tie for tie in (recording_of(clip.path, clip.label), clip.digest) if tie),
        )
        for clip in ordered
    ]

    def rank(label: str, groups: Sequence[str]) -> list[int]:
        digest = int.from_bytes(hashlib.sha256(label.encode()).digest()[:8], "big")
        return [int(place) for place in np.random.default_rng([seed, digest]).permutation(len(groups))]

    subsets = draw(candidates, share, rank)
    return {clip.id for clip, subset in zip(ordered, subsets, strict=True) if subset is Subset.TEST}
