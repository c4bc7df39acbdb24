"""Which part of a data set a folder, a list or a value is for: "Train", "videos_train", "validation", "dev", "eval"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum


class Part(StrEnum):
    """The parts that data sets are kept in. Two of them are used: see ``drafts.with_parts``."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


_WORDS = {
    **dict.fromkeys("train training trn trainval".split(), Part.TRAIN),
    **dict.fromkeys("val valid validation validate validating dev devel development".split(), Part.VALIDATION),
    **dict.fromkeys("test testing tst eval evaluation heldout holdout".split(), Part.TEST),
}
_NEUTRAL = frozenset(
    "video videos clip clips data dataset datasets set sets split splits subset part list lists file files images "
    "frames rgb raw mini small full new final original resized cropped ucf hmdb kinetics ssv k".split()
)
"""Words beside the part's that say nothing of what the clips show."""

_COMPOUND = re.compile(r"(?:videos?|clips?|data)?([a-z]+?)(?:sets?|splits?|data|videos?|clips?|lists?|files?)?")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def part_of(text: str) -> Part | None:
    """The part that a folder's name or a value of a column names, with nothing else in it that could mean something."""
    found = _read(text)
    return found[0] if found and _neutral(found[1]) else None


def is_bare(text: str) -> bool:
    """Whether ``text`` is nothing but the word for a part: "train", "Test", "val"."""
    return text.strip().casefold() in _WORDS


def parts_of(names: Sequence[str]) -> dict[str, Part]:
    """The part of each name that has one, for names that stand side by side.

    A name may hold other words too, if all of them hold the same ("gym_train" and "gym_val"). Otherwise only neutral
    words may be beside the part's: "test_tube" and "train_station" are two classes.
    """
    read = {name: found for name in names if (found := _read(name))}
    rest = {words for _, words in read.values()}
    shared = len(rest) == 1 and len({part for part, _ in read.values()}) > 1
    return {name: part for name, (part, words) in read.items() if shared or _neutral(words)}


def _read(text: str) -> tuple[Part, tuple[str, ...]] | None:
    """The part in ``text``, and the words beside it."""
    words = [word for word in re.split(r"[^a-z]+", _CAMEL.sub("_", text.strip()).casefold()) if word]
    parts: list[Part] = []
    others: list[str] = []
    for word in words:
        match = _COMPOUND.fullmatch(word)
        part = _WORDS.get(word) or (_WORDS.get(match[1]) if match else None)
        if part:
            parts.append(part)
        else:
            others.append(word)
    if set(parts) == {Part.TRAIN, Part.VALIDATION}:
        return Part.TRAIN, tuple(others)
    return (parts[0], tuple(others)) if len(parts) == 1 else None


def _neutral(words: Sequence[str]) -> bool:
    return all(word in _NEUTRAL for word in words)
