"""The benchmark as a picture: base against novel accuracy of each rung, and HM by the number of shots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ga2app.config.ablations import COMPARED
from ga2app.evaluation import spread
from ga2app.protocols.base2novel import Outcome, Plan
from ga2app.protocols.benchmark_report import of_method

_COLORS = dict(
    zip(COMPARED, ("#7f7f7f", "#2ca02c", "#bcbd22", "#e377c2", "#ff7f0e", "#1f77b4", "#17becf", "#d62728"), strict=True)
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
    """Each method with a color that it has in every picture; variants of ``ga2`` take those of a color map in turn."""
    others = iter(matplotlib.colormaps["tab20b"].colors * 2)  # type: ignore[attr-defined]
    for method in methods:
        yield method, _COLORS.get(method) or next(others)


def _trade(axes: Axes, plan: Plan, outcomes: Sequence[Outcome]) -> None:
    """Each seed a dot, each method's mean a large one; lines of equal HM behind them."""
    most = max(plan.shots)
    for method, color in colored(plan.methods):
        of = of_method(outcomes, method, most)
        base, novel = [outcome.base for outcome in of], [outcome.novel for outcome in of]
        axes.scatter(base, novel, s=12, color=color, alpha=0.45, linewidths=0)
        hm = spread([outcome.hm for outcome in of])
        axes.scatter(
            np.mean(base), np.mean(novel), s=110, color=color, edgecolors="black", zorder=3, label=f"{method}: HM {hm}"
        )
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
        spreads = [spread([o.hm for o in of_method(outcomes, method, shots)]) for shots in plan.shots]
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
