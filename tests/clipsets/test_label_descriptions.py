"""Descriptions of labels as published files and people write them, and what is told of those that cannot be used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ga2app.datasets.label_descriptions import (
    MOST_SENTENCES,
    format_descriptions,
    given_descriptions,
    matched,
    parse_descriptions,
    read_descriptions,
)
from ga2app.errors import LabelError

LABELS = ("brush hair", "playing violin")
BRUSH, PULL = "a person pulls a brush through long hair", "hair is drawn smooth, stroke by stroke"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("one.json", json.dumps({"brush_hair": BRUSH})),
        ("many.json", json.dumps({"Brush Hair": [BRUSH, PULL], "PlayingViolin": ["a bow on strings"]})),
        ("rows.json", json.dumps([{"label": "brush hair", "description": [BRUSH, PULL]}])),
        ("two.csv", f'name,description\nbrush_hair,{BRUSH}\nbrush hair,"{PULL}"\nPlayingViolin,a bow on strings\n'),
        ("wide.csv", f'Class;Description 1;Description 2\nbrush hair;{BRUSH};"{PULL}"\n'),
        ("bare.csv", f"brush hair\t{BRUSH}\n"),
        ("marked.csv", f"\ufeffid,class_name,sentence\r\n3,BrushHair,{BRUSH}\r\n"),
    ],
)
def test_published_files_are_read_and_names_match_as_labels_do(tmp_path: Path, name: str, text: str):
    (tmp_path / name).write_text(text, encoding="utf-8")
    found = matched(read_descriptions(tmp_path / name), LABELS)
    assert found.notes == ()
    assert found.sentences["brush hair"] == ((BRUSH,) if PULL not in text else (BRUSH, PULL))
    if "Violin" in text:
        assert found.sentences["playing violin"] == ("a bow on strings",)


def test_lines_are_read_back_as_they_were_written():
    told = {"brush hair": (BRUSH, PULL), 'at 5": up': ("a: b",)}
    text = format_descriptions(told)
    assert matched(parse_descriptions(text), told).sentences == told
    assert parse_descriptions(" brush hair :  a brush \n\n") == [("brush hair", "a brush ")]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"brush hair": ""}, "label 'brush hair': sentence 1 is empty; left out"),
        ({"brush hair": []}, "label 'brush hair': sentence 1 is empty; left out"),
        ({"brush hair": ["x", "y" * 10_000]}, "sentence 2 has 10,000 characters, 1,000 are the most; left out"),
        ({"juggling": "balls in the air"}, "no label here is called 'juggling': left out"),
        ({"brush hair": [f"way {n}" for n in range(60)]}, f"has 60 sentences; the first {MOST_SENTENCES} are taken"),
        ({"brush hair": "half \ud83d a sign"}, "label 'brush hair': sentence 1"),
    ],
)
def test_what_cannot_be_used_is_told_by_label_and_number_and_the_rest_is_taken(given: dict[str, object], told: str):
    found = matched(given_descriptions({**given, "playing violin": "a bow"}), LABELS)  # type: ignore[arg-type]
    assert any(told in note for note in found.notes), found.notes
    assert found.sentences["playing violin"] == ("a bow",)
    assert all(len(one) <= 1000 for texts in found.sentences.values() for one in texts)


def test_of_very_many_faults_the_first_are_told_and_the_others_are_counted():
    names = [f"label {letter}{n}" for letter in "abcde" for n in range(40)]
    notes = matched(given_descriptions(dict.fromkeys(names, "")), names).notes
    assert len(notes) == 6 and notes[-1] == "and 195 more of this kind"


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("broken.json", '{"brush hair": ', "cannot be read as JSON"),
        ("numbers.json", '{"brush hair": [3]}', "has 3 for 'brush hair', which is no sentence"),
        ("number.json", '{"brush hair": 3}', "has no sentence for 'brush hair'"),
        ("twice.json", '{"a": "b", "a": "c"}', "has the name 'a' twice"),
        ("list.json", '["brush hair"]', "a JSON list that does not name labels"),
        ("other.csv", "path,frames,label\na.mp4,3,x\n", "has no columns name and description"),
        ("film.csv", "\0\0\0 ftypmp42", "is not a text file"),
        ("gone.json", None, "cannot be read as descriptions"),
    ],
)
def test_a_file_of_something_else_is_refused_in_plain_words(tmp_path: Path, name: str, text: str | None, told: str):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(LabelError, match=told):
        read_descriptions(tmp_path / name)


def test_a_line_without_a_label_is_refused_with_its_number():
    with pytest.raises(
        LabelError, match="line 2 of the descriptions is 'no label here'; write it like label: sentence"
    ):
        parse_descriptions("brush hair: x\nno label here")
