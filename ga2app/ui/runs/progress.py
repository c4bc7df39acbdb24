"""A run as HTML: its card in the list, its head, its curves, its log."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ga2app.contracts import Event, EventKind, RunRecord, RunState
from ga2app.store import StoredEvent
from ga2app.ui.charts import Line, compare_bars, line_chart, smooth
from ga2app.ui.markup import ago, badge, duration, empty, escape, notice

LOG_LINES = 200
FAILURE_LINES = 12
_LOG_BYTES = 64 * 1024
_SMOOTHING = 30
"""A loss curve is smoothed over a thirtieth of the run: single batches tell little."""

_FIGURES = (("base", "Base"), ("novel", "Novel"), ("hm", "HM"))

_HM_HELP = (
    '<p class="legend">Accuracy in percent on test clips. <b>Base</b>: labels it trains on. <b>Novel</b>: labels it '
    "never trains on. <b>HM</b>: their harmonic mean, high only if both are. Dashed: plain CLIP.</p>"
)


def run_title(run: RunRecord) -> str:
    """What a person calls the run."""
    return run.name or f"{run.config.get('dataset', '?')} on {run.config.get('backbone', '?')}"


def preset_word(config: Mapping[str, Any]) -> str:
    """Quick where only text prompts are learned, else Full."""
    return "Full" if config.get("prompts", {}).get("visual_depth") else "Quick"


def list_html(runs: Sequence[RunRecord], chosen: int | None, results: Mapping[int, Event | None]) -> str:
    """The cards of all runs, newest first; ``results`` holds the last epoch of those that have one."""
    if not runs:
        return empty(
            "No runs yet",
            "Open the Train tab.",
            "Choose a data set and a preset, then press 'Queue this run'.",
            "Come back here: the run goes on even if you close the page.",
        )
    cards = "".join(_card(run, chosen, results.get(run.id)) for run in runs)
    return f'<nav class="runs" aria-label="runs">{cards}</nav>'


def _card(run: RunRecord, chosen: int | None, result: Event | None) -> str:
    current = ' aria-current="true"' if run.id == chosen else ""
    hm = result.values.get("hm", result.values.get("base")) if result else None
    figure = f'<span class="figure">{hm:.1f}<small>HM</small></span>' if isinstance(hm, float | int) else ""
    if result and "hm" not in result.values:
        figure = figure.replace(">HM<", ">base<")
    config = run.config
    line = escape(f"{config.get('dataset', '?')} · {preset_word(config)} · {config.get('backbone', '?')}")
    reason = f'<span class="reason">{escape(run.error)}</span>' if run.state is RunState.FAILED and run.error else ""
    return (
        f'<a class="run {run.state.value}" href="?run={run.id}" data-run="{run.id}"{current}>'
        f'<span class="number">{run.id}</span><span class="title">{escape(run_title(run))}</span>{badge(run.state)}'
        f'{figure}<span class="line">{line}<span class="when">{ago(run.created_s)}</span></span>{reason}</a>'
    )


def head_html(run: RunRecord, plan: Event | None, step: Event | None, backbone_title: str, worker_alive: bool) -> str:
    """State, step and ETA of the chosen run, and what to know about its state."""
    total = int(plan.values.get("total_steps", 0)) if plan else 0
    done = step.step if step else 0
    share = 1.0 if run.state is RunState.DONE else min(1.0, done / total) if total else 0.0
    facts = [("backbone", backbone_title), ("data set", str(run.config.get("dataset", "?")))]
    facts += [("method", preset_word(run.config)), ("seed", str(run.config.get("seed", "?")))]
    items = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts)
    return (
        f'<section class="head"><header><h2>Run {run.id}: {escape(run_title(run))}</h2>{badge(run.state)}</header>'
        f'<div class="meter {run.state.value}" role="progressbar" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{100 * share:.0f}" aria-label="progress"><span style="width:{100 * share:.1f}%"></span></div>'
        f'<p class="pace">{escape(pace(run, total, step))}</p><dl>{items}</dl>{_advice(run, worker_alive)}</section>'
    )


def pace(run: RunRecord, total: int, step: Event | None) -> str:
    """Step, share and time left in one line."""
    done = step.step if step else 0
    steps = f"step {done:,} of {total:,}" if total else ""
    if run.state is RunState.QUEUED:
        return "waiting for the worker" + (f", goes on from {steps}" if done else "")
    if run.state is RunState.RUNNING:
        if not step or not total:
            return "getting ready: reading clips and measuring plain CLIP"
        seconds = step.values.get("seconds_per_step")
        left = ""
        if isinstance(seconds, float | int) and math.isfinite(seconds) and done < total:
            left = f", about {duration((total - done) * seconds)} left"
        return f"{steps}{left}"
    if run.state is RunState.STOPPING:
        return f"{steps}, saving and stopping…".lstrip(", ")
    took = duration(run.finished_s - run.started_s) if run.finished_s and run.started_s else ""
    return ", ".join(part for part in (steps, f"took {took}" if took else "") if part) or "did not start"


def _advice(run: RunRecord, worker_alive: bool) -> str:
    if run.state is RunState.QUEUED and not worker_alive:
        return notice("warning", "It is being started; this takes a few seconds.", "No worker is running.")
    if run.state is RunState.STOPPED:
        return notice("info", "Resume goes on from the last saved epoch.", "Stopped.")
    if run.state is RunState.FAILED:
        return notice("error", run.error or "the worker left no reason; the log below may tell", "Failed:")
    return ""


def loss_html(steps: Sequence[StoredEvent], total: int) -> str:
    """The loss with its parts, smoothed; faint behind it the loss of each step."""
    lines = []
    for key, name in (("total", "Total"), ("ce", "Cross-entropy"), ("anchor", "Anchor")):
        points = [
            (float(item.event.step), float(item.event.values[key]))
            for item in steps
            if isinstance(item.event.values.get(key), float | int)
        ]
        if key == "total" or any(y for _, y in points):
            smoothed = smooth(points, max(total, len(points)) // _SMOOTHING)
            raw = points if key == "total" and smoothed != points else ()
            lines.append(Line(name, f"loss-{key}", smoothed, raw=raw))
    # Without anchor terms the total is the cross-entropy: one curve says it all.
    if len(lines) == 2 and lines[0].points == lines[1].points:
        lines = [replace(lines[0], name="Cross-entropy")]
    return line_chart("Loss", lines, x_name="step", x_end=float(total or 0), decimals=3)


def accuracy_html(epochs: Sequence[StoredEvent], zero_shot: Event | None, total_epochs: int) -> str:
    """Base, novel and HM after each epoch against plain CLIP."""
    before = zero_shot.values if zero_shot else {}
    lines = []
    for key, name in _FIGURES:
        points = [
            (float(item.event.values.get("epoch", place + 1)), float(item.event.values[key]))
            for place, item in enumerate(epochs)
            if isinstance(item.event.values.get(key), float | int)
        ]
        level = before.get(key)
        lines.append(Line(name, f"figure-{key}", points, float(level) if isinstance(level, float | int) else None))
    chart = line_chart("Accuracy", lines, x_name="epoch", x_end=float(total_epochs or 0), unit="%")
    return chart + _HM_HELP if chart else ""


def result_html(run: RunRecord, epochs: Sequence[StoredEvent], zero_shot: Event | None) -> str:
    """What a finished run brought, beside plain CLIP."""
    if run.state is not RunState.DONE or not epochs:
        return ""
    after, before = epochs[-1].event.values, zero_shot.values if zero_shot else {}
    return compare_bars(
        "After training", [(name, f"figure-{key}", before.get(key), after.get(key)) for key, name in _FIGURES]
    )


def why_html(run: RunRecord, lines: Sequence[str]) -> str:
    """The last log lines of a failed run, which usually say why."""
    if run.state is not RunState.FAILED or not lines:
        return ""
    last_lines = escape("\n".join(lines[-FAILURE_LINES:]))
    return f'<section class="why"><h4>Why it failed: the last lines of its log</h4><pre>{last_lines}</pre></section>'


def log_html(lines: Sequence[str]) -> str:
    """The end of the run's log."""
    text = escape("\n".join(lines)) if lines else "Nothing yet."
    return f'<pre class="log" tabindex="0">{text}</pre>'


def tail(path: Path, count: int) -> list[str]:
    """The last ``count`` lines of a text file; none if there is no file."""
    try:
        with path.open("rb") as stream:
            stream.seek(0, 2)
            size = stream.tell()
            stream.seek(max(0, size - _LOG_BYTES))
            text = stream.read().decode(errors="replace")
    except FileNotFoundError:
        return []
    lines = text.splitlines()
    if size > _LOG_BYTES:
        lines = lines[1:]
    return lines[-count:]


def last(events: Sequence[StoredEvent], kind: EventKind) -> Event | None:
    """The newest event of ``kind``."""
    return next((item.event for item in reversed(events) if item.event.kind is kind), None)
