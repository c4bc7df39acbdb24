"""Descriptions of labels: sentences that tell what a label looks like, typed or read from a file, and their limits.

Published files come as JSON (name to sentence, or name to list of sentences) and as CSV with a column for the name and
one for the description, several rows a name. What cannot be used is left out and told, and the rest is taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ga2app.datasets.import_report import Problem
from ga2app.datasets.text_tables import cells_of, column_key, read_sheet, read_text
from ga2app.errors import LabelError, named, shown
from ga2app.labels import LONGEST_LABEL, LabelNames, label_key, visible
from ga2app.untrusted import parse_json, text_fault

MOST_SENTENCES = 50
"""Sentences of a label."""
MOST_CHARACTERS = 5_000_000
"""Characters of all that is typed at once; what a form or an endpoint hands over is not even read beyond that."""

_NAMES = frozenset("name label class category action activity label_name class_name classname category_name".split())
_SENTENCES = re.compile(r"(?:descriptions?|sentences?|captions?|texts?|prompts?)(?:_?\d+)?")
_ADVICE = (
    "write a JSON object of names and sentences, a CSV with the columns name and description, or 'label: sentence'"
)

Given = Sequence[tuple[str, str]]
"""Names and sentences as somebody wrote them, one sentence each."""


@dataclass(frozen=True)
class Described:
    """Sentences by label, in the labels' order and spelling, and ``notes`` on what was left out."""

    sentences: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...] = ()

    def only(self) -> Mapping[str, tuple[str, ...]]:
        """The sentences. Raises LabelError where there are none, with what is wrong with those that were given."""
        if not self.sentences:
            raise LabelError(f"no description can be used: {'; '.join(self.notes) or 'none was given'}. {_ADVICE}")
        return self.sentences


def read_descriptions(file: Path) -> Given:
    """The names and sentences in a JSON or CSV file. Raises LabelError where it is neither."""
    problems: list[Problem] = []
    text = read_text(file, problems)
    if text is None:
        raise LabelError(f"'{file}' cannot be read as descriptions: it {problems[0].reason}; {problems[0].advice}")
    if text.lstrip()[:1] in ("{", "["):
        return _of_json(text, f"'{file}'")
    sheet = read_sheet(file)
    keys = [column_key(name) for name in sheet.columns]
    name = next((place for place, key in enumerate(keys) if key in _NAMES), None)
    texts = [place for place, key in enumerate(keys) if place != name and _SENTENCES.fullmatch(key)]
    rows = [cells_of(cells, len(keys)) for _, cells in sheet.rows]
    if name is None and not texts and len(keys) == 2:
        name, texts, rows = 0, [1], [sheet.columns, *rows]  # no header: its first line is a label already
    if name is None or not texts:
        raise LabelError(f"'{file}' has no columns name and description (its first line is '{sheet.first_line}')")
    return [(row[name], row[place]) for row in rows for place in texts if row[place] or len(texts) == 1]


def parse_descriptions(text: str) -> Given:
    """The names and sentences in ``text``: lines like ``label: sentence``, or what a JSON file holds.

    A label that holds a colon stands in double quotes. Raises LabelError for a line that is neither.
    """
    if len(text) > MOST_CHARACTERS:
        raise LabelError(f"the descriptions have {len(text):,} characters; {MOST_CHARACTERS:,} are the most, use fewer")
    if text.lstrip()[:1] in ("{", "["):
        return _of_json(text, "the descriptions")
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        match = re.match(r'\s*(?:"((?:[^"]|"")*)"|([^:]*?))\s*:\s*(.*)', line)
        if match is None or not visible(match[1] or match[2] or ""):
            raise LabelError(f"line {number} of the descriptions is '{shown(line)}'; write it like label: sentence")
        found.append(((match[1] or "").replace('""', '"') or match[2], match[3]))
    return found


def format_descriptions(descriptions: Mapping[str, Sequence[str]]) -> str:
    """Lines that ``parse_descriptions`` reads back."""

    def quoted(label: str) -> str:
        return '"' + label.replace('"', '""') + '"' if ":" in label or label.startswith(('"', "{", "[")) else label

    return "\n".join(f"{quoted(label)}: {text}" for label, texts in descriptions.items() for text in texts)


def given_descriptions(descriptions: str | Mapping[str, str | Sequence[str]]) -> Given:
    """What Python code or a form hands over, as ``matched`` takes it. Raises LabelError for what is no text."""
    if isinstance(descriptions, str):
        return parse_descriptions(descriptions)
    return _of_pairs(descriptions.items(), "the descriptions")


def by_name(given: Given) -> dict[str, list[str]]:
    """The sentences of each name, as they were written."""
    found: dict[str, list[str]] = {}
    for name, sentence in given:
        found.setdefault(name, []).append(sentence)
    return found


