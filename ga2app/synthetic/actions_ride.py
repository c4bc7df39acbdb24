"""Actions on something that carries the figure."""

from __future__ import annotations

from ga2app.synthetic.figure import (  # isort: skip
    Drawing, Registry, Shape, arc, arm, body, disc, leg, line, mix, polar, polygon, ring, rise, wave,
)  # fmt: skip

RIDE = Registry(person=True)


def _wheel(center: tuple[float, float], radius: float, phase: float) -> tuple[Shape, ...]:
    turned = 360 * phase
    spokes = [
        line(polar(center, turned + a, radius), polar(center, turned + a + 180, radius), color="line", width=0.018)
        for a in (0, 60, 120)
    ]
    return ring(center, radius, color="line", width=0.032), *spokes


@RIDE.add("driving a car")
def driving(phase: float) -> Drawing:
    bump = 0.015 * wave(2 * phase)
    pose = body(
        (-0.1, 0.24 + bump),
        -8,
        (arm(0.17, 0.44 + bump + 0.03 * wave(phase)), arm(0.19, 0.42 + bump)),
        ((80, 60), (76, 56)),
    )
    chassis = (
        polygon((-0.55, 0.1 + bump), (0.6, 0.1 + bump), (0.6, 0.27 + bump), (0.24, 0.34 + bump), (-0.55, 0.34 + bump)),
        line((0.24, 0.34 + bump), (0.13, 0.66 + bump), color="line", width=0.025),
        line((0.17, 0.36 + bump), (0.2, 0.48 + bump), color="line", width=0.03),
    )
    return Drawing(pose, front=(*chassis, *_wheel((-0.32, 0.1), 0.11, phase), *_wheel((0.36, 0.1), 0.11, phase)))


@RIDE.add("riding a bicycle")
def bicycle(phase: float) -> Drawing:
    crank = (0.0, 0.2)
    pedal, other = polar(crank, -360 * phase, 0.09), polar(crank, 180 - 360 * phase, 0.09)
    pose = body((-0.12, 0.56), 32, (arm(0.27, 0.56), arm(0.28, 0.55)), (leg(*pedal), leg(*other)), nod=12)
    frame = (
        line((-0.3, 0.19), (-0.1, 0.46), (0.22, 0.46), (0.0, 0.2), (-0.3, 0.19), width=0.028),
        line((-0.12, 0.52), (0.0, 0.2), width=0.028),
        line((0.32, 0.19), (0.21, 0.56), (0.3, 0.58), width=0.028),
        line(pedal, other, color="line", width=0.025),
    )
    return Drawing(pose, (*_wheel((-0.3, 0.19), 0.19, phase), *_wheel((0.32, 0.19), 0.19, phase), *frame))


@RIDE.add("riding a motorcycle")
def motorcycle(phase: float) -> Drawing:
    bump = 0.015 * wave(2 * phase)
    pose = body(
        (-0.16, 0.42 + bump),
        24,
        (arm(0.2, 0.55 + bump), arm(0.21, 0.54 + bump)),
        (leg(0.06, 0.16), leg(0.08, 0.15)),
        nod=5,
    )
    engine = (
        polygon((-0.4, 0.34 + bump), (-0.05, 0.38 + bump), (0.2, 0.44 + bump), (0.16, 0.14), (-0.22, 0.14)),
        line((0.38, 0.15), (0.2, 0.56 + bump), width=0.045),
        disc((-0.6 - 0.08 * phase, 0.2 + 0.06 * phase), 0.03 + 0.03 * phase, (170, 170, 170)),
    )
    return Drawing(pose, (*_wheel((-0.36, 0.15), 0.15, phase), *_wheel((0.38, 0.15), 0.15, phase)), engine)


@RIDE.add("riding a horse")
def horse(phase: float) -> Drawing:
    gallop = wave(phase)
    lift = 0.03 * wave(2 * phase)
    trunk = [(-0.3, 0.42), (0.22, 0.42), (0.26, 0.28), (-0.3, 0.26)]
    legs = []
    for x, offset in ((-0.26, 0.0), (-0.2, 0.5), (0.16, 0.25), (0.22, 0.75)):
        knee = polar((x, 0.3 + lift), 28 * wave(phase, offset), 0.15)
        legs.append(line((x, 0.3 + lift), knee, polar(knee, 28 * wave(phase, offset) - 18, 0.15), width=0.05))
    head = (
        polygon((0.16, 0.4 + lift), (0.26, 0.3 + lift), (0.5, 0.62 + lift), (0.38, 0.68 + lift)),
        polygon((0.38, 0.7 + lift), (0.42, 0.58 + lift), (0.62, 0.5 + lift), (0.63, 0.57 + lift)),
    )
    tail = line((-0.3, 0.4 + lift), (-0.42, 0.32 + 0.05 * gallop), (-0.46, 0.18 + 0.05 * gallop), width=0.035)
    animal = (*legs, polygon(*((x, y + lift) for x, y in trunk)), *head, tail)
    seat = 0.45 + 0.05 * wave(phase, 0.2)
    pose = body((-0.06, seat), 6 + 6 * gallop, (arm(0.22, 0.62), arm(0.22, 0.6)), ((48, -4), (44, -8)))
    return Drawing(pose, animal)


