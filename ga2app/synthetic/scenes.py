"""Scenes with no person: what anchors are made of. ``EMPTY`` is a place where nothing happens at all."""

from __future__ import annotations

import math

from ga2app.synthetic.figure import (  # isort: skip
    Color, Drawing, Registry, Shape, Subject, box, disc, line, mix, polar, polygon, ring, rise, wave,
)  # fmt: skip

_SCENES = Registry(person=False)
CLOUD = (245, 248, 252)
GREEN = (50, 150, 60)


@_SCENES.add("a car passing")
def car(phase: float) -> Drawing:
    x = mix(-1.1, 1.1, phase)
    cabin = polygon((x - 0.24, 0.34), (x - 0.14, 0.54), (x + 0.14, 0.54), (x + 0.26, 0.34))
    glass = (polygon((x - 0.17, 0.36), (x - 0.11, 0.49), (x - 0.01, 0.49), (x - 0.01, 0.36), color=(190, 225, 245)),)
    wheels = (disc((x - 0.25, 0.1), 0.1, "line"), disc((x + 0.25, 0.1), 0.1, "line"))
    return Drawing(None, (box(x - 0.45, 0.12, x + 0.45, 0.35), cabin, *glass, *wheels))


@_SCENES.add("a boat on the waves")
def boat(phase: float) -> Drawing:
    bob, x = 0.05 * wave(phase), mix(-0.15, 0.15, rise(phase))
    hull = polygon(
        (x - 0.45, 0.16 + bob), (x + 0.45, 0.16 + bob), (x + 0.3, -0.08), (x - 0.32, -0.08), color=(130, 80, 40)
    )
    mast = line((x, 0.16 + bob), (x + 0.02 * wave(phase), 1.1 + bob), color="line", width=0.035)
    sails = (
        polygon((x + 0.04, 0.26 + bob), (x + 0.04, 1.05 + bob), (x + 0.42, 0.26 + bob)),
        polygon((x - 0.04, 0.26 + bob), (x - 0.04, 0.85 + bob), (x - 0.34, 0.26 + bob)),
    )
    return Drawing(None, (mast, *sails, hull), ground="water")


@_SCENES.add("a globe turning")
def globe(phase: float) -> Drawing:
    center, radius = (0.0, 0.62), 0.42
    parts: list[Shape] = [disc(center, radius, (60, 130, 220))]
    for index in range(3):
        around = 2 * math.pi * (phase + index / 3)
        if math.cos(around) > -0.1:
            width = 0.03 + 0.14 * max(0.0, math.cos(around))
            x = 0.3 * math.sin(around)
            y = center[1] + (0.12, -0.14, 0.02)[index]
            parts.append(
                polygon((x - width, y), (x, y + 0.16), (x + width, y + 0.04), (x + 0.3 * width, y - 0.16), color=GREEN)
            )
    parts += [ring(center, radius, color="line", width=0.03), line((0.0, 0.2), (0.0, 0.06), color="line", width=0.04)]
    return Drawing(None, (*parts, line((-0.2, 0.04), (0.2, 0.04), color="line", width=0.06)))


@_SCENES.add("snow falling")
def snow(phase: float) -> Drawing:
    flakes = []
    for index in range(26):
        x = -0.88 + 1.76 * ((index * 0.5698) % 1.0) + 0.04 * wave(phase, index * 0.21)
        y = 1.45 - 1.5 * ((phase + index * 0.7549) % 1.0)
        flakes.append(disc((x, y), 0.035 + 0.012 * (index % 3), (255, 255, 255)))
    return Drawing(
        None, (box(-2.0, -1.0, 2.0, 2.6, (95, 110, 140)), box(-2.0, -1.0, 2.0, 0.0, (240, 244, 250)), *flakes)
    )


@_SCENES.add("a windmill turning")
def windmill(phase: float) -> Drawing:
    hub = (0.0, 0.85)
    tower = polygon((-0.2, 0.0), (0.2, 0.0), (0.1, 0.9), (-0.1, 0.9), color=(200, 190, 170))
    sails: list[Shape] = []
    for index in range(4):
        angle = 90 * phase + 90 * index
        tip = polar(hub, angle, 0.48)
        side = polar(tip, angle + 90, 0.12)
        sails += [
            line(hub, tip, color="line", width=0.03),
            polygon(polar(hub, angle, 0.12), tip, side, polar(polar(hub, angle, 0.12), angle + 90, 0.12)),
        ]
    return Drawing(None, (tower, box(-0.06, 0.0, 0.06, 0.2, "line"), *sails, disc(hub, 0.05, "line")))


