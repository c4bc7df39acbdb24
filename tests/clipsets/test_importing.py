"""From lists to a data set: classes on two sides, repeated clips, anchors, and every fault at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ga2app.datasets import Division, Half, divided, import_split_lists, read_clipset
from ga2app.datasets.split_list_import import SplitLists
from ga2app.errors import DatasetError

from .trees import clips_of, imported, report_on, touch, write

CLASSES = ("walk", "run", "jump", "swim", "PlayingViolin")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two clips of each class; one more of "swim"."""
    return touch(tmp_path / "clips", *(f"{name}{number}.avi" for name in CLASSES for number in (0, 1)), "swim2.avi")


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    return write(tmp_path / "labels.csv", "id,name", *(f"{number},{name}" for number, name in enumerate(CLASSES)))


@pytest.fixture
def train(tmp_path: Path) -> Path:
    lines = [f"{name}0.avi {number}" for number, name in enumerate(CLASSES)]
    return write(tmp_path / "train.txt", *lines, "swim2.avi 3")


@pytest.fixture
def held_out(tmp_path: Path) -> Path:
    return write(tmp_path / "test.txt", *(f"{name}1.avi {number}" for number, name in enumerate(CLASSES)))


@pytest.mark.parametrize(
    ("division", "novel"),
    [
        (Division(), ()),
        (Division(novel=("Playing Violin", "RUN")), ("run", "playing violin")),
        (Division(half=Half.LIST), ("swim", "playing violin")),
        (Division(half=Half.FREQUENCY), ("jump", "playing violin")),
    ],
)
def test_novel_classes_are_chosen_by_name_or_by_half(
    root: Path, labels: Path, train: Path, held_out: Path, division: Division, novel: tuple[str, ...]
):
    """By frequency: swim has two training clips; the others tie and keep the list's order."""
    dataset = imported(root, train=train, test=held_out, labels=labels, division=division)
    assert dataset.novel == novel
    assert dataset.base == tuple(
        name for name in ("walk", "run", "jump", "swim", "playing violin") if name not in novel
    )


def test_novel_classes_are_chosen_by_list_or_by_the_list_of_the_others(
    tmp_path: Path, root: Path, labels: Path, train: Path
):
    some = write(tmp_path / "some.csv", "id,name", "0,jump", "1,playing_violin")
    novel = imported(root, train=train, labels=labels, division=Division(novel_list=some))
    assert novel.novel == ("jump", "playing violin")
    base = imported(root, train=train, labels=labels, division=Division(base_list=some))
    assert base.base == ("jump", "playing violin") and base.novel == ("walk", "run", "swim")


def test_base_and_novel_lists_may_each_have_their_own_numbering(tmp_path: Path, root: Path):
    """As in the published base-to-novel splits."""
    base_labels = write(tmp_path / "base.csv", "id,name", "0,walk", "1,swim")
    novel_labels = write(tmp_path / "novel.csv", "id,name", "0,run", "1,PlayingViolin")
    dataset = imported(
        root,
        train=write(tmp_path / "base_train.txt", "walk0.avi 0", "swim0.avi 1"),
        test=write(tmp_path / "base_val.txt", "walk1.avi 0"),
        labels=base_labels,
        novel_test=write(tmp_path / "novel_val.txt", "run0.avi 0", "PlayingViolin0.avi 1"),
        novel_labels=novel_labels,
    )
    assert (dataset.base, dataset.novel) == (("walk", "swim"), ("run", "playing violin"))
    assert clips_of(dataset) == {
        "walk0.avi": ("walk", "train"),
        "swim0.avi": ("swim", "train"),
        "walk1.avi": ("walk", "test"),
        "run0.avi": ("run", "test"),
        "PlayingViolin0.avi": ("playing violin", "test"),
    }


def test_a_novel_list_may_share_the_numbering_of_the_others(tmp_path: Path, root: Path, labels: Path):
    base, novel = write(tmp_path / "base.txt", "walk0.avi 0"), write(tmp_path / "novel.txt", "swim0.avi 3")
    dataset = imported(root, train=base, novel_test=novel, labels=labels)
    assert (dataset.base, dataset.novel) == (("walk",), ("swim",))


