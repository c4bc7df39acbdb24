"""Several runs beside each other; which ones the address says, in ascending order: ``/compare?ids=25,26``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr
from markupsafe import Markup

from ga2app.services.run_comparison import MOST_COMPARED, Comparison, SeedGroup, run_numbers, spreads
from ga2app.services.run_curves import run_title
from ga2app.services.studio import Studio
from ga2app.types import BaselineReport, Event, RunRecord, SampleSize, figure_text
from ga2app.web import address
from ga2app.web.components.charts import Line, line_chart
from ga2app.web.components.markup import empty, notice, render, script
from ga2app.web.components.masthead import Page
from ga2app.web.events import in_turn
from ga2app.web.pages.runs.run_settings_view import label_of, value_text
from ga2app.web.pages.runs.run_views import FIGURES, smooth_loss
from ga2app.web.pages.runs.runs_page import Look, connect_saving
from ga2app.web.theme import part

OTHER_CLIPS = "Clips, or their split"
"""What differs beside the settings: the data set was edited, or split anew, between the runs."""


def build_compare(studio: Studio, page: Page) -> None:
    """Lay the page out and connect it."""
    told = part(elem_id="compare-answer")
    part('<a class="small button" id="compare-back" href="./runs">Back to the runs</a>')
    comparison = part(elem_id="run-comparison", js_on_load=script("run_detail.js"))

    def open_page(request: gr.Request) -> list[str]:
        asked = run_numbers(address.text(request, "ids"))
        found = studio.runs.comparison(asked)
        return [missing_text(found, asked), str(compare_html(found))]

    page.on_open(open_page, None, [told, comparison], **in_turn("compare"))
    connect_saving(studio, comparison, gr.State(Look()), told)


def missing_text(found: Comparison, asked: tuple[int, ...]) -> str:
    """What an address names beyond what is compared: runs that are not there, and more than fit into one plot."""
    lost, more = ", ".join(map(str, found.missing)), len(asked) - len(found.missing) - len(found.runs)
    many = f"{len(found.runs)} runs are compared, {more} more would not fit into one plot." if more else ""
    told = notice("warning", "It was deleted, or the address is mistyped.", f"There is no run {lost}.") if lost else ""
    return told + notice("info", many, f"At most {MOST_COMPARED}.")


def compare_html(found: Comparison) -> Markup:
    """The whole comparison, or what to do where fewer than two runs are there."""
    if len(found.runs) < 2:
        told = "Their curves are drawn into one plot, with the settings that differ and the final figures."
        return Markup(empty("Compare runs", "On Runs, tick the boxes beside two or more runs in the list.", told))
    other, differing = found.differing_clips(), found.differing_settings()
    rows = [(OTHER_CLIPS, other)] if other else []
    return render(
        "comparison.html",
        ids=",".join(str(run.id) for run in found.runs),
        figures=FIGURES,
        runs=[(run, run_title(run), _figures(found, run)) for run in found.runs],
        groups=[_seeds(group, found) for group in found.seed_groups()],
        tested=any(curve.conditions.tested for curve in found.curves.values()),
        differing=[
            (name, ["–" if value is None else value_text(value) for value in values])
            for name, values in [*rows, *((label_of(path), values) for path, values in differing.items())]
        ],
        beside=[(title, [_three(row) for row in rows]) for title, rows in found.beside()],
        charts=Markup().join(_charts(found)),
    )


def _three(row: BaselineReport | None) -> str:
    """Base, novel and HM of a baseline in one cell."""
    figures = [row.metrics.get(key) for key, _ in FIGURES] if row else []
    return " / ".join("–" if value is None else f"{value:.1f}" for value in figures) or "–"


def _charts(found: Comparison) -> list[Markup]:
    end = float(max(curve.total_steps for curve in found.curves.values()))
    named = [(f"{run.id} {run_title(run)}", f"run-tone-{place}", run.id) for place, run in enumerate(found.runs)]
    charts = []
    for key, title in (("hm", "HM"), ("base", "Base"), ("novel", "Novel")):
        lines = [Line(name, tone, _points(found.curves[run_id].epochs, key)) for name, tone, run_id in named]
        charts.append(line_chart(title, lines, x_name="step", x_end=end, unit="%"))
    losses = [Line(name, tone, smooth_loss(found.curves[run_id], "total")) for name, tone, run_id in named]
    return [*charts, line_chart("Loss", losses, x_name="step", x_end=end, decimals=3)]


def _points(epochs: tuple[Event, ...], key: str) -> list[tuple[float, float]]:
    return [(float(one.step), float(one.values[key])) for one in epochs if isinstance(one.values.get(key), float | int)]


def _figures(found: Comparison, run: RunRecord) -> list[tuple[str, float | None]]:
    """Each figure with its interval, and its change against zero-shot CLIP."""
    curve = found.curves[run.id]
    after, tested = curve.epochs[-1].values if curve.epochs else {}, curve.conditions.tested
    before = curve.zero_shot.values if curve.zero_shot else {}
    return [_figure(key, after, before, tested) for key, _ in FIGURES]


def _figure(
    key: str, after: Mapping[str, Any], before: Mapping[str, Any], tested: Mapping[str, SampleSize]
) -> tuple[str, float | None]:
    known = {name: after[name] for name, _ in FIGURES if isinstance(after.get(name), float | int)}
    change = known[key] - before[key] if key in known and isinstance(before.get(key), float | int) else None
    return figure_text(key, known, tested), change


def _seeds(group: SeedGroup, found: Comparison) -> tuple[str, str, list[str]]:
    """The row of a group: mean and deviation, or why there is none."""
    numbers, chosen = ", ".join(str(run.id) for run in group.runs), group.one_a_seed()
    nothing = [""] * len(FIGURES)
    if not group.same_clips:
        about = f"{len(group.runs)} runs of the same settings, with different clips"
        return about, f"runs {numbers}: no mean", nothing
    if len(chosen) < 2:
        return f"{len(group.runs)} runs of one seed", f"runs {numbers}: they say nothing about the spread", nothing
    finals = [found.curves[run.id].epochs[-1].values for run in chosen if found.curves[run.id].epochs]
    means = spreads(finals, [key for key, _ in FIGURES])
    newest = ", ".join(str(run.id) for run in chosen)
    again = f", the newest of each seed: {newest}" if len(chosen) < len(group.runs) else ""
    unknown = "" if all(group.data) else "; older runs do not say whether their clips are the same"
    cells = [str(means[key]) if key in means else "" for key, _ in FIGURES]
    return f"{len(chosen)} seeds of the same settings", f"runs {numbers}{again}, mean ± std{unknown}", cells
