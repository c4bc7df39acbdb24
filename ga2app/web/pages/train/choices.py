"""What the lists of the Train screen offer: data sets, anchor sets, groups of negative prompts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from ga2app.config import DEMO, NOTHING
from ga2app.services.studio import Studio
from ga2app.store import DatasetRow
from ga2app.web.pages.train import form
from ga2app.web.pages.train.hard_prompts import FIELD, hard_prompt_choices

LISTED = (FIELD, "anchors", "negatives")
"""Settings whose choices come from the store and the library."""

GONE = "(not here any more)"


def dataset_choices(studio: Studio) -> list[tuple[str, str]]:
    """The data sets to train on; the demo is among them while it is still being drawn."""
    rows = studio.store.datasets.list()
    choices = [(_title(row), row.name) for row in rows]
    if DEMO not in {row.name for row in rows}:
        choices.insert(0, ("demo: drawn actions (being drawn…)", DEMO))
    return choices


def anchor_choices(studio: Studio, present: str) -> list[tuple[str, str]]:
    """Anchor sets, with the number of clips that are switched on."""
    anchors = studio.store.anchors
    choices = [("The data set's own", ""), ("None", NOTHING)]
    choices += [(_counted(name, len(anchors.clips(name)), "clip"), name) for name in anchors.names()]
    return _with_present(choices, [present])


def negative_choices(studio: Studio, present: Sequence[str]) -> list[tuple[str, str]]:
    """Groups of negative prompts, with the number of prompts that are switched on."""
    negatives = studio.store.negatives
    choices = [("None at all", NOTHING)]
    choices += [(_counted(name, len(negatives.texts(name)), "prompt"), name) for name in negatives.groups()]
    return _with_present(choices, present)


def list_updates(studio: Studio, backbone: str, values: Sequence[Any]) -> list[dict[str, Any]]:
    """Fresh choices for the fields of LISTED, whose values are those in ``values``."""
    hard, anchors, negatives = (values[form.place_of(path)] for path in LISTED)
    length = values[form.place_of("prompts.length")]
    return [
        gr.update(choices=hard_prompt_choices(studio, backbone, length, str(hard or ""))),
        gr.update(choices=anchor_choices(studio, str(anchors or ""))),
        gr.update(choices=negative_choices(studio, list(negatives or ()))),
    ]


def _with_present(choices: list[tuple[str, str]], present: Sequence[str]) -> list[tuple[str, str]]:
    known = {value for _, value in choices}
    return choices + [(f"{name} {GONE}", name) for name in present if name not in known]


def _counted(name: str, count: int, what: str) -> str:
    return f"{name} ({count} {what}{'' if count == 1 else 's'})" if count else f"{name} (nothing switched on)"


def _title(row: DatasetRow) -> str:
    return f"{row.name}: {len(row.base)} base and {len(row.novel)} novel labels"
