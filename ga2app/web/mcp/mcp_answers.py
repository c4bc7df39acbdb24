"""What the tools answer: plain records, whose docstrings an agent reads in the tools' output schemas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

DIGITS = 4
"""Places behind the point of a share; more would only cost an agent's attention."""


@dataclass(frozen=True)
class LabelScore:
    """A label and its share of the clip, from 0 to 1; the shares of all labels add up to 1.

    ``kind``: base where the bundle was trained on the label, novel where not, negative for "none of these".
    """

    label: str
    score: float
    kind: str


@dataclass(frozen=True)
class NoneVerdict:
    """Whether the clip shows none of the labels: ``none``.

    ``reached`` is what the best label has of the ``threshold`` asked for, both from 0 to 1. ``negative`` is the
    negative prompt nearest to the clip, ``negative_share`` its share.
    """

    none: bool
    reached: float
    threshold: float
    negative: str
    negative_share: float


@dataclass(frozen=True)
class BundleScores:
    """What one bundle says of a clip, the best label first; ``none_of_these`` is null unless it was asked for."""

    bundle: str
    scores: list[LabelScore]
    none_of_these: NoneVerdict | None


@dataclass(frozen=True)
class ClipScores:
    """The answer for one clip: ``file`` as it was given, and either why it could not be read or its labels.

    ``plain`` is what plain CLIP says, the best label first, ``bundles`` what each bundle says that was asked.
    ``none_of_these`` is plain CLIP's verdict, null unless it was asked for.
    """

    file: str
    error: str | None
    plain: list[LabelScore]
    bundles: list[BundleScores]
    none_of_these: NoneVerdict | None


@dataclass(frozen=True)
class Recognized:
    """What the clips show."""

    backbone: str
    notes: list[str]
    clips: list[ClipScores]


@dataclass(frozen=True)
class ListedBundle:
    """A bundle of the library: prompts that were trained for one backbone.

    ``bundle`` is the key by which recognize takes it, if it is ``usable`` here. ``base`` are the labels that it was
    trained on, ``novel`` those that it was tested on without. ``metrics`` has its accuracy in percent: base, novel, and
    their harmonic mean hm, null where one is not defined; ``zero_shot`` the same of plain CLIP. ``tested`` is how many
    test clips and labels they rest on, ``intervals`` their 95 % intervals, ``cautions`` why they say less than they
    seem to.
    """

    bundle: str
    name: str
    usable: bool
    backbone: str
    base: list[str]
    novel: list[str]
    metrics: dict[str, float | None]
    zero_shot: dict[str, float | None]
    tested: dict[str, dict[str, int]]
    intervals: dict[str, list[float]]
    cautions: list[str]


@dataclass(frozen=True)
class BundleList:
    """A page of the library."""

    bundles: list[ListedBundle]
    total: int


@dataclass(frozen=True)
class Queued:
    """A run that waits to be trained."""

    run: int
    warning: str | None


@dataclass(frozen=True)
class RunStatus:
    """Where a run stands; of its figures ``tested``, ``intervals`` and ``cautions`` say what they rest on."""

    run: int
    name: str
    state: str
    step: int
    total_steps: int | None
    metrics: dict[str, float | None] | None
    zero_shot: dict[str, float | None] | None
    tested: dict[str, dict[str, int]]
    intervals: dict[str, list[float]]
    cautions: list[str]
    adjusted: list[str]
    error: str | None
    bundle: str | None


def clip_scores(file: str, told: dict[str, Any]) -> ClipScores:
    """The answer for one clip out of the document of the endpoint ``/recognize``."""
    bundles = [
        BundleScores(one["bundle"], _scores(one["scores"]), _verdict(one["none_of_these"])) for one in told["bundles"]
    ]
    return ClipScores(file, told["error"], _scores(told["plain"]), bundles, _verdict(told["none_of_these"]))


def unread(file: str, error: str) -> ClipScores:
    """The answer for a clip that there was nothing to read of."""
    return ClipScores(file, error, [], [], None)


def _scores(told: list[dict[str, Any]]) -> list[LabelScore]:
    return [LabelScore(one["label"], round(one["score"], DIGITS), one["kind"]) for one in told]


def _verdict(told: dict[str, Any] | None) -> NoneVerdict | None:
    if told is None:
        return None
    return NoneVerdict(
        told["none"],
        round(told["reached"], DIGITS),
        told["threshold"],
        told["negative"],
        round(told["negative_share"], DIGITS),
    )
