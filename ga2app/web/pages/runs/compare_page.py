"""Several runs beside each other; which ones the address says: ``/compare?ids=25,26``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from ga2app.errors import StudioError
from ga2app.services.studio import Studio
from ga2app.web import address
from ga2app.web.components.markup import notice
from ga2app.web.components.masthead import Page
from ga2app.web.events import in_turn
from ga2app.web.pages.runs import files
from ga2app.web.pages.runs.compare import compare_html
from ga2app.web.pages.runs.curves import Curves
from ga2app.web.pages.runs.run_view import compared_runs, numbers
from ga2app.web.theme import part

_IN_TURN = in_turn("compare")
_BUSY: dict[str, Any] = {"show_progress": "minimal", "api_visibility": "private"}


def build_compare(studio: Studio, page: Page) -> None:
    """Lay the page out and connect it."""
    curves = Curves(studio.store)
    compared, packed = gr.Textbox("", visible=False), gr.File(visible=False)
    told = part(elem_id="compare-answer")
    with gr.Row(elem_classes="actions"):
        back = gr.Button("Back to the runs", size="sm", elem_id="compare-back")
        savers = {
            kind: gr.Button(f"Curves as {kind.upper()}", size="sm", visible=False, elem_id=f"compare-{kind}")
            for kind in ("csv", "json")
        }
    comparison = part(elem_id="run-comparison")

    def open_page(request: gr.Request) -> list[Any]:
        asked = numbers(address.text(request, "ids"))
        runs = compared_runs(studio, asked)
        there = [run.id for run in runs]
        lost = ", ".join(str(number) for number in asked if number not in there)
        message = (
            notice("warning", "It was deleted, or the address is mistyped.", f"There is no run {lost}.") if lost else ""
        )
        shown = gr.update(visible=len(runs) > 1)
        html = compare_html(runs, {run.id: curves.of(run.id) for run in runs})
        return [message, ",".join(map(str, there)), shown, shown, html]

    def saving(kind: str) -> Callable[[str], list[Any]]:
        def save(ids: str) -> list[Any]:
            try:
                return ["", files.curves_file(studio, compared_runs(studio, numbers(ids)), kind, packed.GRADIO_CACHE)]
            except StudioError as exc:
                return [notice("error", str(exc)), None]

        return save

    page.on_open(open_page, None, [told, compared, *savers.values(), comparison], **_IN_TURN)
    address.go(back, "ids => `./runs?id=${ids.split(',')[0]}&ticked=${ids}`", compared)
    for kind, button in savers.items():
        made = button.click(saving(kind), compared, [told, packed], **_BUSY, show_progress_on=told)
        made.then(None, packed, None, js=files.SAVE_JS, **_IN_TURN)