def matched(given: Given, labels: Iterable[str]) -> Described:
    """The sentences of ``given`` that are of ``labels``, each once, and notes on the others.

    A name is that of a label by the one notion of labels: case, underscores and UCF-101's CamelCase make no difference.
    """
    names = list(dict.fromkeys(labels))
    known, strange = LabelNames(names), dict[str, None]()
    found: dict[str, list[str]] = {name: [] for name in names}
    notes: list[str] = []
    for name, sentence in given:
        label = known.find(visible(name))
        if label is None:
            strange[shown(visible(name))] = None
            continue
        found[label].append(sentence)
    taken: dict[str, tuple[str, ...]] = {}
    faults: list[str] = []
    for label, sentences in found.items():
        fit = _fitting(label, sentences, faults)
        if fit:
            taken[label] = fit
    if strange:
        notes.append(f"no label here is called {named(strange, 5, quoted=True)}: left out")
    return Described(taken, (*notes, *in_short_list(faults)))


def in_short_list(faults: Sequence[str], most: int = 5) -> list[str]:
    """The first of many sentences, and how many more there are."""
    more = len(faults) - most
    return [*faults[:most], *([f"and {more:,} more of this kind"] if more > 0 else [])]


def sentences_of(names: Iterable[str], descriptions: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """The sentences of each of ``names``, which may be spelled otherwise than in ``descriptions``."""
    if not descriptions:
        return [() for _ in names]
    known = LabelNames(descriptions)
    return [tuple(descriptions[label]) if (label := known.find(name)) is not None else () for name in names]


def stored_sentences(value: object) -> bool:
    """Whether ``value`` is what a manifest keeps of descriptions: label to a list of bounded sentences."""
    return isinstance(value, Mapping) and all(
        isinstance(label, str)
        and isinstance(sentences, list | tuple)
        and len(sentences) <= MOST_SENTENCES
        and all(isinstance(one, str) and 0 < len(one) <= LONGEST_LABEL and not text_fault(one) for one in sentences)
        for label, sentences in value.items()
    )


def _fitting(label: str, sentences: Sequence[str], faults: list[str]) -> tuple[str, ...]:
    """The ``sentences`` of a label that can be kept, each once; what is wrong with the others goes to ``faults``."""
    kept: dict[str, str] = {}
    for number, sentence in enumerate(sentences, 1):
        text = visible(sentence)
        fault = text_fault(sentence)
        if not text:
            fault = "is empty"
        elif len(text) > LONGEST_LABEL:
            fault = f"has {len(text):,} characters, {LONGEST_LABEL:,} are the most"
        if fault:
            faults.append(f"label '{label[:60]}': sentence {number} {fault}; left out")
        else:
            kept.setdefault(label_key(text), text)
    if len(kept) > MOST_SENTENCES:
        faults.append(f"label '{label[:60]}' has {len(kept):,} sentences; the first {MOST_SENTENCES} are taken")
    return tuple(kept.values())[:MOST_SENTENCES]


def _of_json(text: str, who: str) -> Given:
    twice: list[str] = []
    try:
        value = parse_json(text, twice=twice)
    except ValueError as exc:
        raise LabelError(f"{who} cannot be read as JSON ({exc}); {_ADVICE}") from exc
    if twice:
        raise LabelError(f"{who} has the name {named(twice, 3, quoted=True)} twice; give each a list of its sentences")
    if isinstance(value, dict):
        return _of_pairs(value.items(), who)
    rows = [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
    pairs = []
    for row in rows:
        keys = {column_key(str(key)): content for key, content in row.items()}
        name = next((keys[key] for key in keys if key in _NAMES), None)
        texts = next((keys[key] for key in keys if _SENTENCES.fullmatch(key)), None)
        pairs.append((name, texts))
    if not pairs or len(rows) != len(value) or any(not isinstance(name, str) for name, _ in pairs):
        raise LabelError(f"{who} is a JSON list that does not name labels; {_ADVICE}")
    return _of_pairs(pairs, who)


def _of_pairs(pairs: Iterable[tuple[Any, Any]], who: str) -> Given:
    found: list[tuple[str, str]] = []
    for name, texts in pairs:
        several = [texts] if isinstance(texts, str) else texts
        if not isinstance(name, str) or not isinstance(several, list | tuple):
            raise LabelError(f"{who} has no sentence for '{shown(str(name))}'; {_ADVICE}")
        if wrong := next((one for one in several if not isinstance(one, str)), None):
            raise LabelError(f"{who} has {shown(repr(wrong))} for '{shown(name)}', which is no sentence; {_ADVICE}")
        found += [(name, one) for one in several] or [(name, "")]
    return found
