"""The benchmark in figures: tables, JSON, a picture, and paired differences over the seeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from tabulate import tabulate

from ga2app.config.presets import COMPARED, GA2, GA2_PLUS, ZERO_SHOT
from ga2app.evaluation import spread, spread_if_defined
from ga2app.types import BASELINES

from .confidence import confidence_document, confidence_rows
from .outcomes import Outcome, Plan
from .paired_differences import Difference as Difference
from .paired_differences import paired_difference as paired_difference
from .pairs import PAIR_FIGURES

FIGURES = ("base", "novel", "hm")
_TITLES = {"hm": "HM", "base_pairs": "base pairs", "novel_pairs": "novel pairs"}
OURS = (GA2_PLUS, GA2, ZERO_SHOT)
"""The first of them that was run is held against all others."""


def figures_of(setting: str) -> tuple[str, ...]:
    """What is measured in ``setting``."""
    return (*FIGURES, *PAIR_FIGURES) if setting == "pairs" else FIGURES


def of_method(outcomes: Sequence[Outcome], method: str, shots: int) -> list[Outcome]:
    """The outcomes of ``method`` at ``shots``, by seed."""
    chosen = [outcome for outcome in outcomes if (outcome.method, outcome.shots) == (method, shots)]
    return sorted(chosen, key=lambda outcome: outcome.seed)


def _figures(outcomes: Sequence[Outcome], figure: str) -> list[float] | None:
    """A figure of each of ``outcomes``; None of a method that does not answer."""
    found = [getattr(outcome, figure) for outcome in outcomes]
    return None if None in found else found


def ours_of(methods: Sequence[str]) -> str:
    """The one of ``methods`` that is held against the others: the first of ``OURS``; empty where none was run."""
    return next((method for method in OURS if method in methods), "")


def differences(outcomes: Sequence[Outcome], methods: Sequence[str], shots: int) -> dict[str, dict[str, Difference]]:
    """For each other method and figure: the first of ``OURS`` less that method, paired by seed; else empty.

    A figure that either of both does not have is left out.
    """
    ours = ours_of(methods)
    if not ours:
        return {}
    of_ours = of_method(outcomes, ours, shots)
    return {
        method: {
            figure: paired_difference(one, other)
            for figure in (*FIGURES, *PAIR_FIGURES)
            if (one := _figures(of_ours, figure)) and (other := _figures(of_method(outcomes, method, shots), figure))
        }
        for method in methods
        if method != ours
    }


def document(plan: Plan, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Plain JSON values. ``methods`` holds a figure a seed, at the largest number of shots; ``few_shot`` the others.

    ``ours`` names the method that ``ours_less`` holds against the others. Documents of version 0.1.0 have ``ga2_less``
    there, and their ``ga2`` is now ``ga2-plus``.
    """
    most = max(plan.shots)
    return {
        "setting": plan.setting,
        "seeds": list(plan.seeds),
        "shots": most,
        "anchors": plan.pool,
        "negatives": plan.negatives,
        "config": plan.config.to_dict(),
        "methods": {method: _columns(plan, of_method(outcomes, method, most)) for method in plan.methods},
        "ours": ours_of(plan.methods),
        "ours_less": {
            method: {
                name: {"mean": item.mean, "low": item.low, "high": item.high, "clear": item.clear}
                for name, item in by_figure.items()
            }
            for method, by_figure in differences(outcomes, plan.methods, most).items()
        },
        "confidence": confidence_document(_by_method(plan, outcomes)),
        "few_shot": {
            str(shots): {method: _columns(plan, of_method(outcomes, method, shots)) for method in plan.methods}
            for shots in plan.shots
        },
    }


def table(plan: Plan, outcomes: Sequence[Outcome]) -> str:
    """Mean ± std of each method, the differences of ours to it with 95% intervals, time and memory."""
    most, figures = max(plan.shots), figures_of(plan.setting)
    titles = [_TITLES.get(figure, figure) for figure in figures]
    rows: list[tuple[str, ...]] = [("method", *titles, "training", "peak memory")]
    for method in plan.methods:
        of = of_method(outcomes, method, most)
        cells = [_spread_text(of, figure) for figure in figures]
        seconds = spread([outcome.seconds for outcome in of]).mean
        peak = max(outcome.peak_bytes for outcome in of) / 2**20
        rows.append((method, *cells, _seconds_text(method, seconds), f"{peak:.0f} MiB"))
    parts = [_aligned(rows)]
    gaps = differences(outcomes, plan.methods, most)
    if gaps:
        rows = [(f"{ours_of(plan.methods)} less …", *titles)]
        rows += [(method, *(str(gap.get(figure, "–")) for figure in figures)) for method, gap in gaps.items()]
        parts.append(_aligned(rows) + "\nin brackets: 95% interval of the paired difference")
    if believed := confidence_rows(_by_method(plan, outcomes)):
        told = "\nin percent; in brackets: 95% interval of the paired difference; temperature: the mean over the seeds"
        parts.append(_aligned(believed) + told)
    if len(plan.shots) > 1:
        rows = [("HM by shots", *(str(shots) for shots in plan.shots))]
        rows += [
            (method, *(_spread_text(of_method(outcomes, method, shots), "hm") for shots in plan.shots))
            for method in plan.methods
        ]
        parts.append(_aligned(rows))
    return "\n\n".join(parts)


