"""Annotations over time in text: CSV, those of Label Studio, VIA 3, BORIS, Charades, EPIC-KITCHENS and THUMOS-14;
WebVTT and SRT."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ga2app.datasets.annotation_json import Pairs, add_via, via_labels
from ga2app.datasets.annotation_label_studio import label_studio
from ga2app.datasets.annotation_records import Reading, as_dict, as_list, as_text, media_path, number, seconds_of
from ga2app.datasets.text_tables import cells_of, column_key, json_rows, separator_of
from ga2app.errors import DatasetError, counted, shown
from ga2app.untrusted import csv_rows, parse_json

Row = tuple[int, dict[str, str]]
"""The number of a line, and its cells by ``column_key`` of their column."""

_TIMING = re.compile(r"\s*([\d:.,]+)\s*-->\s*([\d:.,]+)(?:\s.*)?")
_THUMOS = re.compile(r"(\S+)[ \t]+(\d+(?:\.\d+)?)[ \t]+(\d+(?:\.\d+)?)")
_PATHS = (
    "path file_path filepath file_name filename video_path video_name clip_path video file clip video_id name".split()
)
_LABELS = "label class category action activity label_name class_name behavior action_label gesture sign".split()
_STARTS = (
    "start start_s start_time start_sec start_seconds time_start t_start begin begin_time onset start_timestamp".split()
)
_ENDS = "end end_s end_time end_sec end_seconds time_end t_end stop stop_s stop_time offset stop_timestamp".split()
_FRAMES = frozenset("start_frame frame_start end_frame frame_end stop_frame first_frame last_frame".split())
_SOURCE_IDS = frozenset({"youtube_id", "yt_id"})


def read_text_annotations(text: str, name: str, frame_rate: float | None) -> Reading | None:
    """What ``text``, of a file called ``name``, says; None where it is of no known form. Raises DatasetError, and
    ValueError for a table that cannot be read."""
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        return None
    if text.startswith("WEBVTT") or any(_TIMING.fullmatch(line) for line in lines[:2]):
        return _cues(text)
    if any("CSV_HEADER" in line for line in lines[:20] if line.startswith("#")):
        return _via_table(lines)
    if all(_THUMOS.fullmatch(line.strip()) for line in lines):
        return _thumos(lines, name)
    return _table(text, frame_rate)


def _cues(text: str) -> Reading:
    """Cues of WebVTT or SRT: each line of text is a label; settings behind the times, and notes, are passed over."""
    reading = Reading("WebVTT" if text.startswith("WEBVTT") else "SRT")
    for block in re.split(r"\n[ \t]*\n", text):
        lines = block.strip("\n").split("\n")
        at = next((place for place, line in enumerate(lines[:2]) if "-->" in line), None)
        if at is None or re.match(r"(?:NOTE|STYLE|REGION)\b", lines[0]):
            continue
        times = _TIMING.fullmatch(lines[at])
        start, end = (seconds_of(time) for time in times.groups()) if times else (None, None)
        labels = [html.unescape(re.sub(r"</?[A-Za-z][^<>]*>|</>", "", line)).strip() for line in lines[at + 1 :]]
        for label in [label for label in labels if label] or [""]:
            if start is None or end is None:
                reading.leave("", label, f"has no times that can be read ('{shown(lines[at])}')")
            else:
                reading.mark("", start, end, label)
    return reading


def _thumos(lines: Sequence[str], name: str) -> Reading:
    """A list of THUMOS-14: the label is the file's name."""
    reading = Reading("THUMOS-14")
    label = re.sub(r"_(?:val|test|train|validation)$", "", name)
    ambiguous = label.casefold() == "ambiguous"
    for line in lines:
        path, start, end = _THUMOS.fullmatch(line.strip()).groups()  # type: ignore[union-attr]
        begin, until = number(start), number(end)
        if ambiguous or begin is None or until is None:
            why = "is of no class: its annotators could not tell" if ambiguous else "has no times that can be read"
            reading.leave(path, label, why, begin, until)
        else:
            reading.mark(path, begin, until, label)
    if label.casefold() == "diving":
        reading.notes.append("stretches of CliffDiving are in Diving, too")
    return reading


