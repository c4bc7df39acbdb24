"""A clip that goes on: the last frames are recognized as a clip of them is, and each passes the tower once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ga2app import Recognizer, load_backbone
from ga2app.clip import Backbone
from ga2app.errors import ConfigError, LabelError
from ga2app.inference import LiveClip
from ga2app.inference.answer_notes import REAL_FOOTAGE
from ga2app.paths import SKETCH_HARD_PROMPT
from ga2app.synthetic.actions import ACTIONS
from ga2app.synthetic.demo_dataset import write_drawn_clip
from ga2app.types import NoneOfThese
from ga2app.video import sample_frames
from tests.approx import same_record

LABELS = ["climbing a ladder", "riding a bicycle", "flying a kite"]


@pytest.fixture(scope="module")
def sketch() -> Backbone:
    return load_backbone("sketch")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("drawn") / "riding.mp4"
    write_drawn_clip(path, ACTIONS["riding_a_bicycle"], "camcorder", 3)
    return path


@pytest.fixture(scope="module")
def frames(clip: Path, sketch: Backbone) -> NDArray[np.uint8]:
    return sample_frames(clip, 6, short_side_px=sketch.preprocessing.read_px)


@pytest.mark.parametrize("asked", [{}, {"none_of_these": NoneOfThese(("nothing", "a wall"))}])
def test_the_last_frames_are_answered_for_as_a_clip_of_them_is(
    sketch: Backbone, clip: Path, frames: NDArray[np.uint8], asked: dict[str, Any]
) -> None:
    recognizer = Recognizer(sketch, SKETCH_HARD_PROMPT, num_frames=6)
    (whole,) = recognizer.recognize([clip], LABELS, **asked).clips
    live = LiveClip(recognizer, LABELS, **asked)
    for frame in (*frames[::-1], *frames):
        answers = live.see(frame)
    assert live.names == tuple(LABELS) and len(answers) == 2
    for mine, theirs in zip(answers, whole.answers, strict=True):
        assert same_record(mine.scores, theirs.scores) and same_record(mine.curves, theirs.curves)
        assert same_record(mine.verdict, theirs.verdict)


def test_a_clip_that_has_just_begun_is_one_of_fewer_frames(sketch: Backbone, frames: NDArray[np.uint8]) -> None:
    begun = LiveClip(Recognizer(sketch, num_frames=6), LABELS)
    for count in (1, 2, 3):
        shorter = LiveClip(Recognizer(sketch, num_frames=count), LABELS)
        answers = [shorter.see(frame) for frame in frames[:count]]
        assert same_record(begun.see(frames[count - 1])[0].scores, answers[-1][0].scores)


def test_each_frame_passes_the_tower_once(
    sketch: Backbone, frames: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    passed, encode = [], sketch.encode_frames

    def counted(chunk: torch.Tensor, *more: Any, **named: Any) -> torch.Tensor:
        passed.append(len(chunk))
        return encode(chunk, *more, **named)

    live = LiveClip(Recognizer(sketch, num_frames=6), LABELS)
    monkeypatch.setattr(sketch, "encode_frames", counted)
    for frame in frames:
        live.see(frame)
    assert passed == [1] * len(frames)


def test_what_recognizing_refuses_is_refused_before_a_frame_is_seen(sketch: Backbone) -> None:
    with pytest.raises(LabelError, match="the only label"):
        LiveClip(Recognizer(sketch), ["waving"])
    with pytest.raises(ConfigError, match="top_k"):
        LiveClip(Recognizer(sketch), LABELS, top_k=0)


def test_the_sketch_backbone_is_told_that_a_camera_shows_no_drawings(sketch: Backbone) -> None:
    live, noise = LiveClip(Recognizer(sketch, num_frames=2), LABELS), np.random.default_rng(0)
    for _ in range(4):
        coarse = noise.integers(0, 255, (12, 16, 3), np.uint8)
        live.see(np.kron(coarse, np.ones((10, 10, 1), np.uint8)))
    assert [REAL_FOOTAGE in note for note in live.notes] == [True]
