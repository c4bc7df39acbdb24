from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ga2app.clip import Backbone
from ga2app.config import ClipConfig, LossConfig, OptimizerConfig, PromptConfig, RunConfig
from ga2app.errors import ClipError, DatasetError
from ga2app.paths import default_home
from ga2app.training import train
from ga2app.training.training_batches import (
    AnchorSource,
    FeatureSource,
    PixelSource,
    anchor_choice,
    draw_shots,
    epoch_order,
    loader_of,
)
from ga2app.types import Dataset, Event, EventKind, LabelledClip, Subset
from ga2app.video.clip_loader import ClipLoader
from ga2app.video.decoder_pool import shared_pool
from ga2app.video.pixels import evaluation_pixels
from tests.clips import write_color_clip


def dataset(*labels: str, clips: int = 6, folder: str = "/a") -> Dataset:
    made = [LabelledClip(f"{folder}/{label}-{number}.mp4", label) for label in labels for number in range(clips)]
    tested = LabelledClip("/a/test.mp4", labels[0], Subset.TEST)
    return Dataset("set", labels, (), (*made, tested))


def test_shots_are_drawn_by_seed_from_the_training_clips_of_each_class():
    data = dataset("walking", "running")
    drawn = draw_shots(data, 4, seed=1)
    assert [clip.label for clip in drawn] == ["walking"] * 4 + ["running"] * 4
    assert len({clip.path for clip in drawn}) == 8 and "/a/test.mp4" not in {clip.path for clip in drawn}
    assert drawn == draw_shots(data, 4, seed=1) != draw_shots(data, 4, seed=2)


def test_another_class_or_another_folder_does_not_change_a_class_draw():
    few, more = dataset("walking", "running"), dataset("jumping", "walking", "running", folder="/b")
    names = [
        sorted(Path(clip.path).name for clip in draw_shots(data, 3, seed=5) if clip.label == "running")
        for data in (few, more)
    ]
    assert names[0] == names[1]


def test_a_class_with_fewer_clips_gives_all_it_has():
    assert len(draw_shots(dataset("walking", "running", clips=2), 16, seed=0)) == 4


def test_classes_without_training_clips_are_named():
    data = dataset("walking", "running")
    empty = Dataset("set", ("walking", "running", "jumping", "rowing"), (), data.clips)
    with pytest.raises(DatasetError, match="has no training clips for: jumping, rowing; add clips of these classes"):
        draw_shots(empty, 2, seed=0)


def test_an_epoch_shows_every_clip_once_in_an_order_of_its_own():
    first, second = (epoch_order(10, 4, seed=3, epoch=epoch) for epoch in (0, 1))
    assert [len(batch) for batch in first] == [4, 4, 2]
    assert sorted(sum(first, [])) == list(range(10)) and first != second
    assert first == epoch_order(10, 4, seed=3, epoch=0)


def test_anchors_of_a_step_do_not_repeat_while_there_are_enough():
    assert len(set(anchor_choice(9, 4, seed=1, step=5))) == 4
    assert sorted(anchor_choice(3, 8, seed=1, step=5)) == [0, 1, 2]
    assert anchor_choice(9, 4, seed=1, step=5) != anchor_choice(9, 4, seed=1, step=6)


def test_features_come_in_the_order_asked_for():
    features = torch.arange(6.0).reshape(3, 2)
    assert [batch.tolist() for batch in FeatureSource(features).batches([[2, 0], [1]], 0)] == [
        [[4.0, 5.0], [0.0, 1.0]],
        [[2.0, 3.0]],
    ]


def test_pixels_hang_on_seed_epoch_and_clip_alone(tmp_path: Path):
    paths = [write_color_clip(tmp_path / f"{number}.mp4", (200, 90, 40), number, frames=9) for number in range(3)]
    source = PixelSource(paths, ClipConfig(num_frames=2), 32, seed=4)
    whole = torch.cat(list(source.batches([[0, 1], [2]], 0)))
    parts = torch.cat(list(source.batches([[0], [1], [2]], 0)))
    assert whole.shape == (3, 2, 3, 32, 32) and torch.equal(whole, parts)
    assert not torch.equal(whole, torch.cat(list(source.batches([[0, 1, 2]], 1))))


