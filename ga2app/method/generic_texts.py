"""The generic attribute vocabulary: texts that have nothing to do with any label, and must keep their meaning.

It is what the terms ``keep``, ``relate`` and ``vocabulary`` compare relations over (paper, abstract: "the generic
relevance of the attributes in the pre-trained semantic space"). Besides the anchors' captions and the negative
prompts it holds the attributes of this module and the class names that the hard prompt was learned on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from ga2app.config import TEMPLATE
from ga2app.labels import label_key, spoken

_COLORS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white")
_SIZES = ("small", "medium", "large")
_PLACES = (
    "on the grass",
    "on a green field",
    "in a park",
    "on the sand",
    "on the beach",
    "in the snow",
    "on a white field",
    "on the street",
    "in the city",
    "in a room",
    "inside a house",
    "at night",
    "in the dark",
    "near the mountains",
    "in front of the mountains",
    "at sunset",
    "in the evening",
)

ATTRIBUTES: tuple[str, ...] = (
    *(f"a {color} figure" for color in _COLORS),
    *(f"a person {place}" for place in _PLACES),
    *(f"a {size} person" for size in _SIZES),
)
"""Colors, places and sizes, said of a person: near to what labels say, and true of clips of any label."""


class GenericText(NamedTuple):
    """``text`` as the frozen tower reads it, and ``name`` as it stands behind the prompts."""

    text: str
    name: str


def generic_texts(
    said: Iterable[str],
    class_names: Iterable[str],
    labels: Sequence[str],
    *,
    attributes: bool,
    known: Callable[[str], bool] = lambda text: True,
) -> list[GenericText]:
    """The vocabulary: captions and negatives (``said``), the attributes, and ``class_names`` of other data.

    Each once, none of them one of ``labels``; attributes and class names only where they are ``known``.
    """
    taken = {label_key(label) for label in labels}
    own = [GenericText(f"{spoken(text)}.", text) for text in said if text.strip()]
    wider = [GenericText(f"{text}.", text) for text in (ATTRIBUTES if attributes else ())]
    wider += [GenericText(TEMPLATE.format(spoken(name)), name) for name in class_names if name.strip()]
    found: dict[str, GenericText] = {}
    for entry in (*own, *(entry for entry in wider if known(entry.name))):
        if label_key(entry.name) not in taken:
            found.setdefault(label_key(entry.name), entry)
    return list(found.values())
