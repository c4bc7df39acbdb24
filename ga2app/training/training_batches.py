"""What a training step sees: the order of clips, and clips as features or pixels.

Every random choice depends on the seed and on the place (epoch, clip, step) alone, so that a resumed run sees
what an uninterrupted one would have seen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from functools import partial
from itertools import count
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from ga2app.clip import ranks
from ga2app.config import ClipConfig, RunConfig
from ga2app.datasets.train_test import draw_shots as draw_shots
from ga2app.datasets.train_test import left_over
from ga2app.errors import ClipError, StoreError
from ga2app.evaluation.reliability import MOST_HELD_OUT
from ga2app.paths import default_home, file_digest
from ga2app.stretches import split_address
from ga2app.types import Dataset, LabelledClip, Subset, TrainingData
from ga2app.types.reliability_types import LEAST_CLIPS
from ga2app.video.clip_loader import FRAMES_TOGETHER, SPARE_THREADS, Ahead, ClipLoader, raised
from ga2app.video.disk_frame_cache import DiskFrameCache
from ga2app.video.pixels import How, evaluation_pixels, preprocessing_of, training_pixels
from ga2app.video.sampling import Sampling, Together, Training


def epoch_order(count: int, batch_size: int, seed: int, epoch: int) -> list[list[int]]:
    """Clip numbers of each batch of ``epoch``, shuffled; the last batch may be smaller."""
    order = np.random.default_rng([seed, epoch]).permutation(count).tolist()
    return [order[first : first + batch_size] for first in range(0, count, batch_size)]


def anchor_choice(count: int, wanted: int, seed: int, step: int) -> list[int]:
    """Numbers of the anchor clips of ``step``, without repetition while there are enough."""
    rng = np.random.default_rng([seed, step, 1])
    chosen: list[int] = rng.choice(count, size=min(wanted, count), replace=False).tolist()
    return chosen


def spare_clips(config: RunConfig, dataset: Dataset) -> list[LabelledClip]:
    """Training clips that a run leaves over, for its temperature: no more than it draws, so that they cost little.

    None where there are too few of them to fit one.
    """
    most = min(MOST_HELD_OUT, max(LEAST_CLIPS, config.shots * len(dataset.base)))
    found = left_over(dataset, config.shots, config.seed, most)
    return found if len(found) >= LEAST_CLIPS else []


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
        return file_digest(path)[:32]
    except OSError:
        return ""


def loader_of(clips: ClipConfig, *, keep: bool) -> ClipLoader:
    """Reads the clips of a run as ``clips`` says; with ``keep``, what is read again and again is kept on disk.

    Quick keeps no frames: it looks at each clip once and keeps its features.
    """
    cache = None
    if keep and clips.cache_bytes:
        with suppress(StoreError):  # an account without a home folder
            cache = DiskFrameCache(default_home().frames, clips.cache_bytes)
    return ClipLoader(clips.decoders, cache)


class ClipSource(Protocol):
    """Delivers the clips of a batch, as the model's next stage wants them."""

    def batches(self, order: Sequence[Sequence[int]], epoch: int) -> Iterator[Tensor]:
        """One tensor for each batch of ``order``."""
        ...


class FeatureSource:
    """Quick mode: the moments (N, 1 + K, D) of clips, which were computed once."""

    def __init__(self, features: Tensor) -> None:
        self._features = features

    def batches(self, order: Sequence[Sequence[int]], epoch: int) -> Iterator[Tensor]:
        """Moments (B, 1 + K, D) of each batch."""
        for batch in order:
            yield self._features[list(batch)]


