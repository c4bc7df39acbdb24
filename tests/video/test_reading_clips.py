"""Both readers give the frames of a plain decode from the first packet to the last."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from ga2app.video import ClipFrames, Evaluation, Every, Training, Views, read_clip, sample_frames
from ga2app.video.domain_check import looks_photographic

CLIPS = Path(__file__).resolve().parents[3] / "shared" / "clips"
REFUSED = {
    "audio_only.mp3", "audio_only.mp4", "image_renamed.mp4", "image_renamed_png.png", "jpeg_renamed.mp4",
    "random_bytes.mp4", "text.mp4", "truncated_no_moov.mp4", "zero_byte.mp4",
}  # fmt: skip
DAMAGED = {"garbage_middle.mp4", "truncated.avi"}
"""Their frames from the first fault to the next keyframe, here the end, are left out."""

TURNED = {"rot_90.mov", "rotated90_phone.mp4"}
SMALL_PX = 60


@dataclass
class Plain:
    """A plain decode: how many frames, and those of the wanted numbers at full size and shrunk."""

    total: int = 0
    full: dict[int, NDArray[np.uint8]] = field(default_factory=dict)
    small: dict[int, NDArray[np.uint8]] = field(default_factory=dict)


def readable_clips() -> list[Path]:
    return [path for path in sorted(CLIPS.glob("*/*")) if path.name not in REFUSED]


def plain_decode(path: Path, full: set[int], small: set[int], small_size: tuple[int, int]) -> Plain:
    found = Plain()
    with av.open(str(path), metadata_errors="ignore") as container:
        stream = max(container.streams.video, key=lambda candidate: candidate.width * candidate.height)
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except av.FFmpegError:
                continue
            for frame in frames:
                turns = frame.rotation // 90
                if found.total in full:
                    found.full[found.total] = np.rot90(shown(frame, stream), turns)
                if found.total in small:
                    height, width = small_size[::-1] if turns % 2 else small_size
                    shrunk = frame.reformat(width, height, "rgb24", interpolation="BICUBIC")
                    found.small[found.total] = np.rot90(shrunk.to_ndarray(), turns)
                found.total += 1
    return found


def shown(frame: av.VideoFrame, stream: av.VideoStream) -> NDArray[np.uint8]:
    """RGB (H, W, 3) as PyAV gives it; widened where pixels are not square. A ratio that is a rounding error is none."""
    ratio = float(stream.sample_aspect_ratio or 1)
    if abs(ratio - 1) > 0.01:
        frame = frame.reformat(round(frame.width * ratio), frame.height, "rgb24", interpolation="BICUBIC")
    return frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)


def same(frames: NDArray[np.uint8], expected: dict[int, NDArray[np.uint8]], numbers: list[int]) -> bool:
    """Whether each of ``frames`` differs from the expected one by less than 1 of 255 on average."""
    pairs = zip(frames, (expected[number] for number in numbers), strict=True)
    return all(np.abs(image.astype(np.int16) - other).mean() < 1 for image, other in pairs)


@functools.cache
def shrunk(path: Path) -> ClipFrames:
    """Eight frames, as small as a look at what they show needs."""
    return sampled(path, 8, 73)


@pytest.mark.parametrize("path", readable_clips() or [None], ids=lambda path: path.name if path else "absent")
def test_sampled_frames_are_those_of_a_plain_sequential_decode(path: Path | None) -> None:
    """Shrunk, and at full size where a clip is odd or found by seeking: a long decode more says nothing of the rest."""
    if path is None:
        pytest.skip("the borrowed clips are not here")
    small = shrunk(path)
    total = small.total_frames
    odd, sought = path.parent.name == "odd", small.reader == "decord"
    full = {count: sampled(path, count, None) for count in (*[32] * odd, *(4, 8, 16) * sought)}
    numbers = {count: [i * total // count for i in range(count)] for count in (8, *full)}
    wanted = {number for count in full for number in numbers[count]}
    plain = plain_decode(path, wanted, set(numbers[8]), small.frames.shape[1:3])

    if path.name in DAMAGED:
        assert total < plain.total
    else:
        assert total == plain.total
    assert small.indices == tuple(numbers[8])
    assert same(small.frames, plain.small, numbers[8])
    for count, clip in full.items():
        assert clip.total_frames == total and clip.indices == tuple(numbers[count])
        assert same(clip.frames, plain.full, numbers[count])


def test_most_real_clips_are_told_from_drawings(real_clips: Path) -> None:
    flagged = [path for path in real_clips.iterdir() if looks_photographic(shrunk(path).frames)]
    assert len(flagged) >= 23


def sampled(path: Path, num_frames: int, short_side_px: int | None) -> ClipFrames:
    return read_clip(path, Evaluation(num_frames), short_side_px=short_side_px)


@pytest.mark.parametrize("name", ["intel_one_by_one_person.mp4"])
def test_a_long_trusted_clip_is_read_by_seeking(real_clips: Path, name: str) -> None:
    assert read_clip(real_clips / name, Evaluation(8)).reader == "decord"


@pytest.mark.parametrize("name", ["v_Basketball_g01_c01.avi", "applausing.mp4", "flipping_a_pancake.mkv"])
def test_a_clip_that_is_short_or_starts_late_is_read_in_order(real_clips: Path, name: str) -> None:
    assert read_clip(real_clips / name, Evaluation(8)).reader == "pyav"


def test_a_phantom_packet_at_the_end_is_not_a_frame(real_clips: Path) -> None:
    clip = read_clip(real_clips / "RATRACE_wave_f_nm_np1_fr_goo_37.avi", Every(1000))
    assert (clip.total_frames, len(clip.frames)) == (72, 72)  # 73 packets


def test_of_two_video_streams_the_larger_one_is_read(real_clips: Path) -> None:
    assert sample_frames(real_clips / "nasa_13013.mp4", 2).shape == (2, 270, 480, 3)  # the other is 320x180


@pytest.mark.parametrize("name", sorted(TURNED))
def test_a_turned_clip_comes_upright_and_shrinks_upright(real_clips: Path, name: str) -> None:
    path = real_clips.parent / "odd" / name
    full, small = sample_frames(path, 1)[0], sample_frames(path, 1, short_side_px=SMALL_PX)[0]
    assert full.shape[0] > full.shape[1]
    assert small.shape[:2] == (round(full.shape[0] * SMALL_PX / full.shape[1]), SMALL_PX)


def test_a_small_picture_is_not_enlarged(real_clips: Path) -> None:
    path = real_clips.parent / "odd" / "tiny_16x16.mp4"  # its pixels are wider than high, 4 to 3
    assert sample_frames(path, 2, short_side_px=224).shape == (2, 16, 21, 3)


def test_each_sampling_is_applied_to_the_true_number_of_frames(real_clips: Path) -> None:
    path = real_clips / "v_Basketball_g01_c01.avi"
    every = read_clip(path, Every(1000), short_side_px=SMALL_PX)
    for sampling in (Training(5, seed=3), Views(4, views=2), Every(7)):
        clip = read_clip(path, sampling, short_side_px=SMALL_PX)
        assert clip.indices == sampling.indices(141)
        assert np.array_equal(clip.frames, every.frames[list(clip.indices)])


def test_a_frame_rate_and_the_clip_s_length_are_told(real_clips: Path) -> None:
    clip = read_clip(real_clips / "abseiling_k400.mp4", Evaluation(2))
    assert (clip.total_frames, clip.fps) == (250, 25.0)