@_SCENES.add("a ball bouncing")
def ball(phase: float) -> Drawing:
    height = abs(wave(phase))
    x = mix(-0.45, 0.45, phase)
    return Drawing(
        None, (ring((x, 0.01), 0.12, 0.015, color="line", width=0.02), disc((x, 0.17 + 0.85 * height), 0.17))
    )


@_SCENES.add("clouds passing")
def clouds(phase: float) -> Drawing:
    puffs: list[Shape] = [box(-2.0, -1.0, 2.0, 2.6, (120, 180, 235))]
    for index, (y, size) in enumerate(((1.1, 0.2), (0.6, 0.24), (0.15, 0.17))):
        x = -1.2 + 2.4 * ((phase + index * 0.37) % 1.0)
        puffs += [
            disc((x + dx * size, y + dy * size), size * r, CLOUD)
            for dx, dy, r in ((-1, 0, 0.75), (0, 0.3, 1.0), (1, 0, 0.8), (0.2, -0.2, 0.8))
        ]
    return Drawing(None, tuple(puffs), ground="sky")


@_SCENES.add("a clock ticking")
def clock(phase: float) -> Drawing:
    center = (0.0, 0.6)
    marks = [
        line(polar(center, 30 * h, 0.4), polar(center, 30 * h, 0.46), color="black", width=0.025) for h in range(12)
    ]
    hands = (
        line(center, polar(center, 180 - 360 * phase, 0.36), color=(200, 40, 40), width=0.025),
        line(center, polar(center, 120 - 30 * phase, 0.24), color="black", width=0.045),
    )
    return Drawing(
        None, (disc(center, 0.56), disc(center, 0.5, (250, 250, 245)), *marks, *hands, disc(center, 0.04, "black"))
    )


@_SCENES.add("a fire burning")
def fire(phase: float) -> Drawing:
    logs = (
        line((-0.3, 0.03), (0.28, 0.12), color=(110, 70, 40), width=0.09),
        line((0.3, 0.03), (-0.28, 0.12), color=(90, 55, 30), width=0.09),
    )
    flames: list[Shape] = []
    for size, color in ((1.0, (225, 60, 25)), (0.7, (250, 150, 30)), (0.4, (255, 230, 90))):
        points = [(-0.28 * size, 0.1)]
        for index in range(5):
            x = (-0.22 + 0.11 * index) * size
            tall = (0.35, 0.62, 0.85, 0.6, 0.38)[index] + 0.12 * wave(2 * phase, index * 0.31)
            points += [
                (x + 0.03 * wave(phase, index * 0.2), 0.1 + tall * size),
                (x + 0.055 * size, 0.1 + 0.45 * tall * size),
            ]
        flames.append(polygon(*points, (0.28 * size, 0.1), color=color))
    sparks = [
        disc((0.25 * wave(phase, i * 0.3), 0.8 + 0.5 * ((phase + i / 4) % 1.0)), 0.02, (255, 190, 60)) for i in range(4)
    ]
    return Drawing(None, (*logs, *flames, *sparks))


@_SCENES.add("fish swimming")
def fish(phase: float) -> Drawing:
    parts: list[Shape] = [box(-2.0, -1.0, 2.0, 2.6, (40, 110, 190)), box(-2.0, -1.0, 2.0, -0.12, (190, 170, 120))]
    for index, (y, size) in enumerate(((1.0, 0.16), (0.55, 0.22), (0.15, 0.14))):
        x = -1.1 + 2.2 * ((phase + index * 0.4) % 1.0)
        tail = 0.08 * wave(3 * phase, index * 0.3)
        trunk = [
            (x + size * 1.2 * math.cos(a), y + size * 0.6 * math.sin(a)) for a in (k * math.pi / 6 for k in range(12))
        ]
        parts += [
            polygon(*trunk),
            polygon((x - size, y), (x - 1.9 * size, y + 0.6 * size + tail), (x - 1.9 * size, y - 0.6 * size + tail)),
        ]
        parts.append(disc((x + 0.7 * size, y + 0.12 * size), 0.028, "black"))
    weeds = [
        line((x, -0.12), (x + 0.05 * wave(phase, x), 0.1), (x - 0.05 * wave(phase, x), 0.28), color=GREEN, width=0.035)
        for x in (-0.6, -0.5, 0.55)
    ]
    return Drawing(None, (*parts, *weeds), ground="sky")


