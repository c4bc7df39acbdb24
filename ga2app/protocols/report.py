"""What a protocol found: records of figures, their mean and standard deviation, as plain JSON. All in percent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ga2app.evaluate import Spread, spread


@dataclass(frozen=True)
class DrawFigures:
    """One measured draw: the ``name`` of its bundle's folder, its seed, its figures, and the details behind them.

    ``clips`` is the number of training clips.
    """

    name: str
    seed: int
    shots: int
    clips: int
    figures: Mapping[str, float]
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Series:
    """The draws of one setting, ``title``, beside ``plain`` CLIP on the same test clips.

    ``shared`` are the test labels that were trained on, where a data set is tested that was not trained on.
    """

    title: str
    plain: Mapping[str, float]
    draws: tuple[DrawFigures, ...]
    plain_details: Mapping[str, Any] = field(default_factory=dict)
    shared: tuple[str, ...] = ()

    def spread(self) -> dict[str, Spread]:
        """Each figure's mean and deviation over the draws. That of HM is over the draws' own HMs."""
        names = self.draws[0].figures
        return {name: spread([draw.figures[name] for draw in self.draws]) for name in names}

    def to_dict(self, details: bool) -> dict[str, Any]:
        """Plain JSON values, with per-class figures and confusion matrices if ``details``."""
        draws = [
            {
                "name": draw.name,
                "seed": draw.seed,
                "shots": draw.shots,
                "clips": draw.clips,
                "figures": dict(draw.figures),
                **({"details": draw.details} if details else {}),
            }
            for draw in self.draws
        ]
        spreads = self.spread()
        return {
            "title": self.title,
            "plain": dict(self.plain),
            **({"plain_details": self.plain_details} if details else {}),
            "draws": draws,
            "mean": {name: value.mean for name, value in spreads.items()},
            "std": {name: value.std for name, value in spreads.items()},
            "shared": list(self.shared),
        }


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
