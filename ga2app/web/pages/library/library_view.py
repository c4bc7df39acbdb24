"""What the library's page shows: a page of its list, and one bundle in full, all of it written by whoever made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markupsafe import Markup

from ga2app.config import RunConfig
from ga2app.config.presets import METHOD_TITLES, method_parts
from ga2app.config.reading import flat
from ga2app.errors import BundleError, StudioError
from ga2app.services.studio import Studio
from ga2app.store import BundleOrder, BundleQuery
from ga2app.types import BundleCard, BundleFacts, LabelKind, intervals
from ga2app.web.components.charts import compare_bars, ranges_of, rests_html
from ga2app.web.components.markup import SHARE, ago, chips, locked, notice, render, shortened, size
from ga2app.web.pages.runs.run_settings_view import adjusted_html, value_text
from ga2app.web.pages.train.train_settings import GROUPS

PAGE = 12
"""Bundles on one page of the list."""

ORDERS = [
    ("Newest first", BundleOrder.NEWEST.value),
    ("Name", BundleOrder.NAME.value),
    ("Best HM", BundleOrder.HM.value),
    ("Largest gain over zero-shot CLIP", BundleOrder.GAIN.value),
    ("Best on base labels", BundleOrder.BASE.value),
    ("Best on novel labels", BundleOrder.NOVEL.value),
]
ORIGINS = {"trained": "own", "imported": "imported", "embedded": "embedded", "hub": "Hub"}
_ORIGIN_HELP = {
    "trained": "own: trained by a run of this studio",
    "imported": "imported: it came as a zip file from somebody, or from another studio",
    "embedded": "embedded: it ships with the program, as a hard prompt for the sketch backbone",
    "hub": "Hub: it was pulled from the Hugging Face Hub",
}
_FIGURES = {
    "base": ("base", "Base: accuracy on the test clips of labels that it was trained on"),
    "novel": ("novel", "Novel: the same over labels that it was never trained on"),
    "hm": ("HM", "HM: harmonic mean of base and novel, high only if both are"),
}
_FILE_HELP = {
    "prompts.safetensors": "the learned prompts: numbers, no code",
    "bundle.json": "what this page shows, as JSON",
    "README.md": "the model card",
}


@dataclass(frozen=True)
class Asked:
    """What the list is asked for: a search, filters, an order, and the number of the first bundle to show."""

    text: str = ""
    backbone: str = ""
    origin: str = ""
    order: str = BundleOrder.NEWEST.value
    first: int = 0

    def query(self) -> BundleQuery:
        """The same for the store."""
        return BundleQuery(self.text or "", self.backbone or "", self.origin or "", BundleOrder(self.order))


@dataclass(frozen=True)
class LibraryView:
    """The page's contents: HTML of the list, head and body of the bundle ``key``, and a ``fault`` of what was asked.

    ``backbones`` are the choices of the filter, ``deletable`` says whether the bundle may be deleted, and ``sharing``
    is the word on the button that says who sees it, empty where there is no such choice.
    """

    key: str
    first: int
    listing: str
    head: str
    body: str
    deletable: bool
    backbones: list[tuple[str, str]]
    undo: str
    fault: str = ""
    sharing: str = ""


def library_view(studio: Studio, key: str, asked: Asked) -> LibraryView:
    """The page as it is asked for, with the bundle ``key``, or the first of the list for none.

    A key that no bundle has is a ``fault``, and no other bundle takes its place.
    """
    library, query, fault = studio.library, asked.query(), ""
    total = studio.store.bundles.count(query)
    first = max(0, min(int(asked.first or 0), (total - 1) // PAGE * PAGE))
    page = library.page(query, limit=PAGE, offset=first)
    titles = {choice.name: choice.title for choice in studio.backbones()}
    card = page[0] if page and not key else None
    try:
        card = library.bundle(key) if key else card
    except BundleError:
        fault = f"there is no bundle '{shortened(key)}' in the library; choose one from the list"
    key = card.key if card else ""
    rows = [_row(studio, one, titles) for one in page]
    anything = bool(total) or bool(studio.store.bundles.count())
    listing = render("bundle_list.html", rows=rows, chosen=key, first=first, total=total, anything=anything)
    named = [("All", ""), *((titles.get(name, name), name) for name in studio.store.bundles.backbones())]
    head, body = _detail(studio, card, titles) if card else ("", "")
    deletable = card is not None and card.origin != "embedded"  # it is part of the program, which needs it
    sharing = SHARE[card.shared] if card and studio.ownership.may_share(card) else ""
    return LibraryView(key, first, str(listing), head, body, deletable, named, library.to_undo(), fault, sharing)


def _row(studio: Studio, card: BundleCard, titles: Mapping[str, str]) -> dict[str, Any]:
    facts = [titles.get(card.backbone, card.backbone), f"{len(card.base)} base, {len(card.novel)} novel labels"]
    facts += [f"data: {card.dataset}"] if card.dataset else []
    last = [f"seed {card.seed}"] if card.seed is not None else []
    last += [size(card.size_bytes)] if card.size_bytes else []
    return {
        "key": card.key,
        "title": card.title or card.name,
        "origin": _origin_mark(card.origin),
        "facts": [*facts, *([card.method] if card.method else [])],
        "bars": _bars(card),
        "missing": studio.library.is_missing(card),
        "last": [*last, *filter(None, [studio.ownership.whose(card)]), ago(card.created_s)],
    }


def _bars(card: BundleCard) -> list[dict[str, Any]]:
    """Base, novel and HM, each with where zero-shot CLIP stands; nothing where nothing was measured."""
    found, bars = intervals(card.metrics, card.tested), []
    clips = ", ".join(f"{one.clips} {side} test clips" for side, one in card.tested.items())
    for name, (word, about) in _FIGURES.items():
        value, before = card.metrics.get(name), card.zero_shot.get(name)
        if value is None:
            continue
        beside = "" if before is None else f", zero-shot CLIP {before:.1f}"
        beside += f", 95% interval {found[name]}, {clips}" if name in found else ""
        tick = None if before is None else max(0.0, min(100.0, before))
        told = {"name": name, "word": word, "about": about, "value": value, "beside": beside, "tick": tick}
        bars.append(told | {"width": max(0.0, min(100.0, value)), "interval": str(found.get(name, ""))})
    return bars


def _origin_mark(origin: str) -> tuple[str, str, str]:
    """The kind of an origin, its word, and the same in words: of a bundle from the Hub, which repository and commit."""
    kind, _, place = origin.partition(":")
    return kind, ORIGINS.get(kind, origin), f"{_ORIGIN_HELP.get(kind, origin)}{f', {place}' if place else ''}"


def _detail(studio: Studio, card: BundleCard, titles: Mapping[str, str]) -> tuple[str, str]:
    """Head and body of the bundle that the list calls ``card``."""
    usable = titles.get(card.backbone) or (card.backbone if studio.has_backbone(card.backbone) else "")
    whole = coupling = False
    if studio.library.is_missing(card):
        body = missing_html(card, card.folder if studio.server_paths else "")
    else:
        try:
            facts = studio.library.facts(card)
            body, whole = _body(card, facts), bool(usable)
            coupling = facts.config.get("prompts", {}).get("text_depth", 1) > 0
        except StudioError as exc:
            body = notice("error", str(exc), "This bundle cannot be read.")
    head = render(
        "bundle_head.html",
        key=card.key,
        title=card.title or card.name,
        origin=_origin_mark(card.origin),
        lacking="" if usable else card.backbone,
        usable=whole,
        coupling=coupling,
        facts={
            "Backbone": usable or card.backbone,
            "Added": ago(card.created_s),
            "Size": size(card.size_bytes) if card.size_bytes else "",
        },
    )
    return str(head) + locked(studio.ownership.locked(card)), body


def missing_html(card: BundleCard, folder: str) -> str:
    """In place of a bundle whose folder has vanished: what can be done. ``folder`` may be empty."""
    place = f" ('{folder}')" if folder else ""
    advice = {
        "embedded": "Install the program again: it ships with this bundle.",
        "trained": "Put the folder back, or delete this entry and train the run again.",
    }.get(card.origin, "Put the folder back, or delete this entry and upload the zip again.")
    return notice("error", advice, f"The folder of this bundle{place} is not there any more.")


def _body(card: BundleCard, facts: BundleFacts) -> str:
    """Figures, labels, settings, origin, files and model card."""
    names = {name: word for name, (word, _) in _FIGURES.items()}
    rows = [(word, f"figure-{name}", card.zero_shot.get(name), card.metrics.get(name)) for name, word in names.items()]
    ranges = ranges_of(card.zero_shot, card.metrics, card.tested, names)
    figures = compare_bars("Recognized, percent of the test clips", rows, ranges)
    figures += rests_html(card.tested) + adjusted_html(facts.conditions) if figures else ""
    used = {"negative prompts": facts.negatives, "captions": facts.anchor_captions}
    body = render(
        "bundle_body.html",
        card=card,
        figures=Markup(figures),
        nothing_measured=Markup(notice("info", "Nothing was measured with this bundle.")),
        base=Markup(chips(card.base, LabelKind.BASE)),
        novel=Markup(chips(card.novel, LabelKind.NOVEL)),
        origin=_origin(card, facts),
        readme=card_html(facts.readme) if facts.readme.strip() else "",
        settings=[
            (group.title, {one.label: _value(facts.config, one.path) for one in group.settings}) for group in GROUPS
        ],
        texts=[(title, len(texts), Markup(chips(texts, LabelKind.NEGATIVE))) for title, texts in used.items()],
        files=[(name, size(count), _FILE_HELP.get(name, "")) for name, count in facts.files],
        packages=facts.packages,
    )
    return str(body)


def _origin(card: BundleCard, facts: BundleFacts) -> dict[str, str]:
    backbone, used = facts.backbone, facts.conditions
    title = METHOD_TITLES.get(card.method, card.method)
    method = f"{title[:1].upper()}{title[1:]}: {', '.join(method_parts(RunConfig.from_dict(facts.config)))}"
    return {
        "Origin": _ORIGIN_HELP.get(card.origin, card.origin),
        "On the Hub": f"{card.hub.repo_id} at {card.hub.commit[:7]}" if card.hub else "",
        "Name in its files": card.name if card.name != card.title else "",
        "Method": method,
        "Training clips": used.shots_text(int(facts.config.get("shots", 0))) if used.most else "",
        "Anchors": used.anchors,
        "Negative prompts": used.negatives,
        "Data set": card.dataset,
        "Hash of the data set": facts.dataset_hash,
        "Seed": "" if card.seed is None else str(card.seed),
        "Steps": f"{facts.steps:,}" if facts.steps else "",
        "Backbone": str(backbone.get("name", "")),
        "Revision": str(backbone.get("revision") or ""),
        "Hash of its weights": str(backbone.get("fingerprint", "")),
    }


def _value(config: Mapping[str, Any], path: str) -> str:
    """The setting ``path`` for a person; empty where the bundle does not have it."""
    value = flat(config).get(path)
    return "" if value in (None, "", [], ()) else value_text(value)


MAX_CHARACTERS = 30_000
"""A model card longer than that is shown in part."""


def card_html(text: str) -> Markup:
    """A model card, Markdown of strangers, as HTML that can do nothing: no markup of theirs and no picture is loaded.

    Links lead to web addresses alone and open in a tab of their own. What is beyond a long card's length is left out,
    and that is said.
    """
    body = text[:MAX_CHARACTERS].replace("\r\n", "\n").lstrip("\ufeff")
    if body.startswith("---\n") and (end := body.find("\n---", 3)) >= 0:
        body = body[end + 4 :].lstrip("-")
    first, *rest = body.split("<!--")
    body = first + "".join(one.partition("-->")[2] if "-->" in one else f"<!--{one}" for one in rest)
    html = Markup(_markdown().render(body))
    cut = "<p><em>The rest of this long card is in the bundle's README.md.</em></p>"
    return html + Markup(cut) if len(text) > MAX_CHARACTERS else html


@cache
def _markdown() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": False, "maxNesting": 20}).enable("table")

    def picture(self: RendererHTML, tokens: Sequence[Any], place: int, options: Any, env: Any) -> str:
        told = self.renderInlineAsText(tokens[place].children or [], options, env)
        return str(Markup("<em>[picture: {}]</em>").format(told or "without a text"))

    def link(self: RendererHTML, tokens: Sequence[Any], place: int, options: Any, env: Any) -> str:
        tokens[place].attrs |= {"target": "_blank", "rel": "noopener noreferrer nofollow"}
        return self.renderToken(tokens, place, options, env)

    def heading(self: RendererHTML, tokens: Sequence[Any], place: int, options: Any, env: Any) -> str:
        tokens[place].tag = f"h{min(6, int(tokens[place].tag[1]) + 3)}"  # below the headings of the page
        return self.renderToken(tokens, place, options, env)

    reader.add_render_rule("image", picture)
    reader.add_render_rule("heading_open", heading)
    reader.add_render_rule("heading_close", heading)
    reader.add_render_rule("link_open", link)
    reader.validateLink = lambda url: url.startswith(("https://", "http://"))  # type: ignore[method-assign]
    return reader
