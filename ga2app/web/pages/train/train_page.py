"""The Train screen: what to train on and how, what that will take, then into the queue."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ga2app.config import DEMO
from ga2app.errors import ConfigError, Fault
from ga2app.services.studio import Studio
from ga2app.web.components.backbone_field import backbone_info, choices, settle_choice
from ga2app.web.components.masthead import Page
from ga2app.web.events import in_turn
from ga2app.web.pages.train import form
from ga2app.web.pages.train import train_actions as actions
from ga2app.web.pages.train import train_scripts as scripts
from ga2app.web.pages.train.dataset_card import datasets_html
from ga2app.web.pages.train.from_address import form_asked_for
from ga2app.web.pages.train.hard_prompts import FIELD, hard_prompt_choices
from ga2app.web.pages.train.plan import Entered, Plan, plan_or_faults
from ga2app.web.pages.train.preview import preview_of
from ga2app.web.pages.train.remembered import build_memory, recalled, to_remember
from ga2app.web.pages.train.settings_file import load_settings
from ga2app.web.pages.train.train_layout import TrainParts, lay_out, run_choices

_IN_TURN = in_turn("train")


def build_train(studio: Studio, page: Page) -> None:
    """Lay the page out and connect it. Each time that it is opened everything is read anew."""
    parts = lay_out(studio, build_memory())
    _connect_preview(studio, parts, page)
    _connect_filling(studio, parts)

    def queue_runs(*entered: Any) -> list[Any]:
        answered = actions.queue_runs(studio, _entered(entered))
        plan = plan_or_faults(studio, _entered(entered))
        return [*answered, *_preview(studio, plan, answered[2], silent=True)]

    parts.queue.click(
        queue_runs,
        parts.entered,
        [*parts.answer, *parts.marks, *parts.drawn],
        **(_IN_TURN | {"show_progress": "minimal", "show_progress_on": parts.told}),
    )


def _connect_preview(studio: Studio, parts: TrainParts, page: Page) -> None:
    """What a press would do is drawn anew whenever anything changes; while something is under way, now and then."""

    def draw(
        marked: list[str], pressed: actions.Pressed | None, opened: bool, chosen: str | None, *entered: Any
    ) -> list[Any]:
        now = _entered(entered)
        plan = plan_or_faults(studio, now)
        faults = _faults(plan)
        answer = actions.still_true(studio, pressed, now, faults)
        marks = actions.marks(studio, now, faults) if faults or marked else actions.no_marks()
        listed = pressed is not None and pressed.refused and bool(faults)
        memory = to_remember(chosen, now) if opened else gr.skip()
        return [*answer, *_preview(studio, plan, _kept(pressed, answer), silent=listed), *marks, memory]

    def look_again(pressed: actions.Pressed | None, *entered: Any) -> list[Any]:
        now = _entered(entered)
        datasets, card, _ = actions.refresh_datasets(studio, now.datasets)
        if datasets["value"] == list(now.datasets):
            del datasets["value"]  # this answer may be late: what was chosen meanwhile stays
        plan = plan_or_faults(studio, now)
        faults = _faults(plan)
        answer = actions.still_true(studio, pressed, now, faults)
        listed = pressed is not None and pressed.refused and bool(faults)
        return [datasets, card, *answer, *_preview(studio, plan, _kept(pressed, answer), silent=listed)]

    def bring_up_to_date(pressed: actions.Pressed | None, *entered: Any) -> list[Any]:
        now = _entered(entered)
        return [
            gr.update(choices=choices(studio)),
            gr.update(choices=run_choices(studio), value=None),
            *look_again(pressed, *entered),
            *actions.fill_preset(studio, None, now.backbone, now.values),
        ]

    # A list of several choices reports a change each time it is drawn: what people choose is an input.
    changed = [item.input if getattr(item, "multiselect", False) else item.change for item in parts.entered]
    given = [parts.marked, parts.pressed, parts.opened, parts.preset, *parts.entered]
    gr.on(
        changed,
        draw,
        given,
        [*parts.answer, *parts.drawn, *parts.marks, parts.memory],
        trigger_mode="always_last",
        js=scripts.wait(len(given)),
        **_IN_TURN,
    ).then(None, None, None, js=scripts.READY, **_IN_TURN)
    length, hard = (parts.fields[form.place_of(path)] for path in ("prompts.length", FIELD))

    def fitting(backbone: str, length: Any, present: str | None) -> Any:
        return gr.update(choices=hard_prompt_choices(studio, backbone, length, present or ""))

    length.change(fitting, [parts.backbone, length, hard], hard, trigger_mode="always_last", **_IN_TURN)
    parts.dataset.input(lambda names: datasets_html(studio, names or []), parts.dataset, parts.card, **_IN_TURN)
    again = [parts.dataset, parts.card, *parts.answer, *parts.drawn]
    parts.clock.tick(look_again, [parts.pressed, *parts.entered], again, **_IN_TURN)

    def open_page(memory: Any, request: gr.Request) -> list[Any]:
        asked = form_asked_for(studio, request)
        datasets, card, clock, backbone, chosen, seeds, name, *fields = recalled(studio, memory)
        before = [datasets, backbone, chosen, seeds, *fields, ""]
        filled = [old if new == gr.skip() else new for old, new in zip(before, asked or before, strict=True)]
        filled[0] = datasets | filled[0]  # the choices of the one, the choice of the other
        return [card, clock, name, True, *filled]

    opened = [parts.backbone, parts.earlier, *again, parts.preset, *parts.fields]
    named = [parts.card, parts.clock, parts.name, parts.opened, *parts.filled]
    page.on_open(open_page, parts.memory, named, **_IN_TURN).then(
        bring_up_to_date, [parts.pressed, *parts.entered], opened, **_IN_TURN
    )


def _connect_filling(studio: Studio, parts: TrainParts) -> None:
    """Presets, files and earlier runs fill the form."""

    def fill(name: str | None, backbone: str, *values: Any) -> list[Any]:
        return actions.fill_preset(studio, name, backbone, values)

    def load(path: str) -> list[Any]:
        try:
            return actions.fill_config(studio, load_settings(path), "the file")
        except ConfigError as exc:
            return actions.keep_all(actions.faults_html(exc.faults))

    def save(*entered: Any) -> list[Any]:
        try:
            return [actions.saved_text(studio, _entered(entered)), ""]
        except ConfigError as exc:
            return ["", actions.faults_html(exc.faults)]

    def settle(typed: str | None) -> Any:
        return settle_choice(studio, typed, backbone_info(typed or "", studio))[0]

    gr.on(
        [parts.preset.input, parts.backbone.input],
        fill,
        [parts.preset, parts.backbone, *parts.fields],
        [parts.preset, *parts.fields],
        js=scripts.wait(2 + len(parts.fields)),
        **_IN_TURN,
    ).then(None, None, None, js=scripts.READY, **_IN_TURN)
    parts.backbone.input(settle, parts.backbone, parts.backbone, **_IN_TURN)
    shown: dict[str, Any] = {
        "fn": lambda names: datasets_html(studio, names or []),
        "inputs": parts.dataset,
        "outputs": parts.card,
    }
    parts.load.upload(load, parts.load, parts.filled, **_IN_TURN).then(**shown, **_IN_TURN)
    parts.earlier.input(lambda run_id: actions.take_run(studio, run_id), parts.earlier, parts.filled, **_IN_TURN).then(
        **shown, **_IN_TURN
    )
    parts.save.click(save, parts.entered, [parts.saved, parts.file_told], **_IN_TURN).then(
        None, parts.saved, None, js=scripts.SAVE, **_IN_TURN
    )


def _kept(pressed: actions.Pressed | None, answer: list[Any]) -> actions.Pressed | None:
    """What was pressed, unless ``answer`` has just let it go."""
    return None if answer[2] is None else pressed


def _preview(studio: Studio, plan: Plan | tuple[Fault, ...], pressed: object, *, silent: bool = False) -> list[Any]:
    """Values for ``TrainParts.drawn``."""
    preview = preview_of(studio, plan, silent=silent)
    waiting = DEMO not in {row.name for row in studio.store.datasets.list()}
    clock = gr.Timer(active=preview.again or waiting or actions.is_open(pressed))
    button = gr.update(value=preview.button, interactive=not preview.checking)
    return [preview.html, preview.brakes, button, clock]


def _faults(plan: Plan | tuple[Fault, ...]) -> tuple[Fault, ...]:
    return () if isinstance(plan, Plan) else plan


def _entered(given: Any) -> Entered:
    name, datasets, backbone, seeds, *values = given
    return Entered(name or "", tuple(datasets or ()), backbone or "", seeds or "", tuple(values))
