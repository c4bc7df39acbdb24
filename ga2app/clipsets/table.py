"""The studio's own CSV: a header line, then one clip a line.

Columns ``path`` (relative to the file) and ``label``; optional ``subset`` (train, test) and ``group`` (base, novel,
anchor: the label is the anchor's caption; negative: the label is a negative prompt and there is no path).
"""

from __future__ import annotations

import csv
from pathlib import Path

from ga2app.clipsets.holding_out import hold_out
from ga2app.clipsets.report import Problem
from ga2app.contracts import AnchorClip, Dataset, Subset
from ga2app.errors import DatasetError

GROUPS = ("base", "novel", "anchor", "negative")


def read_table(file: Path, problems: list[Problem] | None = None) -> Dataset:
    """The data set that ``file`` lists. Raises DatasetError with the faults of all lines.

    With a list of ``problems``, faulty lines go there instead, and the others are taken.
    """
    try:
        with file.open(newline="", encoding="utf-8-sig") as opened:
            reader = csv.DictReader(opened)
            if not {"path", "label"} <= set(reader.fieldnames or ()):
                raise DatasetError(
                    f"'{file}' is not a clip list; its first line must name the columns path and label "
                    "(a split list is given with --split)"
                )
            lines = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise DatasetError(f"'{file}' cannot be read as CSV ({exc}); save it as UTF-8 text") from exc
    judged = [(number, row, _fault(row)) for number, row in enumerate(lines, 2)]
    faults = [f"line {number}: {fault}" for number, _, fault in judged if fault]
    if problems is not None:
        problems += [
            Problem(str(file), number, str(row.get("path") or ""), fault, "mend this line")
            for number, row, fault in judged
            if fault
        ]
        lines = [row for _, row, fault in judged if not fault]
    elif faults:
        raise DatasetError(f"'{file}' has {len(faults)} faults: {'; '.join(faults[:5])}. Mend these lines")
    groups: dict[str, list[dict[str, str]]] = {group: [] for group in GROUPS}
    for row in lines:
        groups[row.get("group") or "base"].append(row)
    clips = [
        (str(file.parent / row["path"]), row["label"], Subset(row["subset"]) if row.get("subset") else None)
        for row in (*groups["base"], *groups["novel"])
    ]
    base, novel = (tuple(dict.fromkeys(row["label"] for row in groups[group])) for group in ("base", "novel"))
    both = set(base) & set(novel)
    if both or not clips:
        what = f"'{min(both)}' is both base and novel" if both else "there are no clips"
        raise DatasetError(f"'{file}': {what}; give each label one group, and at least one clip")
    return Dataset(
        file.stem,
        base,
        novel,
        tuple(hold_out(clips)),
        tuple(AnchorClip(str(file.parent / row["path"]), row["label"]) for row in groups["anchor"]),
        tuple(row["label"] for row in groups["negative"]),
    )


def _fault(row: dict[str, str]) -> str | None:
    if not (row["label"] or "").strip():
        return "there is no label"
    group = row.get("group") or "base"
    if group not in GROUPS:
        return f"group '{group}' is not one of {', '.join(GROUPS)}"
    if group != "negative" and not (row["path"] or "").strip():
        return "there is no path"
    if (row.get("subset") or "train") not in [subset.value for subset in Subset]:
        return f"subset '{row['subset']}' is neither train nor test"
    return None
