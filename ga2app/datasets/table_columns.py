"""Which column of a list of clips is which, by the names that people give them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from ga2app.datasets.csv_sheets import Sheet, cells_of
from ga2app.datasets.entries import split_suffix
from ga2app.types import Subset

_NAMES = {
    "path": "path filepath file_path video_path clip_path videopath relative_path file_name filename video_name "
    "clip_name video_file file video clip",
    "label": "label class category action activity label_name class_name classname category_name action_name "
    "action_label activity_name label_text labels gesture sign gloss",
    "part": "subset split set partition part phase usage dataset_split data_split",
    "fold": "fold fold_id kfold",
    "group": "group",
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
    stretch: tuple[int, ...] = ()
    unused: tuple[str, ...] = ()


def columns_of(sheet: Sheet) -> Columns | None:
    """The columns of ``sheet``; None where it has no column for clips or none for labels."""
    keys = [_key(name) for name in sheet.columns]
    places = {role: [keys.index(name) for name in names if name in keys] for role, names in _ROLES.items()}
    if not places["path"] or not places["label"]:
        return None
    label = _best_label(sheet, places["label"])
    stretch = () if _SOURCE_ID & set(keys) else (*places["start"], *places["end"])
    part, fold, group = (places[role][0] if places[role] else None for role in ("part", "fold", "group"))
    if fold is None and part is not None and _are_folds(sheet, part):
        part, fold = None, part
    elif part is None and fold is not None and not _are_folds(sheet, fold):
        part, fold = fold, None
    used = {places["path"][0], label, part, fold, group, *stretch}
    unused = tuple(name for at, name in enumerate(sheet.columns) if at not in used and name and _has_values(sheet, at))
    return Columns(places["path"][0], label, part, fold, group, stretch, unused)


def with_header(sheet: Sheet) -> Sheet:
    """``sheet`` under a header where its first line is a clip and its label already."""
    cells = sheet.columns
    if len(cells) not in (2, 3) or not split_suffix(PurePosixPath(cells[0].replace("\\", "/")).name)[1]:
        return sheet
    labels = [cells[1], *(cells_of(row, 2)[1] for _, row in sheet.rows)]
    if all(re.fullmatch(r"-?\d*", label) for label in labels):
        return sheet  # A split list: its numbers mean nothing without a label list.
    return Sheet(("path", "label", "subset")[: len(cells)], ((1, cells), *sheet.rows), sheet.first_line)


def known_values() -> str:
    """The values of a column for parts that are understood, for messages."""
    return ", ".join([*(subset.value for subset in Subset), "val"])


def fold_number(value: str) -> int | None:
    """The number of a fold, written as "2" or as "fold_2"."""
    match = _FOLD.fullmatch(value)
    return int(match[1]) if match else None


def _are_folds(sheet: Sheet, place: int) -> bool:
    values = [cells_of(cells, place + 1)[place] for _, cells in sheet.rows]
    return any(values) and all(not value or fold_number(value) is not None for value in values)


def _key(name: str) -> str:
    return re.sub(r"[\W_]+", "_", name.strip().casefold()).strip("_")


def _best_label(sheet: Sheet, places: Sequence[int]) -> int:
    """The first column of labels that are words; numbers are taken where there is no other."""
    return next((at for at in places if not _are_numbers(sheet, at)), places[0])


def _are_numbers(sheet: Sheet, place: int) -> bool:
    values = [cells_of(cells, place + 1)[place] for _, cells in sheet.rows]
    return any(values) and all(re.fullmatch(r"\d*", value) for value in values)


def _has_values(sheet: Sheet, place: int) -> bool:
    return any(cells_of(cells, place + 1)[place] for _, cells in sheet.rows)
