"""Plain records and protocols that the rooms of the app hand to each other. No heavy imports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Subset(StrEnum):
    """Part of a data set a clip belongs to: shots are drawn from ``train``, figures come from ``test``."""

    TRAIN = "train"
    TEST = "test"


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

    ``borrowed``: the anchors are another data set's, filmed by other cameras in other places.
    """

    name: str
    base: tuple[str, ...]
    novel: tuple[str, ...]
    clips: tuple[LabelledClip, ...]
    anchors: tuple[AnchorClip, ...] = ()
    negatives: tuple[str, ...] = ()
    borrowed: bool = False


def with_anchors(dataset: Dataset, donor: Dataset) -> Dataset:
    """``dataset`` with the anchor clips and the negatives of ``donor`` where it has none of its own."""
    anchors, negatives = dataset.anchors or donor.anchors, dataset.negatives or donor.negatives
    return replace(dataset, anchors=anchors, negatives=negatives, borrowed=not dataset.anchors)


class LabelKind(StrEnum):
    """Where a label comes from: trained on by the bundle, typed by the user, or a negative prompt."""

    BASE = "base"
    NOVEL = "novel"
    NEGATIVE = "negative"


@dataclass(frozen=True)
class Score:
    """One label's share of a clip's softmax, between 0 and 1."""

    label: str
    score: float
    kind: LabelKind = LabelKind.NOVEL

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, as the command line and the endpoints answer."""
        return {"label": self.label, "score": self.score, "kind": self.kind.value}


@dataclass(frozen=True)
class FrameScore:
    """What one sampled frame alone looks like: its number in the clip and its best label."""

    index: int
    label: str
    score: float


@dataclass(frozen=True)
class RecognizedClip:
    """The answer for one clip. ``plain`` and ``bundle`` are best first; ``bundle`` is None without a bundle.

    ``thumbnails`` are the sampled frames, uint8 (H, W, 3), small; ``timeline`` has an entry for each of them
    and speaks for the bundle where there is one.
    """

    file: str
    error: str | None = None
    plain: tuple[Score, ...] = ()
    bundle: tuple[Score, ...] | None = None
    thumbnails: tuple[NDArray[np.uint8], ...] = ()
    timeline: tuple[FrameScore, ...] = ()


@dataclass(frozen=True)
class Recognition:
    """The answer for a request: the backbone that spoke, notes for the user, and one entry a clip."""

    backbone: str
    clips: tuple[RecognizedClip, ...]
    notes: tuple[str, ...] = ()


class ProposalKind(StrEnum):
    """What a proposed text is for: a negative prompt, or the caption of a clip that would make a good anchor."""

    NEGATIVE = "negative"
    CAPTION = "caption"


class RunState(StrEnum):
    """Where a run stands. ``stopping`` is a wish that the worker fulfils at its next step."""

    QUEUED = "queued"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    DONE = "done"
    FAILED = "failed"


class EventKind(StrEnum):
    """What a run tells while it goes on. See ``Event``."""

    PLAN = "plan"
    ZERO_SHOT = "zero_shot"
    STEP = "step"
    EPOCH = "epoch"
    LOG = "log"
    BUNDLE = "bundle"


@dataclass(frozen=True)
class Event:
    """One thing that happened at ``step`` (optimizer steps since the run began, kept across resumes).

    Values by kind: ``plan`` total_steps, steps_per_epoch, epochs · ``zero_shot`` and ``epoch`` base, novel, hm
    in percent (novel and hm are absent without novel clips), ``epoch`` also epoch · ``step`` ce, anchor,
    total, learning_rate, seconds_per_step · ``log`` text · ``bundle`` path.
    """

    kind: EventKind
    step: int
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RunRecord:
    """A row of the queue, as the screens show it. Times are seconds since the epoch."""

    id: int
    name: str
    owner: str
    state: RunState
    config: Mapping[str, Any]
    created_s: float
    started_s: float | None = None
    finished_s: float | None = None
    heartbeat_s: float | None = None
    pid: int | None = None
    exit_code: int | None = None
    error: str | None = None
    bundle: str | None = None
    attempts: int = 0


@dataclass(frozen=True)
class BundleCard:
    """What a list of bundles shows of one: folder and the facts of its manifest."""

    folder: str
    name: str
    backbone: str
    base: tuple[str, ...]
    novel: tuple[str, ...]
    metrics: Mapping[str, float]
    zero_shot: Mapping[str, float]
    origin: str


@dataclass(frozen=True)
class BackboneChoice:
    """A backbone that can be used without a download: what to load and how to call it in a list."""

    name: str
    title: str


class RecognizerService(Protocol):
    """What the screens need of the torch side. ``app.py`` passes the real one in."""

    def recognize(
        self,
        paths: Sequence[str],
        labels: Sequence[str],
        *,
        backbone: str,
        bundle: str | None = None,
        template: str | None = None,
        top_k: int = 5,
    ) -> Recognition:
        """Answer for each clip; one that cannot be read has its error set. Raises StudioError otherwise."""
        ...

    def warm(self, backbone: str) -> None:
        """Load what the first request would have to wait for."""
        ...
