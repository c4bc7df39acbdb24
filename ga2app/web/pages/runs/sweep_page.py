"""A sweep: its table, its runs as lines across axes (parallel coordinates), what is done to all: ``/sweep?id=7``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from markupsafe import Markup

from ga2app.errors import StoreError
from ga2app.services.studio import Studio
from ga2app.services.sweep_points import value_text
from ga2app.services.sweeps import Sweep
from ga2app.services.uploads import export_folder
from ga2app.types import RunState
from ga2app.web import address
from ga2app.web.components.markup import duration, empty, notice, render, script
from ga2app.web.components.masthead import Page
from ga2app.web.events import SAVE_JS, fault_html, in_turn, waited_for
from ga2app.web.pages.runs.run_settings_view import label_of
from ga2app.web.pages.runs.run_views import FIGURES
from ga2app.web.theme import part

REFRESH_S = 2.0
_IN_TURN = in_turn("sweep")
_WIDTH, _HEIGHT = 1000, 300
"""Units of the plot's own coordinates; the page scales them."""
_APART = 0.09
"""Two ticks of an axis are at least this share of it apart."""


@dataclass(frozen=True)
class Axis:
    """An axis of the plot: its title, the place of each run on it from 0 to 1 (None: not known), and its ticks."""

    title: str
    places: tuple[float | None, ...]
    ticks: tuple[tuple[float, str], ...]


def axis(title: str, values: Sequence[Any], *, log: bool = False, decimals: int | None = None) -> Axis:
    """The axis of ``values``: numbers lie by their size, with ``log`` by its logarithm, anything else side by side."""
    known = [value for value in values if value is not None]
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in known):
        kinds = list(dict.fromkeys(value_text(value) for value in known))
        by_text = {kind: place / max(len(kinds) - 1, 1) for place, kind in enumerate(kinds)}
        places = tuple(None if value is None else by_text[value_text(value)] for value in values)
        return Axis(title, places, tuple((by_text[kind], kind) for kind in kinds))

    def scaled(value: float) -> float:
        return math.log(value) if log else value

    log = log and bool(known) and min(known) > 0
    low, high = (scaled(end(known)) for end in (min, max)) if known else (0.0, 1.0)
    span = high - low
    at = {value: (scaled(value) - low) / span if span else 0.5 for value in sorted(set(known))}
    ticks: list[float] = []
    for value in [*list(at)[:1], *list(at)[-1:], *list(at)[1:-1]]:  # the ends first: they are always there
        if all(abs(at[value] - at[other]) >= _APART for other in ticks):
            ticks.append(value)
    texts = tuple((at[value], value_text(value) if decimals is None else f"{value:.{decimals}f}") for value in ticks)
    return Axis(title, tuple(None if value is None else at[value] for value in values), texts)


def axes_of(sweep: Sweep) -> list[Axis]:
    """An axis for each setting that varies, then one for each figure that any run has."""
    logs = sweep.asked.get("log", [])
    found = [
        axis(label_of(path), [one.values[place] for one in sweep.runs], log=path in logs)
        for place, path in enumerate(sweep.paths)
    ]
    figures = [("Held out", [one.validation.get("accuracy") for one in sweep.runs])]
    figures += [(title, [one.metrics.get(key) for one in sweep.runs]) for key, title in FIGURES]
    return found + [axis(title, values, decimals=1) for title, values in figures if any(v is not None for v in values)]


def plot_html(sweep: Sweep) -> Markup:
    """The runs as lines across the axes; one without a figure ends at its last setting."""
    axes = axes_of(sweep)
    if len(axes) < 2:
        return Markup()
    lines = []
    for place, one in enumerate(sweep.runs):
        points = [
            f"{number / (len(axes) - 1) * _WIDTH:.0f},{(1 - at) * _HEIGHT:.1f}"
            for number, an_axis in enumerate(axes)
            if (at := an_axis.places[place]) is not None
        ]
        lines.append((one.run.id, one.best, one.run.state is RunState.DONE, "M" + " L".join(points)))
    lines.sort(key=lambda line: (line[1], line[2]))  # the best is drawn last, above all others
    return render("sweep_plot.html", axes=axes, lines=lines, size=(_WIDTH, _HEIGHT))


