"""Where everything on the Train page stands, and what fills it in: a preset, a file, a run, the address, a memory.

All settings are one component (``train_form.html`` and ``.js``) whose value is plain JSON by dotted path. Faults, the
choices of its lists and the note on the anchors come to it with the preview.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr

from ga2app.config import DEMO, PRESETS, RunConfig, preset
from ga2app.config.settings_files import load_settings, settings_text
from ga2app.errors import ConfigError, DatasetError, StoreError, StudioError
from ga2app.hub.jobs import ON, USUAL_FLAVOR, USUAL_TIMEOUT
from ga2app.services.prompt_fit import HARD_PROMPT
from ga2app.services.remote_jobs import JobAsked
from ga2app.services.run_checks import told_changes
from ga2app.services.run_requests import Asked
from ga2app.services.studio import Studio
from ga2app.services.sweep_points import SweepAsked
from ga2app.web import address
from ga2app.web.components.form_fields import backbone_field, backbone_info, choices, line, pick, small, whole
from ga2app.web.components.markup import notice, render, script, shortened
from ga2app.web.pages.train import train_settings as form
from ga2app.web.pages.train.backbone_download import build_download
from ga2app.web.pages.train.train_view import dataset_choices, datasets_html, faults_html, list_choices, run_choices
from ga2app.web.theme import folded, part

POLL_S = 2.0
DATASET_HELP = "One or several: each becomes a run of its own."
MACHINE_HELP = "A job runs elsewhere, with your Hugging Face login and credits; the price is shown before you queue it."
FLAVOR_HELP = "The kind of machine."
TIMEOUT_HELP = "The job saves and ends before it is over: 90m, 2h, 1d."
VARY_HELP = "A line each: values between commas, a range such as 4..16, 0.001..0.1:5 or 0.001..0.1:5:log."
DRAWS_HELP = "So many points; 0: every combination."
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
        self.memory = gr.JSON(visible=False)  # what the browser remembers
        self.arrived = gr.Textbox("", visible=False)  # how the browser came here: navigate, reload, back_forward
        self.clock = gr.Timer(POLL_S, active=False)
        self.asked: set[Any] = {self.name, self.dataset, self.backbone, self.seeds, self.form}
        self.asked |= {self.on, self.flavor, self.timeout, self.vary, self.draws, self.draw_seed}
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
        self._lay_out_sweep()
        self._lay_out_machines()
        shown: Any = {"html_template": "${value.html}", "js_on_load": script("train_preview.js")}
        self.preview = part({"html": ""}, elem_id="train-preview", **shown)
        self.card = part(datasets_html(self.studio, [DEMO]), elem_id="dataset-card")
        with gr.Column(elem_id="queue-bar", elem_classes="press-bar"):
            self.told = part(elem_id="queue-answer")
            self.queue = gr.Button("Queue this run", variant="primary", elem_id="queue")

    def _lay_out_sweep(self) -> None:
        """Settings that vary, a line each: a run for each combination, or for points drawn at random."""
        with folded("Vary settings: a sweep", elem_id="sweep-box"):
            example: Any = {"placeholder": "optimizer.learning_rate = 0.001, 0.004\nprompts.dropout = 0.2..0.6:3"}
            self.vary = line("vary", "Settings and values", VARY_HELP, lines=3, max_lines=8, **example)
            with gr.Row():
                self.draws = whole("sweep-draws", "Draw at random", 0, DRAWS_HELP, min_width=140)
                self.draw_seed = whole("sweep-seed", "Seed of the draw", 0, min_width=140)

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
        typed = HARD_PROMPT if self.studio.server_paths else ""  # its list takes a folder, too, that is typed
        fields: Any = {"html_template": str(render("train_form.html", groups=form.GROUPS, typed=typed))}
        value = self.form_value(preset(PRESETS[0], named), PRESETS[0])
        self.form = part(value, js_on_load=script("train_form.js"), elem_id="train-form", **fields)
        with gr.Row(elem_classes="actions"):
            self.save = small("save-settings", "Save settings")
            self.load = gr.UploadButton("Load settings", file_types=[".json"], size="sm", elem_id="load-settings")
        about = "Fills in everything as that run had it."
        self.earlier = pick("start-from", "Start from an earlier run", run_choices(self.studio), info=about)
        told: Any = {"html_template": "${value.html}", "js_on_load": script("train_told.js")}
        self.file_told = part({"html": ""}, elem_id="settings-answer", **told)

    def asked_for(self, given: Mapping[Any, Any]) -> Asked:
        """What the page asks for."""
        sent = given[self.form] if isinstance(given[self.form], Mapping) else {}
        settings = {**form.entered(sent.get("values")), "backbone": given[self.backbone] or ""}
        datasets = tuple(given[self.dataset] or ())
        job = JobAsked(given[self.flavor] or "", given[self.timeout] or "") if given.get(self.on) == ON else None
        lines = tuple(one for one in (given[self.vary] or "").splitlines() if one.strip())
        draws = int(given[self.draws]) if given[self.draws] else None
        sweep = SweepAsked(lines, draws, int(given[self.draw_seed] or 0)) if lines else None
        return Asked(datasets, given[self.seeds] or "", settings, given[self.name] or "", job, sweep)

    def form_value(self, config: RunConfig, name: str | None = None, **kept: Any) -> dict[str, Any]:
        """The form filled in as ``config`` has it, the preset ``name``; ``kept`` values by path come instead."""
        values = form.values_of(config) | kept
        values[HARD_PROMPT] = self.training.hard_prompt_key(values[HARD_PROMPT])
        choices = list_choices(self.studio, config.backbone, values)
        return {"values": values, "choices": choices, "preset": [name, config.backbone]}


_NAMED = ("from", "hard_prompt", "dataset")


class TrainFilling(TrainLayout):
    """Handlers that fill the page in: they take their inputs by component and give updates alike."""

    def fill_preset(self, given: Mapping[Any, Any]) -> dict[Any, Any]:
        """The preset as it fits the backbone, and every setting as it fills it; anchors and trackers stay.

        All settings stay where neither has changed: the list of backbones tells of each visit.
        """
        name, backbone = given[self.preset], given[self.backbone] or ""
        offered: dict[str, Any] = {"choices": form.preset_choices(backbone)}
        sent = given[self.form] if isinstance(given[self.form], Mapping) else {}
        if not name or sent.get("preset") == [name, backbone]:
            return {self.preset: gr.update(**offered)}
        chosen = self.asked_for(given).settings
        kept = {path: chosen[path] for path in ("anchors", "negatives", "report_to", "project", "trackio_space_id")}
        return {
            self.preset: gr.update(info=form.preset_info(name, backbone), **offered),
            self.form: self.form_value(preset(name, backbone), name, **kept),
        }

    def fill(self, config: RunConfig, source: str, said: str = "", *, dataset: bool = True) -> dict[Any, Any]:
        """Everything as ``config`` has it, and a word on where it comes from: ``source``."""
        missing: list[str] = []
        updates: dict[Any, Any] = {}
        if dataset and config.dataset not in {name for _, name in dataset_choices(self.studio)}:
            missing.append(f"its data set '{config.dataset}' is not here, so choose one")
        elif dataset:
            updates[self.dataset] = gr.update(value=[config.dataset])
            updates[self.card] = datasets_html(self.studio, [config.dataset])
        if self.studio.has_backbone(config.backbone):
            info = backbone_info(config.backbone, self.studio)
            updates[self.backbone] = gr.update(choices=choices(self.studio), value=config.backbone, info=info)
        else:
            missing.append(f"its backbone '{config.backbone}' is not on this machine, so choose one, or fetch it")
        text = said or f"The settings are those of {source}" + (f"; {'; '.join(missing)}." if missing else ".")
        info = f"Filled in from {source}. Choose a preset to start afresh."
        return updates | {
            self.preset: gr.update(value=None, info=info, choices=form.preset_choices(config.backbone)),
            self.seeds: str(config.seed),
            self.form: self.form_value(config),
            self.file_told: {"html": notice("warning" if missing and not said else "success", text)},
        }

    def fill_run(self, run_id: int | None) -> dict[Any, Any]:
        """The page as an earlier run had it, or why it cannot be filled in."""
        if not run_id:
            return {self.file_told: gr.skip()}
        filled = self._told(lambda: self.fill(self.training.settings_of(int(run_id)), f"run {run_id}"))
        if self.dataset in filled and (changed := told_changes(self.studio.store, int(run_id))):
            filled[self.file_told] = {"html": filled[self.file_told]["html"] + notice("info", changed)}
        return filled

    def fill_file(self, path: str) -> dict[Any, Any]:
        """The page as a file has it, or every fault in that."""
        return self._told(lambda: self.fill(load_settings(path), "the file"))

    def save_file(self, given: Mapping[Any, Any]) -> dict[Any, Any]:
        """The settings on the page as a file: those of the first run, whether it could run here or not."""
        return self._told(
            lambda: {self.file_told: {"html": "", "save": settings_text(self.training.config(self.asked_for(given)))}}
        )

    def _told(self, act: Callable[[], Mapping[Any, Any]]) -> dict[Any, Any]:
        """What ``act`` gives, or its faults."""
        try:
            return dict(act())
        except ConfigError as exc:
            return {self.file_told: {"html": faults_html(exc.faults)}}
        except StudioError as exc:
            return {self.file_told: {"html": notice("error", str(exc))}}

    def open_page(self, given: Mapping[Any, Any], request: gr.Request) -> dict[Any, Any]:
        """The page as the browser left it, then what the address asks for, unless that was done before a reload."""
        memory, named = given[self.memory], ((name, address.text(request, name)) for name in _NAMED)
        asked = "&".join(f"{name}={said}" for name, said in named if said)
        kept = isinstance(memory, Mapping) and memory.get("asked") == asked != ""
        if kept and given.get(self.arrived) == "reload":
            text = "What you have changed since stays. To start afresh, choose a preset or an earlier run."
            fresh = {self.file_told: {"html": notice("info", text, "Filled in before, as the address says.")}}
        else:
            fresh = self._told(lambda: self._of_address(request))
        listed = gr.update(choices=run_choices(self.studio), value=None)
        return {**self._recalled(memory), self.opened: asked or "nothing", self.earlier: listed, **fresh}

    def _of_address(self, request: gr.Request) -> dict[Any, Any]:
        """``?from=run-7``, ``?hard_prompt=KEY``, ``?dataset=3``. Raises StudioError for what nobody has."""
        run, bundle, dataset = (address.text(request, name) for name in _NAMED)
        if run:
            numbered = re.fullmatch(r"(?:run-)?(\d{1,9})", run)
            if numbered is None:
                raise StoreError(f"'{shortened(run)}' names no run; an address ends with ?from=run-7, for example")
            return self.fill_run(int(numbered[1]))
        if bundle:
            config, title = self.training.coupled_to(bundle)
            said = (
                f"'{title}' is the hard prompt, the settings are those of Quick; change what you like, then queue it."
            )
            return self.fill(config, f"bundle '{title}'", said, dataset=False)
        if dataset:
            name = self.studio.store.datasets.names().get(address.whole(dataset))
            if name is None:
                raise DatasetError(f"there is no data set {shortened(dataset)}; choose one from the list")
            listed = gr.update(choices=dataset_choices(self.studio), value=[name])
            return {self.dataset: listed, self.card: datasets_html(self.studio, [name])}
        return {}

    def _recalled(self, memory: object) -> dict[Any, Any]:
        """The page as ``memory`` has it. A data set or backbone that is gone, and values of another kind, stay out."""
        kept: Mapping[str, Any] = memory if isinstance(memory, Mapping) else {}
        listed = dataset_choices(self.studio)
        names = [name for _, name in listed]
        said = kept.get("datasets")
        datasets = [name for name in said if name in names] if isinstance(said, list) else []
        datasets = datasets or names[:1]
        updates: dict[Any, Any] = {
            self.dataset: gr.update(choices=listed, value=datasets),
            self.card: datasets_html(self.studio, datasets),
        }
        if not kept:
            return updates
        known = [choice.name for choice in self.studio.backbones()]
        backbone = next((name for name in known if name == kept.get("backbone")), known[0])
        chosen = next((name for name in PRESETS if name == kept.get("preset")), None)
        said, start = kept.get("values"), preset(chosen or PRESETS[0], backbone)
        values = said if isinstance(said, Mapping) else {}
        fitting = {
            setting.path: values[setting.path]
            for setting in form.SETTINGS
            if setting.path in values and form.fits(setting, values[setting.path])
        }
        left = "Filled in as you left it. Choose a preset to start afresh."
        info = form.preset_info(chosen, backbone) if chosen else left
        return updates | {
            self.backbone: gr.update(
                choices=choices(self.studio), value=backbone, info=backbone_info(backbone, self.studio)
            ),
            self.preset: gr.update(value=chosen, info=info, choices=form.preset_choices(backbone)),
            self.form: {**self.form_value(start, chosen, **fitting), "recalled": True},
            self.seeds: _text(kept.get("seeds")),
            self.name: _text(kept.get("name")),
        }


def _text(value: object) -> Any:
    return value if isinstance(value, str) else gr.skip()
