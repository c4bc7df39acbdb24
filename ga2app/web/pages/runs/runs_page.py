"""The queue and its history, and one run in full. All of it is read from the store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr

from ga2app.services.studio import Studio
from ga2app.store import RunFilter
from ga2app.web import address
from ga2app.web.components.masthead import Page
from ga2app.web.events import in_turn
from ga2app.web.pages.runs.redrawing import filter_of, overtaken, updates
from ga2app.web.pages.runs.run_view import PIECES, PROGRESS, REPORT_TAB, SECTIONS, SETTINGS, Look, Viewer, numbers
from ga2app.web.pages.runs.runs_events import connect_actions, connect_files, connect_list
from ga2app.web.pages.runs.runs_layout import lay_out

_IN_TURN = in_turn("runs")

_ADDRESS = """(id, section, ticked) => ({
  id: id > 0 ? id : "", view: section === 'progress' ? '' : section === 'settings' ? 'config' : section, ticked,
})"""


def build_runs(studio: Studio, page: Page) -> None:
    """Lay the page out and connect it."""
    parts, viewer = lay_out(), Viewer(studio)
    filters = [parts.text, parts.state, parts.dataset, parts.backbone]
    asked = [parts.chosen, parts.shown, parts.section, parts.compared, parts.page, *filters]
    looked = [parts.chosen, parts.shown, parts.clock, parts.section, parts.compared, parts.page]
    outputs = [*looked, parts.tabs, parts.dataset, parts.backbone]
    outputs += [*(parts.pieces[name] for name in PIECES), *parts.buttons.values(), parts.sections[REPORT_TAB]]

    def refresh(
        run_id: int | None,
        shown: Mapping[str, Any],
        section: str = PROGRESS,
        compared: str = "",
        page: int = 0,
        *asked_for: str,
    ) -> list[Any]:
        section = section if section in SECTIONS else PROGRESS
        only = filter_of(*asked_for) if asked_for else RunFilter()
        look = Look(run_id, section, numbers(compared), int(page or 0), only)
        return updates(studio, parts, viewer.view(look), look, shown)

    where = [outputs.index(part) for part in (*looked[:2], *looked[3:], parts.tabs) if part is not parts.shown]
    pieces = [outputs.index(parts.pieces[name]) for name in PIECES]

    def tick(*given: Any) -> list[Any]:
        """What is new, and never where one is: this answer may come behind that of a click made meanwhile."""
        if overtaken(given[1], given[0], given[3], given[4]):
            return [gr.skip()] * len(outputs)
        drawn = refresh(*given)
        # What was asked is not told again, so it is what the page has.
        drawn[1] |= {"compared": given[3] or "", "page": int(given[4] or 0)}
        kept = {*where, *(place for place in pieces if drawn[place] == "")}
        return [gr.skip() if place in kept else value for place, value in enumerate(drawn)]

    connect_list(parts, asked, outputs, refresh)
    connect_actions(studio, parts, asked, outputs, refresh)
    connect_files(studio, parts, viewer)
    parts.clock.tick(tick, asked, outputs, trigger_mode="once", **_IN_TURN)

    def open_page(request: gr.Request) -> list[Any]:
        run_id, section = address.number(request, "id"), address.text(request, "view")
        return refresh(run_id, {}, SETTINGS if section == "config" else section, address.text(request, "ticked"))

    page.on_open(open_page, None, outputs, **_IN_TURN)
    address.tell(_ADDRESS, [parts.chosen, parts.section, parts.compared])
    address.go(parts.buttons["again"], "id => `./train?from=run-${id}`", parts.chosen)
