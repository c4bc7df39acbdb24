"""Stretches written for labeling tools: CSV, WebVTT, ELAN, BORIS, Label Studio, ActivityNet.

    from ga2app.datasets.annotation_writers import AnnotationFormat, written

    for name, text in written(found.stretches, AnnotationFormat.ELAN).items():
        Path(name).write_text(text, encoding="utf-8")

What is written here is read back the same by ``read_annotations``, to the unit of the format: docs/formats.md has it.
"""

from __future__ import annotations

import html
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any
from xml.sax.saxutils import escape, quoteattr  # nosec B406: they only write

from ga2app.datasets.annotation_records import LabeledStretch
from ga2app.errors import DatasetError
from ga2app.untrusted import csv_text


class AnnotationFormat(StrEnum):
    """What ``written`` writes."""

    CSV = "csv"
    WEBVTT = "webvtt"
    ELAN = "elan"
    BORIS = "boris"
    LABEL_STUDIO = "label-studio"
    ACTIVITYNET = "activitynet"


def written(
    stretches: Iterable[LabeledStretch],
    form: AnnotationFormat,
    *,
    frame_rate: float | None = None,
    durations: Mapping[str, float] | None = None,
    name: str = "stretches",
) -> dict[str, str]:
    """The texts of the files that hold ``stretches``, by their names: one file a clip of WebVTT and ELAN, else one.
    Where clips of several folders have one name, theirs begin with the folder.

    Args:
        stretches: in any order; times are seconds on the clip's own clock.
        form: the format. Times are whole milliseconds in WebVTT and ELAN, and frames of the grid in Label Studio.
        frame_rate: frames a second of Label Studio's timeline: <Video frameRate> of the labeling configuration.
        durations: seconds that the clips last, by their path, where they are known.
        name: of the one file, without its ending.

    Raises:
        DatasetError: there are no stretches, Label Studio's rate is missing, or two clips would share a file's name.
    """
    ordered = sorted(stretches, key=lambda one: (one.path, one.start, one.end, one.label))
    if not ordered:
        raise DatasetError("there are no stretches to write; label at least one")
    clips: dict[str, list[LabeledStretch]] = {}
    for one in ordered:
        clips.setdefault(one.path, []).append(one)
    if form in (AnnotationFormat.WEBVTT, AnnotationFormat.ELAN):
        write, ending = (_webvtt, ".vtt") if form is AnnotationFormat.WEBVTT else (_elan, ".eaf")
        names = {path: PurePosixPath(path).with_suffix(ending).name for path in clips}
        if len(set(names.values())) < len(names):
            names = {path: str(PurePosixPath(path).with_suffix(ending)) for path in clips}
        if twice := [one for one, count in Counter(names.values()).items() if count > 1]:
            raise DatasetError(f"several clips would be written to '{twice[0]}'; rename them, or write one at a time")
        return {names[path]: write(path, some) for path, some in clips.items()}
    if form is AnnotationFormat.LABEL_STUDIO:
        if frame_rate is None or not 0 < frame_rate <= 1000:
            told = "" if frame_rate is None else f" (it is {frame_rate:g})"
            raise DatasetError(
                "Label Studio's timeline counts frames of its own grid: give its rate, <Video frameRate> of the "
                f"labeling configuration, 24 where that says nothing{told}"
            )
        return {f"{name}.json": _json([_task(path, some, frame_rate) for path, some in clips.items()])}
    if form is AnnotationFormat.ACTIVITYNET:
        return {f"{name}.json": _json(_activity_net(clips, durations or {}))}
    if form is AnnotationFormat.BORIS:
        return {f"{name}.tsv": _boris(clips, durations or {})}
    rows = [(one.path, one.label, _seconds(one.start), _seconds(one.end)) for one in ordered]
    return {f"{name}.csv": csv_text([("path", "label", "start", "end"), *rows])}


def _seconds(time: float) -> str:
    """Seconds to the microsecond, at least milliseconds."""
    text = f"{time:.6f}".rstrip("0")
    whole, _, digits = text.partition(".")
    return f"{whole}.{digits:0<3}"


