"""Differences of two methods on the same seeds, with Student's t interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# Student's t at 97.5% for 1, 2, … 30 degrees of freedom; beyond that the normal quantile is within 0.08 of it.
_T975 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip
_NORMAL975 = 1.960


@dataclass(frozen=True)
class Difference:
    """Mean of paired differences with its 95% confidence interval; no interval from a single pair."""

    mean: float
    low: float | None
    high: float | None

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high

    def __str__(self) -> str:
        if self.low is None or self.high is None:
            return f"{self.mean:+.1f}"
        return f"{self.mean:+.1f} [{self.low:+.1f}, {self.high:+.1f}]"


def paired_difference(figures: Sequence[float], others: Sequence[float]) -> Difference:
    """``figures`` less ``others``, pair by pair (the same seed), with Student's t interval.

    Raises ValueError when the two are not of one length.
    """
    differences = [one - other for one, other in zip(figures, others, strict=True)]
    mean, count = float(np.mean(differences)), len(differences)
    if count < 2:
        return Difference(mean, None, None)
    quantile = _T975[count - 2] if count - 1 <= len(_T975) else _NORMAL975
    half = quantile * float(np.std(differences, ddof=1)) / math.sqrt(count)
    return Difference(mean, mean - half, mean + half)
