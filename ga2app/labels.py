"""One notion of a label: its text as typed, the text that CLIP reads, and the key by which two are the same.

``tidy`` is for display, ``spoken`` for the text tower, ``label_key`` for every comparison. ``name_key`` is looser and
only finds classes in file paths and lists.

``parse_labels`` and ``format_labels`` are the one syntax of a list of labels, in text boxes, options, endpoints and
tools: labels are separated by commas or line breaks, and a label that holds one of these is in double quotes, as in a
CSV file: ``walking, "lifting up one end, then letting it drop"``.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from ga2app.errors import LabelError, shown
from ga2app.untrusted import text_fault

_INVISIBLE = dict.fromkeys(map(ord, "\ufeff\u200b\u2060\u00ad"), "")
"""Byte order mark, zero-width space, word joiner and soft hyphen. Joiners inside emoji stay."""

_BREAKS = ",\\n\\r\uff0c\u3001"
"""What stands between labels: comma, line break, full-width comma, enumeration comma of Chinese and Japanese."""

_QUOTED = re.compile(rf'[^\S\n\r]*"((?:[^"\n\r]|"")*)"[^\S\n\r]*(?=[{_BREAKS}]|$)')
"""A label in quotes, up to the separator. Quotes that do not end there are the label's own: 5" board."""

_BREAK = re.compile(f"[{_BREAKS}]")

LONGEST_LABEL = 1000
"""Characters of a label, and of a sentence round it; a text tower reads no more than 75 tokens."""
MOST_TEMPLATES = 100
"""Sentences round a label."""

_PLACEHOLDERS = frozenset("action activity category class clip cls id item label type video".split())
"""Words that name no action: with a number behind them ("class 12") they tell nothing."""


def tidy(label: str) -> str:
    """``label`` as typed, for display: underscores and control characters are spaces, runs of space are one."""
    return visible(label.replace("_", " "))


@lru_cache(maxsize=16384)
def spoken(label: str) -> str:
    """``label`` as the text tower is to read it: tidy, and cleaned as OpenAI's tokenizer cleans.

    Curly quotes become straight, ligatures and full-width letters become plain ones, HTML entities are resolved twice,
    and composed letters are one character (NFC). transformers' tokenizer does none of this but NFC and lower case.
    """
    plain = tidy(label)
    if plain.isascii() and "&" not in plain:
        return plain  # nothing to clean, and ftfy takes time to import
    import ftfy

    return tidy(html.unescape(html.unescape(ftfy.fix_text(plain))))


def label_key(label: str) -> str:
    """What two spellings of one label have in common: what CLIP reads, in lower case.

    "Child’s_pose" and "child's pose" are the same, and so are a composed and a decomposed "café"; "C" and "C++" are
    not.
    """
    return unicodedata.normalize("NFC", spoken(label).lower())


def in_words(name: str) -> str:
    """A class name of a data set as words: "PlayingViolin" is "playing violin", "[something]" is "something".

    Square brackets fall away, underscores and runs of space become one space, and a name that has spaces then is done.
    A single word is split as CamelCase. A capital begins a word after a small letter, and before a small letter
    ("TVShow": TV show); a digit begins one after small letters ("Jump3Times": jump 3 times) and otherwise stays where
    it is ("3DPrinting": 3D printing, "4x4Racing": 4x4 racing). Words are written small, except those of several
    capitals ("DJMixing": DJ mixing).

    ``tidy`` does none of this: what somebody typed ("YouTube", "iPhone") is not taken apart.
    """
    word = tidy(name.replace("[", "").replace("]", ""))
    if " " in word:
        return word
    words = [word[:1]]
    for before, letter, after in zip(word, word[1:], word[2:] + " ", strict=False):
        small_before = before.islower() and (letter.isupper() or (letter.isdigit() and words[-1][-2:].isalpha()))
        last_capital = letter.isupper() and after.islower() and (before.isupper() or before.isdigit())
        if small_before or last_capital:
            words.append("")
        words[-1] += letter
    return " ".join(each if len(each) > 1 and each.isupper() else each.lower() for each in words)


class Spelling(StrEnum):
    """How the class names of a published data set become labels, which CLIP then reads.

    ``words``: "ApplyEyeMakeup" is "apply eye makeup", as TC-CLIP, BDC-CLIP and FROSTER have it. ``as-published``: the
    names stay as the data set writes them, and underscores alone become spaces, as ViFi-CLIP and GA²-CLIP have it, so
    that CLIP reads "ApplyEyeMakeup" as one word.
    """

    WORDS = "words"
    AS_PUBLISHED = "as-published"

    def label(self, name: str) -> str:
        """The label of a class that is called ``name``."""
        return in_words(name) if self is Spelling.WORDS else tidy(name)


def parse_labels(text: str | Sequence[str] | None) -> list[str]:
    """The labels in ``text``, as typed but for runs of space, without empty ones; repeated ones are kept.

    A list of labels is taken as it is, commas and all. Raises LabelError for text that is not whole.
    """
    if text is not None and not isinstance(text, str):
        return _whole([line for line in map(visible, text) if line])
    found, place, whole = [], 0, text or ""
    while place <= len(whole):
        quoted, ahead = _QUOTED.match(whole, place), _BREAK.search(whole, place)
        end = quoted.end() if quoted else ahead.start() if ahead else len(whole)
        found.append(quoted[1].replace('""', '"') if quoted else whole[place:end])
        place = end + 1
    return _whole([line for line in map(visible, found) if line])