def _via_table(lines: Sequence[str]) -> Reading:
    """VIA 3's CSV: lines with # say what the keys of attributes and options stand for."""
    reading = Reading("VIA 3 CSV")
    attributes: dict[str, Any] = {}
    header: list[str] = []
    for line in (line[1:].strip() for line in lines if line.startswith("#")):
        key, _, value = line.partition("=")
        if key.strip() == "ATTRIBUTE":
            attributes = as_dict(parse_json(value))
        elif key.strip() == "CSV_HEADER":
            header = [name.strip() for name in value.split(",")]
    for _, cells in csv_rows(line for line in lines if not line.startswith("#")):
        row = dict(zip(header, cells, strict=False))
        files, times, values = (
            parse_json(row.get(key) or "null") for key in ("file_list", "temporal_coordinates", "metadata")
        )
        path = media_path(as_text(next(iter(as_list(files)), "")))
        labels = list(via_labels(attributes, as_dict(values)))
        if labels or not as_dict(values):
            add_via(reading, path, times, labels)
    return reading


# Tables with a header -------------------------------------------------------------------------------------------------


def _table(text: str, frame_rate: float | None) -> Reading | None:
    if text.lstrip().startswith("{"):
        (_, columns), *found = json_rows(text)
        keys = [column_key(name) for name in columns]
        return _times(keys, [(line, dict(zip(keys, cells, strict=True))) for line, cells in found])
    lines = text.removeprefix("sep=,\n").removeprefix("sep=;\n").split("\n")
    head = _header_line(lines)
    sign = separator_of(lines[head])
    rows = csv_rows(lines[head:], sign)
    keys = [column_key(cell) for cell in next(rows, (0, list[str]()))[1]]
    body = [
        (head + line, dict(zip(keys, cells_of(cells, len(keys)), strict=True))) for line, cells in rows if any(cells)
    ]
    has = set(keys)
    if {"id", "actions"} <= has:
        return _charades(body)
    if {"behavior", "start_s", "stop_s"} <= has:
        return _boris_aggregated(body)
    if {"behavior", "time"} <= has and {"behavior_type", "status"} & has:
        return _boris_events(body, lines[:head])
    if (regions := _label_studio_columns(body)) is not None:
        return label_studio(regions, frame_rate)
    return _times(keys, body)


def _header_line(lines: Sequence[str]) -> int:
    """The place of the header: older files of BORIS have a block of lines before it."""
    for place, line in enumerate(lines[:200]):
        if re.search(r"(?i)\btime\b", line) and re.search(r"(?i)\bbehaviou?r\b", line) and re.search("[,;\t]", line):
            return place
    return next((place for place, line in enumerate(lines) if line.strip()), 0)


def _label_studio_columns(body: Sequence[Row]) -> list[Any] | None:
    """The rows as tasks, where a cell is a JSON list of regions; None where none is."""
    tasks: list[Any] = []
    found = False
    for line, row in body:
        task: dict[str, Any] = {}
        for key, cell in row.items():
            if not cell.startswith("[{"):
                task[key] = cell
                continue
            try:
                task[key] = parse_json(cell)
            except ValueError as exc:
                raise ValueError(f"line {line}: the list in column '{shown(key)}' cannot be read ({exc})") from exc
            found = True
        tasks.append(task)
    return tasks if found else None


def _first(row: Mapping[str, str], names: Sequence[str]) -> str:
    return next((row[name] for name in names if row.get(name)), "")


def _times(keys: Sequence[str], body: Sequence[Row]) -> Reading | None:
    """A table with a column for the clip, the label, start and end: seconds, or hours:minutes:seconds."""
    has = set(keys)
    epic = {"start_timestamp", "stop_timestamp"} <= has
    if not has & set(_PATHS) or _SOURCE_IDS & has:
        return None
    if not (has & set(_STARTS) and has & set(_ENDS)):
        if len(has & _FRAMES) > 1:
            columns = " and ".join(key for key in keys if key in _FRAMES)
            raise DatasetError(
                f"columns {columns} count frames, and nothing says from 0 or from 1, or whether the last one is "
                "included; write seconds into columns start and end"
            )
        return None
    reading = Reading("EPIC-KITCHENS" if epic else "CSV")
    paths = ["video_id", *_PATHS] if epic else _PATHS
    whole = 0
    for line, row in body:
        label = _epic_label(row) if epic else _first(row, _LABELS)
        path, texts = _first(row, paths), (_first(row, _STARTS), _first(row, _ENDS))
        start, end = map(seconds_of, texts)
        if not any(texts) and path:
            whole += 1
            reading.mark(path, None, None, label)
        elif not path or start is None or (texts[1] and end is None):
            why = (
                f"line {line}: has no path"
                if not path
                else f"line {line}: '{shown(texts[0])}' to '{shown(texts[1])}' are no times"
            )
            reading.leave(path, label, why, start, end)
        else:
            reading.mark(path, start, end, label)
    if whole:
        reading.notes.append(f"{counted(whole, 'line')} without start and end: the whole clip")
    return reading if whole < len(body) or epic else None


