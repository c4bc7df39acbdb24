"""A clip whose frames are too many to be held is read with a forecast, and once more where that was wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ga2app.video import Evaluation, sequential
from ga2app.video.images import ImageMaker
from ga2app.video.writer import write_clip

FRAMES = 40


@pytest.fixture
def clip(tmp_path: Path) -> str:
    """Frame i is gray of level 6·i."""
    levels = (6 * np.arange(FRAMES, dtype=np.uint8))[:, None, None, None]
    path = tmp_path / "clip.mp4"
    write_clip(path, np.broadcast_to(levels, (FRAMES, 32, 48, 3)), 10)
    return str(path)


@pytest.mark.parametrize("expected", [FRAMES, FRAMES + 3, FRAMES // 2, 0], ids=lambda count: f"announced {count}")
@pytest.mark.parametrize("held_bytes", [10**9, 20_000, 0], ids=lambda count: f"holds {count} bytes")
def test_the_frames_are_the_same_whatever_is_announced_and_held(
    clip: str, expected: int, held_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequential, "HELD_BYTES", held_bytes)
    maker = ImageMaker(None)
    frames, indices, total = sequential.read_sequentially(clip, Evaluation(8), expected, maker=maker)
    assert (indices, total) == ((0, 5, 10, 15, 20, 25, 30, 35), FRAMES)
    assert [round(image.mean() / 6) for image in maker.images(frames)] == list(indices)
