"""The benchmark's figures on percentages: calibration, what the temperature mends, and open-set rejection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ga2app.evaluation import spread

from .outcomes import Outcome
from .paired_differences import paired_difference

GROUPS = ("base", "novel", "joint")
_REJECTED = ("auroc_anchors_against", "fpr95_anchors_against", "auroc_novel_against", "fpr95_novel_against")
HEADER = (
    *("percentages", "ECE base", "ECE novel", "with temperature", "less without", "temperature"),
    *("AUROC anchors", "FPR95 anchors", "AUROC novel", "FPR95 novel"),
)


def confidence_columns(outcomes: Sequence[Outcome]) -> dict[str, list[float]]:
    """Each figure that all of ``outcomes`` have, a value a seed; empty for outcomes of before."""
    names = [name for name in (outcomes[0].confidence if outcomes else {})]
    return {
        name: [one.confidence[name] for one in outcomes]
        for name in names
        if all(name in one.confidence for one in outcomes)
    }


def confidence_document(by_method: Mapping[str, Sequence[Outcome]]) -> dict[str, Any]:
    """Plain JSON values: the figures of each method, and what its temperature changes, paired by seed."""
    told: dict[str, Any] = {}
    for method, outcomes in by_method.items():
        if columns := confidence_columns(outcomes):
            mended = {group: _mended(columns, group) for group in GROUPS if f"ece_{group}_after" in columns}
            told[method] = {"figures": columns, "ece_after_less_before": mended}
    return told


def _mended(columns: dict[str, list[float]], group: str) -> dict[str, Any]:
    gap = paired_difference(columns[f"ece_{group}_after"], columns[f"ece_{group}"])
    return {"mean": gap.mean, "low": gap.low, "high": gap.high, "clear": gap.clear}


def confidence_rows(by_method: Mapping[str, Sequence[Outcome]]) -> list[tuple[str, ...]]:
    """Rows of a table, its header first; no row at all where no method has such figures."""
    rows = []
    for method, outcomes in by_method.items():
        columns = confidence_columns(outcomes)
        if not columns:
            continue

        def cell(name: str, columns: dict[str, list[float]] = columns) -> str:
            return str(spread(columns[name])) if name in columns else "–"

        mended = "–"
        if "ece_novel_after" in columns and "ece_novel" in columns:
            mended = str(paired_difference(columns["ece_novel_after"], columns["ece_novel"]))
        heat = f"{spread(columns['temperature']).mean:.2f}" if "temperature" in columns else "–"
        cells = *map(cell, ("ece_base", "ece_novel", "ece_novel_after")), mended, heat
        rows.append((method, *cells, *map(cell, _REJECTED)))
    return [HEADER, *rows] if rows else []
