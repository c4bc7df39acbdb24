"""Third screen: the queue and its history, and one run in full. Everything is read anew from the store."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import gradio as gr

from ga2app.contracts import EventKind, RunRecord, RunState
from ga2app.errors import StoreError, StudioError
from ga2app.ui.markup import notice
from ga2app.ui.recognize.screen import REVEAL_JS, UNEXPECTED
from ga2app.ui.runs import progress
from ga2app.ui.studio import Studio
from ga2app.ui.theme import part
from ga2app.ui.train.screen import wake

log = logging.getLogger(__name__)

REFRESH_S = 1.0
_PAGE = 50
_OPEN = (RunState.QUEUED, RunState.RUNNING, RunState.STOPPING)
_CURVES = (EventKind.PLAN, EventKind.ZERO_SHOT, EventKind.STEP, EventKind.EPOCH)

_LIST_JS = """
element.addEventListener('click', event => {
  const card = event.target.closest('[data-run]');
  if (!card || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  trigger('click', {run: Number(card.dataset.run)});
});
"""

ADDRESS_JS = """
(run) => {
  const url = new URL(location.href);
  if (run) url.searchParams.set('run', run); else url.searchParams.delete('run');
  history.replaceState(null, '', url);
}
"""
"""Puts the number of the run that is shown into the page's address, without a reload."""


@dataclass(frozen=True)
class RunsView:
    """The pieces of the page, as HTML; ``buttons`` is the state that the buttons depend on."""

    runs: str
    head: str = ""
    result: str = ""
    accuracy: str = ""
    loss: str = ""
    log: str = ""
    buttons: str = ""


PIECES = ("runs", "head", "result", "accuracy", "loss", "log")


@dataclass(frozen=True)
class RunsScreen:
    """The parts of this screen that others reach for. ``refresh`` redraws into ``outputs``."""

    chosen: gr.Number
    shown: gr.State
    clock: gr.Timer
    try_it: gr.Button
    outputs: list[Any]
    refresh: Callable[[int | None, dict[str, str]], list[Any]]


def build_runs(studio: Studio) -> RunsScreen:
    """Lay the screen out and connect it."""
    chosen = gr.Number(None, visible=False, precision=0)
    shown, limit = gr.State({}), gr.State(_PAGE)
    clock = gr.Timer(REFRESH_S, active=False)
    with gr.Row(elem_classes="split"):
        with gr.Column(scale=4, min_width=300):
            runs = part(elem_id="runs", js_on_load=_LIST_JS)
            older = gr.Button("Show older runs", size="sm", visible=False)
        with gr.Column(scale=7, min_width=300, elem_classes="detail"):
            told = part(elem_id="run-answer")
            head = part(elem_id="run-head")
            with gr.Row(elem_classes="actions"):
                try_it = gr.Button("Try it on Recognize", variant="primary", size="sm", visible=False, elem_id="try-it")
                stop = gr.Button("Stop and save", size="sm", visible=False, elem_id="stop")
                resume = gr.Button("Resume", size="sm", visible=False, elem_id="resume")
                delete = gr.Button("Delete", size="sm", visible=False, elem_id="delete")
            with gr.Row(elem_classes="actions", visible=False) as confirm:
                really = gr.Button("Yes, delete the run", variant="stop", size="sm", elem_id="really-delete")
                cancel = gr.Button("Keep it", size="sm")
            result = part(elem_id="run-result")
            accuracy = part(elem_id="run-accuracy")
            loss = part(elem_id="run-loss")
            with gr.Accordion("Log", open=False, visible=False) as log_box:
                log_text = part(elem_id="run-log", autoscroll=True, max_height=320)

    pieces = [runs, head, result, accuracy, loss, log_text]
    buttons = [try_it, stop, resume, delete, confirm, log_box, older]
    outputs = [chosen, shown, clock, *pieces, *buttons]

    def refresh(run_id: int | None, shown: dict[str, str], limit: int = _PAGE) -> list[Any]:
        run = find_run(studio, run_id)
        view = view_of(studio, run, limit)
        fresh = asdict(view) | {"chosen": str(run.id if run else "")}
        updates: list[Any] = [fresh[piece] if shown.get(piece) != fresh[piece] else gr.skip() for piece in PIECES]
        if shown.get("buttons") != fresh["buttons"]:
            updates += button_updates(studio, run, limit)
        else:
            updates += [gr.skip()] * len(buttons)
        going_on = bool(studio.store.runs.count(_OPEN))
        return [run.id if run else None, fresh, gr.Timer(active=going_on), *updates]

    def act(action: Callable[[int], str | None], run_id: int | None, shown: dict[str, str], limit: int) -> list[Any]:
        message = ""
        try:
            if run_id is None:
                raise StoreError("no run is chosen; choose one from the list")
            message = notice("warning", str(action(int(run_id)) or ""))
        except StudioError as exc:
            message = notice("error", str(exc))
        except Exception:
            log.exception("changing a run failed")
            message = notice("error", UNEXPECTED)
        return [message, *refresh(run_id, shown, limit)]

    def stop_run(run_id: int | None, shown: dict[str, str], limit: int) -> list[Any]:
        def ask_to_stop(run_id: int) -> None:
            studio.store.runs.request_stop(run_id)

        return act(ask_to_stop, run_id, shown, limit)

    def resume_run(run_id: int | None, shown: dict[str, str], limit: int) -> list[Any]:
        def requeue(run_id: int) -> str:
            studio.store.runs.requeue(run_id)
            return wake(studio)

        return act(requeue, run_id, shown, limit)

    def delete_run(run_id: int | None, shown: dict[str, str], limit: int) -> list[Any]:
        def forget(run_id: int) -> None:
            studio.store.runs.delete(run_id)
            shutil.rmtree(studio.home.run_folder(run_id), ignore_errors=True)

        return act(forget, run_id, shown, limit)

    def choose(shown: dict[str, str], limit: int, event: gr.EventData) -> list[Any]:
        return ["", *refresh(int(event.run), shown, limit)]

    def show_older(run_id: int | None, shown: dict[str, str], limit: int) -> list[Any]:
        return [limit + _PAGE, *refresh(run_id, shown, limit + _PAGE)]

    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    asked = [chosen, shown, limit]
    runs.click(choose, [shown, limit], [told, *outputs], **quiet)
    clock.tick(refresh, asked, outputs, trigger_mode="once", **quiet)
    stop.click(stop_run, asked, [told, *outputs], **quiet)
    resume.click(resume_run, asked, [told, *outputs], **quiet)
    really.click(delete_run, asked, [told, *outputs], **quiet)
    older.click(show_older, asked, [limit, *outputs], **quiet)
    delete.click(lambda: gr.update(visible=True), None, confirm, **quiet)
    cancel.click(lambda: gr.update(visible=False), None, confirm, **quiet)
    runs.click(None, None, None, js=REVEAL_JS % "run-head", **quiet)
    chosen.change(None, chosen, None, js=ADDRESS_JS, **quiet)
    return RunsScreen(chosen, shown, clock, try_it, outputs, refresh)


def find_run(studio: Studio, run_id: int | None) -> RunRecord | None:
    """The run with that number; the newest where there is none, None where there are no runs."""
    if run_id:
        try:
            return studio.store.runs.get(int(run_id))
        except StoreError:
            log.info("run %s is not there; showing the newest", run_id)
    return next(iter(studio.store.runs.list(limit=1)), None)


def view_of(studio: Studio, run: RunRecord | None, limit: int = _PAGE) -> RunsView:
    """The whole page from the store."""
    store = studio.store.runs
    rows = store.list(limit=limit)
    results = {row.id: store.latest(row.id, EventKind.EPOCH) for row in rows if row.state is RunState.DONE}
    cards = progress.list_html(rows, run.id if run else None, results)
    if run is None:
        return RunsView(cards)
    events = store.events(run.id, kinds=_CURVES)
    steps = [item for item in events if item.event.kind is EventKind.STEP]
    epochs = [item for item in events if item.event.kind is EventKind.EPOCH]
    plan, zero_shot = progress.last(events, EventKind.PLAN), progress.last(events, EventKind.ZERO_SHOT)
    numbers = plan.values if plan else {}
    lines = progress.tail(studio.home.run_folder(run.id) / "log.txt", progress.LOG_LINES)
    title = studio.backbone_title(str(run.config.get("backbone", "?")))
    head = progress.head_html(run, plan, progress.last(steps, EventKind.STEP), title, studio.worker_alive())
    return RunsView(
        runs=cards,
        head=head + progress.why_html(run, lines),
        result=progress.result_html(run, epochs, zero_shot),
        accuracy=progress.accuracy_html(epochs, zero_shot, int(numbers.get("epochs", 0))),
        loss=progress.loss_html(steps, int(numbers.get("total_steps", 0))),
        log=progress.log_html(lines),
        buttons=f"{run.id} {run.state} {run.bundle} {limit}",
    )


def button_updates(studio: Studio, run: RunRecord | None, limit: int) -> list[Any]:
    """Try it, stop, resume, delete, the question before deleting, the log, older runs."""
    state = run.state if run else None
    more = studio.store.runs.count() > limit
    return [
        gr.update(visible=state is RunState.DONE and bool(run and run.bundle)),
        gr.update(visible=state in (RunState.QUEUED, RunState.RUNNING)),
        gr.update(
            visible=state in (RunState.STOPPED, RunState.FAILED),
            value="Retry" if state is RunState.FAILED else "Resume",
        ),
        gr.update(visible=state in (RunState.QUEUED, RunState.STOPPED, RunState.DONE, RunState.FAILED)),
        gr.update(visible=False),
        gr.update(visible=run is not None),
        gr.update(visible=more),
    ]
