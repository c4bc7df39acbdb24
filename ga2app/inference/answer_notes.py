"""What is asked of a recognizer, checked, and what a user has to know before trusting its answer: unknown words, real
footage before a backbone of drawings."""

from __future__ import annotations

import re
import string
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ga2app.clip import Backbone
from ga2app.clip.described_texts import usable_descriptions
from ga2app.config import TEMPLATE
from ga2app.datasets.label_descriptions import given_descriptions, matched, sentences_of
from ga2app.errors import ConfigError, Fault, LabelError, shown
from ga2app.labels import (
    MOST_TEMPLATES,
    check_labels,
    check_lengths,
    label_key,
    merge_labels,
    spoken,
    tidy,
    unreadable,
)
from ga2app.types import NoneOfThese, RecognizedClip
from ga2app.untrusted import text_fault
from ga2app.video.domain_check import looks_photographic

_SHOWN = 20
REAL_FOOTAGE = (
    "looks like real footage, and the sketch backbone knows drawings only, so its answer means little; choose a real "
    "CLIP as backbone"
)
_SMALL_WORDS = frozenset("a an and at by for from in into is of on or out the to up with".split())


class Asked(NamedTuple):
    """What is asked of a recognizer, checked: labels, sentences round them, negatives, the labels that each classifier
    knows, descriptions by name, and notes on what weakens the answer."""

    names: list[str]
    templates: tuple[str, ...]
    none_of_these: NoneOfThese | None
    negatives: tuple[str, ...]
    known: list[set[str]]
    told: dict[str, tuple[str, ...]]
    notes: tuple[str, ...]


def checked(
    backbone: Backbone,
    labels: Sequence[str],
    template: str | Sequence[str] | None,
    none_of_these: NoneOfThese | None,
    descriptions: Mapping[str, str | Sequence[str]] | None,
    trained: Sequence[Collection[str]],
    own: Sequence[Mapping[str, Sequence[str]]],
) -> Asked:
    """What is asked of ``backbone`` and of bundles that were ``trained`` on labels (``label_key``) and have ``own``
    descriptions. Raises LabelError."""
    templates = check_templates(template)
    names, notes = check_labels(labels)
    known, unknown = vocabulary(backbone, names, trained)
    notes += unknown
    if codes := unreadable(names):
        notes.append(codes)
    negatives, left_out = usable_negatives(backbone, none_of_these, names)
    notes += left_out
    told, left_out = told_descriptions(backbone, (*names, *negatives), descriptions, own)
    return Asked(names, templates, none_of_these, negatives, known, told, (*notes, *left_out))


def vocabulary(
    backbone: Backbone, names: Sequence[str], trained: Sequence[Collection[str]] = ()
) -> tuple[list[set[str]], list[str]]:
    """The labels that zero-shot CLIP understands, those that each bundle does, and notes on unknown words.

    A label without one known word reads like any other such label, and often wins every clip: it takes no part, but for
    a bundle that was ``trained`` on it (``label_key``). Raises LabelError where fewer than two labels are left to all.
    """
    unknown = {name: backbone.unknown_words(spoken(name)) for name in names}
    read = {name for name in names if _content(name) - set(unknown[name]) or not unknown[name]}
    by_bundle = [read | {name for name in names if label_key(name) in own} for own in trained]
    if max(map(len, (read, *by_bundle))) < 2:
        only = f", but for '{next(iter(read))}', and one label alone always gets 100%" if read else ""
        raise LabelError(
            f"backbone '{backbone.name}' knows none of the words in these labels ({names[0]}, …){only}; "
            f"use other words, or choose a real CLIP as backbone. {_known_words(backbone)}"
        )
    notes = []
    if left_out := [name for name in names if name not in read]:
        notes.append(
            f"backbone '{backbone.name}' knows no word of {_quoted(left_out)}: not ranked. {_known_words(backbone)}"
        )
    words = list(dict.fromkeys(word for name in names if name in read for word in unknown[name]))
    if words:
        notes.append(
            f"backbone '{backbone.name}' does not know: {_listed(words)}. Labels with these words are guesses. "
            f"{_known_words(backbone)}"
        )
    # With fewer than two labels there would be nothing to rank: then all take part, and the note has to do.
    everything = set(names)
    return [some if len(some) > 1 else everything for some in (read, *by_bundle)], notes


def _content(name: str) -> set[str]:
    """The words of a label that carry its meaning."""
    return set(re.findall(r"\w+|[^\w\s]", label_key(name))) - _SMALL_WORDS - set(string.punctuation)


