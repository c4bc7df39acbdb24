"""A long video is labeled over time as its windows would be one by one, and every frame passes the tower once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ga2app import Recognizer, load_backbone
from ga2app.clip import Backbone
from ga2app.config import ClipConfig, OptimizerConfig, Pooling, PromptConfig, RunConfig
from ga2app.errors import ClipError, ConfigError, LabelError, LimitError
from ga2app.inference import sliding_windows
from ga2app.training import train
from ga2app.types import NoneOfThese, NoneWay
from ga2app.video.writer import write_clip, write_clip_at
from tests.approx import same_record
from tests.clips import COLORS, color_dataset

LABELS = list(COLORS)
WINDOWS: dict[str, Any] = {"window_s": 0.5, "step_s": 0.25}
"""Of a video of 24 frames a second: 4 frames a window, 3 apart, and every second one is the next window's, too."""
RUN = RunConfig(
    dataset="colors",
    backbone="tiny",
    shots=3,
    prompts=PromptConfig(length=2, visual_depth=2, text_depth=3, hard_prompt="random", zero_shot_ratio=0.2),
    optimizer=OptimizerConfig(learning_rate=0.02, epochs=2, warmup_epochs=1, evaluate_every=2),
    clips=ClipConfig(num_frames=4, augment=False),
)


@pytest.fixture(scope="module")
def backbone(tiny_clip_folder: Path) -> Backbone:
    return load_backbone(tiny_clip_folder, precision="float32")


