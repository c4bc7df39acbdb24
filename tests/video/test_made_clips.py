"""Whatever the container and the codec, the frames are those that were recorded; the clips are made here."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from ga2app.datasets import VIDEO_SUFFIXES
from ga2app.errors import ClipError
from ga2app.video import Evaluation, Every, read_clip, sample_frames
from tests.video.made_clips import (
    FRAMES,
    MADE,
    Recording,
    cut_by_edit_list,
    destroy_packet,
    numbered,
    numbers_of,
    sound_only,
    two_streams,
)

NUMBERED = {name: make for name, make in MADE.items() if name not in ("one_frame.mp4", "tiny.mp4")}


@pytest.mark.parametrize("name", NUMBERED)
def test_every_frame_of_any_container_comes_once_and_in_order(tmp_path: Path, name: str) -> None:
    path = NUMBERED[name](tmp_path / name)
    every = read_clip(path, Every(1000))
    shown = numbers_of(every.frames[:, :, ::-1] if name == "rotated.mp4" else every.frames)
    assert (every.total_frames, shown) == (FRAMES, list(range(FRAMES)))
    few = read_clip(path, Evaluation(5), short_side_px=40)
    assert few.indices == tuple(i * FRAMES // 5 for i in range(5))
    assert numbers_of(few.frames[:, :, ::-1] if name == "rotated.mp4" else few.frames) == list(few.indices)
    assert min(few.frames.shape[1:3]) == 40


@pytest.mark.parametrize("name", NUMBERED)
def test_the_endings_of_what_is_read_are_those_of_clips_in_any_case(name: str) -> None:
    assert Path(name).suffix.lower() in VIDEO_SUFFIXES


def test_a_clip_of_one_frame_repeats_it(tmp_path: Path) -> None:
    assert read_clip(MADE["one_frame.mp4"](tmp_path / "one.mp4"), Evaluation(4)).indices == (0, 0, 0, 0)


def test_a_tiny_picture_is_not_enlarged(tmp_path: Path) -> None:
    assert sample_frames(MADE["tiny.mp4"](tmp_path / "tiny.mp4"), 2, short_side_px=224).shape == (2, 16, 16, 3)


@pytest.mark.parametrize("turn", [90, 270])
def test_a_phone_clip_comes_upright_and_shrinks_upright(tmp_path: Path, turn: int) -> None:
    path = numbered(tmp_path / "phone.mp4", Recording(rotation=turn))
    full, small = read_clip(path, Evaluation(2)), sample_frames(path, 2, short_side_px=32)
    assert (full.frames.shape, small.shape) == ((2, 96, 64, 3), (2, 48, 32, 3))
    assert (full.width, full.height) == (64, 96)
    lying = np.rot90(full.frames, 1 if turn == 270 else -1, axes=(1, 2))
    assert numbers_of(lying) == list(full.indices)


def test_frames_that_an_edit_list_cuts_off_are_no_part_of_the_clip(tmp_path: Path) -> None:
    path = cut_by_edit_list(numbered(tmp_path / "cut.mp4"), 7)
    clip = read_clip(path, Every(100))
    assert numbers_of(clip.frames) == list(range(7, FRAMES))


def test_of_two_video_streams_the_larger_one_is_read_and_of_equal_ones_the_first(tmp_path: Path) -> None:
    assert sample_frames(two_streams(tmp_path / "a.mp4", [(96, 64), (192, 128)]), 2).shape == (2, 128, 192, 3)
    equal = read_clip(two_streams(tmp_path / "b.mp4", [(96, 64), (96, 64)]), Every(100))
    assert numbers_of(equal.frames) == list(range(FRAMES))


def test_damage_in_the_middle_leaves_the_frames_before_it(tmp_path: Path) -> None:
    path = destroy_packet(numbered(tmp_path / "damaged.mp4", Recording(options={"g": "999", "bf": "0"})), 12)
    clip = read_clip(path, Every(100))
    assert numbers_of(clip.frames) == list(range(12))


@pytest.mark.parametrize(("name", "how"), [
    ("cut.avi", Recording("mpeg4", options={"g": "6"})),
    ("cut.mp4", Recording(options={"g": "6"}, container={"movflags": "faststart"})),
    ("cut.ts", Recording(options={"g": "6"}, format="mpegts")),
], ids=lambda value: value if isinstance(value, str) else "")  # fmt: skip
def test_of_a_file_that_was_cut_off_the_frames_that_are_there_are_read(
    tmp_path: Path, name: str, how: Recording
) -> None:
    path = numbered(tmp_path / name, how, frames=60)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 3 // 4])
    clip = read_clip(path, Every(100))
    assert 6 <= clip.total_frames < 60
    assert numbers_of(clip.frames) == list(range(clip.total_frames))


def picture(path: Path, kind: str) -> None:
    from PIL import Image

    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)).save(path, kind)


def incomplete(path: Path) -> None:
    data = numbered(path).read_bytes()
    path.write_bytes(data[: data.index(b"moov") - 4])


REFUSED = {
    "audio_only.mp3": (sound_only, "it has sound but no picture"),
    "audio_only.mp4": (sound_only, "it has sound but no picture"),
    "png_renamed.mp4": (lambda path: picture(path, "PNG"), "this is a picture, not a video"),
    "jpeg_renamed.mp4": (lambda path: picture(path, "JPEG"), "this is a picture, not a video"),
    "picture.png": (lambda path: picture(path, "PNG"), "this is a picture, not a video"),
    "still.gif": (lambda path: picture(path, "GIF"), "this is a picture, not a video"),
    "still.webp": (lambda path: picture(path, "WEBP"), "this is a picture, not a video"),
    "still.avif": (lambda path: picture(path, "AVIF"), "this is a picture, not a video"),
    "random_bytes.mp4": (lambda path: path.write_bytes(np.random.default_rng(0).bytes(5000)), "this is not a video"),
    "text.mp4": (lambda path: path.write_text("not a clip\n" * 40), "this is text, not a video"),
    "no_index.mp4": (incomplete, "the file is incomplete"),
    "zero_byte.mp4": (lambda path: path.write_bytes(b""), "the file is empty"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_readable_video_is_refused_with_its_own_reason(tmp_path: Path, name: str) -> None:
    make, reason = REFUSED[name]
    make(tmp_path / name)
    with pytest.raises(ClipError) as caught:
        sample_frames(tmp_path / name, 4)
    assert caught.value.name == name and caught.value.reason.startswith(reason) and caught.value.advice


def test_a_decoder_s_complaints_do_not_reach_the_terminal(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = destroy_packet(numbered(tmp_path / "damaged.mp4"), 12)
    sample_frames(path, 4)
    assert capfd.readouterr() == ("", "")


def test_pts_are_missing_in_a_raw_stream_and_its_frames_are_numbered_all_the_same(tmp_path: Path) -> None:
    path = MADE["raw.h264"](tmp_path / "raw.h264")
    with av.open(str(path)) as container:
        assert all(packet.pts is None for packet in container.demux(video=0))
    assert numbers_of(read_clip(path, Evaluation(6)).frames) == [0, 4, 8, 12, 16, 20]
