from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from ga2app.datasets.import_report import Problem
from ga2app.datasets.label_list import read_label_list

from .trees import imported, report_on, touch, write


def names_in(file: Path) -> dict[int, str]:
    problems: list[Problem] = []
    labels = read_label_list(file, problems)
    assert labels is not None and problems == []
    return dict(labels.names)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("id,name\n0,brush hair\n1,PlayingViolin\n", {0: "brush hair", 1: "playing violin"}),
        ("ID;Name\n3;brush hair\n", {3: "brush hair"}),
        (
            'id,name\n6,"Trying to pour, but missing"\n7,Pulling up\n',
            {6: "Trying to pour, but missing", 7: "Pulling up"},
        ),
        ("0,brush_hair\n1,cartwheel\n", {0: "brush hair", 1: "cartwheel"}),
        ("1 ApplyEyeMakeup\n101 YoYo\n", {1: "apply eye makeup", 101: "yo yo"}),
        ("brush hair\n3 point shot\ncartwheel\n", {0: "brush hair", 1: "3 point shot", 2: "cartwheel"}),
        ("label_id,label\n0,RidingABicycle\n1,walk\n", {0: "riding a bicycle", 1: "walk"}),
        ("RidingABicycle,0\nwalk,1\n", {0: "riding a bicycle", 1: "walk"}),
        ("name,id\nRidingABicycle,0\nwalk,1\n", {0: "riding a bicycle", 1: "walk"}),
        ("label,class\n0,walk\n1,run\n", {0: "walk", 1: "run"}),
        ("walk 0\nrun fast 1\n", {0: "walk", 1: "run fast"}),
        ("walk 2\nrun 7\n", {0: "walk 2", 1: "run 7"}),
        ("label\nwalk\nrun\n", {0: "walk", 1: "run"}),
        ("id,name,count\n0,walk,12\n1,run,7\n", {0: "walk", 1: "run"}),
        ("0,walk,12\n1,run,7\n", {0: "walk", 1: "run"}),
        ("0,walk,train\n1,run,train\n", {0: "walk", 1: "run"}),
        ("index,count,label\n0,5,walk\n1,6,run\n", {0: "walk", 1: "run"}),
        ("nummer;bezeichnung\n0;gehen\n1;laufen\n", {0: "gehen", 1: "laufen"}),
        ("id,name\n6,Trying to pour, but missing\n7,Pulling up\n", {6: "Trying to pour, but missing", 7: "Pulling up"}),
        ("Trying to pour, but missing,6\nPulling up,7\n", {6: "Trying to pour, but missing", 7: "Pulling up"}),
        ("Trying to pour, but missing\nPulling, hard\n", {0: "Trying to pour, but missing", 1: "Pulling, hard"}),
        ("id,name\n0,C\n1,C++\n", {0: "c", 1: "C++"}),
        ('{"Holding something": "10", "Moving something": "9"}', {9: "Moving something", 10: "Holding something"}),
        ('{"0": "abseiling", "1": "archery"}', {0: "abseiling", 1: "archery"}),
        ('["abseiling", "archery"]', {0: "abseiling", 1: "archery"}),
    ],
)
def test_label_lists_in_every_form(tmp_path: Path, text: str, names: dict[int, str]):
    (tmp_path / "labels").write_text(text, encoding="utf-8")
    read = names_in(tmp_path / "labels")
    assert read == names and list(read) == list(names)


@pytest.mark.parametrize(
    ("encoding", "end"), [("utf-8-sig", "\r\n"), ("utf-16", "\r\n"), ("utf-8", "\r"), ("utf-8", "\n")]
)
def test_marks_and_line_ends_of_other_systems_make_no_difference(tmp_path: Path, encoding: str, end: str):
    (tmp_path / "labels.csv").write_bytes(f"id,name{end}0,café{end}{end}1,bar{end}".encode(encoding))
    root = touch(tmp_path, "café.mp4", "b.mp4")
    train = tmp_path / "train.txt"
    train.write_bytes(f"café.mp4 0{end}{end}b.mp4 1{end}".encode(encoding))
    assert imported(root, train=train, labels=tmp_path / "labels.csv").base == ("café", "bar")


def test_all_faults_of_a_label_list_are_told_with_their_lines(tmp_path: Path):
    file = write(tmp_path / "labels.csv", "id,name", "0,walk", "x,run", "0,jump", "2,Walk", "3,", "4,swim")
    problems: list[Problem] = []
    labels = read_label_list(file, problems)
    assert labels is not None and dict(labels.names) == {0: "walk", 4: "swim"}
    assert [str(problem) for problem in problems] == [
        "labels.csv line 3: 'x run' has no whole number as id; write the id before the name, as in 0,brush hair",
        "labels.csv line 4: '0 jump' gives id 0 a second name, after 'walk'; give each class an id of its own",
        "labels.csv line 5: '2 Walk' repeats the class of line 2; name each class once; "
        "spaces, case and underscores make no difference",
        "labels.csv line 6: '3' has no name; write the class's name behind the id",
    ]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "holds no labels; write the header id,name and one class a line"),
        (b"id,name\n", "holds no labels"),
        (b"{", "is not valid JSON"),
        (b'[{"id": "1", "template": "x"}]', "is a list of clips, not of labels"),
        ("id,name\n0,caf\u00e9".encode("latin-1"), "labels.csv line 2: is not UTF-8 text; save the list as UTF-8"),
        (b"PK\x03\x04\x00\x00", "is not a text file"),
        (codecs.BOM_UTF16_LE + b"a", "is not UTF-8 text"),
    ],
)
def test_what_is_no_label_list_is_refused_with_the_reason(tmp_path: Path, data: bytes, told: str):
    (tmp_path / "labels.csv").write_bytes(data)
    root = touch(tmp_path, "a.mp4")
    report = report_on(root, train=write(tmp_path / "train.txt", "a.mp4 0"), labels=tmp_path / "labels.csv")
    assert report.dataset is None
    assert any(told in str(fault) for fault in report.faults), [str(fault) for fault in report.faults]


def test_a_label_list_that_is_not_there_is_named(tmp_path: Path):
    root = touch(tmp_path, "a.mp4")
    report = report_on(root, train=write(tmp_path / "train.txt", "a.mp4 0"), labels=tmp_path / "none.csv")
    assert "none.csv: cannot be read (No such file or directory); check the path" in report.refusal()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("0,walk,gehen\n1,run,laufen\n", "'0,walk,gehen' has several columns of words, and nothing says which one"),
        ("0,1,walk\n1,0,run\n", "'0,1,walk' has several columns of numbers, and nothing says which one counts"),
        ("name,color\nwalk,red\nrun,blue\n", "'name,color' has no column of numbers"),
    ],
)
def test_columns_that_cannot_be_told_apart_are_refused_with_the_first_line(tmp_path: Path, text: str, told: str):
    (tmp_path / "labels.csv").write_text(text)
    problems: list[Problem] = []
    assert read_label_list(tmp_path / "labels.csv", problems) is None
    assert len(problems) == 1 and told in str(problems[0])
