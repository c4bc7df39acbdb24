"""Data sets as every door shows and changes them: labels, clips, base and novel, train and test, export."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from ga2app.datasets import Division, Half, Problem
from ga2app.datasets.clip_names import recording_of
from ga2app.datasets.drafts import divide
from ga2app.datasets.train_test import DraftClip, draw, draw_shots
from ga2app.errors import DatasetError, counted, named
from ga2app.labels import LabelNames, parse_labels
from ga2app.services.clip_inspector import Pictures, preview_of
from ga2app.services.dataset_export import export_csv, export_videofolder, export_zip, file_stem, zip_videofolder
from ga2app.services.uploads import export_folder
from ga2app.store import DatasetRow
from ga2app.store.clip_pages import ClipFilter, ClipRow, Copies, LabelRow
from ga2app.store.dataset_edits import ROOM, SplitClip
from ga2app.store.trash import Discarded
from ga2app.stretches import file_of, shown_address
from ga2app.types import Dataset, LabelKind, Subset

if TYPE_CHECKING:
    from ga2app.services.studio import Studio

_SHOWN = 8
_MOST_DRAWN = 1_000_000


@dataclass(frozen=True)
class Health:
    """What training or a figure would suffer from, and what is merely worth knowing of a data set."""

    faults: Sequence[str]
    notes: Sequence[str]


class DatasetService:
    """Data sets by their ids. Every change says in words what it did, and raises DatasetError for what is not there."""

    def __init__(self, studio: Studio) -> None:
        self._studio, self._store = studio, studio.store

    @cached_property
    def pictures(self) -> Pictures:
        """Small pictures of clips, made in the background."""
        return Pictures(self._studio)

    def all(self) -> Sequence[DatasetRow]:
        """All data sets, oldest first."""
        return self._store.datasets.list()

    def summary(self, dataset_id: int | None) -> DatasetRow:
        """One data set with its counts."""
        row = next((row for row in self.all() if row.id == dataset_id), None)
        if row is None:
            raise DatasetError("this data set is not there any more; choose another from the list")
        return row

    def called(self, name: str) -> DatasetRow:
        """The data set of that name."""
        rows = {row.name: row for row in self.all()}
        if name not in rows:
            known = ", ".join(f"'{known}'" for known in rows) or "none yet"
            raise DatasetError(f"there is no data set '{name}'; known data sets: {known}")
        return rows[name]

    def health(self, row: DatasetRow, labels: Sequence[LabelRow] | None = None) -> Health:
        """What a person should know of a data set before training on it."""
        return health(row, labels or self._store.clips.labels(row.id), self._store.clips.copies(row.id))

    def preview(self, clip_id: int) -> tuple[ClipRow, Path]:
        """A clip and a copy of it that any browser plays. Raises ClipError for one that cannot be read."""
        clip = self._store.clips.get(clip_id)
        return clip, preview_of(self._studio, clip)

    def rename(self, dataset_id: int, name: str) -> str:
        """Call a data set something else; runs that need it follow."""
        self._store.dataset_edits.rename(dataset_id, name)
        return f"The data set is called '{' '.join(name.split())}' now."

    def share(self, dataset_id: int, on: bool) -> str:
        """Let everybody who opens this Space see a data set, or not any more."""
        return self._studio.ownership.share("dataset", dataset_id, on)

    def delete(self, dataset_id: int) -> str:
        """Delete a data set; gives what went. Refused while a run of the queue needs it."""
        return self._store.dataset_edits.delete(dataset_id)

    def last_edit(self) -> Discarded | None:
        """The newest edit or deletion that can be undone."""
        return self._store.trash.last(ROOM)

    def undo(self) -> str:
        """Undo the newest edit or deletion of a data set."""
        return self._store.trash.undo(ROOM)

    def label_clips(self, dataset_id: int, clip_ids: Collection[int], name: str | None) -> str:
        """Give clips the label ``name``, which is made if the data set does not have it."""
        if not clip_ids:
            raise DatasetError("no clip is ticked; tick one below its picture")
        if not (name or "").strip():
            raise DatasetError("no label was chosen; choose one, or type a new one")
        moved = self._store.dataset_edits.relabel_clips(dataset_id, clip_ids, name or "")
        return f"{counted(moved, 'clip')} moved to '{name}'."

    def move_clips(self, clip_ids: Collection[int], subset: Subset) -> str:
        """Put clips into train or test."""
        moved = self._store.dataset_edits.move_clips(clip_ids, subset)
        return f"{counted(moved, 'clip')} {_are(moved)} for {subset.value} now."

    def delete_clips(self, clip_ids: Collection[int]) -> str:
        """Take clips out of their data set; no file is deleted."""
        return f"{self._store.dataset_edits.delete_clips(clip_ids)} deleted. 'Undo' brings them back."

    def rename_label(self, label_ids: Sequence[int], name: str) -> str:
        """Rename the one label of ``label_ids``."""
        if len(label_ids) != 1:
            raise DatasetError(f"{len(label_ids)} labels are ticked; tick the one to be renamed")
        self._store.dataset_edits.rename_label(label_ids[0], name)
        return f"The label is called '{' '.join(name.split())}' now."

    def merge_labels(self, label_ids: Collection[int], keep_id: int | None) -> str:
        """Merge labels into the one that stays."""
        if not keep_id:
            raise DatasetError("choose which label stays; the ticked ones are merged into it")
        moved = self._store.dataset_edits.merge_labels(keep_id, label_ids)
        return f"Merged: {counted(moved, 'clip')} moved."

    def delete_labels(self, dataset_id: int, label_ids: Collection[int]) -> str:
        """Delete labels with their clips."""
        what = self._store.dataset_edits.delete_labels(dataset_id, label_ids)
        return f"Deleted: {what}. 'Undo' brings it back."

    def set_kind(self, dataset_id: int, label_ids: Collection[int], kind: LabelKind) -> str:
        """Make labels base or novel."""
        self._store.dataset_edits.set_kinds(dataset_id, dict.fromkeys(label_ids, kind))
        return f"{counted(len(label_ids), 'label')} {_are(len(label_ids))} {kind.value} now."

    def divide_by_half(self, dataset_id: int, half: Half) -> str:
        """Make one half of the labels base and the other novel."""
        labels = self._store.clips.labels(dataset_id)
        problems: list[Problem] = []
        counts = {label.name: label.n_train for label in labels}
        base, _ = divide([label.name for label in labels], counts, Division(half=half), problems)
        return self._divide(dataset_id, labels, set(base))

    def divide_by_list(self, dataset_id: int, text: str, kind: LabelKind) -> str:
        """Make the labels in ``text`` base or novel, and all others the other. Spelling may differ in case."""
        wanted = parse_labels(text)
        if not wanted:
            raise DatasetError("the list is empty; paste label names, one a line or between commas")
        labels = self._store.clips.labels(dataset_id)
        known = LabelNames(label.name for label in labels)
        if unknown := [name for name in wanted if known.find(name) is None]:
            raise DatasetError(f"no label of this data set: {named(unknown, 8)}; correct the list, nothing was changed")
        found = {known.find(name) for name in wanted}
        listed = kind is LabelKind.BASE
        return self._divide(dataset_id, labels, {label.name for label in labels if (label.name in found) is listed})

    def _divide(self, dataset_id: int, labels: Sequence[LabelRow], base: Collection[str]) -> str:
        kinds = {label.id: LabelKind.BASE if label.name in base else LabelKind.NOVEL for label in labels}
        self._store.dataset_edits.set_kinds(dataset_id, kinds)
        return f"{counted(len(base), 'label')} {_are(len(base))} base now, {len(labels) - len(base)} novel."

    def split(self, dataset_id: int, *, share: float, seed: int, novel_whole: bool) -> str:
        """Divide all clips into train and test anew; ``share`` of each label is for testing."""
        train, test = self._store.dataset_edits.split(
            dataset_id, lambda clips: choose_test(clips, share=share, seed=seed, novel_whole=novel_whole)
        )
        sides = f"{counted(train, 'clip')} for training, {counted(test, 'clip')} for testing"
        return f"Split anew with seed {seed}: {sides}."

    def sample(self, dataset_id: int, shots: int, seed: int) -> Mapping[str, Sequence[ClipRow]]:
        """The very clips, by label, that a run with these shots and this seed is trained on.

        Raises DatasetError where training would refuse the data set.
        """
        dataset = self._store.datasets.get(self.summary(dataset_id).name)
        rows: dict[tuple[str, str, Subset], list[ClipRow]] = {}
        for row in self._store.clips.page(dataset_id, ClipFilter(), limit=_MOST_DRAWN):
            rows.setdefault((row.path, row.label, row.subset), []).append(row)
        drawn: dict[str, list[ClipRow]] = {}
        for clip in draw_shots(dataset, shots, seed):
            drawn.setdefault(clip.label, []).append(rows[clip.path, clip.label, clip.subset][0])
        return drawn

    def export(self, dataset_id: int, *, packed: bool = False, videofolder: bool = False) -> Path:
        """A CSV of the clips where they lie, a zip of them, or one of the folder that the library ``datasets`` reads.

        All can be imported again, and are kept for a day.
        """
        dataset, packed = self.own(dataset_id), packed or videofolder
        clips = [*(clip.path for clip in dataset.clips), *(one.path for one in dataset.anchors)] if packed else []
        needed = sum(os.path.getsize(file) for file in set(map(file_of, clips)) if os.path.isfile(file))
        write = zip_videofolder if videofolder else export_zip if packed else export_csv
        return write(export_folder(self._studio.home, f"data-{dataset_id}", needed), dataset)

    def export_folder(self, dataset_id: int, into: Path) -> Path:
        """That folder, new in ``into`` and named after the data set; nothing that is there is written over."""
        dataset = self.own(dataset_id)
        return export_videofolder(into / file_stem(dataset.name), dataset)

    def own(self, dataset_id: int) -> Dataset:
        """The data set, for whoever may have a copy of it."""
        self._studio.may_change()  # a copy of every clip, on the Space's disk
        row = self.summary(dataset_id)
        self._studio.ownership.check_download(row)
        return self._store.datasets.get(row.name)


def health(row: DatasetRow, labels: Sequence[LabelRow], copies: Sequence[Copies]) -> Health:
    """What training or a figure would suffer from, and what is merely worth knowing."""
    faults, notes = [], []
    base = [label for label in labels if label.kind is LabelKind.BASE]
    if len(base) < 2:
        have = "none" if not base else "one"
        faults.append(f"training needs at least two base labels, and there is {have}; make labels base, or add clips")
    if bare := [label.name for label in base if not label.n_train]:
        faults.append(f"base labels without a training clip: {named(bare, _SHOWN)}; split anew, or make them novel")
    if row.clips and not row.n_test:
        faults.append("no clip is for testing, so nothing can be measured; split anew on 'Split'")
    if untested := [label.name for label in labels if label.kind is LabelKind.NOVEL and not label.n_test]:
        told = f"novel labels without a test clip, so they are not measured: {named(untested, _SHOWN)}"
        faults.append(f"{told}; split anew on 'Split'")
    leaks = [copy for copy in copies if len(set(copy.subsets)) > 1]
    torn = [copy for copy in copies if len(set(copy.label_names)) > 1]
    if leaks:
        faults.append(
            f"{counted(len(leaks), 'clip')} with the same content both for training and for testing: a figure "
            f"measured on them means nothing. {_example(leaks)}; delete one of each, or split anew"
        )
    if torn:
        told = f"{counted(len(torn), 'clip')} with the same content under two labels. {_example(torn)}"
        faults.append(f"{told}; decide which label is right")
    if plain := [copy for copy in copies if copy not in leaks and copy not in torn]:
        notes.append(f"{counted(len(plain), 'clip')} more than once under one label. {_example(plain)}")
    if len(base) == len(labels):
        notes.append(
            "There are no novel labels. Make some labels novel on 'Labels' to measure whether training makes CLIP "
            "forget what it was not trained on."
        )
    return Health(faults, notes)


def choose_test(clips: Sequence[SplitClip], *, share: float, seed: int, novel_whole: bool) -> set[int]:
    """The ids of the clips for testing: ``share`` of each label, at least one where a label has two clips.

    Clips of the same content stay together, and so do clips of one recording: what was trained on measures nothing.
    With ``novel_whole`` all clips of novel labels are for testing: they are never trained on. The draw of a label
    depends on its own clips only.
    """
    ordered = sorted(clips, key=lambda clip: (clip.label, PurePath(clip.path).name, clip.id))
    candidates = [
        DraftClip(
            clip.path,
            clip.label,
            Subset.TEST if novel_whole and clip.kind is LabelKind.NOVEL else None,
            tuple(tie for tie in (recording_of(clip.path, clip.label), clip.digest, file_of(clip.path)) if tie),
        )
        for clip in ordered
    ]

    def rank(label: str, groups: Sequence[str]) -> list[int]:
        import numpy as np

        digest = int.from_bytes(hashlib.sha256(label.encode()).digest()[:8], "big")
        return [int(place) for place in np.random.default_rng([seed, digest]).permutation(len(groups))]

    subsets = draw(candidates, share, rank)
    return {clip.id for clip, subset in zip(ordered, subsets, strict=True) if subset is Subset.TEST}


def _example(copies: Sequence[Copies]) -> str:
    names = [shown_address(path) for path in copies[0].paths[:2]]
    return f"For example '{names[0]}' and '{names[-1]}'"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