def _epic_label(row: Mapping[str, str]) -> str:
    return row.get("narration") or " ".join(filter(None, (row.get("verb"), row.get("noun")))) or _first(row, _LABELS)


def _charades(body: Sequence[Row]) -> Reading:
    """Charades: ``c092 11.90 21.20;c147 …`` in one cell, which is often empty."""
    reading = Reading("Charades")
    empty = 0
    for line, row in body:
        parts = [part.split() for part in row["actions"].split(";") if part.strip()]
        empty += not parts
        for part in parts:
            times = [number(time) for time in part[1:]]
            if len(times) != 2 or times[0] is None or times[1] is None:
                reading.leave(row["id"], part[0], f"line {line}: '{shown(' '.join(part))}' has no two times")
            else:
                reading.mark(row["id"], times[0], times[1], part[0])
    if empty:
        reading.notes.append(f"{counted(empty, 'clip')} without actions")
    return reading


def _files_of(row: Mapping[str, str]) -> list[tuple[str, float | None]]:
    """The files of an observation's first player and their seconds: ``player #1:a.mp4;b.mp4|player #2:c.mp4``."""
    source = re.sub(r"^player #1:\s*", "", row.get("source", "").split("|")[0])
    lengths = _first(row, ("media_duration_s", "total_length")).split("|")[0].split(";")
    names = [name.strip() for name in source.split(";") if name.strip()]
    return [(name, number(length)) for name, length in zip(names, [*lengths, *[""] * len(names)], strict=False)]


def _boris_events(body: Sequence[Row], before: Sequence[str]) -> Reading:
    """Tabular events: ``Time`` is of the whole observation, START and STOP are rows of their own.

    An older file names its clips in a block of lines ``before`` the header, or in a column of their path.
    """
    reading = Reading("BORIS tabular events")
    block = [
        re.split(r"[\t,;]", line)[-1].strip('" ') for line in before if re.match(r'"?(?:Player #1|Media file)', line)
    ]
    observations: dict[str, Pairs] = {}
    for line, row in body:
        name, label = row.get("observation_id", ""), row["behavior"]
        files = _files_of(row)
        if not files and (path := _first(row, ("media_file_path", "media_file_name")) or next(iter(block), "")):
            files = [(path, None)]
        pairs = observations.setdefault(name, Pairs(reading, files, name))
        key = (row.get("subject", ""), label, *_modifiers(row))
        kind, time = _first(row, ("behavior_type", "status")).upper(), seconds_of(row["time"])
        if time is None or kind not in ("START", "STOP", "POINT"):
            why = f"line {line}: is no event with a time and START, STOP or POINT"
            reading.leave(files[0][0] if files else name, label, why)
        elif kind == "POINT":
            pairs.moment(label, time)
        else:
            (pairs.start if kind == "START" else pairs.stop)(key, label, time)
    for pairs in observations.values():
        pairs.close()
    return reading


def _modifiers(row: Mapping[str, str]) -> Iterator[str]:
    return (cell for key, cell in row.items() if key.startswith("modifier"))


def _boris_aggregated(body: Sequence[Row]) -> Reading:
    """Aggregated events: start and stop of a state in one row; ``Media file name`` is the file of the start only."""
    reading = Reading("BORIS aggregated events")
    for line, row in body:
        label, start, end = row["behavior"], seconds_of(row["start_s"]), seconds_of(row["stop_s"])
        files: list[tuple[str, float | None]] = _files_of(row) or [(row.get("media_file_name", ""), None)]
        pairs = Pairs(reading, files, row.get("observation_id", ""))
        if start is None or end is None:
            reading.leave(files[0][0], label, f"line {line}: has no start or no stop", start, end)
        elif row.get("behavior_type", "").upper() == "POINT":
            pairs.moment(label, start)
        else:
            pairs.stretch(label, start, end, row.get("subject", ""))
    return reading
