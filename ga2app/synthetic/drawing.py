"""What an action or a scene draws at one phase, and the small curves that actions are made of."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from ga2app.synthetic.figure import Pose, Reach, Shape


@dataclass(frozen=True)
class Drawing:
    """One moment: a pose (None where there is no person), shapes behind and in front of it, and what is underfoot.

    ``ground`` is "land" (the look's place), "water" (waves instead of ground) or "sky" (no ground at all).
    """

    pose: Pose | None
    behind: tuple[Shape, ...] = ()
    front: tuple[Shape, ...] = ()
    ground: str = "land"


Draw = Callable[[float], Drawing]


@dataclass(frozen=True)
class Subject:
    """Something that can be drawn: ``key`` for code, ``name`` for labels, ``draw`` from a phase in [0, 1)."""

    key: str
    name: str
    draw: Draw
    person: bool = True


class Registry:
    """Subjects by key, in the order in which they were declared."""

    def __init__(self, person: bool) -> None:
        self._person = person
        self.subjects: dict[str, Subject] = {}

    def add(self, name: str) -> Callable[[Draw], Draw]:
        """Declare a drawing function as the subject ``name``; its key is the name with underscores."""

        def register(draw: Draw) -> Draw:
            key = name.replace(" ", "_")
            self.subjects[key] = Subject(key, name, draw, self._person)
            return draw

        return register


def wave(phase: float, offset: float = 0.0) -> float:
    """A sine from -1 to 1, once a phase."""
    return math.sin(2 * math.pi * (phase + offset))


def rise(phase: float) -> float:
    """From 0 up to 1 at phase one half and back, smoothly."""
    return (1 - math.cos(2 * math.pi * phase)) / 2


def swing(phase: float, hold: float = 0.25) -> float:
    """A blow: slowly from 0 to 1 over most of the phase, then quickly back; ``hold`` is the quick part's share."""
    slow = 1 - hold
    share = phase / slow if phase < slow else 1 - (phase - slow) / hold
    return share * share * (3 - 2 * share)


def mix(start: float, end: float, share: float) -> float:
    """The value ``share`` of the way from ``start`` to ``end``."""
    return start + (end - start) * share


def arm(x: float, y: float) -> Reach:
    """An arm that reaches (x, y), the elbow pointing down and back."""
    return Reach(x, y, -1)


def leg(x: float, y: float) -> Reach:
    """A leg that reaches (x, y), the knee pointing forward."""
    return Reach(x, y, 1)
