"""A list of clips as a table: a header line, then one clip a line.

Columns for the clip (``path``, ``file_name``, ``video`` …, relative to the file) and its ``label`` (``class``,
``category`` …); optional for the part (``subset``, ``split`` …: train, val, test), for ``fold``, and ``group`` (base,
novel, anchor: the label is the anchor's caption; negative: the label is a negative prompt and there is no path;
description: the column ``description`` holds a sentence that describes the label, and there is no path).
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from ga2app.datasets.clip_names import Part, part_of, split_suffix
from ga2app.datasets.drafts import Draft, with_parts
from ga2app.datasets.import_report import Problem
from ga2app.datasets.text_tables import Sheet, cells_of, column_key, read_sheet
from ga2app.errors import DatasetError, counted, named
from ga2app.types import AnchorClip, Subset
from ga2app.untrusted import text_fault, whole_number

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
    stretch: tuple[int, ...] = ()
    unused: tuple[str, ...] = ()


def columns_of(sheet: Sheet) -> Columns | None:
    """The columns of ``sheet``; None where it has no column for clips or none for labels."""
    keys = [column_key(name) for name in sheet.columns]
    places = {role: [keys.index(name) for name in names if name in keys] for role, names in _ROLES.items()}
    if not places["path"] or not places["label"]:
        return None
    # The first column of labels that are words; numbers are taken where there is no other.
    label = next((at for at in places["label"] if not _are_numbers(sheet, at)), places["label"][0])
    stretch = () if _SOURCE_ID & set(keys) else (*places["start"], *places["end"])
    part, fold, group = (places[role][0] if places[role] else None for role in ("part", "fold", "group"))
    if fold is None and part is not None and _are_folds(sheet, part):
        part, fold = None, part
    elif part is None and fold is not None and not _are_folds(sheet, fold):
        part, fold = fold, None
    description = _described_at(sheet, group, places["description"])
    used = {places["path"][0], label, part, fold, group, description, *stretch}
    unused = tuple(name for at, name in enumerate(sheet.columns) if at not in used and name and _has_values(sheet, at))
    return Columns(places["path"][0], label, part, fold, group, description, stretch, unused)


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


def _are_folds(sheet: Sheet, place: int) -> bool:
    values = [cells_of(cells, place + 1)[place] for _, cells in sheet.rows]
    return any(values) and all(not value or fold_number(value) is not None for value in values)


def _are_numbers(sheet: Sheet, place: int) -> bool:
    values = [cells_of(cells, place + 1)[place] for _, cells in sheet.rows]
    return any(values) and all(re.fullmatch(r"\d*", value) for value in values)


def _has_values(sheet: Sheet, place: int) -> bool:
    return any(cells_of(cells, place + 1)[place] for _, cells in sheet.rows)


DESCRIPTION = "description"
GROUPS = ("base", "novel", "anchor", "negative", DESCRIPTION)


@dataclass(frozen=True)
class _Row:
    line: int
    path: str
    label: str
    part: str
    group: str
    description: str = ""


def is_clip_list(file: Path, *, header: bool = False) -> bool:
    """Whether ``file`` is a table that has a column for clips and one for labels, told by a ``header`` alone or not."""
    try:
        sheet = read_sheet(file)
        return columns_of(sheet if header else with_header(sheet)) is not None
    except DatasetError:
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
    """The data set that ``file`` lists; see ``read_list``."""
    return joined(file.stem, [read_list(file, problems, fold=fold)])


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
    width = len(sheet.columns)
    lines = [(line, cells_of(cells, width)) for line, cells in sheet.rows]
    _refuse_stretches(file, columns, lines)
    columns = _with_fold(file, sheet, columns, lines, fold)
    part_name = sheet.columns[columns.part] if columns.part is not None else "part"
    judged = [(row, _fault(row, part_name)) for row in (_row(line, cells, columns, fold) for line, cells in lines)]
    faulty = [(row, fault) for row, fault in judged if fault]
    if problems is not None:
        problems += [Problem(str(file), row.line, row.path, fault, "correct this line") for row, fault in faulty]
    elif faulty:
        told = "; ".join(f"line {row.line}: {fault}" for row, fault in faulty[:5])
        lines_told = "this line" if len(faulty) == 1 else "these lines"
        raise DatasetError(f"'{file}' has {counted(len(faulty), 'fault')}: {told}. Correct {lines_told}")
    notes = [f"columns of '{file.name}' that are not used: {named(columns.unused)}"] if columns.unused else []
    return _listed(file, [row for row, fault in judged if not fault], part, notes)


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


def _row(line: int, cells: Sequence[str], columns: Columns, fold: int | None) -> _Row:
    def at(place: int | None) -> str:
        return cells[place] if place is not None else ""

    part = at(columns.part)
    if at(columns.fold):
        part = "test" if fold_number(at(columns.fold)) == fold else "train"
    group = at(columns.group).casefold() or "base"
    return _Row(line, at(columns.path), at(columns.label), part, group, at(columns.description))


def _fault(row: _Row, part_name: str) -> str | None:
    if not row.label:
        return "there is no label"
    for what, text in (("label", row.label), ("path", row.path)):
        if fault := text_fault(text):
            return f"the {what} {fault}"
    if row.group not in GROUPS:
        return f"group '{row.group}' is not one of {', '.join(GROUPS)}"
    if row.group not in ("negative", DESCRIPTION) and not row.path:
        return "there is no path"
    if row.part and part_of(row.part) is None:
        return f"{part_name} '{row.part}' is none of {', '.join(Subset)}, val"
    return None


def _listed(file: Path, rows: Sequence[_Row], part: Part | None, notes: Sequence[str]) -> Listed:
    groups: dict[str, list[_Row]] = {group: [] for group in GROUPS}
    for row in rows:
        groups[row.group].append(row)
    clips = tuple(
        (_place(file.parent, row.path), row.label, part_of(row.part) if row.part else part)
        for row in (*groups["base"], *groups["novel"])
    )
    base, novel = (tuple(dict.fromkeys(row.label for row in groups[group])) for group in ("base", "novel"))
    if both := set(base) & set(novel):
        raise DatasetError(f"'{file}': '{min(both)}' is both base and novel; give each label one group")
    if not clips:
        raise DatasetError(f"'{file}': there are no clips; list at least one, with its label")
    anchors = tuple(AnchorClip(_place(file.parent, row.path), row.label) for row in groups["anchor"])
    negatives = tuple(row.label for row in groups["negative"])
    told = tuple((row.label, row.description) for row in groups[DESCRIPTION])
    return Listed(clips, base, novel, anchors, negatives, tuple(notes), told)


def _place(folder: Path, text: str) -> str:
    """Where a path of the list lies: below ``folder``, also where Windows or a leading slash is in it."""
    candidates = [folder / text, folder / text.replace("\\", "/"), folder / text.replace("\\", "/").lstrip("/")]
    return str(next((path for path in candidates if os.path.isfile(path)), candidates[1]))


def _refuse_stretches(file: Path, columns: Columns, lines: Sequence[tuple[int, Sequence[str]]]) -> None:
    for line, cells in lines:
        if any(cells[place] for place in columns.stretch):
            raise DatasetError(
                f"'{file.name}' gives a start or an end (first in line {line}), and stretches of a video are not read "
                "yet: cut them into clips first, for example with "
                "'ffmpeg -i video.mp4 -ss START -to END clip.mp4', and list these"
            )


def _with_fold(
    file: Path, sheet: Sheet, columns: Columns, lines: Sequence[tuple[int, Sequence[str]]], fold: int | None
) -> Columns:
    """``columns`` with the numbers of folds in use only where ``fold`` chooses one. Raises DatasetError for no choice.

    Numbers of folds do not say which of them is for testing: people number them from 0 and from 1.
    """
    if columns.fold is None:
        if fold is None:
            return columns
        raise DatasetError(f"fold {fold} was chosen, and '{file.name}' has no column that numbers folds; leave it out")
    name = sheet.columns[columns.fold]
    values = {fold_number(cells[columns.fold]) for _, cells in lines} - {None}
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
