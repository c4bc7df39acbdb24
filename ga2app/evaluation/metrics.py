"""Accuracies by group of labels, and means with their spread over runs.

What is so by construction is no figure: top-1 of one label, top-5 of five labels or fewer.

Notation: N clips, C class names.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ga2app.types import LEAST_LABELS, TOP5_LABELS, SampleSize, Spread, defined, harmonic_mean, spread


@dataclass(frozen=True)
class GroupAccuracy:
    """How the ``clips`` clips of one group of classes, ``labels``, were recognized among these labels.

    ``top5`` is None where there are five labels or fewer. ``per_class`` is the top-1 of each label that has clips, and
    ``mean_class`` the mean of these. ``confusion`` counts clips: a row for each true label, a column for each answer.
    """

    top1: float
    top5: float | None
    mean_class: float
    per_class: dict[str, float]
    clips: int
    labels: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]

    def accuracy_of(self, names: Collection[str]) -> float | None:
        """Top-1 over the clips of ``names`` alone, among all labels; None without such clips."""
        rows = [place for place, label in enumerate(self.labels) if label in names]
        clips = sum(sum(self.confusion[row]) for row in rows)
        return 100 * sum(self.confusion[row][row] for row in rows) / clips if clips else None

    @property
    def tested(self) -> SampleSize:
        """What the figures rest on."""
        return SampleSize(self.clips, len(self.labels))

    def figures(self) -> dict[str, float | None]:
        """``top1``, ``top5`` and ``mean_class``; None for what is so by construction."""
        alone = len(self.labels) < LEAST_LABELS
        return {
            "top1": None if alone else self.top1,
            "top5": self.top5,
            "mean_class": None if alone else self.mean_class,
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            **self.figures(),
            "clips": self.clips,
            "per_class": dict(self.per_class),
            "labels": list(self.labels),
            "confusion": [list(row) for row in self.confusion],
        }


@dataclass(frozen=True)
class Evaluation:
    """Base and novel accuracy; None where the data set has no test clips of that kind.

    A side with a single label has no figure, and there is then no HM: whatever the model, it would be 100%.

    ``joint`` is the accuracy over all clips with base and novel names competing together; None unless asked for.
    """

    base: GroupAccuracy | None
    novel: GroupAccuracy | None
    joint: GroupAccuracy | None = None

    def metrics(self) -> dict[str, float]:
        """``base``, ``novel`` and ``hm`` (top-1, percent), without those that are not defined or were not measured."""
        metrics = _with_mean(self.base.top1 if self.base else None, self.novel.top1 if self.novel else None)
        return defined(metrics, {side: one.labels for side, one in self.tested().items()})

    def tested(self) -> dict[str, SampleSize]:
        """What base and novel accuracy rest on, by side."""
        return {side: group.tested for side, group in (("base", self.base), ("novel", self.novel)) if group is not None}

    def jointly_tested(self) -> dict[str, SampleSize]:
        """The same where all names compete; empty without joint."""
        if self.joint is None:
            return {}
        return {side: SampleSize(one.clips, len(self.joint.labels)) for side, one in self.tested().items()}

    def joint_metrics(self) -> dict[str, float]:
        """``base``, ``novel`` and ``hm`` with all names competing, and ``all`` over all clips; empty without joint."""
        if self.joint is None:
            return {}
        base, novel = (
            self.joint.accuracy_of(group.labels) if group is not None else None for group in (self.base, self.novel)
        )
        return {**_with_mean(base, novel), "all": self.joint.top1}

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; a group that was not measured is left out."""
        groups = {"base": self.base, "novel": self.novel, "joint": self.joint}
        return {name: group.to_dict() for name, group in groups.items() if group is not None}


def group_accuracy(scores: Tensor, targets: Tensor, names: Sequence[str]) -> GroupAccuracy:
    """The accuracies of ``scores`` (N, C), higher is better, against the true classes ``targets`` (N,); N ≥ 1.

    Of equal scores the name that comes first wins. A score that is not a number makes its clip a wrong one.
    """
    own = scores.gather(1, targets[:, None])  # (N, 1)
    earlier = torch.arange(len(names)) < targets[:, None]  # (N, C)
    ahead = ~(scores <= own) | ((scores == own) & earlier)
    place = ahead.sum(dim=1)  # (N,): how many names come before the true one
    counts = torch.bincount(targets, minlength=len(names)).double()  # (C,)
    right = torch.bincount(targets[place == 0], minlength=len(names))
    per_class = {
        name: 100 * hits / clips
        for name, hits, clips in zip(names, right.tolist(), counts.tolist(), strict=True)
        if clips
    }
    pairs = targets * len(names) + scores.argmax(dim=1)
    confusion = torch.bincount(pairs, minlength=len(names) ** 2).reshape(len(names), -1)
    return GroupAccuracy(
        top1=100 * (place < 1).double().mean().item(),
        top5=100 * (place < 5).double().mean().item() if len(names) >= TOP5_LABELS else None,
        mean_class=sum(per_class.values()) / len(per_class),
        per_class=per_class,
        clips=len(targets),
        labels=tuple(names),
        confusion=tuple(tuple(row) for row in confusion.tolist()),
    )


def _with_mean(base: float | None, novel: float | None) -> dict[str, float]:
    metrics = {name: value for name, value in (("base", base), ("novel", novel)) if value is not None}
    if base is not None and novel is not None:
        metrics["hm"] = harmonic_mean(base, novel)
    return metrics


def spread_if_defined(figures: Sequence[float | None]) -> Spread | None:
    """The same; None where any of ``figures`` is not defined."""
    known = [figure for figure in figures if figure is not None]
    return spread(known) if known and len(known) == len(figures) else None
