"""From named clips to a data set: each clip once, each class on one side, and notes on what is lacking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ga2app.datasets.entries import Entry
from ga2app.datasets.import_report import Findings, Problem, listed
from ga2app.datasets.label_list import LabelList
from ga2app.types import AnchorClip, Dataset, LabelledClip


@dataclass(frozen=True)
class NamedClip:
    """An entry with its class and, where it was found, its file."""

    entry: Entry
    name: str
    path: str | None


def without_repetition(clips: Sequence[NamedClip], found: Findings) -> list[NamedClip]:
    """Each clip once. The same clip under two classes, or for training and for testing, is a fault."""
    first: dict[str, NamedClip] = {}
    for clip in clips:
        key = clip.path or clip.entry.path
        known = first.setdefault(key, clip)
        if known is clip:
            continue
        place = f"{known.entry.file.name} line {known.entry.line}"
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


def class_names(labels: LabelList | None, clips: Sequence[NamedClip]) -> tuple[str, ...]:
    """Class names in the order of the label list; without one, those of the clips, by the alphabet."""
    return tuple(labels.names.values() if labels else sorted({clip.name for clip in clips}, key=str.casefold))


def apart(
    names: Sequence[str], novel_clips: Sequence[NamedClip], novel_labels: LabelList | None, found: Findings
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Base and novel classes where novel clips have lists of their own.

    With a label list of their own too, its classes are the novel ones, and none of them may be a base class.
    """
    novel = class_names(novel_labels, novel_clips)
    if not novel_labels:
        return tuple(name for name in names if name not in novel), novel
    both = [name for name in novel if name in names]
    if both:
        advice = "a novel class is one that is never trained on: take it out of one label list"
        found.faults.append(Problem("--novel-labels", 0, listed(both), "is among the base classes, too", advice))
    return tuple(names), novel


def assemble(
    name: str,
    base: Sequence[str],
    novel: Sequence[str],
    clips: Sequence[NamedClip],
    anchors: Sequence[AnchorClip],
    negatives: Sequence[str],
    found: Findings,
) -> Dataset | None:
    """The data set of the clips that are there, and notes on what it lacks."""
    kept = [LabelledClip(clip.path, clip.name, clip.entry.subset) for clip in clips if clip.path]
    present = {clip.label for clip in kept}
    bare = [name for name in (*base, *novel) if name not in present]
    if bare:
        found.notes.append(f"classes without any clip, left out ({len(bare)}): {listed(bare, 10)}")
    if not kept:
        found.faults.append(Problem("--root", 0, "", "holds none of the clips", "name the folder that holds the clips"))
        return None
    return Dataset(
        name,
        tuple(name for name in base if name in present),
        tuple(name for name in novel if name in present),
        tuple(kept),
        tuple(anchors),
        tuple(dict.fromkeys(negatives)),
    )
