"""Drawn images for pre-training: chunks rendered by a process of their own while the model trains."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.pool import AsyncResult, Pool

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ga2app.synthetic.actions import ACTIONS
from ga2app.synthetic.appearance import draw_look
from ga2app.synthetic.figure import Subject
from ga2app.synthetic.scenes import EMPTY, SCENES
from ga2app.synthetic.world import render
from tools.captions import Fact, compose, fact_of, subject_names

IMAGE_PX = 64
RESIZED_PX = 73  # round(64 * 256 / 224): what the short side is resized to before the middle is cut out
SUBJECTS: dict[str, Subject] = {**ACTIONS, **SCENES, EMPTY.key: EMPTY}
WEIGHTS = np.array([1.0] * len(ACTIONS) + [0.8] * len(SCENES) + [3.0])


@dataclass(frozen=True)
class Chunk:
    """``pixels`` uint8 (N, 73, 73, 3), ``classes`` (N,) indices into ``SUBJECTS``, and a caption with its fact each."""

    pixels: NDArray[np.uint8]
    classes: NDArray[np.int64]
    captions: list[str]
    stated: list[Fact]
    shown: list[Fact]


def draw_chunk(seed: int, index: int, count: int) -> Chunk:
    """Chunk ``index`` of the stream ``seed``: ``count`` plain images with captions. Same arguments, same chunk."""
    rng = np.random.default_rng((seed, index))
    keys = list(SUBJECTS)
    classes = rng.choice(len(keys), count, p=WEIGHTS / WEIGHTS.sum())
    pixels = np.empty((count, RESIZED_PX, RESIZED_PX, 3), np.uint8)
    captions, stated, shown = [], [], []
    for row, chosen in enumerate(classes):
        key, look = keys[chosen], draw_look(rng)
        size = int(rng.choice((RESIZED_PX, 96, 112)))
        frame = render(SUBJECTS[key], look, float(rng.random()), size)
        if size != RESIZED_PX:
            image = Image.fromarray(frame).resize((RESIZED_PX, RESIZED_PX), Image.Resampling.BICUBIC)
            frame = np.asarray(image)
        pixels[row] = frame
        caption = compose(key, look, rng)
        captions.append(caption.text)
        stated.append(caption.fact)
        shown.append(fact_of(key, look))
    return Chunk(pixels, classes, captions, stated, shown)


class ImagePool:
    """A window of chunks over an endless stream; ``advance`` replaces the oldest by the next one.

    The next chunk is drawn ahead in a spawned process, so the stream depends on the seed alone, never on timing.
    """

    def __init__(self, seed: int, chunks: int, chunk_images: int) -> None:
        self._seed, self._count = seed, chunk_images
        self._pool: Pool = multiprocessing.get_context("spawn").Pool(1)
        self._next = chunks
        self.chunks = self._pool.starmap(draw_chunk, [(seed, index, chunk_images) for index in range(chunks)])
        self._ahead = self._ask()

    def _ask(self) -> AsyncResult[Chunk]:
        return self._pool.apply_async(draw_chunk, (self._seed, self._next, self._count))

    def advance(self) -> None:
        """Take the chunk drawn ahead in place of the oldest, and ask for the one after it."""
        self.chunks[self._next % len(self.chunks)] = self._ahead.get()
        self._next += 1
        self._ahead = self._ask()

    def sample(self, rng: np.random.Generator, count: int) -> Iterator[tuple[Chunk, int]]:
        """``count`` different images of the window as (chunk, row)."""
        for flat in rng.choice(len(self.chunks) * self._count, count, replace=False):
            yield self.chunks[flat // self._count], int(flat % self._count)

    def close(self) -> None:
        """End the drawing process."""
        self._pool.terminate()
        self._pool.join()


def class_names() -> list[str]:
    """The names of ``SUBJECTS`` in class order: actions first."""
    return list(subject_names().values())
