"""Label lists: which number stands for which class.

``id,name`` as CSV, under any usual header or none, the name first or last, with other columns beside · UCF-101's
``classInd.txt`` (``1 ApplyEyeMakeup``) · SSv2's labels (a JSON object from name to id, or from id to name) · one name a
line, counted from 0.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ga2app.datasets.import_report import Problem
from ga2app.datasets.label_columns import Row, Unclear, rows_of
from ga2app.datasets.text_encoding import numbered_lines, read_text
from ga2app.labels import in_words, label_key, name_key


@dataclass(frozen=True)
class LabelList:
    """The classes of one numbering, in the order of the list. Names are in words."""

    file: str
    names: Mapping[int, str]

    def by_key(self) -> dict[str, str]:
        """The names by a loose key, without those that share one ("C" and "C++")."""
        found = [(name_key(name), name) for name in self.names.values()]
        shared = Counter(key for key, _ in found)
        return {key: name for key, name in found if shared[key] == 1}

    def find(self, name: str) -> str | None:
        """The class that ``name`` means: the same label, or else the only one that is written nearly so."""
        wanted = label_key(in_words(name))
        same = next((known for known in self.names.values() if label_key(known) == wanted), None)
        return same or self.by_key().get(name_key(in_words(name)))


def read_label_list(file: Path, problems: list[Problem]) -> LabelList | None:
    """The labels in ``file``; None where it cannot be read. Every fault goes into ``problems``."""
    text = read_text(file, problems)
    if text is None:
        return None
    rows = _json_rows(file, text, problems) if text.lstrip()[:1] in ("{", "[") else _line_rows(file, text, problems)
    names: dict[int, str] = {}
    keys: dict[str, int] = {}
    for line, number, name in rows:
        fault = _fault(number, name, names, keys)
        if fault:
            problems.append(Problem(str(file), line, f"{number} {name}".strip(), *fault))
        else:
            names[int(number)] = in_words(name)
            keys[label_key(in_words(name))] = line
    if not rows and not any(problem.file == str(file) for problem in problems):
        advice = "write the header id,name and one class a line"
        problems.append(Problem(str(file), 0, "", "holds no labels", advice))
    return LabelList(str(file), names) if names else None


def _fault(number: str, name: str, names: Mapping[int, str], keys: Mapping[str, int]) -> tuple[str, str] | None:
    """Reason and advice for a row that cannot be taken."""
    if not number.strip().isdecimal():
        return "has no whole number as id", "write the id before the name, as in 0,brush hair"
    if not in_words(name):
        return "has no name", "write the class's name behind the id"
    if int(number) in names:
        return f"gives id {int(number)} a second name, after '{names[int(number)]}'", "give each class an id of its own"
    if label_key(in_words(name)) in keys:
        line = keys[label_key(in_words(name))]
        return (
            f"repeats the class of line {line}",
            "name each class once; spaces, case and underscores make no difference",
        )
    return None


def _line_rows(file: Path, text: str, problems: list[Problem]) -> list[Row]:
    rows = rows_of(numbered_lines(text))
    if isinstance(rows, Unclear):
        advice = "write the header id,name and one class a line"
        problems.append(Problem(str(file), rows.line, rows.quoted, rows.reason, advice))
        return []
    return rows


def _json_rows(file: Path, text: str, problems: list[Problem]) -> list[Row]:
    try:
        data = json.loads(text)
    except ValueError as exc:
        problems.append(Problem(str(file), 0, "", f"is not valid JSON ({exc})", "get a fresh copy"))
        return []
    if isinstance(data, list):
        if not all(isinstance(name, str) for name in data):
            advice = "give the file that names the classes, such as something-something-v2-labels.json"
            problems.append(Problem(str(file), 0, "", "is a list of clips, not of labels", advice))
            return []
        return [(0, str(place), name) for place, name in enumerate(data)]
    if all(str(key).strip().isdecimal() for key in data):
        return [(0, key, str(name)) for key, name in data.items()]
    return sorted(((0, str(id_), name) for name, id_ in data.items()), key=lambda row: row[1].zfill(9))
