"""Texts that say nothing about an action: the shipped seeds, and which of them serve beside given labels."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from torch import Tensor

from ga2app.clip import Backbone
from ga2app.errors import DatasetError
from ga2app.labels import spoken
from ga2app.paths import SEEDS

NEGATIVE_FILES = ("negatives.csv", "attributes.csv")
CAPTION_FILE = "anchor_captions.csv"
TEMPLATE = "a video of {}."
"""Wording of a generic text for the text tower: that of the labels without the person."""

MINIMUM = 8
"""Generic texts of which a mean and a spread are worth computing."""

# Words that two texts may share and still have nothing to do with each other.
_SMALL_WORDS = frozenset(
    "a an the of in on at to from for with without and or no not is are it its by over up down into out off this that "
    "some any one someone somebody person people man woman doing video".split()
)


def seed_negatives(folder: Path = SEEDS) -> list[str]:
    """Shipped negative prompts and generic attributes, each once; raises DatasetError when they are not there."""
    return _texts(folder, NEGATIVE_FILES)


def seed_captions(folder: Path = SEEDS) -> list[str]:
    """Shipped captions of clips that make good anchors; raises DatasetError when they are not there."""
    return _texts(folder, (CAPTION_FILE,))


def unrelated(texts: Iterable[str], labels: Sequence[str]) -> list[str]:
    """Those of ``texts`` that contain no label and share no word with any but small ones; "dogs" counts as "dog"."""
    taken = set().union(*map(_words, labels))
    return [
        text
        for text in texts
        if not _words(text) & taken and not any(_spaced(label) in _spaced(text) for label in labels)
    ]


def known(texts: Iterable[str], backbone: Backbone) -> list[str]:
    """Those of ``texts`` whose words the backbone's tokenizer has all seen."""
    return [text for text in texts if not backbone.unknown_words(text)]


def generic_texts(backbone: Backbone, labels: Sequence[str]) -> list[str]:
    """Generic texts that ``backbone`` understands and that share no word with ``labels``."""
    return known(unrelated(seed_negatives(), labels), backbone)


def generic_features(backbone: Backbone, labels: Sequence[str]) -> Tensor | None:
    """Frozen features (K, D) of the generic texts, for ``irrelevance`` and ``choose``.

    None for a backbone that knows fewer than ``MINIMUM`` of them: then the bare cosine has to do.
    """
    texts = generic_texts(backbone, labels)
    if len(texts) < MINIMUM:
        return None
    return backbone.text_features([TEMPLATE.format(text) for text in texts])


def _spaced(text: str) -> str:
    """The words of ``text`` in small letters, a space around each."""
    return f" {' '.join(_split(text))} "


def _split(text: str) -> list[str]:
    return re.findall(r"\w+", spoken(text).lower())


def _words(text: str) -> set[str]:
    words = _split(text)
    return {word.removesuffix("s") for word in words if word not in _SMALL_WORDS}


def _texts(folder: Path, files: Iterable[str]) -> list[str]:
    found: dict[str, None] = {}
    for name in files:
        try:
            with (folder / name).open(encoding="utf-8", newline="") as lines:
                found |= dict.fromkeys(row["text"] for row in csv.DictReader(lines))
        except (OSError, UnicodeDecodeError, csv.Error, KeyError) as exc:
            raise DatasetError(
                f"the shipped texts in '{folder / name}' cannot be read ({exc}); start from a checkout of the project, "
                "which has them in prompts_db"
            ) from exc
    return list(found)
