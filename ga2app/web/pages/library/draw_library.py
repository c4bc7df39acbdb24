"""What the library shows, drawn from the store: a page of the list, and the chosen bundle in full."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from ga2app.errors import StudioError
from ga2app.services.studio import Studio, bundle_key
from ga2app.store import BundleOrder, BundleQuery
from ga2app.store.bundle_records import ROOM
from ga2app.types import BundleCard
from ga2app.web.components.markup import notice, shortened
from ga2app.web.pages.library import bundle_cards as cards
from ga2app.web.pages.library import details

PAGE = 12
"""Bundles on one page of the list."""

ORDERS = [
    ("Newest first", BundleOrder.NEWEST.value),
    ("Name", BundleOrder.NAME.value),
    ("Best HM", BundleOrder.HM.value),
    ("Largest gain over plain CLIP", BundleOrder.GAIN.value),
    ("Best on base labels", BundleOrder.BASE.value),
    ("Best on novel labels", BundleOrder.NOVEL.value),
]


@dataclass(frozen=True)
class Asked:
    """What the list is asked for, as the inputs hold it."""

    text: str
    backbone: str
    origin: str
    order: str
    first: int

    def query(self) -> BundleQuery:
        """The same for the store."""
        return BundleQuery(self.text or "", self.backbone or "", self.origin or "", BundleOrder(self.order))


def drawn(studio: Studio, key: str, asked: Asked) -> list[Any]:
    """New values for the screen's outputs: the list's page, then the chosen bundle, or else the first of the page."""
    store, query = studio.store.bundles, asked.query()
    total = store.count(query)
    first = max(0, min(int(asked.first or 0), (total - 1) // PAGE * PAGE))
    page = studio.library.page(query, limit=PAGE, offset=first)
    missing = {bundle_key(card) for card in page if studio.library.is_missing(card)}
    titles = {choice.name: choice.title for choice in studio.backbones()}
    card = _chosen(studio, key, page)
    lost = "" if card or not key else no_bundle_html(key)
    key = bundle_key(card) if card else key
    anything = bool(total) or bool(store.count())
    nothing = cards.nothing_found_html() if anything else cards.empty_html()
    last = studio.store.trash.last(ROOM)
    named = [("All", ""), *((titles.get(name, name), name) for name in store.backbones())]
    return [
        key,
        first,
        cards.list_html(page, key, titles, missing) if page else nothing,
        cards.pages_html(first, len(page), total),
        gr.update(visible=total > PAGE, interactive=first > 0),
        gr.update(visible=total > PAGE, interactive=first + PAGE < total),
        gr.update(choices=named),
        gr.update(visible=last is not None, value=shortened(last.offer) if last else "Undo"),
        *_detail(studio, card, titles, lost),
    ]


def _chosen(studio: Studio, key: str, page: list[BundleCard]) -> BundleCard | None:
    """The bundle under ``key``, which may be on another page; without a key the first of this page."""
    if not key:
        return page[0] if page else None
    return next((card for card in (*page, *studio.store.bundles.list()) if bundle_key(card) == key), None)


def _detail(studio: Studio, card: BundleCard | None, titles: dict[str, str], lost: str) -> list[Any]:
    """Head, actions, body, the closed field for a new name, the two jumps, and whether it can be deleted.

    Without a bundle the head is ``lost``: why there is none.
    """
    closed = gr.update(visible=False)
    if card is None:
        return [lost, closed, "", closed, closed, closed, closed]
    usable = titles.get(card.backbone) or (card.backbone if studio.has_backbone(card.backbone) else None)
    whole = coupling = False
    if studio.library.is_missing(card):
        body = details.missing_html(card, card.folder if studio.server_paths else "")
    else:
        try:
            facts = studio.library.facts(card)
            body, whole = details.body_html(card, facts), usable is not None
            coupling = whole and facts.config.get("prompts", {}).get("text_depth", 1) > 0
        except StudioError as exc:
            body = notice("error", str(exc), "This bundle cannot be read.")
    return [
        details.head_html(card, usable),
        gr.update(visible=True),
        body,
        closed,
        gr.update(visible=whole),
        gr.update(visible=coupling),
        gr.update(visible=card.origin != "embedded"),  # it is part of the program, which needs it
    ]


def no_bundle_html(key: str) -> str:
    """In place of a bundle that an address names and nobody has: never another one under its address."""
    text = (
        "It was deleted, or the address is mistyped. Choose a bundle from the list; 'Undo' brings a deleted one back."
    )
    return notice("warning", text, f"There is no bundle '{shortened(key)}'.")


def welcome_html(card: BundleCard, fresh: bool) -> str:
    """What is said of a bundle that was uploaded."""
    if not fresh:
        return notice("info", f"It is called '{card.title}'.", "This bundle is in the library already.")
    return notice("success", "It was checked and is kept in the library.", f"'{card.title}' is here.")
