"""Labels as people type them and as data sets write them, made into class names."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from ga2app.errors import LabelError


def spoken(label: str) -> str:
    """A class name as the text tower is to read it: underscores are spaces, runs of space are one."""
    return " ".join(label.replace("_", " ").split())


def in_words(name: str) -> str:
    """A class name of a data set as words: "PlayingViolin" is "playing violin", "[something]" is "something".

    Square brackets fall away, underscores and runs of space become one space, and a name that has spaces then is done.
    A single word is split as CamelCase. A capital begins a word after a small letter, and before a small letter
    ("TVShow": TV show); a digit begins one after small letters ("Jump3Times": jump 3 times) and otherwise stays where
    it is ("3DPrinting": 3D printing, "4x4Racing": 4x4 racing). Words are written small, except those of several
    capitals ("DJMixing": DJ mixing).

    ``spoken`` does none of this: what somebody typed ("YouTube", "iPhone") is not taken apart.
    """
    tidy = spoken(name.replace("[", "").replace("]", ""))
    if " " in tidy:
        return tidy
    words = [tidy[:1]]
    for before, letter, after in zip(tidy, tidy[1:], tidy[2:] + " ", strict=False):
        small_before = before.islower() and (letter.isupper() or (letter.isdigit() and words[-1][-2:].isalpha()))
        last_capital = letter.isupper() and after.islower() and (before.isupper() or before.isdigit())
        if small_before or last_capital:
            words.append("")
        words[-1] += letter
    return " ".join(word if len(word) > 1 and word.isupper() else word.lower() for word in words)


@lru_cache(maxsize=4096)
def name_key(name: str) -> str:
    """What two spellings of one class name have in common: "HandStandPushups" and "handstand_pushups" are the same."""
    return "".join(letter for letter in name.casefold() if letter.isalnum()) or name.casefold()


def check_labels(labels: Iterable[str]) -> tuple[list[str], list[str]]:
    """Class names and notes: spaces tidied, underscores made spaces, duplicates and blanks dropped with a note.

    Two labels that differ in case only are one, because CLIP reads lower case. Raises LabelError when fewer than
    two are left.
    """
    names: dict[str, str] = {}
    double: list[str] = []
    for label in labels:
        name = spoken(label)
        if not name:
            continue
        if name.lower() in names:
            double.append(name)
        else:
            names[name.lower()] = name
    if not names:
        raise LabelError("no labels were given; type at least two, separated by commas, for example: walking, running")
    if len(names) == 1:
        only = next(iter(names.values()))
        raise LabelError(
            f"'{only[:60]}' is the only label, and one alone always gets 100 %; add at least one other to compare with"
        )
    notes = [f"{_listed(double)} given more than once; counted once"] if double else []
    return list(names.values()), notes


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"'{name[:60]}'" for name in dict.fromkeys(names[:5]))
    return shown + (", …" if len(names) > 5 else "")
