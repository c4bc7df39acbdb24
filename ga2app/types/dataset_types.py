"""Data sets: clips under labels, anchors, negatives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

SAMPLE = 3
"""Clips that stand for all where a few are looked at."""


class Subset(StrEnum):
    """Part of a data set a clip belongs to: shots are drawn from ``train``, figures come from ``test``."""

    TRAIN = "train"
    TEST = "test"


@dataclass(frozen=True)
class ClipFacts:
    """What opening a clip showed. ``seconds`` is None where the file does not tell its pace.

    ``width`` and ``height`` are pixels, upright; ``warnings`` are for a person: the clip can be used all the same.
    ``digest`` is the SHA-256 of the file's content, empty where nobody has asked for it.
    """

    seconds: float | None
    frames: int
    width: int
    height: int
    warnings: tuple[str, ...] = ()
    digest: str = ""


@dataclass(frozen=True)
class LabelledClip:
    """One clip of a data set: its file and the class name that it shows."""

    path: str
    label: str
    subset: Subset = Subset.TRAIN


@dataclass(frozen=True)
class AnchorClip:
    """One irrelevant clip of an anchor set, with the caption that describes it."""

    path: str
    caption: str = ""


@dataclass(frozen=True)
class Dataset:
    """Clips under base class names (trained on) and novel ones (never trained on).

    ``borrowed``: the anchors are another data set's, filmed by other cameras in other places. ``anchors_from`` and
    ``negatives_from`` name the data set that lent them, empty where none did.
    """

    name: str
    base: tuple[str, ...]
    novel: tuple[str, ...]
    clips: tuple[LabelledClip, ...]
    anchors: tuple[AnchorClip, ...] = ()
    negatives: tuple[str, ...] = ()
    borrowed: bool = False
    anchors_from: str = ""
    negatives_from: str = ""

    def counts(self, subset: Subset) -> Counter[str]:
        """How many clips of each label are in ``subset``."""
        return Counter(clip.label for clip in self.clips if clip.subset is subset)

    def sample(self) -> tuple[str, ...]:
        """The files of a few training clips, spread over the data set; of any clips where none is for training."""
        paths = [clip.path for clip in self.clips if clip.subset is Subset.TRAIN] or [clip.path for clip in self.clips]
        return tuple(paths[place * len(paths) // SAMPLE] for place in range(min(SAMPLE, len(paths))))


@dataclass(frozen=True)
class DatasetOutline(Dataset):
    """A data set whose clips are counted, not listed: what checks before a run take, however many clips there are."""

    counted: Mapping[Subset, Mapping[str, int]] = field(default_factory=dict)
    sampled: tuple[str, ...] = ()

    def counts(self, subset: Subset) -> Counter[str]:
        """How many clips of each label are in ``subset``."""
        return Counter(self.counted.get(subset, {}))

    def sample(self) -> tuple[str, ...]:
        """The files of a few training clips."""
        return self.sampled


def with_anchors(dataset: Dataset, donor: Dataset) -> Dataset:
    """``dataset`` with the anchor clips and the negatives of ``donor`` where it has none of its own."""
    anchors, negatives = dataset.anchors or donor.anchors, dataset.negatives or donor.negatives
    return replace(
        dataset,
        anchors=anchors,
        negatives=negatives,
        borrowed=not dataset.anchors,
        anchors_from=dataset.anchors_from if dataset.anchors else donor.name,
        negatives_from=dataset.negatives_from if dataset.negatives else donor.name,
    )


class ProposalKind(StrEnum):
    """What a proposed text is for: a negative prompt, or the caption of a clip that would make a good anchor."""

    NEGATIVE = "negative"
    CAPTION = "caption"
