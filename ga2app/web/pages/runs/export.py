"""The curves of runs as files: CSV for a spreadsheet, JSON for a program. Every step, nothing thinned."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from ga2app.store import Store
from ga2app.types import EventKind, RunRecord
from ga2app.web.pages.runs.listing import run_title

COLUMNS = (
    "run",
    "name",
    "seed",
    "kind",
    "step",
    "epoch",
    "ce",
    "anchor",
    "total",
    "learning_rate",
    "base",
    "novel",
    "hm",
)
_KINDS = (EventKind.ZERO_SHOT, EventKind.STEP, EventKind.EPOCH)


def curves_csv(store: Store, runs: Sequence[RunRecord]) -> str:
    """A row for each thing that a run told: plain CLIP, each step, each epoch."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    for run in runs:
        about = {"run": run.id, "name": _harmless(run_title(run)), "seed": run.config.get("seed", "")}
        for item in store.runs.events(run.id, kinds=_KINDS):
            writer.writerow({**item.event.values, **about, "kind": item.event.kind.value, "step": item.event.step})
    return stream.getvalue()


def curves_json(store: Store, runs: Sequence[RunRecord]) -> str:
    """An entry for each run: what it is, its settings, plain CLIP, steps and epochs."""
    return json.dumps({"runs": [_run(store, run) for run in runs]}, indent=1, ensure_ascii=False) + "\n"


def _run(store: Store, run: RunRecord) -> dict[str, Any]:
    told: dict[EventKind, list[dict[str, Any]]] = {kind: [] for kind in _KINDS}
    for item in store.runs.events(run.id, kinds=_KINDS):
        told[item.event.kind].append({**item.event.values, "step": item.event.step})
    zero_shot = told[EventKind.ZERO_SHOT]
    return {
        "run": run.id,
        "name": run_title(run),
        "state": run.state.value,
        "config": dict(run.config),
        "zero_shot": zero_shot[-1] if zero_shot else None,
        "steps": told[EventKind.STEP],
        "epochs": told[EventKind.EPOCH],
    }


def _harmless(text: str) -> str:
    """A spreadsheet takes a cell that begins like a formula for one."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t")) else text
