"""Fifth screen: the queue and its history, one run in full, several compared. All of it is read from the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from ga2app.services.studio import Studio
from ga2app.store import RunFilter
from ga2app.web.address import note_screen
from ga2app.web.events import in_turn
from ga2app.web.pages.runs.redrawing import filter_of, overtaken, updates
from ga2app.web.pages.runs.run_view import PIECES, PROGRESS, REPORT_TAB, SECTIONS, Look, Viewer, find_run, numbers
from ga2app.web.pages.runs.runs_events import connect_actions, connect_files, connect_list
from ga2app.web.pages.runs.runs_layout import lay_out

__all__ = ["RunsScreen", "build_runs", "find_run"]

_IN_TURN = in_turn("runs")

_ADDRESS = """{
  screen: run ? '' : 'runs',
  run,
  compare: mode === 'compare' ? compared : '',
  view: mode !== 'compare' && section !== 'progress' ? section : '',
}"""


@dataclass(frozen=True)
class RunsScreen:
    """The parts of this screen that others reach for.

    ``asked`` is what ``refresh`` takes, run and what is shown first; it redraws into ``outputs``. ``address`` is what
    the page's address tells: run, section, the section's tab, mode, compared runs.
    """

    chosen: gr.Number
    shown: gr.State
    clock: gr.Timer
    try_it: gr.Button
    again: gr.Button
    address: list[Any]
    asked: list[Any]
    outputs: list[Any]
    refresh: Callable[..., list[Any]]


def build_runs(studio: Studio, tab: gr.Tab) -> RunsScreen:
    """Lay the screen out in ``tab`` and connect it."""
    parts, viewer = lay_out(), Viewer(studio)
    filters = [parts.text, parts.state, parts.dataset, parts.backbone]
    asked = [parts.chosen, parts.shown, parts.section, parts.mode, parts.compared, parts.page, *filters]
    looked = [parts.chosen, parts.shown, parts.clock, parts.section, parts.mode, parts.compared, parts.page]
    outputs = [*looked, parts.tabs, parts.dataset, parts.backbone]
    outputs += [*(parts.pieces[name] for name in PIECES), *parts.buttons.values(), parts.sections[REPORT_TAB]]

    def refresh(
        run_id: int | None,
        shown: Mapping[str, Any],
        section: str = PROGRESS,
        mode: str = "run",
        compared: str = "",
        page: int = 0,
        *asked_for: str,
    ) -> list[Any]:
        section = section if section in SECTIONS else PROGRESS
        only = filter_of(*asked_for) if asked_for else RunFilter()
        look = Look(run_id, section, mode == "compare", numbers(compared), int(page or 0), only)
        return updates(studio, parts, viewer.view(look), look, shown)

    where = [outputs.index(part) for part in (*looked[:2], *looked[3:], parts.tabs) if part is not parts.shown]
    pieces = [outputs.index(parts.pieces[name]) for name in PIECES]

    def tick(*given: Any) -> list[Any]:
        """What is new, and never where one is: this answer may come behind that of a click made meanwhile."""
        if overtaken(given[1], given[0], given[4], given[5]):
            return [gr.skip()] * len(outputs)
        drawn = refresh(*given)
        # What was asked is not told again, so it is what the page has.
        drawn[1] |= {"compared": given[4] or "", "page": int(given[5] or 0)}
        kept = {*where, *(place for place in pieces if drawn[place] == "")}
        return [gr.skip() if place in kept else value for place, value in enumerate(drawn)]

    connect_list(parts, asked, outputs, refresh)
    connect_actions(studio, parts, asked, outputs, refresh)
    connect_files(studio, parts, viewer)
    parts.clock.tick(tick, asked, outputs, trigger_mode="once", **_IN_TURN)
    note_screen(
        tab, "run, mode, compared, section", _ADDRESS, [parts.chosen, parts.mode, parts.compared, parts.section]
    )
    address, buttons = [parts.chosen, parts.section, parts.tabs, parts.mode, parts.compared], parts.buttons
    return RunsScreen(
        parts.chosen, parts.shown, parts.clock, buttons["try_it"], buttons["again"], address, asked, outputs, refresh
    )
