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

from ga2app.datasets.class_numbers import class_names_of
from ga2app.datasets.clip_files import ClipFinder
from ga2app.datasets.clip_names import Entry, known_class
from ga2app.datasets.drafts import Division, divide, lacks
from ga2app.datasets.import_report import ImportReport, Missing, Problem
from ga2app.datasets.label_list import LabelList, read_label_list
from ga2app.datasets.split_lists import Layout, list_files, read_entries
from ga2app.errors import named
from ga2app.labels import Spelling, in_words, name_key
from ga2app.types import AnchorClip, Dataset, LabelledClip, Subset


@dataclass(frozen=True)
class _NamedClip:
    """An entry with its class and, where it was found, its file."""

    entry: Entry
    name: str
    path: str | None


@dataclass(frozen=True)
class SplitLists:
    """What is to be imported as ``name``.

    ``train`` and ``test`` are lists, or folders of HMDB-51's split files (of split ``fold``), numbered by ``labels``;
    ``novel_test`` holds test clips of novel classes, numbered by ``novel_labels`` or else by ``labels``. Without label
    lists the classes have to be in the paths. ``root`` is the folder of the clips (default: that of the first list),
    ``first_id`` the number that the lists count from, where that is to be said. ``anchors`` are lists of irrelevant
    clips below ``anchor_root`` (default: the root), ``negatives`` negative prompts, ``spelling`` what classes become as
    labels.
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
    spelling: Spelling = Spelling.WORDS


def import_split_lists(lists: SplitLists) -> ImportReport:
    """Read ``lists`` whole and report; the report holds the data set unless something forbids it. Changes nothing."""
    found = read_split_lists(lists, ImportReport(lists.name))
    found.notes += lacks(found.dataset) if found.dataset else []
    return found


def read_split_lists(lists: SplitLists, found: ImportReport) -> ImportReport:
    """Add to ``found`` the data set of ``lists``, unless something forbids it, and what was found on the way."""
    _check(lists, found)
    labels = read_label_list(lists.labels, found.faults, lists.spelling) if lists.labels else None
    novel_labels = read_label_list(lists.novel_labels, found.faults, lists.spelling) if lists.novel_labels else None
    entries = _read(lists, lists.train, Subset.TRAIN, found) + _read(lists, lists.test, Subset.TEST, found)
    novel_entries = _read(lists, lists.novel_test, Subset.TEST, found)
    anchor_entries = _read(lists, lists.anchors, Subset.TRAIN, found, classes=False)

    keys = _class_keys(labels, novel_labels, [*entries, *novel_entries], lists.spelling)
    paths = _find(lists, [*entries, *novel_entries], keys, found)
    base_clips = _named(entries, paths, labels, keys, lists, found)
    novel_clips = _named(novel_entries, paths, novel_labels or labels, keys, lists, found) if novel_entries else []
    clips = _without_repetition([*base_clips, *novel_clips], found)

    names = _class_names(labels, base_clips)
    counts = Counter(clip.name for clip in base_clips if clip.entry.subset is Subset.TRAIN)
    if novel_entries:
        base, novel = _apart(names, novel_clips, novel_labels, found)
    else:
        base, novel = divide(names, counts, lists.division, found.faults)
    anchors = _anchors(lists, anchor_entries, found)
    if not (found.faults or (found.missing and lists.missing is Missing.FAIL)):
        found.dataset = _assembled(lists, base, novel, clips, anchors, found)
    return found


def _check(lists: SplitLists, found: ImportReport) -> None:
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
    lists: SplitLists, paths: Sequence[Path], subset: Subset, found: ImportReport, classes: bool = True
) -> list[Entry]:
    entries: list[Entry] = []
    for file in list_files(paths, lists.fold, found.faults):
        more, layout = read_entries(file, subset, lists.layout, found.faults, classes=classes)
        entries += more
        found.layouts += [layout.value] if layout.value not in found.layouts else []
    return entries


def _class_keys(
    labels: LabelList | None, novel_labels: LabelList | None, entries: Sequence[Entry], spelling: Spelling
) -> dict[str, str]:
    """Every class that the lists know, by what its spellings have in common."""
    keys = {name_key(in_words(entry.name)): spelling.label(entry.name) for entry in entries if entry.name}
    for known in (labels, novel_labels):
        keys |= known.by_key() if known else {}
    return keys


def _find(lists: SplitLists, entries: Sequence[Entry], keys: Mapping[str, str], found: ImportReport) -> dict[str, str]:
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
    found: ImportReport,
) -> list[_NamedClip]:
    """The entries with names; those whose number or name the label list lacks become faults."""
    given = {
        entry.path: known_class(entry.path, keys) or known_class(paths.get(entry.path, ""), keys) for entry in entries
    }
    names = class_names_of(entries, given, labels, lists.first_id, found.faults, found.notes, lists.spelling)
    return [
        _NamedClip(entry, name, paths[entry.path] + entry.fragment if entry.path in paths else None)
        for entry, name in zip(entries, names, strict=True)
        if name is not None
    ]


def _anchors(lists: SplitLists, entries: Sequence[Entry], found: ImportReport) -> list[AnchorClip]:
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
            anchors.append(AnchorClip(search.path + entry.fragment))
    return list(dict.fromkeys(anchors))


def _without_repetition(clips: Sequence[_NamedClip], found: ImportReport) -> list[_NamedClip]:
    """Each clip once. The same clip under two classes, or for training and for testing, is a fault."""
    first: dict[str, _NamedClip] = {}
    for clip in clips:
        key = clip.path or clip.entry.path + clip.entry.fragment
        known = first.setdefault(key, clip)
        if known is clip:
            continue
        place = known.entry.problem("", "").place
        if known.name != clip.name:
            reason = f"is '{clip.name}' here and '{known.name}' in {place}"
            found.faults.append(clip.entry.problem(reason, "give each clip one class"))
        elif known.entry.subset is not clip.entry.subset:
            reason = f"is for {clip.entry.subset} here and for {known.entry.subset} in {place}"
            found.faults.append(
                clip.entry.problem(reason, "a clip that was trained on measures nothing: keep one line")
            )
        else:
            found.repeated.append(clip.entry.problem(f"stands in {place} already", "it was counted once"))
    return list(first.values())


def _class_names(labels: LabelList | None, clips: Sequence[_NamedClip]) -> tuple[str, ...]:
    """Class names in the order of the label list; without one, those of the clips, by the alphabet."""
    return tuple(labels.names.values() if labels else sorted({clip.name for clip in clips}, key=str.casefold))


def _apart(
    names: Sequence[str], novel_clips: Sequence[_NamedClip], novel_labels: LabelList | None, found: ImportReport
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Base and novel classes where novel clips have lists of their own.

    With a label list of their own too, its classes are the novel ones, and none of them may be a base class.
    """
    novel = _class_names(novel_labels, novel_clips)
    if not novel_labels:
        return tuple(name for name in names if name not in novel), novel
    both = [name for name in novel if name in names]
    if both:
        advice = "a novel class is one that is never trained on: take it out of one label list"
        found.faults.append(Problem("--novel-labels", 0, named(both, 5), "is among the base classes, too", advice))
    return tuple(names), novel


def _assembled(
    lists: SplitLists,
    base: Sequence[str],
    novel: Sequence[str],
    clips: Sequence[_NamedClip],
    anchors: Sequence[AnchorClip],
    found: ImportReport,
) -> Dataset | None:
    """The data set of the clips that are there, and notes on what it lacks."""
    kept = tuple(LabelledClip(clip.path, clip.name, clip.entry.subset) for clip in clips if clip.path)
    present = {clip.label for clip in kept}
    bare = [name for name in (*base, *novel) if name not in present]
    if bare:
        found.notes.append(f"classes without any clip, left out ({len(bare)}): {named(bare)}")
    if not kept:
        found.faults.append(Problem("--root", 0, "", "holds none of the clips", "name the folder that holds the clips"))
        return None
    base, novel = (tuple(name for name in names if name in present) for names in (base, novel))
    return Dataset(lists.name, base, novel, kept, tuple(anchors), tuple(dict.fromkeys(lists.negatives)))
