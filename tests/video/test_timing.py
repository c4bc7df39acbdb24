"""How long a clip lasts and when its frames are shown, by time stamps; which frames are looked at goes by number."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from ga2app.services.clip_inspector import VideoInspector
from ga2app.video import Evaluation, Every, read_clip
from ga2app.video.video_clip import pace
from ga2app.video.writer import write_clip, write_clip_at
from tests.video.made_clips import FRAMES, Recording, numbered, numbers_of

SLOW_THEN_FAST_MS = [*range(0, 1000, 100), *(1000 + round(number * 1000 / 60) for number in range(60))]
"""10 frames in the first second, 60 in the next."""


def varying(path: Path) -> Path:
    return numbered(path, Recording(rate=60, times_ms=SLOW_THEN_FAST_MS[:64]), frames=64)


def test_the_length_of_a_varying_rate_is_that_of_its_time_stamps(tmp_path: Path) -> None:
    clip = read_clip(varying(tmp_path / "screen.mkv"), Every(100))
    # 54 frames of the fast part: it ends 1/60 s after 1 s + 53/60 s.
    assert clip.seconds == pytest.approx(1.9, abs=0.002)
    assert clip.fps == pytest.approx(64 / 1.9, rel=0.002)
    assert clip.times_s == pytest.approx([time / 1000 for time in SLOW_THEN_FAST_MS[:64]], abs=1e-6)


def test_which_frames_are_looked_at_still_goes_by_number(tmp_path: Path) -> None:
    clip = read_clip(varying(tmp_path / "screen.mkv"), Evaluation(4))
    assert numbers_of(clip.frames) == [0, 16, 32, 48]
    assert clip.times_s == pytest.approx([0, 1.1, 1.367, 1.633], abs=0.001)


def without_a_rate(path: Path) -> Path:
    """A WebM as a browser's MediaRecorder writes it: no rate, no length, 12 frames a second."""
    made = numbered(path.with_suffix(".mkv"), Recording("libvpx", times_ms=[83 * i for i in range(FRAMES)]))
    with av.open(str(made)) as source, av.open(str(path), "w", options={"live": "1"}) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream, packet.duration = stream, 0
                target.mux(packet)
    return path


def test_a_recording_without_a_rate_has_the_length_of_its_time_stamps(tmp_path: Path) -> None:
    clip = read_clip(without_a_rate(tmp_path / "recorded.webm"), Evaluation(4))
    assert clip.total_frames == FRAMES
    assert clip.seconds == pytest.approx(FRAMES * 0.083, abs=0.05)


@pytest.mark.parametrize("make", [varying, without_a_rate])
def test_a_preview_plays_as_long_and_at_the_pace_of_the_clip(tmp_path: Path, make) -> None:  # type: ignore[no-untyped-def]
    path, inspector = (
        make(tmp_path / "clip.webm" if make is without_a_rate else tmp_path / "clip.mkv"),
        VideoInspector(),
    )
    seconds = inspector.inspect(str(path)).seconds
    inspector.preview(str(path), tmp_path / "preview.mp4", px=64)
    clip, preview = read_clip(path, Every(100)), read_clip(tmp_path / "preview.mp4", Every(100))
    assert preview.seconds == pytest.approx(seconds, abs=0.02)
    assert numbers_of(preview.frames) == numbers_of(clip.frames)
    assert preview.times_s == pytest.approx(clip.times_s, abs=0.02)


def test_a_preview_of_a_fast_clip_leaves_frames_out_and_is_as_long(tmp_path: Path) -> None:
    write_clip(tmp_path / "fast.mp4", np.random.default_rng(0).integers(0, 255, (60, 32, 32, 3), np.uint8), 240)
    VideoInspector().preview(str(tmp_path / "fast.mp4"), tmp_path / "preview.mp4", px=32)
    preview = read_clip(tmp_path / "preview.mp4", Evaluation(1))
    assert (preview.total_frames, preview.fps) == (15, 60)
    assert preview.seconds == pytest.approx(0.25, rel=1e-4)


@pytest.mark.parametrize("name", ["long.mp4", "long.mkv"])
def test_clips_read_by_seeking_are_timed_as_those_read_in_order(tmp_path: Path, name: str) -> None:
    times_ms = [40 * number + (200 if number > 100 else 0) for number in range(310)]
    how = Recording(options={"g": "30", "bf": "0"}, times_ms=times_ms)
    path = numbered(tmp_path / name, how, frames=310, size=(128, 64))  # decord gives no frames 96 wide on AVX-512
    few, all_of_it = read_clip(path, Evaluation(3)), read_clip(path, Every(400))
    assert (few.reader, all_of_it.reader) == ("decord", "pyav")
    assert few.seconds == all_of_it.seconds == pytest.approx(310 * 0.04 + 0.2, abs=0.003)
    assert few.times_s == tuple(all_of_it.times_s[index] for index in few.indices)


def test_a_steady_clip_keeps_the_rate_and_the_length_of_its_file(tmp_path: Path) -> None:
    write_clip(tmp_path / "steady.mp4", np.zeros((20, 32, 32, 3), np.uint8), 12.5)
    clip = read_clip(tmp_path / "steady.mp4", Evaluation(4))
    assert (clip.fps, clip.seconds) == (12.5, 1.6)


def test_times_that_do_not_grow_or_are_missing_leave_the_rate() -> None:
    # Units of 10 ms: 0, 40 and 80 ms, and the last frame stays for 40.
    assert pace([0, 4, 8], 4, 0.01, 3, 25).seconds == pytest.approx(0.12, rel=1e-4)
    assert pace([0, 4, 3], 4, 0.01, 3, 25) == pace(None, 0, 0.01, 3, 25)
    assert pace(None, 0, 0.01, 3, 25).seconds == pytest.approx(3 / 25, rel=1e-4)
    assert pace(None, 0, 0.01, 3, None).seconds is None
    # A last frame that tells no time stays as long as the one before it; the first begins the clip.
    uneven = pace([50, 60, 90], 0, 0.01, 3, 25)
    assert (uneven.seconds, uneven.fps) == (pytest.approx(0.7, rel=1e-4), pytest.approx(3 / 0.7, rel=1e-4))
    assert uneven.starts_s == pytest.approx([0, 0.1, 0.4], rel=1e-4)


def test_a_clip_written_at_uneven_times_comes_back_at_these(tmp_path: Path) -> None:
    frames = np.broadcast_to(np.arange(0, 200, 20, dtype=np.uint8)[:, None, None, None], (10, 32, 32, 3))
    times_s = [0, 0.1, 0.2, 0.3, 0.9, 0.92, 0.94, 0.96, 0.98, 1.0]
    write_clip_at(tmp_path / "uneven.mp4", frames, times_s, 1.5)
    clip = read_clip(tmp_path / "uneven.mp4", Every(20))
    assert clip.times_s == pytest.approx(times_s, abs=1e-3)
    assert clip.seconds == pytest.approx(1.5, abs=1e-3)
    assert [round(frame.mean() / 20) for frame in clip.frames] == list(range(10))
