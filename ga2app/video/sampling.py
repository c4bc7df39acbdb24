"""Which frames of a clip are looked at: pure functions of the number of frames.

Notation: n frames in the clip, T frames wanted. Source: paper, section 4. A clip with n ≤ T repeats frames, in order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Evaluation:
    """T frames, the first of each of T equal segments: frame ⌊i·n/T⌋ for segment i."""

    num_frames: int

    def __post_init__(self) -> None:
        _check("num_frames", self.num_frames)

    def indices(self, total: int) -> tuple[int, ...]:
        """Frame numbers for a clip of ``total`` frames."""
        return tuple(i * total // self.num_frames for i in range(self.num_frames))


@dataclass(frozen=True)
class Training:
    """T frames, one at random in each of T equal segments; ``seed`` fixes the choice."""

    num_frames: int
    seed: int

    def __post_init__(self) -> None:
        _check("num_frames", self.num_frames)

    def indices(self, total: int) -> tuple[int, ...]:
        """Frame numbers for a clip of ``total`` frames."""
        rng = np.random.default_rng(self.seed)
        chosen = []
        for i in range(self.num_frames):
            first, after = i * total // self.num_frames, (i + 1) * total // self.num_frames
            chosen.append(int(rng.integers(first, max(after, first + 1))))
        return tuple(chosen)


@dataclass(frozen=True)
class Views:
    """Multi-view testing: ``views`` samples of T frames, one after the other, spread inside the segments.

    View j of J takes frame ⌊(i + j/J)·n/T⌋ of segment i; view 0 is the evaluation sampling.
    """

    num_frames: int
    views: int

    def __post_init__(self) -> None:
        _check("num_frames", self.num_frames)
        _check("views", self.views)

    def indices(self, total: int) -> tuple[int, ...]:
        """Frame numbers for a clip of ``total`` frames, T for each view."""
        parts = self.num_frames * self.views
        return tuple(
            (i * self.views + view) * total // parts for view in range(self.views) for i in range(self.num_frames)
        )


@dataclass(frozen=True)
class Every:
    """All frames, at most ``limit`` of them: the first ones."""

    limit: int

    def __post_init__(self) -> None:
        _check("limit", self.limit)

    def indices(self, total: int) -> tuple[int, ...]:
        """Frame numbers for a clip of ``total`` frames."""
        return tuple(range(min(total, self.limit)))


Sampling = Evaluation | Training | Views | Every


def _check(name: str, value: int) -> None:
    if value < 1:
        raise ValueError(f"{name} is {value}; it must be at least 1")
