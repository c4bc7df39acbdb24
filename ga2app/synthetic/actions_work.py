"""Work and errands."""

from __future__ import annotations

import math

from ga2app.synthetic.figure import (  # isort: skip
    STEADY, WOOD, Drawing, Limb, Registry, Shape, arm, body, box, disc, leg, line, mix, polar, polygon, rise,
    swing, wave,
)  # fmt: skip

WORK = Registry(person=True)
STEADY_BACK: tuple[Limb, Limb] = (leg(-0.13, 0.0), leg(-0.32, 0.0))


@WORK.add("climbing a ladder")
def ladder(phase: float) -> Drawing:
    share = wave(phase)
    rungs = tuple(
        line((0.14, 0.1 + 0.17 * index), (0.38, 0.1 + 0.17 * index), color="line", width=0.025) for index in range(8)
    )
    rails = (
        line((0.14, 0.0), (0.14, 1.36), color="line", width=0.035),
        line((0.38, 0.0), (0.38, 1.36), color="line", width=0.035),
    )
    high = 0.58 + 0.05 * math.cos(4 * math.pi * phase)
    arms: tuple[Limb, Limb] = (arm(0.18, 1.02 + 0.12 * share), arm(0.2, 1.02 - 0.12 * share))
    return Drawing(
        body((-0.06, high), 4, arms, (leg(0.14, 0.22 - 0.12 * share), leg(0.15, 0.22 + 0.12 * share))), rails + rungs
    )


@WORK.add("sweeping the floor")
def sweeping(phase: float) -> Drawing:
    x = 0.4 + 0.14 * wave(phase)
    pose = body((-0.06, 0.46), 16, (arm(0.14 + 0.06 * wave(phase), 0.52), arm(0.06, 0.68)), STEADY)
    handle = line((0.02, 0.84), (x - 0.03, 0.1), color="line", width=0.028)
    return Drawing(pose, front=(handle, polygon((x - 0.05, 0.13), (x + 0.02, 0.13), (x + 0.12, 0.0), (x - 0.1, 0.0))))


@WORK.add("digging with a shovel")
def digging(phase: float) -> Drawing:
    lift = rise(phase)
    blade = (mix(0.36, 0.48, lift), mix(-0.02, 0.4, lift))
    top = (mix(0.06, -0.02, lift), mix(0.78, 0.62, lift))
    pose = body(
        (-0.12, 0.42),
        mix(32, 14, lift),
        (arm(mix(0.2, 0.24, lift), mix(0.42, 0.52, lift)), arm(*top)),
        (leg(0.06, 0), leg(-0.22, 0)),
    )
    heap = (polygon((0.45, 0.0), (0.8, 0.0), (0.66, 0.16), (0.56, 0.16), color=WOOD),)
    spade = polygon(
        (blade[0] - 0.07, blade[1] + 0.07),
        (blade[0] + 0.05, blade[1] + 0.1),
        (blade[0] + 0.09, blade[1] - 0.05),
        (blade[0] + 0.01, blade[1] - 0.09),
    )
    return Drawing(pose, heap, (line(top, blade, color="line", width=0.028), spade))


@WORK.add("chopping wood with an axe")
def chopping(phase: float) -> Drawing:
    up = swing(phase, 0.25)
    hands = (mix(0.26, 0.04, up), mix(0.5, 1.05, up))
    angle = mix(80, 215, up)
    pose = body(
        (-0.1, 0.44),
        mix(32, -6, up),
        (arm(*hands), arm(hands[0] - 0.02, hands[1] - 0.03)),
        (leg(0.05, 0), leg(-0.24, 0)),
    )
    hand = pose.hand()
    head = polar(hand, angle, 0.3)
    blade = polygon(
        polar(head, angle - 90, 0.15),
        polar(polar(head, angle - 90, 0.13), angle + 180, 0.1),
        polar(head, angle + 90, 0.03),
        head,
        color=(150, 155, 165),
    )
    block = (box(0.4, 0.0, 0.64, 0.2, WOOD), box(0.46, 0.2, 0.58, 0.36, (205, 160, 100)))
    return Drawing(pose, block, (line(polar(hand, angle + 180, 0.06), head, width=0.03), blade))


@WORK.add("pushing a shopping cart")
def cart(phase: float) -> Drawing:
    legs = ((24 * wave(phase), 24 * wave(phase) - 14), (-24 * wave(phase), -24 * wave(phase) - 14))
    pose = body((-0.26, 0.465), 14, (arm(0.03, 0.56), arm(0.04, 0.55)), legs)
    basket = (
        line((0.0, 0.58), (0.1, 0.56), (0.16, 0.2), (0.56, 0.2), width=0.03),
        polygon((0.1, 0.54), (0.66, 0.54), (0.58, 0.26), (0.16, 0.26)),
        disc((0.22, 0.06), 0.06, "line"),
        disc((0.54, 0.06), 0.06, "line"),
        line((0.2, 0.2), (0.22, 0.06), color="line", width=0.02),
        line((0.52, 0.2), (0.54, 0.06), color="line", width=0.02),
    )
    return Drawing(pose, front=basket)


