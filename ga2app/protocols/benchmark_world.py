"""The drawn data sets of the benchmark: classes, shots and clips that change with the seed.

Base and novel classes come from the actions that the embedded hard prompt was not trained on. Clips are drawn in
``camcorder`` style, a shift that neither the backbone nor the hard prompt has seen; anchors are scenes without a
person, filmed by the same camera, with their captions and the negative prompts.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ga2app.synthetic.actions import ACTIONS, HARD_PROMPT_ACTIONS
from ga2app.synthetic.demo_dataset import DrawnSet, drawn_dataset
from ga2app.types import Dataset

BASE_CLASSES = {"narrow": 6, "wide": 24}
"""Number of base classes of each setting; all other actions are novel."""

STYLE = "camcorder"
TRAIN_CLIPS, TEST_CLIPS, CLIPS_PER_SCENE = 16, 20, 4
QUICK_TEST_CLIPS = 6
"""Test clips a class of a quick look."""

_STREAM, _CLASS_STREAM = 9401, 77


def classes(setting: str, seed: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Keys of the base and of the novel actions of ``seed``."""
    pool = [key for key in ACTIONS if key not in HARD_PROMPT_ACTIONS]
    order = [pool[place] for place in np.random.default_rng([seed, _CLASS_STREAM]).permutation(len(pool))]
    count = BASE_CLASSES[setting]
    return tuple(order[:count]), tuple(order[count:])


def draw(folder: Path, setting: str, seed: int, *, quick: bool = False) -> Dataset:
    """The data set of ``setting`` and ``seed`` in ``folder``, drawn first if it is not there."""
    base, novel = classes(setting, seed)
    test_clips = QUICK_TEST_CLIPS if quick else TEST_CLIPS
    drawn = DrawnSet(
        name=f"sketch-{setting}-{seed}",
        base=base,
        novel=novel,
        style=STYLE,
        stream=_STREAM,
        base_train=TRAIN_CLIPS,
        base_test=test_clips,
        novel_test=test_clips,
        anchors_per_scene=CLIPS_PER_SCENE,
    )
    return drawn_dataset(folder, drawn, seed)
