"""One bundle in full. All of it was written by whoever made the bundle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ga2app.config import RunConfig
from ga2app.config.ablations import method_parts
from ga2app.types import BundleCard, BundleFacts, LabelKind
from ga2app.web.components.charts import compare_bars
from ga2app.web.components.markup import ago, chips, escape, notice, size
from ga2app.web.pages.library.bundle_cards import FIGURES, METHODS, ORIGIN_HELP, origin_mark
from ga2app.web.pages.library.markdown import to_html
from ga2app.web.pages.runs.standing import adjusted_html, ranges_of, rests_html
from ga2app.web.pages.train.train_settings import GROUPS

_FILE_HELP = {
    "prompts.safetensors": "the learned prompts: numbers, no code",
    "bundle.json": "what this page shows, as JSON",
    "README.md": "the model card",
}


def head_html(card: BundleCard, backbone_title: str | None) -> str:
    """Title, origin and whether it can be used. ``backbone_title`` is None where its backbone is not here."""
    where = backbone_title or card.backbone
    lacking = ""
    if backbone_title is None:
        lacking = notice(
            "warning",
            f"It belongs to backbone '{card.backbone}'. Download that, or name its folder in GA2_BACKBONE.",
            f"It cannot be used until '{card.backbone}' is here.",
        )
    facts = {"Backbone": where, "Added": ago(card.created_s), "Size": size(card.size_bytes) if card.size_bytes else ""}
    return (
        f'<div class="head"><header><h2>{escape(card.title or card.name)}</h2>{origin_mark(card.origin)}</header>'
        f"{_pairs(facts)}{lacking}</div>"
    )


def missing_html(card: BundleCard, folder: str) -> str:
    """In place of a bundle whose folder has vanished: what can be done. ``folder`` may be empty."""
    place = f" ('{folder}')" if folder else ""
    advice = {
        "embedded": "Install the program again: it ships with this bundle.",
        "trained": "Put the folder back, or delete this entry and train the run again.",
    }.get(card.origin, "Put the folder back, or delete this entry and upload the zip again.")
    return notice("error", advice, f"The folder of this bundle{place} is not there any more.")


def body_html(card: BundleCard, facts: BundleFacts) -> str:
    """Figures, labels, settings, origin, files and model card of the bundle that the list calls ``card``."""
    rows = [
        (word, f"figure-{name}", card.zero_shot.get(name), card.metrics.get(name))
        for name, (word, _) in FIGURES.items()
    ]
    names = {name: word for name, (word, _) in FIGURES.items()}
    ranges = ranges_of(card.zero_shot, card.metrics, card.tested, names)
    figures = compare_bars("Recognized, percent of the test clips", rows, ranges)
    figures += rests_html(card.tested) + adjusted_html(facts.conditions) if figures else ""
    return (
        f'<div class="bundle-body">{figures or notice("info", "Nothing was measured with this bundle.")}'
        f"<section><h4>{len(card.base)} base labels <small>trained on</small></h4>{chips(card.base, LabelKind.BASE)}"
        f"{_novel(card)}</section>"
        f"<section><h4>Where it comes from</h4>{_pairs(_origin(card, facts))}</section>"
        f"{_fold('Model card', _readme(facts), open_=True)}"
        f"{_fold('Settings it was trained with', _settings(facts.config))}"
        f"{_fold('Negative prompts and captions of irrelevant clips', _texts(facts))}"
        f"{_fold('Files', _files(facts))}"
        f"{_fold('Made with', _pairs(facts.packages) if facts.packages else '<p>Not told.</p>')}</div>"
    )


def _novel(card: BundleCard) -> str:
    if not card.novel:
        return ""
    title = f"{len(card.novel)} novel labels <small>never trained on, only tested</small>"
    return f"<h4>{title}</h4>{chips(card.novel, LabelKind.NOVEL)}"


def _origin(card: BundleCard, facts: BundleFacts) -> dict[str, str]:
    backbone, used = facts.backbone, facts.conditions
    return {
        "Origin": ORIGIN_HELP.get(card.origin, card.origin),
        "On the Hub": f"{card.hub.repo_id} at {card.hub.commit[:7]}" if card.hub else "",
        "Name in its files": card.name if card.name != card.title else "",
        "Method": _method(card, facts),
        "Training clips": used.shots_text(_shots(facts)) if used.most else "",
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


def _shots(facts: BundleFacts) -> int:
    """The shots that were asked for."""
    return int(facts.config.get("shots", 0))


def _method(card: BundleCard, facts: BundleFacts) -> str:
    """The method, with those of its parts that the run really used."""
    parts = ", ".join(method_parts(RunConfig.from_dict(facts.config)))
    return f"{METHODS.get(card.method, card.method)}: {parts}"


def _readme(facts: BundleFacts) -> str:
    if not facts.readme.strip():
        return "<p>It has no model card.</p>"
    return f'<article class="model-card">{to_html(facts.readme)}</article>'


def _settings(config: Mapping[str, Any]) -> str:
    """The settings under the titles that the Train screen gives them."""
    groups = []
    for group in GROUPS:
        values = {setting.label: _spoken(_found(config, setting.path)) for setting in group.settings}
        groups.append(f"<h5>{escape(group.title)}</h5>{_pairs(values)}")
    return "".join(groups)


def _found(config: Mapping[str, Any], path: str) -> Any:
    value: Any = config
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _spoken(value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)


def _texts(facts: BundleFacts) -> str:
    if not (facts.negatives or facts.anchor_captions):
        return "<p>It was trained without any.</p>"
    parts = []
    for title, texts in (("Negative prompts", facts.negatives), ("Captions", facts.anchor_captions)):
        if texts:
            parts.append(f"<h5>{len(texts)} {title.lower()}</h5>{chips(texts, LabelKind.NEGATIVE)}")
    return "".join(parts)


def _files(facts: BundleFacts) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{size(count)}</td><td>{escape(_FILE_HELP.get(name, ""))}</td></tr>'
        for name, count in facts.files
    )
    return f'<div class="scroll"><table class="files">{rows}</table></div>'


def _fold(title: str, inner: str, open_: bool = False) -> str:
    return f"<details{' open' if open_ else ''}><summary>{escape(title)}</summary>{inner}</details>"


def _pairs(values: Mapping[str, Any]) -> str:
    """Names and values, those without a value left out."""
    rows = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in values.items() if value != ""
    )
    return f'<dl class="facts">{rows}</dl>'
