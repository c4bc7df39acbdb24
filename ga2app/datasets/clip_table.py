"""A list of clips as a table: a header line, then one clip a line.

Columns for the clip (``path``, ``file_name``, ``video`` …, relative to the file) and its ``label`` (``class``,
``category`` …); optional for a stretch of a video (``start`` and ``end`` in seconds, or as hours:minutes:seconds), for
the part (``subset``, ``split`` …: train, val, test), for ``fold``, and ``group`` (base, novel, anchor: the label is the
anchor's caption; negative: the label is a negative prompt and there is no path; description: the column
``description`` holds a sentence that describes the label, and there is no path).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from ga2app.datasets.clip_names import Part, part_of
from ga2app.datasets.drafts import Draft, with_parts
from ga2app.datasets.import_report import Problem
from ga2app.datasets.text_tables import (
    DESCRIPTION,
    PARQUET,
    Columns,
    Sheet,
    cells_of,
    column_key,
    columns_of,
    fold_number,
    read_sheet,
    with_fold,
    with_header,
)
from ga2app.errors import ClipError, DatasetError, counted, named
from ga2app.stretches import address_of, seconds_of, split_address
from ga2app.types import AnchorClip, Subset
from ga2app.untrusted import text_fault

_FEW_FILES = 8
"""Of fewer files of a folder each is asked for."""
GROUPS = ("base", "novel", "anchor", "negative", DESCRIPTION)


METADATA = "metadata"
"""The stem of a table in the ``videofolder`` form of the Hub, whose cells have types: an end is a number there."""
_NO_TIMES, _OPEN = ("", ""), ("-1", "-1.0")


class _Row(NamedTuple):
    line: int
    path: str
    label: str
    part: str
    group: str
    description: str = ""
    times: tuple[str, str] = _NO_TIMES

    def at(self, placed: Callable[[str], str] = str) -> str:
        """The clip's address, its file where ``placed`` says it lies; raises ClipError for a stretch that is none."""
        if not (told := any(self.times)) and "#t=" not in self.path:
            return placed(self.path)
        file, stretch = split_address(self.path)
        if not told:
            return placed(file) + (stretch.fragment if stretch else "")
        begin, end = (seconds_of(text) if text else None for text in self.times)
        return address_of(self.path if stretch else placed(file), begin, end)


def is_clip_list(file: Path, *, header: bool = False) -> bool:
    """Whether ``file`` is a table that has a column for clips and one for labels, told by a ``header`` alone or not."""
    try:
        sheet = read_sheet(file)
        return columns_of(sheet if header else with_header(sheet)) is not None
    except DatasetError:
        if file.suffix.lower() == PARQUET:
            raise  # the clips are below it, and nothing else says what they show
        return False


@dataclass(frozen=True)
class Listed:
    """What one list, or the class folders of one part, hold: path, label and part of each clip, and what is beside."""

    clips: tuple[tuple[str, str, Part | None], ...]
    base: tuple[str, ...]
    novel: tuple[str, ...] = ()
    anchors: tuple[AnchorClip, ...] = ()
    negatives: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    descriptions: tuple[tuple[str, str], ...] = ()


def read_table(file: Path, problems: list[Problem] | None = None, *, fold: int | None = None) -> Draft:
    """The data set that ``file`` lists; see ``read_list``. Raises DatasetError for one without clips."""
    listed = read_list(file, problems, fold=fold)
    if not listed.clips:
        raise DatasetError(f"'{file}': there are no clips; list at least one, with its label")
    return joined(file.stem, [listed])


def read_list(
    file: Path, problems: list[Problem] | None = None, *, part: Part | None = None, fold: int | None = None
) -> Listed:
    """What ``file`` lists. Raises DatasetError with the faults of all lines.

    With a list of ``problems``, faulty lines go there instead, and the others are taken. ``part`` is that of clips
    whose line does not say it; ``fold`` the one whose clips are for testing, where a column numbers folds.
    """
    sheet = with_header(read_sheet(file))
    columns = columns_of(sheet)
    if columns is None:
        raise DatasetError(
            f"'{file}' is not a clip list; its first line must name the columns path and label, "
            f"and it is '{sheet.first_line}' (a split list is given with --split)"
        )
    _refuse_frames(file, sheet, columns)
    columns = with_fold(file, sheet, columns, fold)
    part_name = sheet.columns[columns.part] if columns.part is not None else "part"
    named_parts = cache(part_of)
    rows = list(_rows(sheet, columns, fold))
    if file.stem.casefold() == METADATA:
        rows = [row._replace(times=_closed(*row.times)) if row.times[1] in _OPEN else row for row in rows]
    faulty = [(row, fault) for row in rows if (fault := _fault(row, part_name, named_parts))]
    if problems is not None:
        problems += [Problem(str(file), row.line, row.path, fault, "correct this line") for row, fault in faulty]
    elif faulty:
        told = "; ".join(f"line {row.line}: {fault}" for row, fault in faulty[:5])
        lines_told = "this line" if len(faulty) == 1 else "these lines"
        raise DatasetError(f"'{file}' has {counted(len(faulty), 'fault')}: {told}. Correct {lines_told}")
    notes = [f"columns of '{file.name}' that are not used: {named(columns.unused)}"] if columns.unused else []
    lost = {row.line for row, _ in faulty}
    return _listed(file, [row for row in rows if row.line not in lost], part, notes, named_parts)


