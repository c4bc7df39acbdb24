"""What others wrote is read without trust: ordinary files alone, whole texts, numbers that are numbers, no formulas."""

from __future__ import annotations

import csv
import json
import os
import re
import socket
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ga2app.errors import StoreError, StudioError
from ga2app.paths import PROJECT
from ga2app.untrusted import (
    MAX_DEPTH,
    csv_rows,
    csv_text,
    one_line,
    open_ordinary,
    parse_json,
    read_ordinary,
    stored_json,
    text_fault,
    whole_number,
)

QUICK = settings(max_examples=60, deadline=None, derandomize=True, database=None)
HALF = "\ud800"


def test_only_ordinary_files_are_opened_and_nothing_waits(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket.mp4"))
        for name, kind in (("pipe.mp4", "a named pipe"), ("socket.mp4", "a socket"), ("/dev/zero", "a device")):
            with pytest.raises(OSError, match=f"it is {kind}, not an ordinary file"):
                open_ordinary(tmp_path / name)
    with pytest.raises(IsADirectoryError):
        open_ordinary(tmp_path)
    for name in ("a\0b", f"a{HALF}b"):
        with pytest.raises(OSError, match="no file can have that name"):
            open_ordinary(name)


def test_what_takes_the_place_of_a_file_after_the_look_does_not_wait_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "clip").write_bytes(b"x")
    os.mkfifo(tmp_path / "pipe")
    ordinary = os.stat(tmp_path / "clip")
    monkeypatch.setattr(os, "stat", lambda path: ordinary)
    with pytest.raises(OSError, match="it is a named pipe"):
        open_ordinary(tmp_path / "pipe")


def test_a_file_is_read_whole_up_to_its_limit(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"12345")
    assert read_ordinary(file, 5) == b"12345"
    with pytest.raises(OSError, match="it is larger than 0 MB"):
        read_ordinary(file, 4)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[" * 100_000, "it is nested more than 100 deep"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "it is nested more than 100 deep"),
        ('{"a": NaN}', "it holds NaN, which is no number in JSON"),
        ("[-1e999]", "it holds -1e999, which is beyond all numbers"),
        ("1" * 5000, "it holds a number of 5,000 digits"),
        ('["\\ud800"]', "'?' in it holds half a character"),
        ('{"a": {"b\\u0000": 1}}', "in it holds a control character (U+0000)"),
        (f'["{HALF}"]', "holds half a character"),
        (b'{"a": "\xff"}', "it is not text in UTF-8"),
        (b'["\xed\xa0\x80"]', "it is not text in UTF-8"),
        ("{", "Expecting property name"),
    ],
)
def test_json_that_nobody_should_send_is_one_plain_line(text: str | bytes, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)) as caught:
        parse_json(text)
    assert "\n" not in str(caught.value) and str(caught.value).isprintable()


def test_json_as_people_write_it_is_read() -> None:
    assert parse_json("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    assert parse_json('\ufeff{"a": "\\ud83d\\ude00", "b": 1e300, "c": 1000000000000000019884624838656}')["a"] == "😀"
    assert parse_json('{"é": 1}'.encode("utf-16")) == {"é": 1}
    twice: list[str] = []
    assert parse_json('{"a": 1, "a": 2, "b": {"c": 1, "c": 1}}', twice=twice) == {"a": 2, "b": {"c": 1}}
    assert sorted(twice) == ["a", "c"]


def test_half_a_character_in_a_stored_row_does_no_harm() -> None:
    assert stored_json('["\\ud800x", "\\ud83d\\ude00"]') == ["?x", "😀"]
    with pytest.raises(ValueError, match="nested"):
        stored_json("[" * 100_000)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("aé", max_size=3), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@QUICK
@given(JSON)
def test_json_is_read_back_as_it_was_written(value: object) -> None:
    assert parse_json(json.dumps(value)) == value == stored_json(json.dumps(value, ensure_ascii=False))


@QUICK
@given(st.text(max_size=60) | st.binary(max_size=60))
def test_any_bytes_are_json_or_a_value_error(content: str | bytes) -> None:
    try:
        json.dumps(parse_json(content), allow_nan=False, ensure_ascii=False).encode()
    except ValueError as exc:
        assert "\n" not in str(exc)


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"), max_size=12) | st.builds(
    "".join, st.lists(st.sampled_from(["=", "+", "-", "@", "'", "\t", "1", "SUM(A1)", ",", '"', "＝"]), max_size=4)
)


@QUICK
@given(st.lists(st.lists(CELLS, min_size=2, max_size=3), max_size=4))
def test_no_cell_of_an_export_is_a_formula_and_reading_it_gives_the_original_back(rows: list[list[str]]) -> None:
    text = csv_text(rows)
    read = [cells for _, cells in csv_rows(text.split("\n")[:-1])]
    assert read == [[cell.strip() for cell in row] for row in rows]
    for row in rows:
        for cell in next(csv.reader([csv_text([row])])):
            assert not cell.startswith(tuple("=@＝")) and not re.match(r"[+\-\t](?![\d.])", cell), cell


def test_numbers_stay_numbers_in_an_export() -> None:
    assert csv_text([[-0.5, "-0.5", "+1e-3", "-1+1", "=1"]]) == "-0.5,-0.5,+1e-3,'-1+1,'=1\n"


def test_a_cell_over_the_limit_is_told_with_its_line() -> None:
    with pytest.raises(ValueError, match="line 2: a cell is longer than 131,072 letters; is a quote left open"):
        list(csv_rows(["a,b", "x" * 131_073]))


def test_texts_that_can_be_kept_nowhere_are_told() -> None:
    assert text_fault("walking\tthe dog\n") == ""
    assert "holds half a character" in text_fault(f"a{HALF}")
    assert text_fault("a\x1bb") == "holds a control character (U+001B); take it out"
    with pytest.raises(StoreError, match=r"the name 'a\?' holds half a character"):
        one_line(f"a{HALF}", "the name", StoreError)


def test_a_message_never_holds_half_a_character() -> None:
    assert str(StudioError(f"clip 'a{HALF}é'", hint=HALF)) == "clip 'a?é'; ?"


def test_numbers_beyond_counting_are_none() -> None:
    assert [whole_number(text) for text in (" 12 ", "-3", "٣", "1" * 19, "1.0", "", "1e5")] == [12, -3, 3] + [None] * 4


READS_ITSELF = {"untrusted.py", "onnx_script.py", "disk_frame_cache.py", "mcp_agents.py", "page_head.py"}
"""The one that reads for all, a script that goes out alone, a cache of one's own, and two answers of one's own."""


def test_json_and_csv_are_read_and_written_in_one_place() -> None:
    pattern = re.compile(r"json\.loads?\(|csv\.(reader|writer|DictReader|DictWriter)\(")
    found = {
        path.name for path in (PROJECT / "ga2app").rglob("*.py") if pattern.search(path.read_text(encoding="utf-8"))
    }
    assert found == READS_ITSELF
