"""Pools of clips that anchors are chosen from, and the CSV files that clips and negative prompts go out to."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from ga2app.datasets import VIDEO_SUFFIXES
from ga2app.datasets.clip_files import content_digest
from ga2app.errors import DatasetError, shown
from ga2app.labels import label_key, tidy
from ga2app.paths import whole_file
from ga2app.services.dataset_export import COLUMNS, Row
from ga2app.services.named_datasets import known_dataset
from ga2app.store import Store
from ga2app.store.anchor_rows import AnchorFile
from ga2app.stretches import file_of
from ga2app.types import AnchorClip, Dataset
from ga2app.untrusted import csv_text, read_ordinary, row_dicts

Item = TypeVar("Item")

CSV_NAME = "anchors.csv"
SET, DATASET = "set:", "data:"
"""Pools of the studio are named by what they are: an anchor set's id or a data set's name behind it."""

_CAMERA_WORDS = re.compile(r"^(img|vid|mov|dsc|clip|video|mvi|pxl|gopro|untitled|copy)$", re.IGNORECASE)


def kept_pool(store: Store, pool: str | None) -> list[AnchorFile]:
    """The clips of a data set or an anchor set, with their content where it is known. Raises DatasetError.

    Captions are class names or the anchors' captions.
    """
    if pool and pool.startswith(SET) and pool.removeprefix(SET).isdigit():
        rows = store.anchors.rows(int(pool.removeprefix(SET)))
        return [AnchorFile(row.path, row.caption, row.digest) for row in rows]
    if pool and pool.startswith(DATASET):
        name = pool.removeprefix(DATASET)
        dataset, digests = store.datasets.get(name), store.clips.digests(name)
        clips = [*(AnchorClip(clip.path, tidy(clip.label)) for clip in dataset.clips), *dataset.anchors]
        return [AnchorFile(clip.path, clip.caption, digests.get(clip.path)) for clip in clips]
    raise DatasetError("no pool of clips was chosen; choose a data set or another anchor set to suggest from")


def named_pool(name: str, known: Callable[[str], Dataset | None] = known_dataset) -> list[AnchorClip]:
    """The clips of a pool: a data set of the studio, a folder with clips anywhere in it, a CSV file, or one clip.

    Captions are class names and anchors' captions; a clip that lies in the folder itself, or is named alone, has none.
    Raises DatasetError.
    """
    dataset = known(name)
    if dataset is not None:
        return [*(AnchorClip(clip.path, tidy(clip.label)) for clip in dataset.clips), *dataset.anchors]
    source = Path(name)
    if os.path.isdir(source):
        inside = ((file, Path(file).parent) for file in files_in(name))
        return [AnchorClip(file, "" if folder == source else tidy(folder.name)) for file, folder in inside]
    if os.path.isfile(source):
        return [AnchorClip(name)] if source.suffix.lower() in VIDEO_SUFFIXES else _read_list(source)
    raise DatasetError(
        f"there is no data set '{shown(name)}' and no folder or CSV file of that name; check the pool's name"
    )


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


Captioned = TypeVar("Captioned", AnchorClip, AnchorFile)


def of_other_classes(pool: Sequence[Captioned], labels: Iterable[str]) -> list[Captioned]:
    """The clips whose caption is none of ``labels``, base and novel.

    A novel class must not enter training through its clips or its name in a caption.
    """
    taken = {label_key(label) for label in labels}
    return [clip for clip in pool if label_key(clip.caption) not in taken]


def of_other_content(pool: Sequence[AnchorFile], had: set[str]) -> list[AnchorFile]:
    """The clips whose content is not among the digests ``had``. A file is read only where its content is not known."""

    def digest(clip: AnchorFile) -> str:
        return clip.digest or (content_digest(clip.path) if Path(file_of(clip.path)).is_file() else "")

    return [clip for clip in pool if not had or digest(clip) not in had]


def evenly(items: Sequence[Item], count: int) -> list[Item]:
    """At most ``count`` of the items, spread evenly over them."""
    if len(items) <= count:
        return list(items)
    return [items[place * len(items) // count] for place in range(count)]


def caption_of(name: str) -> str:
    """The caption that a file's name gives: "rain_on-window 02.mp4" is "rain on window"; none for "IMG_2034.mp4"."""
    words = re.findall(r"[^\W\d_]+", tidy(Path(name).stem))
    kept = [word.lower() for word in words if not _CAMERA_WORDS.match(word)]
    return " ".join(kept) if any(len(word) > 2 for word in kept) else ""


def write_lines(path: Path, lines: Iterable[Row]) -> None:
    """Write ``lines`` to the CSV ``path``, which appears whole or not at all. Raises DatasetError.

    Clips in the CSV's folder are named from there, so that the folder can be moved; others by their whole path.
    """
    folder = Path(os.path.abspath(path.parent))
    rows = [(_from_folder(place, folder) if place else "", *rest) for place, *rest in lines]
    try:
        with whole_file(path) as fresh:
            fresh.write_bytes(csv_text([COLUMNS, *rows], "\r\n").encode())
    except (OSError, UnicodeEncodeError) as exc:
        raise DatasetError(f"'{path}' cannot be written ({exc}); choose another place") from exc


def _from_folder(path: str, folder: Path) -> str:
    whole = Path(os.path.abspath(path))
    return str(whole.relative_to(folder)) if whole.is_relative_to(folder) else str(whole)


def _read_list(source: Path) -> list[AnchorClip]:
    """Clips of any group of a data set's CSV, also of one that holds anchors alone."""
    try:
        lines = [row for _, row in row_dicts(io.StringIO(read_ordinary(source).decode("utf-8-sig"), newline=""))]
    except (OSError, ValueError) as exc:
        raise DatasetError(f"'{source}' cannot be read as CSV ({exc}); save it as UTF-8 text") from exc
    clips = [
        AnchorClip(str(source.parent / row["path"]), tidy(row.get("label", "")))
        for row in lines
        if row.get("path") and row.get("group") != "negative"
    ]
    if not clips:
        raise DatasetError(f"'{source}' lists no clips; its first line must name the columns path and label")
    return clips
