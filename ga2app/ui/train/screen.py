"""Second screen: what to train on and how, then into the queue."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import gradio as gr

from ga2app.config import DEMO, PRESETS, left_to_name, preset
from ga2app.contracts import Dataset, LabelKind, Subset
from ga2app.errors import ConfigError, DatasetError, Fault, StudioError
from ga2app.store import DatasetRow
from ga2app.ui.markup import chips, escape, notice
from ga2app.ui.recognize.screen import UNEXPECTED, backbone_info, file_url
from ga2app.ui.studio import Studio
from ga2app.ui.theme import part
from ga2app.ui.train import form

log = logging.getLogger(__name__)

PRESET_TITLES = {
    "quick": "Quick",
    "full": "Full",
    "paper-hmdb": "Paper HMDB-51",
    "paper-ucf": "Paper UCF-101",
    "paper-ssv2": "Paper SSv2",
    "paper-k400": "Paper K400",
}
_PAPER_HELP = "The published run, setting by setting, for that data set on CLIP ViT-B/16: hours on a GPU. {}"
_TO_NAME = "Name its hard prompt under Prompts: the folder of a bundle trained on Kinetics-400."
PRESET_HELP = {
    "quick": "Learns text prompts only. Each clip is looked at once: seconds to a minute, even without a GPU.",
    "full": "Learns prompts in both towers: adapts to how your clips look, and takes minutes to hours.",
    "paper-hmdb": _PAPER_HELP.format(_TO_NAME),
    "paper-ucf": _PAPER_HELP.format(_TO_NAME),
    "paper-ssv2": _PAPER_HELP.format(_TO_NAME),
    "paper-k400": _PAPER_HELP.format("The bundle that it makes is the hard prompt of the other three."),
}

_PICTURED = 8
_PLAYABLE = (".mp4", ".webm", ".m4v", ".mov")
_POLL_S = 2.0


@dataclass(frozen=True)
class TrainScreen:
    """The parts of this screen that others reach for."""

    dataset: gr.Dropdown
    card: gr.HTML
    backbone: gr.Dropdown
    clock: gr.Timer
    watch: gr.Button
    queued_id: gr.State


def build_train(studio: Studio) -> TrainScreen:
    """Lay the screen out and connect it."""
    backbones = [(choice.title, choice.name) for choice in studio.backbones()]
    start = preset(PRESETS[0], backbones[0][1])
    with gr.Row(elem_classes="split"):
        with gr.Column(scale=5, min_width=300):
            dataset = gr.Dropdown(dataset_choices(studio), value=DEMO, label="Data set", elem_id="dataset")
            card = part(dataset_html(studio, DEMO), elem_id="dataset-card")
            backbone = gr.Dropdown(
                backbones,
                value=backbones[0][1],
                label="Backbone",
                info=backbone_info(backbones[0][1]),
                elem_id="train-backbone",
            )
            preset_name = gr.Radio(
                [(PRESET_TITLES[name], name) for name in PRESETS],
                value=PRESETS[0],
                label="Preset",
                info=PRESET_HELP[PRESETS[0]],
                elem_id="preset",
            )
            run_name = gr.Textbox(label="Name of the run", placeholder="optional", max_lines=1, elem_id="run-name")
            queue = gr.Button("Queue this run", variant="primary", elem_id="queue")
            told = part(elem_id="queue-answer")
            watch = gr.Button("Watch it on Runs", visible=False, elem_id="watch")
        with gr.Column(scale=6, min_width=300, elem_classes="settings"):
            part('<h3 class="over">Settings <small>filled in by the preset, yours to change</small></h3>')
            fields: list[gr.components.Component] = []
            groups: list[gr.Accordion] = []
            values = dict(zip(form.SETTINGS, form.values_of(start), strict=True))
            for group in form.GROUPS:
                with gr.Accordion(group.title, open=group.open) as accordion, gr.Row():
                    fields += [form.make_field(setting, values[setting]) for setting in group.settings]
                groups.append(accordion)
    queued_id = gr.State(None)
    clock = gr.Timer(_POLL_S, active=False)

    def fill(name: str, backbone: str) -> list[Any]:
        values = form.values_of(preset(name, backbone))
        cleared = form.field_updates([])
        return [gr.update(info=PRESET_HELP[name]), *(c | {"value": v} for c, v in zip(cleared, values, strict=True))]

    def queue_run(name: str, dataset: str, backbone: str, *values: Any) -> list[Any]:
        try:
            config = form.config_of(dataset, studio.known_backbone(backbone), values)
            run_id = queue_config(studio, config, name)
            trouble = wake(studio)
        except ConfigError as exc:
            return [
                faults_html(exc.faults),
                gr.update(visible=False),
                None,
                *form.field_updates(exc.faults),
                *form.group_updates(exc.faults),
            ]
        except StudioError as exc:
            return _refused(str(exc))
        except Exception:
            log.exception("queueing failed")
            return _refused(UNEXPECTED)
        text = trouble or "It starts as soon as the worker is free; you may close this page."
        return [
            notice("warning" if trouble else "success", text, f"Run {run_id} is queued."),
            gr.update(visible=True, value=f"Watch run {run_id}"),
            run_id,
            *form.field_updates([]),
            *form.group_updates([]),
        ]

    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    gr.on([preset_name.input, backbone.input], fill, [preset_name, backbone], [preset_name, *fields], **quiet)
    backbone.input(lambda name: gr.update(info=backbone_info(name)), backbone, backbone, **quiet)
    dataset.change(lambda name: dataset_html(studio, name), dataset, card, **quiet)
    queue.click(
        queue_run,
        [run_name, dataset, backbone, *fields],
        [told, watch, queued_id, *fields, *groups],
        show_progress="minimal",
        show_progress_on=told,
        api_visibility="private",
    )
    clock.tick(lambda name: refresh_datasets(studio, name), dataset, [dataset, card, clock], **quiet)
    return TrainScreen(dataset, card, backbone, clock, watch, queued_id)


def queue_config(studio: Studio, config: Any, name: str = "") -> int:
    """Put a run into the queue. Raises StudioError if it cannot be queued, ConfigError if it is not complete."""
    if faults := left_to_name(config):
        raise ConfigError(faults)
    known = {row.name for row in studio.store.datasets.list()} | {DEMO}
    if config.dataset not in known:
        raise DatasetError(f"there is no data set '{config.dataset}'; choose one of: {', '.join(sorted(known))}")
    return studio.store.runs.queue(config, name=name.strip()[:80])


def wake(studio: Studio) -> str:
    """Start a worker if there is none; gives what is wrong if that fails. The run stays queued all the same."""
    try:
        studio.wake_worker()
    except StudioError as exc:
        log.warning("%s", exc)
        return str(exc)
    return ""


def dataset_choices(studio: Studio) -> list[tuple[str, str]]:
    """The data sets to train on; the demo is among them while it is still being drawn."""
    rows = studio.store.datasets.list()
    choices = [(_title(row), row.name) for row in rows]
    if DEMO not in {row.name for row in rows}:
        choices.insert(0, ("demo: drawn actions (being drawn…)", DEMO))
    return choices


def refresh_datasets(studio: Studio, chosen: str | None) -> list[Any]:
    """New values for the list of data sets, the card of the chosen one, and the timer that waits for the demo."""
    choices = dataset_choices(studio)
    names = [name for _, name in choices]
    value = chosen if chosen in names else names[0]
    waiting = DEMO not in {row.name for row in studio.store.datasets.list()}
    card = dataset_html(studio, value)
    return [gr.update(choices=choices, value=value), card, gr.Timer(active=waiting)]


def dataset_html(studio: Studio, name: str | None) -> str:
    """What is in a data set: counts, labels by kind, a few clips."""
    row = next((row for row in studio.store.datasets.list() if row.name == name), None)
    if row is None and name == DEMO:
        text = "The worker is drawing the clips. You may queue a run already: it waits for them."
        return notice("info", text, "Being drawn…")
    if row is None:
        return notice("error", f"There is no data set '{name}'.")
    counts = "".join(
        f"<li><b>{count:,}</b> {escape(word)}</li>"
        for count, word in (
            (row.n_train, "training clips"),
            (row.n_test, "test clips"),
            (row.anchors, "irrelevant clips (anchors)"),
        )
    )
    dataset = studio.store.datasets.get(row.name)
    return (
        f'<section class="dataset"><ul class="counts">{counts}</ul>{_pictures(dataset)}'
        f"<h4>{len(row.base)} base labels <small>trained on</small></h4>{chips(row.base, LabelKind.BASE)}"
        f"<h4>{len(row.novel)} novel labels <small>never trained on, only tested: they must not get worse</small></h4>"
        f"{chips(row.novel, LabelKind.NOVEL)}</section>"
    )


def faults_html(faults: tuple[Fault, ...]) -> str:
    """All faults in one message; each also stands at its field."""
    items = "".join(f"<li><b>{escape(form.label_of(fault.field))}</b> {escape(fault.message)}</li>" for fault in faults)
    count = "1 setting needs" if len(faults) == 1 else f"{len(faults)} settings need"
    return f'<div class="notice error" role="alert"><strong>{count} a change.</strong><ul>{items}</ul></div>'


def _refused(text: str) -> list[Any]:
    untouched = [gr.update()] * (len(form.SETTINGS) + len(form.GROUPS))
    return [notice("error", text), gr.update(visible=False), None, *untouched]


def _title(row: DatasetRow) -> str:
    return f"{row.name}: {len(row.base)} base and {len(row.novel)} novel labels"


def _pictures(dataset: Dataset) -> str:
    """One training clip of each of the first base labels, where a browser can show it."""
    first: dict[str, str] = {}
    for clip in dataset.clips:
        if clip.subset is Subset.TRAIN and PurePath(clip.path).suffix.lower() in _PLAYABLE:
            first.setdefault(clip.label, clip.path)
    shown = [(label, first[label]) for label in dataset.base if label in first][:_PICTURED]
    items = "".join(
        f'<li><video src="{file_url(path)}#t=0.5" muted playsinline preload="metadata" title="{escape(label)}">'
        f"</video><span>{escape(label)}</span></li>"
        for label, path in shown
    )
    return f'<ul class="pictures">{items}</ul>' if items else ""
