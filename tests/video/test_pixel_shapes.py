"""Pixels that are not square are stretched, so that a square in the scene is a square in the frames."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ga2app.services.clip_inspector import VideoInspector
from ga2app.video import Evaluation, Every, read_clip
from tests.video.made_clips import Recording, record

LONG = 310


def squeezed_square(width: int, height: int, aspect: Fraction) -> NDArray[np.uint8]:
    """A white square in the middle, half as high as the picture, as ``width`` squeezed columns record it."""
    image = np.zeros((height, width, 3), np.uint8)
    half_high, half_wide = height // 4, round(height / 4 / aspect)
    image[height // 2 - half_high : height // 2 + half_high, width // 2 - half_wide : width // 2 + half_wide] = 255
    return image


def square_of(frame: NDArray[np.uint8]) -> tuple[int, int]:
    rows, columns = np.where(frame.mean(axis=2) > 128)
    return int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1


CASES = {
    "HDV": (1440, 1080, Fraction(4, 3), (1920, 1080)),
    "PAL, wide": (720, 576, Fraction(64, 45), (1024, 576)),
    "NTSC, 4:3": (720, 480, Fraction(8, 9), (640, 480)),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.mpg"])
def test_a_square_is_a_square_at_full_size_and_shrunk(tmp_path: Path, case: str, name: str) -> None:
    width, height, aspect, shown = CASES[case]
    if name == "clip.mpg":
        # MPEG-2 knows 4:3 and 16:9 alone: a DVD's pixels.
        how = Recording("mpeg2video", format="vob", pixel_aspect=aspect)
    else:
        how = Recording(options={"preset": "ultrafast"}, pixel_aspect=aspect)
    path = record(tmp_path / name, [squeezed_square(width, height, aspect)] * 3, how)
    full, small = read_clip(path, Evaluation(2)), read_clip(path, Evaluation(2), short_side_px=240)
    assert (full.width, full.height) == (small.width, small.height) == shown
    assert full.frames.shape[1:3] == shown[::-1]
    for clip in (full, small):
        wide, high = square_of(clip.frames[1])
        assert abs(wide - high) <= 2
    facts = VideoInspector().inspect(str(path))
    assert (facts.width, facts.height) == shown


def test_both_readers_give_the_same_shape(tmp_path: Path) -> None:
    aspect = Fraction(4, 3)
    how = Recording(options={"preset": "ultrafast", "g": "30"}, pixel_aspect=aspect)
    path = record(tmp_path / "long.mp4", [squeezed_square(144, 108, aspect)] * LONG, how)
    few, many = read_clip(path, Evaluation(3)), read_clip(path, Every(LONG))
    assert (few.reader, many.reader) == ("decord", "pyav")
    assert few.frames.shape[1:3] == many.frames.shape[1:3] == (108, 192)
    assert np.abs(few.frames[0].astype(int) - many.frames[0]).mean() < 1
    assert square_of(few.frames[0]) == square_of(many.frames[0])


def test_a_turned_clip_is_stretched_before_it_is_turned(tmp_path: Path) -> None:
    aspect = Fraction(3, 2)
    how = Recording(pixel_aspect=aspect, rotation=90)
    path = record(tmp_path / "turned.mp4", [squeezed_square(96, 96, aspect)] * 3, how)
    clip = read_clip(path, Evaluation(2))
    assert (clip.frames.shape[1:3], clip.width, clip.height) == ((144, 96), 96, 144)
    assert square_of(clip.frames[0]) == pytest.approx((48, 48), abs=2)
