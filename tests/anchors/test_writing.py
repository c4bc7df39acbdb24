"""Anchors made from clip files: real files, read again by the same decoder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ga2app.inference.anchors import make_anchors
from ga2app.inference.anchors.synthetic_anchors import CAPTIONS, NUM_FRAMES, Kind
from ga2app.synthetic.demo_dataset import subject_named, write_drawn_clip
from ga2app.video import Every, read_clip
from tests.clips import write_color_clip


def test_an_anchor_of_each_kind_is_written_and_lasts_as_long_as_its_clip(tmp_path: Path):
    write_drawn_clip(tmp_path / "run.mp4", subject_named("running"), "plain", 7)
    made = make_anchors([str(tmp_path / "run.mp4")], tmp_path / "out")
    assert [one.kind for one in made.clips] == list(Kind) and made.faults == ()
    source = read_clip(tmp_path / "run.mp4", Every(99))
    for one in made.clips:
        assert one.caption == CAPTIONS[one.kind] and one.source == str(tmp_path / "run.mp4")
        assert Path(one.path) == tmp_path / "out" / one.caption.replace(" ", "_") / "run.mp4"
        clip = read_clip(one.path, Every(99))
        assert clip.total_frames == NUM_FRAMES
        assert clip.total_frames / (clip.fps or 0) == pytest.approx(source.total_frames / (source.fps or 0), rel=0.01)
    held, median, away = (read_clip(one.path, Every(99)).frames.astype(float) for one in made.clips)
    for still in (held, median):
        assert np.abs(np.diff(still, axis=0)).mean() < 1
        assert still.shape[1:3] == (96, 96)
    assert away.shape[1:3] == (48, 48)
    assert [one.motion_share is not None for one in made.clips] == [False, False, True]


def test_clips_of_one_name_are_told_apart_and_a_clip_named_twice_counts_once(tmp_path: Path):
    paths = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        paths.append(write_color_clip(tmp_path / folder / "x.mp4", (200, 50, 50), seed=1))
    made = make_anchors([*paths, paths[0]], tmp_path / "out", [Kind.MEDIAN])
    assert [Path(one.path).name for one in made.clips] == ["x.mp4", "x-2.mp4"]


def test_odd_sizes_are_cropped_by_a_pixel(tmp_path: Path):
    import av

    frames = np.random.default_rng(0).integers(0, 255, (6, 33, 41, 3), np.uint8)
    with av.open(str(tmp_path / "odd.avi"), "w") as container:
        stream = container.add_stream("rawvideo", rate=10)
        stream.width, stream.height, stream.pix_fmt = 41, 33, "bgr24"
        for image in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="bgr24")))
        container.mux(stream.encode(None))
    made = make_anchors([str(tmp_path / "odd.avi")], tmp_path / "out", [Kind.HELD_FRAME])
    assert made.faults == ()
    assert read_clip(made.clips[0].path, Every(99)).frames.shape == (NUM_FRAMES, 32, 40, 3)


def test_a_clip_that_cannot_be_read_or_written_is_told_and_the_others_are_made(tmp_path: Path):
    good = write_color_clip(tmp_path / "good.mp4", (50, 200, 50), seed=2)
    (tmp_path / "bad.mp4").write_bytes(b"nothing")
    made = make_anchors([str(tmp_path / "bad.mp4"), good, str(tmp_path / "none.mp4")], tmp_path / "out", [Kind.AWAY])
    assert len(made.clips) == 1
    assert len(made.faults) == 2 and "bad.mp4" in made.faults[0] and "none.mp4" in made.faults[1]
    (tmp_path / "file").touch()
    blocked = make_anchors([good], tmp_path / "file", [Kind.AWAY])
    assert blocked.clips == () and "its folder cannot be made" in blocked.faults[0]


def test_a_real_clip_gives_anchors_that_can_be_read(real_clips: Path, tmp_path: Path):
    clip = sorted(real_clips.rglob("*.avi"))[0]
    made = make_anchors([str(clip)], tmp_path)
    assert made.faults == ()
    for one in made.clips:
        assert read_clip(one.path, Every(99)).total_frames == NUM_FRAMES
