"""Where labels come from besides the keyboard, and what choosing bundles does to the rest of the screen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from ga2app.labels import format_labels, label_key, merge_labels, parse_labels
from ga2app.services.studio import Studio
from ga2app.types import BundleCard
from ga2app.web.components.markup import escape, notice
from ga2app.web.pages.recognize.asking import chosen_bundles

SUGGESTED = 10
"""Labels on offer under the box."""


def bundle_choice(studio: Studio, keys: str | Sequence[str] | None) -> tuple[Any, Any]:
    """What choosing bundles does to the backbone list and to the button that takes their labels."""
    cards = chosen_bundles(studio, keys)
    named = {card.backbone for card in cards}
    agreed = named.pop() if len(named) == 1 else ""
    backbone = gr.update(value=agreed) if agreed and studio.has_backbone(agreed) else gr.update()
    text = "Use the bundle's labels" if len(cards) < 2 else "Use the bundles' labels"
    return backbone, gr.update(visible=bool(cards), value=text)


def bundle_notice(studio: Studio, keys: Sequence[str] | None, backbone: str) -> str:
    """What does not fit between the chosen bundles and the chosen backbone, in words; empty where all is well."""
    cards = chosen_bundles(studio, keys)
    strange = [card for card in cards if card.backbone != backbone]
    if not strange or Path(backbone).is_absolute():
        return ""  # a folder may hold the very CLIP that a bundle knows by another name: its weights will tell
    told = "; ".join(_strange(studio, card, studio.has_backbone(card.backbone)) for card in strange)
    return notice(
        "warning", f"{told}. A bundle speaks only on the backbone that it was trained on.", "These do not fit together:"
    )


def labels_of(studio: Studio, keys: str | Sequence[str] | None) -> str:
    """The labels that bundles were trained and tested with, as the labels box takes them."""
    return _joined([label for card in chosen_bundles(studio, keys) for label in (*card.base, *card.novel)])


def label_sources(studio: Studio) -> list[tuple[str, str]]:
    """Titles and keys of the lists of labels at hand: the data sets."""
    return [
        (f"{row.name} ({len(row.base)} base, {len(row.novel)} novel labels)", row.name)
        for row in studio.store.datasets.list()
    ]


def dataset_labels(studio: Studio, name: str | None) -> str:
    """The labels of the data set ``name``, as the labels box takes them; empty for one that is gone."""
    rows = [row for row in studio.store.datasets.list() if row.name == name]
    return _joined([*rows[0].base, *rows[0].novel]) if rows else ""


def suggestions(studio: Studio, typed: str, keys: Sequence[str] | None) -> list[str]:
    """Labels that could be added: those of the bundles, of the drawn examples and of the data sets, in this order."""
    cards = chosen_bundles(studio, keys)
    pool = [label for card in cards for label in (*card.base, *card.novel)]
    pool += [example.label for example in studio.examples]
    pool += [label for row in studio.store.datasets.list() for label in (*row.base, *row.novel)]
    taken = {label_key(label) for label in parse_labels(typed)}
    return [label for label in merge_labels(pool).names.values() if label_key(label) not in taken][:SUGGESTED]


def suggestions_html(labels: Sequence[str]) -> str:
    """The suggestions as buttons."""
    if not labels:
        return ""
    buttons = "".join(
        f'<button type="button" class="chip suggested" data-suggested="{escape(label)}" '
        f'aria-label="Add the label {escape(label)}">+ {escape(label)}</button>'
        for label in labels
    )
    return f'<div class="suggestions" role="group" aria-label="Labels to add">{buttons}</div>'


def add_label(typed: str, label: str) -> str:
    """``typed`` with one more label."""
    return _joined([*parse_labels(typed), label])


def _joined(labels: Sequence[str]) -> str:
    """Each label once, in the spelling in which it came first."""
    return format_labels(merge_labels(labels).names.values())


def _strange(studio: Studio, card: BundleCard, there: bool) -> str:
    missing = "" if there else ", which is not on this machine"
    return f"{studio.bundle_title(card)} was trained on backbone {studio.backbone_title(card.backbone)}{missing}"