def test_a_clip_that_went_away_stops_the_epoch_with_its_name(tmp_path: Path):
    source = PixelSource([str(tmp_path / "gone.mp4")], ClipConfig(num_frames=2), 32, seed=4)
    with pytest.raises(ClipError, match=r"gone\.mp4"):
        list(source.batches([[0]], 0))


def test_the_same_batches_come_whatever_the_number_of_decoders_and_with_or_without_a_cache(tmp_path: Path):
    paths = [write_color_clip(tmp_path / f"{number}.mp4", (200, 90, 40), number, frames=9) for number in range(5)]
    clips, order = ClipConfig(num_frames=2), [[3, 0], [4, 1], [2]]
    plain, *others = (
        [torch.cat(list(source.batches(order, epoch))) for epoch in (0, 1, 2)]
        for source in (
            PixelSource(paths, clips, 32, 4, ClipLoader(1)),
            PixelSource(paths, clips, 32, 4, ClipLoader(3), epochs=3),
            PixelSource(paths, clips, 32, 4, loader_of(replace(clips, decoders=2), keep=True), epochs=3),
            PixelSource(paths, clips, 32, 4, loader_of(replace(clips, decoders=1), keep=True), epochs=3),
        )
    )
    for other in others:
        assert all(torch.equal(one, two) for one, two in zip(plain, other, strict=True))


def test_clips_of_a_rank_are_those_that_one_process_would_have_read(tmp_path: Path):
    paths = [write_color_clip(tmp_path / f"{number}.mp4", (200, 90, 40), number, frames=9) for number in range(4)]
    source = PixelSource(paths, ClipConfig(num_frames=2), 32, seed=4)
    (whole,) = source.batches([[3, 0, 2, 1]], 1)
    shares = [torch.cat(list(source.batches([share], 1))) for share in ([3, 0], [2, 1])]
    assert torch.equal(whole, torch.cat(shares))


def test_anchors_of_a_step_are_the_same_read_ahead_or_by_themselves(tmp_path: Path):
    paths = [write_color_clip(tmp_path / f"{number}.mp4", (200, 90, 40), number) for number in range(3)]
    source = AnchorSource(paths, 2, 2, 32, 7, ClipLoader(2))
    ahead = {step: source.pixels(step) for step in (0, 1, 2, 5, 6)}
    source.close()
    for step, pixels in ahead.items():
        alone = [evaluation_pixels(paths[number], 2, 32) for number in anchor_choice(3, 2, 7, step)]
        assert source.chosen(step) == anchor_choice(3, 2, 7, step) and torch.equal(pixels, torch.stack(alone))


def test_from_the_second_epoch_on_no_video_is_opened(backbone: Backbone, dataset: Dataset, tmp_path: Path):
    opened, before = list[int](), shared_pool.opened

    def note(event: Event) -> None:
        if event.kind is EventKind.EPOCH:
            opened.append(shared_pool.opened)

    config = RunConfig(
        prompts=PromptConfig(length=2, visual_depth=1, text_depth=1, coupled=False),
        optimizer=OptimizerConfig(epochs=3, warmup_epochs=0, batch_size=2),
        losses=LossConfig(anchor_distillation=1.0),
        clips=ClipConfig(num_frames=2, decoders=2),
        shots=2,
    )
    train(config, dataset, out=tmp_path / "out", checkpoint=tmp_path / "c", emit=note, backbone=backbone)
    assert len(opened) == 3 and before < opened[0] == opened[1] == opened[2]


def test_a_cache_folder_that_fails_is_told_once_in_a_run(backbone: Backbone, dataset: Dataset, tmp_path: Path):
    frames = default_home().frames
    frames.parent.mkdir(parents=True)
    frames.write_text("a file in the way")
    told: list[str] = []

    def note(event: Event) -> None:
        if event.kind is EventKind.LOG:
            told.append(event.values["text"])

    config = RunConfig(
        prompts=PromptConfig(length=2, visual_depth=1, text_depth=0, coupled=False),
        optimizer=OptimizerConfig(epochs=2, warmup_epochs=0, batch_size=2),
        clips=ClipConfig(num_frames=2),
        shots=2,
    )
    assert train(
        config, dataset, out=tmp_path / "out", checkpoint=tmp_path / "c", emit=note, backbone=backbone
    ).finished
    assert len(told) == 1 and "cannot be written" in told[0]