def joined(name: str, lists: Sequence[Listed]) -> Draft:
    """One data set of all ``lists``. Raises DatasetError for a label that is base and novel."""
    base = tuple(dict.fromkeys(label for one in lists for label in one.base))
    novel = tuple(dict.fromkeys(label for one in lists for label in one.novel))
    if both := set(base) & set(novel):
        raise DatasetError(f"'{min(both)}' is both base and novel; give each label one group")
    clips, notes, passed_over = with_parts([clip for one in lists for clip in one.clips])
    labels = {clip.label for clip in clips}
    return Draft(
        name,
        tuple(label for label in base if label in labels),
        tuple(label for label in novel if label in labels),
        clips,
        tuple(anchor for one in lists for anchor in one.anchors),
        tuple(negative for one in lists for negative in one.negatives),
        (*(note for one in lists for note in one.notes), *notes),
        passed_over,
        tuple(pair for one in lists for pair in one.descriptions),
    )


def _rows(sheet: Sheet, columns: Columns, fold: int | None) -> Iterator[_Row]:
    places = (columns.path, columns.label, columns.part, columns.fold, columns.group, columns.description,
              columns.start, columns.end)  # fmt: skip
    # One cell more than there are columns, which is empty: it stands for those that are not there.
    width = len(sheet.columns)
    chosen = itemgetter(*(width if place is None else place for place in places))
    for line, cells in sheet.rows:
        whole = cells if len(cells) == width else cells_of(cells, width)
        path, label, part, number, group, description, start, end = chosen((*whole, ""))
        if number:
            part = "test" if fold_number(number) == fold else "train"
        group = group.casefold() if group else "base"
        yield _Row(line, path, label, part, group, description, (start, end) if start or end else _NO_TIMES)


def _closed(begin: str, _: str) -> tuple[str, str]:
    """The times of a row that says that it goes on to the file's end; none where it is the whole file."""
    return _NO_TIMES if begin in ("", "0", "0.0") else (begin, "")


def _fault(row: _Row, part_name: str, parts: Callable[[str], Part | None]) -> str | None:
    if not row.label:
        return "there is no label"
    if not (row.label.isprintable() and row.path.isprintable()):
        for what, text in (("label", row.label), ("path", row.path)):
            if fault := text_fault(text):
                return f"the {what} {fault}"
    if row.group not in GROUPS:
        return f"group '{row.group}' is not one of {', '.join(GROUPS)}"
    if row.group not in ("negative", DESCRIPTION) and not row.path:
        return "there is no path"
    if row.part and parts(row.part) is None:
        return f"{part_name} '{row.part}' is none of {', '.join(Subset)}, val"
    if "#t=" in row.path or any(row.times):
        try:
            row.at()
        except ClipError as exc:
            return exc.reason
    return None


def _listed(
    file: Path, rows: Sequence[_Row], part: Part | None, notes: Sequence[str], parts: Callable[[str], Part | None]
) -> Listed:
    groups: dict[str, list[_Row]] = {group: [] for group in GROUPS}
    for row in rows:
        groups[row.group].append(row)
    place = _Places(file.parent).of
    clips = tuple(
        (row.at(place), row.label, parts(row.part) if row.part else part) for row in (*groups["base"], *groups["novel"])
    )
    base, novel = (tuple(dict.fromkeys(row.label for row in groups[group])) for group in ("base", "novel"))
    if both := set(base) & set(novel):
        raise DatasetError(f"'{file}': '{min(both)}' is both base and novel; give each label one group")
    anchors = tuple(AnchorClip(row.at(place), row.label) for row in groups["anchor"])
    negatives = tuple(row.label for row in groups["negative"])
    told = tuple((row.label, row.description) for row in groups[DESCRIPTION])
    return Listed(clips, base, novel, anchors, negatives, tuple(notes), told)


class _Places:
    """Where paths of a list lie: below ``folder``, also where Windows or a leading slash is in them.

    A folder of which many files are listed is read once, instead of asking the disk for each of them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._below = folder, os.path.join(folder, "") if str(folder) != "." else ""
        self._asked: Counter[str] = Counter()
        self._names: dict[str, frozenset[str]] = {}

    def of(self, text: str) -> str:
        """The path of the file that the list calls ``text``."""
        plain = text.replace("\\", "/")
        bare = plain.lstrip("/")
        for spelled in (text, plain, bare) if bare != text else ():
            if self._is_file(path := self._joined(spelled)):
                return path
        return self._joined(plain)

    def _joined(self, text: str) -> str:
        if os.sep != "/" or text[-1:] in ("/", ".") or "//" in text or "./" in text:
            return str(self._folder / text)
        return text if text[:1] == "/" else self._below + text

    def _is_file(self, path: str) -> bool:
        begin = path.rfind("/") + 1
        folder, name = path[:begin], path[begin:]  # "/" is another folder than the one without a name
        if folder not in self._names:
            self._asked[folder] += 1
            if self._asked[folder] < _FEW_FILES:
                return os.path.isfile(path)
            self._names[folder] = _files_in(folder)
        return name in self._names[folder] or os.path.isfile(path)  # a disk may know other spellings of a name


def _files_in(folder: str) -> frozenset[str]:
    try:
        with os.scandir(folder or ".") as entries:
            return frozenset(entry.name for entry in entries if entry.is_file())
    except OSError:
        return frozenset()


def _refuse_frames(file: Path, sheet: Sheet, columns: Columns) -> None:
    for at in (columns.start, columns.end):
        if at is None or "frame" not in column_key(sheet.columns[at]):
            continue
        if line := next((line for line, cells in sheet.rows if any(cells[at : at + 1])), None):
            raise DatasetError(
                f"column '{sheet.columns[at]}' of '{file.name}' counts frames (first in line {line}), and a stretch is "
                "told in seconds, whatever the video's rate: write columns start and end in seconds"
            )
