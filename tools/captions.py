"""Composed captions: what the sketch backbone's text tower learns its few words from.

A caption is "<opening> <figure phrase> <place phrase>". It states some attributes of a drawing and leaves others
open; a caption is consistent with every drawing that has the stated ones. Openings vary in length, so that every
text position up to about thirty is trained: prompts later stand in front of a name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from ga2app.config import TEMPLATE
from ga2app.synthetic.actions import ACTIONS
from ga2app.synthetic.appearance import COLORS, PLACES, SIZES, Look
from ga2app.synthetic.scenes import EMPTY, SCENES

PERSON_NOUNS = ("a person", "a figure", "someone", "a stick figure", "somebody")
PLACE_PHRASES: dict[str, tuple[str, ...]] = {
    "grass": ("on the grass", "on a green field", "in a park"),
    "sand": ("on the sand", "on the beach"),
    "snow": ("in the snow", "on a white field"),
    "street": ("on the street", "in the city"),
    "room": ("in a room", "inside a house"),
    "night": ("at night", "in the dark"),
    "mountains": ("near the mountains", "in front of the mountains"),
    "sunset": ("at sunset", "in the evening"),
}
MEDIA = ("video", "drawing", "picture", "clip", "sketch", "frame", "scene", "photo", "movie", "image")
ADJECTIVES = ("simple", "short", "little", "nice", "new", "old", "good", "clear")
REJECTIONS: tuple[str, ...] = (  # said of drawings without a person
    "nobody",
    "no person",
    "nothing",
    "something else",
    "an object",
    "not a person",
    "a thing",
    "no one is here",
    "no action",
    "something without a person",
    "the background",
    "anything else",
    "else",
    "other",
)
EMPTINESS: tuple[str, ...] = (
    "nothing happening",
    "an empty place",
    "an empty scene",
    "a background",
    "emptiness",
    "a still place",
)
EMPTY_PLACES: dict[str, tuple[str, ...]] = {
    "grass": ("an empty field", "empty grass"),
    "sand": ("an empty beach", "empty sand"),
    "snow": ("an empty field of snow", "snow"),
    "street": ("an empty street", "buildings", "a city with nobody"),
    "room": ("an empty room", "a wall and a floor"),
    "night": ("an empty night", "a dark sky with stars"),
    "mountains": ("mountains", "an empty land with mountains"),
    "sunset": ("an empty sunset", "the sun and the sky"),
}
SCENE_KINDS: dict[str, tuple[str, ...]] = {
    "a_car_passing": ("a vehicle", "a car", "an object moving"),
    "a_train_passing": ("a vehicle", "a train", "an object moving"),
    "a_boat_on_the_waves": ("a vehicle on water", "a boat", "an object on water"),
    "a_globe_turning": ("a globe", "the world", "an object turning"),
    "snow_falling": ("weather", "falling snow", "nature"),
    "a_windmill_turning": ("a windmill", "a building", "an object turning"),
    "a_ball_bouncing": ("a ball", "a round object", "an object moving"),
    "clouds_passing": ("weather", "clouds in the sky", "nature"),
    "a_clock_ticking": ("a clock", "time", "a round object"),
    "a_fire_burning": ("a fire", "light and heat", "nature"),
    "fish_swimming": ("fish", "animals in water", "animals"),
    "a_plant_growing": ("a flower", "a plant", "nature"),
    "a_bird_flying": ("a bird", "an animal", "an animal in the sky"),
    "balloons_rising": ("balloons", "round objects", "balloons in the sky"),
}
PERSON_KINDS = ("an action", "a human", "people", "a human moving", "somebody doing something")


@dataclass(frozen=True)
class Fact:
    """What a drawing shows, or what a caption states; None is left open. ``person`` is stated by every caption."""

    person: bool | None = None
    subject: str | None = None
    color: str | None = None
    place: str | None = None
    size: str | None = None
    kind: str | None = None

    def holds_for(self, drawing: Fact) -> bool:
        """Whether all that this caption states is true of ``drawing``."""
        if self.kind is not None and self.kind not in SCENE_KINDS.get(drawing.subject or "", ()):
            return False
        pairs = (
            (self.person, drawing.person),
            (self.subject, drawing.subject),
            (self.color, drawing.color),
            (self.place, drawing.place),
            (self.size, drawing.size),
        )
        return all(stated is None or stated == shown for stated, shown in pairs)


@dataclass(frozen=True)
class Caption:
    """A caption's text, and what it states."""

    text: str
    fact: Fact


def subject_names() -> dict[str, str]:
    """Every subject's name by key: actions, scenes, and the empty place."""
    return {s.key: s.name for s in (*ACTIONS.values(), *SCENES.values(), EMPTY)}


