"""Actions of sport."""

from __future__ import annotations

import math

from ga2app.synthetic.figure import (  # isort: skip
    Drawing, Registry, Shape, arc, arm, body, box, disc, leg, line, mix, polar, polygon, ring, rise, shift, spin,
    swing, wave,
)  # fmt: skip

SPORT = Registry(person=True)


@SPORT.add("kicking a ball")
def kicking(phase: float) -> Drawing:
    back = swing(phase, 0.3)
    thigh = mix(62, -48, back)
    ball_x = 0.28 if phase < 0.82 else 0.28 + 1.6 * (phase - 0.82)
    pose = body((-0.1, 0.47), -6 + 14 * back, ((-30, -10), (40, 60)), ((thigh, thigh - 40 * back), (-2, -6)))
    return Drawing(pose, front=(disc((ball_x, 0.075), 0.075),))


@SPORT.add("dribbling a ball")
def dribbling(phase: float) -> Drawing:
    height = abs(math.cos(math.pi * phase))
    ball = (0.25, mix(0.08, 0.46, height))
    pose = body((-0.05, 0.42), 20, (arm(0.25, mix(0.38, 0.55, height)), (-25, 20)), (leg(0.12, 0.0), leg(-0.22, 0.0)))
    return Drawing(pose, front=(disc(ball, 0.085),))


@SPORT.add("shooting a basketball")
def basketball(phase: float) -> Drawing:
    crouch = max(0.0, 1 - phase / 0.35)
    hop = max(0.0, math.sin(math.pi * (phase - 0.3) / 0.7))
    pose = body(
        (-0.28, mix(0.48, 0.36, crouch) + 0.08 * hop),
        6 + 8 * crouch,
        ((mix(160, 120, crouch), mix(165, 190, crouch)), (mix(150, 110, crouch), mix(160, 185, crouch))),
        (leg(-0.24, 0.08 * hop), leg(-0.36, 0.08 * hop)),
    )
    hand = pose.hand()
    flight = max(0.0, (phase - 0.5) / 0.5)
    ball = (mix(hand[0] + 0.02, 0.44, flight), mix(hand[1] + 0.08, 1.02, flight) + 0.3 * math.sin(math.pi * flight))
    hoop = (
        line((0.68, 0.0), (0.68, 1.25), color="line", width=0.035),
        box(0.6, 0.92, 0.65, 1.28, "line"),
        line((0.6, 0.95), (0.36, 0.95), color=(225, 60, 40), width=0.035),
        line((0.37, 0.94), (0.41, 0.8), (0.55, 0.8), (0.59, 0.94), color="line", width=0.015),
    )
    return Drawing(pose, hoop, (disc(ball, 0.075),))


@SPORT.add("swinging a baseball bat")
def bat(phase: float) -> Drawing:
    back = swing(phase, 0.3)
    angle = mix(75, 205, back)
    hands = (mix(0.26, 0.02, back), mix(0.62, 0.8, back))
    pose = body((0.0, 0.46), 4, (arm(*hands), arm(hands[0] - 0.02, hands[1] - 0.02)), (leg(0.16, 0.0), leg(-0.18, 0.0)))
    hand = pose.hand()
    tip = polar(hand, angle, 0.44)
    middle = polar(hand, angle, 0.2)
    ball_x = mix(0.75, 0.4, min(1.0, phase / 0.85))
    return Drawing(
        pose, front=(line(hand, middle, width=0.03), line(middle, tip, width=0.06), disc((ball_x, 0.66), 0.045, "line"))
    )


@SPORT.add("playing golf")
def golf(phase: float) -> Drawing:
    back = swing(phase, 0.3)
    angle = mix(22, -150, back)
    hands = (mix(0.2, -0.12, back), mix(0.42, 0.62, back))
    pose = body((-0.08, 0.45), 32, (arm(*hands), arm(hands[0], hands[1] + 0.01)), (leg(0.03, 0.0), leg(-0.16, 0.0)))
    tip = polar(pose.hand(), angle, 0.42)
    hole = (
        line((0.66, 0.0), (0.66, 0.5), color="line", width=0.02),
        polygon((0.66, 0.5), (0.66, 0.36), (0.5, 0.43), color=(230, 50, 50)),
    )
    return Drawing(pose, hole, (line(pose.hand(), tip, width=0.025), disc(tip, 0.04), disc((0.36, 0.03), 0.03, "line")))


