"""Where everything on the Train page stands, and what it says.

All settings are one component (``train_form.html`` and ``.js``) whose value is plain JSON by dotted path. Faults, the
choices of its lists and the note on the anchors come to it with the preview.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr

from ga2app.config import DEMO, PRESETS, RunConfig, preset
from ga2app.hub.jobs import ON, USUAL_FLAVOR, USUAL_TIMEOUT
from ga2app.services.prompt_fit import HARD_PROMPT
from ga2app.services.remote_jobs import JobAsked
from ga2app.services.run_requests import Asked
from ga2app.services.studio import Studio
from ga2app.web.components.backbone_field import backbone_field, backbone_info
from ga2app.web.components.form_fields import line, pick, small
from ga2app.web.pages.train import train_settings as form
from ga2app.web.pages.train.backbone_download import build_download
from ga2app.web.pages.train.train_view import dataset_choices, datasets_html, list_choices, run_choices
from ga2app.web.templates import render, script
from ga2app.web.theme import part

POLL_S = 2.0
DATASET_HELP = "One or several: each becomes a run of its own."
MACHINE_HELP = "A job runs elsewhere, with your Hugging Face login and credits; the price is told before you queue it."
FLAVOR_HELP = "The kind of machine."
TIMEOUT_HELP = "The job saves and ends before it is over: 90m, 2h, 1d."
SEEDS_HELP = "Random seeds. Enter several (1024, 1025) or '3 draws' to queue one run per seed."


class TrainLayout:
    """The parts of the page."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.training = studio, studio.training
        named = studio.known_backbone(None)
        with gr.Row(elem_classes="split"):
            with gr.Column(scale=5, min_width=300):
                self._lay_out_choices(named)
            with gr.Column(scale=6, min_width=300, elem_classes="settings"):
                self._lay_out_settings(named)
        self.pressed, self.opened = gr.State(None), gr.State("")  # what the address asked for, once it was read
        self.memory = gr.BrowserState({}, storage_key="ga2-train", secret="ga2-studio")
        self.arrived = gr.Textbox("", visible=False)  # how the browser came here: navigate, reload, back_forward
        self.clock = gr.Timer(POLL_S, active=False)
        self.asked: set[Any] = {self.name, self.dataset, self.backbone, self.seeds, self.form}
        self.asked |= {self.on, self.flavor, self.timeout}
        self.drawn = [self.told, self.pressed, self.preview, self.queue, self.clock]
        chosen = [self.dataset, self.backbone, self.seeds]
        self.beside = [*chosen, self.on, self.flavor, self.timeout]
        self.filled = [*chosen, self.preset, self.form, self.card, self.file_told]

    def _lay_out_choices(self, named: str) -> None:
        listed: Any = {"value": [DEMO], "multiselect": True}
        self.dataset = pick("dataset", "Data sets", dataset_choices(self.studio), info=DATASET_HELP, **listed)
        self.backbone = backbone_field(self.studio, named, backbone_info(named, self.studio), "train-backbone")
        build_download(self.studio, self.backbone)
        first: Any = {"value": PRESETS[0], "info": form.preset_info(PRESETS[0], named), "elem_id": "preset"}
        self.preset = gr.Radio(form.preset_choices(named), label="Preset", **first)
        with gr.Row():
            self.seeds = line("seeds", "Seeds", SEEDS_HELP, value=str(preset(PRESETS[0]).seed), min_width=140)
            called = "What the list of runs calls it; left empty: the data set's name."
            self.name = line("run-name", "Name", called, placeholder="optional", min_width=140)
        self._lay_out_machines()
        shown: Any = {"html_template": "${value.html}", "js_on_load": script("train_preview.js")}
        self.preview = part({"html": ""}, elem_id="train-preview", **shown)
        self.card = part(datasets_html(self.studio, [DEMO]), elem_id="dataset-card")
        with gr.Column(elem_id="queue-bar", elem_classes="press-bar"):
            self.told = part(elem_id="queue-answer")
            self.queue = gr.Button("Queue this run", variant="primary", elem_id="queue")

    def _lay_out_machines(self) -> None:
        """Where it is trained. A Space has its own hardware, and its login is its owner's."""
        with gr.Accordion("Where it is trained", open=False, visible=self.studio.space is None, elem_id="machine"):
            machines = [("This machine", ""), ("Hugging Face Jobs", ON)]
            self.on = gr.Radio(machines, value="", label="Machine", info=MACHINE_HELP, elem_id="train-on")
            with gr.Row():
                narrow: Any = {"min_width": 140}
                flavor: Any = {"value": USUAL_FLAVOR, "allow_custom_value": True, **narrow}
                self.flavor = pick("job-flavor", "Flavor", [USUAL_FLAVOR], info=FLAVOR_HELP, **flavor)
                self.timeout = line("job-timeout", "Time limit", TIMEOUT_HELP, value=USUAL_TIMEOUT, **narrow)

    def _lay_out_settings(self, named: str) -> None:
        part('<h3 class="over">Settings <small>filled in by the preset, yours to change</small></h3>')
        fields: Any = {"html_template": str(render("train_form.html", groups=form.GROUPS, typed=self._typed()))}
        value = self.form_value(preset(PRESETS[0], named))
        self.form = part(value, js_on_load=script("train_form.js"), elem_id="train-form", **fields)
        with gr.Row(elem_classes="actions"):
            self.save = small("save-settings", "Save settings")
            self.load = gr.UploadButton("Load settings", file_types=[".json"], size="sm", elem_id="load-settings")
        about = "Fills in everything as that run had it."
        self.earlier = pick("start-from", "Start from an earlier run", run_choices(self.studio), info=about)
        told: Any = {"html_template": "${value.html}", "js_on_load": script("train_told.js")}
        self.file_told = part({"html": ""}, elem_id="settings-answer", **told)

    def _typed(self) -> str:
        """The setting whose list also takes what is typed: where a person may name files of the machine."""
        return HARD_PROMPT if self.studio.server_paths else ""

    def asked_for(self, given: Mapping[Any, Any]) -> Asked:
        """What the page asks for."""
        sent = given[self.form] if isinstance(given[self.form], Mapping) else {}
        settings = {**form.entered(sent.get("values")), "backbone": given[self.backbone] or ""}
        datasets = tuple(given[self.dataset] or ())
        job = JobAsked(given[self.flavor] or "", given[self.timeout] or "") if given.get(self.on) == ON else None
        return Asked(datasets, given[self.seeds] or "", settings, given[self.name] or "", job)

    def form_value(self, config: RunConfig, **kept: Any) -> dict[str, Any]:
        """The form filled in as ``config`` has it; ``kept`` values by path come instead of its own."""
        values = form.values_of(config) | kept
        values[HARD_PROMPT] = self.training.hard_prompt_key(values[HARD_PROMPT])
        return {"values": values, "choices": list_choices(self.studio, config.backbone, values)}
