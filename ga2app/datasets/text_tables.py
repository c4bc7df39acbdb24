"""Text files as lines and as tables, whatever program wrote them: any encoding mark, line end and separator."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ga2app.datasets.import_report import Problem
from ga2app.errors import DatasetError
from ga2app.untrusted import csv_rows, parse_json, read_ordinary

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_text(file: Path, problems: list[Problem]) -> str | None:
    """The text of ``file`` with line ends made one; None, and an entry in ``problems``, where it cannot be read."""
    try:
        data = read_ordinary(file)
    except OSError as exc:
        advice = "check the path and that you may read it"
        problems.append(Problem(str(file), 0, "", f"cannot be read ({exc.strerror or exc})", advice))
        return None
    encoding = "utf-16" if data.startswith(_UTF16) else "utf-8-sig"
    if b"\0" in data and encoding != "utf-16":
        advice = "give the list of clips, not a clip or an archive"
        problems.append(Problem(str(file), 0, "", "is not a text file", advice))
        return None
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1
        problems.append(Problem(str(file), line, "", "is not UTF-8 text", "save the list as UTF-8"))
        return None
    if "\0" in text:
        problems.append(Problem(str(file), text[: text.index("\0")].count("\n") + 1, "", "holds a NUL", "take it out"))
        return None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def numbered_lines(text: str) -> list[tuple[int, str]]:
    """Lines that are not blank, without the space round them, with their numbers from 1."""
    lines = ((number, line.strip()) for number, line in enumerate(text.split("\n"), 1))
    return [(number, line) for number, line in lines if line]


SUFFIXES = frozenset({".csv", ".tsv", ".jsonl"})
_SEPARATORS = ",;\t|"


@dataclass(frozen=True)
class Sheet:
    """The rows of a table with the number of their line, under the names of its columns as they are written.

    ``first_line`` is quoted where the table is no list of clips.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    first_line: str


def read_sheet(file: Path) -> Sheet:
    """The table in ``file``. Rows without any value are left out. Raises DatasetError if it is no text."""
    problems: list[Problem] = []
    text = read_text(file, problems)
    if text is None:
        problem = problems[0]
        raise DatasetError(f"'{file}' cannot be read as CSV: it {problem.reason}; {problem.advice}")
    if text.startswith("sep=") and "\n" in text:
        text = text.split("\n", 1)[1]  # Excel says so which separator it wrote.
    first_line = text.strip("\n").split("\n", 1)[0]
    try:
        rows = json_rows(text) if first_line.lstrip().startswith("{") else _rows(text, separator_of(first_line))
    except ValueError as exc:
        raise DatasetError(f"'{file}' cannot be read as CSV ({exc}); save it as UTF-8 text") from exc
    kept = [(line, cells) for line, cells in rows if any(cells)]
    columns = kept[0][1] if kept else ()
    return Sheet(columns, tuple(kept[1:]), first_line.strip()[:120])


def separator_of(line: str) -> str:
    """The sign that cuts ``line`` into the most cells, a comma where none does."""
    return max(_SEPARATORS, key=lambda sign: len(next(csv_rows([line], sign), (0, []))[1]))


def _rows(text: str, separator: str) -> list[tuple[int, tuple[str, ...]]]:
    return [(line, tuple(cells)) for line, cells in csv_rows(text.split("\n"), separator)]


def json_rows(text: str) -> list[tuple[int, tuple[str, ...]]]:
    """One object a line, as a table whose columns are all keys."""
    found: list[tuple[int, dict[str, Any]]] = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            row = parse_json(line)
            if not isinstance(row, dict):
                raise ValueError(f"line {number} is no JSON object")
            found.append((number, row))
    columns = tuple(dict.fromkeys(key for _, row in found for key in row))
    rows = [(number, tuple(_cell(row.get(key)) for key in columns)) for number, row in found]
    return [(0, columns), *rows]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value.strip() if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def cells_of(cells: Sequence[str], width: int) -> tuple[str, ...]:
    """``cells`` with as many of them as there are columns."""
    return (*cells[:width], *[""] * (width - len(cells)))


def split_cells(line: str, separator: str) -> list[str]:
    """The cells of one line, without the space round them; raises ValueError for one that is no CSV."""
    return next(csv_rows([line], separator), (0, list[str]()))[1]


def column_key(name: str) -> str:
    """The name of a column without differences of case, space and signs."""
    return re.sub(r"[\W_]+", "_", name.strip().casefold()).strip("_")
