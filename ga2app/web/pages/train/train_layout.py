"""Where everything on the Train screen stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from ga2app.config import DEMO, PRESETS, preset
from ga2app.services.studio import Studio
from ga2app.types import RunRecord
from ga2app.web.components.backbone_field import backbone_field, backbone_info
from ga2app.web.pages.train import form
from ga2app.web.pages.train import train_actions as actions
from ga2app.web.pages.train import train_scripts as scripts
from ga2app.web.pages.train.choices import anchor_choices, dataset_choices, negative_choices
from ga2app.web.pages.train.dataset_card import datasets_html
from ga2app.web.pages.train.download import build_download
from ga2app.web.pages.train.hard_prompts import FIELD, hard_prompt_choices
from ga2app.web.pages.train.preset_choice import preset_choices, preset_info
from ga2app.web.pages.train.train_settings import BRAKES, GROUPS, SETTINGS
from ga2app.web.theme import part

POLL_S = 2.0
RUNS_LISTED = 50


@dataclass(frozen=True)
class TrainParts:
    """Everything that is laid out."""

    dataset: gr.Dropdown
    card: gr.HTML
    backbone: gr.Dropdown
    preset: gr.Radio
    seeds: gr.Textbox
    name: gr.Textbox
    preview: gr.HTML
    brakes: gr.HTML
    queue: gr.Button
    told: gr.HTML
    watch: gr.Button
    save: gr.Button
    load: gr.UploadButton
    earlier: gr.Dropdown
    file_told: gr.HTML
    fields: list[Any]
    groups: list[gr.Accordion]
    saved: gr.Textbox
    pressed: gr.State
    marked: gr.State
    opened: gr.State
    memory: gr.BrowserState
    clock: gr.Timer

    @property
    def entered(self) -> list[Any]:
        return [self.name, self.dataset, self.backbone, self.seeds, *self.fields]

    @property
    def answer(self) -> list[Any]:
        """What the last press was answered."""
        return [self.told, self.watch, self.pressed]

    @property
    def drawn(self) -> list[Any]:
        """What shows ahead what a press would do."""
        return [self.preview, self.brakes, self.queue, self.clock]

    @property
    def marks(self) -> list[Any]:
        return [self.marked, self.dataset, self.backbone, self.seeds, *self.fields, *self.groups]

    @property
    def filled(self) -> list[Any]:
        return [self.dataset, self.backbone, self.preset, self.seeds, *self.fields, self.file_told]


def lay_out(studio: Studio, memory: gr.BrowserState) -> TrainParts:
    named = studio.known_backbone(None)
    with gr.Row(elem_classes="split"):
        with gr.Column(scale=5, min_width=300):
            dataset = gr.Dropdown(
                dataset_choices(studio),
                value=[DEMO],
                multiselect=True,
                label="Data sets",
                info=actions.DATASET_HELP,
                elem_id="dataset",
            )
            backbone = backbone_field(studio, named, backbone_info(named, studio), "train-backbone")
            build_download(studio, backbone)
            chosen = gr.Radio(
                preset_choices(named),
                value=PRESETS[0],
                label="Preset",
                info=preset_info(PRESETS[0], named),
                elem_id="preset",
            )
            with gr.Row():
                seeds = gr.Textbox(
                    str(preset(PRESETS[0]).seed),
                    label="Seeds",
                    info=actions.SEEDS_HELP,
                    max_lines=1,
                    min_width=140,
                    elem_id="seeds",
                )
                name = gr.Textbox(
                    label="Name",
                    info="What the list of runs calls it; left empty: the data set's name.",
                    placeholder="optional",
                    max_lines=1,
                    min_width=140,
                    elem_id="run-name",
                )
            preview = part(js_on_load=scripts.WAITING, elem_id="train-preview")
            card = part(datasets_html(studio, [DEMO]), elem_id="dataset-card")
            with gr.Column(elem_id="queue-bar", elem_classes="press-bar"):
                told = part(elem_id="queue-answer")
                with gr.Row():
                    queue = gr.Button("Queue this run", variant="primary", elem_id="queue")
                    watch = gr.Button("Watch it on Runs", visible=False, elem_id="watch")
        with gr.Column(scale=6, min_width=300, elem_classes="settings"):
            part('<h3 class="over">Settings <small>filled in by the preset, yours to change</small></h3>')
            fields, groups, brakes = _lay_out_fields(studio, named)
            with gr.Row(elem_classes="actions"):
                save = gr.Button("Save settings", size="sm", elem_id="save-settings")
                load = gr.UploadButton("Load settings", file_types=[".json"], size="sm", elem_id="load-settings")
            earlier = gr.Dropdown(
                run_choices(studio),
                value=None,
                label="Start from an earlier run",
                info="Fills in everything as that run had it.",
                elem_id="start-from",
            )
            file_told = part(elem_id="settings-answer")
    saved = gr.Textbox(visible=False)
    pressed, marked, opened = gr.State(None), gr.State([]), gr.State(False)
    clock = gr.Timer(POLL_S, active=False)
    return TrainParts(
        dataset,
        card,
        backbone,
        chosen,
        seeds,
        name,
        preview,
        brakes,
        queue,
        told,
        watch,
        save,
        load,
        earlier,
        file_told,
        fields,
        groups,
        saved,
        pressed,
        marked,
        opened,
        memory,
        clock,
    )


def _lay_out_fields(studio: Studio, backbone: str) -> tuple[list[Any], list[gr.Accordion], gr.HTML]:
    start = preset(PRESETS[0], backbone)
    values = dict(zip([setting.path for setting in SETTINGS], form.values_of(start), strict=True))
    choices = {
        FIELD: hard_prompt_choices(studio, backbone, start.prompts.length, start.prompts.hard_prompt),
        "anchors": anchor_choices(studio, ""),
        "negatives": negative_choices(studio, []),
    }
    fields: list[Any] = []
    groups: list[gr.Accordion] = []
    brakes = part(elem_id="brakes", render=False)
    for group in GROUPS:
        with gr.Accordion(group.title, open=group.open) as accordion:
            with gr.Row():
                for setting in group.settings:
                    listed, wide = choices.get(setting.path), group is BRAKES
                    fields.append(form.make_field(setting, values[setting.path], listed, wide=wide))
            if group is BRAKES:
                brakes.render()  # type: ignore[no-untyped-call]
        groups.append(accordion)
    return fields, groups, brakes


def run_choices(studio: Studio) -> list[tuple[str, int]]:
    return [(_title(run), run.id) for run in studio.store.runs.list(limit=RUNS_LISTED)]


def _title(run: RunRecord) -> str:
    return f"Run {run.id}" + (f": {run.name}" if run.name else "") + f" ({run.state.value})"
