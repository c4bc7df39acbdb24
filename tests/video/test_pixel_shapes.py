"""Pixels that are not square are stretched, so that a square in the scene is a square in the frames."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from ga2app.services.clip_inspector import VideoInspector
from ga2app.video import Evaluation, Every, read_clip
from ga2app.video.images import to_images
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


# A quarter of their size; what matters is the shape of their pixels.
CASES = {
    "HDV": (360, 270, Fraction(4, 3), (480, 270)),
    "PAL, wide": (180, 144, Fraction(64, 45), (256, 144)),
    "NTSC, 4:3": (180, 120, Fraction(8, 9), (160, 120)),
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
    full, small = read_clip(path, Evaluation(2)), read_clip(path, Evaluation(2), short_side_px=60)
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


@pytest.mark.parametrize("size", [(640, 480), (854, 480), (479, 360), (480, 640)])
@pytest.mark.parametrize("pixels", ["yuv420p", "yuvj420p", "yuv444p", "nv12", "gray", "yuv420p10le"])
def test_planes_and_packed_pixels_are_shrunk_to_the_same_bits(pixels: str, size: tuple[int, int]) -> None:
    """Where the width is odd the picture is converted plane by plane, in a quarter to half of the time."""
    image = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    frame = av.VideoFrame.from_ndarray(image, "rgb24").reformat(format=pixels)
    made = to_images([frame], 256)[0]
    height, width = made.shape[:2]
    assert min(height, width) == 256
    packed = VideoReformatter().reformat(
        frame, width, height, "rgb24", src_colorspace=5, src_color_range=int(frame.color_range) or 1,
        interpolation="BICUBIC", threads=1,
    )  # fmt: skip
    assert np.array_equal(made, packed.to_ndarray())
