"""A data set as files: a CSV that the studio reads back, and a zip of class folders with clips and CSV."""

from __future__ import annotations

import math
import os
import re
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from ga2app.errors import DatasetError
from ga2app.paths import safe_name, whole_file
from ga2app.stretches import Stretch, file_of, seconds, split_address
from ga2app.types import Dataset
from ga2app.untrusted import csv_text

COLUMNS = ("path", "label", "subset", "group")
LIST_NAME = "clips.csv"
VIDEOS = "videos"
"""The folder of a zip for files of which there are stretches."""
DESCRIPTION = "description"
Row = tuple[str, ...]
"""A line of a data set's CSV. An anchor's label is its caption; a negative prompt has no path.

A description has no path either, and stands in a fifth column, which is there where there are any.
"""


def rows_of(dataset: Dataset) -> list[Row]:
    """Path, label, subset, group and description of everything, label by label, so that reading keeps their order."""
    rows: list[Row] = []
    for group, labels in (("base", dataset.base), ("novel", dataset.novel)):
        for label in labels:
            rows += [(clip.path, label, clip.subset.value, group) for clip in dataset.clips if clip.label == label]
    rows += [(anchor.path, anchor.caption or "anchor", "", "anchor") for anchor in dataset.anchors]
    rows += [("", text, "", "negative") for text in dataset.negatives]
    told = [("", label, "", DESCRIPTION, one) for label, texts in dataset.descriptions.items() for one in texts]
    return [*([(*row, "") for row in rows] if told else rows), *told]


def _written(dataset: Dataset, rows: Sequence[Row]) -> str:
    """The CSV of ``rows``; start and end of stretches, if there are any, stand in columns of their own."""
    header = (*COLUMNS, DESCRIPTION) if dataset.descriptions else COLUMNS
    parts = [split_address(row[0]) for row in rows]
    if not any(stretch for _, stretch in parts):
        return csv_text([header, *rows])
    timed = [(file, *row[1:], *_times(stretch)) for row, (file, stretch) in zip(rows, parts, strict=True)]
    return csv_text([(*header, "start", "end"), *timed])


def _times(stretch: Stretch | None) -> tuple[str, str]:
    """Start and end in seconds, empty for a whole file and for a file's end."""
    if stretch is None:
        return "", ""
    return seconds(stretch.start_s), "" if math.isinf(stretch.end_s) else seconds(stretch.end_s)


def export_csv(folder: Path, dataset: Dataset) -> Path:
    """A CSV in ``folder`` with the clips' places on this machine. Raises DatasetError if it cannot be written."""
    try:
        file = folder / f"{file_stem(dataset.name)}.csv"
        file.write_text(_written(dataset, rows_of(dataset)), encoding="utf-8")
    except OSError as exc:
        raise export_refused(exc) from exc
    return file


def export_zip(folder: Path, dataset: Dataset) -> Path:
    """A zip in ``folder``: class folders with the clips, and the CSV of subsets and groups. Raises DatasetError.

    A clip whose file is gone makes the export fail: a copy that lacks something without a word is worse.
    """
    rows = rows_of(dataset)
    if gone := [path for path, *_ in rows if path and not os.path.isfile(file_of(path))]:
        raise DatasetError(
            f"{len(gone)} of the clips are not there any more, such as '{gone[0]}'; bring them back or delete them "
            "from the data set, then export again"
        )
    packed_rows, taken, packed = [], set[str](), dict[str, str]()
    file = folder / f"{file_stem(dataset.name)}.zip"
    try:
        with zipfile.ZipFile(file, "x", zipfile.ZIP_STORED) as archive:
            for path, label, subset, group, *told in rows:
                source, stretch = split_address(path)
                inside = packed.get(source, "") if stretch else ""  # a video of many stretches is packed once
                if path and not inside:
                    inside = _place(source, VIDEOS if stretch else label, group, taken)
                    archive.write(source, inside)
                    if stretch:
                        packed[source] = inside
                packed_rows.append((inside + (stretch.fragment if stretch else ""), label, subset, group, *told))
            archive.writestr(LIST_NAME, _written(dataset, packed_rows))
    except OSError as exc:
        file.unlink(missing_ok=True)
        raise export_refused(exc) from exc
    return file


def put_in_place(folder: Path, files: Mapping[str, Path | str]) -> list[Path]:
    """Files, or their texts, by their names in ``folder``: all of them or none. Raises DatasetError, also where one of
    them is there already."""
    if there := [name for name in files if (folder / name).exists()]:
        raise DatasetError(f"'{folder / there[0]}' is there already; choose another folder, or move it away")
    placed: list[Path] = []
    try:
        for name, what in files.items():
            with whole_file(folder / name) as fresh:
                if isinstance(what, str):
                    fresh.write_text(what, encoding="utf-8", newline="")
                else:
                    shutil.move(what, fresh)
            placed.append(folder / name)
    except OSError as exc:
        for file in placed:
            file.unlink(missing_ok=True)
        raise export_refused(exc) from exc
    return placed


def _place(path: str, label: str, group: str, taken: set[str]) -> str:
    """Where a clip goes in the zip; two that would have the same place are numbered."""
    folder = file_stem("anchors" if group == "anchor" else label)
    stem, suffix = os.path.splitext(safe_name(os.path.basename(path)))
    place, number = f"{folder}/{stem}{suffix}", 1
    while place.casefold() in taken:
        number += 1
        place = f"{folder}/{stem}-{number}{suffix}"
    taken.add(place.casefold())
    return place


def file_stem(name: str) -> str:
    """``name`` as the name of a file or a folder on any system."""
    return safe_name(re.sub(r'[<>"|?*]', "_", name)).strip(". ") or "dataset"


def export_refused(exc: OSError) -> DatasetError:
    """That a file to download could not be written."""
    return DatasetError(f"the export could not be written ({exc.strerror or exc}); free some disk space and try again")
