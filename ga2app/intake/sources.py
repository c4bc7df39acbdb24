"""Where clips come from, each read by ``ga2app.clipsets``, which knows how people keep data sets."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from ga2app.clipsets import (
    VIDEO_SUFFIXES,
    Division,
    Missing,
    Problem,
    SplitLists,
    divided,
    import_split_lists,
    read_clipset,
)
from ga2app.clipsets.table import read_table
from ga2app.contracts import Dataset, Subset
from ga2app.errors import DatasetError
from ga2app.intake.archive import Tick, unpack
from ga2app.intake.report import Report

_FIELDS = {
    "--test-split": "Test lists",
    "--split": "Training lists",
    "--root": "Folder of the clips",
    "--labels": "Label list",
    "--first-id": "First class number",
}
"""What the form calls the options that messages about lists name."""


class Duplicates(StrEnum):
    """What becomes of clips with the same content."""

    FIRST = "first"
    ALL = "all"


@dataclass(frozen=True)
class ZipSource:
    """An uploaded archive: class folders, or clips with a CSV list. ``title`` is what the person calls it."""

    archive: Path
    title: str


@dataclass(frozen=True)
class FolderSource:
    """Class folders on this machine; the clips stay where they are."""

    folder: Path

    @property
    def title(self) -> str:
        return self.folder.name


@dataclass(frozen=True)
class TableSource:
    """A CSV on this machine; the clips stay where they are."""

    table: Path

    @property
    def title(self) -> str:
        return self.table.name


@dataclass(frozen=True)
class ListsSource:
    """Split lists of a known data set; the clips stay where they are."""

    lists: SplitLists

    @property
    def title(self) -> str:
        return (*self.lists.train, *self.lists.test)[0].name


Source = ZipSource | FolderSource | TableSource | ListsSource


@dataclass(frozen=True)
class Found:
    """A data set as its source tells it, with no clip opened yet. ``root`` is what its files are named below."""

    dataset: Dataset
    root: Path


def read_source(source: Source, name: str, novel: tuple[str, ...], scratch: Path, report: Report, tick: Tick) -> Found:
    """The data set that ``source`` tells of; a zip is unpacked into ``scratch`` first. Raises DatasetError."""
    match source:
        case ZipSource():
            unpack(source.archive, scratch, report, tick)
            tick("Reading", 0, 0)
            root = _root_of(scratch)
            dataset = _inside(_read_unpacked(root, report), root, report)
            _name_strays(root, dataset, report)
        case FolderSource():
            tick("Reading", 0, 0)
            root = source.folder
            dataset = read_clipset(root)
            _name_strays(root, dataset, report)
        case TableSource():
            tick("Reading", 0, 0)
            root = source.table.parent
            dataset = _read_table(source.table, report)
        case ListsSource():
            tick("Reading", 0, 0)
            dataset, root = _read_lists(source.lists, report)
    return Found(replace(divided(dataset, Division(novel=novel)), name=name), root)


def _root_of(folder: Path) -> Path:
    """Where the class folders are: archives often hold one folder that holds everything."""
    while not _tables(folder):
        entries = list(folder.iterdir())
        if len(entries) != 1 or not entries[0].is_dir() or entries[0].name in list(Subset):
            break
        if any(entry.is_file() for entry in entries[0].iterdir()) and not _tables(entries[0]):
            break
        folder = entries[0]
    return folder


def _tables(folder: Path) -> list[Path]:
    """The CSV files directly in ``folder`` that list clips."""
    found = []
    for file in sorted(folder.glob("*.csv")):
        with file.open(encoding="utf-8-sig", errors="replace", newline="") as opened:
            if {"path", "label"} <= set(next(csv.reader(opened), [])):
                found.append(file)
    return found


def _read_unpacked(root: Path, report: Report) -> Dataset:
    tables = _tables(root)
    if len(tables) > 1:
        names = ", ".join(table.name for table in tables)
        raise DatasetError(f"the zip has several lists of clips ({names}); leave one of them in it")
    return _read_table(tables[0], report) if tables else read_clipset(root)


def _read_table(table: Path, report: Report) -> Dataset:
    problems: list[Problem] = []
    dataset = read_table(table, problems)
    for problem in problems:
        report.left_out(f"{table.name} line {problem.line}", "", problem.reason, problem.advice)
    return dataset


def _inside(dataset: Dataset, root: Path, report: Report) -> Dataset:
    """``dataset`` without what a list in an archive names outside of it: files of the machine itself."""
    home = os.path.realpath(root)
    clips = []
    for clip in dataset.clips:
        if Path(os.path.realpath(clip.path)).is_relative_to(home):
            clips.append(replace(clip, path=os.path.normpath(clip.path)))
        else:
            report.left_out(
                clip.path, clip.label, "the list names a file outside the zip", "pack the clip, and name it below it"
            )
    anchors = [anchor for anchor in dataset.anchors if Path(os.path.realpath(anchor.path)).is_relative_to(home)]
    return replace(dataset, clips=tuple(clips), anchors=tuple(anchors))


def _name_strays(root: Path, dataset: Dataset, report: Report) -> None:
    """Clips below ``root`` that the reading has passed over are told."""
    known = {os.path.abspath(path) for path in paths_of(dataset)}
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(folder, name)
            if Path(name).suffix.lower() in VIDEO_SUFFIXES and os.path.abspath(path) not in known:
                report.left_out(
                    os.path.relpath(path, root),
                    "",
                    "it lies in no class folder, or the list does not name it",
                    "put it into a folder named after what it shows",
                )


def _read_lists(lists: SplitLists, report: Report) -> tuple[Dataset, Path]:
    found = import_split_lists(replace(lists, missing=Missing.SKIP))
    for problem in (*found.faults, *found.missing, *found.repeated):
        entry = problem.entry or _place(problem)
        reason = f"{_place(problem)}: {problem.reason}"
        report.left_out(_in_fields(entry), "", _in_fields(reason), _in_fields(problem.advice))
    report.notes += [_in_fields(note) for note in found.notes]
    if found.dataset is None:
        raise DatasetError(
            f"the lists cannot be used as they are: {len(found.faults)} faults and {len(found.missing)} clips that are "
            "not there, all of them told below; mend these and import again"
        )
    return found.dataset, lists.root or (*lists.train, *lists.test)[0].parent


def _place(problem: Problem) -> str:
    return f"{Path(problem.file).name} line {problem.line}" if problem.line else Path(problem.file).name


def _in_fields(text: str) -> str:
    """``text`` with the form's fields for the options of the command line."""
    for option, field in _FIELDS.items():
        text = text.replace(option, f"'{field}'")
    return text


def paths_of(dataset: Dataset) -> list[str]:
    """The files of its clips and of its anchors."""
    return [*(clip.path for clip in dataset.clips), *(anchor.path for anchor in dataset.anchors)]
