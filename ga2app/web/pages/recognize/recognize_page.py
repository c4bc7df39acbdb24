"""First screen: clips and labels in, what plain CLIP and bundles see in them out."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from ga2app.errors import BundleError
from ga2app.labels import format_labels
from ga2app.services.studio import Studio
from ga2app.web.components.markup import empty
from ga2app.web.events import QUIET
from ga2app.web.pages.recognize import clip_sources as sources
from ga2app.web.pages.recognize import recognize_scripts as scripts
from ga2app.web.pages.recognize.asking import MOST_BUNDLES, Request
from ga2app.web.pages.recognize.clip_sources import bundle_choice, labels_of
from ga2app.web.pages.recognize.controls import Controls, build_controls, connect_controls
from ga2app.web.pages.recognize.recognize_settings import Settings, group_choices, none_settings
from ga2app.web.pages.recognize.shown import UNEXPECTED, Shown, answer_pages
from ga2app.web.pages.recognize.telling import Telling, build_telling

__all__ = [
    "REVEAL_JS",
    "UNEXPECTED",
    "RecognizeScreen",
    "build_recognize",
    "bundle_choice",
    "labels_of",
]

REVEAL_JS = scripts.REVEAL


@dataclass(frozen=True)
class RecognizeScreen:
    """The parts of this screen that others reach for, and what others may do to it."""

    studio: Studio
    labels: gr.Textbox
    bundle: gr.Dropdown
    backbone: gr.Dropdown
    take_labels: gr.Button
    dataset: gr.Dropdown
    suggested: gr.HTML
    settings: Settings
    fit: gr.HTML
    memory: gr.BrowserState

    @property
    def listed(self) -> list[Any]:
        """What ``refresh`` redraws."""
        return [self.bundle, self.dataset, self.settings.group, self.suggested]

    def refresh(self, keys: list[str] | None, labels: str) -> list[Any]:
        """The lists as the store has them now; a chosen bundle that is gone is taken off."""
        return refreshed(self.studio, keys, labels)

    @property
    def tried(self) -> list[Any]:
        """What ``try_bundle`` sets."""
        return [self.bundle, self.backbone, self.take_labels, self.labels, self.fit]

    def try_bundle(self, key: str, labels: str) -> list[Any]:
        """Choose the bundle under ``key``, with its labels where none have been typed."""
        backbone, take = bundle_choice(self.studio, key)
        chosen = gr.update(choices=self.studio.bundle_choices(), value=[key])
        named = backbone.get("value") or self.studio.known_backbone(None)
        fit = sources.bundle_notice(self.studio, [key], named)
        return [chosen, backbone, take, labels or labels_of(self.studio, key), fit]


def build_recognize(studio: Studio, tab: gr.Tab | None = None) -> RecognizeScreen:
    """Lay the screen out and connect it; ``tab`` is where it lies: opening it brings its lists up to date."""
    with gr.Row(elem_classes="split"):
        with gr.Column(scale=5, min_width=300, elem_classes="asking"):
            asking = build_controls(studio)
        with gr.Column(scale=8, min_width=300, elem_classes="telling", elem_id="telling"):
            telling = build_telling(studio, asking.settings, _empty_html())
    memory = gr.BrowserState({"labels": "", "bundles": []}, storage_key="ga2-recognize", secret="ga2-studio")
    screen = RecognizeScreen(
        studio,
        asking.labels,
        asking.bundle,
        asking.backbone,
        asking.take_labels,
        asking.dataset,
        asking.suggested,
        asking.settings,
        asking.fit,
        memory,
    )
    connect_controls(studio, asking)
    _connect_recognizing(studio, asking, telling)
    _connect_memory(studio, asking, memory, screen, tab)
    return screen


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


def _connect_memory(
    studio: Studio, asking: Controls, memory: gr.BrowserState, screen: RecognizeScreen, tab: gr.Tab | None
) -> None:
    """Labels and bundles outlive a reload; lists are brought up to date when the page or the tab is opened."""

    def remember(labels: str, keys: list[str] | None) -> dict[str, Any]:
        return {"labels": labels, "bundles": keys or []}

    typed = [asking.labels, asking.bundle]
    gr.on(
        [asking.labels.blur, asking.labels.submit, asking.bundle.input, asking.ask.click],
        remember,
        typed,
        memory,
        **QUIET,
    )
    gr.on([asking.take_labels.click, asking.suggested.click], remember, typed, memory, **QUIET)
    root = gr.context.Context.root_block
    if root is not None:
        restored = [asking.bundle, asking.labels, asking.take_labels]
        typed_already = [memory, asking.bundle, asking.labels]
        opened = root.load(lambda *known: recalled(studio, *known), typed_already, restored, **QUIET)
        opened.then(screen.refresh, [asking.bundle, asking.labels], screen.listed, **QUIET)
    if tab is not None:
        tab.select(screen.refresh, [asking.bundle, asking.labels], screen.listed, **QUIET)


def refreshed(studio: Studio, keys: list[str] | None, labels: str) -> list[Any]:
    """The lists of bundles, data sets and groups as the store has them, and what could be added to ``labels``."""
    choices, kept = _bundles(studio, keys)
    found = sources.label_sources(studio)
    return [
        # A choice that stands is not put in again: another may have been made while this was on its way.
        gr.update(choices=choices) if kept == (keys or []) else gr.update(choices=choices, value=kept),
        gr.update(choices=found, visible=bool(found)),
        gr.update(choices=group_choices(studio)),
        sources.suggestions_html(sources.suggestions(studio, labels, kept)),
    ]


def recalled(studio: Studio, kept: Any, chosen: list[str] | None, labels: str) -> list[Any]:
    """Bundles, labels and the button to take theirs, as the browser remembers them; nothing old is trusted.

    What there is to see already stays, and nothing to put in is nothing to say: bundles or labels may have come in
    while this was on its way, with an example.
    """
    memory = kept if isinstance(kept, dict) else {}
    text, named = memory.get("labels"), memory.get("bundles")
    keys = [key for key in named if isinstance(key, str)][:MOST_BUNDLES] if isinstance(named, list) else []
    choices, there = _bundles(studio, keys)
    typed = text if isinstance(text, str) and text and not labels else gr.skip()
    if chosen or not there:
        return [gr.skip(), typed, gr.skip()]
    take = gr.skip()
    with contextlib.suppress(BundleError):
        take = bundle_choice(studio, there)[1]
    return [gr.update(choices=choices, value=there), typed, take]


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
