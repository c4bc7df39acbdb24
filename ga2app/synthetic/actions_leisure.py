"""Leisure, music, and what hands hold."""

from __future__ import annotations

import math

from ga2app.synthetic.figure import (  # isort: skip
    STEADY, WOOD, Drawing, Registry, Shape, arc, arm, body, box, disc, leg, line, mix, polar, polygon, ring, rise,
    rotate, wave,
)  # fmt: skip

LEISURE = Registry(person=True)


@LEISURE.add("flying a kite")
def kite(phase: float) -> Drawing:
    x, y = 0.48 + 0.1 * wave(phase), 1.18 + 0.08 * wave(phase, 0.3)
    diamond = polygon((x, y + 0.17), (x + 0.12, y), (x, y - 0.17), (x - 0.12, y))
    tail = line((x, y - 0.17), (x - 0.05, y - 0.24), (x + 0.04, y - 0.3), (x - 0.03, y - 0.36), width=0.02)
    pose = body(
        (-0.25, 0.475),
        -8,
        (arm(0.0, 0.86 + 0.04 * wave(phase)), arm(-0.02, 0.8)),
        (leg(-0.16, 0), leg(-0.34, 0)),
        nod=-22,
    )
    return Drawing(pose, front=(line(pose.hand(), (x, y), color="line", width=0.014), diamond, tail))


@LEISURE.add("playing the guitar")
def guitar(phase: float) -> Drawing:
    strum = 0.05 * wave(2 * phase)
    pose = body(arms=(arm(0.1, 0.5 + strum), arm(0.33, 0.68)), legs=STEADY)
    parts = (
        disc((0.03, 0.5), 0.12),
        disc((0.12, 0.54), 0.085),
        line((0.12, 0.54), (0.42, 0.74), width=0.04),
        disc((0.05, 0.51), 0.035, "line"),
    )
    hand = pose.arms[0]
    return Drawing(pose, front=(*parts, line(*hand, color="figure", width=0.05)))


@LEISURE.add("holding an umbrella")
def umbrella(phase: float) -> Drawing:
    sway = 0.03 * wave(phase)
    pose = body(arms=(arm(0.15, 0.72), (-10, -4)), legs=((10 * wave(phase), 4), (-10 * wave(phase), -6)))
    top = (0.15 + sway, 1.18)
    dome = polygon(*(arc((top[0] - 0.05, 1.05), 0.34, 270, 90).points))
    rain = []
    for index in range(7):
        x = -0.65 + 0.21 * index
        y = 1.35 - ((phase * 2 + index * 0.37) % 1.0) * 1.2
        if abs(x - 0.1) > 0.34 or y > 1.3:
            rain.append(line((x, y), (x - 0.02, y - 0.1), color="line", width=0.016))
    return Drawing(pose, tuple(rain), (line((0.15, 0.66), top, color="line", width=0.025), dome))


@LEISURE.add("fishing")
def fishing(phase: float) -> Drawing:
    jerk = rise(phase)
    pier = (box(-0.9, 0.02, 0.06, 0.1, WOOD), box(-0.1, -0.25, -0.04, 0.02, WOOD))
    pose = body(
        (-0.22, 0.57),
        -4,
        (arm(0.02, 0.76 + 0.06 * jerk), arm(0.0, 0.72 + 0.06 * jerk)),
        (leg(-0.15, 0.1), leg(-0.3, 0.1)),
    )
    tip = (0.48, mix(1.12, 1.24, jerk))
    hook = (0.52, mix(-0.04, 0.2, jerk))
    fish = (
        ring(hook, 0.06, 0.035, width=0.04),
        polygon((hook[0] - 0.05, hook[1]), (hook[0] - 0.13, hook[1] + 0.05), (hook[0] - 0.13, hook[1] - 0.05)),
    )
    return Drawing(
        pose, pier, (line(pose.hand(), tip, width=0.025), line(tip, hook, color="line", width=0.013), *fish), "water"
    )


@LEISURE.add("reading a book")
def reading(phase: float) -> Drawing:
    page = mix(0.1, -0.1, phase)
    pose = body((-0.05, 0.27), 2, (arm(0.19, 0.5), arm(0.21, 0.49)), ((88, 4), (84, -4)), nod=22)
    bench = (box(-0.28, 0.18, 0.2, 0.24, WOOD), box(-0.24, 0.0, -0.2, 0.18, WOOD), box(0.12, 0.0, 0.16, 0.18, WOOD))
    book = (
        polygon((0.24, 0.5), (0.1, 0.6), (0.14, 0.72), (0.27, 0.6)),
        polygon((0.24, 0.5), (0.4, 0.56), (0.42, 0.7), (0.27, 0.6)),
        line((0.25, 0.52), (0.26 + page, 0.7), color="line", width=0.016),
    )
    return Drawing(pose, bench, book)


