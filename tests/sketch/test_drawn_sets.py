"""Drawn clips, examples and data sets: complete, repeatable, and whole or not there at all."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ga2app.errors import ClipError, DatasetError
from ga2app.synthetic import demo_dataset as demo
from ga2app.synthetic.actions import ACTIONS
from ga2app.synthetic.demo_dataset import (
    DEMO_SET,
    DrawnSet,
    build_examples,
    demo_dataset,
    drawn_dataset,
    generate,
    write_drawn_clip,
)
from ga2app.synthetic.world import clip_frames
from ga2app.types import Subset
from ga2app.video import sample_frames
from tools.contact_sheet import contact_sheet

SMALL = replace(
    DEMO_SET,
    base=DEMO_SET.base[:2],
    novel=DEMO_SET.novel[:2],
    base_train=2,
    base_test=1,
    novel_test=1,
    anchors_per_scene=1,
)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("drawn") / "demo"
    drawn_dataset(folder, SMALL)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_a_drawn_set_holds_what_it_promises(small: Path):
    dataset = drawn_dataset(small, SMALL)
    assert dataset.base == ("walking", "waving a hand") and dataset.novel == ("running", "clapping hands")
    counts = Counter((clip.label, clip.subset) for clip in dataset.clips)
    assert counts[("walking", Subset.TRAIN)] == 2 and counts[("walking", Subset.TEST)] == 1
    assert counts[("running", Subset.TEST)] == 1 and ("running", Subset.TRAIN) not in counts
    assert len(dataset.anchors) >= 8
    assert all("person" not in anchor.caption for anchor in dataset.anchors)
    assert dataset.negatives
    assert all(Path(clip.path).is_file() for clip in dataset.clips)


def test_the_manifest_names_path_label_subset_and_group(small: Path):
    with (small / "clips.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert set(rows[0]) == {"path", "label", "subset", "group"}
    assert {row["group"] for row in rows} == {"base", "novel", "anchor"}


def test_the_same_seed_draws_the_same_files_and_no_clip_twice(small: Path, tmp_path: Path):
    drawn_dataset(tmp_path / "again", SMALL)
    one, again = files(small), files(tmp_path / "again")
    assert list(one) == list(again) and one["clips.csv"] == again["clips.csv"]
    clips = [name for name in one if name.endswith(".mp4")]
    assert len({one[name] for name in clips}) == len(clips), "train and test must not share a clip"
    for name in clips[::4]:  # an encoder may choose other bits for the same pixels
        pair = [sample_frames(folder / name, 12).astype(float) for folder in (small, tmp_path / "again")]
        assert np.abs(pair[0] - pair[1]).mean() < 3


def test_a_set_that_cannot_be_finished_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    written = []

    def full_disk(path: Path, *rest: object) -> None:
        written.append(path)
        if len(written) == 3:
            raise ClipError(path.name, "cannot be written (no space)", "check the free space")
        write_drawn_clip(path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(demo, "write_drawn_clip", full_disk)
    with pytest.raises(ClipError, match="no space"):
        drawn_dataset(tmp_path / "demo", SMALL)
    assert len(written) == 3
    assert list(tmp_path.iterdir()) == []


def test_a_clip_that_was_deleted_is_named(tmp_path: Path):
    folder = tmp_path / "demo"
    dataset = drawn_dataset(folder, replace(SMALL, novel=(), anchors_per_scene=0))
    Path(dataset.clips[0].path).unlink()
    with pytest.raises(DatasetError, match=r"lacks 1 of 6 clips, such as base-train/walking/walking-00.mp4; delete"):
        drawn_dataset(folder, SMALL)


def test_a_folder_of_something_else_is_refused(tmp_path: Path):
    with pytest.raises(DatasetError, match="holds no clips.csv"):
        demo_dataset(tmp_path)


def test_the_demo_is_large_enough_to_mean_something():
    assert isinstance(DEMO_SET, DrawnSet) and DEMO_SET.style == "camcorder"
    assert DEMO_SET.base_train == 16 and DEMO_SET.base_test >= 10 and DEMO_SET.novel_test >= 6
    assert DEMO_SET.anchors_per_scene * 14 >= 24


def test_examples_are_eight_labelled_clips_and_are_kept(tmp_path: Path):
    made = build_examples(tmp_path)
    assert len(made) == 8 and {label for _, label in made} <= {action.name for action in ACTIONS.values()}
    assert sample_frames(made[0][0], 8).shape == (8, 128, 128, 3)
    before = made[0][0].stat().st_mtime_ns
    assert build_examples(tmp_path) == made
    assert made[0][0].stat().st_mtime_ns == before


def test_a_written_clip_shows_what_was_drawn(tmp_path: Path):
    path = tmp_path / "clip.mp4"
    write_drawn_clip(path, ACTIONS["boxing"], "plain", 4)
    drawn = clip_frames(ACTIONS["boxing"], "plain", 4, 12, 96)
    assert np.abs(sample_frames(path, 12).astype(float) - drawn).mean() < 6


def test_generating_makes_class_folders(tmp_path: Path):
    made = generate(tmp_path, "film", 2, names=["boxing", "a clock ticking"])
    assert [(path.parent.name, label) for path, label in made] == [
        ("boxing", "boxing"),
        ("boxing", "boxing"),
        ("a_clock_ticking", "a clock ticking"),
        ("a_clock_ticking", "a clock ticking"),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"style": "oil"}, "style 'oil' does not exist; choose one of plain, camcorder, film"),
        ({"clips_per_class": 0}, "clips_per_class is 0, but must be at least 1"),
        ({"names": ["flying a plane"]}, "the sketch world has no 'flying a plane'"),
    ],
)
def test_generating_what_does_not_exist_is_refused(tmp_path: Path, arguments: dict[str, object], message: str):
    with pytest.raises(DatasetError, match=message):
        generate(tmp_path, **arguments)  # type: ignore[arg-type]


def test_the_contact_sheet_is_a_picture_of_moderate_size(tmp_path: Path):
    contact_sheet(tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as picture:
        assert picture.width <= 1000
    assert (tmp_path / "sheet.png").stat().st_size < 600_000