class PixelSource:
    """Full mode: augmented pixels, several batches being decoded while the present one is computed.

    ``epochs`` is how many there are: with a cache, what all of them draw of a clip is decoded in the first. ``pinned``
    batches lie in memory from which a GPU copies while it computes.
    """

    def __init__(
        self,
        paths: Sequence[str],
        config: ClipConfig,
        how: How,
        seed: int,
        loader: ClipLoader | None = None,
        *,
        epochs: int = 1,
        pinned: bool = False,
    ) -> None:
        self._paths, self._config, self._how, self._seed = tuple(paths), config, preprocessing_of(how), seed
        self._loader, self._epochs, self._pinned = loader or ClipLoader(config.decoders), epochs, pinned

    def batches(self, order: Sequence[Sequence[int]], epoch: int) -> Iterator[Tensor]:
        """Pixels (B, T, 3, S, S) of each batch. Raises ClipError."""
        side, begun = self._how.size_px, deque[Tensor]()
        clips = (clip for batch in order for clip in batch if split_address(self._paths[clip])[1])
        self._loader.expect({self._paths[clip]: self._wanted(clip, epoch) for clip in clips}, self._how.read_px)

        def jobs() -> Iterator[Callable[[], Tensor]]:
            for batch in order:
                shape = (len(batch), self._config.num_frames, 3, side, side)
                begun.append(torch.empty(shape, pin_memory=self._pinned))
                yield from (partial(self._load, clip, epoch, row) for clip, row in zip(batch, begun[-1], strict=True))

        with closing(self._loader.ahead(jobs(), spare=SPARE_THREADS)) as loaded:
            for batch in order:
                for _ in batch:
                    raised(next(loaded))
                yield begun.popleft()

    def _load(self, clip: int, epoch: int, row: Tensor) -> Tensor:
        """Fill ``row`` (T, 3, S, S) with ``clip`` as ``epoch`` shows it."""
        later = [self._seed_of(clip, coming) for coming in range(epoch + 1, self._epochs)]
        pixels = training_pixels(
            self._paths[clip], self._config, self._how, self._seed_of(clip, epoch), self._loader, later
        )
        return row.copy_(pixels)

    def _wanted(self, clip: int, epoch: int) -> Sampling:
        """What the loader reads of ``clip`` where its frames are not kept: those of ``epoch``, and with a cache all."""
        epochs = range(epoch, self._epochs if self._loader.keeps else epoch + 1)
        draws = tuple(Training(self._config.num_frames, self._seed_of(clip, one)) for one in epochs)
        return Together(draws, FRAMES_TOGETHER) if self._loader.keeps else draws[0]

    def _seed_of(self, clip: int, epoch: int) -> int:
        """What is drawn for ``clip`` in ``epoch``, whatever the batch that it is in and the process that reads it."""
        return int(np.random.SeedSequence([self._seed, epoch, clip]).generate_state(1, np.uint64)[0] >> 1)


class AnchorSource:
    """The anchor clips of each step, sampled as for their frozen features, decoded while the step before is computed.

    ``wanted`` are drawn in each step; where several processes share the run, each reads its part of them.
    """

    def __init__(
        self,
        paths: Sequence[str],
        num_frames: int,
        wanted: int,
        how: How,
        seed: int,
        loader: ClipLoader,
        *,
        pinned: bool = False,
    ) -> None:
        self._paths, self._num_frames, self._wanted, self._how = tuple(paths), num_frames, wanted, how
        self._seed, self._loader, self._pinned = seed, loader, pinned
        self._coming: tuple[int, Ahead[Tensor | ClipError]] | None = None
        self._group = ranks.current()

    def chosen(self, step: int) -> list[int]:
        """Numbers of the anchor clips of ``step``."""
        return anchor_choice(len(self._paths), self._wanted, self._seed, step) if self._paths else []

    def pixels(self, step: int) -> Tensor:
        """Pixels (A, T, 3, S, S) of this process's part of what is ``chosen`` for ``step``; empty where it has none.

        Those of the next steps are begun. Raises ClipError.
        """
        if self._coming is None or self._coming[0] != step:
            self.close()
            self._coming = step, self._from(step)
        batches = self._coming[1]
        self._coming = step + 1, batches
        return raised(next(batches))

    def close(self) -> None:
        """Wait for what was begun, and forget it."""
        if self._coming is not None:
            self._coming[1].close()
            self._coming = None

    def _from(self, step: int) -> Ahead[Tensor | ClipError]:
        def jobs() -> Iterator[Callable[[], Tensor]]:
            for coming in count(step):
                chosen = self.chosen(coming)
                # Those who have one clip more than others have no anchor more.
                yield partial(self._load, chosen[self._group.part(len(chosen), late=True)])

        return self._loader.ahead(jobs(), most=2)

    def _load(self, chosen: Sequence[int]) -> Tensor:
        if not chosen:
            return torch.empty(0)
        pixels = torch.stack(
            [evaluation_pixels(self._paths[number], self._num_frames, self._how, self._loader) for number in chosen]
        )
        return pixels.pin_memory() if self._pinned else pixels