def test_a_class_that_is_base_and_novel_is_a_fault(tmp_path: Path, root: Path, labels: Path, train: Path):
    novel_labels = write(tmp_path / "novel.csv", "id,name", "0,Swim")
    novel = write(tmp_path / "novel.txt", "swim1.avi 0")
    report = report_on(root, train=train, labels=labels, novel_test=novel, novel_labels=novel_labels)
    assert "--novel-labels: 'Swim' is among the base classes, too" in report.refusal().replace("swim", "Swim")


def test_faults_of_the_division_are_told(tmp_path: Path, root: Path, labels: Path, train: Path):
    def told(division: Division) -> str:
        return report_on(root, train=train, labels=labels, division=division).refusal()

    assert "novel: 'flying' is no class of this data set; the classes are walk, run" in told(
        Division(novel=("flying",))
    )
    both = Division(novel=("walk",), half=Half.LIST)
    assert "--novel and --novel-half: cannot be used together" in told(both)
    assert "--novel: leaves no base class" in told(Division(novel=CLASSES))
    assert "cannot be read" in told(Division(novel_list=tmp_path / "none.csv"))
    novel = write(tmp_path / "novel.txt", "swim1.avi 3")
    report = report_on(root, train=train, labels=labels, novel_test=novel, division=Division(novel=("swim",)))
    assert "--novel-split: already says which classes are novel; leave out --novel" in report.refusal()


def test_class_folders_and_csv_files_are_divided_in_the_same_ways(tmp_path: Path):
    dataset = read_clipset(touch(tmp_path / "set", "ApplyEyeMakeup/a.avi", "YoYo/b.avi", "Punch/c.avi"))
    assert dataset.base == ("apply eye makeup", "punch", "yo yo")
    assert divided(dataset, Division(half=Half.LIST)).novel == ("yo yo",)
    assert divided(dataset, Division(novel=("YoYo",))).novel == ("yo yo",)
    with pytest.raises(DatasetError, match="'flying' is no class of this data set"):
        divided(dataset, Division(novel=("flying",)))


def test_folders_that_are_no_camel_case_keep_their_names(tmp_path: Path):
    assert read_clipset(touch(tmp_path / "a", "riding_a_bike/a.avi", "TaiChi/b.avi")).base == (
        "TaiChi",
        "riding_a_bike",
    )
    assert read_clipset(touch(tmp_path / "b", "walking/a.avi", "Running/b.avi")).base == ("Running", "walking")


def test_a_line_given_twice_counts_once_and_is_listed(tmp_path: Path, root: Path, labels: Path):
    train = write(tmp_path / "train.txt", "walk0.avi 0", "run0.avi 1", "walk0.avi 0", "./walk0.avi 0")
    report = report_on(root, train=train, labels=labels)
    assert report.dataset and sorted(clips_of(report.dataset)) == ["run0.avi", "walk0.avi"]
    assert [str(problem) for problem in report.repeated] == [
        "train.txt line 3: 'walk0.avi' stands in train.txt line 1 already; it was counted once",
        "train.txt line 4: './walk0.avi' stands in train.txt line 1 already; it was counted once",
    ]


def test_a_clip_of_two_classes_or_for_training_and_testing_is_a_fault(tmp_path: Path, root: Path, labels: Path):
    train = write(tmp_path / "train.txt", "walk0.avi 0", "run0.avi 1", "run0.avi 2")
    test = write(tmp_path / "test.txt", "walk0.avi 0")
    report = report_on(root, train=train, test=test, labels=labels)
    assert [str(fault) for fault in report.faults] == [
        "train.txt line 3: 'run0.avi' is 'jump' here and 'run' in train.txt line 2; give each clip one class",
        "test.txt line 1: 'walk0.avi' is for test here and for train in train.txt line 1; "
        "a clip that was trained on measures nothing: keep one line",
    ]


