"""What the Train screen answers: a press of the button, a preset, settings from a file or from an earlier run."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from ga2app.config import DEMO, RunConfig, preset
from ga2app.errors import ConfigError, Fault, StudioError
from ga2app.services.studio import Studio
from ga2app.types import RunRecord, RunState
from ga2app.web.components.backbone_field import backbone_info, choices
from ga2app.web.components.markup import escape, notice
from ga2app.web.pages.recognize.recognize_page import UNEXPECTED
from ga2app.web.pages.train import form
from ga2app.web.pages.train.choices import LISTED, dataset_choices, list_updates
from ga2app.web.pages.train.dataset_card import datasets_html
from ga2app.web.pages.train.hard_prompts import FIELD, to_key
from ga2app.web.pages.train.plan import Entered, first_config, make_plan
from ga2app.web.pages.train.preset_choice import preset_choices, preset_info
from ga2app.web.pages.train.queueing import queue_plan, wake
from ga2app.web.pages.train.settings_file import settings_text
from ga2app.web.pages.train.train_settings import GROUPS, SETTINGS, label_of

log = logging.getLogger(__name__)

DATASET_HELP = "One or several: each becomes a run of its own."
SEEDS_HELP = "Random seeds. Enter several (1024, 1025) or '3 draws' to queue one run per seed."


@dataclass(frozen=True)
class Pressed:
    """What the form said at the last press, and the numbers of the runs that it queued: none where it was refused."""

    entered: Entered
    runs: tuple[int, ...] = ()

    @property
    def refused(self) -> bool:
        return not self.runs


def queue_runs(studio: Studio, entered: Entered) -> list[Any]:
    """Answer, the watch button, what was pressed, and what ``marks`` gives."""
    try:
        plan = make_plan(studio, entered)
        numbers = queue_plan(studio, plan)
        trouble = wake(studio)
    except ConfigError as exc:
        return [
            faults_html(exc.faults),
            gr.update(visible=False),
            Pressed(entered),
            *marks(studio, entered, exc.faults),
        ]
    except StudioError as exc:
        return _refused(entered, str(exc))
    except Exception:
        log.exception("queueing failed")
        return _refused(entered, UNEXPECTED)
    first, last = numbers[0], numbers[-1]
    title = f"Run {first} is queued." if first == last else f"Runs {first} to {last} are queued."
    text = trouble or "It starts as soon as the worker is free; you may close this page."
    if first != last and not trouble:
        text = "They run one after another as soon as the worker is free; you may close this page."
    told = notice("warning" if trouble else "success", text, title)
    watch = gr.update(visible=True, value=f"Watch run {first} on Runs", link=f"./runs?id={first}")
    return [told, watch, Pressed(entered, tuple(numbers)), *marks(studio, entered, ())]


def still_true(studio: Studio, pressed: Pressed | None, now: Entered, faults: Sequence[Fault] = ()) -> list[Any]:
    """Answer, watch button and ``pressed`` as they are to stand now.

    An answer is for what was pressed: it goes when the form says something else, and when its runs are over. A list
    of faults stays up to date until none is left.
    """
    if pressed is None or (pressed.refused and not faults) or not (pressed.refused or now == pressed.entered):
        return ["", gr.update(visible=False), None]
    if pressed.refused:
        return [faults_html(faults), gr.skip(), gr.skip()]
    first = pressed.runs[0]
    states = [run.state for run in _there(studio, pressed.runs)]
    if RunState.QUEUED in states:
        return [gr.skip()] * 3
    if RunState.RUNNING in states or RunState.STOPPING in states:
        return [notice("info", "You may close this page.", f"Run {first} is under way."), gr.skip(), gr.skip()]
    return ["", gr.update(visible=False), None]


def is_open(pressed: object) -> bool:
    """Whether there are runs whose answer may grow old."""
    return isinstance(pressed, Pressed) and bool(pressed.runs)


def _there(studio: Studio, numbers: Sequence[int]) -> list[RunRecord]:
    found = []
    for number in numbers:
        with contextlib.suppress(StudioError):  # deleted: there is nothing to say of it
            found.append(studio.store.runs.get(number))
    return found


def marks(studio: Studio, entered: Entered, faults: Sequence[Fault]) -> list[Any]:
    """The faulty fields, then updates of the fields beside the form, of the form's fields, and of its groups."""
    helps = {"dataset": DATASET_HELP, "backbone": backbone_info(entered.backbone, studio), "seed": SEEDS_HELP}
    return [
        [fault.field for fault in faults],
        *form.beside_updates(faults, helps),
        *form.field_updates(faults),
        *form.group_updates(faults),
    ]


def no_marks() -> list[Any]:
    """Leaves all marks as they are."""
    return [gr.skip()] * (1 + 3 + len(SETTINGS) + len(GROUPS))


