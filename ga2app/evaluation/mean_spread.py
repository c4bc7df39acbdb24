"""Mean and deviation of a figure that was measured several times: over draws, over seeds."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation (n - 1); ``std`` is None of a single figure."""

    mean: float
    std: float | None

    def __str__(self) -> str:
        return f"{self.mean:.1f}" if self.std is None else f"{self.mean:.1f} ± {self.std:.1f}"


def spread(figures: Sequence[float]) -> Spread:
    """Mean and standard deviation of ``figures``, of which there is at least one."""
    return Spread(statistics.fmean(figures), statistics.stdev(figures) if len(figures) > 1 else None)


def spread_if_defined(figures: Sequence[float | None]) -> Spread | None:
    """The same; None where any of ``figures`` is not defined."""
    known = [figure for figure in figures if figure is not None]
    return spread(known) if known and len(known) == len(figures) else None
