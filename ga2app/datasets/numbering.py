"""Do the lists count classes from 0 or from 1? The label list tells, and the classes that clip names give away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ga2app.datasets.import_report import listed
from ga2app.datasets.label_list import LabelList

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
        f"'{labels.file}' and the clips' own names disagree: {listed(notes)}. The list was followed; "
        "if its names are in the wrong order, mend it and import again"
    ]


def _told(labels: LabelList, shift: int, why: str) -> str:
    first = min(labels.names)
    return f"the lists count classes from {first - shift} and '{labels.file}' from {first}, {why}"