@LEISURE.add("drinking from a cup")
def drinking(phase: float) -> Drawing:
    share = rise(phase)
    pose = body(arms=(arm(mix(0.25, 0.17, share), mix(0.55, 0.83, share)), (-14, -6)), legs=STEADY, nod=-16 * share)
    hand = pose.hand()
    center = (hand[0] + 0.02, hand[1] + 0.03)
    corners = [(-0.05, 0.09), (0.07, 0.09), (0.06, -0.06), (-0.04, -0.06)]
    cup = polygon(*(rotate((center[0] + x, center[1] + y), center, -65 * share) for x, y in corners))
    return Drawing(pose, front=(cup,))


@LEISURE.add("talking on a phone")
def phoning(phase: float) -> Drawing:
    nod = 8 * wave(phase)
    pose = body(arms=(arm(0.09, 0.88), (30 + 25 * wave(phase), 75 + 30 * wave(phase))), legs=STEADY, nod=nod)
    return Drawing(pose, front=(line((0.085, 0.82), (0.1, 1.0), color="line", width=0.06),))


@LEISURE.add("playing the drums")
def drums(phase: float) -> Drawing:
    left, right = rise(2 * phase), rise(2 * phase + 0.5)
    pose = body(
        (-0.25, 0.34), 6, ((35, mix(70, 120, left)), (40, mix(70, 120, right))), (leg(0.0, 0.02), leg(-0.05, 0.02))
    )
    kit = (
        disc((0.25, 0.19), 0.19),
        ring((0.25, 0.19), 0.19, color="line", width=0.025),
        box(0.0, 0.38, 0.22, 0.5),
        line((0.5, 0.0), (0.5, 0.66), color="line", width=0.02),
        line((0.36, 0.62), (0.64, 0.7), color=(230, 190, 40), width=0.035),
    )
    sticks = [
        line(pose.hand(i), (pose.hand(i)[0] + 0.17, mix(0.53, 0.78, (left, right)[i])), color="line", width=0.022)
        for i in (0, 1)
    ]
    return Drawing(pose, (box(-0.35, 0.0, -0.17, 0.3, "line"),), (*kit, *sticks))


@LEISURE.add("playing the piano")
def piano(phase: float) -> Drawing:
    left, right = 0.05 * rise(2 * phase), 0.05 * rise(2 * phase + 0.5)
    pose = body(
        (-0.28, 0.3),
        8 + 4 * wave(phase),
        (arm(0.05 + 0.04 * wave(phase), 0.48 + left), arm(0.08, 0.48 + right)),
        ((86, 4), (82, -2)),
        nod=14,
    )
    case = (
        box(0.1, 0.0, 0.6, 0.46),
        box(0.24, 0.46, 0.6, 0.82),
        box(-0.02, 0.4, 0.24, 0.46, "line"),
        box(-0.38, 0.0, -0.18, 0.26, "line"),
    )
    notes = (
        disc((0.35 + 0.05 * wave(phase), 0.95 + 0.25 * phase), 0.035, "line"),
        line(
            (0.38 + 0.05 * wave(phase), 0.95 + 0.25 * phase),
            (0.38 + 0.05 * wave(phase), 1.07 + 0.25 * phase),
            color="line",
            width=0.018,
        ),
    )
    return Drawing(pose, case, notes)


@LEISURE.add("taking a photo")
def photo(phase: float) -> Drawing:
    lean = 8 + 5 * wave(phase)
    pose = body((-0.1, 0.44), lean, (arm(0.12, 0.83), arm(0.1, 0.81)), (leg(0.08, 0), leg(-0.2, 0)), nod=lean)
    flash: tuple[Shape, ...] = ()
    x, y = pose.hand()[0] + 0.04, pose.hand()[1] + 0.03
    if phase % 0.5 < 0.2:
        flash = tuple(
            line(polar((x + 0.14, y), a, 0.05), polar((x + 0.14, y), a, 0.16), color=(255, 235, 90), width=0.026)
            for a in (30, 60, 90, 120, 150)
        )
    return Drawing(
        pose, front=(box(x - 0.08, y - 0.065, x + 0.08, y + 0.065, "line"), disc((x + 0.08, y), 0.045, "prop"), *flash)
    )


@LEISURE.add("juggling balls")
def juggling(phase: float) -> Drawing:
    balls = []
    for index in range(3):
        share = (phase + index / 3) % 1.0
        balls.append(disc((0.24 * math.cos(2 * math.pi * share), 0.95 + 0.3 * math.sin(2 * math.pi * share)), 0.06))
    bob = 0.06 * wave(3 * phase)
    return Drawing(body(arms=((40, 115 + 200 * bob), (-40, -115 + 200 * bob))), front=tuple(balls))
