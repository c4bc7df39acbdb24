"""The drawn data of the benchmark: classes of each setting, and where anchor clips come from.

Base and novel classes come from the actions that the embedded hard prompt was not trained on. Clips are drawn in
``camcorder`` style, a shift that neither the backbone nor the hard prompt has seen; anchors are scenes without a
person, filmed by the same camera, with their captions and the negative prompts.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ga2app.clip import Backbone
from ga2app.evaluation import encode_clips
from ga2app.inference.anchors import Kind, choose, generic_features, make_anchors
from ga2app.method.prompted_model import plain_clip
from ga2app.synthetic.actions import ACTIONS, HARD_PROMPT_ACTIONS
from ga2app.synthetic.demo_dataset import NEGATIVES as DEMO_NEGATIVES
from ga2app.synthetic.demo_dataset import DrawnSet, drawn_dataset, write_drawn_clip
from ga2app.synthetic.reversible_actions import PAIRS
from ga2app.types import AnchorClip, Dataset, Subset

from .methods import FRAMES

BASE_CLASSES = {"narrow": 6, "wide": 24, "pairs": len(PAIRS)}
"""Number of base classes of each setting; all other actions are novel, or all other ``PAIRS``."""

STYLE = "camcorder"
TRAIN_CLIPS, TEST_CLIPS, CLIPS_PER_SCENE = 16, 20, 4
QUICK_TEST_CLIPS = 6
"""Test clips a class of a quick look."""

_STREAM, _CLASS_STREAM = 9401, 77


def classes(setting: str, seed: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Keys of the base and of the novel actions of ``seed``; an action and its reverse are never parted."""
    pool = PAIRS if setting == "pairs" else [(key,) for key in ACTIONS if key not in HARD_PROMPT_ACTIONS]
    order = [
        key for place in np.random.default_rng([seed, _CLASS_STREAM]).permutation(len(pool)) for key in pool[place]
    ]
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


COUNT = 28
NEGATIVES = (*DEMO_NEGATIVES, "nobody", "a thing", "no action", "anything else")
_CLIPS_PER_ACTION, _STREAM, _CHOICE_STREAM = 4, 9421, 78


def with_pool(dataset: Dataset, pool: str, negatives: int, backbone: Backbone, folder: Path, seed: int) -> Dataset:
    """``dataset`` with the anchors of ``pool`` and the first of ``NEGATIVES``; further clips are drawn in ``folder``.

    The mixed pool holds the scenes and clips of the actions behind the hard prompt, which look like labels.
    """
    dataset = replace(dataset, negatives=NEGATIVES[:negatives])
    if pool == "scenes":
        return dataset
    if pool == "none":
        return replace(dataset, anchors=())
    rng = np.random.default_rng([seed, _CHOICE_STREAM])
    if pool == "video":
        shots = [clip.path for clip in dataset.clips if clip.subset is Subset.TRAIN]
        picked = [shots[place] for place in sorted(rng.permutation(len(shots))[: COUNT // len(Kind)])]
        made = make_anchors(picked, folder / "video").clips
        return replace(dataset, anchors=tuple(AnchorClip(one.path, one.caption) for one in made))
    mixed = [*dataset.anchors, *_actions(folder / "actions", seed)]
    if pool == "random":
        rows = rng.permutation(len(mixed))[:COUNT].tolist()
    else:
        plain = plain_clip(backbone, dataset.base)
        features = encode_clips(plain, [anchor.path for anchor in mixed], FRAMES)
        rows = choose(features, plain.encode_labels(), COUNT, generic_features=generic_features(backbone, dataset.base))
    return replace(dataset, anchors=tuple(mixed[row] for row in rows))


def _actions(folder: Path, seed: int) -> list[AnchorClip]:
    """Clips of actions that are no labels here, filmed by the same camera."""
    anchors = []
    for number, key in enumerate(HARD_PROMPT_ACTIONS):
        for index in range(_CLIPS_PER_ACTION):
            path = folder / f"{key}-{index}.mp4"
            write_drawn_clip(path, ACTIONS[key], STYLE, (seed, _STREAM, number, index))
            anchors.append(AnchorClip(str(path), f"a video of a person {ACTIONS[key].name}"))
    return anchors
