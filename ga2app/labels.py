"""Labels as people type them, made into class names."""

from __future__ import annotations

from collections.abc import Iterable

from ga2app.errors import LabelError


def spoken(label: str) -> str:
    """A class name as the text tower is to read it: underscores are spaces, runs of space are one."""
    return " ".join(label.replace("_", " ").split())


def check_labels(labels: Iterable[str]) -> tuple[list[str], list[str]]:
    """Class names and notes: spaces tidied, underscores made spaces, duplicates and blanks dropped with a note.

    Two labels that differ in case only are one, because CLIP reads lower case. Raises LabelError when fewer than
    two are left.
    """
    names: dict[str, str] = {}
    double: list[str] = []
    for label in labels:
        name = spoken(label)
        if not name:
            continue
        if name.lower() in names:
            double.append(name)
        else:
            names[name.lower()] = name
    if not names:
        raise LabelError("no labels were given; type at least two, separated by commas, for example: walking, running")
    if len(names) == 1:
        only = next(iter(names.values()))
        raise LabelError(
            f"'{only[:60]}' is the only label, and one alone always gets 100 %; add at least one other to compare with"
        )
    notes = [f"{_listed(double)} given more than once; counted once"] if double else []
    return list(names.values()), notes


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"'{name[:60]}'" for name in dict.fromkeys(names[:5]))
    return shown + (", …" if len(names) > 5 else "")