@SPORT.add("lifting a barbell")
def barbell(phase: float) -> Drawing:
    share = rise(phase)
    height = mix(0.72, 1.1, share)
    pose = body(
        (0.0, mix(0.42, 0.475, share)),
        0,
        (arm(0.1, height), (-mix(40, 165, share), -mix(215, 170, share))),
        (leg(0.12, 0), leg(-0.12, 0)),
    )
    bar = (
        line((-0.5, height), (0.5, height), width=0.03),
        box(-0.48, height - 0.15, -0.39, height + 0.15),
        box(0.39, height - 0.15, 0.48, height + 0.15),
    )
    return Drawing(pose, front=bar)


@SPORT.add("jumping rope")
def jump_rope(phase: float) -> Drawing:
    hop = 0.1 * max(0.0, -math.cos(2 * math.pi * phase))
    pose = body((0.0, 0.475 + hop), 0, ((40, 80), (-40, -80)), ((5, -6), (-5, -12)))
    loop = math.cos(2 * math.pi * phase)
    low, high = pose.hand(1), pose.hand(0)
    end = mix(0.0, 1.25, (loop + 1) / 2)
    curve = []
    for index in range(13):
        share = index / 12
        bulge = math.sin(math.pi * share) ** 0.6
        curve.append((mix(low[0], high[0], share) + 0.12 * (share - 0.5) * bulge, mix(low[1], end, bulge)))
    return Drawing(pose, front=(line(*curve, width=0.025),))


@SPORT.add("heading a ball")
def heading(phase: float) -> Drawing:
    hop = rise(phase)
    pose = body(
        (0.0, 0.47 + 0.12 * hop), -12 + 24 * hop, ((-50, -20), (50, 80)), ((20 * hop, -40 * hop), (-5, -50 * hop))
    )
    ball = (pose.head[0] + 0.05 + 0.22 * (1 - hop), pose.head[1] + 0.165 + 0.2 * (1 - hop))
    return Drawing(pose, front=(disc(ball, 0.08),))


@SPORT.add("doing pull ups")
def pull_ups(phase: float) -> Drawing:
    hip_y = mix(0.56, 0.8, rise(phase))
    pose = body((0.0, hip_y), 0, (arm(0.13, 1.2), (-20, 0)), ((6, -12), (-2, -22)))
    far = body((0.0, hip_y), 0, ((-20, 0), arm(0.13, 1.2))).arms
    mirrored = tuple((-x, y) for x, y in far[1])
    pose = type(pose)(pose.hip, pose.neck, pose.head, (pose.arms[0], mirrored), pose.legs)
    bar = (line((-0.42, 0.0), (-0.42, 1.2), (0.42, 1.2), (0.42, 0.0), color="line", width=0.035),)
    return Drawing(pose, bar)


@SPORT.add("boxing")
def boxing(phase: float) -> Drawing:
    left, right = rise(phase), rise(phase + 0.5)
    pose = body(
        (0.0, 0.45),
        8,
        (arm(mix(0.16, 0.42, left), 0.74), arm(mix(0.14, 0.42, right), 0.7)),
        (leg(0.17, 0.0), leg(-0.18, 0.0)),
    )
    gloves = (disc(pose.hand(0), 0.075, (220, 40, 40)), disc(pose.hand(1), 0.075, (220, 40, 40)))
    return Drawing(
        pose, (line((0.55, 1.4), (0.55, 1.05), color="line", width=0.02), box(0.46, 0.45, 0.64, 1.05)), gloves
    )


@SPORT.add("fencing")
def fencing(phase: float) -> Drawing:
    lunge = swing(phase, 0.6)
    hip = (mix(-0.1, 0.06, lunge), mix(0.42, 0.3, lunge))
    pose = body(
        hip,
        8 * lunge,
        (arm(hip[0] + mix(0.2, 0.33, lunge), hip[1] + 0.26), (-120, -165)),
        (leg(mix(0.1, 0.38, lunge), 0), leg(-0.34, 0)),
    )
    hand = pose.hand()
    return Drawing(
        pose,
        front=(
            line(hand, (hand[0] + 0.46, hand[1] + 0.04), color="line", width=0.02),
            ring(hand, 0.04, color="line", width=0.02),
        ),
    )


