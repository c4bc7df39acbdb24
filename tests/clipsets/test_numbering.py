"""0-based or 1-based: judged by the label list and by clip names, and told."""

from __future__ import annotations

from pathlib import Path

from .trees import clips_of, imported, report_on, touch, write

HMDB = "some_title_{}_f_cm_np1_ri_med_0.avi"


def test_numbers_that_fit_as_they_stand_are_taken_so(tmp_path: Path):
    root = touch(tmp_path, "a.mp4", "b.mp4")
    labels = write(tmp_path / "labels.csv", "id,name", "0,walk", "1,run")
    report = report_on(root, train=write(tmp_path / "train.txt", "a.mp4 0", "b.mp4 1"), labels=labels)
    assert report.dataset and clips_of(report.dataset)["b.mp4"] == ("run", "train")
    assert not any("count" in note for note in report.notes)


def test_numbers_that_fit_only_when_counted_from_1_are_moved_with_a_note(tmp_path: Path):
    root = touch(tmp_path, "a.mp4", "b.mp4")
    labels = write(tmp_path / "labels.csv", "id,name", "0,walk", "1,run")
    report = report_on(root, train=write(tmp_path / "train.txt", "a.mp4 1", "b.mp4 2"), labels=labels)
    assert report.dataset and clips_of(report.dataset) == {"a.mp4": ("walk", "train"), "b.mp4": ("run", "train")}
    assert report.notes[0].startswith("the lists count classes from 1 and ")
    assert report.notes[0].endswith("from 0, since only so every number is in it")


def test_numbers_that_fit_both_ways_are_taken_as_they_stand_and_the_doubt_is_told(tmp_path: Path):
    root = touch(tmp_path, "a.mp4")
    labels = write(tmp_path / "labels.csv", "id,name", "0,walk", "1,run", "2,jump")
    train = write(tmp_path / "train.txt", "a.mp4 1")
    report = report_on(root, train=train, labels=labels)
    assert report.dataset and clips_of(report.dataset)["a.mp4"] == ("run", "train")
    assert "if the lists count from another first number, say so with --first-id" in report.notes[0]
    assert clips_of(imported(root, train=train, labels=labels, first_id=1))["a.mp4"] == ("walk", "train")


def test_the_classes_in_clip_names_settle_the_doubt(tmp_path: Path):
    root = touch(tmp_path, HMDB.format("draw_sword"), HMDB.format("sword"))
    labels = write(tmp_path / "labels.csv", "id,name", "0,sword", "1,draw sword", "2,pick", "3,wave")
    train = write(tmp_path / "train.txt", f"{HMDB.format('sword')} 1", f"{HMDB.format('draw_sword')} 2")
    report = report_on(root, train=train, labels=labels)
    assert report.dataset and clips_of(report.dataset) == {
        HMDB.format("sword"): ("sword", "train"),
        HMDB.format("draw_sword"): ("draw sword", "train"),
    }
    assert "as the classes in the clips' names show" in report.notes[0]


def test_class_folders_on_the_disk_settle_it_too(tmp_path: Path):
    root = touch(tmp_path, "walk/a.mp4", "run/b.mp4")
    labels = write(tmp_path / "labels.csv", "id,name", "0,walk", "1,run", "2,jump")
    train = write(tmp_path / "train.txt", "a.mp4 1", "b.mp4 2")
    report = report_on(root, train=train, labels=labels)
    assert report.dataset and clips_of(report.dataset) == {"a.mp4": ("walk", "train"), "b.mp4": ("run", "train")}


def test_a_label_list_in_the_wrong_order_is_followed_and_told(tmp_path: Path):
    """The published list of HMDB-51's novel classes names 'kick ball' and 'kick' the other way round than the clips."""
    names = [HMDB.format(name) for name in ("jump", "kick", "kick_ball", "kiss")]
    labels = write(tmp_path / "labels.csv", "id,name", "0,jump", "1,kick ball", "2,kick", "3,kiss")
    lines = [f"{name} {number}" for number, name in enumerate(names)]
    report = report_on(touch(tmp_path, *names), train=write(tmp_path / "train.txt", *lines), labels=labels)
    assert report.dataset and clips_of(report.dataset)[HMDB.format("kick")] == ("kick ball", "train")
    (told,) = [note for note in report.notes if "disagree" in note]
    assert "1 is 'kick ball', but 1 of its 1 clips are named 'kick', 2 is 'kick', but" in told
    assert "jump" not in told and "kiss" not in told


def test_numbers_and_names_that_the_label_list_lacks_are_faults_once_each(tmp_path: Path):
    root = touch(tmp_path, *(f"{name}.mp4" for name in "abcde"))
    labels = write(tmp_path / "labels.csv", "id,name", "0,walk", "1,run")
    train = write(tmp_path / "train.txt", "a.mp4 0", "b.mp4 7", "c.mp4 7", "d.mp4 1", "e.mp4 -1")
    report = report_on(root, train=train, labels=labels)
    assert report.dataset is None
    assert [(fault.line, fault.entry) for fault in report.faults] == [(2, "7"), (5, "-1")]
    assert "(2 classes, 0 to 1); it stands in train.txt line 2, train.txt line 3" in report.faults[0].reason
    unknown = write(tmp_path / "test.txt", "Juggling/v_Juggling_g01_c01.avi")
    touch(tmp_path, "Juggling/v_Juggling_g01_c01.avi")
    assert "'Juggling' is not in" in report_on(root, test=unknown, labels=labels).refusal()


def test_numbers_without_a_label_list_or_class_folders_ask_for_one(tmp_path: Path):
    root = touch(tmp_path, "val/a.mp4", "val/b.mp4")
    report = report_on(root, train=write(tmp_path / "train.txt", "val/a.mp4 0", "val/b.mp4 1"))
    assert "has a label number, and nothing says which class it is; name the label list with --labels" in (
        report.refusal()
    )


def test_two_swapped_classes_alone_do_not_make_the_lists_count_from_elsewhere(tmp_path: Path):
    """Of the two clips one speaks for counting from 1 and one for counting from -1: neither is a majority."""
    names = [HMDB.format(name) for name in ("kick", "kick_ball")]
    labels = write(tmp_path / "labels.csv", "id,name", "0,jump", "1,kick ball", "2,kick", "3,kiss")
    lines = [f"{name} {number}" for number, name in enumerate(names, 1)]
    report = report_on(touch(tmp_path, *names), train=write(tmp_path / "train.txt", *lines), labels=labels)
    assert report.dataset and clips_of(report.dataset)[names[0]] == ("kick ball", "train")
    assert any("disagree" in note for note in report.notes)
