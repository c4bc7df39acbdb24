"""The real decoder behind the screens: facts, warnings, pictures and copies of clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from clips import write_color_clip
from PIL import Image

from ga2app.errors import ClipError
from ga2app.services.clip_inspector import VideoInspector
from ga2app.video.writer import write_clip
from tests.video.made_clips import Recording, numbered


@pytest.fixture(scope="module")
def inspector() -> VideoInspector:
    return VideoInspector()


def test_a_clip_is_opened_measured_and_pictured(inspector: VideoInspector, tmp_path: Path) -> None:
    path = write_color_clip(tmp_path / "a.mp4", (220, 40, 40), seed=1, frames=20, side=400)
    facts = inspector.inspect(path, tmp_path / "made" / "a.jpg")
    assert (facts.seconds, facts.frames, facts.width, facts.height, facts.warnings) == (2.0, 20, 400, 400, ())
    with Image.open(tmp_path / "made" / "a.jpg") as picture:
        assert (picture.format, picture.size) == ("JPEG", (160, 160))
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["a.jpg"]


def test_a_doubtful_clip_is_taken_with_a_word_of_warning(inspector: VideoInspector, tmp_path: Path) -> None:
    write_clip(tmp_path / "flat.mp4", np.full((1, 32, 48, 3), 90, np.uint8), 10)
    said = inspector.inspect(str(tmp_path / "flat.mp4")).warnings
    assert [text.partition(":")[0] for text in said] == [
        "it has a single frame, which shows no movement",
        "its picture is tiny (48 x 32 pixels)",
        "it shows one plain color, nothing else",
    ]


def test_what_is_no_clip_is_refused_and_leaves_no_picture(inspector: VideoInspector, tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("not a clip")
    with pytest.raises(ClipError, match="this is text, not a video"):
        inspector.inspect(str(tmp_path / "text.mp4"), tmp_path / "text.jpg")
    with pytest.raises(ClipError, match="no such file"):
        inspector.preview(str(tmp_path / "gone.mp4"), tmp_path / "gone-preview.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["text.mp4"]


def test_a_preview_is_a_small_mp4_as_long_as_the_clip(inspector: VideoInspector, tmp_path: Path) -> None:
    path = write_color_clip(tmp_path / "long.mp4", (40, 200, 40), seed=2, frames=300, side=48)
    inspector.preview(path, tmp_path / "preview.mp4", px=33)
    facts = inspector.inspect(str(tmp_path / "preview.mp4"))
    assert (facts.frames, facts.width, facts.height) == (150, 32, 32)
    assert facts.seconds == pytest.approx(30.0, rel=0.01)


def test_a_picture_that_cannot_be_written_is_told(inspector: VideoInspector, tmp_path: Path) -> None:
    path = write_color_clip(tmp_path / "a.mp4", (220, 40, 40), seed=1)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ClipError, match="no picture of it can be written"):
        inspector.thumbnail(path, tmp_path / "file" / "a.jpg")


def test_a_clip_that_a_phone_turned_is_measured_upright(inspector: VideoInspector, tmp_path: Path) -> None:
    facts = inspector.inspect(str(numbered(tmp_path / "phone.mp4", Recording(rotation=90), size=(340, 256))))
    assert (facts.width, facts.height) == (256, 340)


def test_a_phone_clip_is_measured_upright(inspector: VideoInspector, real_clips: Path) -> None:
    facts = inspector.inspect(str(real_clips.parent / "odd" / "rotated90_phone.mp4"))
    assert (facts.width, facts.height) == (256, 340)
