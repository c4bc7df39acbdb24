"""Animated AVIF and WebP are clips, with all their frames and the time of each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ga2app.errors import ClipError
from ga2app.video import Evaluation, Every, read_clip
from tests.video.made_clips import bar_code, numbers_of

COUNT = 12
SHOWN_MS = [100] * 6 + [250] * 6


def animation(path: Path, **options: object) -> Path:
    first, *rest = [Image.fromarray(bar_code(number)) for number in range(COUNT)]
    first.save(path, save_all=True, append_images=rest, **options)
    return path


@pytest.mark.parametrize(
    ("name", "options", "reader"),
    [
        ("a.avif", {"duration": SHOWN_MS}, "pyav"),
        ("a.webp", {"duration": SHOWN_MS, "lossless": True}, "pillow"),
        ("lossy.webp", {"duration": SHOWN_MS, "quality": 80}, "pillow"),
        ("a.gif", {"duration": SHOWN_MS}, "pyav"),
    ],
)
def test_all_frames_are_read_at_their_times(tmp_path: Path, name: str, options: dict[str, object], reader: str) -> None:
    clip = read_clip(animation(tmp_path / name, **options), Every(100))
    assert (clip.total_frames, clip.reader, numbers_of(clip.frames)) == (COUNT, reader, list(range(COUNT)))
    starts_s = [sum(SHOWN_MS[:number]) / 1000 for number in range(COUNT)]
    assert clip.times_s == pytest.approx(starts_s, rel=1e-4)
    assert clip.seconds == pytest.approx(2.1, rel=1e-4)  # 6 · 0.1 + 6 · 0.25
    few = read_clip(tmp_path / name, Evaluation(4), short_side_px=32)
    assert (few.frames.shape, numbers_of(few.frames)) == ((4, 32, 48, 3), [0, 3, 6, 9])


@pytest.mark.parametrize("share", [0.05, 0.7])
def test_a_webp_that_was_cut_off_is_refused_by_name(tmp_path: Path, share: float) -> None:
    path = animation(tmp_path / "cut.webp", duration=100, lossless=True)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ClipError, match=r"clip 'cut\.webp': the WebP file cannot be read .*; copy or upload it again"):
        read_clip(path, Evaluation(2))


def test_a_damaged_webp_gives_the_frames_before_the_damage(tmp_path: Path) -> None:
    path = animation(tmp_path / "damaged.webp", duration=100, lossless=True)
    data = bytearray(path.read_bytes())
    place = [at for at in range(len(data)) if data.startswith(b"ANMF", at)][7] + 40
    data[place : place + 200] = bytes(200)
    path.write_bytes(data)
    clip = read_clip(path, Every(100))
    assert numbers_of(clip.frames) == list(range(7))


def test_a_frame_that_asks_for_no_time_is_shown_for_a_tenth_of_a_second_as_in_browsers(tmp_path: Path) -> None:
    clip = read_clip(animation(tmp_path / "fast.webp", duration=0, lossless=True), Evaluation(2))
    assert clip.seconds == pytest.approx(1.2, rel=1e-4)


def test_transparent_frames_are_pictures_all_the_same(tmp_path: Path) -> None:
    frames = [Image.fromarray(np.full((32, 32, 4), (200, 40, 40, 255), np.uint8)) for _ in range(3)]
    for number, frame in enumerate(frames):
        frame.putpixel((number, 0), (0, 0, 0, 0))
    frames[0].save(tmp_path / "t.webp", save_all=True, append_images=frames[1:], duration=100, lossless=True)
    clip = read_clip(tmp_path / "t.webp", Every(9))
    assert clip.frames.shape == (3, 32, 32, 3)
    assert clip.frames[:, 8:].mean(axis=(0, 1, 2)).tolist() == [200, 40, 40]
