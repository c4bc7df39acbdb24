"""First screen: clips and labels in, what plain CLIP and bundles see in them out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from ga2app.labels import format_labels
from ga2app.services.studio import Studio
from ga2app.web import address
from ga2app.web.components.markup import empty, listed, notice, shortened
from ga2app.web.components.masthead import Page
from ga2app.web.events import QUIET
from ga2app.web.pages.recognize import clip_sources as sources
from ga2app.web.pages.recognize import recognize_scripts as scripts
from ga2app.web.pages.recognize.asking import MOST_BUNDLES, Request
from ga2app.web.pages.recognize.clip_sources import bundle_choice, labels_of
from ga2app.web.pages.recognize.controls import Controls, build_controls, connect_controls
from ga2app.web.pages.recognize.recognize_settings import choose_way, group_choices, none_settings
from ga2app.web.pages.recognize.shown import UNEXPECTED, Shown, answer_pages, draw
from ga2app.web.pages.recognize.telling import Telling, build_telling
from ga2app.web.pages.recognize.visits import KEY_JS, Left, Visits

__all__ = [
    "REVEAL_JS",
    "UNEXPECTED",
    "build_recognize",
    "bundle_choice",
    "labels_of",
]

REVEAL_JS = scripts.REVEAL


def build_recognize(studio: Studio, page: Page) -> None:
    """Lay the page out and connect it."""
    with gr.Row(elem_classes="split"):
        with gr.Column(scale=5, min_width=300, elem_classes="asking"):
            asking = build_controls(studio)
        with gr.Column(scale=8, min_width=300, elem_classes="telling", elem_id="telling"):
            telling = build_telling(studio, asking.settings, _empty_html())
    connect_controls(studio, asking)
    _connect_recognizing(studio, asking, telling)
    _connect_memory(studio, asking, telling, page)


def _connect_recognizing(studio: Studio, asking: Controls, telling: Telling) -> None:
    """What makes the right side speak: the button, Enter, or a click on an example."""

    def recognize(
        before: Shown, files: list[str] | None, labels: str, bundles: list[str] | None, backbone: str, *settings: Any
    ) -> Iterator[list[Any]]:
        template, top_k, way, group, threshold = settings
        none_of_these = none_settings(way, group, threshold)
        request = Request(files or [], labels, bundles, backbone, template, int(top_k), none_of_these)
        for page in answer_pages(studio, request, before):
            yield [*telling.values(page), page.fault]

    def choose_example(event: gr.EventData) -> tuple[list[str], str]:
        example = studio.examples[event.index]
        return [example.path], format_labels(dict.fromkeys(each.label for each in studio.examples))

    shared: dict[str, Any] = {
        "fn": recognize,
        "inputs": [telling.shown, asking.files, asking.labels, asking.bundle, asking.backbone, *asking.settings.inputs],
        "outputs": [*telling.outputs, asking.fault],
        "show_progress": "minimal",
        "show_progress_on": telling.clips,
        "concurrency_id": "recognize",
        "concurrency_limit": 1,
        "api_visibility": "private",
    }
    reveal: dict[str, Any] = {"fn": None, "js": REVEAL_JS % "telling", **QUIET}
    gr.on([asking.ask.click, asking.labels.submit], **shared).then(**reveal)
    gr.on([asking.ask.click, asking.labels.submit], **reveal)
    chosen = asking.examples.click(choose_example, None, [asking.files, asking.labels], **QUIET)
    chosen.success(**shared).then(**reveal)
    chosen.success(**reveal)


def _connect_memory(studio: Studio, asking: Controls, telling: Telling, page: Page) -> None:
    """What the page opens with: what its address names, what was left in this tab, or else what the browser remembers.

    The address follows the bundles and the labels, so that it can be passed on.
    """
    memory = gr.BrowserState({"labels": "", "bundles": []}, storage_key="ga2-recognize", secret="ga2-studio")
    visits, tab = Visits(), gr.Textbox("", visible=False)
    held: dict[str, Any] = {"files": asking.files, "labels": asking.labels, "bundles": asking.bundle}
    held |= {"backbone": asking.backbone, **vars(asking.settings)}

    def remember(labels: str, keys: list[str] | None) -> dict[str, Any]:
        return {"labels": labels, "bundles": keys or []}

    def keep(key: str, shown: Shown, *values: Any) -> None:
        visits.keep(key, list(held), values, shown)

    def open_page(key: str, known: Any, chosen: list[str] | None, typed: str, request: gr.Request) -> dict[Any, Any]:
        left = visits.recall(key)
        asked = Asked(tuple(address.texts(request, "bundle")), address.text(request, "labels"))
        drawn: dict[Any, Any] = {tab: key} | restored(studio, asking, left)
        if left.shown.told:
            drawn |= dict(zip(telling.outputs, telling.values(draw(left.shown)), strict=True))
        opened = opening(studio, asked, left.values or known, chosen, typed)
        return drawn | {getattr(asking, name): value for name, value in opened.items()}

    lists = [asking.take_labels, asking.fit, asking.dataset, asking.suggested]
    page.on_open(
        open_page,
        [tab, memory, asking.bundle, asking.labels],
        [tab, *held.values(), *lists, *telling.outputs],
        js=KEY_JS,
        **QUIET,
    )
    done = [asking.labels.blur, asking.labels.submit, asking.bundle.input, asking.ask.click]
    done += [asking.take_labels.click, asking.suggested.click]
    gr.on(done, remember, [asking.labels, asking.bundle], memory, **QUIET)
    changed = [asking.files.change, asking.backbone.change, telling.clips.change, telling.grades.change]
    changed += [part.change for part in vars(asking.settings).values()]
    gr.on([*done, *changed], keep, [tab, telling.shown, *held.values()], None, trigger_mode="always_last", **QUIET)
    address.tell(
        "(bundle, labels) => ({bundle, labels: labels.length > 1500 ? '' : labels})", [asking.bundle, asking.labels]
    )


def restored(studio: Studio, asking: Controls, left: Left) -> dict[Any, Any]:
    """Clips, backbone and settings as they were left in the browser's tab; clips whose files are gone are not."""
    settings = asking.settings
    if not left.values:
        return {settings.group: gr.update(choices=group_choices(studio))}
    group, threshold = choose_way(left.values["way"])
    drawn = {
        asking.files: [file for file in left.values["files"] or () if Path(file).exists()] or None,
        asking.backbone: left.values["backbone"],
        settings.way: left.values["way"],
        settings.group: group | {"value": left.values["group"], "choices": group_choices(studio)},
        settings.threshold: threshold | {"value": left.values["threshold"]},
    }
    return drawn | {getattr(settings, name): left.values[name] for name in ("template", "top_k")}


