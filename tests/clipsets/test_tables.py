"""Lists of clips as spreadsheets, scripts and other programs write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ga2app.datasets import read_clipset
from ga2app.datasets.clip_table import read_table
from ga2app.errors import DatasetError

from .trees import clips_of, touch, write

CLIPS = ("walk/a.mp4", "walk/b.mp4", "run/c.mp4", "run/d.mp4")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return touch(tmp_path, *CLIPS)


MEANT = {"a.mp4": ("walk", "train"), "c.mp4": ("run", "train"), "d.mp4": ("run", "test")}


@pytest.mark.parametrize(
    "text",
    [
        "path,label,subset\nwalk/a.mp4,walk,train\nrun/c.mp4,run,train\nrun/d.mp4,run,test\n",
        "Path,Label,Split\nwalk/a.mp4,walk,Train\nrun/c.mp4,run,TRAINING\nrun/d.mp4,run,val\n",
        "path, label, set\nwalk/a.mp4, walk, train\nrun/c.mp4, run, train\nrun/d.mp4, run, test\n",
        "filepath;class;fold\r\nwalk/a.mp4;walk;train\r\nrun/c.mp4;run;train\r\nrun/d.mp4;run;test\r\n",
        "sep=;\nfile_name;category;partition\nwalk/a.mp4;walk;train\nrun/c.mp4;run;train\nrun/d.mp4;run;eval\n",
        "video\taction\tsplit\nwalk/a.mp4\twalk\ttrain\nrun/c.mp4\trun\ttrain\nrun/d.mp4\trun\tdev\n",
        "File Name,Class Name,Split\nwalk\\a.mp4,walk,train\nrun\\c.mp4,run,train\nrun\\d.mp4,run,test\n,,\n,,\n",
        "walk/a.mp4,walk,train\nrun/c.mp4,run,train\nrun/d.mp4,run,test\n",
        '{"file_name": "walk/a.mp4", "label": "walk", "split": "train"}\n'
        '{"file_name": "run/c.mp4", "label": "run", "split": "train"}\n\n'
        '{"file_name": "run/d.mp4", "label": "run", "split": "test"}\n',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_rows_are_read_as_they_are_meant(root: Path, text: str, encoding: str) -> None:
    (root / "list.csv").write_bytes(text.encode(encoding))
    notes: list[str] = []
    assert clips_of(read_clipset(root / "list.csv", notes=notes)) == MEANT
    assert not any("not used" in note for note in notes)


def test_columns_that_are_not_used_are_named_and_empty_ones_are_not(root: Path) -> None:
    notes: list[str] = []
    write(root / "list.csv", "video,fps,label,label_name,empty", "walk/a.mp4,25,0,walk,", "run/c.mp4,30,1,run,")
    dataset = read_clipset(root / "list.csv", notes=notes)
    assert dataset.base == ("walk", "run")
    assert notes[0] == "columns of 'list.csv' that are not used: fps, label"


def test_an_unknown_part_is_a_fault_that_names_it(root: Path) -> None:
    write(root / "list.csv", "path,label,split", "walk/a.mp4,walk,train", "run/c.mp4,run,later")
    with pytest.raises(
        DatasetError, match="has 1 fault: line 3: split 'later' is none of train, test, val. Correct this"
    ):
        read_clipset(root / "list.csv")


def test_numbers_of_folds_need_a_choice(root: Path) -> None:
    from ga2app.datasets.clip_table import read_table

    file = write(root / "list.csv", "path,label,fold", "walk/a.mp4,walk,1", "run/c.mp4,run,fold_1", "run/d.mp4,run,2")
    with pytest.raises(DatasetError, match="column 'fold' of 'list.csv' holds 1, 2, and nothing says which"):
        read_clipset(file)
    assert {clip.label: clip.subset for clip in read_table(file, fold=2).clips[1:]} == {"run": "test"}
    with pytest.raises(DatasetError, match="fold 7 is none of them"):
        read_table(file, fold=7)
    with pytest.raises(DatasetError, match="fold 1 was chosen, and 'plain.csv' has no column that numbers folds"):
        read_table(write(root / "plain.csv", "path,label", "walk/a.mp4,walk"), fold=1)


@pytest.mark.parametrize("columns", ["start,end", "start_time,end_time", "Time Start,Time End"])
def test_a_start_and_an_end_make_a_clip_a_stretch_of_a_video(root: Path, columns: str) -> None:
    write(root / "list.csv", f"path,label,{columns}", "walk/a.mp4,walk,,", "run/c.mp4,run,0,0.4")
    assert [clip.path for clip in read_clipset(root / "list.csv").clips] == [
        str(root / "walk" / "a.mp4"),
        f"{root / 'run' / 'c.mp4'}#t=0,0.4",
    ]


def test_clips_that_were_cut_at_the_seconds_of_their_source_are_taken(root: Path) -> None:
    notes: list[str] = []
    write(root / "list.csv", "path,label,youtube_id,time_start,time_end", "walk/a.mp4,walk,abcdefghijk,5,15")
    assert read_clipset(root / "list.csv", notes=notes).base == ("walk",)
    assert notes[0] == "columns of 'list.csv' that are not used: youtube_id, time_start, time_end"


def test_one_label_in_several_spellings_is_one_label_with_one_note(root: Path) -> None:
    rows = [
        "walk/a.mp4,riding a bike ",
        "walk/b.mp4,riding_a_bike",
        "run/c.mp4,Riding a bike",
        "run/d.mp4,riding a bike",
    ]
    notes: list[str] = []
    assert read_clipset(write(root / "list.csv", "path,label", *rows), notes=notes).base == ("riding a bike",)
    assert notes == [
        "spellings of one label were merged: 'riding a bike' (also written 'riding_a_bike', 'Riding a bike')"
    ]


def test_a_label_that_is_base_in_one_spelling_and_novel_in_another_is_a_fault(root: Path) -> None:
    write(root / "list.csv", "path,label,group", "walk/a.mp4,walk,base", "run/c.mp4,Walk,novel")
    with pytest.raises(DatasetError, match="'walk' is both base and novel"):
        read_clipset(root / "list.csv")


def test_what_is_no_list_of_clips_is_refused_with_its_first_line(root: Path) -> None:
    write(root / "list.csv", "nummer;bezeichnung", "1;walk")
    with pytest.raises(DatasetError, match="must name the columns path and label, and it is 'nummer;bezeichnung'"):
        read_clipset(root / "list.csv")


def test_of_many_files_in_a_folder_the_disk_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"walk/{number}.mp4" for number in range(40)] + [f"run/{number}.mp4" for number in range(40)]
    touch(tmp_path, *names)
    lines = [f"{tmp_path / name},{name.partition('/')[0]}" for name in names]
    lines[3], lines[50], lines[60] = "walk\\3.mp4,walk", "/run/10.mp4,run", "./run//20.mp4,run"
    lost = "run/gone.mp4"
    write(tmp_path / "list.csv", "path,label\n" + "\n".join([*lines, f"{lost},run"]) + "\n")
    asked: list[str] = []

    def counted(path: str) -> bool:
        asked.append(path)
        return Path(path).is_file()

    monkeypatch.setattr("ga2app.datasets.clip_table.os.path.isfile", counted)
    found = [clip.path for clip in read_clipset(tmp_path / "list.csv").clips]
    assert found == [*(str(tmp_path / name) for name in names), str(tmp_path / lost)]
    assert len(asked) < 25, "a few of each folder, and what is spelled otherwise or is not there"


def test_of_files_below_the_list_that_are_spelled_plainly_the_disk_is_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "list.csv", "path,label\n" + "".join(f"walk/{number}.mp4,walk\n" for number in range(40)))
    monkeypatch.setattr("ga2app.datasets.clip_table.os.path.isfile", lambda path: pytest.fail(f"{path} was asked for"))
    monkeypatch.setattr("ga2app.datasets.clip_table.os.scandir", lambda path: pytest.fail(f"{path} was read"))
    assert [clip.path for clip in read_table(tmp_path / "list.csv").clips][7] == str(tmp_path / "walk/7.mp4")


def test_a_slash_before_names_in_the_current_folder_is_passed_over_on_each_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{number}.mp4" for number in range(20)]
    touch(tmp_path, *names)
    write(tmp_path / "list.csv", "path,label\n" + "".join(f"/{name},walk\n" for name in names))
    monkeypatch.chdir(tmp_path)
    assert [clip.path for clip in read_clipset("list.csv").clips] == names
