"""Every action of the sketch world by key, and which actions serve what."""

from __future__ import annotations

import math

from ga2app.synthetic.actions_leisure import LEISURE
from ga2app.synthetic.actions_ride import RIDE
from ga2app.synthetic.actions_sport import SPORT
from ga2app.synthetic.actions_work import WORK

from ga2app.synthetic.figure import (  # isort: skip
    Drawing, Limb, Registry, Subject, arm, body, box, leg, line, mix, rise, shift, spin, wave,
)  # fmt: skip

BODY = Registry(person=True)


def stride(phase: float, reach: float, lift: float, bend: float, hip: float) -> tuple[Limb, Limb]:
    """Two legs of a gait, half a phase apart: ``reach`` degrees of thigh swing, ``bend`` degrees of knee."""

    def one(moment: float) -> Limb:
        thigh = reach * wave(moment) + lift
        knee = bend * max(0.0, wave(moment, 0.2)) + 4
        return thigh, thigh - knee

    return one(phase), one(phase + 0.5)


@BODY.add("walking")
def walking(phase: float) -> Drawing:
    swing = 24 * wave(phase)
    hip = (0.0, 0.465 + 0.012 * math.cos(4 * math.pi * phase))
    arms: tuple[Limb, Limb] = ((-swing, -swing + 12), (swing, swing + 12))
    return Drawing(body(hip, 2, arms, stride(phase, 26, 2, 30, hip[1])))


@BODY.add("running")
def running(phase: float) -> Drawing:
    swing = 55 * wave(phase)
    hip = (0.0, 0.48 + 0.05 * abs(wave(phase)))
    arms: tuple[Limb, Limb] = ((-swing, -swing + 95), (swing, swing + 95))
    return Drawing(body(hip, 16, arms, stride(phase, 50, 14, 85, hip[1])))


@BODY.add("jumping")
def jumping(phase: float) -> Drawing:
    height = max(0.0, wave(phase, -0.15))
    crouch = max(0.0, -wave(phase, -0.15))
    hip = (0.0, 0.47 - 0.14 * crouch + 0.34 * height)
    raise_arms = mix(-40, 160, height if height > 0 else 1 - crouch if crouch < 0.3 else 0)
    arms: tuple[Limb, Limb] = ((raise_arms, raise_arms + 15), (raise_arms - 18, raise_arms))
    if height > 0:
        legs: tuple[Limb, Limb] = ((12 + 30 * height, -50 * height), (-4 + 20 * height, -65 * height))
    else:
        legs = (leg(0.03, 0.0), leg(-0.05, 0.0))
    return Drawing(body(hip, 20 * crouch, arms, legs))


@BODY.add("doing jumping jacks")
def jumping_jacks(phase: float) -> Drawing:
    share = rise(phase)
    spread = mix(4, 30, share)
    hip = (0.0, 0.475 - 0.03 * share + 0.06 * rise(2 * phase))
    lift = mix(15, 155, share)
    return Drawing(body(hip, 0, ((lift, lift + 8), (-lift, -lift - 8)), ((spread, spread), (-spread, -spread))))


@BODY.add("sitting on a chair")
def sitting(phase: float) -> Drawing:
    sway = wave(phase)
    pose = body((-0.05, 0.27), -3 + 3 * sway, ((20, 70 + 6 * sway), (12, 62)), ((88, 2), (84, -6)), nod=8 * sway)
    chair = (
        line((-0.13, 0.0), (-0.13, 0.24), (0.13, 0.24), (0.13, 0.0), color="line"),
        line((-0.13, 0.24), (-0.18, 0.62), color="line"),
    )
    return Drawing(pose, chair)


