from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ga2app.config import ClipConfig
from ga2app.errors import ClipError, DatasetError
from ga2app.training.training_batches import FeatureSource, PixelSource, anchor_choice, draw_shots, epoch_order
from ga2app.types import Dataset, LabelledClip, Subset
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
