"""Small data sets for tests of the store."""

from __future__ import annotations

from collections.abc import Mapping

from ga2app.store import Store
from ga2app.types import Dataset, LabelledClip, Subset


def add_set(store: Store, labels: Mapping[str, int], name: str = "mine", novel: tuple[str, ...] = ()) -> int:
    """A data set with so many clips a label, every second and fourth for testing; one alone is, too if novel."""
    clips = tuple(
        LabelledClip(f"/clips/{label}-{number}.mp4", label, _subset(number, label in novel))
        for label, count in labels.items()
        for number in range(count)
    )
    base = tuple(label for label in labels if label not in novel)
    return store.datasets.add(Dataset(name, base, novel, clips), origin="test")


def _subset(number: int, novel: bool) -> Subset:
    return Subset.TEST if novel or number % 4 == 1 else Subset.TRAIN