@RIDE.add("rowing a boat")
def rowing(phase: float) -> Drawing:
    pull = rise(phase)
    boat = polygon((-0.55, 0.16), (0.55, 0.16), (0.38, -0.06), (-0.4, -0.06))
    pose = body(
        (-0.1, 0.15),
        mix(28, -25, pull),
        (arm(mix(0.34, 0.08, pull), 0.36), arm(mix(0.32, 0.06, pull), 0.37)),
        ((78, 60), (74, 58)),
    )
    hand = pose.hand()
    oar = line(
        (hand[0] - 0.05, hand[1] + 0.03),
        (mix(0.1, 0.62, pull), mix(-0.1, -0.06, wave(phase))),
        color="line",
        width=0.028,
    )
    return Drawing(pose, front=(boat, oar, disc(oar.points[-1], 0.05, "line")), ground="water")


@RIDE.add("riding a skateboard")
def skateboard(phase: float) -> Drawing:
    sway = wave(phase)
    hop = 0.12 * max(0.0, wave(phase, 0.1))
    deck = 0.09 + hop
    pose = body(
        (0.0, deck + 0.37),
        6 * sway,
        ((75 + 10 * sway, 95), (-80, -100 - 12 * sway)),
        (leg(0.16, deck + 0.02), leg(-0.14, deck + 0.02)),
    )
    tilt = 0.05 * sway
    board = (
        line(
            (-0.3, deck + 0.05 - tilt),
            (-0.22, deck - tilt / 2),
            (0.24, deck + tilt / 2),
            (0.32, deck + 0.05 + tilt),
            width=0.04,
        ),
        disc((-0.16, deck - 0.05), 0.045, "line"),
        disc((0.18, deck - 0.05), 0.045, "line"),
    )
    return Drawing(pose, front=board)


@RIDE.add("skiing")
def skiing(phase: float) -> Drawing:
    push = rise(phase)
    hill = polygon((-2.4, 0.79), (2.4, -0.67), (2.4, -1.2), (-2.4, -1.2), color=(240, 245, 255))
    hip = (-0.12, mix(0.4, 0.32, push) + 0.05)
    pose = body(
        hip,
        mix(22, 48, push),
        (arm(0.18, mix(0.6, 0.46, push)), arm(0.16, mix(0.62, 0.48, push))),
        (leg(0.05, 0.08), leg(-0.03, 0.1)),
    )
    skis = (
        line((-0.4, 0.19), (0.42, -0.05), (0.48, -0.03), width=0.035),
        line((-0.34, 0.22), (0.48, -0.02), width=0.03),
    )
    hand = pose.hand()
    pole = line(hand, (hand[0] - mix(0.1, 0.5, push), hand[1] - 0.42), color="line", width=0.02)
    return Drawing(pose, (hill,), (*skis, pole))


@RIDE.add("surfing")
def surfing(phase: float) -> Drawing:
    sway = wave(phase)
    deck = 0.1 + 0.05 * wave(phase, 0.2)
    pose = body(
        (0.0, deck + 0.31),
        16 + 8 * sway,
        ((85 + 14 * sway, 80), (-95 + 14 * sway, -100)),
        (leg(0.2, deck + 0.02), leg(-0.2, deck + 0.02)),
    )
    board = polygon(
        (-0.45, deck - 0.02),
        (-0.3, deck - 0.05),
        (0.36, deck - 0.04 + 0.03 * sway),
        (0.52, deck + 0.06 + 0.03 * sway),
        (0.36, deck + 0.03),
        (-0.38, deck + 0.03),
    )
    curl = arc((0.55, 0.05), 0.42, 300, 150, color=(235, 245, 255), width=0.04)
    return Drawing(pose, (curl,), (board,), "water")


@RIDE.add("swinging on a swing")
def on_swing(phase: float) -> Drawing:
    angle = 34 * wave(phase)
    pivot = (0.0, 1.32)
    seat = polar(pivot, angle, 0.95)
    tuck = mix(20, 75, (wave(phase) + 1) / 2)
    pose = body(
        seat,
        -angle * 0.7,
        (arm(*polar(pivot, angle, 0.62)), arm(*polar(pivot, angle, 0.6))),
        ((80 + angle, tuck), (76 + angle, tuck - 8)),
    )
    beam = (line((-0.45, 0.0), (-0.3, 1.32), (0.3, 1.32), (0.45, 0.0), color="line", width=0.035),)
    left, right = (-0.06, 1.32), (0.06, 1.32)
    ropes = (
        line(left, (seat[0] - 0.05, seat[1] - 0.03)),
        line(right, (seat[0] + 0.07, seat[1] - 0.03)),
        line((seat[0] - 0.1, seat[1] - 0.03), (seat[0] + 0.12, seat[1] - 0.03), width=0.04),
    )
    return Drawing(pose, (*beam, *ropes))