@_SCENES.add("a train passing")
def train(phase: float) -> Drawing:
    parts: list[Shape] = [line((-2.0, 0.03), (2.0, 0.03), color="line", width=0.03)]
    start = mix(-0.5, 0.9, phase)
    for index in range(4):
        x = start - 0.62 * index
        parts += [
            box(x - 0.28, 0.12, x + 0.28, 0.52 if index else 0.42),
            disc((x - 0.16, 0.1), 0.075, "line"),
            disc((x + 0.16, 0.1), 0.075, "line"),
        ]
        if index:
            parts += [box(x + dx - 0.06, 0.3, x + dx + 0.06, 0.44, (210, 235, 250)) for dx in (-0.15, 0.0, 0.15)]
        else:
            parts += [box(x - 0.28, 0.12, x - 0.06, 0.62), box(x + 0.1, 0.4, x + 0.18, 0.62, "line")]
            parts += [disc((x + 0.1 - 0.16 * k, 0.76 + 0.1 * k), 0.06 + 0.025 * k, (190, 190, 195)) for k in range(4)]
    return Drawing(None, tuple(parts))


@_SCENES.add("a plant growing")
def plant(phase: float) -> Drawing:
    grown = mix(0.2, 1.0, rise(phase / 2 if phase < 0.999 else 0.5))
    top = 0.28 + 0.75 * grown
    parts: list[Shape] = [line((0.0, 0.26), (0.02 * wave(phase), top), color=GREEN, width=0.04)]
    for index in range(4):
        y = 0.36 + 0.16 * index
        if y < top - 0.05:
            side = 1 if index % 2 else -1
            reach = 0.2 * min(1.0, (top - y) * 3)
            parts.append(
                polygon(
                    (0.0, y),
                    (side * reach * 0.6, y + 0.12),
                    (side * reach * 1.3, y + 0.1),
                    (side * reach * 0.7, y + 0.0),
                    color=GREEN,
                )
            )
    petal = 0.03 + 0.07 * grown
    parts += [disc(polar((0.0, top), 72 * k, petal * 1.1), petal) for k in range(5)] + [
        disc((0.0, top), petal * 0.8, (250, 215, 60))
    ]
    parts.append(polygon((-0.18, 0.26), (0.18, 0.26), (0.13, 0.0), (-0.13, 0.0), color=(185, 95, 60)))
    return Drawing(None, tuple(parts))


@_SCENES.add("a bird flying")
def bird(phase: float) -> Drawing:
    flap = wave(2 * phase)
    x, y = mix(-0.4, 0.4, phase), 0.85 + 0.08 * wave(phase)
    trunk = [(x + 0.22 * math.cos(a), y + 0.09 * math.sin(a)) for a in (k * math.pi / 6 for k in range(12))]
    wing = polygon(
        (x - 0.1, y + 0.04), (x + 0.1, y + 0.04), (x - 0.06, y + 0.04 + 0.36 * flap), (x - 0.16, y + 0.04 + 0.32 * flap)
    )
    head = (
        disc((x + 0.22, y + 0.07), 0.075),
        polygon((x + 0.28, y + 0.09), (x + 0.38, y + 0.05), (x + 0.28, y + 0.03), color=(245, 160, 40)),
    )
    tail = polygon((x - 0.16, y), (x - 0.38, y + 0.08), (x - 0.38, y - 0.04))
    return Drawing(None, (tail, polygon(*trunk), *head, disc((x + 0.24, y + 0.09), 0.016, "black"), wing))


@_SCENES.add("balloons rising")
def balloons(phase: float) -> Drawing:
    parts: list[Shape] = []
    colors: tuple[Color, ...] = ("prop", (235, 70, 70), (250, 200, 50))
    for index, (x, color) in enumerate(zip((-0.4, 0.02, 0.42), colors, strict=True)):
        y = -0.1 + 1.5 * ((phase + index * 0.34) % 1.0)
        sway = x + 0.05 * wave(phase, index * 0.3)
        parts += [
            line((sway, y - 0.17), (sway + 0.03, y - 0.32), (sway - 0.02, y - 0.45), color="line", width=0.015),
            disc((sway, y), 0.17, color),
        ]
    return Drawing(None, tuple(parts))


SCENES = _SCENES.subjects
EMPTY = Subject("nothing_happening", "nothing happening", lambda phase: Drawing(None), person=False)
