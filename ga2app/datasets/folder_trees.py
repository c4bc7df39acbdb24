"""A folder of clips, read once: what lies where, without the files of other programs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ga2app.datasets.csv_sheets import SUFFIXES
from ga2app.datasets.csv_table import is_clip_list
from ga2app.datasets.entries import VIDEO_SUFFIXES
from ga2app.datasets.foreign_files import is_foreign
from ga2app.errors import DatasetError


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
        lists = [table for table in self.tables if is_clip_list(table)]
        return [table for table in lists if table.stem.casefold() == "metadata"] or lists

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
        elif suffix in SUFFIXES:
            found.tables.append(Path(entry.path))
    return found
