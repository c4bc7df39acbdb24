"""Clips that the app writes are whole, and come back as they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ga2app.errors import ClipError
from ga2app.video import Evaluation, Every, read_clip
from ga2app.video.writer import write_clip


def moving_square(frames: int = 20) -> NDArray[np.uint8]:
    """A light square that moves to the right over dark gray, 48 × 64."""
    clip = np.full((frames, 48, 64, 3), 40, np.uint8)
    for place in range(frames):
        clip[place, 16:32, 2 * place : 2 * place + 16] = 210
    return clip


def test_written_frames_are_read_again_in_order_and_hardly_changed(tmp_path: Path) -> None:
    frames = moving_square()
    write_clip(tmp_path / "square.mp4", frames, 12.5)
    clip = read_clip(tmp_path / "square.mp4", Every(100))
    assert (clip.total_frames, clip.fps, clip.frames.shape) == (20, 12.5, frames.shape)
    difference = np.abs(clip.frames[:, None].astype(int) - frames[None]).mean(axis=(2, 3, 4))  # (T, T)
    assert difference.argmin(axis=1).tolist() == list(range(20))
    assert difference.diagonal().max() < 4


def test_colors_survive(tmp_path: Path) -> None:
    for name, color in {"red": (200, 30, 30), "green": (30, 180, 40), "blue": (40, 60, 210)}.items():
        write_clip(tmp_path / f"{name}.mp4", np.tile(np.uint8(color), (3, 32, 32, 1)), 10)
        seen = read_clip(tmp_path / f"{name}.mp4", Evaluation(1)).frames.mean(axis=(0, 1, 2))
        assert np.abs(seen - color).max() < 6


@pytest.mark.parametrize("size", [(31, 32), (32, 31)])
def test_an_odd_size_is_refused_with_the_remedy(tmp_path: Path, size: tuple[int, int]) -> None:
    with pytest.raises(ClipError, match=r"clip 'odd.mp4': .*31.* cannot be encoded; .*even"):
        write_clip(tmp_path / "odd.mp4", np.zeros((2, *size, 3), np.uint8), 10)


@pytest.mark.parametrize(
    "frames",
    [np.zeros((0, 32, 32, 3), np.uint8), np.zeros((2, 32, 32), np.uint8), np.zeros((2, 32, 32, 3), np.float32)],
    ids=["none", "gray", "float"],
)
def test_what_is_not_video_is_refused(tmp_path: Path, frames: NDArray[np.uint8]) -> None:
    with pytest.raises(ClipError, match="clip 'x.mp4': frames of shape .* are not video"):
        write_clip(tmp_path / "x.mp4", frames, 10)


@pytest.mark.parametrize("fps", [0.0, -1.0, float("nan"), float("inf")])
def test_a_rate_that_is_no_rate_is_refused(tmp_path: Path, fps: float) -> None:
    with pytest.raises(ClipError, match="clip 'x.mp4': .* frames a second"):
        write_clip(tmp_path / "x.mp4", moving_square(2), fps)


def test_a_failed_write_leaves_the_old_clip_and_nothing_else(tmp_path: Path) -> None:
    write_clip(tmp_path / "x.mp4", moving_square(3), 10)
    before = (tmp_path / "x.mp4").read_bytes()
    with pytest.raises(ClipError):
        write_clip(tmp_path / "x.mp4", np.zeros((2, 31, 32, 3), np.uint8), 10)
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".mp4"] == ["x.mp4"]
    assert (tmp_path / "x.mp4").read_bytes() == before


def test_a_folder_that_is_not_there_is_named_as_the_fault(tmp_path: Path) -> None:
    with pytest.raises(ClipError, match="clip 'x.mp4': cannot be written .*; check the folder"):
        write_clip(tmp_path / "absent" / "x.mp4", moving_square(2), 10)
