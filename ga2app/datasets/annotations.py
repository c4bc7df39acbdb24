"""The two annotation formats that are no plain lists: SSv2's JSON and the CSV of Kinetics."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from ga2app.datasets.entries import Entry
from ga2app.datasets.import_report import Problem
from ga2app.types import Subset


def read_ssv2(file: Path, text: str, subset: Subset, problems: list[Problem]) -> list[Entry]:
    """Clips of ``[{"id": "78687", "template": "Holding [something] next to [something]", …}, …]``.

    One object a line will do, too.
    """
    try:
        if text.lstrip().startswith("["):
            rows = list(enumerate(json.loads(text), 1))
        else:
            rows = [(number, json.loads(line)) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    except ValueError as exc:
        problems.append(Problem(str(file), 0, "", f"is not valid JSON ({exc})", "get a fresh copy"))
        return []
    entries, unnamed = [], 0
    for number, row in rows:
        if not isinstance(row, dict) or not str(row.get("id", "")).strip():
            advice = 'each entry is an object with "id" and "template"'
            problems.append(Problem(str(file), number, json.dumps(row)[:80], "has no id", advice))
        elif not str(row.get("template", "")).strip():
            unnamed += 1
        else:
            entries.append(Entry(file, number, f"{row['id']}.webm", subset, name=str(row["template"])))
    if unnamed:
        advice = "the list of test clips comes without them; use the validation list"
        problems.append(Problem(str(file), 0, "", f"has {unnamed} clips without a template", advice))
    return entries


def read_kinetics(file: Path, text: str, subset: Subset, problems: list[Problem]) -> list[Entry]:
    """Clips of ``label,youtube_id,time_start,time_end,split``.

    Their files are called ``<id>_<start>_<end>.mp4``, with seconds of 6 digits. In a list given for training, rows
    whose split is not "train" are test clips.
    """
    rows = csv.DictReader(text.split("\n"), skipinitialspace=True)
    rows.fieldnames = [name.strip().lower() for name in rows.fieldnames or ()]
    lacking = [name for name in ("label", "youtube_id", "time_start", "time_end") if name not in rows.fieldnames]
    if lacking:
        advice = "the list of test clips comes without labels; use the validation list"
        problems.append(Problem(str(file), 1, "", f"has no column {', '.join(lacking)}", advice))
        return []
    entries = []
    for row in rows:
        entry = _kinetics_entry(file, rows.line_num, row, subset)
        if isinstance(entry, Problem):
            problems.append(entry)
        else:
            entries.append(entry)
    return entries


def _kinetics_entry(file: Path, line: int, row: dict[str, Any], subset: Subset) -> Entry | Problem:
    label, clip = (str(row[name] or "").strip() for name in ("label", "youtube_id"))
    try:
        start, end = (int(float(row[name])) for name in ("time_start", "time_end"))
    except (TypeError, ValueError):
        return Problem(str(file), line, clip, "has no whole seconds as time_start and time_end", "mend this line")
    if not (label and clip):
        return Problem(str(file), line, clip, "lacks its label or its youtube_id", "mend this line")
    part = str(row.get("split") or "").strip().lower()
    if part not in ("", "train"):
        subset = Subset.TEST
    return Entry(file, line, f"{clip}_{start:06d}_{end:06d}.mp4", subset, name=label)
