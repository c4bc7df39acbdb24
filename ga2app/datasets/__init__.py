"""Data sets as people keep them: class folders, a CSV file, or the split lists of the well-known data sets.

    from ga2app.datasets import read_clipset

    dataset = read_clipset("clips", novel=["walking a dog"])

``read_clipset`` takes folders and CSV files at their word. ``import_split_lists`` reads the lists of UCF-101, HMDB-51,
SSv2 and Kinetics, and gives a report.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ga2app.datasets.class_folders import read_folder
from ga2app.datasets.clip_names import VIDEO_SUFFIXES
from ga2app.datasets.clip_table import read_table
from ga2app.datasets.drafts import Division, Draft, Half, divided, finished, with_one_spelling
from ga2app.datasets.import_report import ImportReport, Missing, Problem
from ga2app.datasets.split_list_import import SplitLists, import_split_lists
from ga2app.datasets.split_lists import Layout
from ga2app.errors import DatasetError
from ga2app.labels import Spelling
from ga2app.types import Dataset

__all__ = [
    "VIDEO_SUFFIXES", "Division", "Draft", "Half", "ImportReport", "Layout", "Missing", "Problem", "SplitLists",
    "divided", "import_split_lists", "read_clipset",
]  # fmt: skip


def read_clipset(
    path: str | Path,
    *,
    name: str | None = None,
    novel: Sequence[str] = (),
    notes: list[str] | None = None,
    spelling: Spelling = Spelling.WORDS,
) -> Dataset:
    """The data set in ``path``, a folder or a CSV file, under ``name`` (the folder's or file's name without it).

    ``novel`` names the classes that are not to be trained on, ``spelling`` says what CamelCase names of class folders
    become. Where the source does not say which clips are for
    testing, a quarter of each class is, chosen by the clips' names and a whole recording at a time. No clip is opened.
    What a person should know of the reading is added to ``notes``. Raises DatasetError.
    """
    source = Path(path)
    if source.is_dir():
        draft = read_folder(source, spelling=spelling)
    elif source.is_file():
        draft = read_table(source)
    else:
        raise DatasetError(f"there is no folder or CSV file '{source}'; check the path, or name a known data set")
    draft = divided(with_one_spelling(draft), Division(novel=tuple(novel)))
    dataset, more = finished(replace(draft, name=name or source.stem))
    if notes is not None:
        notes += [*draft.notes, *more]
    return dataset
