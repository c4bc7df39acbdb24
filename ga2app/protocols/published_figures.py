"""The published figures that belong beside those of a protocol, by the preset that repeats the run.

All with ViT-B/16. Base-to-novel takes 16 shots a base class. GA²-CLIP's own figures (arXiv 2511.22125) are those of one
draw and of the epoch that did best on the test clips; ``protocol`` gives the last epoch of several draws.
"""

from __future__ import annotations

from typing import NamedTuple

AS_PUBLISHED = "as published: one draw, best epoch on the test clips; above: the last epoch of every draw"
"""What GA²-CLIP's figures are, and what ours beside them are."""


class PublishedRow(NamedTuple):
    """One method's figures on one data set: base, novel and HM, or top-1 at 2, 4, 8 and 16 shots.

    ``names`` says how CLIP was given the class names: as published (underscores alone become spaces), in words, or with
    sentences; ``tuned`` what learns on the data set.
    """

    method: str
    figures: tuple[float, ...]
    names: str
    tuned: str


_GA2, _VIFI = "GA²-CLIP", "ViFi-CLIP prompting"
# Method, names, what is tuned; base, novel and HM on K400, HMDB-51, UCF-101 and SSv2.
_BASE_TO_NOVEL = (
    (_GA2, "as published", "prompts", (77.0, 63.3, 69.5), (78.3, 58.9, 67.2), (96.8, 75.2, 84.6), (18.7, 14.3, 16.2)),
    (_VIFI, "as published", "prompts", None, (77.1, 54.9, 64.1), (95.9, 74.1, 83.6), (15.8, 11.5, 13.3)),
    ("ViFi-CLIP fine-tuned", "as published", "towers",
     (76.4, 61.1, 67.9), (73.8, 53.3, 61.9), (92.9, 67.7, 78.3), (16.2, 12.1, 13.9)),
    ("TC-CLIP (P), K400 weights", "words", "towers", None, (79.4, 58.3, 67.2), (97.5, 84.5, 90.5), (19.6, 15.6, 17.4)),
    ("TC-CLIP", "name and sentence", "towers",
     (79.1, 65.4, 71.6), (73.3, 59.1, 65.5), (95.4, 81.6, 88.0), (17.5, 13.4, 15.2)),
    ("FROSTER", "name and sentence", "towers",
     (77.8, 64.3, 70.4), (74.1, 58.0, 65.1), (95.3, 80.0, 87.0), (18.3, 12.2, 14.6)),
    ("BDC-CLIP", "several sentences", "towers", None, (81.0, 61.3, 69.8), (97.5, 88.0, 92.5), (20.9, 18.2, 19.5)),
)  # fmt: skip
# Top-1 at 2, 4, 8 and 16 shots on the same four.
_FEW_SHOT = (
    (_GA2, "as published", "prompts", None,
     (61.9, 64.3, 68.1, 70.8), (90.0, 91.8, 93.8, 95.5), (6.8, 9.9, 10.6, 14.7)),
    (_VIFI, "as published", "prompts", None,
     (63.0, 65.1, 69.6, 72.0), (91.0, 93.7, 95.0, 96.4), (6.7, 7.9, 10.2, 13.5)),
)  # fmt: skip
_PRESETS = ("paper-k400", "paper-hmdb", "paper-ucf", "paper-ssv2")
HEADINGS = {"base-to-novel": ("base", "novel", "HM"), "few-shot": ("2 shots", "4 shots", "8 shots", "16 shots")}


def published(protocol: str, preset: str) -> list[PublishedRow]:
    """The rows beside ``protocol`` with the settings of ``preset``; none where nothing is published."""
    if preset not in _PRESETS or protocol not in HEADINGS:
        return []
    place = _PRESETS.index(preset)
    rows = []
    for method, names, tuned, *by_dataset in _BASE_TO_NOVEL if protocol == "base-to-novel" else _FEW_SHOT:
        if (figures := by_dataset[place]) is not None:
            rows.append(PublishedRow(method, figures, names, tuned))
    return rows
