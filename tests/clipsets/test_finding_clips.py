"""Clips that lie elsewhere than a list says are found only where they cannot be other ones; no clip vanishes unseen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ga2app.datasets import Missing
from ga2app.datasets.clip_files import ClipFinder, content_digest

from .trees import clips_of, imported, report_on, touch, write


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    return write(tmp_path / "labels.csv", "id,name", "0,walk", "1,run")


def test_a_class_folder_may_be_in_the_list_and_not_on_the_disk_and_the_reverse(tmp_path: Path, labels: Path):
    root = touch(tmp_path / "clips", "a.avi", "run/b.avi", "walk/c.mkv")
    train = write(tmp_path / "train.txt", "walk/a.avi 0", "b.avi 1", "elsewhere\\walk\\c.avi 0")
    report = report_on(root, train=train, labels=labels)
    assert report.dataset and {name: label for name, (label, _) in clips_of(report.dataset).items()} == {
        "a.avi": "walk",
        "b.avi": "run",
        "c.mkv": "walk",
    }
    assert report.notes[0] == f"clips found elsewhere below '{root}' than listed: 3, for example walk/a.avi as a.avi"


def test_a_clip_of_the_same_name_in_another_class_folder_is_not_taken_for_it(tmp_path: Path, labels: Path):
    root = touch(tmp_path / "clips", "run/001.avi")
    report = report_on(root, train=write(tmp_path / "train.txt", "walk/001.avi 0"), labels=labels)
    assert report.dataset is None
    assert "is not there; a clip of that name, which may be another one, is run/001.avi" in report.refusal()


def test_names_that_two_lines_or_two_files_share_are_not_guessed(tmp_path: Path, labels: Path):
    root = touch(tmp_path / "clips", "x/001.avi", "b1/002.avi", "b2/002.avi")
    train = write(tmp_path / "train.txt", "p1/001.avi 0", "p2/001.avi 1", "002.avi 0")
    reasons = [problem.reason for problem in report_on(root, train=train, labels=labels).missing]
    assert reasons == [
        "is not there; a clip of that name, which may be another one, is x/001.avi",
        "is not there; a clip of that name, which may be another one, is x/001.avi",
        "could be any of b1/002.avi, b2/002.avi",
    ]


def test_numbered_names_are_found_below_a_folder_of_their_class(tmp_path: Path, labels: Path):
    root = touch(tmp_path / "clips", "v/walk/001.avi", "v/run/001.avi")
    train = write(tmp_path / "train.txt", "data/Walk/001.avi 0", "data/run/001.avi 1")
    dataset = imported(root, train=train, labels=labels)
    assert [(clip.path, clip.label) for clip in dataset.clips] == [
        (str(root / "v/walk/001.avi"), "walk"),
        (str(root / "v/run/001.avi"), "run"),
    ]


def test_the_same_folder_further_down_or_the_same_suffix_tells_clips_of_one_name_apart(tmp_path: Path, labels: Path):
    root = touch(tmp_path / "clips", "v/part1/001.avi", "v/part2/001.avi", "x/b.avi", "y/b.mp4")
    train = write(tmp_path / "train.txt", "part2/001.avi 0", "q/b.mp4 1")
    dataset = imported(root, train=train, labels=labels)
    assert [clip.path for clip in dataset.clips] == [str(root / "v/part2/001.avi"), str(root / "y/b.mp4")]


def test_links_to_folders_are_followed_and_circles_end(tmp_path: Path, labels: Path):
    touch(tmp_path / "store", "walk/a.avi")
    root = tmp_path / "clips"
    root.mkdir()
    (root / "linked").symlink_to(tmp_path / "store")
    (tmp_path / "store/back").symlink_to(root)
    assert clips_of(imported(root, train=write(tmp_path / "train.txt", "a.avi 0"), labels=labels)) == {
        "a.avi": ("walk", "train")
    }


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A list of a good clip, one that is not there, an empty one, a folder of frames, and one that is not there."""
    root = touch(tmp_path / "clips", "good.avi", "frames/img_00001.jpg")
    (root / "empty.avi").write_bytes(b"")
    return write(tmp_path / "train.txt", "good.avi 0", "none.avi 1", "empty.avi 0", "frames 0", "none.avi 1")


def test_a_clip_is_not_searched_for_by_its_name_among_all_files_of_the_machine(tmp_path: Path):
    clip = next(touch(tmp_path / "clips", f"{tmp_path.name}-kick.avi").iterdir())
    assert ClipFinder(tmp_path, [clip.name]).find(clip.name).path == str(clip)
    top, listed = Path(tmp_path.anchor), str(clip).removeprefix(tmp_path.anchor)
    assert ClipFinder(top, [listed]).find(listed).path == str(clip)
    assert ClipFinder(top, [clip.name]).find(clip.name).reason == f"is not below '{top}'"


def test_every_missing_clip_is_listed_and_nothing_is_imported(tmp_path: Path, labels: Path, broken: Path):
    report = report_on(tmp_path / "clips", train=broken, labels=labels)
    assert report.dataset is None and not report.faults
    assert [(problem.line, problem.entry, problem.reason) for problem in report.missing] == [
        (2, "none.avi", f"is not below '{tmp_path / 'clips'}'"),
        (3, "empty.avi", "is empty (0 bytes)"),
        (4, "frames", "is a folder, probably of frames"),
        (5, "none.avi", f"is not below '{tmp_path / 'clips'}'"),
    ]
    assert report.refusal().startswith("nothing was imported as 'set': 4 clips missing or unreadable (first: train.txt")
    assert report.refusal().endswith("put the clips there, or leave them out with --missing skip")


def test_skipping_imports_the_others_and_still_lists_what_is_missing(tmp_path: Path, labels: Path, broken: Path):
    report = report_on(tmp_path / "clips", train=broken, labels=labels, missing=Missing.SKIP)
    assert report.dataset and clips_of(report.dataset) == {"good.avi": ("walk", "train")}
    assert len(report.missing) == 4
    assert "classes without any clip, left out (1): run" in report.notes


def test_skipping_all_clips_imports_nothing(tmp_path: Path, labels: Path):
    train = write(tmp_path / "train.txt", "none.avi 0")
    report = report_on(tmp_path, train=train, labels=labels, missing=Missing.SKIP)
    assert report.dataset is None and "--root: holds none of the clips" in report.refusal()


def test_a_root_that_is_no_folder_is_a_fault_and_not_a_thousand_missing_clips(tmp_path: Path, labels: Path):
    train = write(tmp_path / "train.txt", "none.avi 0")
    report = report_on(tmp_path / "nowhere", train=train, labels=labels)
    assert report.missing == [] and "is no folder; name the folder that holds the clips" in report.refusal()


def test_a_file_whose_content_is_known_is_read_again_only_when_it_has_changed(tmp_path: Path):
    clip = tmp_path / "a.mp4"
    clip.write_bytes(b"one")
    first, changed_ns = content_digest(clip), clip.stat().st_mtime_ns
    clip.write_bytes(b"two")
    os.utime(clip, ns=(changed_ns, changed_ns))
    assert content_digest(clip) == first
    os.utime(clip, ns=(changed_ns + 1, changed_ns + 1))
    assert content_digest(clip) != first
