"""Clips of a data set that show the same: copies, stretches that overlap, footage that was cut or encoded anew."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ga2app.labels import label_key
from ga2app.services.dataset_looks import SeenClips
from ga2app.store.clip_pages import ClipRow
from ga2app.stretches import overlapping, shown_address
from ga2app.types import Progress


@dataclass(frozen=True)
class CopyPair:
    """Two clips that show the same footage: why that is believed, and whether labels or train and test differ."""

    first: ClipRow
    second: ClipRow
    why: str
    cosine: float | None = None

    @property
    def warning(self) -> str:
        """What is wrong with having both."""
        if label_key(self.first.label) != label_key(self.second.label):
            return "under two labels"
        return "for training and for testing" if self.first.subset is not self.second.subset else ""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, with the clips' names and no path of the machine."""
        told = {"why": self.why, "warning": self.warning or None, "cosine": self.cosine}
        return {"clips": [named_clip(self.first), named_clip(self.second)], **told}


def find_copies(
    seen: SeenClips, cosine: float | None, progress: Progress, should_stop: Callable[[], bool]
) -> Iterable[CopyPair]:
    """Clips with the same content, stretches that overlap, and clips that show nearly the same, each pair once."""
    from ga2app.evaluation.label_review import NEAR_COSINE, near_copies

    by_path = {row.path: row for row in seen.rows}
    pairs: dict[tuple[int, int], CopyPair] = {}
    same: dict[str, ClipRow] = {}

    def add(one: ClipRow, other: ClipRow, why: str, near: float | None = None) -> None:
        first, second = sorted((one, other), key=lambda row: row.id)
        pairs.setdefault((first.id, second.id), CopyPair(first, second, why, near))

    for row, digest in zip(seen.rows, seen.digests, strict=True):
        if digest in same:
            add(same[digest], row, "the same content")
        same.setdefault(digest, row)
    for one, other in overlapping(by_path):
        add(by_path[one], by_path[other], "stretches of one video that overlap")
    digests = list(same)
    if digests:
        features, pictures = seen.features.features(digests), seen.features.pictures(digests)
        least = NEAR_COSINE if cosine is None else cosine
        found = near_copies(features, pictures, least, progress=progress, should_stop=should_stop)
        for (first, second), near, apart in zip(*(part.tolist() for part in found), strict=True):
            why = f"cosine {near:.3f}, pictures {apart:.1f} of 256 gray levels apart"
            add(same[digests[first]], same[digests[second]], why, near)
    return pairs.values()


def named_clip(clip: ClipRow) -> dict[str, Any]:
    """A clip as plain JSON, by its name and without any path of the machine."""
    return {"id": clip.id, "file": shown_address(clip.path), "label": clip.label, "subset": clip.subset.value}