def fill_preset(studio: Studio, name: str | None, backbone: str, values: Sequence[Any]) -> list[Any]:
    """The help of the preset and every field as it fills it; what anchors were chosen stays."""
    if not name:
        return [gr.update(choices=preset_choices(backbone)), *_listed_only(studio, backbone, values)]
    fresh = form.values_of(preset(name, backbone))
    for path in ("anchors", "negatives"):
        fresh[form.place_of(path)] = values[form.place_of(path)]
    listed = gr.update(info=preset_info(name, backbone), choices=preset_choices(backbone))
    return [listed, *field_values(studio, backbone, fresh)]


def fill_config(studio: Studio, config: RunConfig, source: str) -> list[Any]:
    """Data sets, backbone, preset, seeds, every field, and a word on where they come from: ``source``."""
    told = []
    datasets: Any = gr.update(value=[config.dataset])
    if config.dataset not in {name for _, name in dataset_choices(studio)}:
        told.append(f"its data set '{config.dataset}' is not here, so choose one")
        datasets = gr.skip()
    backbone: Any = gr.skip()
    if studio.has_backbone(config.backbone):
        info = backbone_info(config.backbone, studio)
        backbone = gr.update(choices=choices(studio), value=config.backbone, info=info)
    else:
        told.append(f"its backbone '{config.backbone}' is not on this machine, so choose one, or fetch it")
    values = form.values_of(config)
    values[form.place_of(FIELD)] = to_key(studio, config.prompts.hard_prompt)
    text = f"The settings are those of {source}" + (f"; {'; '.join(told)}." if told else ".")
    return [
        datasets,
        backbone,
        gr.update(
            value=None,
            info=f"Filled in from {source}. Choose a preset to start afresh.",
            choices=preset_choices(config.backbone),
        ),
        str(config.seed),
        *field_values(studio, config.backbone, values),
        notice("warning" if told else "success", text),
    ]


def keep_all(message: str) -> list[Any]:
    """In the place of ``fill_config``: leaves everything as it is and says ``message``."""
    return [*[gr.skip()] * (4 + len(SETTINGS)), message]


def field_values(studio: Studio, backbone: str, values: Sequence[Any]) -> list[Any]:
    """Updates that set every field to ``values``, without marks, and the lists with what fits."""
    updates = [cleared | {"value": value} for cleared, value in zip(form.field_updates([]), values, strict=True)]
    for path, update in zip(LISTED, list_updates(studio, backbone, values), strict=True):
        updates[form.place_of(path)] |= update
    return updates


def take_run(studio: Studio, run_id: int | None) -> list[Any]:
    """The form as that run had it, or why it cannot be filled in; without a number it stays as it is."""
    if not run_id:
        return keep_all("")
    try:
        return fill_config(studio, run_settings(studio, int(run_id)), f"run {run_id}")
    except ConfigError as exc:
        return keep_all(faults_html(exc.faults))
    except StudioError as exc:
        return keep_all(notice("error", str(exc)))


def run_settings(studio: Studio, run_id: int) -> RunConfig:
    """The settings of an earlier run. Raises StudioError if it is gone, or its settings are of another version."""
    return RunConfig.from_dict(studio.store.runs.get(run_id).config)


def saved_text(studio: Studio, entered: Entered) -> str:
    """The settings on the screen as a file: those of the first run, whether it could run here or not.

    Raises ConfigError for what is no setting.
    """
    return settings_text(first_config(studio, entered))


def refresh_datasets(studio: Studio, chosen: Sequence[str] | None) -> list[Any]:
    """New values for the list of data sets, the card of the chosen ones, and the timer that waits for the demo."""
    choices = dataset_choices(studio)
    names = [name for _, name in choices]
    kept = [name for name in chosen or () if name in names] or names[:1]
    waiting = DEMO not in {row.name for row in studio.store.datasets.list()}
    return [gr.update(choices=choices, value=kept), datasets_html(studio, kept), gr.Timer(active=waiting)]


def faults_html(faults: Sequence[Fault]) -> str:
    """All faults in one message; each also stands at its field."""
    items = "".join(f"<li><b>{escape(label_of(fault.field))}</b> {escape(fault.message)}</li>" for fault in faults)
    count = "1 setting needs" if len(faults) == 1 else f"{len(faults)} settings need"
    return f'<div class="notice error" role="alert"><strong>{count} a change.</strong><ul>{items}</ul></div>'


def _listed_only(studio: Studio, backbone: str, values: Sequence[Any]) -> list[Any]:
    updates: list[Any] = [gr.skip()] * len(SETTINGS)
    for path, update in zip(LISTED, list_updates(studio, backbone, values), strict=True):
        updates[form.place_of(path)] = update
    return updates


def _refused(entered: Entered, text: str) -> list[Any]:
    return [notice("error", text), gr.update(visible=False), Pressed(entered), *no_marks()]
