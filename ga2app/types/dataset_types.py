"""Data sets: clips under labels, and their reviews; anchors and negatives, and how they are rated and made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from ga2app.stretches import split_address

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
    """One clip of a data set and the class name that it shows.

    ``path`` is its address: a file, or a stretch of one (``match.mp4#t=12,15.5``, made by ``address_of``).
    """

    path: str
    label: str
    subset: Subset = Subset.TRAIN

    @property
    def file(self) -> str:
        """The file that the clip lies in."""
        return split_address(self.path)[0]

    @property
    def start_s(self) -> float | None:
        """Where in the file it begins, in seconds on the file's own clock; None for a whole file."""
        stretch = split_address(self.path)[1]
        return stretch.start_s if stretch else None

    @property
    def end_s(self) -> float | None:
        """Where in the file it ends; None for a whole file, and infinity for the file's end."""
        stretch = split_address(self.path)[1]
        return stretch.end_s if stretch else None


@dataclass(frozen=True)
class AnchorClip:
    """One irrelevant clip of an anchor set, with the caption that describes it."""

    path: str
    caption: str = ""


@dataclass(frozen=True)
class Dataset:
    """Clips under base class names (trained on) and novel ones (never trained on).

    ``borrowed``: the anchors are another data set's, filmed by other cameras in other places. ``anchors_from`` and
    ``negatives_from`` name the data set that lent them, empty where none did. ``descriptions`` are sentences by label
    or by negative prompt; see ``ga2app.datasets.label_descriptions``.
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
    descriptions: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)

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


Progress = Callable[[int, int], None]
"""Is told how many of how many clips are done."""

CALM = 0.5
"""A crop with more than this share of the frame's mean motion is not away from anything."""


class AnchorKind(StrEnum):
    """The ways to make an anchor from a clip: its middle frame held, the background, a crop away from the motion."""

    HELD_FRAME = "held-frame"
    MEDIAN = "median"
    AWAY = "away"


@dataclass(frozen=True)
class ClipRating:
    """How irrelevant a clip is: from 0 to 1, more is a better anchor; ``nearest`` is the label most like it.

    ``caption`` is the clip's own or, if it had none, the shipped one that is most like it: then it was ``guessed``.
    ``cosine`` is that between clip and nearest label.
    """

    path: str
    caption: str
    irrelevance: float
    nearest: str
    cosine: float = 0.0
    guessed: bool = False


@dataclass(frozen=True)
class ClipRatings:
    """Clips that could be read, rated, and what was wrong with the others.

    Unless ``comparable``, the backbone knows too few generic texts: the figures rank these clips and nothing else.
    """

    clips: tuple[ClipRating, ...]
    faults: tuple[str, ...] = ()
    comparable: bool = True


@dataclass(frozen=True)
class MadeClip:
    """An anchor that was made from the clip ``source`` and written to ``path``.

    ``motion_share`` of a crop away from the motion is its motion over the whole frame's; None for other kinds.
    """

    path: str
    caption: str
    kind: AnchorKind
    source: str
    motion_share: float | None = None

    @property
    def restless(self) -> bool:
        """Whether a crop away from the motion still moves: the camera does, or nothing was still."""
        return (self.motion_share or 0.0) > CALM


@dataclass(frozen=True)
class MadeClips:
    """What was made, and what was wrong with the clips of which nothing was."""

    clips: tuple[MadeClip, ...]
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class TextRating:
    """How close a text comes to the ``nearest`` label: their ``cosine``. ``unknown`` words tell the backbone nothing.

    ``too_close``: it shares a word that matters with a label, or is as near to one as the labels are to each other.
    """

    text: str
    cosine: float
    nearest: str
    too_close: bool
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class TextRatings:
    """Texts, rated in their order. ``limit`` is the cosine that is too close; None where one label alone sets none."""

    texts: tuple[TextRating, ...]
    limit: float | None = None


@dataclass(frozen=True)
class TextProposal:
    """A text to accept or to leave. ``distance`` is 1 − cosine to the ``nearest`` label.

    Both are None for a text with words that the backbone does not know.
    """

    text: str
    kind: ProposalKind
    distance: float | None
    nearest: str | None


class Order(StrEnum):
    """Which clips come first; ``ORDERS`` says what each means."""

    UNCERTAIN = "uncertain"
    MARGIN = "margin"
    DISAGREE = "disagree"
    LABEL = "label"
    SUSPECTED = "suspected"
    LISTED = "listed"


ORDERS = {
    Order.UNCERTAIN: "Least certain first (entropy)",
    Order.MARGIN: "Closest between two labels first",
    Order.DISAGREE: "Bundle and zero-shot CLIP disagree",
    Order.LABEL: "The answer is not the clip's label",
    Order.SUSPECTED: "Suspected wrong labels only",
    Order.LISTED: "As in the data set",
}


class Reviewed(StrEnum):
    """What a person said of a clip."""

    NOT_YET = ""
    CONFIRMED = "confirmed"
    CORRECTED = "corrected"
    SKIPPED = "skipped"
