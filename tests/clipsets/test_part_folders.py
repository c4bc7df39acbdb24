"""Folders as people keep them: parts under any name, wrappers, files of other programs, and lists among them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from ga2app.datasets import read_clipset
from ga2app.datasets.clip_names import Part, part_of, parts_of
from ga2app.errors import DatasetError

from .trees import clips_of, touch, write


def in_parts(root: Path, train: str, test: str) -> Path:
    """Three clips of two classes for training and one for testing, below folders of these names."""
    names = [f"{train}/{label}/{label}{number}.mp4" for label in ("walk", "run") for number in range(3)]
    return touch(root, *names, *(f"{test}/{label}/{label}9.mp4" for label in ("walk", "run")))


def counts(root: Path, notes: list[str] | None = None) -> tuple[tuple[str, ...], dict[str, int]]:
    dataset = read_clipset(root, notes=notes)
    return dataset.base, dict(Counter(clip.subset.value for clip in dataset.clips))


@pytest.mark.parametrize(
    "pair",
    [
        ("train", "test"),
        ("Train", "Test"),
        ("TRAINING", "TESTING"),
        ("training", "validation"),
        ("train", "val"),
        ("train", "valid"),
        ("train", "dev"),
        ("train", "eval"),
        ("videos_train", "videos_val"),
        ("train_256", "val_256"),
        ("trainset", "testset"),
        ("TrainSet", "TestSet"),
        ("gym_train", "gym_val"),
        ("data/train", "data/test"),
        ("set one/data/Train", "set one/data/Val"),
        ("train/videos", "test/videos"),
    ],
)
def test_folders_of_parts_under_every_usual_name(tmp_path: Path, pair: tuple[str, str]) -> None:
    assert counts(in_parts(tmp_path, *pair)) == (("run", "walk"), {"train": 6, "test": 2})


def test_validation_clips_stay_out_of_both_where_there_are_test_clips(tmp_path: Path) -> None:
    notes: list[str] = []
    root = touch(in_parts(tmp_path, "train", "test"), "val/walk/v1.mp4", "val/run/v2.mp4")
    assert counts(root, notes) == (("run", "walk"), {"train": 6, "test": 2})
    assert notes == [
        "2 validation clips left out: training uses the training clips and figures come from the test clips"
    ]


def test_validation_clips_are_the_test_clips_where_there_are_no_others(tmp_path: Path) -> None:
    notes: list[str] = []
    counts(in_parts(tmp_path, "train", "val"), notes)
    assert notes == ["there are no test clips, so the validation clips are for testing"]


def test_parts_may_lie_below_each_class(tmp_path: Path) -> None:
    root = touch(tmp_path, "walk/train/a.mp4", "walk/test/b.mp4", "run/train/c.mp4", "run/val/d.mp4", "run/test/e.mp4")
    assert clips_of(read_clipset(root)) == {
        "a.mp4": ("walk", "train"),
        "b.mp4": ("walk", "test"),
        "c.mp4": ("run", "train"),
        "e.mp4": ("run", "test"),
    }


@pytest.mark.parametrize(
    ("names", "base"),
    [
        (("train/a.mp4", "car/b.mp4", "bus/c.mp4"), ("bus", "car", "train")),
        (("train/cam1/a.mp4", "car/cam1/b.mp4"), ("car", "train")),
        (("train_station/cam1/a.mp4", "test_tube/cam1/b.mp4"), ("test_tube", "train_station")),
        (("test drive/a.mp4", "dev meeting/b.mp4"), ("dev meeting", "test drive")),
    ],
)
def test_a_class_whose_name_holds_the_word_for_a_part_stays_a_class(
    tmp_path: Path, names: tuple[str, ...], base: tuple[str, ...]
) -> None:
    assert read_clipset(touch(tmp_path, *names)).base == base


def test_clips_that_lie_directly_in_the_parts_are_refused_with_what_to_do(tmp_path: Path) -> None:
    touch(tmp_path, "train/a.mp4", "test/b.mp4")
    with pytest.raises(DatasetError, match="lie directly in 'test' and 'train', so nothing says what they show"):
        read_clipset(tmp_path)


def test_a_folder_that_lies_above_the_class_folders_is_seen_through(tmp_path: Path) -> None:
    notes: list[str] = []
    touch(tmp_path, "my clips/walk/a.mp4", "my clips/run/b.mp4", "__MACOSX/my clips/walk/._a.mp4", "lists/read.me")
    assert read_clipset(tmp_path, notes=notes).base == ("run", "walk")
    assert notes == ["the class folders are those in 'my clips'"]


def test_a_single_class_is_no_folder_above_others(tmp_path: Path) -> None:
    assert read_clipset(touch(tmp_path, "walk/a.mp4", "walk/b.mp4", "walk/more/c.mp4")).base == ("walk",)


def test_files_and_folders_of_other_programs_are_never_classes(tmp_path: Path) -> None:
    foreign = (
        ".ipynb_checkpoints/a.mp4",
        ".Trash-1000/files/b.mp4",
        "__MACOSX/walk/c.mp4",
        "$RECYCLE.BIN/d.mp4",
        "@eaDir/e.mp4",
        "walk/._f.mp4",
        "walk/.cache/g.mp4",
        "walk/@eaDir/h.mp4",
        "Thumbs.db",
    )
    root = touch(tmp_path / ".hidden above", "walk/1.mp4", "run/2.mp4", *foreign)
    assert sorted(clips_of(read_clipset(root))) == ["1.mp4", "2.mp4"]


def test_unlabeled_clips_of_fiftyone_are_left_out_with_a_note(tmp_path: Path) -> None:
    notes: list[str] = []
    root = touch(tmp_path, "walk/1.mp4", "run/2.mp4", "_unlabeled/3.mp4", "_unlabeled/4.mp4")
    assert read_clipset(root, notes=notes).base == ("run", "walk")
    assert notes == ["2 clips without a label left out ('_unlabeled')"]


def test_clips_two_folders_deep_are_told_by_which_folder_they_are_labeled(tmp_path: Path) -> None:
    notes: list[str] = []
    root = touch(tmp_path, "cam1/walk/a.mp4", "cam2/walk/b.mp4")
    assert read_clipset(root, notes=notes).base == ("cam1", "cam2")
    assert notes == ["the clips lie two folders deep, and the upper one is the label: cam1, cam2"]


def test_links_to_class_folders_are_followed_and_circles_end(tmp_path: Path) -> None:
    touch(tmp_path / "store", "walk/a.mp4")
    root = touch(tmp_path / "root", "run/b.mp4")
    (root / "walk").symlink_to(tmp_path / "store" / "walk")
    (root / "run" / "back").symlink_to(root)
    assert read_clipset(root).base == ("run", "walk")


def test_metadata_of_the_hub_is_followed_at_the_top_and_in_the_parts(tmp_path: Path) -> None:
    one = touch(tmp_path / "one", "clips/a.mp4", "clips/b.mp4")
    write(one / "metadata.csv", "file_name,label", "clips/a.mp4,walk", "clips/b.mp4,run")
    assert {name: label for name, (label, _) in clips_of(read_clipset(one)).items()} == {
        "a.mp4": "walk",
        "b.mp4": "run",
    }
    parts = touch(tmp_path / "parts", "data/train/a.mp4", "data/test/b.mp4")
    for part, name, label in (("train", "a.mp4", "walk"), ("test", "b.mp4", "run")):
        write(parts / "data" / part / "metadata.jsonl", json.dumps({"file_name": name, "label": label, "fps": 25}))
    notes: list[str] = []
    assert clips_of(read_clipset(parts, notes=notes)) == {"a.mp4": ("walk", "train"), "b.mp4": ("run", "test")}
    assert "columns of 'metadata.jsonl' that are not used: fps" in notes


def test_lists_named_after_parts_are_one_data_set(tmp_path: Path) -> None:
    root = touch(tmp_path, "all/a.mp4", "all/b.mp4", "all/c.mp4")
    for name, clip in (("train", "a"), ("val", "b"), ("test", "c")):
        write(root / f"{name}.csv", "clip_path,label", f"/all/{clip}.mp4,walk")
    notes: list[str] = []
    assert clips_of(read_clipset(root, notes=notes)) == {"a.mp4": ("walk", "train"), "c.mp4": ("walk", "test")}
    assert any(note.startswith("1 validation clip left out") for note in notes)


def test_several_lists_of_one_folder_are_not_chosen_among(tmp_path: Path) -> None:
    touch(tmp_path, "walk/a.mp4")
    for name in ("mine.csv", "yours.csv"):
        write(tmp_path / name, "path,label", "walk/a.mp4,walk")
    with pytest.raises(DatasetError, match=r"several lists of clips \(mine.csv, yours.csv\); leave one of them"):
        read_clipset(tmp_path)


def test_a_table_that_is_no_list_of_clips_is_named(tmp_path: Path) -> None:
    notes: list[str] = []
    root = touch(tmp_path, "walk/a.mp4", "run/b.mp4")
    write(root / "subjects.csv", "subject,age", "1,30")
    assert read_clipset(root, notes=notes).base == ("run", "walk")
    assert notes[0].startswith("1 table not read as a list of clips: subjects.csv. A list of clips")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("Train", Part.TRAIN),
        (" TESTING ", Part.TEST),
        ("validate", Part.VALIDATION),
        ("trainval", Part.TRAIN),
        ("train_val", Part.TRAIN),
        ("test1", Part.TEST),
        ("walking", None),
        ("protest", None),
        ("", None),
    ],
)
def test_the_part_that_a_value_names(text: str, part: Part | None) -> None:
    assert part_of(text) is part


def test_names_side_by_side_may_share_words_that_say_nothing_of_a_part() -> None:
    assert parts_of(["sports1m_train", "sports1m_test"]) == {"sports1m_train": Part.TRAIN, "sports1m_test": Part.TEST}
    assert parts_of(["sports_train", "sports_walk"]) == {}
