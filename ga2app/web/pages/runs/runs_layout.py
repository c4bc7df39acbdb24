"""The parts of the screen and where they stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from ga2app.web.components.list_scripts import HELD_JS, ticks_js
from ga2app.web.pages.runs.listing import STATE_CHOICES
from ga2app.web.pages.runs.logs import FOLLOW_JS
from ga2app.web.pages.runs.run_view import LOG, PROGRESS, REPORT_TAB, SETTINGS
from ga2app.web.theme import part

REFRESH_S = 1.0

ANY_DATASET, ANY_BACKBONE = ("any data set", ""), ("any backbone", "")

_LIST_JS = (
    ticks_js("[data-compare]")
    + HELD_JS
    + """
element.addEventListener('click', event => {
  const card = event.target.closest('[data-run]');
  if (!card || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  trigger('click', {run: Number(card.dataset.run)});
});
// All boxes of the page go with each tick: the answer to the one before may still be on its way.
element.addEventListener('change', event => {
  if (!event.target.matches('[data-compare]')) return;
  trigger('select', {ticks: ticks.boxes().map(box => [Number(box.value), box.checked])});
});
document.addEventListener('click', event => { if (event.target.closest('#compare-none')) ticks.clear(); });
"""
)


@dataclass(frozen=True)
class Parts:
    """Everything that events read or write. The first four say what is looked at."""

    chosen: gr.Number
    section: gr.Textbox
    compared: gr.Textbox
    page: gr.Number
    shown: gr.State
    clock: gr.Timer
    told: gr.HTML
    text: gr.Textbox
    state: gr.Dropdown
    dataset: gr.Dropdown
    backbone: gr.Dropdown
    pieces: dict[str, gr.HTML]
    buttons: dict[str, Any]
    tabs: gr.Tabs
    sections: dict[str, gr.Tab]
    new_name: gr.Textbox
    packed: gr.File


def lay_out() -> Parts:
    """Make the screen; nothing is connected yet."""
    pieces: dict[str, gr.HTML] = {}
    buttons: dict[str, Any] = {}
    chosen, page = gr.Number(None, visible=False, precision=0), gr.Number(0, visible=False, precision=0)
    section, compared = gr.Textbox(PROGRESS, visible=False), gr.Textbox("", visible=False)
    packed = gr.File(visible=False)
    shown, clock = gr.State({}), gr.Timer(REFRESH_S, active=False)
    with gr.Row(elem_classes="split"):
        with gr.Column(scale=4, min_width=300):
            with gr.Accordion("Find a run", open=False, visible=False, elem_id="runs-filter") as finder:
                text = gr.Textbox(
                    label="Search",
                    placeholder="name, number, data set, reason of a failure",
                    max_lines=1,
                    elem_id="find-run",
                )
                state = gr.Dropdown(STATE_CHOICES, value="any", label="State", elem_id="find-state")
                dataset = gr.Dropdown([ANY_DATASET], value="", label="Data set", elem_id="find-dataset")
                backbone = gr.Dropdown([ANY_BACKBONE], value="", label="Backbone", elem_id="find-backbone")
            buttons["finder"] = finder
            with gr.Row(elem_classes="actions"):
                buttons["compare"] = _button("Compare", "compare", variant="primary")
                buttons["clear"] = _button("Untick all", "compare-none")
                buttons["undo"] = _button("Undo", "undo-run")
            pieces["runs"] = part(elem_id="runs", js_on_load=_LIST_JS)
            with gr.Row(elem_classes="actions", elem_id="runs-pager"):
                buttons["newer"] = _button("Newer", "newer-runs")
                pieces["pages"] = part(elem_id="runs-pages")
                buttons["older"] = _button("Older", "older-runs")
        with gr.Column(scale=7, min_width=300, elem_classes="detail"):
            told = part(elem_id="run-answer")
            pieces["missing"] = part(elem_id="run-missing")
            with gr.Column() as run_box:
                pieces["head"] = part(elem_id="run-head")
                _actions(buttons)
                with gr.Row(elem_classes="actions", visible=False) as renaming:
                    new_name = gr.Textbox(label="Name of the run", max_lines=1, max_length=120, elem_id="new-run-name")
                    buttons["keep_name"] = _button("Save the name", "save-run-name", visible=True)
                    buttons["drop_name"] = _button("Cancel", "keep-run-name", visible=True)
                tabs, sections = _sections(pieces, buttons)
    buttons |= {"run_box": run_box, "renaming": renaming}
    return Parts(
        chosen=chosen,
        section=section,
        compared=compared,
        page=page,
        shown=shown,
        clock=clock,
        told=told,
        text=text,
        state=state,
        dataset=dataset,
        backbone=backbone,
        pieces=pieces,
        buttons=buttons,
        tabs=tabs,
        sections=sections,
        new_name=new_name,
        packed=packed,
    )


def _actions(buttons: dict[str, Any]) -> None:
    with gr.Row(elem_classes="actions"):
        buttons["try_it"] = _button("Try it on Recognize", "try-it", variant="primary")
        buttons["stop"] = _button("Stop and save", "stop")
        buttons["resume"] = _button("Resume", "resume")
        buttons["restart"] = _button("Start over", "restart-run")
        buttons["again"] = _button("Train again with these settings", "train-again")
        buttons["front"] = _button("Move to front", "move-front")
        buttons["up"] = _button("Move up", "move-up")
        buttons["down"] = _button("Move down", "move-down")
        buttons["rename"] = _button("Rename", "rename-run")
        buttons["delete"] = _button("Delete", "delete")


def _sections(pieces: dict[str, gr.HTML], buttons: dict[str, Any]) -> tuple[gr.Tabs, dict[str, gr.Tab]]:
    sections: dict[str, gr.Tab] = {}
    with gr.Tabs(selected=PROGRESS, elem_id="run-sections") as tabs:
        with gr.Tab("Progress", id=PROGRESS) as sections[PROGRESS]:
            for name in ("result", "accuracy", "loss"):
                pieces[name] = part(elem_id=f"run-{name}")
            with gr.Row(elem_classes="actions"):
                buttons["csv"] = _button("Curves as CSV", "curves-csv")
                buttons["json"] = _button("Curves as JSON", "curves-json")
        with gr.Tab("Report", id=REPORT_TAB, visible=False) as sections[REPORT_TAB]:
            with gr.Row(elem_classes="actions"):
                buttons["save_report"] = _button("Download as one HTML file", "save-report", visible=True)
            pieces["report"] = part(elem_id="run-report")
        with gr.Tab("Settings", id=SETTINGS) as sections[SETTINGS]:
            pieces["settings"] = part(elem_id="run-settings")
        with gr.Tab("Log", id=LOG) as sections[LOG]:
            with gr.Row(elem_classes="actions"):
                buttons["save_log"] = _button("Download the whole log", "save-log", visible=True)
            pieces["log"] = part(elem_id="run-log", js_on_load=FOLLOW_JS)
    return tabs, sections


def _button(text: str, elem_id: str, *, variant: Any = "secondary", visible: bool = False) -> gr.Button:
    return gr.Button(text, variant=variant, size="sm", visible=visible, elem_id=elem_id)