@BODY.add("lying down")
def lying(phase: float) -> Drawing:
    breath = 0.012 * rise(phase)
    pose = body((0.0, 0.48), 0, ((8, 3), (-4, -4)), ((3 + 20 * rise(phase), -3), (-2, -2)))
    pose = shift(spin(pose, -90, (0.0, 0.48)), 0.05, -0.42 + breath)
    return Drawing(pose, (box(-0.56, 0.0, -0.33, 0.05, "prop"),))


@BODY.add("waving a hand")
def waving(phase: float) -> Drawing:
    return Drawing(body(arms=((125, 178 + 32 * wave(2 * phase)), (-14, -6))))


@BODY.add("clapping hands")
def clapping(phase: float) -> Drawing:
    gap = 0.16 * rise(2 * phase)
    return Drawing(body(arms=(arm(0.24, 0.68 + gap), arm(0.24, 0.67 - gap))))


@BODY.add("doing a handstand")
def handstand(phase: float) -> Drawing:
    sway = wave(phase)
    pose = body((0.0, 0.48), 0, ((176, 178), (184, 182)), ((10 + 14 * sway, 4 + 14 * sway), (-10 + 14 * sway, -5)))
    return Drawing(shift(spin(pose, 180 + 4 * sway, (0.0, 0.48)), 0.0, 0.15))


@BODY.add("doing push ups")
def push_ups(phase: float) -> Drawing:
    shoulder = mix(0.32, 0.12, rise(phase))
    tilt = math.degrees(math.asin((shoulder - 0.05) / 0.78))
    direction = -90 + tilt
    hip_x, hip_y = -0.42 + 0.48 * math.cos(math.radians(tilt)), 0.05 + 0.48 * math.sin(math.radians(tilt))
    pose = body((hip_x, hip_y), 90 - tilt, (arm(0.34, 0.0), arm(0.36, 0.0)), ((direction, direction),) * 2, nod=75)
    return Drawing(pose)


@BODY.add("doing sit ups")
def sit_ups(phase: float) -> Drawing:
    lean = mix(-88, 15, rise(phase))
    pose = body((-0.05, 0.05), lean, ((lean + 215, lean + 330), (lean + 210, lean + 325)), ((140, 25), (135, 20)))
    return Drawing(pose)


@BODY.add("doing squats")
def squats(phase: float) -> Drawing:
    depth = rise(phase)
    hip = (-0.16 * depth, mix(0.475, 0.22, depth))
    return Drawing(body(hip, 28 * depth, ((88, 90), (92, 88)), (leg(0.03, 0.0), leg(-0.03, 0.0))))


@BODY.add("touching the toes")
def touching_toes(phase: float) -> Drawing:
    lean = mix(5, 125, rise(phase))
    reach = mix(120, 18, rise(phase))
    return Drawing(body((-0.05, 0.475), lean, ((reach, reach), (reach - 8, reach - 8)), ((2, 0), (-3, -2))))


@BODY.add("doing a cartwheel")
def cartwheel(phase: float) -> Drawing:
    pose = body((0.0, 0.48), 0, ((150, 152), (-150, -152)), ((32, 32), (-32, -32)))
    return Drawing(shift(spin(pose, 360 * phase, (0.0, 0.55)), 0.0, 0.02))


@BODY.add("crawling")
def crawling(phase: float) -> Drawing:
    step = 16 * wave(phase)
    legs: tuple[Limb, Limb] = ((step + 4, -92), (-step + 4, -88))
    arms: tuple[Limb, Limb] = ((step + 2, step + 6), (-step + 2, -step + 6))
    return Drawing(body((-0.16, 0.25), 78, arms, legs, nod=55))


@BODY.add("doing yoga")
def yoga(phase: float) -> Drawing:
    lift = rise(phase)
    hands = (0.0, mix(0.72, 1.14, lift))
    pose = body(
        (0.0, 0.478),
        1.5 * wave(phase),
        (arm(hands[0] + 0.01, hands[1]), (-mix(60, 165, lift), -mix(250, 190, lift))),
        ((72, -62), (0, 0)),
    )
    return Drawing(pose)


