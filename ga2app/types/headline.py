"""Headline figures, base, novel and HM, in percent, with what they rest on; and what a run really used.

An accuracy over n test clips gets Wilson's score interval (Wilson, 1927), which holds for few clips and near 0 and
100, too (Brown, Cai and DasGupta, 2001). HM gets the delta method on these limits (MOVER: Zou and Donner, 2008). Both
tell how much chance there is in the choice of test clips; that of shots and seeds comes on top.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from ga2app.errors import counted

SIDES = ("base", "novel")
FIGURES = ("base", "novel", "hm")

LEAST_LABELS = 2
"""With one label there is nothing to tell apart: every answer is right, whatever the model."""
FEW_LABELS = 5
"""With fewer labels chance alone gives more than a fifth, and a figure says little about other labels."""
FEW_CLIPS = 30
"""With fewer test clips one clip is more than 3 points."""

_Z975 = 1.959964
_MOST = 10**9


@dataclass(frozen=True)
class SampleSize:
    """What an accuracy rests on: the number of test ``clips``, and of ``labels`` that they were told apart among."""

    clips: int
    labels: int


class Interval(NamedTuple):
    """A 95% interval in percent."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:.0f}–{self.high:.0f}"


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation (n - 1) of a figure over runs; ``std`` is None of a single one."""

    mean: float
    std: float | None

    def __str__(self) -> str:
        return f"{self.mean:.1f}" if self.std is None else f"{self.mean:.1f} ± {self.std:.1f}"


def spread(figures: Sequence[float]) -> Spread:
    """Mean and standard deviation of ``figures``, of which there is at least one."""
    return Spread(statistics.fmean(figures), statistics.stdev(figures) if len(figures) > 1 else None)


def harmonic_mean(base: float, novel: float) -> float:
    """2bn / (b + n), and 0 where both are 0."""
    return 2 * base * novel / (base + novel) if base + novel else 0.0


def wilson(percent: float, clips: int) -> Interval:
    """The 95% score interval of an accuracy of ``percent`` over ``clips`` ≥ 1 test clips."""
    rate, square = percent / 100, _Z975**2
    center = (rate + square / (2 * clips)) / (1 + square / clips)
    half = _Z975 * math.sqrt(rate * (1 - rate) / clips + square / (4 * clips**2)) / (1 + square / clips)
    return Interval(100 * max(0.0, center - half), 100 * min(1.0, center + half))


def harmonic_interval(base: float, novel: float, base_clips: int, novel_clips: int) -> Interval:
    """The 95% interval of HM, where ``base`` and ``novel`` are accuracies over so many clips of their own."""
    of_base, of_novel = wilson(base, base_clips), wilson(novel, novel_clips)
    mean, total = harmonic_mean(base, novel), base + novel
    lowest, highest = (harmonic_mean(*pair) for pair in zip(of_base, of_novel, strict=True))
    if not total:
        return Interval(lowest, highest)
    by_base, by_novel = 2 * (novel / total) ** 2, 2 * (base / total) ** 2  # the derivatives of HM
    low = mean - math.hypot(by_base * (base - of_base.low), by_novel * (novel - of_novel.low))
    high = mean + math.hypot(by_base * (of_base.high - base), by_novel * (of_novel.high - novel))
    return Interval(max(low, lowest), min(high, highest))


def defined(metrics: Mapping[str, float], labels: Mapping[str, int]) -> dict[str, float]:
    """``metrics`` without what is 100% by construction: a side with one label, and an HM that such a side enters.

    ``labels`` are the numbers of labels by side; a side of which none are known is taken as it is.
    """
    alone = {side for side in SIDES if 0 < labels.get(side, 0) < LEAST_LABELS}
    if alone:
        alone.add("hm")
    return {name: value for name, value in metrics.items() if name not in alone}


def with_nulls(metrics: Mapping[str, float]) -> dict[str, float | None]:
    """``metrics`` with base, novel and hm in any case: None where they are not defined or were not measured."""
    return {**dict.fromkeys(FIGURES), **metrics}


def intervals(metrics: Mapping[str, float], tested: Mapping[str, SampleSize]) -> dict[str, Interval]:
    """The 95% interval of each of base, novel and hm in ``metrics`` whose number of test clips is known."""
    clips = {side: tested[side].clips for side in SIDES if side in tested and tested[side].clips > 0}
    sane = {side for side in SIDES if 0 <= metrics.get(side, -1) <= 100}  # a manifest may come from anybody
    found = {side: wilson(metrics[side], clips[side]) for side in SIDES if side in sane and side in clips}
    if "hm" in metrics and len(found) == len(SIDES):
        found["hm"] = harmonic_interval(metrics["base"], metrics["novel"], clips["base"], clips["novel"])
    return found


def figure_text(name: str, metrics: Mapping[str, float], tested: Mapping[str, SampleSize]) -> str:
    """A figure with its interval, "87.5 (78–93)"; a dash where there is none."""
    if metrics.get(name) is None:
        return "–"
    interval = intervals(metrics, tested).get(name)
    return f"{metrics[name]:.1f}" + (f" ({interval})" if interval else "")


def rests_on(tested: Mapping[str, SampleSize]) -> str:
    """What the figures of ``figure_text`` rest on, as a sentence; empty where it is not known."""
    parts = [counted(tested[side].clips, f"{side} test clip") for side in SIDES if side in tested]
    return f"In parentheses: 95% interval, over {' and '.join(parts)}." if parts else ""


def cautions(tested: Mapping[str, SampleSize]) -> list[str]:
    """Why figures over ``tested`` say less than they seem to: one label, few labels, few test clips."""
    said = []
    for side in SIDES:
        if side not in tested:
            continue
        clips, labels = tested[side].clips, tested[side].labels
        if labels < LEAST_LABELS:
            said.append(
                f"There is only 1 {side} label: with one there is nothing to tell apart, every answer is right. So "
                f"{side} accuracy and HM are not given; add a second {side} label."
            )
            continue
        if labels < FEW_LABELS:
            said.append(
                f"There are only {labels} {side} labels: guessing alone is right in {100 / labels:.0f}% of the clips, "
                f"and the figure says little about other labels. {FEW_LABELS} or more tell more."
            )
        if clips < FEW_CLIPS:
            said.append(
                f"There {'is' if clips == 1 else 'are'} only {counted(clips, f'{side} test clip')}: one clip more or "
                f"less is {100 / max(clips, 1):.0f} points."
            )
    return said


def to_counts(tested: Mapping[str, SampleSize]) -> dict[str, dict[str, int]]:
    """``tested`` as plain JSON."""
    return {side: asdict(one) for side, one in tested.items()}


def read_tested(data: Any) -> dict[str, SampleSize]:
    """What ``to_counts`` wrote; what is of another form is left out, as in records of before."""
    if not isinstance(data, Mapping):
        return {}
    return {
        side: SampleSize(one["clips"], one["labels"])
        for side in SIDES
        if isinstance(one := data.get(side), Mapping) and all(_count(one.get(key)) for key in ("clips", "labels"))
    }


def as_document(metrics: Mapping[str, float], tested: Mapping[str, SampleSize]) -> dict[str, Sequence[float]]:
    """The intervals of ``metrics`` as plain JSON: two numbers by figure."""
    return {name: list(interval) for name, interval in intervals(metrics, tested).items()}


def _count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= _MOST


@dataclass(frozen=True)
class Adjustment:
    """A setting, by its dotted path, that could not be used as ``asked``: what was ``used`` instead, and why."""

    setting: str
    asked: Any
    used: Any
    reason: str


@dataclass(frozen=True)
class Conditions:
    """What a run used and was tested on.

    ``data`` identifies its clips, their labels and their split. ``clips`` is the number of training clips in all,
    ``least`` and ``most`` are those of a base label. ``anchors`` and ``negatives`` say in words how many there were
    and where they came from: the data set itself, a set that was chosen, or borrowed from another data set. All of it
    is empty in records of before.
    """

    data: str = ""
    tested: Mapping[str, SampleSize] = field(default_factory=dict)
    clips: int = 0
    least: int = 0
    most: int = 0
    anchors: str = ""
    negatives: str = ""
    adjustments: tuple[Adjustment, ...] = ()

    def shots_text(self, shots: int) -> str:
        """``shots``, with the clips a label that there really were: "16 shots (6 clips a label)"."""
        asked = "1 shot" if shots == 1 else f"{shots} shots"
        if not self.most or self.least == self.most == shots:
            return asked
        real = str(self.most) if self.least == self.most else f"{self.least} to {self.most}"
        return f"{asked} ({real} clip{'' if real == '1' else 's'} a label)"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self) | {"adjustments": [dict(vars(one)) for one in self.adjustments]}


def read_conditions(data: Any) -> Conditions:
    """What ``to_dict`` wrote. What is missing, or of another kind, is as in records of before: empty."""
    if not isinstance(data, Mapping):
        return Conditions()
    texts = {name: data[name] for name in ("data", "anchors", "negatives") if isinstance(data.get(name), str)}
    counts = {name: data[name] for name in ("clips", "least", "most") if type(data.get(name)) is int}
    listed = data.get("adjustments")
    told = [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list | tuple) else []
    adjustments = tuple(
        Adjustment(str(one.get("setting", "")), one.get("asked"), one.get("used"), str(one.get("reason", "")))
        for one in told
    )
    return Conditions(**texts, **counts, tested=read_tested(data.get("tested")), adjustments=adjustments)
