"""A bundle measured again, on a data set that may not be what it was: clips that it was trained on do not count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ga2app.datasets.clip_files import among, clips_identity
from ga2app.evaluation.clip_features import test_clips
from ga2app.types import Dataset, Subset


@dataclass(frozen=True)
class Trained:
    """What a bundle says of its training: the ``name`` of its data set, its labels, and what identifies the clips.

    ``data`` and ``marks`` are empty where it does not say it.
    """

    name: str
    base: tuple[str, ...]
    novel: tuple[str, ...]
    data: str
    marks: Sequence[str]


@dataclass(frozen=True)
class Remeasured:
    """The ``dataset`` without the ``seen`` test clips that were trained on, of ``tested`` in all; ``notes`` say so."""

    dataset: Dataset
    seen: int
    tested: int
    changed: bool
    notes: tuple[str, ...]


def to_measure_again(dataset: Dataset, trained: Trained) -> Remeasured:
    """``dataset`` as the bundle can be measured on it, and what has changed since its training.

    A data set of another name is not the one that it was trained on, and its labels are none of the changes.
    """
    clips = test_clips(dataset)
    seen = among([clip.path for clip in clips], trained.marks)
    own = dataset.name == trained.name
    changed = own and bool(trained.data) and clips_identity(dataset) != trained.data
    notes = []
    if changed:
        notes.append(
            f"data set '{dataset.name}' has changed since the bundle was trained: {_changes(dataset, trained)}"
        )
    if seen:
        left = len(clips) - len(seen)
        notes.append(
            f"{len(seen)} of {len(clips)} test clips were trained on and do not count; the figures are of the other "
            f"{left}"
        )
    elif own and not trained.marks and (changed or not trained.data):
        notes.append(
            "the bundle does not say which clips it was trained on: if the data set was split anew since, the figures "
            "are too good"
        )
    kept = tuple(clip for clip in dataset.clips if clip.subset is not Subset.TEST or clip.path not in seen)
    return Remeasured(replace(dataset, clips=kept), len(seen), len(clips), changed, tuple(notes))


def _changes(dataset: Dataset, trained: Trained) -> str:
    """What of the labels is not as it was; else the clips or their split are."""
    before, now = {*trained.base, *trained.novel}, {*dataset.base, *dataset.novel}
    turned = sorted(set(trained.base) & set(dataset.novel) | set(trained.novel) & set(dataset.base))
    parts = [
        f"{what} {', '.join(sorted(names))}"
        for what, names in (("new labels:", now - before), ("labels gone:", before - now), ("base or novel:", turned))
        if names
    ]
    return "; ".join(parts) or "other clips, or another split into training and test clips"
