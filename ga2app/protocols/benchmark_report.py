"""The benchmark's figures as a table, as JSON, and as a few-shot table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ga2app.config.ablations import WHITENED, ZERO_SHOT
from ga2app.evaluation import spread
from ga2app.protocols.base2novel import Outcome, Plan
from ga2app.protocols.paired_statistics import Difference, paired_difference

FIGURES = ("base", "novel", "hm")
OURS = "ga2"


def of_method(outcomes: Sequence[Outcome], method: str, shots: int) -> list[Outcome]:
    """The outcomes of ``method`` at ``shots``, by seed."""
    chosen = [outcome for outcome in outcomes if (outcome.method, outcome.shots) == (method, shots)]
    return sorted(chosen, key=lambda outcome: outcome.seed)


def differences(outcomes: Sequence[Outcome], methods: Sequence[str], shots: int) -> dict[str, dict[str, Difference]]:
    """For each other method and figure: ``ga2`` less that method, paired by seed. Empty without ``ga2``."""
    if OURS not in methods:
        return {}
    ours = of_method(outcomes, OURS, shots)
    return {
        method: {
            figure: paired_difference(
                [getattr(outcome, figure) for outcome in ours],
                [getattr(outcome, figure) for outcome in of_method(outcomes, method, shots)],
            )
            for figure in FIGURES
        }
        for method in methods
        if method != OURS
    }


def document(plan: Plan, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Plain JSON values. ``methods`` holds a figure a seed, at the largest number of shots; ``few_shot`` the others."""
    most = max(plan.shots)
    return {
        "setting": plan.setting,
        "seeds": list(plan.seeds),
        "shots": most,
        "anchors": plan.pool,
        "negatives": plan.negatives,
        "config": plan.config.to_dict(),
        "methods": {method: _columns(of_method(outcomes, method, most)) for method in plan.methods},
        "ga2_less": {
            method: {
                name: {"mean": item.mean, "low": item.low, "high": item.high, "clear": item.clear}
                for name, item in by_figure.items()
            }
            for method, by_figure in differences(outcomes, plan.methods, most).items()
        },
        "few_shot": {
            str(shots): {method: _columns(of_method(outcomes, method, shots)) for method in plan.methods}
            for shots in plan.shots
        },
    }


def table(plan: Plan, outcomes: Sequence[Outcome]) -> str:
    """Mean ± std of each rung, the differences of ``ga2`` to it with 95 % intervals, time and memory."""
    most = max(plan.shots)
    rows: list[tuple[str, ...]] = [("method", "base", "novel", "HM", "training", "peak memory")]
    for method in plan.methods:
        of = of_method(outcomes, method, most)
        cells = [str(spread([getattr(outcome, figure) for outcome in of])) for figure in FIGURES]
        seconds = spread([outcome.seconds for outcome in of]).mean
        peak = max(outcome.peak_bytes for outcome in of) / 2**20
        rows.append((method, *cells, "–" if method in (ZERO_SHOT, WHITENED) else f"{seconds:.0f} s", f"{peak:.0f} MiB"))
    parts = [_aligned(rows)]
    gaps = differences(outcomes, plan.methods, most)
    if gaps:
        rows = [("ga2 less …", "base", "novel", "HM")]
        rows += [(method, *(str(gap[figure]) for figure in FIGURES)) for method, gap in gaps.items()]
        parts.append(_aligned(rows) + "\nin brackets: 95 % interval of the paired difference")
    if len(plan.shots) > 1:
        rows = [("HM by shots", *(str(shots) for shots in plan.shots))]
        rows += [
            (method, *(str(spread([o.hm for o in of_method(outcomes, method, shots)])) for shots in plan.shots))
            for method in plan.methods
        ]
        parts.append(_aligned(rows))
    return "\n\n".join(parts)


def _columns(outcomes: Sequence[Outcome]) -> dict[str, list[float]]:
    names = (*FIGURES, "seconds", "peak_bytes")
    return {name: [getattr(outcome, name) for outcome in outcomes] for name in names}


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    )
