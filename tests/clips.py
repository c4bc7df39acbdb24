"""Small clips for tests: colored noise in motion, one color a class, written as real mp4 files."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import numpy as np

from ga2app.types import AnchorClip, Dataset, LabelledClip, Subset
from ga2app.video.writer import write_clip

COLORS = {"walking": (220, 40, 40), "running": (40, 200, 40), "jumping": (50, 60, 230), "reading": (210, 210, 50)}


def write_color_clip(path: Path, color: tuple[int, int, int], seed: int, frames: int = 6, side: int = 40) -> str:
    """A clip of noise round ``color``; returns its path."""
    path.write_bytes(_color_clip(color, seed, frames, side))
    return str(path)


@functools.cache
def _color_clip(color: tuple[int, int, int], seed: int, frames: int, side: int) -> bytes:
    noise = np.random.default_rng(seed).integers(-40, 40, (frames, side, side, 3))
    with tempfile.TemporaryDirectory() as folder:
        write_clip(Path(folder) / "clip.mp4", np.clip(np.array(color) + noise, 0, 255).astype(np.uint8), 10)
        return (Path(folder) / "clip.mp4").read_bytes()


def color_dataset(folder: Path, train: int = 3, test: int = 2) -> Dataset:
    """Two base and two novel classes, two anchors and two negatives; the clips lie in ``folder``."""
    clips = []
    for place, (label, color) in enumerate(COLORS.items()):
        for number in range(train + test):
            path = write_color_clip(folder / f"{label}-{number}.mp4", color, seed=100 * place + number)
            clips.append(LabelledClip(path, label, Subset.TRAIN if number < train else Subset.TEST))
    anchors = tuple(
        AnchorClip(write_color_clip(folder / f"anchor-{number}.mp4", (128, 128, 128), seed=900 + number), caption)
        for number, caption in enumerate(("a red wall", "nothing"))
    )
    base, novel = ("walking", "running"), ("jumping", "reading")
    return Dataset("colors", base, novel, tuple(clips), anchors, ("something else", "nothing"))
