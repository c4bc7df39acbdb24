"""A data set as its source tells it, before any clip has been opened, and what makes a data set of it.

The source may leave open which clips are for testing. That is settled last, by ``finished``, when broken clips and
copies are gone: a quarter of what is really there. Which classes are novel is said by name, by list or by half; the
paper's halves are published as lists, and a half drawn here is a convenience.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from ga2app.datasets.clip_names import Part, recording_of
from ga2app.datasets.import_report import Problem
from ga2app.datasets.label_descriptions import matched
from ga2app.datasets.label_list import read_label_list
from ga2app.datasets.train_test import TEST_SHARE, DraftClip, hold_out
from ga2app.errors import DatasetError, counted, named
from ga2app.labels import LabelNames, label_key, visible
from ga2app.stretches import file_of
from ga2app.types import AnchorClip, Dataset, LabelledClip, Subset


@dataclass(frozen=True)
class Draft:
    """A data set whose clips nobody has opened yet.

    ``notes`` are for a person. ``passed_over`` are clips that a note accounts for and that do not belong to it.
    ``descriptions`` are names and sentences as the source has them.
    """

    name: str
    base: tuple[str, ...]
    novel: tuple[str, ...]
    clips: tuple[DraftClip, ...]
    anchors: tuple[AnchorClip, ...] = ()
    negatives: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    passed_over: tuple[str, ...] = ()
    descriptions: tuple[tuple[str, str], ...] = ()


def draft_of(dataset: Dataset) -> Draft:
    """A data set that is whole already, as a draft."""
    clips = tuple(DraftClip(clip.path, clip.label, clip.subset) for clip in dataset.clips)
    return Draft(dataset.name, dataset.base, dataset.novel, clips, dataset.anchors, dataset.negatives)


def with_parts(
    rows: Sequence[tuple[str, str, Part | None]],
) -> tuple[tuple[DraftClip, ...], tuple[str, ...], tuple[str, ...]]:
    """Clips for the two parts that are used, from path, label and part of each; notes; and paths that are left out.

    With training and test clips the validation clips stay out of both, as in the papers. Without test clips the
    validation clips are the test clips.
    """
    parts = {part for _, _, part in rows}
    tested = Part.TEST if Part.TEST in parts else Part.VALIDATION
    subsets = {None: None, Part.TRAIN: Subset.TRAIN, tested: Subset.TEST}
    clips = tuple(DraftClip(path, label, subsets[part]) for path, label, part in rows if part in subsets)
    out = tuple(path for path, _, part in rows if part not in subsets)
    if out:
        text = "left out: training uses the training clips and figures come from the test clips"
        return clips, (f"{counted(len(out), 'validation clip')} {text}",), out
    notes = ("there are no test clips, so the validation clips are for testing",) if Part.VALIDATION in parts else ()
    return clips, notes, ()


def with_one_spelling(draft: Draft) -> Draft:
    """``draft`` with each label in one spelling, the one of most clips; a note names the others.

    Case, space, underscores and Unicode forms make no other label. Raises DatasetError for a label that is base in one
    spelling and novel in another.
    """
    counts = Counter(clip.label for clip in draft.clips)
    spellings: dict[str, list[str]] = {}
    for label in dict.fromkeys((*draft.base, *draft.novel, *counts)):
        spellings.setdefault(label_key(label), []).append(label)
    chosen = {key: visible(max(some, key=lambda label: counts[label])) for key, some in spellings.items()}
    base, novel = (
        tuple(dict.fromkeys(chosen[label_key(label)] for label in labels)) for labels in (draft.base, draft.novel)
    )
    if both := set(base) & set(novel):
        raise DatasetError(f"'{min(both)}' is both base and novel; give each label one group")
    spelled = {label: chosen[label_key(label)] for label in {clip.label for clip in draft.clips}}
    clips = tuple(
        clip if spelled[clip.label] == clip.label else clip._replace(label=spelled[clip.label]) for clip in draft.clips
    )
    merged = [
        f"'{chosen[key]}' (also written {', '.join(repr(label) for label in some if label != chosen[key])})"
        for key, some in spellings.items()
        if len(some) > 1
    ]
    notes = (f"spellings of one label were merged: {'; '.join(merged)}",) if merged else ()
    return replace(draft, base=base, novel=novel, clips=clips, notes=(*draft.notes, *notes))


def finished(draft: Draft, digests: Mapping[str, str] | None = None) -> tuple[Dataset, list[str]]:
    """The data set of ``draft``, with a part for each clip, and notes on how the parts were made.

    ``digests`` tells the content of each path, where it is known: clips of one content stay on one side, and so do
    those of one recording.
    """
    known = digests or {}
    recordings = [recording_of(clip.path, clip.label) for clip in draft.clips]
    if all(clip.subset for clip in draft.clips):  # there is nothing to hold out
        subsets = [clip.subset or Subset.TRAIN for clip in draft.clips]
    else:
        contents = [f"content {known[clip.path]}" if clip.path in known else None for clip in draft.clips]
        ties = zip(recordings, contents, _file_ties(draft.clips), strict=True)
        subsets = hold_out(
            [
                clip._replace(ties=tuple(filter(None, tied))) if any(tied) else clip
                for clip, tied in zip(draft.clips, ties, strict=True)
            ]
        )
    clips = tuple(
        LabelledClip(clip.path, clip.label, subset) for clip, subset in zip(draft.clips, subsets, strict=True)
    )
    told = matched(draft.descriptions, (*draft.base, *draft.novel, *draft.negatives))
    dataset = Dataset(draft.name, draft.base, draft.novel, clips, draft.anchors, draft.negatives)
    dataset = replace(dataset, descriptions=told.sentences)
    notes = [f"descriptions: {note}" for note in told.notes]
    return dataset, [*_division_notes(draft, clips, recordings), *notes]


def _file_ties(clips: Sequence[DraftClip]) -> list[str | None]:
    """What ties all stretches of a file to each other, and to the whole of it; nothing where each file comes once."""
    files = [os.path.normpath(file_of(clip.path)) for clip in clips]
    return [None] * len(files) if len(set(files)) == len(files) else [f"file {file}" for file in files]


def _division_notes(draft: Draft, clips: Sequence[LabelledClip], recordings: Sequence[str | None]) -> list[str]:
    sizes = Counter(recording for recording in recordings if recording)
    is_open = [clip.subset is None for clip in draft.clips]
    several = {recording for recording, size in sizes.items() if size > 1}
    notes = []
    if several and any(is_open):
        tested = sum(clip.subset is Subset.TEST for clip, free in zip(clips, is_open, strict=True) if free)
        notes.append(
            f"about {TEST_SHARE:.0%} of each label ({counted(tested, 'clip')}) is for testing; clips of one recording, "
            f"told by the files' names, stay on one side ({counted(len(sizes), 'recording')})"
        )
    trained = {rec for rec, clip in zip(recordings, clips, strict=True) if rec and clip.subset is Subset.TRAIN}
    shared = sum(clip.subset is Subset.TEST and rec in trained for rec, clip in zip(recordings, clips, strict=True))
    if shared:
        total = sum(clip.subset is Subset.TEST for clip in clips)
        notes.append(
            f"{shared:,} of {counted(total, 'test clip')} {'is' if shared == 1 else 'are'} of a recording that is "
            "trained on, as the source divides them: figures will be too good"
        )
    return notes


def lacks(dataset: Dataset) -> list[str]:
    """Notes on what a data set needs for training or measuring and does not have."""
    by_subset = {subset: {clip.label for clip in dataset.clips if clip.subset is subset} for subset in Subset}
    notes = []
    if len(dataset.base) < 2:
        notes.append("training needs at least two base labels: add clips of another action")
    untrained = [name for name in dataset.base if name not in by_subset[Subset.TRAIN]]
    if untrained and by_subset[Subset.TRAIN]:
        notes.append(
            f"base labels without a training clip, which training refuses ({len(untrained)}): {named(untrained)}. "
            "Make them novel, or add clips"
        )
    untested = [name for name in (*dataset.base, *dataset.novel) if name not in by_subset[Subset.TEST]]
    if not by_subset[Subset.TEST]:
        notes.append("no clip is for testing, so nothing can be measured: name test clips, or split the data set anew")
    elif untested:
        notes.append(f"labels without a test clip, which no figure covers ({len(untested)}): {named(untested)}")
    return notes


Divisible = TypeVar("Divisible", Dataset, Draft)


class Half(StrEnum):
    """Which half of the classes becomes base, the larger one where their number is odd.

    ``list``: the first in the order of the label list. ``frequency``: those with the most training clips.
    """

    LIST = "list"
    FREQUENCY = "frequency"


@dataclass(frozen=True)
class Division:
    """At most one way to choose the novel classes; without one all are base. Spelling may differ in case and spaces."""

    novel: tuple[str, ...] = ()
    novel_list: Path | None = None
    base_list: Path | None = None
    half: Half | None = None

    def ways(self) -> list[str]:
        """The options that are in use, as the command line calls them."""
        given = {"--novel": self.novel, "--novel-list": self.novel_list, "--base-list": self.base_list}
        return [option for option, value in (*given.items(), ("--novel-half", self.half)) if value]


def divide(
    names: Sequence[str], training_clips: Mapping[str, int], division: Division, problems: list[Problem]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Base and novel names, each in the order of ``names``. Every fault goes into ``problems``."""
    ways = division.ways()
    if len(ways) > 1:
        problems.append(
            Problem(" and ".join(ways), 0, "", "cannot be used together", "choose the novel classes in one way")
        )
        return tuple(names), ()
    novel: set[str] = set()
    if division.novel:
        novel = _known(names, division.novel, "novel", problems)
    elif division.novel_list:
        novel = _known(names, _listed_names(division.novel_list, problems), str(division.novel_list), problems)
    elif division.base_list:
        base = _known(names, _listed_names(division.base_list, problems), str(division.base_list), problems)
        novel = set(names) - base
    elif division.half:
        by_frequency = division.half is Half.FREQUENCY
        ranked = sorted(names, key=lambda name: -training_clips.get(name, 0)) if by_frequency else list(names)
        novel = set(ranked[(len(names) + 1) // 2 :])
    if names and len(novel) == len(names):
        problems.append(Problem(ways[0], 0, "", "leaves no base class", "keep at least two classes to train on"))
    return tuple(name for name in names if name not in novel), tuple(name for name in names if name in novel)


def divided(dataset: Divisible, division: Division) -> Divisible:
    """``dataset`` with its classes divided anew; as it is without a division. Raises DatasetError with every fault.

    Clips of a draft that are in no part yet count as training clips.
    """
    if not division.ways():
        return dataset
    counts: dict[str, int] = {}
    for clip in dataset.clips:
        counts[clip.label] = counts.get(clip.label, 0) + (clip.subset is not Subset.TEST)
    problems: list[Problem] = []
    base, novel = divide((*dataset.base, *dataset.novel), counts, division, problems)
    if problems:
        raise DatasetError(". ".join(str(problem) for problem in problems))
    return replace(dataset, base=base, novel=novel)


def _listed_names(file: Path, problems: list[Problem]) -> list[str]:
    labels = read_label_list(file, problems)
    return list(labels.names.values()) if labels else []


def _known(names: Sequence[str], chosen: Sequence[str], source: str, problems: list[Problem]) -> set[str]:
    known = LabelNames(names)
    unknown = [name for name in chosen if known.find(name) is None]
    if unknown:
        advice = f"the classes are {named(names)}"
        problems.append(Problem(source, 0, ", ".join(unknown[:5]), "is no class of this data set", advice))
    return {found for name in chosen if (found := known.find(name)) is not None}
