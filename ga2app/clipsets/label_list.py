"""Label lists: which number stands for which class.

``id,name`` as CSV · UCF-101's ``classInd.txt`` (``1 ApplyEyeMakeup``) · SSv2's labels (a JSON object from name to id,
or from id to name) · one name a line, counted from 0.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ga2app.clipsets.report import Problem
from ga2app.clipsets.text import numbered_lines, read_text
from ga2app.labels import in_words, name_key

_INDEXED = re.compile(r"(\d+)\s+(\S.*)")
_COLUMNS = re.compile(r'"?id"?\s*[,;\t]\s*"?name"?', re.IGNORECASE)

_Row = tuple[int, str, str]
"""Line, id and name as they stand in the file."""


@dataclass(frozen=True)
class LabelList:
    """The classes of one numbering, in the order of the list. Names are in words."""

    file: str
    names: Mapping[int, str]

    def by_key(self) -> dict[str, str]:
        """The names by what all their spellings have in common."""
        return {name_key(name): name for name in self.names.values()}


def read_label_list(file: Path, problems: list[Problem]) -> LabelList | None:
    """The labels in ``file``; None where it cannot be read. Every fault goes into ``problems``."""
    text = read_text(file, problems)
    if text is None:
        return None
    rows = _json_rows(file, text, problems) if text.lstrip()[:1] in ("{", "[") else _line_rows(text)
    names: dict[int, str] = {}
    keys: dict[str, int] = {}
    for line, number, name in rows:
        fault = _fault(number, name, names, keys)
        if fault:
            problems.append(Problem(str(file), line, f"{number} {name}".strip(), *fault))
        else:
            names[int(number)] = in_words(name)
            keys[name_key(in_words(name))] = line
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
    if name_key(in_words(name)) in keys:
        line = keys[name_key(in_words(name))]
        return f"repeats the class of line {line}", "name each class once; spaces, case and signs make no difference"
    return None


def _line_rows(text: str) -> list[_Row]:
    lines = numbered_lines(text)
    if lines and (_COLUMNS.match(lines[0][1]) or all(re.match(r'"?\d+"?\s*[,;\t]', line) for _, line in lines)):
        first = 1 if _COLUMNS.match(lines[0][1]) else 0
        found = re.search(r"[,;\t]", lines[0][1])
        separator = found.group() if found else ","
        rows = []
        for number, line in lines[first:]:
            id_, *rest = next(csv.reader([line], delimiter=separator, skipinitialspace=True))
            rows.append((number, id_.strip(), separator.join(rest).strip()))
        return rows
    indexed = [(number, _INDEXED.fullmatch(line)) for number, line in lines]
    if 2 * sum(match is not None for _, match in indexed) > len(lines):
        pairs = zip(indexed, lines, strict=True)
        return [(n, match.group(1), match.group(2)) if match else (n, "", line) for (n, match), (_, line) in pairs]
    return [(number, str(place), line) for place, (number, line) in enumerate(lines)]


def _json_rows(file: Path, text: str, problems: list[Problem]) -> list[_Row]:
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
