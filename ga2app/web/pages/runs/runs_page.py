"""The queue and its history, and one run in full: ``/runs?id=7&view=report``. All of it is read from the store."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import Any

import gradio as gr

from ga2app.errors import StudioError
from ga2app.services.run_comparison import run_numbers
from ga2app.services.runs import OPEN
from ga2app.services.studio import Studio
from ga2app.store import RunFilter
from ga2app.types import RunState
from ga2app.web import address
from ga2app.web.components.markup import UNEXPECTED, notice
from ga2app.web.components.masthead import Page
from ga2app.web.events import REVEAL_JS, in_turn
from ga2app.web.pages.runs.run_files import SAVE_JS, make_file
from ga2app.web.pages.runs.run_views import (
    PROGRESS,
    REPORT_VIEW,
    VIEWS,
    actions_html,
    body_html,
    head_html,
    list_value,
    missing_html,
)
from ga2app.web.templates import render, script
from ga2app.web.theme import part

log = logging.getLogger(__name__)

REFRESH_S = 1.0
_IN_TURN = in_turn("runs")
_ANY_DATASET, _ANY_BACKBONE = ("any data set", ""), ("any backbone", "")
_STATES: dict[str, tuple[str, tuple[RunState, ...] | None]] = {
    "any": ("any state", None),
    "open": ("waiting or running", OPEN),
    "done": ("done", (RunState.DONE,)),
    "failed": ("failed", (RunState.FAILED,)),
    "stopped": ("stopped", (RunState.STOPPED,)),
}


@dataclass(frozen=True)
class Look:
    """What a visitor looks at: a run and a view of it, and which page of which list.

    ``sent`` holds a hash of each part of the page as it was sent last: what is the same is not sent again.
    """

    run_id: int | None = None
    view: str = PROGRESS
    page: int = 0
    only: RunFilter = field(default_factory=RunFilter)
    sent: tuple[tuple[str, int], ...] = ()


def parts_of(studio: Studio, look: Look, *, gone: int | None = None) -> tuple[Look, dict[str, Any]]:
    """What is looked at, with a run chosen where none was, and the parts of the page that show it, by name.

    ``gone`` is a run that was just deleted.
    """
    runs = studio.runs
    run = runs.find(look.run_id)
    view = look.view if look.view in dict(VIEWS) else PROGRESS
    if view == REPORT_VIEW and not (run and runs.has_report(run)):
        view = PROGRESS
    shown = runs.page(look.only, look.page)
    look = replace(look, run_id=run.id if run else look.run_id, view=view, page=shown.page)
    listed = list_value(studio, shown, look.run_id, filtered=look.only != RunFilter())
    parts: dict[str, Any] = {"list": listed | {"gone": [gone] if gone else []}}
    parts["actions"] = str(actions_html(studio, run, view, look.run_id))
    parts["head"] = parts["body"] = ""
    if run:
        curve = runs.curve(run.id)
        parts["head"] = str(head_html(studio, run, curve))
        parts["body"] = str(body_html(studio, run, curve, view))
    elif look.run_id is not None:
        parts["head"] = missing_html(look.run_id)
    return look, parts


def act(studio: Studio, look: Look, what: str, name: str = "") -> tuple[str, Look, int | None]:
    """Do what was pressed: a message, what is looked at then, and the number of a run that is gone by now.

    Raises StudioError.
    """
    runs = studio.runs
    if what == "undo":
        told, number = runs.undo()
        return notice("success", told), replace(look, run_id=number or look.run_id), None
    run = runs.get(look.run_id)
    if what in ("resume", "restart"):
        return notice("warning", runs.resume(run.id, restart=what == "restart")), look, None
    if what == "delete":
        runs.delete(run.id)
        return "", replace(look, run_id=None), run.id
    if what == "stop":
        runs.stop(run.id)
    elif what == "rename":
        runs.rename(run.id, name)
    elif what in ("front", "up", "down"):
        runs.move(run.id, what)
    return "", look, None


def build_runs(studio: Studio, page: Page) -> None:
    """Lay the page out and connect it."""
    look, clock, packed = gr.State(Look()), gr.Timer(REFRESH_S, active=False), gr.File(visible=False)
    with gr.Row(elem_classes="split"):
        with gr.Column(scale=4, min_width=300):
            with gr.Accordion("Find a run", open=False, elem_id="runs-filter"):
                placeholder = "name, number, data set, reason of a failure"
                text = gr.Textbox(label="Search", placeholder=placeholder, max_lines=1, elem_id="find-run")
                states = [(title, name) for name, (title, _) in _STATES.items()]
                state = gr.Dropdown(states, value="any", label="State", elem_id="find-state")
                dataset = gr.Dropdown([_ANY_DATASET], value="", label="Data set", elem_id="find-dataset")
                backbone = gr.Dropdown([_ANY_BACKBONE], value="", label="Backbone", elem_id="find-backbone")
            frame, detail_js = str(render("run_list.html")), script("run_detail.js")
            listed = gr.HTML(
                None,
                html_template=frame,
                js_on_load=script("run_list.js"),
                apply_default_css=False,
                elem_id="runs",
            )
        with gr.Column(scale=7, min_width=300, elem_classes="detail"):
            told = part(elem_id="run-answer")
            head = part(elem_id="run-head")
            actions = part(elem_id="run-actions", js_on_load=detail_js)
            body = part(elem_id="run-body", js_on_load=detail_js)
    pieces = {"list": listed, "head": head, "actions": actions, "body": body}
    filters = {text, state, dataset, backbone}
    outputs = [look, clock, told, dataset, backbone, *pieces.values()]

    def draw(seen: Look, message: str | None = "", gone: int | None = None) -> dict[Any, Any]:
        """What is new on the page; nothing else is sent."""
        seen, parts = parts_of(studio, seen, gone=gone)
        facets = studio.store.runs.facets()
        parts["facets"] = facets
        before = dict(seen.sent)
        fresh = {name: hash(repr(value)) for name, value in parts.items()}
        changed = {name for name in fresh if fresh[name] != before.get(name)}
        updates: dict[Any, Any] = {pieces[name]: parts[name] for name in changed if name in pieces}
        if "facets" in changed:
            updates[dataset] = gr.update(choices=[_ANY_DATASET, *facets.datasets])
            updates[backbone] = gr.update(choices=[_ANY_BACKBONE, *facets.backbones])
        going_on = bool(studio.store.runs.count(OPEN))
        return updates | {
            look: replace(seen, sent=tuple(fresh.items())),
            clock: gr.Timer(active=going_on),
            told: message,
        }

    def open_page(seen: Look, request: gr.Request) -> dict[Any, Any]:
        """Back and Forward lead to another run, and leave the list as it is."""
        view = address.text(request, "view") or PROGRESS
        return draw(replace(seen, run_id=address.number(request, "id"), view=view, sent=()))

    def filtered(given: dict[Any, Any]) -> dict[Any, Any]:
        states = _STATES.get(given[state] or "any", _STATES["any"])[1]
        words = " ".join((given[text] or "").split())
        only = RunFilter(states, given[dataset] or "", given[backbone] or "", words)
        return draw(replace(given[look], only=only, page=0))

    def on_list(seen: Look, event: gr.EventData) -> dict[Any, Any]:
        if hasattr(event, "undo"):
            return answered(seen, "undo")
        if hasattr(event, "turn"):
            return draw(replace(seen, page=max(0, seen.page + int(event.turn))))
        return draw(replace(seen, run_id=int(event.run)))

    def on_detail(seen: Look, event: gr.EventData) -> dict[Any, Any]:
        if event.what == "view":
            return draw(replace(seen, view=str(event.view)))
        return answered(seen, str(event.what), str(getattr(event, "name", "")))

    def answered(seen: Look, what: str, name: str = "") -> dict[Any, Any]:
        try:
            message, seen, gone = act(studio, seen, what, name)
        except StudioError as exc:
            return draw(seen, notice("error", str(exc)))
        except Exception:
            log.exception("changing a run failed")
            return draw(seen, notice("error", UNEXPECTED))
        return draw(seen, message, gone)

    page.on_open(open_page, look, outputs, **_IN_TURN)
    listed.click(on_list, look, outputs, trigger_mode="multiple", **_IN_TURN)
    listed.click(None, None, None, js=REVEAL_JS % "run-head", **_IN_TURN)
    changes = [part.input for part in (text, state, dataset, backbone)]
    gr.on(changes, filtered, {look, *filters}, outputs, trigger_mode="always_last", **_IN_TURN)
    actions.click(on_detail, look, outputs, trigger_mode="multiple", **_IN_TURN)
    # A tick tells nothing of what was said before, so the message stays.
    clock.tick(lambda seen: draw(seen, None), look, outputs, trigger_mode="once", **_IN_TURN)
    connect_saving(studio, body, look, told, packed)


def connect_saving(studio: Studio, html: gr.HTML, look: gr.State, told: gr.HTML, packed: gr.File) -> None:
    """Let the buttons ``data-save`` in ``html`` save files: of the runs that it names, or of the one looked at."""

    def save(seen: Look, event: gr.EventData) -> list[Any]:
        named = run_numbers(getattr(event, "ids", None)) or ([seen.run_id] if seen.run_id else [])
        try:
            return ["", make_file(studio, str(event.kind), named, packed.GRADIO_CACHE)]
        except StudioError as exc:
            return [notice("error", str(exc)), None]

    busy: dict[str, Any] = {"show_progress": "minimal", "api_visibility": "private", "show_progress_on": told}
    made = html.select(save, look, [told, packed], **busy)
    made.then(None, packed, None, js=SAVE_JS, **_IN_TURN)
