"""Which clips are for testing: a share of each label, whole recordings, and never a label's only training clip."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from ga2app.datasets import read_clipset
from ga2app.datasets.clip_names import recording_of
from ga2app.datasets.train_test import DraftClip, hold_out
from ga2app.types import Subset

from .trees import touch, write


@pytest.mark.parametrize(
    ("name", "label", "recording"),
    [
        ("YoYo/v_YoYo_g07_c03.avi", "yo yo", "YoYo group 7"),
        ("Faith_Rewarded_swing_baseball_f_nm_np1_fr_med_15.avi", "swing baseball", "film Faith_Rewarded"),
        ("Faith_Rewarded_throw_u_nm_np1_fr_bad_3.avi", "throw", "film Faith_Rewarded"),
        ("archery/pmLYzJmKxf8_000010_000020.mp4", "archery", "video pmLYzJmKxf8"),
        ("walking-003.mp4", "walking", None),
    ],
)
def test_the_recording_that_a_name_tells(name: str, label: str, recording: str | None) -> None:
    assert recording_of(name, label) == recording


def test_clips_of_one_recording_stay_on_one_side_and_the_report_says_so(tmp_path: Path) -> None:
    names = [f"YoYo/v_YoYo_g{group:02d}_c{clip:02d}.avi" for group in range(1, 9) for clip in range(1, 5)]
    names += [f"TaiChi/v_TaiChi_g{group:02d}_c{clip:02d}.avi" for group in range(1, 9) for clip in range(1, 5)]
    notes: list[str] = []
    clips = read_clipset(touch(tmp_path, *names), notes=notes).clips
    sides: dict[str | None, set[Subset]] = {}
    for clip in clips:
        sides.setdefault(recording_of(clip.path, clip.label), set()).add(clip.subset)
    assert len(sides) == 16 and all(len(side) == 1 for side in sides.values())
    assert Counter((clip.label, clip.subset.value) for clip in clips)[("yo yo", "test")] == 8
    assert notes == [
        "about 25% of each label (16 clips) is for testing; clips of one recording, told by the files' names, stay on "
        "one side (16 recordings)"
    ]


def test_a_division_of_the_source_that_shares_recordings_is_followed_and_told(tmp_path: Path) -> None:
    touch(tmp_path, "train/YoYo/v_YoYo_g01_c01.avi", "test/YoYo/v_YoYo_g01_c02.avi", "test/YoYo/v_YoYo_g02_c01.avi")
    notes: list[str] = []
    assert len(read_clipset(tmp_path, notes=notes).clips) == 3
    assert notes[0].startswith("1 of 2 test clips is of a recording that is trained on, as the source divides them")


def test_segments_of_one_video_under_two_labels_stay_together() -> None:
    clips = [DraftClip(f"{number}.mp4", "walk", None, (f"video {number // 2}",)) for number in range(8)]
    clips += [DraftClip(f"{number}b.mp4", "run", None, (f"video {number // 2}",)) for number in range(8)]
    sides: dict[str, set[Subset]] = {}
    for clip, subset in zip(clips, hold_out(clips), strict=True):
        sides.setdefault(clip.ties[0], set()).add(subset)
    assert all(len(side) == 1 for side in sides.values()) and {Subset.TEST} in sides.values()


def test_no_label_loses_its_only_training_clip() -> None:
    shared = [DraftClip("a.mp4", "walk", None, ("video 1",)), DraftClip("b.mp4", "run", None, ("video 1",))]
    more = [DraftClip(f"{number}.mp4", "walk") for number in range(5)]
    subsets = hold_out([*more, *shared])
    assert subsets[-1] is Subset.TRAIN and subsets[-2] is Subset.TRAIN
    one_recording = [DraftClip(f"{number}.mp4", "walk", None, ("video 1",)) for number in range(4)]
    assert set(hold_out(one_recording)) == {Subset.TRAIN}


def test_of_recordings_of_unequal_length_the_share_is_not_overshot() -> None:
    long = [DraftClip(f"l{number}.mp4", "walk", None, ("video 1",)) for number in range(7)]
    assert hold_out([*long, DraftClip("s.mp4", "walk")]).count(Subset.TEST) == 1


def test_parts_that_the_source_gives_bind_the_clips_of_the_same_content() -> None:
    given = DraftClip("a.mp4", "walk", Subset.TEST, ("content 1",))
    same = DraftClip("b.mp4", "walk", None, ("content 1",))
    others = [DraftClip(f"{number}.mp4", "walk") for number in range(4)]
    assert hold_out([given, same, *others])[:2] == [Subset.TEST, Subset.TEST]


def test_a_list_without_parts_is_divided_like_a_folder(tmp_path: Path) -> None:
    touch(tmp_path / "set", *(f"walk/{number}.mp4" for number in range(8)))
    listed = write(tmp_path / "set.csv", "path,label", *(f"set/walk/{number}.mp4,walk" for number in range(8)))
    folder = {Path(clip.path).name: clip.subset for clip in read_clipset(tmp_path / "set").clips}
    assert {Path(clip.path).name: clip.subset for clip in read_clipset(listed).clips} == folder