def usable_negatives(
    backbone: Backbone, asked: NoneOfThese | None, names: Sequence[str]
) -> tuple[tuple[str, ...], list[str]]:
    """The negative prompts that ``backbone`` understands and that are no label, and a note on those left out.

    What the app came with is left out in silence: the list of negative prompts on Anchors says so, where it is rated.
    Raises LabelError where "none of these" was asked for and not one is left.
    """
    if asked is None:
        return (), []
    taken = {label_key(name) for name in names}
    texts = merge_labels(map(tidy, asked.negatives or ())).names.values()
    foreign = [text for text in texts if backbone.unknown_words(text)]
    used = tuple(text for text in texts if text not in foreign and label_key(text) not in taken)
    if not used:
        why = f"'{backbone.name}' knows the words of none of them" if foreign else "there are none"
        raise LabelError(
            f"'none of these' needs negative prompts, and {why}; switch some on in Anchors, choose another group, "
            "or switch 'none of these' off"
        )
    own = [text for text in foreign if text not in asked.shipped]
    if not own:
        return used, []
    return used, [
        f"left out of 'none of these', because backbone '{backbone.name}' does not know their words: {_listed(own)}"
    ]


def told_descriptions(
    backbone: Backbone,
    texts: Sequence[str],
    given: Mapping[str, str | Sequence[str]] | None,
    own: Sequence[Mapping[str, Sequence[str]]] = (),
) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """The sentences of ``texts``, labels and negatives, that ``backbone`` can read; and notes on those left out.

    ``given`` ones go before those that bundles have of their ``own``, the first bundle before the next. None: none.
    """
    if given is None:
        return {}, []
    asked = matched(given_descriptions(given), texts)
    found = dict(asked.sentences)
    for each in own:
        for text, sentences in zip(texts, sentences_of(texts, each), strict=True):
            if sentences:
                found.setdefault(text, sentences)
    told, faults = usable_descriptions(backbone, texts, found)
    return told, [f"descriptions: {note}" for note in (*asked.notes, *faults)]


def reading_notes(said: Mapping[str, Sequence[str]]) -> list[str]:
    """What reading the clips ``said`` (path to sentences), each sentence once, with the names of its clips."""
    files: dict[str, list[str]] = {}
    for path, sentences in said.items():
        for sentence in sentences:
            files.setdefault(sentence, []).append(Path(path).name)
    return [f"{_listed(names)}: {sentence}" for sentence, names in files.items()]


def footage_notes(clips: Sequence[RecognizedClip]) -> list[str]:
    """A note on clips that look like real footage, which the sketch backbone does not know."""
    real = [Path(clip.file).name for clip in clips if clip.thumbnails and looks_photographic(np.stack(clip.thumbnails))]
    if not real:
        return []
    return [f"{', '.join(real[:5])}{', …' if len(real) > 5 else ''}: this {REAL_FOOTAGE}"]


def _known_words(backbone: Backbone) -> str:
    words = sorted(word for word in backbone.tokenizer.get_vocab() if word.isalpha() and len(word) > 2)
    return f"It knows {len(words)} words, for example {', '.join(words[:: max(1, len(words) // 12)][:12])}"


def _quoted(texts: Sequence[str]) -> str:
    return _listed([f"'{text[:60]}'" for text in texts])


def _listed(texts: Sequence[str]) -> str:
    return f"{', '.join(texts[:_SHOWN])}{', …' if len(texts) > _SHOWN else ''}"


def check_top_k(top_k: int | None) -> None:
    """Raises ConfigError where fewer than one label is asked for."""
    if top_k is not None and top_k < 1:
        raise ConfigError([Fault("top_k", f"must be 1 or more (it is {shown(str(top_k))}); leave it out for all")])


def check_templates(template: str | Sequence[str] | None) -> tuple[str, ...]:
    """The sentences round a label for zero-shot CLIP, stripped, each once; the paper's one where none is given.

    Raises LabelError for one that does not hold exactly one {}, or for too many.
    """
    given = [template] if isinstance(template, str) else template or ()
    found = tuple(dict.fromkeys(text.strip() for text in given if text.strip()))
    if len(found) > MOST_TEMPLATES:
        raise LabelError(f"there are {len(found)} sentences round the label; {MOST_TEMPLATES} are the most, use fewer")
    check_lengths(found, "template")
    for text in found:
        if fault := text_fault(text):
            raise LabelError(f"template '{shown(text)}' {fault}")
        if text.count("{}") != 1 or text.replace("{}", "").count("{") or text.replace("{}", "").count("}"):
            rule = f"must hold one pair of braces, {{}}, where the label goes; for example '{TEMPLATE}'"
            raise LabelError(f"template '{shown(text)}' {rule}")
    return found or (TEMPLATE,)
