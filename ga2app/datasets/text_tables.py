"""Text files as lines and as tables, whatever program wrote them: any encoding mark, line end and separator.

Of a list of clips also which column means what, and which number of a fold is for testing.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from ga2app.datasets.clip_names import split_suffix
from ga2app.datasets.import_report import Problem
from ga2app.errors import DatasetError
from ga2app.untrusted import csv_rows, ordinary_status, parse_json, read_ordinary, whole_number

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
PARQUET = ".parquet"
_MAX_PARQUET_BYTES = 1 << 28
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
    if file.suffix.lower() == PARQUET:
        return _parquet(file)
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
    kept = [row for row in rows if any(row[1])]
    columns = kept[0][1] if kept else ()
    return Sheet(columns, tuple(kept[1:]), first_line.strip()[:120])


def _parquet(file: Path) -> Sheet:
    """A Parquet table, as the Hub's tools write ``metadata.parquet``; columns of bytes and lists are left out."""
    try:
        from pyarrow import ArrowException, parquet, types
    except ImportError as exc:
        advice = "pip install pyarrow (170 MB), or save the table as metadata.csv"
        raise DatasetError(f"'{file}' is a Parquet table, and pyarrow, which reads it, is missing; {advice}") from exc
    try:
        ordinary_status(file)
        with parquet.ParquetFile(file) as table:
            groups = (table.metadata.row_group(number) for number in range(table.metadata.num_row_groups))
            if sum(group.total_byte_size for group in groups) > _MAX_PARQUET_BYTES:
                raise ValueError(f"it holds more than {_MAX_PARQUET_BYTES >> 20} MiB")
            plain = (types.is_string, types.is_large_string, types.is_integer, types.is_floating, types.is_boolean)
            columns = [one.name for one in table.schema_arrow if any(holds(one.type) for holds in plain)]
            cells = [[_cell(value) for value in column.to_pylist()] for column in table.read(columns=columns)]
    except (ArrowException, ValueError, OSError) as exc:
        raise DatasetError(f"'{file}' cannot be read as Parquet ({exc}); save it as metadata.csv") from exc
    return Sheet(tuple(columns), tuple(enumerate(zip(*cells, strict=True), 1)), ", ".join(columns)[:120])


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


DESCRIPTION = "description"
_NAMES = {
    "path": "path filepath file_path video_path clip_path videopath relative_path file_name filename video_name "
    "clip_name video_file file video clip",
    "label": "label class category action activity label_name class_name classname category_name action_name "
    "action_label activity_name label_text labels gesture sign gloss",
    "part": "subset split set partition part phase usage dataset_split data_split",
    "fold": "fold fold_id kfold",
    "group": "group",
    "description": "description",
    "start": "start start_time time_start t_start start_s start_sec start_seconds start_frame frame_start begin "
    "begin_time onset",
    "end": "end end_time time_end t_end end_s end_sec end_seconds end_frame frame_end stop stop_time offset",
}
_ROLES = {role: tuple(names.split()) for role, names in _NAMES.items()}
_FOLD = re.compile(r"(?:fold|split)?[\s_-]*(\d+)", re.IGNORECASE)
_SOURCE_ID = frozenset({"youtube_id", "yt_id"})
"""A column of these: start and end are those of the clip in its source, and the clip has been cut."""


@dataclass(frozen=True)
class Columns:
    """The place of each column that is used, None where there is none, and the names of those that are not."""

    path: int
    label: int
    part: int | None = None
    fold: int | None = None
    group: int | None = None
    description: int | None = None
    start: int | None = None
    end: int | None = None
    unused: tuple[str, ...] = ()


