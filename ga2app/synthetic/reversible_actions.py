"""Actions and their exact reverses: a clip of one is a clip of the other, its frames in the reverse order.

They are the benchmark of order-aware pooling (``ga2app.method.pooling``): the mean over frames, whatever the prompts,
is the same for both, and their names alone differ. The names are in words that the sketch backbone's tokenizer knows,
so neither "opening" nor "closing" is among them; no such clip was in its pre-training.
"""

from __future__ import annotations

import math

from ga2app.synthetic.figure import (  # isort: skip
    HANGING, STANDING, STEADY, WOOD, Color, Drawing, Limb, Registry, Subject, arm, body, box, disc, leg, line, mix,
    polygon, shift, spin, wave,
)  # fmt: skip

_PAIRS = Registry(person=True)
_WATER, _SAND = (45, 105, 205), (238, 208, 140)


def _limbs(start: tuple[Limb, Limb], end: tuple[Limb, Limb], share: float) -> tuple[Limb, Limb]:
    """Two limbs given by angles, ``share`` of the way from ``start`` to ``end``."""
    one, other = (
        (mix(first[0], last[0], share), mix(first[1], last[1], share))
        for first, last in zip(start, end, strict=True)
        if isinstance(first, tuple) and isinstance(last, tuple)
    )
    return one, other


def _gait(x: float) -> tuple[Limb, Limb]:
    """Two legs of a walk at ``x``, about two steps a world unit."""
    swing = 24 * wave(2 * x)
    return (swing, swing - 6), (-swing, -swing - 6)


@_PAIRS.add_pair("sitting down on a chair", "rising from a chair")
def _sitting(phase: float) -> Drawing:
    hip = (mix(0.08, -0.05, phase), mix(0.47, 0.27, phase))
    arms = _limbs(HANGING, ((20, 70), (12, 62)), phase)
    pose = body(hip, 30 * math.sin(math.pi * phase), arms, (leg(0.14, 0.0), leg(0.1, 0.0)))
    legs = line((-0.13, 0.0), (-0.13, 0.24), (0.13, 0.24), (0.13, 0.0), color="line")
    return Drawing(pose, (legs, line((-0.13, 0.24), (-0.18, 0.62), color="line")))


@_PAIRS.add_pair("lying down on the floor", "rising from the floor")
def _lying(phase: float) -> Drawing:
    pose = spin(body((0.0, 0.48), 0, _limbs(HANGING, ((8, 3), (-4, -4)), phase)), -90 * phase, (0.0, 0.48))
    return Drawing(shift(pose, 0.05 * phase, -0.42 * phase))


@_PAIRS.add_pair("kneeling down near a flower", "rising near a flower")
def _kneeling(phase: float) -> Drawing:
    legs = _limbs(STANDING, ((92, 0), (4, -90)), phase)
    pose = body((-0.04, mix(0.475, 0.27, phase)), 15 * phase, _limbs(HANGING, ((70, 60), (60, 50)), phase), legs)
    stalk = line((0.42, 0.0), (0.42, 0.3), color=(50, 150, 60))
    return Drawing(pose, (stalk, disc((0.42, 0.33), 0.06)))


@_PAIRS.add_pair("rising on a ladder", "climbing down a ladder")
def _climbing(phase: float) -> Drawing:
    rails = tuple(line((x, 0.0), (x, 1.36), color="line", width=0.035) for x in (0.14, 0.38))
    rungs = tuple(line((0.14, 0.1 + 0.17 * n), (0.38, 0.1 + 0.17 * n), color="line", width=0.025) for n in range(8))
    step, high = 0.08 * wave(2 * phase), mix(0.0, 0.5, phase)
    arms: tuple[Limb, Limb] = (arm(0.18, high + 0.9 + step), arm(0.2, high + 0.9 - step))
    feet = (leg(0.14, high + 0.06 - step / 2), leg(0.15, high + 0.06 + step / 2))
    return Drawing(body((-0.06, high + 0.44), 4, arms, feet), rails + rungs)


@_PAIRS.add_pair("pushing a cart", "pulling a cart")
def _pushing(phase: float) -> Drawing:
    x = mix(-0.75, 0.3, phase)
    pose = shift(body((0.0, 0.465), 14, (arm(0.26, 0.6), arm(0.27, 0.58)), _gait(x)), x, 0.0)
    cart = polygon((x + 0.24, 0.5), (x + 0.66, 0.44), (x + 0.58, 0.18), (x + 0.32, 0.18))
    return Drawing(pose, (), (cart, disc((x + 0.36, 0.08), 0.07, "line"), disc((x + 0.54, 0.08), 0.07, "line")))


@_PAIRS.add_pair("walking in a house", "walking from a house")
def _entering(phase: float) -> Drawing:
    x = mix(-0.7, 0.5, phase)
    pose = shift(body((0.0, 0.465), 3, HANGING, _gait(x)), x, 0.0)
    roof = polygon((0.12, 0.85), (0.55, 1.2), (0.98, 0.85), color="line")
    return Drawing(pose, (), (box(0.2, 0.0, 0.9, 0.85), roof))


