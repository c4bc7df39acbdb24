"""From a file to what a vision tower takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ga2app.config import ClipConfig
from ga2app.errors import ClipError
from ga2app.video.pixels import (
    THUMBNAIL_PX,
    evaluation_pixels,
    frames_to_pixels,
    thumbnails,
    training_pixels,
)
from ga2app.video.preprocessing import CLIP_MEAN, CLIP_STD
from ga2app.video.writer import write_clip


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """12 frames, 96x64; frame i is gray of level 20·i, but for its left half, which is black."""
    frames = np.zeros((12, 64, 96, 3), np.uint8)
    frames[:, :, 48:] = (20 * np.arange(12, dtype=np.uint8))[:, None, None, None]
    write_clip(tmp_path / "clip.mp4", frames, 12)
    return tmp_path / "clip.mp4"


def gray(pixels: torch.Tensor) -> torch.Tensor:
    """Levels 0 … 255 (T, S, S) of normalized gray ``pixels`` (T, 3, S, S)."""
    mean, std = torch.tensor(CLIP_MEAN)[:, None, None], torch.tensor(CLIP_STD)[:, None, None]
    return ((pixels * std + mean) * 255).mean(dim=1)


def test_evaluation_takes_the_first_frame_of_each_segment_and_the_center(clip: Path) -> None:
    pixels = evaluation_pixels(clip, 4, 32)
    assert pixels.shape == (4, 3, 32, 32)
    assert pixels.dtype == torch.float32
    levels = gray(pixels)
    # Frames 0, 3, 6, 9. The 55x37 picture is cut to its central 32x32: half of it black, half of the frame's level.
    assert torch.allclose(levels[:, :, 24:].mean(dim=(1, 2)), torch.tensor([0.0, 60, 120, 180]), atol=3)
    assert levels[:, :, :12].abs().max() < 8


def test_training_pixels_are_fixed_by_their_seed_and_differ_between_seeds(clip: Path) -> None:
    config = ClipConfig(num_frames=4)
    first, again, other = (training_pixels(clip, config, 32, seed) for seed in (5, 5, 6))
    assert first.shape == (4, 3, 32, 32)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_without_augmentation_only_the_choice_of_frames_is_random(clip: Path) -> None:
    pixels = training_pixels(clip, ClipConfig(num_frames=12, augment=False), 32, seed=1)
    assert torch.equal(pixels, evaluation_pixels(clip, 12, 32))  # 12 segments of one frame leave no choice


def test_a_clip_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ClipError, match=r"absent\.mp4"):
        evaluation_pixels(tmp_path / "absent.mp4", 4, 32)


def test_frames_in_memory_give_the_same_pixels_as_those_of_a_file() -> None:
    frames = np.full((2, 40, 60, 3), 255, np.uint8)
    white = (1 - np.array(CLIP_MEAN)) / np.array(CLIP_STD)
    assert np.allclose(frames_to_pixels(frames, 32).numpy(), white[:, None, None], atol=1e-5)


def test_thumbnails_shrink_the_short_side_and_leave_small_pictures_alone() -> None:
    large, small = np.full((3, 192, 288, 3), 77, np.uint8), np.full((2, 50, 60, 3), 9, np.uint8)
    shrunk = thumbnails(large)
    assert [image.shape for image in shrunk] == [(THUMBNAIL_PX, 144, 3)] * 3  # 288 · 96 / 192
    assert all((image == 77).all() for image in shrunk)
    assert [image.shape for image in thumbnails(small)] == [(50, 60, 3)] * 2