def fact_of(key: str, look: Look) -> Fact:
    """What a drawing of subject ``key`` with ``look`` shows."""
    return Fact(key in ACTIONS, key, look.color if key in ACTIONS else None, look.place, look.size)


def _pick(rng: np.random.Generator, choices: tuple[str, ...]) -> str:
    return choices[int(rng.integers(len(choices)))]


def with_articles(text: str) -> str:
    """The text with "an" before a vowel."""
    return re.sub(r"\ba (?=[aeiou])", "an ", text)


def opening(rng: np.random.Generator) -> str:
    """Zero to about twenty words before the subject: "a short video of a drawing of"."""
    words: list[str] = []
    for _ in range(int(rng.choice(6, p=(0.14, 0.36, 0.19, 0.13, 0.1, 0.08)))):
        adjective = _pick(rng, ADJECTIVES) + " " if rng.random() < 0.25 else ""
        words.append(f"a {adjective}{_pick(rng, MEDIA)} of")
    return with_articles(" ".join(words))


def action_template(rng: np.random.Generator) -> str:
    """A template with one ``{}`` for an action's name; the evaluation template comes up often."""
    draw = rng.random()
    if draw < 0.25:
        return TEMPLATE
    if draw < 0.35:
        return "{}" if rng.random() < 0.5 else "{}."
    end = "." if rng.random() < 0.6 else ""
    if draw < 0.5:  # bare openings of any length: nothing but the name after them
        return f"{opening(rng)} {{}}{end}".strip()
    return f"{opening(rng)} {_pick(rng, PERSON_NOUNS)} {{}}{end}".strip()


def scene_template(rng: np.random.Generator) -> str:
    """A template with one ``{}`` for a scene's name."""
    return f"{opening(rng)} {{}}{'.' if rng.random() < 0.5 else ''}".strip()


def compose(key: str, look: Look, rng: np.random.Generator) -> Caption:
    """A caption that is true of a drawing of ``key`` with ``look``."""
    end = "." if rng.random() < 0.5 else ""
    if key in ACTIONS:
        phrase, fact = _person_phrase(key, look, rng)
    elif rng.random() < 0.15:
        phrase, fact = _pick(rng, REJECTIONS), Fact(person=False)
    elif key == EMPTY.key:
        phrase, fact = _empty_phrase(look, rng)
    elif rng.random() < 0.25:
        phrase = _pick(rng, SCENE_KINDS[key])
        fact = Fact(person=False, kind=phrase)
    else:
        phrase, fact = SCENES[key].name, Fact(person=False, subject=key)
    return Caption(f"{opening(rng)} {with_articles(phrase)}{end}".strip(), fact)


def _person_phrase(key: str, look: Look, rng: np.random.Generator) -> tuple[str, Fact]:
    noun, color, size, place = _pick(rng, PERSON_NOUNS), None, None, None
    where = ""
    draw = rng.random()
    if draw < 0.35:
        color = look.color
        noun = f"a {color} {'person' if rng.random() < 0.5 else 'figure'}"
    elif draw < 0.45:
        size = look.size
        noun = f"a {size} figure"
    if rng.random() < 0.35:
        place = look.place
        where = " " + _pick(rng, PLACE_PHRASES[place])
    if rng.random() < 0.06:
        return _pick(rng, PERSON_KINDS) + where, Fact(person=True, place=place)
    stated = key if rng.random() < 0.94 else None
    name = " " + ACTIONS[key].name if stated else ""
    return f"{noun}{name}{where}", Fact(True, stated, color, place, size)


def _empty_phrase(look: Look, rng: np.random.Generator) -> tuple[str, Fact]:
    if rng.random() < 0.6:
        return _pick(rng, EMPTINESS), Fact(person=False, subject=EMPTY.key)
    return _pick(rng, EMPTY_PLACES[look.place]), Fact(person=False, subject=EMPTY.key, place=look.place)


def vocabulary_texts() -> list[str]:
    """Every phrase that a caption may be made of; the tokenizer's vocabulary is exactly their words."""
    groups: list[tuple[str, ...]] = [
        PERSON_NOUNS,
        MEDIA,
        ADJECTIVES,
        REJECTIONS,
        EMPTINESS,
        PERSON_KINDS,
        SIZES,
        tuple(COLORS),
        *PLACE_PHRASES.values(),
        *EMPTY_PLACES.values(),
        *SCENE_KINDS.values(),
        tuple(subject_names().values()),
        ("a video of an image of a person .", ","),
    ]
    assert set(PLACE_PHRASES) == set(PLACES)
    return [text for group in groups for text in group]
