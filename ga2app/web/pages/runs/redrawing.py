"""From what is looked at to what changes on the page: only that is sent."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import gradio as gr

from ga2app.services.studio import Studio
from ga2app.store import RunFilter
from ga2app.store.run_queue import ROOM
from ga2app.types import RunState
from ga2app.web.components.markup import shortened
from ga2app.web.pages.runs.listing import STATES
from ga2app.web.pages.runs.run_view import PIECES, Look, RunsView
from ga2app.web.pages.runs.runs_layout import ANY_BACKBONE, ANY_DATASET, Parts

_OPEN = (RunState.QUEUED, RunState.RUNNING, RunState.STOPPING)


def filter_of(text: str = "", state: str = "any", dataset: str = "", backbone: str = "") -> RunFilter:
    """What the boxes above the list say."""
    return RunFilter(STATES.get(state or "any"), dataset or "", backbone or "", " ".join((text or "").split()))


def overtaken(shown: Mapping[str, Any], run_id: int | None, compared: str, page: int | None) -> bool:
    """Whether another run, other ticks or another page were drawn since this was asked: it would put them back."""
    asked = {"run": run_id, "compared": compared or "", "page": int(page or 0)}
    return bool(shown) and any(shown.get(name) != value for name, value in asked.items())


def updates(studio: Studio, parts: Parts, view: RunsView, look: Look, shown: Mapping[str, Any]) -> list[Any]:
    """What is to change on the page so that it shows ``view``; nothing else is sent. In the order of the outputs."""
    run_id = view.run.id if view.run else look.run_id
    facets = studio.store.runs.facets() if shown.get("about") != view.buttons else None
    known = shown.get("facets") if facets is None else (facets.datasets, facets.backbones)
    fresh: dict[str, Any] = {name: getattr(view, name) for name in PIECES}
    fresh |= {"about": view.buttons, "facets": known, "section": view.section, "run": run_id}
    fresh |= {"compared": ",".join(map(str, view.compared)), "page": view.page}
    changed = {name for name, value in fresh.items() if shown.get(name) != value}
    lists: list[Any] = [gr.skip(), gr.skip()]
    if "facets" in changed and known:
        anys = (ANY_DATASET, ANY_BACKBONE)
        lists = [gr.update(choices=[any_, *known[place]]) for place, any_ in enumerate(anys)]
    buttons = [gr.skip()] * (len(parts.buttons) + 1)
    if "about" in changed:
        looks = button_looks(studio, view, look, keep_renaming=shown.get("run") == run_id)
        buttons = [looks[name] for name in parts.buttons] + [gr.update(visible=view.has_report)]
    going_on = bool(studio.store.runs.count(_OPEN))
    return [
        run_id,
        fresh,
        gr.Timer(active=going_on),
        view.section,
        fresh["compared"],
        view.page,
        gr.Tabs(selected=view.section) if "section" in changed else gr.skip(),
        *lists,
        *(fresh[name] if name in changed else gr.skip() for name in PIECES),
        *buttons,
    ]


def button_looks(studio: Studio, view: RunsView, look: Look, *, keep_renaming: bool) -> dict[str, Any]:
    """How each button looks now, by name."""
    run, state = view.run, view.run.state if view.run else None
    queued = state is RunState.QUEUED
    place = view.waiting.index(run.id) if run and run.id in view.waiting else 0
    undo = studio.store.trash.last(ROOM)
    picked = len(view.compared)

    def seen(when: bool, **changes: Any) -> Any:
        return gr.update(visible=when, **changes)

    return {
        "finder": seen(run is not None or bool(studio.store.runs.count())),
        # Never disabled: of two answers in quick succession a button that has just appeared may keep the first's look.
        "compare": seen(picked > 0, value=f"Compare {picked} runs" if picked > 1 else "Tick another to compare"),
        "clear": seen(picked > 0),
        "undo": seen(undo is not None, value=shortened(undo.offer) if undo else "Undo"),
        "newer": seen(view.page > 0),
        "older": seen(view.more),
        # A run whose training diverged leaves a bundle, too: of what it had learned before.
        "try_it": seen(
            state in (RunState.DONE, RunState.FAILED) and bool(run and run.bundle),
            link=f"./?bundle={quote(Path(run.bundle).name)}" if run and run.bundle else None,
        ),
        "stop": seen(
            state in (RunState.QUEUED, RunState.RUNNING),
            value="Remove from queue" if queued else "Stop and save",
        ),
        "resume": seen(
            state in (RunState.STOPPED, RunState.FAILED), value="Retry" if state is RunState.FAILED else "Resume"
        ),
        "restart": seen(
            run is not None
            and state in (RunState.STOPPED, RunState.FAILED)
            and studio.store.runs.has_checkpoint(run.id)
        ),
        "again": seen(run is not None),
        "front": seen(queued and place > 0),
        "up": seen(queued and place > 0),
        "down": seen(queued and place + 1 < len(view.waiting)),
        "rename": seen(run is not None),
        "delete": seen(run is not None and state not in (RunState.RUNNING, RunState.STOPPING)),
        "keep_name": gr.skip(),
        "drop_name": gr.skip(),
        "csv": seen(run is not None and not queued),
        "json": seen(run is not None and not queued),
        "save_report": gr.skip(),
        "save_log": gr.skip(),
        "run_box": seen(run is not None),
        "renaming": gr.skip() if keep_renaming else seen(False),
    }
