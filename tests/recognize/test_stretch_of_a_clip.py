"""A stretch of a video is recognized as a clip of these frames would be, whichever way it is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ga2app import Recognizer
from ga2app.errors import ClipError
from ga2app.stretches import part_of_clip
from ga2app.video.writer import write_clip

LABELS = ["walking", "running"]


@pytest.fixture
def video(tmp_path: Path) -> str:
    """A second of red, then a second of blue."""
    frames = np.zeros((20, 48, 48, 3), np.uint8)
    frames[:10, ..., 0] = frames[10:, ..., 2] = 200
    write_clip(tmp_path / "video.mp4", frames, 10)
    return str(tmp_path / "video.mp4")


def test_only_the_frames_of_the_stretch_are_looked_at(video: str, tiny_clip_folder: Path) -> None:
    recognizer = Recognizer(str(tiny_clip_folder))
    red, blue, both = recognizer.recognize([f"{video}#t=0,1", f"{video}#t=1", video], LABELS).clips
    assert {picture.mean(axis=(0, 1)).argmax() for picture in red.thumbnails} == {0}
    assert {picture.mean(axis=(0, 1)).argmax() for picture in blue.thumbnails} == {2}
    assert {picture.mean(axis=(0, 1)).argmax() for picture in both.thumbnails} == {0, 2}
    assert len({clip.plain[0].score for clip in (red, blue, both)}) == 3


def test_a_stretch_outside_the_video_costs_that_clip_alone(video: str, tiny_clip_folder: Path) -> None:
    found = Recognizer(str(tiny_clip_folder)).recognize([f"{video}#t=7,8", f"{video}#t=0,1"], LABELS).clips
    assert "7–8 s lies outside: its frames are shown from 0 s to 1.9 s" in str(found[0].error)
    assert found[1].error is None


@pytest.mark.parametrize("typed", ["12,15.5", " 12 , 15.5 ", "0:12-0:15.5", "12–15.5"])
def test_a_stretch_is_typed_as_people_write_it(typed: str) -> None:
    assert part_of_clip("a.mp4", typed) == "a.mp4#t=12,15.5"
    assert part_of_clip("a.mp4", " ") == "a.mp4"


@pytest.mark.parametrize("typed", ["soon", "5,2", "1e3,2", "nan,1"])
def test_what_is_no_stretch_is_refused(typed: str) -> None:
    with pytest.raises(ClipError, match=r"match.mp4#t=12,15\.5"):
        part_of_clip("a.mp4", typed)
    with pytest.raises(ClipError, match="it is a stretch already, 1–2 s"):
        part_of_clip("a.mp4#t=1,2", "0,1")
