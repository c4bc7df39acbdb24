"""Which frames of a clip are looked at: pure functions of the number of frames.

Notation: n frames in the clip, T frames wanted. Source: paper, section 4. A clip with n ≤ T repeats frames, in order.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from ga2app.errors import ClipError, ConfigError, Fault
from ga2app.stretches import Stretch, seconds

if TYPE_CHECKING:
    from ga2app.video.video_clip import Pace

MOST_VIEWS = 32
"""Temporal views of a clip, at most: beyond that a clip's frames fill the memory."""


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
class MultiView:
    """What a test looks at of each clip: ``clips`` temporal views, ``crops`` spatial crops of each (1 or 3).

    The default is the single view of evaluation sampling and the center crop.
    """

    clips: int = 1
    crops: int = 1

    def __post_init__(self) -> None:
        faults = []
        if not 1 <= self.clips <= MOST_VIEWS:
            faults.append(Fault("views", f"clips must be between 1 and {MOST_VIEWS} (it is {self.clips})"))
        if self.crops not in (1, 3):
            rule = "must be 1, the center, or 3: left, center, right, or top, center, bottom"
            faults.append(Fault("views", f"crops {rule} (it is {self.crops})"))
        if faults:
            raise ConfigError(faults)

    @property
    def count(self) -> int:
        """W, the number of views of a clip."""
        return self.clips * self.crops

    @classmethod
    def parse(cls, text: str) -> MultiView:
        """The views that ``text`` names, such as 4x3: clips x crops; raises ConfigError."""
        found = re.fullmatch(r"\s*(\d{1,4})\s*[x×*]\s*(\d{1,4})\s*", text.lower())
        if found is None:
            raise ConfigError([Fault("views", f"must look like 4x3, clips x crops (it is '{text}')")])
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.clips}x{self.crops}"


@dataclass(frozen=True)
class Every:
    """All frames, at most ``limit`` of them: the first ones."""

    limit: int

    def __post_init__(self) -> None:
        _check("limit", self.limit)

    def indices(self, total: int) -> tuple[int, ...]:
        """Frame numbers for a clip of ``total`` frames."""
        return tuple(range(min(total, self.limit)))


@dataclass(frozen=True)
class Together:
    """What several samplings of one clip choose, read at once: those of all epochs of a run, which are known before.

    ``parts[0]`` is what is wanted now; of the others as many follow as fit into ``most`` frames. Where half of a clip
    is wanted all of it is taken, so that another seed finds its frames, too.
    """

    parts: tuple[Evaluation | Training | Views, ...]
    most: int

    def indices(self, total: int) -> tuple[int, ...]:
        """Frame numbers for a clip of ``total`` frames, ascending, each once."""
        numbers: set[int] = set()
        for part in self.parts:
            more = numbers.union(part.indices(total))
            if numbers and len(more) > self.most:
                break
            numbers = more
        return tuple(range(total)) if 2 * len(numbers) >= total <= self.most else tuple(sorted(numbers))


@dataclass(frozen=True)
class Part:
    """What ``sampling`` chooses of ``count`` frames from number ``first`` on; ``start_s`` is when the first is shown,
    on the file's clock."""

    sampling: Sampling
    first: int
    count: int
    start_s: float = 0.0

    def indices(self, total: int) -> tuple[int, ...]:
        """Frame numbers in the whole clip, whatever its ``total``."""
        return tuple(self.first + number for number in self.sampling.indices(self.count))


@dataclass(frozen=True)
class Exactly:
    """The frames of these ``numbers``."""

    numbers: tuple[int, ...]

    def indices(self, total: int) -> tuple[int, ...]:
        """Frame numbers in the whole clip, whatever its ``total``."""
        return self.numbers


Sampling = Evaluation | Training | Views | Every | Together | Part | Exactly


@dataclass(frozen=True)
class Within:
    """What ``sampling`` chooses of the frames of a ``stretch``, which are known when the frames' times are."""

    sampling: Sampling
    stretch: Stretch

    def located(self, starts_s: Sequence[float] | None, name: str) -> Part:
        """Which frames these are, of a clip called ``name`` whose frames are shown at ``starts_s`` on the file's clock.

        A frame belongs to the stretch when its time, give or take half a frame, lies in it: seconds are written down
        rounded. One that is too short to have a frame is its nearest one. Raises ClipError for one that lies outside.
        """
        if starts_s is None:
            reason = "it does not tell when its frames are shown, so that no stretch of it can be found"
            raise ClipError(name, reason, "use the whole file, or store it anew as mp4")
        start_s, end_s = self.stretch.start_s, self.stretch.end_s
        gaps = [after - before for before, after in pairwise(starts_s)]
        half = median(gaps) / 2 if gaps else 0.0
        # A frame lies before a time that is more than half a frame after it; slow frames are no reason to take more.
        turns = [start + min(half, gap / 2) for start, gap in zip(starts_s, [*gaps, 2 * half], strict=True)]
        first, after = bisect_left(turns, start_s), bisect_left(turns, end_s)
        if first == len(starts_s) or end_s <= starts_s[0] - half:
            shown = f"its frames are shown from {seconds(starts_s[0])} s to {seconds(starts_s[-1])} s"
            raise ClipError(name, f"the stretch {self.stretch} lies outside: {shown}", "correct its start and end")
        return Part(self.sampling, first, max(1, after - first), starts_s[first])


@dataclass(frozen=True)
class Several:
    """What is wanted of several stretches of one file, which is opened once for all of them."""

    parts: tuple[Within, ...]


@dataclass(frozen=True)
class Marked:
    """When frames of a file are shown, and what is wanted of stretches of it, both of which only its clock tells.

    ``find`` gives the numbers of these frames, all below the clip's own, and the stretches; it goes to the decoder's
    process, by pickle.
    """

    find: Callable[[Pace], tuple[tuple[int, ...], tuple[Within, ...]]]


Wanted = Sampling | Within | Several | Marked


def policy_of(sampling: Sampling) -> int:
    """Frames a clip that ``sampling`` takes in one look: what says how the clip is read, whatever is drawn."""
    if isinstance(sampling, Part):
        return policy_of(sampling.sampling)
    if isinstance(sampling, Exactly):
        return len(sampling.numbers)
    if isinstance(sampling, Together):
        return policy_of(sampling.parts[0])
    if isinstance(sampling, Every):
        return sampling.limit
    return sampling.num_frames * (sampling.views if isinstance(sampling, Views) else 1)


def typical_indices(sampling: Sampling, total: int) -> tuple[int, ...]:
    """Frame numbers by which it is decided how a clip of ``total`` frames is read: by seeking, or from its start.

    The two decoders round colors a little differently. So the choice may hang on the policy alone and not on what a
    seed draws: a frame is the same to the bit in each epoch, and whether it was read by itself or with others.
    """
    fixed = isinstance(sampling, Every)
    return sampling.indices(total) if fixed else Evaluation(policy_of(sampling)).indices(total)


def _check(name: str, value: int) -> None:
    if value < 1:
        raise ValueError(f"{name} is {value}; it must be at least 1")
