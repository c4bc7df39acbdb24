"""Folders of clips: ``root/class/clip``, the same in folders of parts (``train``, ``val``, ``test``), or with a list.

The folder that was named may lie above these: as long as it holds nothing but one folder with clips, that one counts.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from ga2app.datasets.clip_names import VIDEO_SUFFIXES, Part, is_bare, is_foreign, is_unlabeled, part_of, parts_of
from ga2app.datasets.clip_table import METADATA, Listed, is_clip_list, joined, read_list
from ga2app.datasets.drafts import Draft
from ga2app.datasets.import_report import Problem
from ga2app.datasets.text_tables import PARQUET, SUFFIXES
from ga2app.datasets.videofolder import README, TEXTS, FolderCard, in_order, read_folder_card, with_card
from ga2app.errors import DatasetError, counted, named
from ga2app.labels import Spelling, in_words


@dataclass
class Folder:
    """A folder with its clips and tables, and the folders in it that hold any, each by the alphabet."""

    path: Path
    clips: list[str] = field(default_factory=list)
    tables: list[Path] = field(default_factory=list)
    folders: list[Folder] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.path.name

    def all_clips(self) -> Iterator[str]:
        """The clips in it and in the folders below."""
        yield from self.clips
        for folder in self.folders:
            yield from folder.all_clips()

    def all_tables(self) -> Iterator[Path]:
        """The tables in it and in the folders below."""
        yield from self.tables
        for folder in self.folders:
            yield from folder.all_tables()

    @cached_property
    def lists(self) -> list[Path]:
        """The lists of clips directly in it: those of the Hugging Face Hub, else all."""
        lists = [table for table in self.tables if table.name != TEXTS and is_clip_list(table)]
        return [table for table in lists if table.stem.casefold() == METADATA] or lists

    def has_clips(self) -> bool:
        """Whether there is a clip in it or below."""
        return next(self.all_clips(), None) is not None


def read_tree(root: Path) -> Folder:
    """What lies in ``root``. Links are followed, since class folders are often links; circles end.

    Raises DatasetError for a folder that may not be read.
    """
    return _read(root, frozenset())


def _read(path: Path, above: frozenset[str]) -> Folder:
    found = Folder(path)
    real = os.path.realpath(path)
    if real in above:
        return found
    try:
        with os.scandir(path) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError as exc:
        raise DatasetError(
            f"folder '{path}' cannot be read ({exc.strerror or exc}); change its permissions, or move it away"
        ) from exc
    for entry in listed:
        if is_foreign(entry.name):
            continue
        if entry.is_dir():
            inner = _read(Path(entry.path), above | {real})
            if inner.clips or inner.tables or inner.folders:
                found.folders.append(inner)
        elif (suffix := os.path.splitext(entry.name)[1].lower()) in VIDEO_SUFFIXES:
            found.clips.append(entry.path)
        elif suffix in SUFFIXES or entry.name.casefold() == METADATA + PARQUET:
            found.tables.append(Path(entry.path))
    return found


_Row = tuple[str, str, Part | None]


@dataclass
class _Reading:
    """What one reading of a tree finds."""

    problems: list[Problem] | None
    fold: int | None
    root: Path
    card: FolderCard
    rows: list[_Row] = field(default_factory=list)
    unlabeled: list[str] = field(default_factory=list)
    lists: list[Listed] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    followed: set[Path] = field(default_factory=set)


def read_folder(
    root: Path,
    problems: list[Problem] | None = None,
    *,
    fold: int | None = None,
    spelling: Spelling = Spelling.WORDS,
) -> Draft:
    """The clips below ``root`` under the names of their class folders, all classes base. Raises DatasetError.

    Where every folder's name is one word and some are CamelCase, as in UCF-101, ``spelling`` says whether the names are
    made into words. A list
    of clips in the folder is followed instead; ``problems`` and ``fold`` are those of ``read_list``.
    """
    tree = read_tree(root)
    reading = _Reading(problems, fold, root, FolderCard(root))
    top = _below_wrappers(tree, reading)
    reading.card = read_folder_card(root if (root / README).exists() else top.path)
    reading.notes += reading.card.notes
    if top is not tree:
        reading.notes.append(f"the class folders are those in '{top.path.relative_to(root)}'")
    if not _read_list(top, None, reading):
        parts = _parts_below(top)
        order = list(Part)  # Of two copies the first is kept: it should be the one for training.
        of_parts = [folder for folder in top.folders if folder.name in parts]
        for folder in sorted(of_parts, key=lambda folder: order.index(parts[folder.name])):
            below = _below_wrappers(folder, reading)
            if not _read_list(below, parts[folder.name], reading):
                _read_classes(below, parts[folder.name], reading)
        if not parts:
            _read_classes(top, None, reading)
        else:  # as in a data set of the Hub with irrelevant clips beside its parts
            for folder in top.folders:
                if folder not in of_parts and any(table.stem == METADATA for table in folder.lists):
                    _read_list(folder, None, reading)
    if (texts := top.path / TEXTS) in top.tables:
        _follow(texts, None, reading, {})
    _tell_unread(tree, root, reading)
    return _draft(root, reading, spelling)


def _below_wrappers(folder: Folder, reading: _Reading) -> Folder:
    """The folder that the class folders are in: ``folder``, or the one that holds all its clips."""
    while not (folder.clips or folder.lists or _parts_below(folder)):
        holding = [inner for inner in folder.folders if inner.has_clips()]
        if len(holding) != 1 or (holding[0].clips and not holding[0].lists):
            break
        folder = holding[0]
    return folder


def _parts_below(folder: Folder) -> dict[str, Part]:
    """The parts of a data set that the folders in ``folder`` are; empty where they are classes.

    "train" may be a class beside "car" and "bus": folders of parts hold folders, or a list, and there are two parts
    of them or nothing else with clips.
    """
    holding = [inner for inner in folder.folders if inner.has_clips()]
    parts = parts_of([inner.name for inner in holding])
    named_so = [inner for inner in holding if inner.name in parts]
    inside = [inner for inner in named_so if inner.folders or inner.lists]
    if not inside:
        if named_so and len(named_so) == len(holding) and all(is_bare(inner.name) for inner in named_so):
            names = " and ".join(f"'{inner.name}'" for inner in named_so)
            raise DatasetError(
                f"the clips in folder '{folder.path}' lie directly in {names}, so nothing says what they show; "
                "put those of each class into a folder named after it, below these"
            )
        return {}
    if len({parts[inner.name] for inner in named_so}) < 2 and len(named_so) < len(holding):
        return {}
    return parts


def _read_list(folder: Folder, part: Part | None, reading: _Reading) -> bool:
    """Follow the list in ``folder``, or its lists of the parts; False where there is none."""
    lists = folder.lists
    parts = {table: part_of(table.stem) for table in lists}
    if len(lists) > 1 and not all(parts.values()):
        names = ", ".join(table.name for table in lists)
        raise DatasetError(
            f"there are several lists of clips ({names}); leave one of them there, or name one in place of the folder"
        )
    beside = [inner.name for inner in folder.folders if inner.has_clips()]
    folders = parts_of(beside)
    folders = folders if len(folders) == len(beside) else {}
    for table in lists:
        _follow(table, parts[table] if len(lists) > 1 else part, reading, folders)
    if lists:
        reading.notes.append(
            f"the clips are those of {' and '.join(repr(str(table.relative_to(reading.root))) for table in lists)}"
        )
    return bool(lists)


def _follow(table: Path, part: Part | None, reading: _Reading, folders: Mapping[str, Part]) -> None:
    """Take what one list says. Raises DatasetError for rows of a Hub's table that cannot be taken, unless told else."""
    listed = read_list(table, reading.problems, part=part, fold=reading.fold)
    listed, problems = with_card(listed, table, reading.root, reading.card, folders)
    if problems and reading.problems is None:
        raise DatasetError(". ".join(map(str, problems[:5])))
    if reading.problems is not None:
        reading.problems += problems
    reading.lists.append(listed)
    reading.followed.add(table)


