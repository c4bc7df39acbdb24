"""The Train page: what to train on and how, what that will take, then into the queue."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from ga2app.config import DEMO
from ga2app.errors import ConfigError, Fault, StudioError
from ga2app.services.run_requests import Asked, Plan
from ga2app.services.studio import Studio
from ga2app.types import RunState
from ga2app.web.components.form_fields import backbone_info, settle_choice
from ga2app.web.components.markup import notice
from ga2app.web.components.masthead import Page
from ga2app.web.events import QUIET, fault_html, in_turn
from ga2app.web.pages.train import train_settings as form
from ga2app.web.pages.train import train_view as views
from ga2app.web.pages.train.train_filling import (
    DATASET_HELP,
    FLAVOR_HELP,
    MACHINE_HELP,
    SEEDS_HELP,
    TIMEOUT_HELP,
    TrainFilling,
)

_IN_TURN = in_turn("train")
_ARRIVED = "() => [ga2Remembered('ga2-train'), performance.getEntriesByType('navigation')[0]?.type ?? '']"
_READY = "() => { window.ga2Train?.ready(); }"
_FILLING = "given => { window.ga2Train?.filling(); return given; }"


@dataclass(frozen=True)
class Pressed:
    """What was asked for at the last press, the runs that it queued (none where it was refused), and what was said."""

    asked: Asked
    runs: tuple[int, ...] = ()
    answer: str = ""


class TrainPage(TrainFilling):
    """Handlers of the preview and of the button: they take their inputs by component and give updates alike."""

    def draw(self, given: Mapping[Any, Any]) -> dict[Any, Any]:
        """What a press would do, drawn anew after any change; the fields beside the form with their marks."""
        asked, plan = self._planned(given)
        faults = form.by_field(() if isinstance(plan, Plan) else plan)
        helps = {
            "dataset": (self.dataset, DATASET_HELP),
            "backbone": (self.backbone, backbone_info(asked.settings["backbone"], self.studio)),
            "seed": (self.seeds, SEEDS_HELP),
            "on": (self.on, MACHINE_HELP),
            "flavor": (self.flavor, FLAVOR_HELP),
            "timeout": (self.timeout, TIMEOUT_HELP),
        }
        marks = {
            component: gr.update(info=faults.get(path, text), elem_classes=["faulty"] if path in faults else [])
            for path, (component, text) in helps.items()
        }
        if asked.job:
            marks[self.flavor] |= {"choices": views.flavor_choices(self.studio)}
        kept = {}
        if given[self.opened]:
            kept[self.memory] = {
                "asked": given[self.opened],
                "preset": given[self.preset],
                "name": asked.name,
                "datasets": list(asked.datasets),
                "backbone": asked.settings["backbone"],
                "seeds": asked.seeds,
                "values": {path: value for path, value in asked.settings.items() if path != "backbone"},
            }
        return self._drawn(asked, plan, given[self.pressed]) | marks | kept

    def _planned(self, given: Mapping[Any, Any]) -> tuple[Asked, Plan | tuple[Fault, ...]]:
        asked = self.asked_for(given)
        try:
            return asked, self.training.plan(asked)
        except ConfigError as exc:
            return asked, exc.faults

    def _drawn(self, asked: Asked, plan: Plan | tuple[Fault, ...], pressed: Pressed | None) -> dict[Any, Any]:
        """The preview, and what is left of the last answer.

        An answer is for what was pressed: it goes when the page says something else, and when its runs are over. A
        list of faults stays up to date until none is left.
        """
        faults = () if isinstance(plan, Plan) else plan
        told: Any = ""
        if pressed and pressed.runs and pressed.asked == asked:
            told = self._standing(pressed)
        elif pressed and not pressed.runs and faults:
            told = views.faults_html(faults)
        pressed = pressed if told else None
        preview = views.preview_of(self.studio, plan, silent=bool(pressed and faults))
        listed = views.list_choices(self.studio, asked.settings["backbone"], dict(asked.settings))
        again = preview.again or self._waiting() or bool(pressed and pressed.runs)
        return {
            self.told: told,
            self.pressed: pressed,
            self.preview: preview.value(listed),
            self.queue: gr.update(value=preview.button, interactive=not preview.checking),
            **({self.clock: gr.Timer(active=True)} if again else {}),  # look_again alone draws all, and may stop it
        }

    def _waiting(self) -> bool:
        return DEMO not in self.studio.store.datasets.names().values()

    def _standing(self, pressed: Pressed) -> str:
        """What is said of the runs of a press: as before while they wait, nothing when they are over."""
        states = []
        for number in pressed.runs:
            with contextlib.suppress(StudioError):  # deleted: there is nothing to say of it
                states.append(self.studio.store.runs.get(number).state)
        if RunState.QUEUED in states:
            return pressed.answer
        if RunState.RUNNING in states or RunState.STOPPING in states:
            first = pressed.runs[0]
            told = f"{'Sweep' if pressed.asked.sweep else 'Run'} {first} is under way."
            return self._answer("info", told, "You may close this page.", first, bool(pressed.asked.sweep))
        return ""

    def _answer(self, tone: str, title: str, text: str, run: int, sweep: bool = False) -> str:
        where = f'./sweep?id={run}">Watch sweep {run}' if sweep else f'./runs?id={run}">Watch run {run} on Runs'
        return f'{notice(tone, text, title)}<a id="watch" href="{where}</a>'

    def press(self, given: Mapping[Any, Any]) -> dict[Any, Any]:
        """Queue what the page asks for, or say everything that keeps it from being trained."""
        asked, plan = self._planned(given)
        pressed, told = Pressed(asked), ""
        try:
            if not isinstance(plan, Plan):
                told = views.faults_html(plan)
            elif views.preview_of(self.studio, plan).checking:
                told = notice("info", "A few of the clips are being looked at first; press again in a moment.")
            else:
                numbers = self.training.queue(plan)
                trouble, first, last = self.studio.runs.wake(), numbers[0], numbers[-1]
                how = "It starts" if first == last else "They start in this order"
                what = f"Sweep {first}: runs" if plan.sweep else "Runs"
                title = f"Run {first} is queued." if first == last else f"{what} {first} to {last} are queued."
                text = trouble or f"{how} as soon as a worker is free; you may close this page."
                told = self._answer("warning" if trouble else "success", title, text, first, bool(plan.sweep))
                pressed = Pressed(asked, tuple(numbers), told)
        except Exception as exc:
            told = fault_html(exc)
        return self._drawn(asked, plan, pressed) | {self.told: told, self.pressed: pressed}

    def look_again(self, given: Mapping[Any, Any]) -> dict[Any, Any]:
        """What has changed meanwhile: the demo is drawn, the speed is measured, a run has begun or is over."""
        waiting = self._waiting()  # read first: a demo that comes meanwhile is on the page the next time
        asked, plan = self._planned(given)
        return {
            self.clock: gr.Timer(active=waiting),
            self.dataset: gr.update(choices=views.dataset_choices(self.studio)),
            self.card: views.datasets_html(self.studio, asked.datasets),
            **self._drawn(asked, plan, given[self.pressed]),
        }


def build_train(studio: Studio, page: Page) -> None:
    """Lay the page out and connect it. Each time that it is opened everything is read anew."""
    parts = TrainPage(studio)
    looked_at = {*parts.asked, parts.pressed}
    drawing = {*looked_at, parts.preset, parts.opened}
    # A list of several choices reports a change each time it is drawn: what people choose is an input.
    changed = [
        one.input if one is parts.dataset else one.change for one in sorted(parts.asked, key=lambda one: one._id)
    ]
    _in_time(changed, parts.draw, drawing, [*parts.drawn, *parts.beside, parts.memory])
    _in_time(
        [parts.preset.input, parts.backbone.input],
        parts.fill_preset,
        {*parts.asked, parts.preset},
        [parts.preset, parts.form],
        fills=True,
    )
    # Pressed right after a change, it waits for what is said of it, and takes the settings that stand there then.
    pressed = parts.queue.click(None, None, None, js="() => window.ga2Train?.settled()", **_IN_TURN)
    shown = {"show_progress": "minimal", "show_progress_on": parts.told}
    pressed.then(parts.press, looked_at, parts.drawn, **(_IN_TURN | shown))
    parts.clock.tick(parts.look_again, looked_at, [parts.dataset, parts.card, *parts.drawn], **_IN_TURN)
    parts.dataset.input(lambda names: views.datasets_html(studio, names or []), parts.dataset, parts.card, **_IN_TURN)
    parts.backbone.input(
        lambda typed: settle_choice(studio, typed, backbone_info(typed or "", studio))[0],
        parts.backbone,
        parts.backbone,
        **_IN_TURN,
    )
    remember = "memory => { ga2Remember('ga2-train', memory); }"
    parts.memory.change(None, parts.memory, None, js=remember, **QUIET)
    parts.load.upload(parts.fill_file, parts.load, parts.filled, js=_FILLING, **_IN_TURN)
    parts.earlier.input(parts.fill_run, parts.earlier, parts.filled, js=_FILLING, **_IN_TURN)
    parts.save.click(parts.save_file, parts.asked, parts.file_told, **_IN_TURN)
    page.on_open(
        parts.open_page,
        {parts.memory, parts.arrived},
        [*parts.filled, parts.name, parts.opened, parts.earlier],
        js=_ARRIVED,
        **_IN_TURN,
    ).then(parts.draw, drawing, [*parts.drawn, *parts.beside, parts.memory], **_IN_TURN)


def _in_time(
    events: Sequence[Any], handler: Callable[..., Any], inputs: set[Any], outputs: list[Any], fills: bool = False
) -> None:
    """What was said of other settings is marked as old until the answer is there, which may fill in the form."""
    begins = "window.ga2Train?.filling(); " if fills else ""
    wait = f"(...given) => {{ {begins}window.ga2Train?.wait(); return given.slice(0, {len(inputs)}); }}"
    gr.on(events, handler, inputs, outputs, trigger_mode="always_last", js=wait, **_IN_TURN).then(
        None, None, None, js=_READY, **_IN_TURN
    )