def columns_of(sheet: Sheet) -> Columns | None:
    """The columns of ``sheet``; None where it has no column for clips or none for labels."""
    keys = [column_key(name) for name in sheet.columns]
    places = {role: [keys.index(name) for name in names if name in keys] for role, names in _ROLES.items()}
    places["path"] += [at for at, key in enumerate(keys) if key.endswith("_file_name")]  # of the Hub, for any name
    if not places["path"] or not places["label"]:
        return None
    # The first column of labels that are words; numbers are taken where there is no other.
    label = next((at for at in places["label"] if not _are_numbers(sheet, at)), places["label"][0])
    cut = bool(_SOURCE_ID & set(keys))
    start, end = (None if cut else next(iter(_in_seconds(places[role], keys)), None) for role in ("start", "end"))
    part, fold, group = (places[role][0] if places[role] else None for role in ("part", "fold", "group"))
    if fold is None and part is not None and _are_folds(sheet, part):
        part, fold = None, part
    elif part is None and fold is not None and not _are_folds(sheet, fold):
        part, fold = fold, None
    description = _described_at(sheet, group, places["description"])
    used = {places["path"][0], label, part, fold, group, description, start, end}
    unused = tuple(name for at, name in enumerate(sheet.columns) if at not in used and name and _has_values(sheet, at))
    return Columns(places["path"][0], label, part, fold, group, description, start, end, unused)


def _in_seconds(places: Sequence[int], keys: Sequence[str]) -> list[int]:
    """Those of ``places`` whose columns do not count frames, or all where all do."""
    return [at for at in places if "frame" not in keys[at]] or list(places)


def _described_at(sheet: Sheet, group: int | None, places: Sequence[int]) -> int | None:
    """The place of sentences on labels; those of a list whose groups do not say so are on its clips."""
    if group is None or not places:
        return None
    groups = {cells_of(cells, group + 1)[group].casefold() for _, cells in sheet.rows}
    return places[0] if DESCRIPTION in groups else None


def with_header(sheet: Sheet) -> Sheet:
    """``sheet`` under a header where its first line is a clip and its label already."""
    cells = sheet.columns
    if len(cells) not in (2, 3) or not split_suffix(PurePosixPath(cells[0].replace("\\", "/")).name)[1]:
        return sheet
    labels = [cells[1], *(cells_of(row, 2)[1] for _, row in sheet.rows)]
    if all(re.fullmatch(r"-?\d*", label) for label in labels):
        return sheet  # A split list: its numbers mean nothing without a label list.
    return Sheet(("path", "label", "subset")[: len(cells)], ((1, cells), *sheet.rows), sheet.first_line)


def fold_number(value: str) -> int | None:
    """The number of a fold, written as "2" or as "fold_2"."""
    match = _FOLD.fullmatch(value)
    return whole_number(match[1]) if match else None


def _values(sheet: Sheet, place: int) -> Iterator[str]:
    return (cells[place] for _, cells in sheet.rows if place < len(cells) and cells[place])


def _are_folds(sheet: Sheet, place: int) -> bool:
    return _has_values(sheet, place) and all(fold_number(value) is not None for value in _values(sheet, place))


def _are_numbers(sheet: Sheet, place: int) -> bool:
    return _has_values(sheet, place) and all(re.fullmatch(r"\d+", value) for value in _values(sheet, place))


def _has_values(sheet: Sheet, place: int) -> bool:
    return next(_values(sheet, place), None) is not None


def with_fold(file: Path, sheet: Sheet, columns: Columns, fold: int | None) -> Columns:
    """``columns`` with the numbers of folds in use only where ``fold`` chooses one. Raises DatasetError for no choice.

    Numbers of folds do not say which of them is for testing: people number them from 0 and from 1.
    """
    if columns.fold is None:
        if fold is None:
            return columns
        raise DatasetError(f"fold {fold} was chosen, and '{file.name}' has no column that numbers folds; leave it out")
    name = sheet.columns[columns.fold]
    values = {fold_number(value) for value in _values(sheet, columns.fold)} - {None}
    if fold is None and columns.part is not None:
        return replace(columns, fold=None, unused=(*columns.unused, name))
    if fold not in values and values:
        numbers = ", ".join(str(value) for value in sorted(values, key=str))
        what = "nothing says which of them is for testing" if fold is None else f"fold {fold} is none of them"
        raise DatasetError(
            f"column '{name}' of '{file.name}' holds {numbers}, and {what}; "
            "choose one (--fold on the command line, 'Fold for testing' on the screen), or write train and test"
        )
    return columns
