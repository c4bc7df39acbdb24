"""Several runs in one plot: curves, settings that differ, final figures, seeds of the same settings."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ga2app.types import Event, RunRecord, RunState, SampleSize, figure_text
from ga2app.web.components.charts import Line, line_chart
from ga2app.web.components.markup import badge, empty, escape
from ga2app.web.pages.runs.curves import RunCurve
from ga2app.web.pages.runs.listing import run_title
from ga2app.web.pages.runs.run_progress import FIGURES, smooth_loss
from ga2app.web.pages.runs.run_settings import differing_settings, label_of, spoken

OTHER_CLIPS = "Clips, or their split"
"""What differs beside the settings: the data set was edited, or split anew, between the runs."""

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


@dataclass(frozen=True)
class SeedGroup:
    """Finished runs that are equal but for their seed, in the order in which they were given.

    ``data`` identifies the clips of each; it is empty for runs of before.
    """

    runs: tuple[RunRecord, ...]
    data: tuple[str, ...]

    @property
    def same_clips(self) -> bool:
        """Whether all were trained and tested on the same clips, as far as that is known."""
        return len({data for data in self.data if data}) < 2

    def one_a_seed(self) -> list[RunRecord]:
        """The newest run of each seed: a run that is done again tells nothing about the spread."""
        newest = {run.config.get("seed"): run.id for run in sorted(self.runs, key=lambda run: run.id)}
        return [run for run in self.runs if run.id in newest.values()]


def seed_groups(runs: Sequence[RunRecord], curves: Mapping[int, RunCurve]) -> list[SeedGroup]:
    """Groups of two or more finished runs that are equal but for their seed."""
    groups: dict[str, list[RunRecord]] = {}
    for run in runs:
        if run.state is RunState.DONE:
            without = {key: value for key, value in run.config.items() if key != "seed"}
            groups.setdefault(json.dumps(without, sort_keys=True), []).append(run)
    return [
        SeedGroup(tuple(group), tuple(curves[run.id].conditions.data for run in group))
        for group in groups.values()
        if len(group) > 1
    ]


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
        f"{_settings(runs, curves)}{_charts(runs, curves)}</section>"
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
        cells = "".join(_figure(key, last, plain, curve.conditions.tested) for key, _ in FIGURES)
        rows.append(
            f'<tr><th scope="row" class="{_tone(place)}"><span class="swatch"></span>'
            f'<a href="./runs?id={run.id}">{run.id} {escape(run_title(run))}</a></th><td>{badge(run.state)}</td>'
            f"{cells}</tr>"
        )
    rows += [_seeds(group, curves) for group in seed_groups(runs, curves)]
    legend = '<p class="legend">In parentheses: 95 % interval over the test clips.</p>' if _tested(runs, curves) else ""
    return (
        '<div class="scroll"><table class="plain figures"><caption>Last figures in percent, and the change '
        f'against plain CLIP</caption><thead><tr><th scope="col">Run</th><th scope="col">State</th>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>{legend}"
    )


def _tested(runs: Sequence[RunRecord], curves: Mapping[int, RunCurve]) -> bool:
    """Whether any of the runs says on how much it was tested."""
    return any(curves[run.id].conditions.tested for run in runs)


def _seeds(group: SeedGroup, curves: Mapping[int, RunCurve]) -> str:
    """The row of a group: mean and deviation, or why there is none."""
    numbers = ", ".join(str(run.id) for run in group.runs)
    chosen, nothing = group.one_a_seed(), "<td>–</td>" * len(FIGURES)
    if not group.same_clips:
        about = (
            f"{len(group.runs)} runs of the same settings, with different clips <small>runs {numbers}: no mean</small>"
        )
        return f'<tr class="seeds"><th scope="row">{about}</th><td></td>{nothing}</tr>'
    if len(chosen) < 2:
        about = f"{len(group.runs)} runs of one seed <small>runs {numbers}: they tell nothing about the spread</small>"
        return f'<tr class="seeds"><th scope="row">{about}</th><td></td>{nothing}</tr>'
    finals = [curves[run.id].epochs[-1].values for run in chosen if curves[run.id].epochs]
    spreads = [spread_of([float(final[key]) for final in finals if key in final]) for key, _ in FIGURES]
    cells = "".join(f"<td><b>{spread}</b></td>" if spread else "<td>–</td>" for spread in spreads)
    again = (
        f", the newest of each seed: {', '.join(str(run.id) for run in chosen)}"
        if len(chosen) < len(group.runs)
        else ""
    )
    unknown = "" if all(group.data) else "; older runs do not say whether their clips are the same"
    return (
        f'<tr class="seeds"><th scope="row">{len(chosen)} seeds of the same settings '
        f"<small>runs {numbers}{again}, mean ± std{unknown}</small></th><td></td>{cells}</tr>"
    )


def _figure(key: str, after: Mapping[str, Any], before: Mapping[str, Any], tested: Mapping[str, SampleSize]) -> str:
    """A figure with its interval and its change against plain CLIP."""
    known = {name: after[name] for name, _ in FIGURES if isinstance(after.get(name), float | int)}
    if key not in known:
        return "<td>–</td>"
    text = figure_text(key, known, tested)
    if not isinstance(before.get(key), float | int):
        return f"<td>{text}</td>"
    change = known[key] - before[key]
    tone = "up" if change >= 0.05 else "down" if change <= -0.05 else "same"
    signed = f"{change:+.1f}".replace("-", "\u2212")
    return f'<td>{text} <span class="change {tone}">{signed}</span></td>'


def _clips_apart(runs: Sequence[RunRecord], curves: Mapping[int, RunCurve]) -> list[str | None]:
    """A letter for the clips of each run, with the number of test clips, where not all runs have the same."""
    found = [curves[run.id].conditions for run in runs]
    kinds = list(dict.fromkeys(one.data for one in found if one.data))
    if len(kinds) < 2:
        return []
    counts = [sum(size.clips for size in one.tested.values()) for one in found]
    return [
        f"{chr(ord('A') + kinds.index(one.data))}, {clips} test clips" if one.data else None
        for one, clips in zip(found, counts, strict=True)
    ]


def _settings(runs: Sequence[RunRecord], curves: Mapping[int, RunCurve]) -> str:
    differing: dict[str, list[Any]] = {}
    if apart := _clips_apart(runs, curves):
        differing[OTHER_CLIPS] = apart
    differing |= differing_settings([run.config for run in runs])
    if not differing:
        return '<p class="legend">All of their settings are the same.</p>'
    heads = "".join(
        f'<th scope="col" class="{_tone(place)}"><span class="swatch"></span>{run.id}</th>'
        for place, run in enumerate(runs)
    )
    rows = "".join(
        f'<tr><th scope="row">{escape(path if path == OTHER_CLIPS else label_of(path))}</th>'
        + "".join(f"<td>{'–' if value is None else escape(spoken(value, path))}</td>" for value in values)
        + "</tr>"
        for path, values in differing.items()
    )
    return (
        '<div class="scroll"><table class="plain"><caption>Settings that differ</caption><thead><tr>'
        f'<th scope="col">Setting</th>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _tone(place: int) -> str:
    return f"run-tone-{place % MOST}"
