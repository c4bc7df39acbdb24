"""From split lists, label lists and a folder of clips to a data set, or to everything that is wrong with them.

The lists of one numbering (those for base classes, or for all; and those for novel classes, where they have label lists
of their own) are read, their clips are looked for, their numbers become names, and only then is a data set made.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ga2app.datasets.assembling import NamedClip, apart, assemble, class_names, without_repetition
from ga2app.datasets.base_novel import Division, divide
from ga2app.datasets.clip_finder import ClipFinder
from ga2app.datasets.drafts import lacks
from ga2app.datasets.entries import Entry, known_class
from ga2app.datasets.import_report import Findings, ImportReport, Missing, Problem
from ga2app.datasets.label_list import LabelList, read_label_list
from ga2app.datasets.layouts import Layout, list_files, read_entries
from ga2app.datasets.set_names import named
from ga2app.labels import in_words, name_key
from ga2app.types import AnchorClip, Dataset, Subset


@dataclass(frozen=True)
class SplitLists:
    """What is to be imported as ``name``.

    ``train`` and ``test`` are lists, or folders of HMDB-51's split files (of split ``fold``), numbered by ``labels``;
    ``novel_test`` holds test clips of novel classes, numbered by ``novel_labels`` or else by ``labels``. Without label
    lists the classes have to be in the paths. ``root`` is the folder of the clips (default: that of the first list),
    ``first_id`` the number that the lists count from, where that is to be said. ``anchors`` are lists of irrelevant
    clips below ``anchor_root`` (default: the root), ``negatives`` negative prompts.
    """

    name: str
    train: tuple[Path, ...] = ()
    test: tuple[Path, ...] = ()
    labels: Path | None = None
    novel_test: tuple[Path, ...] = ()
    novel_labels: Path | None = None
    root: Path | None = None
    division: Division = Division()
    layout: Layout = Layout.AUTO
    fold: int = 1
    first_id: int | None = None
    missing: Missing = Missing.FAIL
    anchors: tuple[Path, ...] = ()
    anchor_root: Path | None = None
    negatives: tuple[str, ...] = ()


def import_split_lists(lists: SplitLists) -> ImportReport:
    """Read ``lists`` whole and report; the report holds the data set unless something forbids it. Changes nothing."""
    dataset, found = read_split_lists(lists)
    if dataset is not None:
        found.notes += lacks(dataset)
    return ImportReport(
        lists.name,
        dataset,
        tuple(found.layouts),
        tuple(found.faults),
        tuple(found.missing),
        tuple(found.repeated),
        tuple(found.notes),
    )


def read_split_lists(lists: SplitLists) -> tuple[Dataset | None, Findings]:
    """The data set of ``lists``, None where something forbids it, and what was found on the way."""
    found = Findings()
    _check(lists, found)
    labels = read_label_list(lists.labels, found.faults) if lists.labels else None
    novel_labels = read_label_list(lists.novel_labels, found.faults) if lists.novel_labels else None
    entries = _read(lists, lists.train, Subset.TRAIN, found) + _read(lists, lists.test, Subset.TEST, found)
    novel_entries = _read(lists, lists.novel_test, Subset.TEST, found)
    anchor_entries = _read(lists, lists.anchors, Subset.TRAIN, found, classes=False)

    keys = _class_keys(labels, novel_labels, [*entries, *novel_entries])
    paths = _find(lists, [*entries, *novel_entries], keys, found)
    base_clips = _named(entries, paths, labels, keys, lists, found)
    novel_clips = _named(novel_entries, paths, novel_labels or labels, keys, lists, found) if novel_entries else []
    clips = without_repetition([*base_clips, *novel_clips], found)

    names = class_names(labels, base_clips)
    counts = Counter(clip.name for clip in base_clips if clip.entry.subset is Subset.TRAIN)
    if novel_entries:
        base, novel = apart(names, novel_clips, novel_labels, found)
    else:
        base, novel = divide(names, counts, lists.division, found.faults)
    anchors = _anchors(lists, anchor_entries, found)

    refused = bool(found.faults or (found.missing and lists.missing is Missing.FAIL))
    dataset = None if refused else assemble(lists.name, base, novel, clips, anchors, lists.negatives, found)
    return dataset, found


def _check(lists: SplitLists, found: Findings) -> None:
    """Options that do not go together."""
    rules = (
        ("--split", not (lists.train or lists.test), "is missing", "name a list with --split or --test-split"),
        (
            "--novel-split",
            bool(lists.novel_test) and bool(lists.division.ways()),
            "already says which classes are novel",
            f"leave out {' and '.join(lists.division.ways())}",
        ),
        (
            "--novel-labels",
            bool(lists.novel_labels) and not lists.novel_test,
            "has no clips to number",
            "name the list of novel clips with --novel-split, or the novel classes with --novel-list",
        ),
    )
    found.faults += [Problem(option, 0, "", reason, advice) for option, broken, reason, advice in rules if broken]
    for root, option in ((lists.root, "--root"), (lists.anchor_root, "--anchor-root")):
        if root and not root.is_dir():
            found.faults.append(Problem(option, 0, str(root), "is no folder", "name the folder that holds the clips"))


def _read(
    lists: SplitLists, paths: Sequence[Path], subset: Subset, found: Findings, classes: bool = True
) -> list[Entry]:
    entries: list[Entry] = []
    for file in list_files(paths, lists.fold, found.faults):
        more, layout = read_entries(file, subset, lists.layout, found.faults, classes=classes)
        entries += more
        found.layouts[layout.value] = None
    return entries


def _class_keys(labels: LabelList | None, novel_labels: LabelList | None, entries: Sequence[Entry]) -> dict[str, str]:
    """Every class that the lists know, by what its spellings have in common."""
    keys = {name_key(in_words(entry.name)): in_words(entry.name) for entry in entries if entry.name}
    for known in (labels, novel_labels):
        keys |= known.by_key() if known else {}
    return keys


def _find(lists: SplitLists, entries: Sequence[Entry], keys: Mapping[str, str], found: Findings) -> dict[str, str]:
    """The files of the listed paths that are there; the others become ``missing``, line by line."""
    files = [*lists.train, *lists.test]
    root = lists.root or (files[0] if files and files[0].is_dir() else files[0].parent if files else Path())
    if not root.is_dir():
        return {}
    finder = ClipFinder(root, (entry.path for entry in entries), keys)
    paths: dict[str, str] = {}
    lost: dict[str, tuple[str, str]] = {}
    moved: list[tuple[str, str]] = []
    for entry in entries:
        if entry.path not in paths and entry.path not in lost:
            search = finder.find(entry.path)
            if search.path is None:
                lost[entry.path] = search.reason, search.advice
            else:
                paths[entry.path] = search.path
            if search.moved and search.path:
                moved.append((entry.path, search.path))
        if entry.path in lost:
            found.missing.append(entry.problem(*lost[entry.path]))
    if moved:
        path, place = moved[0]
        example = f"{path} as {os.path.relpath(place, root)}"
        found.notes.append(f"clips found elsewhere below '{root}' than listed: {len(moved):,}, for example {example}")
    return paths


def _named(
    entries: Sequence[Entry],
    paths: Mapping[str, str],
    labels: LabelList | None,
    keys: Mapping[str, str],
    lists: SplitLists,
    found: Findings,
) -> list[NamedClip]:
    """The entries with names; those whose number or name the label list lacks become faults."""
    given = {
        entry.path: known_class(entry.path, keys) or known_class(paths.get(entry.path, ""), keys) for entry in entries
    }
    names = named(entries, given, labels, lists.first_id, found.faults, found.notes)
    return [
        NamedClip(entry, name, paths.get(entry.path))
        for entry, name in zip(entries, names, strict=True)
        if name is not None
    ]


def _anchors(lists: SplitLists, entries: Sequence[Entry], found: Findings) -> list[AnchorClip]:
    root = lists.anchor_root or lists.root or (lists.anchors[0].parent if lists.anchors else Path())
    if not entries or not root.is_dir():
        return []
    finder = ClipFinder(root, (entry.path for entry in entries))
    anchors = []
    for entry in entries:
        search = finder.find(entry.path)
        if search.path is None:
            found.missing.append(entry.problem(search.reason, search.advice))
        else:
            anchors.append(AnchorClip(search.path))
    return list(dict.fromkeys(anchors))
