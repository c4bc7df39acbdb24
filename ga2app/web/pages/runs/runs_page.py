"""The queue and its history, and one run in full: ``/runs?id=7&view=report``. All of it is read from the store.

A file that a visitor asks for is made when asked, and can be had for a day.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import gradio as gr
from markupsafe import Markup

from ga2app.errors import StoreError, StudioError
from ga2app.services.run_comparison import run_numbers
from ga2app.services.run_curves import run_title
from ga2app.services.runs import OPEN
from ga2app.services.studio import Studio
from ga2app.services.uploads import export_folder
from ga2app.store import RunFilter
from ga2app.types import Report, RunRecord, RunState
from ga2app.web import address
from ga2app.web.components.form_fields import line, pick
from ga2app.web.components.markup import WEB, notice, render, script
from ga2app.web.components.masthead import Page
from ga2app.web.events import REVEAL_JS, SAVE_JS, fault_html, in_turn, waited_for
from ga2app.web.pages.runs import run_views as views
from ga2app.web.pages.runs.report_html import report_html
from ga2app.web.pages.runs.run_settings_view import settings_html
from ga2app.web.theme import folded, part


def make_file(studio: Studio, kind: str, run_ids: Sequence[int]) -> Path:
    """A file of ``kind`` csv or json (curves of the runs), report or log (of the first). Raises StoreError."""
    runs = studio.runs
    if kind == "log":
        return runs.log_file(runs.get(next(iter(run_ids), None)).id)
    if kind == "report":
        run = runs.get(next(iter(run_ids), None))
        report = runs.report(run.id)
        if report is None:
            raise StoreError(f"run {run.id} has no report; train it again to get one")
        run_ids, name, text = [run.id], f"run-{run.id}-report.html", report_page(studio, run, report)
    else:
        name, text = runs.curves_text(run_ids, kind)
    file = export_folder(studio.home, f"runs-{'.'.join(map(str, run_ids))}", len(text)) / name
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise StoreError(f"'{name}' could not be written ({exc}); free some space and try again") from exc
    return file


def report_page(studio: Studio, run: RunRecord, report: Report) -> str:
    """The report as one HTML file that needs no network: style and pictures are in it, and no script."""
    backbone_title = studio.backbone_title(str(run.config.get("backbone", "?")))
    ended = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.finished_s)) if run.finished_s else ""
    about = (f"data set {report.dataset}", backbone_title, f"seed {report.seed}", ended)
    curve = studio.runs.curve(run.id)
    return render(
        "report_file.html",
        title=f"Run {run.id}: {run_title(run)}",
        about=" · ".join(part for part in about if part),
        style=Markup(page_style()),
        result=views.result_html(run, curve),
        body=report_html(run, report, studio.runs.seeds(run)),
        accuracy=views.accuracy_html(curve),
        loss=views.loss_html(curve),
        settings=settings_html(run, report, backbone_title, curve.conditions),
    )


def page_style() -> str:
    """The studio's own style for a report: dark where the reader's system is."""
    names = ("base.css", "pages/runs/runs.css")
    base, runs = ((WEB / name).read_text(encoding="utf-8") for name in names)
    dark = re.findall(r"^\.dark \{(.*?)^\}", base + "\n" + runs, re.DOTALL | re.MULTILINE)
    night = "".join(
        f"@media screen and (prefers-color-scheme: dark) {{ :root {{{variables}}} }}\n" for variables in dark
    )
    return base + runs + night


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
    view: str = views.PROGRESS
    page: int = 0
    only: RunFilter = field(default_factory=RunFilter)
    sent: tuple[tuple[str, int], ...] = ()


def parts_of(studio: Studio, look: Look, *, gone: int | None = None) -> tuple[Look, dict[str, Any]]:
    """What is looked at, with a run chosen where none was, and the parts of the page that show it, by name.

    ``gone`` is a run that was just deleted.
    """
    runs = studio.runs
    run = runs.find(look.run_id)
    view = look.view if look.view in dict(views.VIEWS) else views.PROGRESS
    if view == views.REPORT_VIEW and not (run and runs.has_report(run)):
        view = views.PROGRESS
    shown = runs.page(look.only, look.page)
    look = replace(look, run_id=run.id if run else look.run_id, view=view, page=shown.page)
    listed = views.list_value(studio, shown, look.run_id, filtered=look.only != RunFilter())
    parts: dict[str, Any] = {"list": listed | {"gone": [gone] if gone else []}}
    parts["actions"] = str(views.actions_html(studio, run, view, look.run_id))
    parts["head"] = parts["body"] = ""
    if run:
        curve = runs.curve(run.id)
        parts["head"] = str(views.head_html(studio, run, curve))
        parts["body"] = str(views.body_html(studio, run, curve, view))
    elif look.run_id is not None:
        parts["head"] = views.missing_html(look.run_id)
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
    if what in ("share", "unshare"):
        return notice("success", studio.ownership.share("run", run.id, what == "share")), look, None
    if what == "stop":
        runs.stop(run.id)
    elif what == "rename":
        runs.rename(run.id, name)
    elif what in ("front", "up", "down"):
        runs.move(run.id, what)
    return "", look, None


def build_runs(studio: Studio, page: Page) -> None:
    """Lay the page out and connect it."""
    RunsPage(studio).connect(page)


class RunsPage:
    """The page: each handler gives what is new on it by component; nothing else is sent."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.look, self.clock = gr.State(Look()), gr.Timer(REFRESH_S, active=False)
        with gr.Row(elem_classes="split"):
            with gr.Column(scale=4, min_width=300):
                with folded("Find a run", elem_id="runs-filter"):
                    self.text = line("find-run", "Search", placeholder="name, number, data set, reason of a failure")
                    states = [(title, name) for name, (title, _) in _STATES.items()]
                    self.state = pick("find-state", "State", states, "any")
                    self.dataset = pick("find-dataset", "Data set", [_ANY_DATASET], "")
                    self.backbone = pick("find-backbone", "Backbone", [_ANY_BACKBONE], "")
                frame: Any = {"html_template": str(render("run_list.html")), "js_on_load": script("run_list.js")}
                self.listed = part(None, elem_id="runs", **frame)
            with gr.Column(scale=7, min_width=300, elem_classes="detail"):
                self.told, self.head = part(elem_id="run-answer"), part(elem_id="run-head")
                self.actions = part(elem_id="run-actions", js_on_load=script("run_detail.js"))
                self.body = part(elem_id="run-body", js_on_load=script("run_detail.js"))
        self.pieces = {"list": self.listed, "head": self.head, "actions": self.actions, "body": self.body}
        self.outputs = [self.look, self.clock, self.told, self.dataset, self.backbone, *self.pieces.values()]

    def connect(self, page: Page) -> None:
        """Let the page answer."""
        filters: list[Any] = [self.text, self.state, self.dataset, self.backbone]
        shown: Any = {"inputs": self.look, "outputs": self.outputs, **_IN_TURN}
        page.on_open(self.open, **shown)
        self.listed.click(self.on_list, **shown)
        self.listed.click(None, None, None, js=REVEAL_JS % "run-head", **_IN_TURN)
        filtering = shown | {"inputs": {self.look, *filters}, "trigger_mode": "always_last"}
        gr.on([one.input for one in filters], self.filtered, **filtering)
        self.actions.click(self.on_detail, **shown)
        # A tick tells nothing of what was said before, so the message stays.
        self.clock.tick(lambda seen: self.draw(seen, None), **shown)
        connect_saving(self.studio, self.body, self.look, self.told)

    def draw(self, seen: Look, message: str | None = "", gone: int | None = None) -> dict[Any, Any]:
        """What is new on the page. What was said stays there with a ``message`` of None.

        Whether to look again is read first: a run that ends while the page is drawn is on it the next time.
        """
        going_on = bool(self.studio.store.runs.count(OPEN))
        seen, parts = parts_of(self.studio, seen, gone=gone)
        facets = self.studio.store.runs.facets()
        before, fresh = (
            dict(seen.sent),
            {name: hash(repr(value)) for name, value in (parts | {"facets": facets}).items()},
        )
        changed = {name for name in fresh if fresh[name] != before.get(name)}
        updates: dict[Any, Any] = {self.pieces[name]: parts[name] for name in changed if name in self.pieces}
        if "facets" in changed:
            updates[self.dataset] = gr.update(choices=[_ANY_DATASET, *facets.datasets])
            updates[self.backbone] = gr.update(choices=[_ANY_BACKBONE, *facets.backbones])
        if message is not None:
            updates[self.told] = message
        return updates | {self.look: replace(seen, sent=tuple(fresh.items())), self.clock: gr.Timer(active=going_on)}

    def open(self, seen: Look, request: gr.Request) -> dict[Any, Any]:
        """Back and Forward lead to another run, and leave the list as it is."""
        view = address.text(request, "view") or views.PROGRESS
        return self.draw(replace(seen, run_id=address.number(request, "id"), view=view, sent=()))

    def filtered(self, given: dict[Any, Any]) -> dict[Any, Any]:
        """The runs that the filters leave."""
        states, words = _STATES.get(given[self.state] or "any", _STATES["any"])[1], (given[self.text] or "").split()
        only = RunFilter(states, given[self.dataset] or "", given[self.backbone] or "", " ".join(words))
        return self.draw(replace(given[self.look], only=only, page=0))

    def on_list(self, seen: Look, event: gr.EventData) -> dict[Any, Any]:
        """Another run, another page of the list, or an undo."""
        if hasattr(event, "undo"):
            return self.answered(seen, "undo")
        if hasattr(event, "turn"):
            return self.draw(replace(seen, page=max(0, seen.page + int(event.turn))))
        return self.draw(replace(seen, run_id=int(event.run)))

    def on_detail(self, seen: Look, event: gr.EventData) -> dict[Any, Any]:
        """Another view of the run, or something done to it."""
        if event.what == "view":
            return self.draw(replace(seen, view=str(event.view)))
        return self.answered(seen, str(event.what), str(getattr(event, "name", "")))

    def answered(self, seen: Look, what: str, name: str = "") -> dict[Any, Any]:
        """What was pressed, done or refused."""
        try:
            message, seen, gone = act(self.studio, seen, what, name)
        except Exception as exc:
            return self.draw(seen, fault_html(exc))
        return self.draw(seen, message, gone)


def connect_saving(studio: Studio, html: gr.HTML, look: gr.State, told: gr.HTML) -> None:
    """Let the buttons ``data-save`` in ``html`` save files: of the runs that it names, or of the one looked at."""
    made = gr.JSON(visible=False)

    def save(seen: Look, event: gr.EventData) -> list[Any]:
        named = run_numbers(getattr(event, "ids", None)) or ([seen.run_id] if seen.run_id else [])
        try:
            file = make_file(studio, str(event.kind), named)
            name = f"run-{named[0]}-log.txt" if event.kind == "log" else file.name
            return ["", {"url": studio.files.address(file), "orig_name": name}]
        except StudioError as exc:
            return [notice("error", str(exc)), None]

    saved = html.select(save, look, [told, made], **waited_for(told))
    saved.then(None, made, None, js=SAVE_JS, **_IN_TURN)
