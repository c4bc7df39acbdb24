"""Where clips come from, each read by ``ga2app.datasets``, which knows how people keep data sets."""

from __future__ import annotations

import contextlib
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from ga2app.datasets import VIDEO_SUFFIXES, Division, ImportReport, Missing, Problem, SplitLists, divided
from ga2app.datasets.annotation_placing import Look
from ga2app.datasets.annotations import SUFFIXES
from ga2app.datasets.class_folders import read_folder
from ga2app.datasets.clip_names import is_foreign
from ga2app.datasets.clip_table import read_table
from ga2app.datasets.drafts import Draft, draft_of, with_one_spelling
from ga2app.datasets.label_descriptions import Given
from ga2app.datasets.split_list_import import read_split_lists
from ga2app.datasets.text_tables import PARQUET
from ga2app.datasets.text_tables import SUFFIXES as SUFFIXES_OF_TABLES
from ga2app.datasets.train_test import DraftClip
from ga2app.errors import DatasetError, counted, named, shown
from ga2app.labels import Spelling, in_words, tidy
from ga2app.services.annotation_files import AnnotationSource as AnnotationSource
from ga2app.services.annotation_files import needs_at, rate_given
from ga2app.services.hub_datasets import HubSource as HubSource
from ga2app.services.zip_archive import Tick, only_inside, unpack
from ga2app.stretches import address_of, file_of
from ga2app.types import Dataset

_FIELDS = {
    "--test-split": "Test lists",
    "--split": "Training lists",
    "--root": "Folder of the clips",
    "--labels": "Label list",
    "--first-id": "First class number",
}
"""What the form calls the options that messages about lists name."""


_TEXTS = SUFFIXES_OF_TABLES | {PARQUET, ".md"}
"""What is unpacked beside clips: tables, and the README of a data set of the Hub."""


class Duplicates(StrEnum):
    """What becomes of clips with the same content."""

    FIRST = "first"
    ALL = "all"


@dataclass(frozen=True)
class FileSource:
    """Class folders, a CSV list of clips, or a zip of either; clips outside a zip stay where they are.

    ``fold`` is the one whose clips are for testing, where a list numbers folds. An ``uploaded`` file is a zip.
    """

    path: Path
    fold: int | None = None
    uploaded: bool = False

    @property
    def title(self) -> str:
        return self.path.name

    @property
    def packed(self) -> bool:
        """Whether it is a zip."""
        return self.uploaded or (self.path.is_file() and zipfile.is_zipfile(self.path))


@dataclass(frozen=True)
class ListsSource:
    """Split lists of a known data set; the clips stay where they are.

    The report calls what is to be mended as the form does, or, with ``as_options``, as the command line does.
    """

    lists: SplitLists
    as_options: bool = False

    @property
    def title(self) -> str:
        return (*self.lists.train, *self.lists.test)[0].name


Source = FileSource | ListsSource | AnnotationSource | HubSource


@dataclass(frozen=True)
class Found:
    """A data set as its source tells it, with no clip opened yet.

    ``root`` is what its files are named below, ``title`` what the source is called.
    """

    draft: Draft
    root: Path
    title: str


def path_at(text: str, what: str) -> Path:
    """The file or folder that ``text`` names, as people paste paths. Raises DatasetError if it is not there."""
    tidy = text.strip().strip("\"'")
    if not tidy:
        raise DatasetError(f"the path of the {what} is missing; write it down")
    path = Path(os.path.expanduser(tidy)).absolute()
    if not os.path.exists(path):
        raise DatasetError(f"there is no {what} '{shown(tidy)}' on this machine; check the path")
    return path


