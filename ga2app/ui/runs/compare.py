"""Several runs in one plot: curves, settings that differ, final figures, seeds of the same settings."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ga2app.contracts import Event, RunRecord, RunState
from ga2app.ui.charts import Line, line_chart
from ga2app.ui.markup import badge, empty, escape
from ga2app.ui.runs.curves import RunCurve
from ga2app.ui.runs.listing import run_title
from ga2app.ui.runs.progress import FIGURES, smooth_loss
from ga2app.ui.runs.settings import differing_settings, label_of, spoken

MOST = 12
"""More curves in one plot cannot be told apart."""


@dataclass(frozen=True)
class Spread:
    """Mean and sample deviation of a figure over runs; ``std`` is None of a single one."""

    mean: float
    std: float | None

    def __str__(self) -> str:
        return f"{self.mean:.1f}" if self.std is None else f"{self.mean:.1f} ± {self.std:.1f}"


def spread_of(figures: Sequence[float]) -> Spread | None:
    """The spread of ``figures``; None without any."""
    if not figures:
        return None
    return Spread(statistics.fmean(figures), statistics.stdev(figures) if len(figures) > 1 else None)


def seed_groups(runs: Sequence[RunRecord]) -> list[list[RunRecord]]:
    """Finished runs that are equal but for their seed, groups of two or more, in the order of ``runs``."""
    groups: dict[str, list[RunRecord]] = {}
    for run in runs:
        if run.state is RunState.DONE:
            without = {key: value for key, value in run.config.items() if key != "seed"}
            groups.setdefault(json.dumps(without, sort_keys=True), []).append(run)
    return [group for group in groups.values() if len(group) > 1]


def compare_html(runs: Sequence[RunRecord], curves: Mapping[int, RunCurve]) -> str:
    """The whole comparison, or what to do where fewer than two runs are chosen."""
    if len(runs) < 2:
        return empty(
            "Compare runs",
            "Tick the boxes beside two or more runs in the list.",
            "Their curves are drawn into one plot, with the settings that differ and the final figures.",
        )
    return (
        f'<section class="comparison"><h2>{len(runs)} runs compared</h2>{_figures(runs, curves)}'
        f"{_settings(runs)}{_charts(runs, curves)}</section>"
    )


def _charts(runs: Sequence[RunRecord], curves: Mapping[int, RunCurve]) -> str:
    end = float(max((curves[run.id].total_steps for run in runs), default=0))
    names = {run.id: f"{run.id} {run_title(run)}" for run in runs}
    charts = []
    for key, title in (("hm", "HM"), ("base", "Base"), ("novel", "Novel")):
        lines = [
            Line(names[run.id], _tone(place), _points(curves[run.id].epochs, key)) for place, run in enumerate(runs)
        ]
        charts.append(line_chart(title, lines, x_name="step", x_end=end, unit="%"))
    losses = [Line(names[run.id], _tone(place), smooth_loss(curves[run.id], "total")) for place, run in enumerate(runs)]
    charts.append(line_chart("Loss", losses, x_name="step", x_end=end, decimals=3))
    drawn = "".join(charts)
    return drawn or '<p class="legend">None of them has a curve yet.</p>'


def _points(epochs: Sequence[Event], key: str) -> list[tuple[float, float]]:
    return [
        (float(event.step), float(event.values[key]))
        for event in epochs
        if isinstance(event.values.get(key), float | int)
    ]


def _figures(runs: Sequence[RunRecord], curves: Mapping[int, RunCurve]) -> str:
    heads = "".join(f'<th scope="col">{name}</th>' for _, name in FIGURES)
    rows = []
    for place, run in enumerate(runs):
        curve = curves[run.id]
        last = curve.epochs[-1].values if curve.epochs else {}
        plain = curve.zero_shot.values if curve.zero_shot else {}
        cells = "".join(_figure(last.get(key), plain.get(key)) for key, _ in FIGURES)
        rows.append(
            f'<tr><th scope="row" class="{_tone(place)}"><span class="swatch"></span>'
            f'<a href="?run={run.id}">{run.id} {escape(run_title(run))}</a></th><td>{badge(run.state)}</td>{cells}</tr>'
        )
    for group in seed_groups(runs):
        finals = [curves[run.id].epochs[-1].values for run in group if curves[run.id].epochs]
        spreads = [spread_of([float(final[key]) for final in finals if key in final]) for key, _ in FIGURES]
        cells = "".join(f"<td><b>{spread}</b></td>" if spread else "<td></td>" for spread in spreads)
        numbers = ", ".join(str(run.id) for run in group)
        rows.append(
            f'<tr class="seeds"><th scope="row">{len(group)} seeds of the same settings '
            f"<small>runs {numbers}, mean ± std</small></th><td></td>{cells}</tr>"
        )
    return (
        '<div class="scroll"><table class="plain figures"><caption>Last figures in percent, and the change '
        f'against plain CLIP</caption><thead><tr><th scope="col">Run</th><th scope="col">State</th>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _figure(after: object, before: object) -> str:
    if not isinstance(after, float | int):
        return "<td>–</td>"
    if not isinstance(before, float | int):
        return f"<td>{after:.1f}</td>"
    tone = "up" if after - before >= 0.05 else "down" if after - before <= -0.05 else "same"
    signed = f"{after - before:+.1f}".replace("-", "\u2212")
    return f'<td>{after:.1f} <span class="change {tone}">{signed}</span></td>'


def _settings(runs: Sequence[RunRecord]) -> str:
    differing = differing_settings([run.config for run in runs])
    if not differing:
        return '<p class="legend">All of their settings are the same.</p>'
    heads = "".join(
        f'<th scope="col" class="{_tone(place)}"><span class="swatch"></span>{run.id}</th>'
        for place, run in enumerate(runs)
    )
    rows = "".join(
        f'<tr><th scope="row">{escape(label_of(path))}</th>'
        + "".join(f"<td>{'–' if value is None else escape(spoken(value))}</td>" for value in values)
        + "</tr>"
        for path, values in differing.items()
    )
    return (
        '<div class="scroll"><table class="plain"><caption>Settings that differ</caption><thead><tr>'
        f'<th scope="col">Setting</th>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _tone(place: int) -> str:
    return f"run-tone-{place % MOST}"
