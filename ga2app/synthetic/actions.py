"""Every action of the sketch world by key, and which actions serve what."""

from __future__ import annotations

from ga2app.synthetic.actions_body import BODY
from ga2app.synthetic.actions_leisure import LEISURE
from ga2app.synthetic.actions_ride import RIDE
from ga2app.synthetic.actions_sport import SPORT
from ga2app.synthetic.actions_work import WORK
from ga2app.synthetic.figure import Registry, Subject

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
