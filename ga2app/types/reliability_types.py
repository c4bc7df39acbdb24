"""Whether percentages can be believed: how far they are from how often answers are right, and how well a clip that
shows none of the labels is told from one that does. Figures are percent, thresholds between 0 and 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

BINS = 15

LEAST_CLIPS = 10
"""A temperature that is fitted on fewer clips says more about these than about the model; so does a choice."""

RULES = {
    "ECE": (
        f"Expected calibration error: the clips in {BINS} bins by the percentage of their first answer, (a, b] each, "
        "so that 100% is in the last; how far mean percentage and share of right answers are apart in a bin, averaged "
        "over the bins by their clips. 0 is best."
    ),
    "AUROC": (
        "How often a clip that shows one of the labels scores higher than one that shows none, over all pairs, ties "
        "counting half: 50% is chance, 100% is best."
    ),
    "FPR95": (
        "The share of clips of none of the labels that are let in where the threshold keeps 95% of the clips that "
        "show one: 0 is best. Some libraries report the opposite, the share of known clips flagged where 95% of the "
        "unknown ones are found."
    ),
    "temperature": (
        "The logits are divided by this one number before they become percentages: above 1 it makes answers less "
        "sure, below 1 surer. It changes no answer and no order. It is the one with the least cross-entropy on clips "
        "that training did not use."
    ),
}
"""What each figure is, in words, wherever it is shown."""

KNOWN_KEPT = 0.95
"""Share of the known clips that a threshold chosen from data keeps."""

SCORES = {
    "best": "best label's percentage",
    "against": "best label against nearest negative",
}
"""What is compared with the threshold; the latter is Recognize's *Reject below a threshold*."""
UNKNOWN = {"anchors": "anchor clips", "novel": "clips of novel labels"}
"""Clips that show none of the base labels."""

LEAST_TEMPERATURE, MOST_TEMPERATURE = 0.05, 20.0
MOST_TEXT = 500


@dataclass(frozen=True)
class Calibration:
    """How sure a model is of its first answers on ``clips`` clips, and how often these are right.

    ``bins`` are (clips, mean percentage, share of right answers) of each of the 15 bins, three zeros of an empty one.
    """

    clips: int
    ece: float
    confidence: float
    accuracy: float
    bins: tuple[tuple[int, float, float], ...]


@dataclass(frozen=True)
class Rejection:
    """How well ``score`` tells ``known_clips`` clips of base labels from ``unknown_clips`` that show none of them.

    ``threshold`` keeps 95% of the known ones.
    """

    unknown: str
    score: str
    auroc: float
    fpr95: float
    threshold: float
    known_clips: int
    unknown_clips: int


@dataclass(frozen=True)
class Temperature:
    """What a bundle's percentages are made with, ``value``, and the clips that it was ``fitted`` on, in words.

    ``threshold`` is what the best label has to reach against the nearest negative prompt, chosen from data as
    ``chosen`` says; None where the run had no negative prompts. ``value`` is None where no temperature could be fitted;
    then ``fitted`` says why. ``on_test_clips`` says that it was fitted on test clips of base labels.
    """

    value: float | None = None
    fitted: str = ""
    threshold: float | None = None
    chosen: str = ""
    on_test_clips: bool = False

    @property
    def used(self) -> float:
        """What the logits are divided by."""
        return 1.0 if self.value is None else self.value

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, without what is not known."""
        return {name: value for name, value in asdict(self).items() if value not in (None, "", False)}


@dataclass(frozen=True)
class Confidence:
    """One model's figures: each group's calibration ``before`` and ``after`` its temperature, and open-set rejection.

    ``after`` is empty without a temperature; ``notes`` say what could not be measured, and why.
    """

    before: Mapping[str, Calibration] = field(default_factory=dict)
    after: Mapping[str, Calibration] = field(default_factory=dict)
    temperature: Temperature = field(default_factory=Temperature)
    rejection: tuple[Rejection, ...] = ()
    notes: tuple[str, ...] = ()

    def figures(self) -> dict[str, float]:
        """Each figure by a name of its own, as benchmarks keep them: ``ece_novel``, ``ece_novel_after``, …"""
        found = {f"ece_{group}": one.ece for group, one in self.before.items()}
        found |= {f"ece_{group}_after": one.ece for group, one in self.after.items()}
        if self.temperature.value is not None:
            found["temperature"] = self.temperature.value
        for one in self.rejection:
            found |= {f"auroc_{one.unknown}_{one.score}": one.auroc, f"fpr95_{one.unknown}_{one.score}": one.fpr95}
        return found

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "temperature": self.temperature.to_dict()}


def read_temperature(data: Mapping[str, Any]) -> Temperature:
    """What ``Temperature.to_dict`` wrote; nothing in it in bundles of before. Raises ValueError for anything else."""
    try:
        found = Temperature(**data)
    except TypeError as exc:
        raise ValueError("it holds something else than a temperature and a threshold") from exc
    if not all(isinstance(text, str) and len(text) <= MOST_TEXT for text in (found.fitted, found.chosen)):
        raise ValueError("fitted and chosen must be short texts")
    if not isinstance(found.on_test_clips, bool):
        raise ValueError("on_test_clips must be true or false")
    if found.value is not None and not _between(found.value, LEAST_TEMPERATURE, MOST_TEMPERATURE):
        raise ValueError(f"the temperature must be a number from {LEAST_TEMPERATURE} to {MOST_TEMPERATURE:g}")
    if found.threshold is not None and not _between(found.threshold, 0, 1):
        raise ValueError("the threshold must be a number from 0 to 1")
    return found


def read_confidence(data: Mapping[str, Any] | None) -> Confidence:
    """What ``Confidence.to_dict`` wrote; without figures for a report of before."""
    if not data:
        return Confidence()

    def calibrations(name: str) -> dict[str, Calibration]:
        return {
            group: Calibration(**{**one, "bins": tuple((int(n), float(p), float(r)) for n, p, r in one["bins"])})
            for group, one in data[name].items()
        }

    return Confidence(
        calibrations("before"),
        calibrations("after"),
        read_temperature(data["temperature"]),
        tuple(Rejection(**one) for one in data["rejection"]),
        tuple(map(str, data["notes"])),
    )


def _between(value: object, low: float, high: float) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return math.isfinite(value) and low <= value <= high
