"""What a protocol found: records of figures, their mean and standard deviation, as plain JSON. All in percent.

A figure that is so by construction (top-5 of five labels) is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ga2app.evaluation import Spread, spread_if_defined
from ga2app.types import Interval, SampleSize, intervals, to_counts, wilson


@dataclass(frozen=True)
class DrawFigures:
    """One measured draw: the ``name`` of its bundle's folder, its seed, its figures, and the details behind them.

    ``clips`` is the number of training clips, ``seen`` how many of the test clips it was trained on.
    """

    name: str
    seed: int
    shots: int
    clips: int
    figures: Mapping[str, float | None]
    details: Mapping[str, Any] = field(default_factory=dict)
    seen: int = 0

    def to_dict(self, details: bool) -> dict[str, Any]:
        """Plain JSON values."""
        values = {name: getattr(self, name) for name in ("name", "seed", "shots", "clips", "seen")}
        return {**values, "figures": dict(self.figures), **({"details": self.details} if details else {})}


@dataclass(frozen=True)
class Series:
    """The draws of one setting, ``title``, beside ``plain`` CLIP on the same test clips.

    ``shared`` are the test labels that were trained on, where a data set is tested that was not trained on. ``tested``
    is what the figures rest on, by side; where all labels compete it is that of base.
    """

    title: str
    plain: Mapping[str, float | None]
    draws: tuple[DrawFigures, ...]
    plain_details: Mapping[str, Any] = field(default_factory=dict)
    shared: tuple[str, ...] = ()
    tested: Mapping[str, SampleSize] = field(default_factory=dict)

    def spread(self) -> dict[str, Spread | None]:
        """Each figure's mean and deviation over the draws, None of one that is not defined.

        That of HM is over the draws' own HMs.
        """
        names = self.draws[0].figures
        return {name: spread_if_defined([draw.figures[name] for draw in self.draws]) for name in names}

    def intervals(self, figures: Mapping[str, float | None]) -> dict[str, Interval]:
        """The 95 % intervals of base, novel and HM, or of top-1, over the test clips."""
        known = {name: value for name, value in figures.items() if value is not None}
        if "top1" in known and "base" in self.tested:
            return {"top1": wilson(known["top1"], self.tested["base"].clips)}
        joint = {name.removeprefix("joint_"): value for name, value in known.items() if name.startswith("joint_")}
        jointly = {f"joint_{name}": value for name, value in intervals(joint, self.tested).items()}
        return intervals(known, self.tested) | jointly

    def to_dict(self, details: bool) -> dict[str, Any]:
        """Plain JSON values, with per-class figures and confusion matrices if ``details``."""
        spreads = self.spread()
        return {
            "title": self.title,
            "plain": dict(self.plain),
            **({"plain_details": self.plain_details} if details else {}),
            "draws": [
                {**draw.to_dict(details), "intervals": _listed(self.intervals(draw.figures))} for draw in self.draws
            ],
            "mean": {name: value and value.mean for name, value in spreads.items()},
            "std": {name: value and value.std for name, value in spreads.items()},
            "shared": list(self.shared),
            "tested": to_counts(self.tested),
            "plain_intervals": _listed(self.intervals(self.plain)),
        }


def _listed(found: Mapping[str, Interval]) -> dict[str, list[float]]:
    return {name: list(interval) for name, interval in found.items()}


@dataclass(frozen=True)
class Report:
    """A protocol's answer: what was done, and one series for each thing that was asked for."""

    protocol: str
    dataset: str
    views: str
    config: Mapping[str, Any]
    series: tuple[Series, ...]

    def to_dict(self, *, details: bool = True) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "protocol": self.protocol,
            "dataset": self.dataset,
            "views": self.views,
            "config": dict(self.config),
            "series": [one.to_dict(details) for one in self.series],
        }
