"""From the numbers and names in lists to class names, whatever the lists count from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ga2app.datasets.clip_names import Entry, class_in_path
from ga2app.datasets.import_report import Problem
from ga2app.datasets.label_list import LabelList
from ga2app.errors import named
from ga2app.labels import Spelling

_SHIFTS = (0, -1, 1)


@dataclass(frozen=True)
class Numbering:
    """What to add to a number of the lists to get an id of the label list, and what the user should know of it."""

    shift: int
    note: str | None = None


def settle_numbering(
    labels: LabelList, seen: Sequence[tuple[int, str | None]], first_id: int | None = None
) -> Numbering:
    """The numbering under which the lists fit ``labels``.

    ``seen`` holds, for each line, its number and the class that the clip's name gives away, if any. ``first_id`` is
    what the user says the lists count from, and overrules everything.
    """
    ids = sorted(labels.names)
    if first_id is not None:
        return Numbering(ids[0] - first_id)
    used = {number for number, _ in seen}
    votes = Counter(
        shift
        for number, name in seen
        if name is not None
        for shift in _SHIFTS
        if labels.names.get(number + shift) == name
    )
    fitting = [shift for shift in _SHIFTS if all(number + shift in labels.names for number in used)]
    best = max(fitting or _SHIFTS, key=lambda shift: votes[shift])
    if 2 * votes[best] > sum(name is not None for _, name in seen):
        why = "as the classes in the clips' names show"
        return Numbering(best, _told(labels, best, why) if best else None)
    if not fitting:
        return Numbering(0)
    shift = fitting[0]
    if shift:
        return Numbering(shift, _told(labels, shift, "since only so every number is in it"))
    if len(fitting) > 1 and used:
        span = f"{min(used)} to {max(used)}" if len(used) > 1 else str(min(used))
        return Numbering(
            0,
            f"the lists use labels {span}, taken as they stand in '{labels.file}' ({ids[0]} to {ids[-1]}); "
            "if the lists count from another first number, say so with --first-id",
        )
    return Numbering(0)


def disagreements(labels: LabelList, seen: Sequence[tuple[int, str | None]]) -> list[str]:
    """A note for each label that the label list calls one thing and most of its clips' names another."""
    by_label: dict[int, Counter[str]] = {}
    for number, name in seen:
        if name is not None and number in labels.names:
            by_label.setdefault(number, Counter())[name] += 1
    notes = []
    for number, names in sorted(by_label.items()):
        name, count = names.most_common(1)[0]
        given = labels.names[number]
        if name != given:
            notes.append(f"{number} is '{given}', but {count} of its {names.total()} clips are named '{name}'")
    if not notes:
        return []
    return [
        f"'{labels.file}' and the clips' own names disagree: {named(notes, 5)}. The list was followed; "
        "if its names are in the wrong order, correct it and import again"
    ]


def _told(labels: LabelList, shift: int, why: str) -> str:
    first = min(labels.names)
    return f"the lists count classes from {first - shift} and '{labels.file}' from {first}, {why}"


def class_names_of(
    entries: Sequence[Entry],
    given: Mapping[str, str | None],
    labels: LabelList | None,
    first_id: int | None,
    problems: list[Problem],
    notes: list[str],
    spelling: Spelling = Spelling.WORDS,
) -> list[str | None]:
    """A name for each entry, None where there is none.

    ``given`` is the class that each path gives away. What is wrong goes into ``problems``, once a number or name.
    """
    if labels is None:
        return _named_by_path(entries, problems, spelling)
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
        places = named([f"{entry.file.name} line {entry.line}" for entry in lines], 3)
        reason = f"is not in '{labels.file}' ({classes}, {ids[0]} to {ids[-1]}); it stands in {places}"
        problems.append(
            Problem(str(lines[0].file), lines[0].line, what, reason, "add it there, or give the right list")
        )
    return names


def _named_by_path(entries: Sequence[Entry], problems: list[Problem], spelling: Spelling) -> list[str | None]:
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
            names.append(spelling.label(entry.name or "") or None)
        else:
            names.append(spelling.label(next(iter(folders[entry.label]))) if one_to_one else None)
    return names
