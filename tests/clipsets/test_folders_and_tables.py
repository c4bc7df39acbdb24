from __future__ import annotations

from pathlib import Path

import pytest

from ga2app.datasets import read_clipset
from ga2app.errors import DatasetError
from ga2app.types import Subset


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


def test_class_folders_become_base_classes_with_a_quarter_held_out(tmp_path: Path):
    touch(tmp_path, *(f"walking/{number}.mp4" for number in range(8)), "running/a.avi", "running/b.mkv")
    touch(tmp_path, "running/notes.txt", "jumping/only.mp4")
    dataset = read_clipset(tmp_path)
    assert dataset.base == ("jumping", "running", "walking")
    counts = {
        (label, subset): sum(clip.label == label and clip.subset is subset for clip in dataset.clips)
        for label in dataset.base
        for subset in Subset
    }
    # walking 8: 2 for testing; running 2: a quarter rounds to 0, and one of two is taken; jumping 1: none to spare
    assert counts == {
        ("walking", Subset.TRAIN): 6,
        ("walking", Subset.TEST): 2,
        ("running", Subset.TRAIN): 1,
        ("running", Subset.TEST): 1,
        ("jumping", Subset.TRAIN): 1,
        ("jumping", Subset.TEST): 0,
    }
    assert read_clipset(tmp_path) == dataset


def test_train_and_test_folders_are_kept_apart(tmp_path: Path):
    touch(tmp_path, "train/walking/a.mp4", "test/walking/b.mp4")
    assert {Path(clip.path).name: clip.subset for clip in read_clipset(tmp_path).clips} == {
        "a.mp4": Subset.TRAIN,
        "b.mp4": Subset.TEST,
    }


def test_named_classes_become_novel(tmp_path: Path):
    touch(tmp_path, "walking/a.mp4", "running/a.mp4", "jumping/a.mp4")
    dataset = read_clipset(tmp_path, name="mine", novel=["running"])
    assert (dataset.name, dataset.base, dataset.novel) == ("mine", ("jumping", "walking"), ("running",))


def test_a_novel_class_that_is_not_there_is_named(tmp_path: Path):
    touch(tmp_path, "walking/a.mp4")
    with pytest.raises(DatasetError, match="'flying' is no class of this data set; the classes are walking"):
        read_clipset(tmp_path, novel=["flying"])


def test_a_csv_holds_clips_anchors_and_negatives(tmp_path: Path):
    file = tmp_path / "set.csv"
    file.write_text(
        "path,label,subset,group\na.mp4,walking,train,base\nb.mp4,waving,test,novel\n"
        "c.mp4,an empty street,,anchor\n,nothing,,negative\n",
        encoding="utf-8",
    )
    dataset = read_clipset(file)
    assert (dataset.base, dataset.novel, dataset.negatives) == (("walking",), ("waving",), ("nothing",))
    assert [clip.path for clip in dataset.clips] == [str(tmp_path / "a.mp4"), str(tmp_path / "b.mp4")]
    assert [(anchor.path, anchor.caption) for anchor in dataset.anchors] == [
        (str(tmp_path / "c.mp4"), "an empty street")
    ]


def test_all_faults_of_a_csv_are_named_by_line(tmp_path: Path):
    file = tmp_path / "set.csv"
    file.write_text("path,label,subset,group\n,walking,,\na.mp4,,,\nb.mp4,x,later,\nc.mp4,x,,extra\n", encoding="utf-8")
    with pytest.raises(
        DatasetError,
        match="has 4 faults: line 2: there is no path; line 3: there is no label; line 4: subset 'later' is none of "
        "train, test, val; line 5: group 'extra' is not one of",
    ):
        read_clipset(file)


def test_a_csv_without_its_columns_says_which(tmp_path: Path):
    (tmp_path / "set.csv").write_text("file;name\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="its first line must name the columns path and label"):
        read_clipset(tmp_path / "set.csv")


def test_an_empty_folder_and_a_missing_one_say_what_to_do(tmp_path: Path):
    with pytest.raises(DatasetError, match="holds no clips in class folders; put each class's clips"):
        read_clipset(tmp_path)
    with pytest.raises(DatasetError, match="there is no folder or CSV file"):
        read_clipset(tmp_path / "nowhere")
