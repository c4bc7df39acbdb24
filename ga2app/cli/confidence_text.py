"""How far percentages can be believed, as ``evaluate --confidence`` measures and prints it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from ga2app.cli import common
from ga2app.types import GROUPS, Confidence
from ga2app.types.reliability_types import RULES, SCORES, UNKNOWN

_WIDTH = 100


def confidence_text(found: Mapping[str, Confidence]) -> str:
    """Two tables, by titles of models: calibration by group, and open-set rejection; then the rules, in words."""
    rows = {
        f"{title}, {group}": _cells(one, group)
        for group in GROUPS
        for title, one in found.items()
        if group in one.before
    }
    parts = [common.table("percent", ("clips", "mean %", "right", "ECE", "ECE, temperature"), rows)] if rows else []
    for title, one in found.items():
        heat = one.temperature
        if heat.value:
            parts.append(f"{title}: temperature {heat.value:.2f}, fitted on {heat.fitted}")
    told = {
        f"{title}, {one.unknown_clips} {UNKNOWN.get(one.unknown, one.unknown)}, {SCORES.get(one.score, one.score)}": [
            f"{one.auroc:5.1f}",
            f"{one.fpr95:5.1f}",
            f"{100 * one.threshold:5.1f}",
        ]
        for title, model in found.items()
        for one in model.rejection
    }
    parts += [common.table("open-set rejection, percent", ("AUROC", "FPR95", "threshold"), told)] if told else []
    parts += [f"{title}: {note}" for title, one in found.items() for note in one.notes]
    parts += [textwrap.fill(f"{name}: {rule}", _WIDTH) for name, rule in RULES.items()]
    return "\n\n".join(parts)


def _cells(one: Confidence, group: str) -> list[str]:
    before, after = one.before[group], one.after.get(group)
    figures = (before.confidence, before.accuracy, before.ece)
    return [f"{before.clips:5}", *(f"{value:5.1f}" for value in figures), f"{after.ece:5.1f}" if after else "    –"]