def source_at(
    path: Path,
    fold: int | None = None,
    root: Path | None = None,
    frame_rate: float | None = None,
    tiers: Sequence[str] = (),
    *,
    uploaded: bool = False,
) -> FileSource | AnnotationSource:
    """What the file or folder at ``path`` is: files of labeling tools, also in a zip, are told by their content.

    A CSV with start and end is one if its clips lie below a ``root``; beside their list it is a list of clips.
    """
    files = FileSource(path, fold, uploaded)
    asked = bool(root or frame_rate is not None or tiers)
    needs = needs_at(path) if os.path.isfile(path) or asked else None
    if files.packed:
        if needs is None and asked:
            text = "holds no annotations over time, which alone have a frame rate and tiers"
            raise DatasetError(f"'{path.name}' {text}; leave them out")
        return AnnotationSource(path, None, frame_rate, tuple(tiers), uploaded=uploaded) if needs else files
    a_tools = path.suffix.lower() in SUFFIXES if needs is None else needs.format != "CSV"
    return AnnotationSource(path, root, frame_rate, tuple(tiers)) if asked or a_tools else files


def source_given(
    archive: str | None,
    place: str,
    root: str,
    fold: int | None,
    frame_rate: object,
    tiers: Sequence[str] = (),
    *,
    server_paths: bool,
) -> Source:
    """What a request names: of an uploaded zip and a path on the machine exactly one is given. Raises DatasetError."""
    if bool(archive) == bool(place.strip()):
        raise DatasetError("give either a zip (archive) or a path on the studio's machine (source)")
    rate = rate_given(frame_rate)
    if archive:
        return source_at(Path(archive), fold, None, rate, tiers, uploaded=True)
    if not server_paths:
        return FileSource(Path(place), fold)
    folder = path_at(root, "folder of clips") if root.strip() else None
    return source_at(path_at(place, "folder, CSV file or zip"), fold, folder, rate, tiers)


def read_source(
    source: Source,
    name: str,
    division: Division,
    descriptions: Given,
    scratch: Path,
    report: ImportReport,
    tick: Tick,
    spelling: Spelling = Spelling.WORDS,
    look: Look | None = None,
) -> Found:
    """The data set that ``source`` tells of, with ``descriptions`` beside its own; raises DatasetError.

    A zip is unpacked, and a data set of the Hub downloaded, into ``scratch`` first; ``look`` opens the videos of
    annotations over time.
    """
    root = scratch
    if isinstance(source, HubSource):
        source.fetch(scratch, tick)
    elif isinstance(source, FileSource) and source.packed:
        unpack(source.path, scratch, report, tick, texts=_TEXTS)
    elif isinstance(source, AnnotationSource):
        source = source.unpacked(scratch, report, tick)
    tick("Reading", 0, 0)
    if isinstance(source, ListsSource):
        draft, root = _read_lists(replace(source, lists=replace(source.lists, spelling=spelling)), report)
    elif isinstance(source, AnnotationSource):
        draft, root = _read_stretches(source, report, look)
    elif isinstance(source, FileSource) and not source.packed:
        root = source.path if source.path.is_dir() else source.path.parent
        draft = _read(source.path, report, source.fold, spelling)
    else:
        draft = only_inside(_read(root, report, getattr(source, "fold", None), spelling), root, report)
    if root == scratch or isinstance(source, FileSource) and source.path.is_dir():
        _name_strays(root, draft, report)
    draft = divided(with_one_spelling(draft), division)
    report.notes += draft.notes
    joined = [label for label in (*draft.base, *draft.novel) if " " not in tidy(label) and " " in in_words(label)]
    if joined and spelling is Spelling.AS_PUBLISHED:
        what = f"{counted(len(joined), 'class name')} as published, which CLIP reads as one word"
        report.notes.append(f"{what}: {named(joined, 3)}; import with names in words to have them split")
    draft = replace(draft, name=name, descriptions=(*draft.descriptions, *descriptions))
    return Found(draft, root, source.title)


def _read(place: Path, report: ImportReport, fold: int | None, spelling: Spelling) -> Draft:
    """The data set in a folder or a list; its faulty lines go into the report."""
    problems: list[Problem] = []
    if place.is_dir():
        draft = read_folder(place, problems, fold=fold, spelling=spelling)
    else:
        draft = read_table(place, problems, fold=fold)
    for problem in problems:
        report.left_out(problem.place, "", problem.reason, problem.advice)
    report.faults += problems
    return draft