def sweep_html(sweep: Sweep, *, locked: str = "") -> Markup:
    """Everything of a sweep."""
    rows = [
        (one, [(value_text(value), value) for value in one.values], duration(one.seconds) if one.seconds else "")
        for one in sweep.runs
    ]
    done = sum(one.run.state is RunState.DONE for one in sweep.runs)
    asked, draws = sweep.asked, sweep.asked.get("draws")
    return render(
        "sweep.html",
        sweep=sweep,
        rows=rows,
        heads=[label_of(path) for path in sweep.paths],
        figures=FIGURES,
        how=f"{draws} points drawn at random, seed {asked.get('seed')}" if draws else "every combination",
        lines=asked.get("vary", []),
        share=done / len(sweep.runs),
        done=done,
        busy=any(one.run.state in (RunState.RUNNING, RunState.STOPPING) for one in sweep.runs),
        best=next((one.run.id for one in sweep.runs if one.best), None),
        plot=plot_html(sweep),
        locked=Markup(notice("info", locked)),
    )


def list_html(studio: Studio) -> Markup:
    """Every sweep, as links; what to do where there is none."""
    sweeps = [studio.sweeps.get(first.sweep_id or 0) for first in studio.sweeps.all()]
    steps = ("Open Train.", "Under 'Vary settings' write a line for each setting that varies, then queue the runs.")
    return render("sweep_list.html", sweeps=sweeps, nothing=Markup(empty("No sweeps yet", *steps)))


def build_sweep(studio: Studio, page: Page) -> None:
    """Lay the page out and connect it."""
    told = part(elem_id="sweep-answer")
    part('<a class="small button" href="./runs">Runs</a> <a class="small button" href="./sweep">All sweeps</a>')
    shown = part(elem_id="sweep", js_on_load=script("sweep_table.js"))
    asked, clock, file = gr.State(0), gr.Timer(REFRESH_S, active=False), gr.JSON(visible=False)

    def draw(sweep_id: int) -> list[Any]:
        if not sweep_id:
            return [str(list_html(studio)), gr.Timer(active=False)]
        try:
            sweep = studio.sweeps.get(sweep_id)
        except StoreError as exc:
            return [notice("warning", str(exc)), gr.Timer(active=False)]
        locked = studio.ownership.locked(sweep.runs[0].run)
        return [str(sweep_html(sweep, locked=locked)), gr.Timer(active=bool(sweep.open))]

    def open_page(request: gr.Request) -> list[Any]:
        sweep_id = address.number(request, "id") or 0
        return ["", sweep_id, *draw(sweep_id)]

    def act(sweep_id: int, event: gr.EventData) -> list[Any]:
        try:
            if event.what == "stop":
                message = notice("success", studio.sweeps.stop(sweep_id))
            else:
                message = notice("success", f"{studio.sweeps.delete(sweep_id)} deleted; Undo on Runs brings it back.")
                sweep_id = 0
        except Exception as exc:
            message = fault_html(exc)
        return [message, sweep_id, *draw(sweep_id)]

    def save(sweep_id: int) -> list[Any]:
        try:
            text = studio.sweeps.get(sweep_id).to_csv()
            made = export_folder(studio.home, f"sweep-{sweep_id}", len(text)) / f"sweep-{sweep_id}.csv"
            made.write_text(text, encoding="utf-8")
            return ["", {"url": studio.files.address(made), "orig_name": made.name}]
        except (StoreError, OSError) as exc:
            return [notice("error", f"the table could not be written ({exc}); free some space and try again"), None]

    drawn: Any = [told, asked, shown, clock]
    page.on_open(open_page, None, drawn, **_IN_TURN)
    clock.tick(draw, asked, [shown, clock], **_IN_TURN)
    shown.click(act, asked, drawn, **_IN_TURN)
    saved = shown.select(save, asked, [told, file], **waited_for(told))
    saved.then(None, file, None, js=SAVE_JS, **_IN_TURN)