def _read_classes(folder: Folder, part: Part | None, reading: _Reading) -> None:
    labeled = [inner for inner in folder.folders if not is_unlabeled(inner.name)]
    for inner in folder.folders:
        if is_unlabeled(inner.name):
            reading.unlabeled += inner.all_clips()
            continue
        parts = _parts_in_class(inner) if part is None else {}
        for deeper in inner.folders:
            if deeper.name in parts:
                reading.rows += [(path, inner.name, parts[deeper.name]) for path in deeper.all_clips()]
        if not parts:
            reading.rows += [(path, inner.name, part) for path in inner.all_clips()]
    nested = [inner for inner in labeled if inner.has_clips()]
    if len(nested) > 1 and all(not inner.clips and not _parts_in_class(inner) for inner in nested):
        reading.notes.append(
            f"the clips lie two folders deep, and the upper one is the label: {named([inner.name for inner in nested])}"
        )


def _parts_in_class(folder: Folder) -> dict[str, Part]:
    """The parts below one class, for ``class/train/clip``."""
    holding = [inner for inner in folder.folders if inner.has_clips()]
    parts = parts_of([inner.name for inner in holding])
    return parts if not folder.clips and len(parts) == len(holding) > 1 else {}


def _tell_unread(tree: Folder, root: Path, reading: _Reading) -> None:
    """A table that lies there is never passed over without a word."""
    unread = [table for table in tree.all_tables() if table not in reading.followed]
    if unread:
        names = named([str(table.relative_to(root)) for table in unread], 5)
        reading.notes.append(
            f"{counted(len(unread), 'table')} not read as a list of clips: {names}. A list of clips lies beside or "
            "above the clips, and names the columns path and label"
        )


def _draft(root: Path, reading: _Reading, spelling: Spelling) -> Draft:
    if not (reading.rows or any(one.clips for one in reading.lists)):
        raise DatasetError(
            f"folder '{root}' holds no clips in class folders; put each class's clips into a folder named after it"
        )
    names = list(dict.fromkeys(label for _, label, _ in reading.rows))
    one_word = bool(names) and all(name.isalnum() and name[0].isupper() for name in names)
    camel_case = one_word and any(" " in in_words(name) for name in names)
    labels = {name: spelling.label(name) if camel_case else name for name in names}
    rows = tuple((path, labels[name], part) for path, name, part in reading.rows)
    draft = joined(root.name, [*reading.lists, Listed(rows, tuple(dict.fromkeys(labels.values())))])
    notes = (*reading.notes, *draft.notes)
    if reading.unlabeled:
        notes = (*notes, f"{counted(len(reading.unlabeled), 'clip')} without a label left out ('_unlabeled')")
    base, novel = in_order(draft.base, reading.card), in_order(draft.novel, reading.card)
    return replace(draft, base=base, novel=novel, notes=notes, passed_over=(*draft.passed_over, *reading.unlabeled))