@SPORT.add("shooting a bow and arrow")
def archery(phase: float) -> Drawing:
    draw = swing(phase, 0.12)
    pose = body((-0.06, 0.475), -2, (arm(0.25, 0.77), arm(mix(0.22, -0.08, draw), 0.77)), (leg(0.08, 0), leg(-0.2, 0)))
    hand, pull = pose.hand(0), pose.hand(1)
    bow = arc((hand[0] - 0.2, hand[1]), 0.28, 25, 155, width=0.035)
    string = line(bow.points[0], pull, bow.points[-1], color="line", width=0.014)
    arrow_tail = pull[0] if phase < 0.88 else pull[0] + 3 * (phase - 0.88)
    return Drawing(
        pose, front=(bow, string, line((arrow_tail, hand[1]), (arrow_tail + 0.46, hand[1]), color="line", width=0.022))
    )


@SPORT.add("spinning a hula hoop")
def hula_hoop(phase: float) -> Drawing:
    sway, bob = wave(phase), wave(phase, 0.25)
    pose = body((0.05 * sway, 0.475), -4 * sway, ((120, 165), (-120, -165)), (leg(0.06, 0), leg(-0.06, 0)))
    hoop = ring((0.05 * sway + 0.05 * bob, 0.5 + 0.02 * bob), 0.3, 0.075 + 0.03 * sway, width=0.035)
    return Drawing(pose, front=(hoop,))


@SPORT.add("swimming")
def swimming(phase: float) -> Drawing:
    stroke = 360 * phase
    kick = 12 * wave(3 * phase)
    pose = body(
        (-0.08, 0.07),
        84,
        ((90 - stroke, 95 - stroke), (270 - stroke, 275 - stroke)),
        ((-88 + kick, -92 + kick), (-88 - kick, -92 - kick)),
        nod=70,
    )
    return Drawing(pose, ground="water")


@SPORT.add("hitting a tennis ball")
def tennis(phase: float) -> Drawing:
    back = swing(phase, 0.35)
    angle = mix(105, -70, back)
    pose = body(
        (-0.08, 0.46),
        mix(12, -6, back),
        ((mix(85, -65, back), mix(100, -45, back)), (55, 85)),
        (leg(0.12, 0), leg(-0.22, 0)),
    )
    hand = pose.hand()
    grip, center = polar(hand, angle, 0.12), polar(hand, angle, 0.24)
    ball = (mix(0.75, 0.35, min(1.0, phase / 0.9)), 0.78 - 0.06 * wave(phase / 2))
    net = (
        line((0.74, 0.0), (0.74, 0.3), color="line", width=0.03),
        line((0.74, 0.29), (0.95, 0.29), color="line", width=0.02),
    )
    return Drawing(
        pose,
        net,
        (line(hand, grip, width=0.03), ring(center, 0.1, 0.12, width=0.03), disc(ball, 0.045, (215, 235, 40))),
    )


@SPORT.add("bowling")
def bowling(phase: float) -> Drawing:
    back = swing(phase, 0.45)
    reach = mix(50, -65, back)
    pose = body((-0.32, 0.36), mix(38, 24, back), ((reach, reach), (-70, -60)), (leg(-0.12, 0), leg(-0.66, 0.04)))
    ball = pose.hand() if phase < 0.9 else (0.1 + 3 * (phase - 0.9), 0.08)
    pins: list[Shape] = []
    for x in (0.48, 0.57, 0.66):
        pins += [
            polygon((x - 0.03, 0), (x + 0.03, 0), (x + 0.012, 0.2), (x - 0.012, 0.2), color="line"),
            disc((x, 0.21), 0.028, "line"),
        ]
    return Drawing(pose, tuple(pins), (disc(ball, 0.08),))


@SPORT.add("doing a somersault")
def somersault(phase: float) -> Drawing:
    pose = body((0.0, 0.3), 60, ((60, 10), (55, 5)), ((120, -10), (115, -14)), nod=110)
    pose = spin(pose, 360 * phase, (0.12, 0.42))
    return Drawing(shift(pose, -0.1, 0.12 + 0.35 * rise(phase)))
