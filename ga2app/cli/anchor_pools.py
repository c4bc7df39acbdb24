"""Pools of clips that anchors are chosen from, and the CSV that chosen ones are written to."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from ga2app.cli import common
from ga2app.datasets import VIDEO_SUFFIXES
from ga2app.errors import DatasetError
from ga2app.labels import label_key, tidy
from ga2app.types import AnchorClip, Dataset

CSV_NAME = "anchors.csv"
COLUMNS = ("path", "label", "subset", "group")


class ClipRow(NamedTuple):
    """A line of a data set's CSV. An anchor's label is its caption; a negative prompt has no path."""

    path: str
    label: str
    subset: str
    group: str


def read_pool(name: str) -> list[AnchorClip]:
    """The clips of a pool: a data set of the studio, a folder with clips anywhere in it, a CSV file, or one clip.

    Captions are class names and anchors' captions; a clip that lies in the folder itself, or is named alone, has none.
    Raises DatasetError.
    """
    dataset = common.known_dataset(name)
    if dataset is not None:
        return [*(AnchorClip(clip.path, tidy(clip.label)) for clip in dataset.clips), *dataset.anchors]
    source = Path(name)
    if source.is_dir():
        inside = ((file, Path(file).parent) for file in files_in(name))
        return [AnchorClip(file, "" if folder == source else tidy(folder.name)) for file, folder in inside]
    if source.is_file():
        return [AnchorClip(name)] if source.suffix.lower() in VIDEO_SUFFIXES else _read_list(source)
    raise DatasetError(f"there is no data set '{name}' and no folder or CSV file of that name; check the pool's name")


def files_in(folder: str) -> list[str]:
    """Every video file in ``folder`` and in the folders in it, sorted; raises DatasetError for none."""
    found = sorted(
        os.path.join(where, file)
        for where, _, files in os.walk(folder)
        for file in files
        if Path(file).suffix.lower() in VIDEO_SUFFIXES and not file.startswith(".")
    )
    if not found:
        raise DatasetError(f"folder '{folder}' holds no clips; name one with video files in it")
    return found


def own_class(clip: AnchorClip, labels: Sequence[str], dataset: Dataset | None) -> bool:
    """Whether the pool itself says that ``clip`` shows one of ``labels``, or a novel class of ``dataset``.

    A novel class must not enter training through its clips or its name in a caption.
    """
    names = {label_key(label) for label in (*labels, *(dataset.novel if dataset else ()))}
    return label_key(clip.caption) in names


def rows_of(dataset: Dataset) -> list[ClipRow]:
    """The clips and negatives of ``dataset`` as lines of a CSV, without its anchors."""
    groups = dict.fromkeys(dataset.base, "base") | dict.fromkeys(dataset.novel, "novel")
    clips = [ClipRow(clip.path, clip.label, clip.subset.value, groups[clip.label]) for clip in dataset.clips]
    return [*clips, *(ClipRow("", text, "", "negative") for text in dataset.negatives)]


def write_rows(path: Path, rows: Iterable[ClipRow]) -> None:
    """Write ``rows`` to the CSV ``path``, which appears whole or not at all. Raises DatasetError.

    Clips in the CSV's folder are named from there, so that the folder can be moved; others by their whole path.
    """
    folder = Path(os.path.abspath(path.parent))
    lines = [row._replace(path=_from_folder(row.path, folder) if row.path else "") for row in rows]
    fresh = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, fresh = tempfile.mkstemp(dir=folder, prefix=f".{path.name}-")
        with os.fdopen(handle, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([COLUMNS, *lines])
        os.chmod(fresh, 0o644)
        os.replace(fresh, path)
    except OSError as exc:
        if fresh:
            Path(fresh).unlink(missing_ok=True)
        raise DatasetError(f"'{path}' cannot be written ({exc}); choose another place") from exc


def _from_folder(path: str, folder: Path) -> str:
    whole = Path(os.path.abspath(path))
    return str(whole.relative_to(folder)) if whole.is_relative_to(folder) else str(whole)


def _read_list(source: Path) -> list[AnchorClip]:
    """Clips of any group of a data set's CSV, also of one that holds anchors alone."""
    try:
        with source.open(newline="", encoding="utf-8-sig") as opened:
            lines = list(csv.DictReader(opened))
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise DatasetError(f"'{source}' cannot be read as CSV ({exc}); save it as UTF-8 text") from exc
    clips = [
        AnchorClip(str(source.parent / row["path"]), tidy(row.get("label") or ""))
        for row in lines
        if (row.get("path") or "").strip() and row.get("group") != "negative"
    ]
    if not clips:
        raise DatasetError(f"'{source}' lists no clips; its first line must name the columns path and label")
    return clips