def test_classes_without_clips_or_without_training_clips_are_told(
    tmp_path: Path, root: Path, labels: Path, held_out: Path
):
    all_lines = held_out.read_text().splitlines()
    train = write(tmp_path / "train.txt", "walk0.avi 0", "run0.avi 1")
    report = report_on(root, train=train, test=write(tmp_path / "test.txt", "jump0.avi 2"), labels=labels)
    assert report.dataset and report.dataset.base == ("walk", "run", "jump")
    assert "classes without any clip, left out (2): swim, playing violin" in report.notes
    assert any("training refuses (1): jump. Make them novel" in note for note in report.notes)
    assert "nothing can be measured" in " ".join(report_on(root, train=train, labels=labels).notes)
    only_test = report_on(root, test=write(tmp_path / "all.txt", *all_lines), labels=labels)
    assert only_test.dataset and not only_test.notes


def test_anchor_lists_need_no_labels_and_negatives_come_along(tmp_path: Path, root: Path, labels: Path, train: Path):
    pool = touch(tmp_path / "pool", "vol_41/D5P_000150_000160.mp4", "empty street.mp4")
    anchors = write(tmp_path / "anchors.txt", "vol_41/D5P_000150_000160.mp4 0", "empty street.mp4 0")
    dataset = imported(root, train=train, labels=labels, anchors=anchors, anchor_root=pool, negatives=("else",))
    assert [Path(anchor.path).name for anchor in dataset.anchors] == ["D5P_000150_000160.mp4", "empty street.mp4"]
    assert dataset.negatives == ("else",) and {anchor.caption for anchor in dataset.anchors} == {""}
    plain = write(tmp_path / "plain.txt", "empty street.mp4", "gone.mp4")
    report = report_on(root, train=train, labels=labels, anchors=plain, anchor_root=pool)
    assert [problem.entry for problem in report.missing] == ["gone.mp4"]


def test_all_faults_are_told_at_once_by_file_and_line(tmp_path: Path, root: Path):
    labels = write(tmp_path / "labels.csv", "id,name", "0,walk", "x,run")
    train = write(tmp_path / "train.txt", "walk0.avi 0", "run0.avi", "jump0.avi 9")
    report = report_on(root, train=(train, tmp_path / "none.txt"), labels=labels)
    assert report.dataset is None
    assert [str(fault).split(";")[0] for fault in report.faults] == [
        "labels.csv line 3: 'x run' has no whole number as id",
        "train.txt line 2: 'run0.avi' does not end in a label number",
        f"{tmp_path / 'none.txt'}: cannot be read (No such file or directory)",
        f"train.txt line 3: '9' is not in '{labels}' (1 class, 0 to 0)",
    ]
    assert "4 faults in the lists (first: labels.csv line 3" in report.refusal()


@pytest.mark.parametrize(
    ("line", "told"),
    [("", "lists no clips; give a list with one clip a line"), ("a.avi", "has no label number, and no class in its")],
)
def test_a_list_without_clips_or_without_classes_is_a_fault(tmp_path: Path, root: Path, line: str, told: str):
    assert told in report_on(root, train=write(tmp_path / "train.txt", line)).refusal()


def test_no_list_at_all_is_a_fault():
    report = import_split_lists(SplitLists("set"))
    assert report.refusal() == (
        "nothing was imported as 'set': 1 fault in the lists (first: --split: is missing; "
        "name a list with --split or --test-split). Next: correct the lists"
    )


def test_the_report_as_json_holds_every_count_and_problem(tmp_path: Path, root: Path, labels: Path, train: Path):
    report = report_on(root, train=train, labels=labels, division=Division(half=Half.LIST))
    document = json.loads(json.dumps(report.to_dict()))
    counts = {"base": 3, "novel": 2, "clips": 6, "train": 6, "test": 0, "anchors": 0, "negatives": 0}
    assert counts.items() <= document.items()
    assert document["name"] == "set" and document["layouts"] == ["list"]
    write(train, *(f"gone{number}.avi 0" for number in range(50)))
    document = json.loads(json.dumps(report_on(root, train=train, labels=labels).to_dict()))
    assert "clips" not in document
    assert len(document["missing"]) == 50
    assert document["missing"][49] == {
        "file": str(train),
        "line": 50,
        "entry": "gone49.avi",
        "reason": f"is not below '{root}'",
        "advice": "put it there, or leave it out",
    }
