"""Actions and their reverses: the same frames in the other order, in words that the sketch backbone knows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.base2novel import drawn_data as world
from benchmarks.base2novel.pairs import pair_accuracy
from ga2app.clip import load_backbone
from ga2app.evaluation import PlainFeatures
from ga2app.method.prompted_model import plain_clip
from ga2app.synthetic.actions import ACTIONS
from ga2app.synthetic.demo_dataset import generate, subject_named
from ga2app.synthetic.reversible_actions import PAIRS, REVERSE, REVERSIBLE
from ga2app.synthetic.scenes import SCENES
from ga2app.synthetic.world import MOMENTS, clip_frames
from ga2app.types import Dataset, LabelledClip, Subset
from ga2app.video import Evaluation


@pytest.mark.parametrize("pair", PAIRS, ids=[one for one, _ in PAIRS])
def test_a_clip_of_the_reverse_is_the_same_frames_backward(pair: tuple[str, str]) -> None:
    one, other = (clip_frames(REVERSIBLE[key], "camcorder", (3, 1), 8, 32) for key in pair)
    assert np.array_equal(one, other[::-1])
    still = clip_frames(REVERSIBLE[pair[0]], "plain", (3, 1), 8, 32)
    held = [np.array_equal(still[index], still[index + 1]) for index in range(7)]
    assert held == [True, False, True, False, True, False, True]


@pytest.mark.parametrize("wanted", [MOMENTS, 2 * MOMENTS])
def test_a_sampler_sees_the_same_drawings_of_both(wanted: int) -> None:
    chosen = Evaluation(wanted).indices(12)
    drawn = [index * MOMENTS // 12 for index in chosen]
    reverse = [(11 - index) * MOMENTS // 12 for index in chosen]
    assert drawn == reverse[::-1] and len(set(drawn)) == MOMENTS


def test_there_are_pairs_enough_and_their_words_are_known() -> None:
    assert len(PAIRS) >= 8 and len(REVERSIBLE) == 2 * len(PAIRS)
    assert not REVERSIBLE.keys() & (ACTIONS.keys() | SCENES.keys())
    assert all(REVERSE[REVERSE[name]] == name for name in REVERSE)
    backbone = load_backbone("sketch")
    assert not [name for name in REVERSE if backbone.unknown_words(name)]


def test_base_and_novel_labels_never_part_an_action_from_its_reverse() -> None:
    base, novel = world.classes("pairs", 3)
    assert len(base) == len(novel) == len(PAIRS) and not set(base) & set(novel)
    for keys in (base, novel):
        names = {REVERSIBLE[key].name for key in keys}
        assert {REVERSE[name] for name in names} == names


def test_they_are_drawn_by_name_and_leave_what_a_seed_drew_before(tmp_path: Path) -> None:
    assert subject_named("lifting a ball").way == 1 and subject_named("pushing_a_ball_down").way == -1
    made = generate(tmp_path, clips_per_class=1, names=["lifting a ball", "jumping"])
    assert [label for _, label in made] == ["lifting a ball", "jumping"]


def test_a_model_that_is_blind_to_order_tells_half_of_the_clips_from_their_reverse(tmp_path: Path) -> None:
    """By the mean over frames; what video compression leaves of a difference shows in no more than a few."""
    names, clips = ("lifting a ball", "pushing a ball down"), []
    for path, label in generate(tmp_path, "camcorder", 4, names=names):
        clips.append(LabelledClip(str(path), label, Subset.TEST))
    dataset = Dataset("pairs", names, (), tuple(clips))
    backbone = load_backbone("sketch")
    model, features = plain_clip(backbone, names), PlainFeatures(backbone, MOMENTS).of([clip.path for clip in clips])
    with torch.no_grad():
        right = model.encode_labels()[torch.tensor([names.index(clip.label) for clip in clips])]
    assert pair_accuracy(model, dataset, clips, right) == {"base_pairs": 100.0}
    assert 25 <= pair_accuracy(model, dataset, clips, features)["base_pairs"] <= 75
    assert pair_accuracy(model, dataset, clips, torch.zeros_like(features)) == {"base_pairs": 50.0}
