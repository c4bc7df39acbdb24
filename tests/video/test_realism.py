from __future__ import annotations

import numpy as np
import pytest

from ga2app.synthetic.actions import ACTIONS
from ga2app.synthetic.world import clip_frames
from ga2app.video.domain_check import looks_photographic


@pytest.mark.parametrize("style", ["plain", "camcorder", "film"])
def test_drawings_are_hardly_ever_taken_for_footage(style: str):
    flagged = [name for name, action in ACTIONS.items() if looks_photographic(clip_frames(action, style, (77,), 8, 96))]
    assert len(flagged) <= 2


def test_soft_footage_of_many_shades_is_told_from_drawings():
    rows, columns = np.mgrid[0:96, 0:128] / 96
    base = np.stack([40 + 90 * rows, 60 + 80 * columns, 50 + 90 * rows * columns], axis=-1)
    grain = np.random.default_rng(0).normal(0, 3, (8, 96, 128, 3))
    frames = (base + grain).clip(0, 255).astype(np.uint8)
    assert looks_photographic(frames)


def test_frames_smaller_than_the_grid_and_black_ones_are_drawings():
    assert not looks_photographic(np.zeros((2, 16, 20, 3), np.uint8))
    noise = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    assert looks_photographic(noise)
