"""A run as HTML: its head, its curves, and why it failed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from ga2app.types import Event, RunRecord, RunState
from ga2app.web.components.charts import Line, compare_bars, line_chart, smooth
from ga2app.web.components.markup import badge, duration, escape, notice
from ga2app.web.pages.runs.causes import cause_of
from ga2app.web.pages.runs.curves import RunCurve
from ga2app.web.pages.runs.listing import preset_word, run_title
from ga2app.web.pages.runs.standing import adjusted_html, ranges_of, rests_html

FAILURE_LINES = 12
_SMOOTHING = 30
"""A loss curve is smoothed over a thirtieth of the run: single batches tell little."""

FIGURES = (("base", "Base"), ("novel", "Novel"), ("hm", "HM"))

_HM_HELP = (
    '<p class="legend">Accuracy in percent on test clips. <b>Base</b>: labels it trains on. <b>Novel</b>: labels it '
    "never trains on. <b>HM</b>: their harmonic mean, high only if both are. Dashed: plain CLIP.</p>"
)


def head_html(run: RunRecord, curve: RunCurve, backbone_title: str, worker_alive: bool) -> str:
    """State, step and ETA of the chosen run, and what to know about its state."""
    total, done = curve.total_steps, curve.step.step if curve.step else 0
    share = 1.0 if run.state is RunState.DONE else min(1.0, done / total) if total else 0.0
    facts = [("backbone", backbone_title), ("data set", str(run.config.get("dataset", "?")))]
    facts += [("method", preset_word(run.config)), ("seed", str(run.config.get("seed", "?")))]
    items = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts)
    return (
        f'<section class="head"><header><h2>Run {run.id}: {escape(run_title(run))}</h2>{badge(run.state)}</header>'
        f'<div class="meter {run.state.value}" role="progressbar" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{100 * share:.0f}" aria-label="progress"><span style="width:{100 * share:.1f}%"></span></div>'
        f'<p class="pace">{escape(pace(run, total, curve.step))}</p><dl>{items}</dl>{_advice(run, worker_alive)}'
        "</section>"
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
        return f"{steps}{_left(step, total)}"
    if run.state is RunState.STOPPING:
        return f"{steps}, saving and stopping…".lstrip(", ")
    took = duration(run.finished_s - run.started_s) if run.finished_s and run.started_s else ""
    return ", ".join(part for part in (steps, f"took {took}" if took else "") if part) or "did not start"


def _left(step: Event, total: int) -> str:
    """How long the run still takes; what measuring takes is counted by runs that tell it."""
    a_step, left = (step.values.get(name) for name in ("seconds_per_step", "seconds_left"))
    if left is None and isinstance(a_step, float | int) and step.step < total:
        left = (total - step.step) * a_step
    if not isinstance(left, float | int) or not math.isfinite(left):
        return ""
    measuring = ", measuring test clips" if step.step >= total else ""
    return f"{measuring}, about {duration(left)} left"


def why_html(run: RunRecord, lines: Sequence[str]) -> str:
    """Why a run failed: its error, the setting to change where the cause is known, the last lines of its log."""
    if run.state is not RunState.FAILED:
        return ""
    cause = cause_of(run.error, lines)
    reason = notice("error", run.error or "The worker left no reason; the log below may tell.", "Failed:")
    hint = notice("info", cause.advice(run.config), f"{cause.title}.") if cause else ""
    last_lines = ""
    if lines:
        text = escape("\n".join(lines[-FAILURE_LINES:]))
        last_lines = f"<h4>Why it failed: the last lines of its log</h4><pre>{text}</pre>"
    return f'<section class="why">{reason}{hint}{last_lines}</section>'


def loss_html(curve: RunCurve) -> str:
    """The loss with its parts, smoothed; faint behind it the loss of each step."""
    lines = []
    for key, name in (("total", "Total"), ("ce", "Cross-entropy"), ("anchor", "Anchor")):
        points = curve.losses.get(key, [])
        if key == "total" or any(y for _, y in points):
            smoothed = smooth_loss(curve, key)
            raw = points if key == "total" and smoothed != points else ()
            lines.append(Line(name, f"loss-{key}", smoothed, raw=raw))
    # Without anchor terms the total is the cross-entropy: one curve says it all.
    if len(lines) == 2 and lines[0].points == lines[1].points:
        lines = [replace(lines[0], name="Cross-entropy")]
    return line_chart("Loss", lines, x_name="step", x_end=float(curve.total_steps), decimals=3)


def smooth_loss(curve: RunCurve, key: str) -> list[tuple[float, float]]:
    """One of the losses, smoothed over a share of the run."""
    points = curve.losses.get(key, [])
    steps = max(curve.total_steps, len(points) * curve.steps_a_point)
    return smooth(points, steps // _SMOOTHING / curve.steps_a_point)


def accuracy_html(curve: RunCurve) -> str:
    """Base, novel and HM after each epoch against plain CLIP."""
    before = curve.zero_shot.values if curve.zero_shot else {}
    lines = []
    for key, name in FIGURES:
        points = [
            (float(event.values.get("epoch", place + 1)), float(event.values[key]))
            for place, event in enumerate(curve.epochs)
            if isinstance(event.values.get(key), float | int)
        ]
        level = before.get(key)
        lines.append(Line(name, f"figure-{key}", points, float(level) if isinstance(level, float | int) else None))
    chart = line_chart("Accuracy", lines, x_name="epoch", x_end=float(curve.total_epochs), unit="%")
    return chart + _HM_HELP if chart else ""


def result_html(run: RunRecord, curve: RunCurve) -> str:
    """What a finished run brought, beside plain CLIP."""
    if run.state is not RunState.DONE or not curve.epochs:
        return ""
    after, before = curve.epochs[-1].values, curve.zero_shot.values if curve.zero_shot else {}
    tested = curve.conditions.tested
    rows = [(name, f"figure-{key}", before.get(key), after.get(key)) for key, name in FIGURES]
    bars = compare_bars("After training", rows, ranges_of(before, after, tested, dict(FIGURES)))
    return bars + rests_html(tested) + adjusted_html(curve.conditions)


def _advice(run: RunRecord, worker_alive: bool) -> str:
    if run.state is RunState.QUEUED and not worker_alive:
        return notice("warning", "It is being started; this takes a few seconds.", "No worker is running.")
    if run.state is RunState.STOPPED:
        return notice("info", "Resume goes on from the last saved step, Start over from the first.", "Stopped.")
    return ""
