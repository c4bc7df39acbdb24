"""A data set as files: a CSV, a zip of class folders with clips and CSV, and the Hub's ``videofolder`` form.

The studio reads all of them back.
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from ga2app.datasets.clip_table import METADATA
from ga2app.datasets.videofolder import README, TEXTS
from ga2app.disk import check_room
from ga2app.errors import DatasetError, ErrorCode, code_of, counted
from ga2app.paths import safe_name, whole_file
from ga2app.stretches import Stretch, file_of, seconds, split_address
from ga2app.types import Dataset
from ga2app.untrusted import csv_text

COLUMNS = ("path", "label", "subset", "group")
LIST_NAME = "clips.csv"
VIDEOS = "videos"
"""The folder of a zip for files of which there are stretches."""
ANCHORS = "anchors"
"""The folder of irrelevant clips."""
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
    rows = _all_there(rows_of(dataset))
    packed_rows, taken, packed = [], set[str](), dict[str, str]()
    file = folder / f"{file_stem(dataset.name)}.zip"
    try:
        with zipfile.ZipFile(file, "x", zipfile.ZIP_STORED) as archive:
            for path, label, subset, group, *told in rows:
                source, stretch = split_address(path)
                inside = packed.get(source, "") if stretch else ""  # a video of many stretches is packed once
                if path and not inside:
                    inside = _place(source, VIDEOS if stretch else ANCHORS if group == "anchor" else label, taken)
                    archive.write(source, inside)
                    if stretch:
                        packed[source] = inside
                packed_rows.append((inside + (stretch.fragment if stretch else ""), label, subset, group, *told))
            archive.writestr(LIST_NAME, _written(dataset, packed_rows))
    except OSError as exc:
        file.unlink(missing_ok=True)
        raise export_refused(exc) from exc
    return file


def _all_there(rows: list[Row]) -> list[Row]:
    if gone := [path for path, *_ in rows if path and not os.path.isfile(file_of(path))]:
        raise DatasetError(
            f"{len(gone)} of the clips are not there any more, such as '{gone[0]}'; bring them back or delete them "
            "from the data set, then export again"
        )
    return rows


def videofolder(dataset: Dataset, license: str = "") -> dict[str, Path | bytes]:
    """What the folder of ``dataset`` in the ``videofolder`` form holds, by the names in it: clips, tables, README.

    Each split folder has one table, whose rows are text and numbers without gaps: ``datasets`` reads a label "007" of
    a CSV as 7, and refuses tables whose columns differ in type. No two clips have one name, since it keeps the bare
    name alone when it writes. A video of many stretches stands once in a folder. Raises DatasetError for missing clips.
    """
    rows = _all_there(rows_of(dataset))
    timed = any(split_address(path)[1] for path, *_ in rows)
    files: dict[str, Path | bytes] = {}
    tables: dict[str, list[str]] = {}
    taken, names, places = set[str](), dict[str, str](), dict[tuple[str, str], str]()
    for path, label, subset, group, *_ in rows:
        if not path:
            continue
        source, stretch = split_address(path)
        part, inner = subset or ANCHORS, VIDEOS if stretch else file_stem(label).lstrip("_.") or "clips"
        if source not in names:
            names[source] = _place(source, "", taken)
        place = places.setdefault((part, source), f"{inner}/{names[source]}")
        files[f"{part}/{place}"] = Path(source)
        row: dict[str, str | float] = {"file_name": place, "label": label, "group": group}
        if timed:
            end_s = stretch.end_s if stretch and math.isfinite(stretch.end_s) else -1.0
            row |= {"start": stretch.start_s if stretch else 0.0, "end": end_s}
        tables.setdefault(part, []).append(json.dumps(row, ensure_ascii=False) + "\n")
    files |= {f"{part}/{METADATA}.jsonl": "".join(lines).encode() for part, lines in tables.items()}
    if texts := [row for row in rows if not row[0]]:
        files[TEXTS] = _written(dataset, texts).encode()
    return files | {README: _readme(dataset, [*tables], timed, license).encode()}


def _readme(dataset: Dataset, parts: Sequence[str], timed: bool, license: str) -> str:
    """The card: what ``datasets`` and the Hub read of it, and what people do. JSON texts are YAML, too."""
    quoted, labels = json.dumps, (*dataset.base, *dataset.novel)
    configs = {
        "default": [part for part in parts if part != ANCHORS],
        ANCHORS: [part for part in parts if part == ANCHORS],
    }
    times = [("start", "float64"), ("end", "float64")] if timed else []
    head = ["---", *([f"license: {quoted(license)}"] if license else []), f"pretty_name: {quoted(dataset.name)}"]
    head += ["task_categories:", "- video-classification", "tags:", "- video", "- ga2", "configs:"]
    for name, splits in configs.items():
        if splits:
            head += [f"- config_name: {name}", *(["  default: true"] if name == "default" else []), "  data_files:"]
            head += [line for part in splits for line in (f"  - split: {part}", f"    path: {part}/**")]
    head += ["dataset_info:", "- config_name: default", "  features:", "  - name: video", "    dtype: video"]
    head += ["  - name: label", "    dtype:", "      class_label:", "        names:"]
    head += [f"          '{number}': {quoted(label, ensure_ascii=False)}" for number, label in enumerate(labels)]
    head += [
        line for name, dtype in [("group", "string"), *times] for line in (f"  - name: {name}", f"    dtype: {dtype}")
    ]
    counts = {part: sum(clip.subset == part for clip in dataset.clips) for part in configs["default"]}
    said = [", ".join(f"{counted(count, 'clip')} in `{part}`" for part, count in counts.items()) + "."]
    said += [f"`group` is base for the {counted(len(dataset.base), 'label')} to train on, and novel for the "
             f"{len(dataset.novel)} that are only tested."]  # fmt: skip
    if timed:
        said.append("`start` and `end` are seconds of the file's own clock; an end of -1 is the file's.")
    if ANCHORS in parts:
        more = f"{counted(len(dataset.anchors), 'clip')} that show none of the labels; their `label` is a caption"
        said.append(f'`load_dataset(…, "{ANCHORS}")` gives {more}.')
    if dataset.negatives or dataset.descriptions:
        said.append(f"`{TEXTS}` has negative prompts and descriptions of labels.")
    use = 'from datasets import Video, load_dataset\n\nclips = load_dataset("USER/NAME")\n'
    use += 'clips = clips.cast_column("video", Video(decode=False))  # paths; decoding needs torchcodec\n'
    title = " ".join(dataset.name.split())
    return "\n".join([*head, "---", "", f"# {title}", "", " ".join(said), "", f"```python\n{use}```", ""])


def export_videofolder(place: Path, dataset: Dataset, license: str = "") -> Path:
    """``dataset`` as a new folder at ``place``, whole or not at all; clips are second names of their files where the
    disk allows, else copies. Raises DatasetError, also where something is there already."""
    files = videofolder(dataset, license)
    if place.exists():
        raise DatasetError(f"'{place}' is there already; choose another folder, or move it away")
    fresh = None
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
        other = [file for file in files.values() if isinstance(file, Path) and not _same_disk(file, fresh)]
        check_room(fresh, sum(file.stat().st_size for file in other), f"the folder '{place.name}'")
        for name, what in files.items():
            target = fresh / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(what, bytes):
                target.write_bytes(what)
            else:
                second_name(what, target)
        fresh.chmod(0o755)
        os.rename(fresh, place)
    except OSError as exc:
        raise export_refused(exc) from exc
    finally:
        if fresh:
            shutil.rmtree(fresh, ignore_errors=True)
    return place


def _same_disk(file: Path, folder: Path) -> bool:
    return file.stat().st_dev == folder.stat().st_dev


def second_name(source: Path, target: Path) -> None:
    """``target`` is the file at ``source``, without its content being copied if the disk allows. Raises OSError."""
    try:
        os.link(os.path.realpath(source), target)
    except OSError:  # on another disk, or on one without hard links
        shutil.copyfile(source, target)


def zip_videofolder(folder: Path, dataset: Dataset) -> Path:
    """A zip in ``folder`` of what ``export_videofolder`` writes. Raises DatasetError."""
    file = folder / f"{file_stem(dataset.name)}-videofolder.zip"
    try:
        with zipfile.ZipFile(file, "x", zipfile.ZIP_STORED) as archive:
            for name, what in videofolder(dataset).items():
                archive.writestr(name, what) if isinstance(what, bytes) else archive.write(what, name)
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


def _place(path: str, label: str, taken: set[str]) -> str:
    """Where a clip goes, in a folder named after ``label``; two that would have the same place are numbered."""
    folder = f"{file_stem(label)}/" if label else ""
    stem, suffix = os.path.splitext(safe_name(os.path.basename(path)).lstrip("."))
    place, number = f"{folder}{stem}{suffix}", 1
    while place.casefold() in taken:
        number += 1
        place = f"{folder}{stem}-{number}{suffix}"
    taken.add(place.casefold())
    return place


def file_stem(name: str) -> str:
    """``name`` as the name of a file or a folder on any system."""
    return safe_name(re.sub(r'[<>"|?*]', "_", name)).strip(". ") or "dataset"


def export_refused(exc: OSError) -> DatasetError:
    """That a file to download could not be written."""
    is_full = code_of(exc) is ErrorCode.DISK_FULL
    advice = (
        "free some disk space and try again" if is_full else "choose a folder that is there and that you may write to"
    )
    return DatasetError(f"the export could not be written ({exc.strerror or exc}); {advice}")
