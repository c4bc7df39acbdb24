"""A new division of clips into train and test, by a share and a seed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from ga2app.contracts import LabelKind
from ga2app.store.dataset_edits import SplitClip


def choose_test(clips: Sequence[SplitClip], *, share: float, seed: int, novel_whole: bool) -> set[int]:
    """The ids of the clips for testing: ``share`` of each label, at least one where a label has two clips.

    Clips of the same content stay together, since one that was trained on measures nothing. With ``novel_whole`` all
    clips of novel labels are for testing: they are never trained on. The draw of a label hangs on its own clips only.
    """
    by_label: dict[str, list[SplitClip]] = {}
    for clip in clips:
        by_label.setdefault(clip.label, []).append(clip)
    tested: set[int] = set()
    contents: set[str] = set()
    for label, own in by_label.items():
        if novel_whole and own[0].kind is LabelKind.NOVEL:
            chosen = {clip.id for clip in own}
        else:
            chosen = _draw(label, own, share, seed)
        tested |= chosen
        contents |= {clip.digest for clip in own if clip.id in chosen and clip.digest}
    return tested | {clip.id for clip in clips if clip.digest in contents}


def _draw(label: str, clips: Sequence[SplitClip], share: float, seed: int) -> set[int]:
    groups: dict[str, list[SplitClip]] = {}
    for clip in sorted(clips, key=lambda clip: (clip.path.rsplit("/", 1)[-1], clip.id)):
        groups.setdefault(clip.digest or f"clip {clip.id}", []).append(clip)
    wanted = min(max(round(len(groups) * share), 1), len(groups) - 1) if share > 0 else 0
    digest = int.from_bytes(hashlib.sha256(label.encode()).digest()[:8], "big")
    order = np.random.default_rng([seed, digest]).permutation(len(groups))
    drawn = [list(groups.values())[place] for place in order[:wanted]]
    return {clip.id for group in drawn for clip in group}