@dataclass(frozen=True)
class Asked:
    """What the address names: bundles by their keys, and labels."""

    bundles: tuple[str, ...] = ()
    labels: str = ""


def opening(studio: Studio, asked: Asked, memory: Any, chosen: list[str] | None, typed: str) -> dict[str, Any]:
    """What the controls and lists hold when the page opens, by name.

    What the address names counts most, then what was left in the tab or what the browser remembers: ``memory``, of
    which nothing is trusted. A bundle that the address names and nobody has is told. Without an address what there is
    to see already stays: bundles or labels may have come in while this was on its way, with an example.
    """
    kept = memory if isinstance(memory, dict) else {}
    named = kept.get("bundles")
    known = [key for key in named if isinstance(key, str)] if isinstance(named, list) else []
    choices, there = _bundles(studio, list(asked.bundles or chosen or known)[:MOST_BUNDLES])
    before = kept.get("labels")
    text = asked.labels or typed or (before if isinstance(before, str) else "")
    drawn: dict[str, Any] = {"bundle": gr.update(choices=choices)}
    if there and there != chosen:
        drawn["bundle"] = gr.update(choices=choices, value=there)
        backbone, drawn["take_labels"] = bundle_choice(studio, there)
        if asked.bundles:
            text = text or labels_of(studio, there)
            drawn["backbone"] = backbone
            drawn["fit"] = sources.bundle_notice(studio, there, backbone.get("value") or studio.known_backbone(None))
    if text and text != typed:
        drawn["labels"] = text
    lacking = [f"'{shortened(key)}'" for key in asked.bundles if key not in {there for _, there in choices}]
    if lacking:
        title = f"There is no bundle {listed(lacking, MOST_BUNDLES)} in the library."
        drawn["fit"] = notice("warning", "It was deleted, or the address is mistyped.", title)
    found = sources.label_sources(studio)
    return drawn | {
        "dataset": gr.update(choices=found, visible=bool(found)),
        "suggested": sources.suggestions_html(sources.suggestions(studio, text, there)),
    }


def _bundles(studio: Studio, keys: list[str] | None) -> tuple[list[tuple[str, str]], list[str]]:
    """The list of bundles, and those of ``keys`` that are in it."""
    choices = studio.bundle_choices()
    there = {key for _, key in choices}
    return choices, [key for key in keys or () if key in there]


def _empty_html() -> str:
    return empty(
        "What is going on in your clip?",
        "Click a drawn clip on the left, or drop clips of your own.",
        "Type what it could be: any words, they need not have been trained.",
        "Choose prompt bundles to see them side by side with plain CLIP.",
        "Ask “Why?” under an answer, and open “None of these” if a clip may show something else.",
    )
