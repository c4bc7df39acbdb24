"""The settings of the first screen: when a clip is none of these, the sentences round a label, how much is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from ga2app.config import TEMPLATE
from ga2app.services.studio import Studio
from ga2app.types import NoneWay
from ga2app.types.recognition import DEFAULT_THRESHOLDS
from ga2app.web.events import QUIET
from ga2app.web.pages.recognize.asking import ENSEMBLE, NoneSettings, templates

OFF = "off"
_ENSEMBLE_BUTTON = f"Use the {len(ENSEMBLE)}-template ensemble"
ALL_GROUPS = ""

_WAYS = [
    ("Off: one of the labels always wins", OFF),
    ("Negative prompts compete with the labels", NoneWay.COMPETE.value),
    ("Reject below a threshold", NoneWay.THRESHOLD.value),
]
_THRESHOLD_INFO = {
    NoneWay.COMPETE: "The best label needs at least this share of all. At 0 it only has to beat the nearest negative.",
    NoneWay.THRESHOLD: "Reject unless the top label scores at least this much against the closest negative prompt "
    "(50 % = equally close).",
}


@dataclass(frozen=True)
class Settings:
    """The controls. ``inputs`` are what a request takes of them, in the order of ``none_settings``."""

    way: gr.Radio
    group: gr.Dropdown
    threshold: gr.Slider
    template: gr.Textbox
    top_k: gr.Slider

    @property
    def inputs(self) -> list[Any]:
        return [self.template, self.top_k, self.way, self.group, self.threshold]


def build_settings(studio: Studio) -> Settings:
    """Lay the settings out and connect what is theirs alone."""
    with gr.Accordion("None of these", open=False, elem_id="none-of-these"):
        way = gr.Radio(
            _WAYS,
            value=OFF,
            label="Allow “none of these”",
            info="Negative prompts, kept in Anchors, say what else there could be: nothing, an object, an empty place.",
        )
        group = gr.Dropdown(
            group_choices(studio),
            value=ALL_GROUPS,
            label="Which negative prompts",
            info="Enabled prompts only.",
            visible=False,
        )
        threshold = gr.Slider(0, 100, value=0, step=1, label="Threshold, %", visible=False, elem_id="threshold")
    with gr.Accordion("Settings", open=False):
        template = gr.Textbox(
            TEMPLATE,
            label="Prompt templates",
            info="One template per line; {} is the label. Several are averaged. Only used by plain CLIP.",
            lines=1,
            max_lines=8,
            elem_id="template",
        )
        ensemble = gr.Button(_ENSEMBLE_BUTTON, size="sm")
        top_k = gr.Slider(1, 20, value=5, step=1, label="Labels shown for each clip")
    way.input(choose_way, way, [group, threshold], **QUIET)
    ensemble.click(swap_sentences, template, [template, ensemble], **QUIET)
    return Settings(way, group, threshold, template, top_k)


def group_choices(studio: Studio) -> list[tuple[str, str]]:
    """The groups of negative prompts, all of them together first."""
    return [("All groups", ALL_GROUPS), *((name, name) for name in studio.store.negatives.groups())]


def choose_way(way: str) -> tuple[Any, Any]:
    """What choosing a way does to the group and to the threshold, which begins at the way's own."""
    if way == OFF:
        return gr.update(visible=False), gr.update(visible=False)
    chosen = NoneWay(way)
    return gr.update(visible=True), gr.update(
        visible=True, value=round(100 * DEFAULT_THRESHOLDS[chosen]), info=_THRESHOLD_INFO[chosen]
    )


def swap_sentences(text: str) -> tuple[str, Any]:
    """The ensemble in place of a sentence or two, and back again."""
    several = templates(text) == list(ENSEMBLE)
    button = gr.update(value=_ENSEMBLE_BUTTON if several else "Use one template")
    return (TEMPLATE if several else "\n".join(ENSEMBLE)), button


def none_settings(way: str, group: str | None, threshold_percent: float | None) -> NoneSettings | None:
    """How "none of these" is to be told, as the controls say; None where it is off."""
    if way == OFF:
        return None
    return NoneSettings(
        NoneWay(way), group or None, None if threshold_percent is None else float(threshold_percent) / 100
    )
