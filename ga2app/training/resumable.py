"""Training a slice at a time: where a GPU is lent for a while, each slice goes on from the checkpoint before it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ga2app.clip.loading import load_for, with_kept_choices
from ga2app.config import RunConfig
from ga2app.evaluation import PlainFeatures
from ga2app.training.checkpoint import kept_choices
from ga2app.training.checkpoint_file import settle
from ga2app.training.distributed import train
from ga2app.training.training_loop import Emit
from ga2app.types import Dataset, TrainResult


class Slice(NamedTuple):
    """How a slice ended: its result, and of how many clips the frozen features are known by now."""

    result: TrainResult
    known: int


def train_slice(
    config: RunConfig,
    dataset: Dataset,
    *,
    out: Path,
    checkpoint: Path,
    features: Path,
    emit: Emit,
    should_stop: Callable[[], bool],
) -> Slice:
    """``train`` until ``should_stop``; features of zero-shot CLIP are taken from the file ``features``, and kept.

    So a slice that ends before the first step has not been in vain. Raises StudioError.
    """
    settle(checkpoint, emit)
    backbone = load_for(with_kept_choices(config, kept_choices(checkpoint)))
    known = PlainFeatures(backbone, config.clips.num_frames)
    known.load(features)
    known.whole_batches = True
    before = known.count
    try:
        result = train(
            config,
            dataset,
            out=out,
            checkpoint=checkpoint,
            emit=emit,
            should_stop=should_stop,
            backbone=backbone,
            known=known,
            reported=True,
        )
    finally:
        if known.count > before:
            known.save(features)
    return Slice(result, known.count)