def _read_stretches(source: AnnotationSource, report: ImportReport, look: Look | None) -> tuple[Draft, Path]:
    """The stretches of a file of annotations as clips; what is none of them goes into the report, with what was cut."""
    found = source.read(look)
    for one in found.left_out:
        why = one.why if one.why.startswith(("'", "line ")) else f"it {one.why}"
        fix = "correct it where it was labeled, and export it again"
        times = "" if one.start is None or one.end is None else f" {one.start:g}–{one.end:g} s"
        report.unusable(str(source.path), (one.path or found.format) + times, one.label, why, fix)
    for cut in found.cut:
        report.taken(f"{cut.path} {cut.start:g}–{cut.end:g} s", cut.label, cut.why, "look at its end")
    clips = tuple(
        DraftClip(address_of(found.root.absolute() / one.path, one.start, one.end), one.label)
        for one in found.stretches
    )
    base = tuple(dict.fromkeys(one.label for one in found.stretches))
    return Draft(source.path.stem, base, (), clips, notes=found.notes), found.root


def _name_strays(root: Path, draft: Draft, report: ImportReport) -> None:
    """Clips below ``root`` that the reading has passed over are told, and how many clips of the lists are not there."""
    strays = 0
    known = {os.path.normpath(file_of(path)) for path in (*paths_of(draft), *draft.passed_over)}
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not is_foreign(name))
        for name in sorted(name for name in names if not is_foreign(name)):
            path = os.path.join(folder, name)
            if Path(name).suffix.lower() in VIDEO_SUFFIXES and os.path.normpath(path) not in known:
                strays += 1
                why = "it lies in no class folder, or the list does not name it"
                report.left_out(os.path.relpath(path, root), "", why, "put it into a folder named after what it shows")
    gone = sum(not os.path.isfile(file_of(clip.path)) for clip in draft.clips)
    if strays or gone:
        one = strays == 1
        what = f"{counted(strays, 'clip')} {'is' if one else 'are'} in no class folder and in no row"
        report.notes.append(
            f"{what}, {counted(gone, 'row')} {'names' if gone == 1 else 'name'} a clip that is not there"
        )


def _read_lists(source: ListsSource, report: ImportReport) -> tuple[Draft, Path]:
    lists = source.lists
    told = str if source.as_options else _in_fields
    read_split_lists(lists, report)
    for problem in (*report.faults, *report.missing, *report.repeated):
        entry = problem.entry or problem.place
        report.left_out(told(entry), "", told(f"{problem.place}: {problem.reason}"), told(problem.advice))
    report.notes = [told(note) for note in report.notes]
    dataset, report.dataset = report.dataset, None
    if dataset is None:
        if lists.missing is Missing.FAIL:
            raise DatasetError(report.refusal())
        raise DatasetError(
            f"the lists cannot be used as they are: {counted(len(report.faults), 'fault')} and "
            f"{counted(len(report.missing), 'clip')} missing, all listed below; correct them and import again"
        )
    return draft_of(dataset), lists.root or (*lists.train, *lists.test)[0].parent


def _in_fields(text: str) -> str:
    """``text`` with the form's fields for the options of the command line."""
    for option, field in _FIELDS.items():
        text = text.replace(option, f"'{field}'")
    return text


def paths_of(dataset: Draft | Dataset) -> list[str]:
    """The files of its clips and of its anchors."""
    return [*(clip.path for clip in dataset.clips), *(anchor.path for anchor in dataset.anchors)]


def drop_unused(scratch: Path, dataset: Dataset) -> None:
    """Only the clips that were taken stay on the disk."""
    used = {os.path.abspath(file_of(path)) for path in paths_of(dataset)}
    for folder, _, names in os.walk(scratch, topdown=False):
        for name in names:
            if os.path.abspath(os.path.join(folder, name)) not in used:
                os.unlink(os.path.join(folder, name))
        with contextlib.suppress(OSError):
            os.rmdir(folder)
