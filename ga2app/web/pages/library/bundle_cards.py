"""The library's list: a card a bundle, with its figures beside those of plain CLIP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from ga2app.services.studio import bundle_key
from ga2app.types import BundleCard, intervals
from ga2app.web.components.markup import ago, empty, escape, size

ORIGINS = {"trained": "own", "imported": "imported", "embedded": "embedded", "hub": "Hub"}
ORIGIN_HELP = {
    "trained": "own: trained by a run of this studio",
    "imported": "imported: it came as a zip file from somebody, or from another studio",
    "embedded": "embedded: it ships with the program, as a hard prompt for the sketch backbone",
    "hub": "Hub: it was pulled from the Hugging Face Hub",
}
METHODS = {
    "coop": "Text prompts alone (CoOp)",
    "vpt": "Visual prompts alone (VPT)",
    "ivlp": "Prompts in both towers (ViFi-CLIP's prompting)",
    "coupled": "Prompts coupled to a hard prompt",
    "ga2-released": "GA² as its authors released it",
    "ga2": "GA²-CLIP",
    "custom": "A mixture of its own",
}
FIGURES = {
    "base": ("base", "Base: share of test clips recognized, over labels that it was trained on"),
    "novel": ("novel", "Novel: the same over labels that it was never trained on"),
    "hm": ("HM", "HM: harmonic mean of base and novel, high only if both are"),
}

_LEGEND = (
    '<p class="legend">Bars are percent of the test clips, in parentheses the 95 % interval; the tick is where plain '
    "CLIP stands.</p>"
)


def list_html(cards: Sequence[BundleCard], chosen: str, titles: Mapping[str, str], missing: set[str]) -> str:
    """The cards of one page of the list. ``titles`` name backbones, ``missing`` are the keys of vanished folders."""
    items = "".join(_card(card, chosen, titles, bundle_key(card) in missing) for card in cards)
    return f'<nav class="bundles" aria-label="Bundles">{items}</nav>{_LEGEND}'


def nothing_found_html() -> str:
    """Shown where the search finds no bundle."""
    return empty("No bundle matches", "Take a word out of the search.", "Or set the lists beside it back to All.")


def empty_html() -> str:
    """Shown in an empty library: what a bundle is, and how one comes by it."""
    return (
        '<div class="empty"><h3>What is a bundle?</h3><p>What a run has learned: prompts, a few thousand to a few '
        "million numbers that a frozen CLIP reads beside a clip and its labels. CLIP itself is not in it, so a bundle "
        "is small, works with that one CLIP only, and cannot contain code.</p><ol>"
        "<li>Train one: choose a data set on Train and queue a run. Its bundle appears here when it is done.</li>"
        "<li>Or upload the zip of a bundle that somebody gave you.</li>"
        "<li>Then try it on Recognize, build the next run on it, or download it to pass it on.</li></ol></div>"
    )


def pages_html(first: int, shown: int, total: int) -> str:
    """Which part of the list is shown."""
    if not total:
        return ""
    return f'<p class="legend">{first + 1}–{first + shown} of {total} bundle{"" if total == 1 else "s"}</p>'


def origin_mark(origin: str) -> str:
    """Where a bundle comes from, as a small mark with its explanation."""
    kind, word = origin.partition(":")[0], ORIGINS.get(origin.partition(":")[0], origin)
    return f'<span class="origin {escape(kind)}" title="{escape(origin_help(origin))}">{escape(word)}</span>'


def origin_help(origin: str) -> str:
    """The same in words; of a bundle from the Hub, which repository and commit."""
    kind, _, place = origin.partition(":")
    return f"{ORIGIN_HELP.get(kind, origin)}{f', {place}' if place else ''}"


def _card(card: BundleCard, chosen: str, titles: Mapping[str, str], missing: bool) -> str:
    key = bundle_key(card)
    current = ' aria-current="true"' if key == chosen else ""
    gone = '<span class="gone">folder is missing</span>' if missing else ""
    facts = [titles.get(card.backbone, card.backbone), f"{len(card.base)} base, {len(card.novel)} novel labels"]
    facts += [f"data: {card.dataset}"] if card.dataset else []
    facts += [card.method] if card.method else []
    line = "".join(f"<span>{escape(fact)}</span>" for fact in facts)
    last = [f"seed {card.seed}"] if card.seed is not None else []
    last += [size(card.size_bytes)] if card.size_bytes else []
    last.append(ago(card.created_s))
    return (
        f'<a class="bundle" href="./library?bundle={escape(quote(key))}" data-bundle="{escape(key)}"{current}>'
        f'<span class="title">{escape(card.title or card.name)}</span>{origin_mark(card.origin)}'
        f'<span class="facts">{line}</span>{_bars(card)}'
        f'<span class="when">{gone}{"".join(f"<span>{escape(fact)}</span>" for fact in last)}</span></a>'
    )


def _bars(card: BundleCard) -> str:
    """Base, novel and HM as small bars, with a tick where plain CLIP stands; nothing where nothing was measured."""
    rows = []
    found = intervals(card.metrics, card.tested)
    clips = ", ".join(f"{one.clips} {side} test clips" for side, one in card.tested.items())
    for name, (word, about) in FIGURES.items():
        value, before = card.metrics.get(name), card.zero_shot.get(name)
        if value is None:
            continue
        tick = "" if before is None else f'<span class="tick" style="left:{_share(before):.1f}%"></span>'
        beside = "" if before is None else f", plain CLIP {before:.1f}"
        interval = f" <small>({found[name]})</small>" if name in found else ""
        beside += f", 95 % interval {found[name]}, {clips}" if name in found else ""
        rows.append(
            f'<span class="small-bar figure-{name}" title="{escape(about)}{escape(beside)}" role="img" '
            f'aria-label="{word} {value:.1f} percent{beside}"><span class="name">{word}</span><span class="rail">'
            f'<span class="fill" style="width:{_share(value):.1f}%"></span>{tick}</span>'
            f"<b>{value:.1f}{interval}</b></span>"
        )
    return f'<span class="small-bars">{"".join(rows)}</span>' if rows else ""


def _share(percent: float) -> float:
    return max(0.0, min(100.0, percent))