@pytest.fixture(scope="module")
def bundle(backbone: Backbone, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("over-time")
    dataset = color_dataset(tmp_path_factory.mktemp("colors"))
    train(RUN, dataset, out=folder / "bundle", checkpoint=folder / "checkpoint", backbone=backbone)
    return str(folder / "bundle")


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Three seconds in which no two frames are alike."""
    path, rng = tmp_path_factory.mktemp("video") / "long.mp4", np.random.default_rng(0)
    colors = np.linspace(0, 255, 72)[:, None, None, None] * np.array([1, 0.2, 0]) + rng.uniform(0, 60, (72, 8, 8, 3))
    write_clip(path, colors.clip(0, 255).astype(np.uint8).repeat(6, 1).repeat(6, 2), 24)
    return str(path)


@pytest.mark.parametrize("way", [None, NoneWay.COMPETE, NoneWay.THRESHOLD])
@pytest.mark.parametrize("tuned", [False, True])
def test_a_window_is_answered_as_that_stretch_of_the_video_is(
    backbone: Backbone, bundle: str, video: str, tuned: bool, way: NoneWay | None
) -> None:
    asked: Any = {"none_of_these": way and NoneOfThese(("nothing", "a wall"), way, 0.4)}
    recognizer = Recognizer(backbone, bundle if tuned else None, num_frames=4)
    found = recognizer.over_time(video, LABELS, **WINDOWS, **asked)
    assert found.starts_s.tolist() == pytest.approx([0.25 * number for number in range(11)])
    assert (found.start, found.end, found.bundle) == (0, pytest.approx(3), bundle if tuned else None)
    stretches = [f"{video}#t={start:.3f},{start + 0.5:.3f}" for start in found.starts_s]
    answers = [clip.answers[-1] for clip in recognizer.recognize(stretches, LABELS, **asked).clips]
    for row, answer in zip(found.probabilities, answers, strict=True):
        scores = {score.label: score.score for score in answer.scores}
        assert same_record(dict(zip(found.labels, row.tolist(), strict=True)), {one: scores[one] for one in LABELS})
    assert found.none is None if way is None else found.none.tolist() == [answer.none for answer in answers]


def test_a_frame_passes_the_tower_once_however_many_windows_look_at_it(
    backbone: Backbone, video: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted, encode = [0], Backbone.encode_frames

    def counting(self: Backbone, pixels: Any, *more: Any, **named: Any) -> Any:
        counted[0] += len(pixels)
        return encode(self, pixels, *more, **named)

    monkeypatch.setattr(Backbone, "encode_frames", counting)
    found = Recognizer(backbone, num_frames=4).over_time(video, LABELS, **WINDOWS)
    assert len(found.starts_s) == 11 and counted == [24]  # every third frame, and not 4 for each window
    counted[0] = 0
    Recognizer(backbone, num_frames=4).over_time(video, LABELS, window_s=2, step_s=0.05)
    assert counted[0] <= 72


def test_what_is_held_does_not_grow_with_the_video(
    backbone: Backbone, video: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int] = []
    take = sliding_windows._Sweep.take

    def watched(self: Any, piece: Any) -> None:
        take(self, piece)
        held.append(len(self._features))

    monkeypatch.setattr(sliding_windows._Sweep, "take", watched)
    Recognizer(backbone, num_frames=4).over_time(video, LABELS, window_s=0.2, step_s=0.04)
    assert len(held) == 2 and held[-1] <= 6


def test_progress_grows_to_one_and_may_end_the_work(backbone: Backbone, video: str) -> None:
    shares: list[float] = []
    recognizer = Recognizer(backbone, num_frames=4)
    recognizer.over_time(video, LABELS, window_s=0.2, step_s=0.04, progress=shares.append)
    assert shares == sorted(shares) and len(shares) == 3 and shares[0] > 0.5 and shares[-1] == 1

    def enough(share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        recognizer.over_time(video, LABELS, progress=enough)


def test_a_video_shorter_than_a_window_is_one_window(backbone: Backbone, video: str) -> None:
    recognizer = Recognizer(backbone, num_frames=4)
    found = recognizer.over_time(f"{video}#t=1,1.75", LABELS, window_s=2)
    (answer,) = recognizer.recognize([f"{video}#t=1,1.75"], LABELS).clips
    assert dict(zip(LABELS, found.probabilities[0].tolist(), strict=True)) == pytest.approx(
        {score.label: score.score for score in answer.plain}, rel=1e-4
    )
    assert [(one.start, one.end) for one in found.stretches] == [(1, 1.75)]


def test_the_times_are_those_of_the_file_that_need_not_begin_at_zero(backbone: Backbone, tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 255, (12, 48, 48, 3), np.uint8)
    write_clip_at(tmp_path / "a.mp4", frames, [0.25 * number for number in range(12)], 3.0)
    found = Recognizer(backbone, num_frames=2).over_time(f"{tmp_path / 'a.mp4'}#t=1,3", LABELS, window_s=1)
    assert found.starts_s.tolist() == [1.0, 1.5, 2.0] and (found.start, found.end) == (1, pytest.approx(3))
    assert {found.stretches[0].start, found.stretches[-1].end} == {1, 3}
    assert found.address(found.stretches[0]).startswith(f"{tmp_path / 'a.mp4'}#t=1,")


def test_what_cannot_be_answered_is_refused_before_the_video_is_read(backbone: Backbone, bundle: str) -> None:
    with pytest.raises(ConfigError, match=r"2 bundles are loaded"):
        Recognizer(backbone, [bundle, bundle]).over_time("gone.mp4", LABELS)
    with pytest.raises(LabelError):
        Recognizer(backbone).over_time("gone.mp4", ["walking"])
    with pytest.raises(ConfigError, match="step: must be"):
        Recognizer(backbone).over_time("gone.mp4", LABELS, step_s=0)
    with pytest.raises(ClipError, match="there is no such file"):
        Recognizer(backbone).over_time("gone.mp4", LABELS)


def test_more_windows_and_labels_than_fit_into_memory_are_refused(
    backbone: Backbone, video: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sliding_windows, "MOST_PROBABILITIES", 20)
    with pytest.raises(LimitError, match="more than 5 windows of 4 labels; take a longer step"):
        Recognizer(backbone, num_frames=4).over_time(video, LABELS, **WINDOWS)


@pytest.fixture(scope="module")
def ordered(backbone: Backbone, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A bundle with order-aware pooling, which has learned something of the order of frames."""
    folder = tmp_path_factory.mktemp("ordered")
    dataset = color_dataset(tmp_path_factory.mktemp("colors"))
    run = replace(RUN, prompts=replace(RUN.prompts, pooling=Pooling.ORDERED))
    train(run, dataset, out=folder / "bundle", checkpoint=folder / "checkpoint", backbone=backbone)
    return str(folder / "bundle")


@pytest.mark.parametrize("frames", [1, 4])
@pytest.mark.parametrize("part", ["", "#t=1,1.3", "#t=1,1.05"])
def test_windows_of_a_bundle_that_sees_the_order_of_frames_are_answered_as_their_stretches_are(
    backbone: Backbone, ordered: str, video: str, frames: int, part: str
) -> None:
    recognizer = Recognizer(backbone, ordered, num_frames=frames)
    found = recognizer.over_time(video + part, LABELS, **WINDOWS)
    ends = [min(start + 0.5, found.end) for start in found.starts_s]
    stretches = [f"{video}#t={start:.3f},{end:.3f}" for start, end in zip(found.starts_s, ends, strict=True)]
    assert len(stretches) == (1 if part else 11)
    for row, clip in zip(found.probabilities, recognizer.recognize(stretches, LABELS).clips, strict=True):
        scores = {score.label: score.score for score in clip.answers[-1].scores}
        assert same_record(dict(zip(found.labels, row.tolist(), strict=True)), {one: scores[one] for one in LABELS})
