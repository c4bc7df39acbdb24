"""The ``videofolder`` form of the Hugging Face Hub, as it is read: what a README says beside the tables of a folder.

In this form the rows of a ``metadata`` table name the clips; a README may name the classes that the rows number, and
say which files are of which part. The library ``datasets`` reads one table in each split folder; one above them is read
here, too, and its clips are of the part whose folder they lie in.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any

from ga2app.datasets.clip_names import Part, part_of
from ga2app.datasets.clip_table import METADATA, Listed
from ga2app.datasets.import_report import Problem
from ga2app.stretches import file_of
from ga2app.untrusted import MAX_DEPTH, read_ordinary

README, TEXTS = "README.md", "texts.csv"
"""The card of a data set; negative prompts and descriptions of one that was exported here."""
MAX_CARD_BYTES = 4 << 20
_MAX_HEAD = 1 << 18
_HEAD = re.compile(r"\ufeff?---\r?\n(.*?)\r?\n---(?:\r?\n|$)", re.DOTALL)
_NUMBER = re.compile(r"(-?\d{1,9})(?:\.0)?")


@dataclass(frozen=True)
class FolderCard:
    """What the README of a data set says of its tables: the classes by their numbers, and patterns of files by part."""

    folder: Path
    classes: tuple[str, ...] = ()
    parts: tuple[tuple[str, Part], ...] = ()
    notes: tuple[str, ...] = ()

    def part_at(self, path: str) -> Part | None:
        """The part of the file at ``path``; None where patterns of several parts name it, or none."""
        below = os.path.relpath(path, self.folder).replace(os.sep, "/")
        found = {part for pattern, part in self.parts if fnmatchcase(below, pattern)}
        return found.pop() if len(found) == 1 else None


def read_folder_card(folder: Path) -> FolderCard:
    """What the README in ``folder`` says. One that cannot be read says nothing, and a note tells why."""
    file = folder / README
    if not file.exists():
        return FolderCard(folder)
    try:
        head = _HEAD.match(read_ordinary(file, MAX_CARD_BYTES).decode("utf-8"))
        if head and len(head[1]) > _MAX_HEAD:
            raise ValueError(f"its YAML has {len(head[1]):,} characters, {_MAX_HEAD:,} are the most")
        told = _yaml(head[1]) if head else {}
    except (OSError, ValueError, RecursionError) as exc:
        why = (exc.strerror if isinstance(exc, OSError) else "") or str(exc).split("\n", 1)[0] or type(exc).__name__
        return FolderCard(folder, notes=(f"'{README}' is not read: {why[:200]}",))
    told = told if isinstance(told, Mapping) else {}
    infos, configs = (_mappings(told.get(key)) for key in ("dataset_info", "configs"))
    classes = next(filter(None, map(_classes, infos)), ())
    files = [one for config in configs for one in _mappings(config.get("data_files"))]
    parts = [
        (pattern.removeprefix("./"), part)
        for one in files
        for pattern in _texts(one.get("path"))
        if (part := part_of(str(one.get("split", ""))))
    ]
    return FolderCard(folder, classes, tuple(parts))


def _yaml(text: str) -> Any:
    """What the YAML says. Raises ValueError, also for an alias, with which a few lines can stand for billions, and for
    brackets in brackets, which take the parser hours.
    """
    import yaml

    if max(accumulate((sign in "[{") - (sign in "]}") for sign in text), default=0) > MAX_DEPTH:
        raise ValueError("its YAML is nested too deep")
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise ValueError("its YAML holds aliases")
        return yaml.safe_load(text)
    except yaml.YAMLError as exc:
        raise ValueError(f"its YAML is none ({exc})") from exc


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    """A mapping or a list of them, as both stand in the wild."""
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, Mapping)]


def _texts(value: Any) -> list[str]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]


def _classes(info: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the feature ``label``, or else of the only feature that has names, in the order of their numbers."""
    found: dict[str, tuple[str, ...]] = {}
    for feature in _mappings(info.get("features")):
        kind = feature.get("dtype")
        names = (
            kind["class_label"].get("names") if isinstance(kind, Mapping) and _mappings(kind.get("class_label")) else ()
        )
        if isinstance(names, Mapping):
            numbers = {str(number): str(name) for number, name in names.items()}
            names = [numbers.get(str(number)) for number in range(len(numbers))]
        if names and isinstance(names, list) and None not in names:
            found[str(feature.get("name"))] = tuple(map(str, names))
    return found.get("label") or (next(iter(found.values())) if len(found) == 1 else ())


def with_card(
    one: Listed, table: Path, root: Path, card: FolderCard, folders: Mapping[str, Part]
) -> tuple[Listed, list[Problem]]:
    """What ``table`` lists with names for numbers of classes, and a part for clips whose row and folder tell none.

    ``folders`` are the parts that the folders beside the table are. Gives also the rows that are left out: those whose
    number is that of no class, and those of a ``metadata`` table that lead out of ``root``.
    """
    problems: list[Problem] = []
    named = cache(lambda label: _name_of(label, card.classes))
    top = os.path.abspath(root)
    inside = table.stem.casefold() != METADATA

    def kept(path: str, label: str) -> bool:
        file = os.path.abspath(file_of(path))
        if not (inside or file.startswith(os.path.join(top, ""))):
            why = "leads out of the folder", "name a clip beside or below the table"
        elif named(label) is None:
            why = f"has the label {label}, and the README names {len(card.classes)} classes", "correct it"
        else:
            return True
        problems.append(Problem(str(table), 0, os.path.relpath(file, top), *why))
        return False

    def part(path: str) -> Part | None:
        beside = os.path.relpath(file_of(path), table.parent).split(os.sep, 1)[0]
        return folders.get(beside) or card.part_at(file_of(path))

    clips = tuple(
        (path, named(label) or label, own or part(path)) for path, label, own in one.clips if kept(path, label)
    )
    anchors = tuple(anchor for anchor in one.anchors if inside or kept(anchor.path, "anchor"))
    base, novel = (tuple(dict.fromkeys(named(label) or label for label in labels)) for labels in (one.base, one.novel))
    return replace(one, clips=clips, anchors=anchors, base=base, novel=novel), problems


def _name_of(label: str, classes: Sequence[str]) -> str | None:
    """The name that a label is or numbers, ``label`` itself where there are no classes; None for a number of none."""
    number = _NUMBER.fullmatch(label)
    if not classes or label in classes or not number:
        return label
    at = int(number[1])
    return classes[at] if 0 <= at < len(classes) else None


def in_order(labels: Iterable[str], card: FolderCard) -> tuple[str, ...]:
    """``labels`` in the order of the card's classes, if it names them all."""
    known = {name: number for number, name in enumerate(card.classes)}
    labels = tuple(labels)
    return tuple(sorted(labels, key=known.__getitem__)) if known.keys() >= set(labels) else labels
