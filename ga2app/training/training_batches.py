"""What a training step sees: the order of clips, and clips as features or pixels.

Every random choice depends on the seed and on the place (epoch, clip, step) alone, so that a resumed run sees
what an uninterrupted one would have seen.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from ga2app.config import ClipConfig, RunConfig
from ga2app.datasets.train_test import draw_shots as draw_shots
from ga2app.types import Dataset, Subset, TrainingData
from ga2app.video.pixels import How, training_pixels


def epoch_order(count: int, batch_size: int, seed: int, epoch: int) -> list[list[int]]:
    """Clip numbers of each batch of ``epoch``, shuffled; the last batch may be smaller."""
    order = np.random.default_rng([seed, epoch]).permutation(count).tolist()
    return [order[first : first + batch_size] for first in range(0, count, batch_size)]


def anchor_choice(count: int, wanted: int, seed: int, step: int) -> list[int]:
    """Numbers of the anchor clips of ``step``, without repetition while there are enough."""
    rng = np.random.default_rng([seed, step, 1])
    chosen: list[int] = rng.choice(count, size=min(wanted, count), replace=False).tolist()
    return chosen


def files_read(config: RunConfig, dataset: Dataset) -> set[str]:
    """The files that a run of ``config`` looks at. Raises DatasetError where nothing can be drawn."""
    read = {clip.path for clip in draw_shots(dataset, config.shots, config.seed)}
    read |= {clip.path for clip in dataset.clips if clip.subset is Subset.TEST}
    return read | {anchor.path for anchor in dataset.anchors}


def data_of(config: RunConfig, dataset: Dataset) -> TrainingData:
    """What a run of ``config`` is trained and measured on, with the content of each clip that it reads.

    Raises DatasetError where nothing can be drawn.
    """
    read = files_read(config, dataset)
    return TrainingData.of(dataset, lambda path: _digest(path) if path in read else "")


def _digest(path: str) -> str:
    """The start of the file's SHA-256; empty for one that cannot be read, which the decoder will name."""
    try:
        state = os.stat(path)
        return _digest_of(path, state.st_size, state.st_mtime_ns)
    except OSError:
        return ""


@lru_cache(maxsize=100_000)
def _digest_of(path: str, size_bytes: int, changed_ns: int) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:32]


class ClipSource(Protocol):
    """Delivers the clips of a batch, as the model's next stage wants them."""

    def batches(self, order: Sequence[Sequence[int]], epoch: int) -> Iterator[Tensor]:
        """One tensor for each batch of ``order``."""
        ...


class FeatureSource:
    """Quick mode: clip features (N, D) that were computed once."""

    def __init__(self, features: Tensor) -> None:
        self._features = features

    def batches(self, order: Sequence[Sequence[int]], epoch: int) -> Iterator[Tensor]:
        """Features (B, D) of each batch."""
        for batch in order:
            yield self._features[list(batch)]


class PixelSource:
    """Full mode: augmented pixels, the next batch being decoded while the present one is computed."""

    def __init__(self, paths: Sequence[str], config: ClipConfig, how: How, seed: int) -> None:
        self._paths, self._config, self._how, self._seed = tuple(paths), config, how, seed

    def batches(self, order: Sequence[Sequence[int]], epoch: int) -> Iterator[Tensor]:
        """Pixels (B, T, 3, S, S) of each batch."""
        with ThreadPoolExecutor(1) as pool:
            waiting: list[Future[Tensor]] = []
            try:
                for batch in order:
                    waiting.append(pool.submit(self._load, batch, epoch))
                    if len(waiting) == 2:
                        yield waiting.pop(0).result()
                while waiting:
                    yield waiting.pop(0).result()
            finally:
                for future in waiting:
                    future.cancel()

    def _load(self, batch: Sequence[int], epoch: int) -> Tensor:
        clips = []
        for clip in batch:
            seed = int(np.random.SeedSequence([self._seed, epoch, clip]).generate_state(1, np.uint64)[0] >> 1)
            clips.append(training_pixels(self._paths[clip], self._config, self._how, seed))
        return torch.stack(clips)