@_PAIRS.add_pair("jumping in the water", "jumping from the water")
def _jumping(phase: float) -> Drawing:
    height = mix(0.3, -0.38, phase) + 0.4 * math.sin(math.pi * phase)
    pose = shift(body((0.0, 0.48), mix(0, 40, phase), _limbs(HANGING, ((165, 170), (160, 165)), phase)), 0.0, height)
    pier = (box(-1.2, 0.24, -0.2, 0.3, WOOD), box(-0.4, 0.0, -0.34, 0.3, WOOD))
    return Drawing(shift(pose, mix(-0.35, 0.35, phase), 0.0), pier, ground="water")


@_PAIRS.add_pair("pushing a boat in the water", "pulling a boat from the water")
def _launching(phase: float) -> Drawing:
    x = mix(-0.45, 0.3, phase)
    pose = shift(body((0.0, 0.44), 26, (arm(0.28, 0.4), arm(0.28, 0.38)), _gait(x)), x - 0.2, 0.0)
    hull = polygon((x + 0.06, 0.34), (x + 0.7, 0.34), (x + 0.58, 0.08), (x + 0.18, 0.08))
    return Drawing(pose, (box(0.1, -2.0, 2.4, 0.14, _WATER),), (hull,))


@_PAIRS.add_pair("pushing a stick in the sand", "pulling a stick from the sand")
def _planting(phase: float) -> Drawing:
    top = mix(1.05, 0.45, phase)
    pose = body((-0.06, mix(0.47, 0.4, phase)), mix(0, 24, phase), (arm(0.26, top - 0.1), arm(0.26, top - 0.2)), STEADY)
    heap = polygon((0.1, 0.0), (0.44, 0.0), (0.34, 0.1), (0.2, 0.1), color=_SAND)
    return Drawing(pose, (), (line((0.27, max(0.0, top - 0.7)), (0.27, top), width=0.035), heap))


@_PAIRS.add_pair("lifting a ball", "pushing a ball down")
def _lifting(phase: float) -> Drawing:
    ball = (mix(0.3, 0.2, phase), mix(0.14, 0.98, phase))
    hip, lean = (-0.1, mix(0.34, 0.475, phase)), mix(48, 0, phase)
    return Drawing(body(hip, lean, (arm(*ball), arm(ball[0] - 0.03, ball[1])), STEADY), (), (disc(ball, 0.13),))


@_PAIRS.add_pair("driving a car in a building", "driving a car from a building")
def _parking(phase: float) -> Drawing:
    x = mix(-0.62, 0.5, phase)
    pose = shift(body((0.0, 0.22), -4, (arm(0.2, 0.46), arm(0.2, 0.44)), ((86, 20), (82, 16))), x, 0.0)
    wheels = tuple(disc((x + dx, 0.08), 0.09, "line") for dx in (-0.24, 0.28))
    car = (polygon((x - 0.4, 0.3), (x + 0.42, 0.26), (x + 0.4, 0.1), (x - 0.4, 0.1)), *wheels)
    return Drawing(pose, (), (*car, box(0.3, 0.0, 1.1, 1.0, (150, 110, 90))))


@_PAIRS.add_pair("with a kite rising", "with a kite falling")
def _kite(phase: float) -> Drawing:
    x, y = 0.55, mix(0.14, 1.25, phase)
    pose = body(arms=(arm(0.26, mix(0.55, 1.0, phase)), (-14, -6)))
    kite = polygon((x, y + 0.18), (x + 0.12, y), (x, y - 0.16), (x - 0.12, y))
    return Drawing(pose, (), (line(pose.hand(), (x, y), color="line", width=0.012), kite))


@_PAIRS.add_pair("pulling a fish from the water", "pushing a fish in the water")
def _fishing(phase: float) -> Drawing:
    x, y = 0.45, mix(-0.22, 0.75, phase)
    pose = body((-0.4, 0.48), mix(14, -8, phase), (arm(-0.14, mix(0.6, 0.9, phase)), arm(-0.16, 0.62)))
    rod = (pose.hand(), (0.35, mix(0.85, 1.3, phase)))
    fish = polygon((x - 0.1, y), (x, y + 0.12), (x + 0.1, y), (x, y - 0.12), color=(235, 120, 60))
    pier = box(-1.2, -0.06, -0.2, 0.0, WOOD)
    return Drawing(pose, (pier,), (line(*rod, color="line"), line(rod[1], (x, y), width=0.01), fish), ground="water")


@_PAIRS.add_pair("with balloons rising", "with balloons falling")
def _balloons(phase: float) -> Drawing:
    lift = mix(0.1, 1.15, phase)
    colors: tuple[Color, ...] = ("prop", (235, 70, 70), (250, 200, 50))
    balls = tuple(disc((0.3 + 0.16 * n, lift + 0.07 * (n % 2)), 0.1, color) for n, color in enumerate(colors))
    return Drawing(body((-0.2, 0.48), -6 * phase, (arm(0.0, mix(0.5, 1.0, phase)), (-14, -6))), (), balls)


REVERSIBLE: dict[str, Subject] = _PAIRS.subjects
"""Each action by key, its reverse right behind it."""

_KEYS = tuple(REVERSIBLE)
PAIRS: tuple[tuple[str, str], ...] = tuple(zip(_KEYS[::2], _KEYS[1::2], strict=True))
"""Keys of each action and its reverse."""

REVERSE: dict[str, str] = {
    REVERSIBLE[one].name: REVERSIBLE[other].name for pair in PAIRS for one, other in (pair, pair[::-1])
}
"""The label of the reverse of each label."""
