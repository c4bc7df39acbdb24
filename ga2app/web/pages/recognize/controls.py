"""The left side of the first screen: clips, labels, bundles and backbone, and what they do to each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from ga2app.errors import ClipError
from ga2app.services.studio import Studio
from ga2app.web.components.backbone_field import backbone_field, backbone_info, settle_choice
from ga2app.web.components.markup import escape, file_url, notice
from ga2app.web.events import QUIET
from ga2app.web.pages.recognize import clip_sources as sources
from ga2app.web.pages.recognize import recognize_scripts as scripts
from ga2app.web.pages.recognize.asking import MOST_BUNDLES
from ga2app.web.pages.recognize.clip_sources import bundle_choice, labels_of
from ga2app.web.pages.recognize.recognize_settings import Settings, build_settings
from ga2app.web.pages.recognize.recorder import add_recording, build_recorder
from ga2app.web.theme import part
from ga2app.web.uploads import with_names


@dataclass(frozen=True)
class Controls:
    """The controls of the left side."""

    examples: gr.HTML
    files: gr.File
    recorder: gr.Video
    labels: gr.Textbox
    suggested: gr.HTML
    take_labels: gr.Button
    dataset: gr.Dropdown
    bundle: gr.Dropdown
    fit: gr.HTML
    ask: gr.Button
    fault: gr.HTML
    backbone: gr.Dropdown
    settings: Settings


def build_controls(studio: Studio) -> Controls:
    """Lay them out."""
    named = studio.known_backbone(None)
    examples = part(_examples_html(studio), js_on_load=scripts.EXAMPLES, elem_id="examples")
    files = with_names(gr.File(label="Clips", file_count="multiple", height=150, elem_id="clips"))
    with gr.Accordion("Record with the webcam", open=False, elem_id="webcam"):
        recorder = build_recorder(label="Webcam, not mirrored", height=260)
    labels = gr.Textbox(
        label="Labels",
        info="Candidate labels, one per line or comma-separated. Press Enter to run.",
        placeholder="climbing a ladder, rowing a boat, playing the guitar",
        lines=1,
        max_lines=8,
        elem_id="labels",
    )
    suggested = part(
        sources.suggestions_html(sources.suggestions(studio, "", None)),
        js_on_load=scripts.SUGGESTIONS,
        elem_id="suggested",
    )
    take_labels = gr.Button("Use the bundle's labels", size="sm", visible=False, elem_id="take-labels")
    found = sources.label_sources(studio)
    dataset = gr.Dropdown(
        found, value=None, label="Load labels from a data set", visible=bool(found), elem_id="labels-of"
    )
    bundle = gr.Dropdown(
        studio.bundle_choices(),
        value=[],
        multiselect=True,
        max_choices=MOST_BUNDLES,
        label="Prompt bundles",
        info=f"Trained prompts to compare with plain CLIP, up to {MOST_BUNDLES} side by side.",
        elem_id="bundle",
    )
    fit = part("", elem_id="fit")
    backbone = backbone_field(studio, named, backbone_info(named, studio), "backbone")
    settings = build_settings(studio)
    with gr.Column(elem_id="recognize-bar", elem_classes="press-bar"):
        fault = part("", elem_id="recognize-fault")
        ask = gr.Button("Recognize", variant="primary", elem_id="recognize")
    return Controls(
        examples, files, recorder, labels, suggested, take_labels, dataset, bundle, fit, ask, fault, backbone, settings
    )


def connect_controls(studio: Studio, controls: Controls) -> None:
    """What the controls of the left side do to each other."""

    def choose_bundles(keys: list[str] | None) -> tuple[Any, Any]:
        return bundle_choice(studio, keys)

    def check_fit(keys: list[str] | None, backbone: str | None) -> tuple[str, Any]:
        listed, fault = settle_choice(studio, backbone, backbone_info(backbone or "", studio))
        if fault:
            return notice("error", fault), listed
        return sources.bundle_notice(studio, keys, studio.known_backbone(backbone)), listed

    def suggest(labels: str, keys: list[str] | None) -> str:
        return sources.suggestions_html(sources.suggestions(studio, labels, keys))

    def add_suggested(labels: str, event: gr.EventData) -> str:
        return sources.add_label(labels, str(event._data.get("label", "")))

    def of_dataset(name: str | None, labels: str) -> tuple[str, None]:
        return sources.dataset_labels(studio, name) or labels, None

    def record(path: str | None, files: list[str] | None) -> tuple[Any, Any]:
        try:
            several = add_recording(path, files)
        except ClipError as exc:
            gr.Warning(str(exc))
            return gr.skip(), None
        return (gr.skip(), gr.skip()) if several is None else (several, None)

    # A list of several choices reports a change each time it is drawn: what people choose is an input.
    chosen = [controls.labels, controls.bundle]
    controls.bundle.input(choose_bundles, controls.bundle, [controls.backbone, controls.take_labels], **QUIET)
    gr.on(
        [controls.bundle.input, controls.backbone.change],
        check_fit,
        [controls.bundle, controls.backbone],
        [controls.fit, controls.backbone],
        **QUIET,
    )
    controls.take_labels.click(lambda keys: labels_of(studio, keys), controls.bundle, controls.labels, **QUIET)
    controls.dataset.input(
        of_dataset, [controls.dataset, controls.labels], [controls.labels, controls.dataset], **QUIET
    )
    gr.on(
        [controls.labels.change, controls.bundle.input],
        suggest,
        chosen,
        controls.suggested,
        trigger_mode="always_last",
        **QUIET,
    )
    controls.suggested.click(add_suggested, controls.labels, controls.labels, **QUIET)
    controls.recorder.change(record, [controls.recorder, controls.files], [controls.files, controls.recorder], **QUIET)


def _examples_html(studio: Studio) -> str:
    if not studio.examples:
        return ""
    cards = "".join(
        f'<button type="button" class="example" data-example="{index}" aria-label="Recognize the example: '
        f'{escape(example.label)}"><video src="{file_url(example.path)}" muted loop playsinline preload="auto" '
        f'tabindex="-1" aria-hidden="true"></video></button>'
        for index, example in enumerate(studio.examples)
    )
    return f'<section class="examples"><h2>Try a drawn clip</h2><div class="cards">{cards}</div></section>'
