"""The importers on files with genuine UCF-101 and HMDB-51 names, under lists in the genuine formats."""

from __future__ import annotations

from pathlib import Path

import pytest

from ga2app.datasets import Division, Missing, read_clipset
from ga2app.labels import Spelling

from .trees import clips_of, report_on, write

UCF_CLASSES = ("1 ApplyEyeMakeup", "7 BaseballPitch", "8 Basketball", "71 Punch", "84 SoccerJuggling", "101 YoYo")
MISSING_UCF = "YoYo/v_YoYo_g01_c01.avi"


NAMES = (
    "RATRACE_wave_f_nm_np1_fr_goo_37.avi",
    "TrumanShow_wave_f_nm_np1_fr_med_26.avi",
    "hmdb51_Turnk_r_Pippi_Michel_cartwheel_f_cm_np2_le_med_6.avi",
    "v_ApplyEyeMakeup_g01_c01.avi",
    "v_BaseballPitch_g01_c01.avi",
    "v_Basketball_g01_c01.avi",
    "v_Punch_g03_c01.avi",
    "v_SoccerJuggling_g23_c01.avi",
    "v_SoccerJuggling_g24_c01.avi",
)


@pytest.fixture
def named_clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of files with such names; nothing here opens them."""
    folder = tmp_path_factory.mktemp("named")
    for name in NAMES:
        (folder / name).write_text(name)
    return folder


def test_ucf_names(tmp_path: Path, named_clips: Path):
    train = write(
        tmp_path / "trainlist01.txt",
        "ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi 1",
        "BaseballPitch/v_BaseballPitch_g01_c01.avi 7",
        "Basketball/v_Basketball_g01_c01.avi 8",
        "Punch/v_Punch_g03_c01.avi 71",
        "SoccerJuggling/v_SoccerJuggling_g23_c01.avi 84",
    )
    test = write(tmp_path / "testlist01.txt", "SoccerJuggling/v_SoccerJuggling_g24_c01.avi", MISSING_UCF)
    labels = write(tmp_path / "classInd.txt", *UCF_CLASSES)
    report = report_on(named_clips, train=train, test=test, labels=labels, missing=Missing.SKIP)
    assert report.layouts == ["ucf"]
    assert [(problem.line, problem.entry) for problem in report.missing] == [(2, MISSING_UCF)]
    assert report.dataset is not None
    assert report.dataset.base == ("apply eye makeup", "baseball pitch", "basketball", "punch", "soccer juggling")
    assert clips_of(report.dataset)["v_SoccerJuggling_g24_c01.avi"] == ("soccer juggling", "test")
    assert all(Path(clip.path).is_file() for clip in report.dataset.clips)
    assert not any("disagree" in note or "count" in note for note in report.notes)


@pytest.mark.parametrize("listed", ["classInd.txt", "base.csv"])
def test_ucf_names_as_published_stay_one_word_through_lists_and_are_found_in_either_spelling(
    tmp_path: Path, named_clips: Path, listed: str
):
    train = write(
        tmp_path / "trainlist01.txt",
        "ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi 1",
        "BaseballPitch/v_BaseballPitch_g01_c01.avi 7",
        "SoccerJuggling/v_SoccerJuggling_g23_c01.avi 84",
    )
    test = write(tmp_path / "testlist01.txt", "SoccerJuggling/v_SoccerJuggling_g24_c01.avi")
    labels = write(tmp_path / "classInd.txt", *UCF_CLASSES)
    base = write(tmp_path / "base.csv", "id,name", "0,apply eye makeup", "1,SoccerJuggling")
    lists = {"train": train, "test": test, "labels": labels, "spelling": Spelling.AS_PUBLISHED}
    report = report_on(named_clips, **lists, division=Division(base_list=base if listed == "base.csv" else None))
    assert report.dataset is not None, report.refusal()
    assert {*report.dataset.base, *report.dataset.novel} == {"ApplyEyeMakeup", "BaseballPitch", "SoccerJuggling"}
    assert report.dataset.novel == (("BaseballPitch",) if listed == "base.csv" else ())
    assert clips_of(report.dataset)["v_SoccerJuggling_g24_c01.avi"] == ("SoccerJuggling", "test")


def test_names_as_published_come_from_the_paths_where_there_is_no_label_list(tmp_path: Path, named_clips: Path):
    lines = ("ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi 1", "BaseballPitch/v_BaseballPitch_g01_c01.avi 7")
    train = write(tmp_path / "trainlist01.txt", *lines)
    found = {
        spelling: report_on(named_clips, train=train, spelling=spelling).dataset.base  # type: ignore[union-attr]
        for spelling in Spelling
    }
    assert found[Spelling.WORDS] == ("apply eye makeup", "baseball pitch")
    assert found[Spelling.AS_PUBLISHED] == ("ApplyEyeMakeup", "BaseballPitch")


def test_hmdb_names_in_class_files_and_in_a_list_with_numbers(tmp_path: Path, named_clips: Path):
    wave = ("RATRACE_wave_f_nm_np1_fr_goo_37.avi", "TrumanShow_wave_f_nm_np1_fr_med_26.avi")
    cartwheel = "hmdb51_Turnk_r_Pippi_Michel_cartwheel_f_cm_np2_le_med_6.avi"
    splits = tmp_path / "splits"
    write(splits / "wave_test_split1.txt", f"{wave[0]} 1 ", f"{wave[1]} 2 ")
    write(splits / "cartwheel_test_split1.txt", f"{cartwheel} 1 ")
    expected = {wave[0]: ("wave", "train"), wave[1]: ("wave", "test"), cartwheel: ("cartwheel", "train")}
    report = report_on(named_clips, train=splits)
    assert report.dataset is not None and clips_of(report.dataset) == expected

    labels = write(tmp_path / "labels.csv", "id,name", "0,wave", "1,cartwheel", "2,brush hair")
    train = write(tmp_path / "train.txt", f"{wave[0]} 1", f"{cartwheel} 2")
    test = write(tmp_path / "val.txt", f"{wave[1]} 1")
    report = report_on(named_clips, train=train, test=test, labels=labels)
    assert report.dataset is not None and clips_of(report.dataset) == expected
    assert "as the classes in the clips' names show" in report.notes[0]


def test_class_folders_of_links_to_them_get_names_in_words(tmp_path: Path, named_clips: Path):
    for name in ("ApplyEyeMakeup", "BaseballPitch"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "clip.avi").symlink_to(named_clips / f"v_{name}_g01_c01.avi")
    assert read_clipset(tmp_path).base == ("apply eye makeup", "baseball pitch")
    as_published = read_clipset(tmp_path, spelling=Spelling.AS_PUBLISHED)
    assert as_published.base == ("ApplyEyeMakeup", "BaseballPitch")
    assert [clip.label for clip in as_published.clips] == ["ApplyEyeMakeup", "BaseballPitch"]