@BODY.add("dancing")
def dancing(phase: float) -> Drawing:
    beat, sway = wave(2 * phase), wave(phase)
    arms: tuple[Limb, Limb] = ((90 + 50 * sway, 150 + 60 * sway), (-90 + 50 * sway, -150 + 60 * sway))
    hip = (0.07 * sway, 0.44 + 0.02 * beat)
    return Drawing(body(hip, -12 * sway, arms, (leg(0.14, 0.05 * max(0, sway)), leg(-0.14, 0.05 * max(0, -sway)))))


@BODY.add("kneeling")
def kneeling(phase: float) -> Drawing:
    bow = 14 * rise(phase)
    return Drawing(body((-0.04, 0.27), bow, (arm(0.2, 0.6), arm(0.21, 0.58)), ((92, 0), (4, -90)), nod=bow + 15))


# The order is part of the pre-training recipe: a seed draws the same images only while it stays the same.
_ORDER = tuple(
    (
        "walking, running, jumping, doing jumping jacks, sitting on a chair, lying down, waving a hand, clapping "
        "hands, doing a handstand, doing push ups, doing sit ups, doing squats, touching the toes, doing a cartwheel, "
        "crawling, doing yoga, dancing, kneeling, kicking a ball, dribbling a ball, shooting a basketball, swinging a "
        "baseball bat, playing golf, lifting a barbell, jumping rope, heading a ball, doing pull ups, boxing, "
        "fencing, shooting a bow and arrow, spinning a hula hoop, riding a skateboard, skiing, swimming, rowing a "
        "boat, hitting a tennis ball, bowling, surfing, juggling balls, doing a somersault, climbing a ladder, flying "
        "a kite, playing the guitar, holding an umbrella, sweeping the floor, driving a car, riding a bicycle, riding "
        "a motorcycle, riding a horse, fishing, reading a book, swinging on a swing, drinking from a cup, talking on "
        "a phone, playing the drums, playing the piano, digging with a shovel, chopping wood with an axe, pushing a "
        "shopping cart, walking a dog, taking a photo, watering plants, hammering a nail, painting a wall, pulling a "
        "sled"
    ).split(", ")
)


def _in_order(*registries: Registry) -> dict[str, Subject]:
    by_name = {s.name: s for registry in registries for s in registry.subjects.values()}
    if set(by_name) != set(_ORDER):
        raise ValueError(f"actions without a place in the order: {sorted(set(by_name) ^ set(_ORDER))}")
    return {by_name[name].key: by_name[name] for name in _ORDER}


ACTIONS: dict[str, Subject] = _in_order(BODY, SPORT, RIDE, WORK, LEISURE)

DEMO_BASE = tuple(
    (
        "walking waving_a_hand kicking_a_ball riding_a_bicycle playing_the_guitar climbing_a_ladder "
        "sweeping_the_floor jumping_rope"
    ).split()
)
"""What the demo data set is trained on."""

DEMO_NOVEL = tuple(
    (
        "running clapping_hands dribbling_a_ball riding_a_motorcycle playing_the_piano flying_a_kite "
        "digging_with_a_shovel spinning_a_hula_hoop doing_a_cartwheel drinking_from_a_cup swinging_a_baseball_bat "
        "fishing reading_a_book skiing walking_a_dog lifting_a_barbell"
    ).split()
)
"""What the demo data set asks for without having trained on it."""

HARD_PROMPT_ACTIONS = tuple(
    (
        "jumping sitting_on_a_chair doing_a_handstand doing_squats dancing shooting_a_basketball playing_golf "
        "doing_pull_ups boxing riding_a_skateboard swimming rowing_a_boat driving_a_car riding_a_horse "
        "playing_the_drums pushing_a_shopping_cart watering_plants juggling_balls"
    ).split()
)
"""What the embedded hard prompt was trained on: disjoint from all of the demo."""