def _whole(labels: list[str]) -> list[str]:
    for label in labels if text_fault("\n".join(labels)) else ():
        if fault := text_fault(label):
            raise LabelError(f"label '{shown(label)}' {fault}")
    return labels


def format_labels(labels: Iterable[str]) -> str:
    """``labels`` in one line, which ``parse_labels`` reads back."""
    return ", ".join(map(_quoted, filter(None, map(visible, labels))))


def _quoted(label: str) -> str:
    if not label.startswith('"') and not _BREAK.search(label):
        return label
    return '"' + label.replace('"', '""') + '"'


def visible(text: str) -> str:
    """``text`` without invisible characters, and with one space for each run of white space and control characters."""
    visible = text.translate(_INVISIBLE)
    return " ".join("".join(" " if unicodedata.category(sign) == "Cc" else sign for sign in visible).split())


@lru_cache(maxsize=4096)
def name_key(name: str) -> str:
    """A loose key to find a class in file paths and lists: "HandStandPushups" and "handstand_pushups" are the same.

    Not for telling labels apart: "C" and "C++" have the same. See ``label_key``.
    """
    return "".join(letter for letter in name.casefold() if letter.isalnum()) or name.casefold()


class LabelNames:
    """Labels that a list of names, typed or from a file, is looked up in."""

    def __init__(self, names: Iterable[str]) -> None:
        self._by_key: dict[str, str] = {}
        self._loose: dict[str, list[str]] = {}
        for name in names:
            if self._by_key.setdefault(label_key(name), name) == name:
                self._loose.setdefault(name_key(name), []).append(name)

    def find(self, name: str) -> str | None:
        """The label that CLIP reads as ``name``, or else the only one that has its ``name_key``; else None."""
        loose = self._loose.get(name_key(name), ())
        return self._by_key.get(label_key(name)) or (loose[0] if len(loose) == 1 else None)


class Merged(NamedTuple):
    """Labels, each once.

    ``names`` holds the first spelling of each by its ``label_key``, ``again`` the spellings that came later.
    """

    names: dict[str, str]
    again: dict[str, list[str]]

    def spellings(self) -> list[str]:
        """A note for each label that was spelled in more than one way: by case, space, underscore, quotes, ...."""
        notes = []
        for key, others in self.again.items():
            differing = [other for other in dict.fromkeys(others) if other != self.names[key]]
            if differing:
                notes.append(
                    f"{_listed(differing)} and '{self.names[key][:60]}' are one label to CLIP; merged into one"
                )
        return notes


def merge_labels(labels: Iterable[str]) -> Merged:
    """The labels that are not blank, with those of one ``label_key`` merged."""
    merged = Merged({}, {})
    for label in labels:
        key = label_key(label)
        if key in merged.names:
            merged.again.setdefault(key, []).append(label)
        elif key:
            merged.names[key] = label
    return merged


def check_labels(labels: Iterable[str]) -> tuple[list[str], list[str]]:
    """Labels and notes: tidied for display, with duplicates and blanks dropped with a note.

    Two labels of one ``label_key`` are one, because CLIP reads the same. Raises LabelError when fewer than two are
    left, and for one of more than ``LONGEST_LABEL`` characters.
    """
    given = list(labels)
    check_lengths(given)
    merged = merge_labels(map(tidy, given))
    names = _whole(list(merged.names.values()))
    if not names:
        raise LabelError("no labels were given; type at least two, separated by commas, for example: walking, running")
    if len(names) == 1:
        raise LabelError(
            f"'{names[0][:60]}' is the only label, and one alone always gets 100%; "
            "add at least one other to compare with"
        )
    double = [other for others in merged.again.values() for other in others]
    notes = [f"{_listed(double)} given more than once; counted once"] if double else []
    return names, notes


def check_lengths(texts: Iterable[str], what: str = "label") -> None:
    """Raises LabelError for a text that is longer than any text tower reads."""
    for text in texts:
        if len(text) > LONGEST_LABEL:
            told = f"{what} '{shown(text[:80])}' has {len(text):,} characters"
            raise LabelError(f"{told}, {LONGEST_LABEL:,} are the most; use fewer words")


def unreadable(labels: Sequence[str]) -> str | None:
    """A note on labels that are numbers or codes ("0", "n01855672", "class 12"), which tell CLIP nothing; else None."""
    codes = [label for label in labels if _is_code(label)]
    if not codes:
        return None
    which = "all labels" if len(codes) == len(labels) else f"{len(codes)} of {len(labels)} labels"
    return (
        f"{which} are numbers or codes ({_listed(codes)}). CLIP reads a label as words, so such labels mean nothing "
        "to it; give the classes their names: rename the labels, or import with a list that has a name for each number"
    )


def _is_code(label: str) -> bool:
    words = re.findall(r"[^\W_]+", label_key(label))
    return (
        bool(words)
        and all(word in _PLACEHOLDERS or any(sign.isdigit() for sign in word) for word in words)
        and any(sign.isdigit() for word in words for sign in word)
    )


def _listed(names: Sequence[str]) -> str:
    once = list(dict.fromkeys(names))
    return ", ".join(f"'{name[:60]}'" for name in once[:5]) + (", …" if len(once) > 5 else "")
