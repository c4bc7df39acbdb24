"""The few-shot draw: which clips a run is trained on. The screens preview it by this very function."""

from __future__ import annotations

import hashlib

import numpy as np

from ga2app.errors import DatasetError, ErrorCode
from ga2app.types import Dataset, LabelledClip, Subset


def draw_shots(dataset: Dataset, shots: int, seed: int) -> list[LabelledClip]:
    """At most ``shots`` training clips of each base class, drawn with ``seed``; raises DatasetError.

    The draw of a class depends on its own clips only: another class more or less does not change it.
    """
    if len(dataset.base) < 2:
        raise DatasetError(
            f"data set '{dataset.name}' has {len(dataset.base)} base class{'' if len(dataset.base) == 1 else 'es'}; "
            "training needs at least 2, because with one there is nothing to tell apart",
            hint="add clips of another class",
            code=ErrorCode.NO_TRAINING_CLIPS,
        )
    drawn: list[LabelledClip] = []
    empty = []
    for label in dataset.base:
        clips = sorted(
            (clip for clip in dataset.clips if clip.label == label and clip.subset is Subset.TRAIN),
            key=lambda clip: clip.path.rsplit("/", 1)[-1],
        )
        if not clips:
            empty.append(label)
        digest = int.from_bytes(hashlib.sha256(label.encode()).digest()[:8], "big")
        order = np.random.default_rng([seed, digest]).permutation(len(clips))
        drawn += [clips[place] for place in sorted(order[:shots])]
    if empty:
        raise DatasetError(
            f"data set '{dataset.name}' has no training clips for: {', '.join(empty)}",
            hint="add clips of these classes, or make them novel",
            code=ErrorCode.NO_TRAINING_CLIPS,
        )
    return drawn
