"""What a run computes once: the generic vocabulary, frozen features of the shots, and what the terms need."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ga2app.clip import Backbone
from ga2app.config import ClipConfig, LossConfig, OptimizerConfig, PromptConfig, RunConfig
from ga2app.errors import DatasetError
from ga2app.training import train
from ga2app.training.training_state import Setup, prepare
from ga2app.types import Dataset, LabelledClip

FULL = RunConfig(
    dataset="colors",
    backbone="tiny",
    shots=3,
    prompts=PromptConfig(length=2, visual_depth=2, text_depth=3, hard_prompt="random"),
    losses=LossConfig(relation_distillation=0.5, feature_distillation=2.0, text_distillation=1.0),
    optimizer=OptimizerConfig(epochs=1, warmup_epochs=0, batch_size=4),
    clips=ClipConfig(num_frames=2),
)


def prepared(config: RunConfig, dataset: Dataset, backbone: Backbone) -> Setup:
    return prepare(config, dataset, backbone, lambda: False)


def test_the_frozen_clips_of_a_step_are_those_of_its_rows(dataset: Dataset, backbone: Backbone) -> None:
    setup = prepared(FULL, dataset, backbone)
    (pixels,) = setup.source.batches([[4, 1]], 0)
    features = setup.features(pixels, [4, 1], 0)
    assert len(setup.frozen_clips) == 6
    assert features.frozen_clips is not None and torch.equal(features.frozen_clips, setup.frozen_clips[[4, 1]])


def test_frozen_clips_are_computed_only_for_terms_that_look_at_them(dataset: Dataset, backbone: Backbone) -> None:
    setup = prepared(replace(FULL, losses=LossConfig(text_distillation=1.0)), dataset, backbone)
    assert not len(setup.frozen_clips)


def test_names_behind_the_hard_prompt_join_the_vocabulary(
    dataset: Dataset, backbone: Backbone, tiny_clip_folder: Path, tmp_path: Path
) -> None:
    # The tokenizer knows "reading", "waving" and "walking"; a label of the run itself never comes in.
    behind = replace(dataset, base=("reading", "walking"), novel=(), clips=_renamed(dataset, "reading", "walking"))
    config = replace(FULL, backbone=str(tiny_clip_folder), losses=LossConfig())
    train(config, behind, out=tmp_path / "hard", checkpoint=tmp_path / "checkpoint", backbone=backbone)
    coupled = replace(FULL, prompts=replace(FULL.prompts, hard_prompt=str(tmp_path / "hard")))
    labels = replace(dataset, novel=("jumping",))  # its base classes are walking and running
    with_names = prepared(coupled, labels, backbone)
    without = prepared(replace(coupled, losses=replace(FULL.losses, attributes=False)), labels, backbone)
    reading = backbone.class_features(["reading"])
    assert ((with_names.frozen_generic @ reading.T) > 1 - 1e-5).sum() == 1
    assert len(without.frozen_generic) < len(with_names.frozen_generic)
    walking = backbone.class_features(["walking"])
    assert not ((with_names.frozen_generic @ walking.T) > 1 - 1e-5).any()


def test_without_captions_and_negatives_a_narrow_vocabulary_is_refused(dataset: Dataset, backbone: Backbone) -> None:
    silent = replace(dataset, anchors=(), negatives=())
    narrow = replace(FULL, losses=LossConfig(relation_distillation=1.0, attributes=False))
    with pytest.raises(DatasetError, match="no captions or negatives, which the anchor term relate needs"):
        prepared(narrow, silent, backbone)


def _renamed(dataset: Dataset, *labels: str) -> tuple[LabelledClip, ...]:
    """The clips, those of the base classes under ``labels``."""
    names = dict(zip(dataset.base, labels, strict=True))
    return tuple(replace(clip, label=names.get(clip.label, clip.label)) for clip in dataset.clips)