def _json(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _milliseconds(one: LabeledStretch) -> tuple[int, int]:
    """Start and end in whole milliseconds, the end after the start."""
    start = round(one.start * 1000)
    return start, max(round(one.end * 1000), start + 1)


def _webvtt(path: str, stretches: Sequence[LabeledStretch]) -> str:
    def clock(time: int) -> str:
        return f"{time // 3_600_000:02}:{time // 60_000 % 60:02}:{time // 1000 % 60:02}.{time % 1000:03}"

    cues = [
        f"{clock(start)} --> {clock(end)}\n{html.escape(one.label, quote=False)}\n"
        for one, (start, end) in ((one, _milliseconds(one)) for one in stretches)
    ]
    return "\n".join(["WEBVTT\n", *cues])


def _rows_without_overlap(
    stretches: Sequence[LabeledStretch], key: Callable[[LabeledStretch], str]
) -> list[list[LabeledStretch]]:
    """``stretches``, sorted by their start, in as few rows as it takes that none of a ``key`` overlap in a row."""
    rows: list[list[LabeledStretch]] = []
    ends: list[dict[str, float]] = []
    for one in stretches:
        row = next((at for at, end in enumerate(ends) if end.get(key(one), 0.0) <= one.start), len(rows))
        if row == len(rows):
            rows.append([])
            ends.append({})
        rows[row].append(one)
        ends[row][key(one)] = one.end
    return rows


def _elan(path: str, stretches: Sequence[LabeledStretch]) -> str:
    """An .eaf: annotations of one tier may not overlap, so there are as many tiers as it takes."""
    slots: list[str] = []
    tiers: list[str] = []
    number = 0
    for at, row in enumerate(_rows_without_overlap(stretches, lambda one: ""), 1):
        annotations = []
        for one in row:
            number += 1
            refs = f"ts{len(slots) + 1}", f"ts{len(slots) + 2}"
            slots += [f'<TIME_SLOT TIME_SLOT_ID="{ref}" TIME_VALUE="{time}"/>'
                      for ref, time in zip(refs, _milliseconds(one), strict=True)]  # fmt: skip
            annotations.append(
                f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a{number}" TIME_SLOT_REF1="{refs[0]}" '
                f'TIME_SLOT_REF2="{refs[1]}"><ANNOTATION_VALUE>{escape(one.label)}</ANNOTATION_VALUE>'
                "</ALIGNABLE_ANNOTATION></ANNOTATION>"
            )
        tier = "labels" if at == 1 else f"labels {at}"
        body = "\n".join(annotations)
        tiers.append(f'<TIER LINGUISTIC_TYPE_REF="default-lt" TIER_ID="{tier}">\n{body}\n</TIER>')
    url = quoteattr(f"./{path}")
    return "\n".join([
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<ANNOTATION_DOCUMENT AUTHOR="" DATE="2026-01-01T00:00:00+00:00" FORMAT="3.0" VERSION="3.0" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd">',
        '<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">',
        f'<MEDIA_DESCRIPTOR MEDIA_URL={url} MIME_TYPE="video/mp4" RELATIVE_MEDIA_URL={url}/>',
        "</HEADER>", "<TIME_ORDER>", *slots, "</TIME_ORDER>", *tiers,
        '<LINGUISTIC_TYPE GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="default-lt" TIME_ALIGNABLE="true"/>',
        "</ANNOTATION_DOCUMENT>", "",
    ])  # fmt: skip


def _boris(clips: Mapping[str, Sequence[LabeledStretch]], durations: Mapping[str, float]) -> str:
    """Tabular events, an observation a clip. Starts and stops of one behavior alternate: of overlapping stretches of
    one label the later ones are of another subject."""
    header = ("Observation id", "Observation type", "Source", "Time offset (s)", "Media duration (s)", "FPS", "Subject",
              "Behavior", "Behavioral category", "Behavior type", "Time", "Media file name", "Comment")  # fmt: skip
    rows: list[tuple[str, ...]] = [header]
    for path, stretches in clips.items():
        length = f"{durations[path]:.3f}" if path in durations else "NA"
        for at, row in enumerate(_rows_without_overlap(stretches, lambda one: one.label)):
            subject = f"overlap {at}" if at else ""
            events = [
                (time, kind, one.label) for one in row for time, kind in ((one.start, "START"), (one.end, "STOP"))
            ]
            # At one moment the stretch before stops first.
            for time, kind, label in sorted(events, key=lambda event: (event[0], event[1] == "START")):
                rows.append((path, "Media file(s)", f"player #1:{path}", "0", length, "NA", subject, label, "", kind,
                             _seconds(time), path, ""))  # fmt: skip
    return "".join("\t".join(cells) + "\n" for cells in (map(_cell, row) for row in rows))


def _cell(text: str) -> str:
    """``text`` as a cell of a table with tabs."""
    line = csv_text([[text]], "")
    return f'"{text}"' if "\t" in text and not line.startswith('"') else line


def _task(path: str, stretches: Sequence[LabeledStretch], rate: float) -> dict[str, Any]:
    """A task of Label Studio with predictions: frames of its grid from 1, the last one included."""
    results = []
    for number, one in enumerate(stretches, 1):
        first = round(one.start * rate) + 1
        ranges = [{"start": first, "end": max(round(one.end * rate), first)}]
        value = {"ranges": ranges, "timelinelabels": [one.label]}
        result = {"id": f"r{number}", "type": "timelinelabels", "from_name": "videoLabels", "to_name": "video"}
        results.append({**result, "value": value})
    return {"data": {"video": path}, "predictions": [{"model_version": "GA2 Studio", "result": results}]}


def _activity_net(clips: Mapping[str, Sequence[LabeledStretch]], durations: Mapping[str, float]) -> dict[str, Any]:
    """The JSON of ActivityNet, whose names are those of the clips without their ending."""
    names = {path: str(PurePosixPath(path).with_suffix("")) for path in clips}
    if twice := [one for one, count in Counter(names.values()).items() if count > 1]:
        raise DatasetError(f"several clips would be '{twice[0]}' in ActivityNet's JSON; rename all but one")
    database = {
        names[path]: {
            **({"duration": round(durations[path], 6)} if path in durations else {}),
            "subset": "training",
            "annotations": [{"segment": [one.start, one.end], "label": one.label} for one in stretches],
        }
        for path, stretches in clips.items()
    }
    return {"version": "VERSION 1.3", "taxonomy": [], "database": database}