def _by_method(plan: Plan, outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    """The outcomes of each method at the largest number of shots."""
    return {method: of_method(outcomes, method, max(plan.shots)) for method in plan.methods}


def _spread_text(outcomes: Sequence[Outcome], figure: str) -> str:
    """Mean ± std of a figure; a dash where the method does not answer."""
    found = spread_if_defined([getattr(outcome, figure) for outcome in outcomes])
    return "–" if found is None else str(found)


def _seconds_text(method: str, seconds: float) -> str:
    if method == ZERO_SHOT:
        return "–"
    return f"{seconds:.1f} s" if method in BASELINES else f"{seconds:.0f} s"


def _columns(plan: Plan, outcomes: Sequence[Outcome]) -> dict[str, list[float | None]]:
    names = (*figures_of(plan.setting), "seconds", "peak_bytes")
    return {name: [getattr(outcome, name) for outcome in outcomes] for name in names}


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    align = ("left", *["right"] * (len(rows[0]) - 1))
    return str(tabulate(rows, tablefmt="plain", colalign=align, disable_numparse=True))


_COLORS = dict(
    zip(
        COMPARED,
        ("#7f7f7f", "#2ca02c", "#bcbd22", "#e377c2", "#ff7f0e", "#1f77b4", "#17becf", "#9467bd", "#d62728"),
        strict=True,
    )
)


def draw(plan: Plan, outcomes: Sequence[Outcome], path: Path) -> None:
    """Write the picture to ``path`` (its ending says the format)."""
    panels = 2 if len(plan.shots) > 1 else 1
    with matplotlib.rc_context({"font.size": 10, "svg.hashsalt": "ga2"}):
        figure = Figure(figsize=(6.4 * panels, 4.8), layout="constrained")
        axes = np.atleast_1d(figure.subplots(1, panels))
        _trade(axes[0], plan, outcomes)
        if panels == 2:
            _few_shot(axes[1], plan, outcomes)
        figure.savefig(path, dpi=120)


def colored(methods: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Each method with a color that it has in every picture; variants take those of a color map in turn."""
    others = iter(matplotlib.colormaps["tab20b"].colors * 2)  # type: ignore[attr-defined]
    for method in methods:
        yield method, _COLORS.get(method) or next(others)


def _trade(axes: Axes, plan: Plan, outcomes: Sequence[Outcome]) -> None:
    """Each seed a dot, each method's mean a large one; lines of equal HM behind them."""
    most = max(plan.shots)
    for method, color in colored(plan.methods):
        of = of_method(outcomes, method, most)
        base, novel = _figures(of, "base") or [], _figures(of, "novel")
        if novel is None:  # a baseline that knows nothing of novel labels
            mean = float(np.mean(base))
            axes.axvline(mean, color=color, linestyle=":", label=f"{method}: base {mean:.1f}, no novel")
            continue
        axes.scatter(base, novel, s=12, color=color, alpha=0.45, linewidths=0)
        label = f"{method}: HM {_spread_text(of, 'hm')}"
        axes.scatter(np.mean(base), np.mean(novel), s=110, color=color, edgecolors="black", zorder=3, label=label)
    left, right, low, high = *axes.get_xlim(), *axes.get_ylim()
    grid_x, grid_y = np.meshgrid(np.linspace(left, right, 120), np.linspace(low, high, 120))
    lines = axes.contour(
        grid_x, grid_y, 2 * grid_x * grid_y / (grid_x + grid_y), levels=8, colors="0.85", linewidths=0.8, zorder=0
    )
    axes.clabel(lines, fmt="%.0f", fontsize=8, colors="0.6")
    axes.set(
        xlabel="base accuracy, %",
        ylabel="novel accuracy, %",
        title=f"{plan.setting}: {most} shots, {len(plan.seeds)} seeds; gray lines: equal HM",
    )
    axes.legend(fontsize=8)


def _few_shot(axes: Axes, plan: Plan, outcomes: Sequence[Outcome]) -> None:
    for method, color in colored(plan.methods):
        found = [spread_if_defined([o.hm for o in of_method(outcomes, method, shots)]) for shots in plan.shots]
        spreads = [item for item in found if item is not None]
        if len(spreads) < len(found):
            continue
        axes.errorbar(
            plan.shots,
            [item.mean for item in spreads],
            yerr=[item.std or 0.0 for item in spreads],
            color=color,
            marker="o",
            capsize=3,
            label=method,
        )
    axes.set_xscale("log", base=2)
    axes.set_xticks(plan.shots, [str(shots) for shots in plan.shots])
    axes.set(xlabel="shots a base class", ylabel="HM, %", title="mean ± std over the seeds")
    axes.legend(fontsize=8)
