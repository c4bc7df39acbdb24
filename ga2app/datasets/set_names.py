"""From the numbers and class names in lists to names in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ga2app.datasets.entries import Entry, class_in_path
from ga2app.datasets.import_report import Problem, listed
from ga2app.datasets.label_list import LabelList
from ga2app.datasets.numbering import disagreements, settle_numbering
from ga2app.labels import in_words


def named(
    entries: Sequence[Entry],
    given: Mapping[str, str | None],
    labels: LabelList | None,
    first_id: int | None,
    problems: list[Problem],
    notes: list[str],
) -> list[str | None]:
    """A name in words for each entry, None where there is none.

    ``given`` is the class that each path gives away. What is wrong goes into ``problems``, once a number or name.
    """
    if labels is None:
        return _named_by_path(entries, problems)
    numbered = [(entry.label, given[entry.path]) for entry in entries if entry.label is not None]
    numbering = settle_numbering(labels, numbered, first_id)
    if numbering.note:
        notes.append(numbering.note)
    notes += disagreements(labels, [(number + numbering.shift, name) for number, name in numbered])
    by_name = {name: labels.find(name) for name in {entry.name for entry in entries if entry.name}}
    names: list[str | None] = []
    lacking: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.label is not None:
            name = labels.names.get(entry.label + numbering.shift)
        else:
            name = by_name.get(entry.name or "")
        names.append(name)
        if name is None:
            lacking.setdefault(str(entry.label) if entry.label is not None else str(entry.name), []).append(entry)
    ids = sorted(labels.names)
    classes = "1 class" if len(ids) == 1 else f"{len(ids):,} classes"
    for what, lines in lacking.items():
        places = listed([f"{entry.file.name} line {entry.line}" for entry in lines], 3)
        reason = f"is not in '{labels.file}' ({classes}, {ids[0]} to {ids[-1]}); it stands in {places}"
        problems.append(
            Problem(str(lines[0].file), lines[0].line, what, reason, "add it there, or give the right list")
        )
    return names


def _named_by_path(entries: Sequence[Entry], problems: list[Problem]) -> list[str | None]:
    """Names without a label list: the class that the list names, or the folder that goes with each number."""
    folders: dict[int, set[str]] = {}
    numbers: dict[str, set[int]] = {}
    for entry in entries:
        if entry.label is not None:
            folder = class_in_path(entry.path.replace("\\", "/")) or ""
            folders.setdefault(entry.label, set()).add(folder)
            numbers.setdefault(folder, set()).add(entry.label)
    one_name_each = all(len(some) == 1 for some in folders.values())
    one_to_one = "" not in numbers and one_name_each and all(len(some) == 1 for some in numbers.values())
    if folders and not one_to_one:
        first = next(entry for entry in entries if entry.label is not None)
        advice = "name the label list with --labels"
        problems.append(first.problem("has a label number, and nothing says which class it is", advice))
    names: list[str | None] = []
    for entry in entries:
        if entry.label is None:
            names.append(in_words(entry.name or "") or None)
        else:
            names.append(in_words(next(iter(folders[entry.label]))) if one_to_one else None)
    return names
