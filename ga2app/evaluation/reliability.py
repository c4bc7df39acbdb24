"""Measures of whether a percentage can be believed: calibration, one temperature, and open-set rejection.

The rules are in words in ``ga2app.types.reliability_types.RULES``: calibration error and temperature after Guo et al.
(On Calibration of Modern Neural Networks, 2017), FPR95 as papers on CLIP and open sets report it.

Notation: N clips, A clips of none of the labels, C class names.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from ga2app.errors import DatasetError
from ga2app.types import Calibration, Rejection
from ga2app.types.reliability_types import BINS, KNOWN_KEPT, LEAST_TEMPERATURE, MOST_TEMPERATURE, UNKNOWN

MOST_HELD_OUT, MOST_ANCHORS = 256, 64
"""Training clips left over by the shots, and anchor clips, that are looked at: enough for one number."""
_SEARCHED = 60
"""Steps of the search, each to 0.62 of the range before: far below what a percentage shows."""


class Labelled(NamedTuple):
    """Logits (N, C) of clips, and the places (N,) of their true labels."""

    logits: Tensor
    targets: Tensor


def calibration(logits: Tensor, targets: Tensor, temperature: Tensor | float = 1.0) -> Calibration:
    """The calibration of ``logits`` (N, C), N ≥ 1, against ``targets`` (N,), divided by a ``temperature``, or (N,).

    Raises DatasetError for logits that are no numbers.
    """
    _check_numbers(logits)
    scale = torch.as_tensor(temperature, dtype=torch.double, device=logits.device).reshape(-1, 1)
    best, answers = (logits.double() / scale).softmax(dim=-1).max(dim=-1)
    best, right = best.clamp(max=1.0), (logits.argmax(dim=-1) == targets).double()
    # A percentage on an edge belongs to the bin below it: (a, b]. In double, or 1/15 would lie beside its own edge.
    place = torch.bucketize(best, torch.arange(1, BINS, dtype=torch.double, device=best.device) / BINS)
    count = torch.bincount(place, minlength=BINS)
    sums = [torch.bincount(place, weights=values, minlength=BINS) for values in (best, right)]
    means = [(100 * total / count.clamp(min=1)).tolist() for total in sums]
    apart = float((sums[0] - sums[1]).abs().sum() / len(targets))
    return Calibration(
        clips=len(targets),
        ece=100 * apart,
        confidence=100 * float(best.mean()),
        accuracy=100 * float(right.mean()),
        bins=tuple(zip(count.tolist(), *means, strict=True)),
    )


def fit_temperature(*slices: Labelled) -> float:
    """The temperature with the least cross-entropy over all clips of ``slices``, which may differ in their labels.

    The cross-entropy is convex in 1/T, so that a golden-section search over log T finds its one minimum; and unlike
    scikit-learn's, it needs no clip of each label. Raises DatasetError where there is no such temperature.
    """
    given = [Labelled(one.logits.double(), one.targets) for one in slices if len(one.targets)]
    clips = sum(len(one.targets) for one in given)
    for one in given:
        _check_numbers(one.logits)
    if not clips:
        raise DatasetError("there are no clips to fit a temperature on")
    if all(bool((one.logits == one.logits[:, :1]).all()) for one in given):
        raise DatasetError("all labels score alike, so that every temperature gives the same percentages")
    if all(bool((one.logits.argmax(dim=-1) == one.targets).all()) for one in given):
        raise DatasetError(f"all {clips} clips are right, so that there is no telling how sure is too sure")

    def loss(log_t: float) -> float:
        return sum(
            float(functional.cross_entropy(one.logits / math.exp(log_t), one.targets, reduction="sum")) for one in given
        )

    low, high, golden = math.log(LEAST_TEMPERATURE), math.log(MOST_TEMPERATURE), (math.sqrt(5) - 1) / 2
    left, right = high - golden * (high - low), low + golden * (high - low)
    of_left, of_right = loss(left), loss(right)
    for _ in range(_SEARCHED):
        if of_left <= of_right:
            high, right, of_right = right, left, of_left
            left = high - golden * (high - low)
            of_left = loss(left)
        else:
            low, left, of_left = left, right, of_right
            right = low + golden * (high - low)
            of_right = loss(right)
    return math.exp((low + high) / 2)


def auroc(known: Tensor, unknown: Tensor) -> float:
    """How often one of ``known`` (N,) scores higher than one of ``unknown`` (A,), in percent; ties count half."""
    order = unknown.sort().values
    below, upto = (torch.searchsorted(order, known, right=right).double() for right in (False, True))
    return 100 * float((below + upto).sum() / 2 / (len(known) * len(unknown)))


def threshold_of(known: Tensor) -> float:
    """The highest threshold that 95% of ``known`` (N,) reach."""
    return float(known.sort().values[math.floor((1 - KNOWN_KEPT) * len(known) + 1e-9)])


def rejection(unknown: str, score: str, known: Tensor, others: Tensor) -> Rejection:
    """How well scores tell the ``known`` clips (N,) from ``others`` (A,); raises DatasetError where they cannot."""
    for scores in (known, others):
        _check_numbers(scores)
    if not len(known) or not len(others):
        lacks = "test clips of base labels" if not len(known) else UNKNOWN[unknown]
        raise DatasetError(f"there are no {lacks} to measure open-set rejection with")
    threshold = threshold_of(known)
    let_in = 100 * float((others >= threshold).double().mean())
    return Rejection(unknown, score, auroc(known, others), let_in, threshold, len(known), len(others))


def _check_numbers(values: Tensor) -> None:
    if not bool(values.isfinite().all()):
        raise DatasetError(
            "some scores are not numbers: the training diverged, or a file is damaged; train again with a lower "
            "learning rate, or get a fresh copy"
        )
