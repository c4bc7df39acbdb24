"""The browser's camera, recognized as it goes on and recorded beside it: ``/live``, which Recognize leads to."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import gradio as gr

from ga2app.errors import ClipError
from ga2app.services.live_recognition import SPANS_S
from ga2app.services.recognition_service import MOST_BUNDLES
from ga2app.services.studio import Studio
from ga2app.types import RecognitionRequest
from ga2app.web import address
from ga2app.web.components.form_fields import backbone_field, backbone_info, line, pick, settle_choice
from ga2app.web.components.markup import notice, render, script
from ga2app.web.components.masthead import Page
from ga2app.web.events import QUIET, fault_html
from ga2app.web.pages.live.live_view import camera_fault
from ga2app.web.pages.recognize.recognize_controls import add_recording, bundle_choice
from ga2app.web.pages.recognize.recognize_page import Asked, opening
from ga2app.web.pages.recognize.recognize_state import VISITS
from ga2app.web.theme import part

_SPANS = [(f"{span_s:g} seconds", span_s) for span_s in SPANS_S]
_KEPT = "The recording is among the clips on Recognize"


def build_live(studio: Studio, page: Page) -> None:
    """Lay the page out and connect it."""
    tab, memory = gr.Textbox("", visible=False), gr.JSON(visible=False)
    camera = gr.Textbox("", visible=False)
    begun, recorded = gr.JSON(visible=False), gr.File(visible=False)
    named = studio.known_backbone(None)
    with gr.Row(elem_classes="split"):
        with gr.Column(scale=5, min_width=300, elem_classes="asking"):
            about = "Candidate labels, one per line or comma-separated."
            labels = line("live-labels", "Labels", about, lines=1, max_lines=8, placeholder="waving, sitting, reading")
            several: Any = {"multiselect": True, "max_choices": MOST_BUNDLES}
            beside = f"Trained prompts to compare with zero-shot CLIP, up to {MOST_BUNDLES} side by side."
            bundle = pick("live-bundle", "Prompt bundles", studio.bundle_choices(), [], beside, **several)
            backbone = backbone_field(studio, named, backbone_info(named, studio), "live-backbone")
            about = "What the camera has shown for so long is looked at as one clip, again and again."
            span = pick("live-span", "Time looked at", _SPANS, SPANS_S[1], about)
            fault = part("", elem_id="live-fault")
            start = gr.Button("Start", variant="primary", elem_id="live-start")
        with gr.Column(scale=8, min_width=300, elem_classes="telling"):
            shown = part(str(render("live_camera.html")), js_on_load=script("live_camera.js"), elem_id="live-camera")
            kept = part("", elem_id="live-recorded")

    def begin(said: str, labels: str, keys: list[str], backbone: str, span_s: float) -> tuple[str, Any]:
        if why := camera_fault(said):
            return notice("error", why), None
        try:
            found = studio.live.begin(RecognitionRequest((), labels, keys, backbone), float(span_s))
        except Exception as exc:
            return fault_html(exc), None
        return "", asdict(found)

    def keep(key: str, path: str | None, labels: str, keys: list[str]) -> str:
        try:
            number = VISITS.add_clip(key, lambda files: add_recording(path, files), labels=labels, bundles=keys)
        except ClipError as exc:
            return notice("error", str(exc))
        return f'<p class="legend" role="status">{_KEPT} ({number}): <a href="./">go there</a>.</p>'

    def open_page(given: dict[Any, Any], request: gr.Request) -> dict[Any, Any]:
        asked = Asked(tuple(address.texts(request, "bundle")), address.text(request, "labels"))
        left = VISITS.recall(given[tab])
        found = opening(studio, asked, left.values or given[memory], given[bundle], given[labels])
        parts = {"bundle": bundle, "labels": labels, "backbone": backbone, "fit": fault}
        return {tab: given[tab]} | {parts[name]: value for name, value in found.items() if name in parts}

    def settle(typed: str | None) -> tuple[Any, str]:
        listed, why = settle_choice(studio, typed, backbone_info(typed or "", studio))
        return listed, notice("error", why)

    outputs = [tab, bundle, labels, backbone, fault]
    page.on_open(open_page, {tab, memory, bundle, labels}, outputs, js=script("visit_key.js"), **QUIET)
    bundle.input(lambda keys: bundle_choice(studio, keys)[0], bundle, backbone, **QUIET)
    backbone.change(settle, backbone, [backbone, fault], **QUIET)
    ask: Any = {"js": "async (...given) => [await ga2Live.camera(), ...given.slice(1)]", "concurrency_limit": None}
    given = [camera, labels, bundle, backbone, span]
    asked = gr.on([start.click, labels.submit], begin, given, [fault, begun], **ask, **QUIET)
    asked.then(None, begun, None, js="told => { ga2Live.begin(told); }", **QUIET)
    handed = "(tab, file, ...given) => [tab, ga2Live.recorded(), ...given]"
    shown.submit(keep, [tab, recorded, labels, bundle], kept, js=handed, **QUIET)
    address.tell("(labels, bundle) => ({bundle, labels: labels.length > 1500 ? '' : labels})", [labels, bundle])
