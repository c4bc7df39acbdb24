"""Stick figures and things as shapes, and a subject that draws them at a moment.

World units: a standing figure is about one unit tall, x points where the figure looks, y points up, the ground is
y = 0. Angles are degrees. A limb's angle is absolute: 0 hangs straight down, 90 points forward, 180 points up. A
torso's lean is 0 when upright and positive when bent forward.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Point = tuple[float, float]
Color = str | tuple[int, int, int]

THIGH = SHIN = 0.24
TORSO = 0.30
UPPER_ARM = FOREARM = 0.165
NECK = 0.035
HEAD_RADIUS = 0.085
FOOT = 0.07
LIMB_WIDTH = 0.055
STANDING_HIP = THIGH + SHIN


@dataclass(frozen=True)
class Shape:
    """One drawn thing in world units. ``color`` is a role that a ``Look`` resolves ("figure", "prop", "line") or RGB.

    ``kind`` is "line" (a polyline with round joints), "polygon" (filled), "disc" (filled; the points are its center)
    or "ring" (an ellipse's outline; the points are its center, ``radius`` and ``radius_y`` its half axes).
    """

    kind: str
    points: tuple[Point, ...]
    color: Color
    width: float = 0.03
    radius: float = 0.0
    radius_y: float = 0.0


@dataclass(frozen=True)
class Reach:
    """A limb given by the point that its end has to touch. ``bend`` (+1 or -1) says to which side the joint goes."""

    x: float
    y: float
    bend: int = 1


Limb = tuple[float, float] | Reach
STANDING: tuple[Limb, Limb] = ((8.0, 4.0), (-8.0, -6.0))
HANGING: tuple[Limb, Limb] = ((14.0, 22.0), (-14.0, -6.0))


@dataclass(frozen=True)
class Pose:
    """Joint positions in world units. ``arms`` hold (shoulder, elbow, hand), ``legs`` (hip, knee, ankle, toe)."""

    hip: Point
    neck: Point
    head: Point
    arms: tuple[tuple[Point, ...], tuple[Point, ...]]
    legs: tuple[tuple[Point, ...], tuple[Point, ...]]

    def hand(self, index: int = 0) -> Point:
        """Where hand 0 (near) or 1 (far) is."""
        return self.arms[index][-1]


def polar(origin: Point, angle: float, length: float) -> Point:
    """The point ``length`` away from ``origin`` in a limb's direction ``angle`` (0 is down, 90 forward)."""
    radians = math.radians(angle)
    return origin[0] + length * math.sin(radians), origin[1] - length * math.cos(radians)


def rotate(point: Point, pivot: Point, degrees: float) -> Point:
    """``point`` turned clockwise (forward) by ``degrees`` about ``pivot``."""
    radians = math.radians(-degrees)
    x, y = point[0] - pivot[0], point[1] - pivot[1]
    cos, sin = math.cos(radians), math.sin(radians)
    return pivot[0] + x * cos - y * sin, pivot[1] + x * sin + y * cos


def _limb(origin: Point, limb: Limb, upper: float, lower: float) -> tuple[Point, Point]:
    if not isinstance(limb, Reach):
        joint = polar(origin, limb[0], upper)
        return joint, polar(joint, limb[1], lower)
    dx, dy = limb.x - origin[0], limb.y - origin[1]
    distance = min(max(math.hypot(dx, dy), abs(upper - lower) + 1e-3), upper + lower - 1e-3)
    toward = math.degrees(math.atan2(dx, -dy))
    cosine = (upper**2 + distance**2 - lower**2) / (2 * upper * distance)
    joint = polar(origin, toward + limb.bend * math.degrees(math.acos(max(-1.0, min(1.0, cosine)))), upper)
    return joint, polar(origin, toward, distance)


def body(
    hip: Point = (0.0, STANDING_HIP),
    lean: float = 0.0,
    arms: tuple[Limb, Limb] = HANGING,
    legs: tuple[Limb, Limb] = STANDING,
    nod: float | None = None,
) -> Pose:
    """A pose from a hip position, a lean, and two arms and two legs by angles or by what they reach.

    ``nod`` is the head's own angle (0 upright); without it the head follows the torso.
    """
    neck = polar(hip, 180.0 - lean, TORSO)
    head = polar(neck, 180.0 - (lean if nod is None else nod), NECK + HEAD_RADIUS)
    built_arms = [(neck, *_limb(neck, arm, UPPER_ARM, FOREARM)) for arm in arms]
    built_legs: list[tuple[Point, ...]] = []
    for leg in legs:
        knee, ankle = _limb(hip, leg, THIGH, SHIN)
        shin = math.degrees(math.atan2(ankle[0] - knee[0], -(ankle[1] - knee[1])))
        built_legs.append((hip, knee, ankle, polar(ankle, shin + 90.0, FOOT)))
    return Pose(hip, neck, head, (built_arms[0], built_arms[1]), (built_legs[0], built_legs[1]))


def spin(pose: Pose, degrees: float, pivot: Point) -> Pose:
    """The whole pose turned forward by ``degrees`` about ``pivot``."""

    def turn(points: Sequence[Point]) -> tuple[Point, ...]:
        return tuple(rotate(point, pivot, degrees) for point in points)

    hip, neck, head = turn((pose.hip, pose.neck, pose.head))
    return Pose(hip, neck, head, (turn(pose.arms[0]), turn(pose.arms[1])), (turn(pose.legs[0]), turn(pose.legs[1])))


def shift(pose: Pose, dx: float, dy: float) -> Pose:
    """The whole pose moved by (dx, dy)."""

    def move(points: Sequence[Point]) -> tuple[Point, ...]:
        return tuple((x + dx, y + dy) for x, y in points)

    hip, neck, head = move((pose.hip, pose.neck, pose.head))
    return Pose(hip, neck, head, (move(pose.arms[0]), move(pose.arms[1])), (move(pose.legs[0]), move(pose.legs[1])))


def figure_shapes(pose: Pose, head_size: float = 1.0) -> list[Shape]:
    """The pose as shapes of role "figure", the far arm and leg first."""
    bones = [pose.legs[1], pose.arms[1], (pose.hip, pose.neck, pose.head), pose.legs[0], pose.arms[0]]
    shapes = [Shape("line", tuple(bone), "figure", LIMB_WIDTH) for bone in bones]
    shapes.append(Shape("disc", (pose.head,), "figure", radius=HEAD_RADIUS * head_size))
    return shapes


def line(*points: Point, color: Color = "prop", width: float = 0.03) -> Shape:
    """A polyline."""
    return Shape("line", points, color, width)


def polygon(*points: Point, color: Color = "prop") -> Shape:
    """A filled polygon."""
    return Shape("polygon", points, color)


def disc(center: Point, radius: float, color: Color = "prop") -> Shape:
    """A filled circle."""
    return Shape("disc", (center,), color, radius=radius)


def ring(
    center: Point, radius: float, radius_y: float | None = None, color: Color = "prop", width: float = 0.03
) -> Shape:
    """The outline of a circle or of an upright ellipse."""
    return Shape("ring", (center,), color, width, radius, radius if radius_y is None else radius_y)


def box(left: float, bottom: float, right: float, top: float, color: Color = "prop") -> Shape:
    """A filled upright rectangle."""
    return polygon((left, bottom), (right, bottom), (right, top), (left, top), color=color)


def arc(center: Point, radius: float, start: float, end: float, color: Color = "prop", width: float = 0.03) -> Shape:
    """Part of a circle from angle ``start`` to ``end`` in limb angles (0 down, 90 forward, 180 up)."""
    steps = 10
    angles = [start + (end - start) * index / steps for index in range(steps + 1)]
    return Shape("line", tuple(polar(center, angle, radius) for angle in angles), color, width)


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
    """Something that can be drawn: ``key`` for code, ``name`` for labels, ``draw`` from a phase in [0, 1).

    ``way`` 0 goes round and round, wherever it begins; 1 happens once, from the first phase to the last, and -1 is the
    same frames in the reverse order.
    """

    key: str
    name: str
    draw: Draw
    person: bool = True
    way: int = 0


class Registry:
    """Subjects by key, in the order in which they were declared."""

    def __init__(self, person: bool) -> None:
        self._person = person
        self.subjects: dict[str, Subject] = {}

    def add(self, name: str) -> Callable[[Draw], Draw]:
        """Declare a drawing function as the subject ``name``; its key is the name with underscores."""

        def register(draw: Draw) -> Draw:
            self._declare(name, draw, 0)
            return draw

        return register

    def add_pair(self, name: str, reverse: str) -> Callable[[Draw], Draw]:
        """Declare a drawing function as the subject ``name``, and its frames in the reverse order as ``reverse``."""

        def register(draw: Draw) -> Draw:
            self._declare(name, draw, 1)
            self._declare(reverse, draw, -1)
            return draw

        return register

    def _declare(self, name: str, draw: Draw, way: int) -> None:
        key = name.replace(" ", "_")
        self.subjects[key] = Subject(key, name, draw, self._person, way)


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


STEADY: tuple[Limb, Limb] = (leg(0.07, 0.0), leg(-0.08, 0.0))
WOOD = (150, 100, 50)