@WORK.add("walking a dog")
def dog(phase: float) -> Drawing:
    step = 24 * wave(phase)
    pose = body((-0.28, 0.468), 2, (arm(0.0, 0.55), (step, step + 10)), ((step, step - 12), (-step, -step - 12)))
    legs = [
        line((x, 0.17), polar((x, 0.17), 24 * wave(2 * phase, o), 0.17), width=0.035)
        for x, o in ((0.3, 0), (0.34, 0.5), (0.52, 0.3), (0.56, 0.8))
    ]
    trunk = (
        box(0.27, 0.15, 0.58, 0.27),
        polygon((0.54, 0.24), (0.58, 0.38), (0.74, 0.32), (0.62, 0.22)),
        line((0.28, 0.25), (0.2, 0.36 + 0.04 * wave(3 * phase)), width=0.03),
    )
    return Drawing(pose, front=(*legs, *trunk, line(pose.hand(), (0.56, 0.27), color="line", width=0.015)))


@WORK.add("watering plants")
def watering(phase: float) -> Drawing:
    pose = body((-0.22, 0.47), 12, (arm(0.08, 0.56 + 0.03 * wave(phase)), (-12, -4)), STEADY_BACK)
    hand = pose.hand()
    x, y = hand[0] + 0.05, hand[1] - 0.06
    can = (
        polygon((x - 0.1, y + 0.06), (x + 0.06, y + 0.02), (x + 0.04, y - 0.14), (x - 0.1, y - 0.1)),
        line((x + 0.03, y - 0.08), (x + 0.22, y + 0.0), width=0.03),
    )
    drops = []
    for index in range(5):
        fall = (phase * 2 + index / 5) % 1.0
        drops.append(disc((x + 0.25 + 0.1 * fall + 0.02 * (index % 3), y - 0.02 - 0.3 * fall), 0.022, (70, 140, 240)))
    plants: list[Shape] = []
    for px in (0.34, 0.46, 0.58):
        plants += [
            line((px, 0.0), (px, 0.17), color=(40, 140, 50), width=0.022),
            disc((px, 0.19), 0.05, (235, 80, 130)),
        ]
    return Drawing(pose, tuple(plants), (*can, *drops))


@WORK.add("hammering a nail")
def hammering(phase: float) -> Drawing:
    up = swing(phase, 0.25)
    pose = body((-0.18, 0.46), 22, ((mix(50, 120, up), mix(70, 190, up)), arm(0.18, 0.47)), STEADY_BACK)
    hand = pose.hand()
    angle = mix(95, 200, up)
    head = polar(hand, angle, 0.18)
    bench = (
        box(0.02, 0.34, 0.62, 0.4, WOOD),
        box(0.08, 0.0, 0.13, 0.34, WOOD),
        box(0.52, 0.0, 0.57, 0.34, WOOD),
        line((0.34, 0.4), (0.34, 0.5), color="line", width=0.02),
    )
    return Drawing(
        pose,
        bench,
        (
            line(hand, head, width=0.03),
            line(polar(head, angle - 90, 0.08), polar(head, angle + 90, 0.06), color=(110, 115, 125), width=0.075),
        ),
    )


@WORK.add("painting a wall")
def painting(phase: float) -> Drawing:
    y = 0.8 + 0.26 * wave(phase)
    wall = (box(0.32, 0.0, 0.78, 1.3, (225, 215, 200)), box(0.32, 0.5, 0.52, 1.12, "prop"))
    pose = body((-0.12, 0.475), 4, (arm(0.16, y), (-12, -4)), (leg(-0.04, 0), leg(-0.2, 0)))
    hand = pose.hand()
    roller = (
        line(hand, (0.33, y + 0.03), color="line", width=0.022),
        line((0.35, y - 0.06), (0.35, y + 0.12), width=0.07),
    )
    return Drawing(pose, wall, (*roller, box(-0.62, 0.0, -0.44, 0.17)))


@WORK.add("pulling a sled")
def sled(phase: float) -> Drawing:
    step = 26 * wave(phase)
    pose = body((0.25, 0.45), 26, ((-50, -60), (-46, -56)), ((step + 6, step - 16), (-step + 6, -step - 16)))
    load = (
        box(-0.68, 0.12, -0.32, 0.34),
        line((-0.74, 0.08), (-0.26, 0.08), (-0.18, 0.16), color="line", width=0.03),
        line((-0.6, 0.08), (-0.6, 0.14), color="line"),
        line((-0.36, 0.08), (-0.36, 0.14), color="line"),
    )
    return Drawing(pose, (*load, line(pose.hand(), (-0.22, 0.16), color="line", width=0.016)))
