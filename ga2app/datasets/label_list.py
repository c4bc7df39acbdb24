"""Label lists: which number stands for which class.

``id,name`` as CSV, under any usual header or none, the name first or last, with other columns beside · UCF-101's
``classInd.txt`` (``1 ApplyEyeMakeup``) · SSv2's labels (a JSON object from name to id, or from id to name) · one name a
line, counted from 0.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ga2app.datasets.import_report import Problem
from ga2app.datasets.text_tables import column_key, numbered_lines, read_text, split_cells
from ga2app.labels import Spelling, in_words, label_key, name_key
from ga2app.untrusted import parse_json, text_fault, whole_number

_SEPARATORS = ",;\t"
_IDS = frozenset(
    "id ids label_id labelid class_id classid category_id action_id idx index class_index class_idx label_index "
    "number no nr target key".split()
)
_NAMES = frozenset(
    "name names class_name classname class_names label_name labelname action_name category_name label_text text "
    "action actions category categories activity description".split()
)
_EITHER = frozenset("label labels class classes".split())
"""A column of numbers or of names, whichever the list lacks."""

_NUMBER = re.compile(r"\d{1,18}")
_NAME_FIRST = re.compile(r"(.*[^\s,;])[\s,;]+(\d{1,18})")

Row = tuple[int, str, str]
"""Line, id and name as they stand in the file."""


@dataclass(frozen=True)
class Unclear:
    """A list whose columns cannot be told apart; ``reason`` says why, and what it is about is quoted."""

    line: int
    quoted: str
    reason: str


def rows_of(lines: Sequence[tuple[int, str]]) -> list[Row] | Unclear:
    """The rows of a label list of lines: in columns, with a number at one end, or one name a line, counted from 0."""
    if not lines:
        return []
    if named_first := _name_first(lines):
        return named_first
    separator = _separator(lines)
    if separator is not None:
        cells = [(line, split_cells(text, separator)) for line, text in lines]
        rows = _in_columns(cells, separator, lines[0][1])
        if rows is not None:
            return rows
    indexed = [(line, re.fullmatch(r"(\d+)\s+(\S.*)", text)) for line, text in lines]
    if 2 * sum(match is not None for _, match in indexed) > len(lines):
        pairs = zip(indexed, lines, strict=True)
        return [(n, match[1], match[2]) if match else (n, "", text) for (n, match), (_, text) in pairs]
    names = lines[1:] if column_key(lines[0][1]) in _NAMES | _EITHER and len(lines) > 2 else lines
    return [(line, str(place), text) for place, (line, text) in enumerate(names)]


def _name_first(lines: Sequence[tuple[int, str]]) -> list[Row]:
    """The rows of lines that all end in a number of their own, behind a name; commas in the name are no matter."""
    first = re.split(r"[,;\t]", lines[0][1])
    body = lines[1:] if len(first) == 2 and _is_header(first) else lines
    found = [(line, _NAME_FIRST.fullmatch(text)) for line, text in body]
    rows = [(line, match[2], _unquoted(match[1])) for line, match in found if match]
    numbers = [number for _, number, _ in rows]
    starts = sum(re.match(r'"?\d+"?\s*([,;\t]|\s)', text) is not None for _, text in body)
    if len(rows) < max(len(body), 2) or len(set(numbers)) < len(rows) or 2 * starts > len(body):
        return []
    is_set_apart = all(re.search(r"[,;\t]\s*\d+$", text) for _, text in body)
    return rows if is_set_apart or _count_up(numbers) else []


def _unquoted(name: str) -> str:
    cells = split_cells(name, ",")
    return cells[0] if len(cells) == 1 else name


def _separator(lines: Sequence[tuple[int, str]]) -> str | None:
    """The sign between columns; None where the lines have none in common."""
    for sign in _SEPARATORS:
        if all(sign in text for _, text in lines):
            return sign
    first = split_cells(lines[0][1], ",")
    return "," if _is_header(first) and len(first) > 1 else None


def _in_columns(cells: Sequence[tuple[int, list[str]]], separator: str, first_line: str) -> list[Row] | Unclear | None:
    """Rows from cells; None where these are no columns but names that hold the separator."""
    has_header = _is_header(cells[0][1])
    body = cells[1:] if has_header or not _has_number(cells[0][1]) else cells
    if body and not any(_has_number(row) for _, row in body):
        return None if not has_header else Unclear(cells[0][0], first_line, "has no column of numbers")
    width = max((len(row) for _, row in cells), default=0)
    columns = [[row[at] if at < len(row) else "" for _, row in body] for at in range(width)]
    ids = _id_column(cells[0][1] if body is not cells else [], columns)
    if ids is None:
        return Unclear(cells[0][0], first_line, "has several columns of numbers, and nothing says which one counts")
    names = _name_column(cells[0][1] if body is not cells else [], columns, ids)
    if names is None:
        return Unclear(cells[0][0], first_line, "has several columns of words, and nothing says which one is the name")
    if names == -1:  # Two columns, the second with the separator in some of its names.
        return [(line, row[0], f"{separator} ".join(row[1:]).strip()) for line, row in body]
    return [(line, row[ids] if ids < len(row) else "", row[names] if names < len(row) else "") for line, row in body]


def _id_column(header: Sequence[str], columns: Sequence[Sequence[str]]) -> int | None:
    keys = [column_key(name) for name in header]
    if named := [at for at, key in enumerate(keys) if key in _IDS]:
        return named[0]
    numeric = [at for at, column in enumerate(columns) if 2 * sum(map(_is_number, column)) > len(column)]
    if either := [at for at in numeric if at < len(keys) and keys[at] in _EITHER]:
        return either[0]
    if len(numeric) > 1:
        numeric = [at for at in numeric if _count_up(columns[at])]
    return numeric[0] if len(numeric) == 1 else None


def _name_column(header: Sequence[str], columns: Sequence[Sequence[str]], ids: int) -> int | None:
    """The place of the names; -1 for all that stands behind the number, None where it is not clear."""
    keys = [column_key(name) for name in header]
    for known in (_NAMES, _EITHER):
        if named := [at for at, key in enumerate(keys) if key in known and at != ids]:
            return -1 if ids == 0 and named[0] == 1 == len(keys) - 1 and len(columns) > 2 else named[0]
    words = [
        at
        for at, column in enumerate(columns)
        if at != ids and any(column) and not all(_is_number(value) for value in column if value)
    ]
    if not words or len(words) == 1:
        return words[0] if words else (1 if ids == 0 else 0)
    if ids == 0 and words[0] == 1 and any(not value for at in words[1:] for value in columns[at]):
        return -1
    unique = [at for at in words if len(set(columns[at])) == len(columns[at])]
    return unique[0] if len(unique) == 1 else None


def _is_header(cells: Sequence[str]) -> bool:
    keys = {column_key(cell) for cell in cells}
    return bool(keys & (_IDS | _NAMES | _EITHER)) and not _has_number(cells)


def _has_number(cells: Sequence[str]) -> bool:
    return any(_is_number(cell) for cell in cells)


def _is_number(cell: str) -> bool:
    return _NUMBER.fullmatch(cell) is not None


def _count_up(values: Sequence[str]) -> bool:
    """Whether the numbers are those of a count, in any order: no holes, none twice, from 0 or 1."""
    numbers = sorted(int(value) for value in values if _is_number(value))
    return bool(numbers) and numbers[0] in (0, 1) and numbers == list(range(numbers[0], numbers[0] + len(numbers)))


@dataclass(frozen=True)
class LabelList:
    """The classes of one numbering, in the order of the list, under the labels that they get."""

    file: str
    names: Mapping[int, str]

    def by_key(self) -> dict[str, str]:
        """The names by a loose key, without those that share one ("C" and "C++")."""
        found = [(name_key(name), name) for name in self.names.values()]
        shared = Counter(key for key, _ in found)
        return {key: name for key, name in found if shared[key] == 1}

    def find(self, name: str) -> str | None:
        """The class that ``name`` means: the same label, or else the only one that is written nearly so."""
        wanted = label_key(in_words(name))
        same = next((known for known in self.names.values() if label_key(in_words(known)) == wanted), None)
        return same or self.by_key().get(name_key(in_words(name)))


def read_label_list(file: Path, problems: list[Problem], spelling: Spelling = Spelling.WORDS) -> LabelList | None:
    """The labels in ``file``; None where it cannot be read. Every fault goes into ``problems``."""
    text = read_text(file, problems)
    if text is None:
        return None
    rows = _json_rows(file, text, problems) if text.lstrip()[:1] in ("{", "[") else _line_rows(file, text, problems)
    names: dict[int, str] = {}
    keys: dict[str, int] = {}
    for line, number, name in rows:
        fault = _fault(number, name, names, keys)
        if fault:
            problems.append(Problem(str(file), line, f"{number} {name}".strip(), *fault))
        else:
            names[int(number)] = spelling.label(name)
            keys[label_key(in_words(name))] = line
    if not rows and not any(problem.file == str(file) for problem in problems):
        advice = "write the header id,name and one class a line"
        problems.append(Problem(str(file), 0, "", "holds no labels", advice))
    return LabelList(str(file), names) if names else None


def _fault(number: str, name: str, names: Mapping[int, str], keys: Mapping[str, int]) -> tuple[str, str] | None:
    """Reason and advice for a row that cannot be taken."""
    if not number.strip().isdecimal() or whole_number(number) is None:
        return "has no whole number as id", "write the id before the name, as in 0,brush hair"
    if not in_words(name):
        return "has no name", "write the class's name behind the id"
    if fault := text_fault(name):
        reason, _, advice = fault.partition("; ")
        return reason, advice
    if int(number) in names:
        return f"gives id {int(number)} a second name, after '{names[int(number)]}'", "give each class an id of its own"
    if label_key(in_words(name)) in keys:
        line = keys[label_key(in_words(name))]
        return (
            f"repeats the class of line {line}",
            "name each class once; spaces, case and underscores make no difference",
        )
    return None


def _line_rows(file: Path, text: str, problems: list[Problem]) -> list[Row]:
    try:
        rows = rows_of(numbered_lines(text))
    except ValueError as exc:
        problems.append(Problem(str(file), 0, "", f"cannot be read as CSV ({exc})", "get a fresh copy"))
        return []
    if isinstance(rows, Unclear):
        advice = "write the header id,name and one class a line"
        problems.append(Problem(str(file), rows.line, rows.quoted, rows.reason, advice))
        return []
    return rows


def _json_rows(file: Path, text: str, problems: list[Problem]) -> list[Row]:
    try:
        data = parse_json(text)
    except ValueError as exc:
        problems.append(Problem(str(file), 0, "", f"is not valid JSON ({exc})", "get a fresh copy"))
        return []
    if isinstance(data, list):
        if not all(isinstance(name, str) for name in data):
            advice = "give the file that names the classes, such as something-something-v2-labels.json"
            problems.append(Problem(str(file), 0, "", "is a list of clips, not of labels", advice))
            return []
        return [(0, str(place), name) for place, name in enumerate(data)]
    if all(str(key).strip().isdecimal() for key in data):
        return [(0, key, str(name)) for key, name in data.items()]
    return sorted(((0, str(id_), name) for name, id_ in data.items()), key=lambda row: row[1].zfill(9))
