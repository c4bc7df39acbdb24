"""A run as HTML: its card in the list, its head, its actions, and what one looks at of it."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from markupsafe import Markup

from ga2app.errors import StoreError
from ga2app.services.run_curves import RunCurve, run_title
from ga2app.services.run_failures import failure_hint
from ga2app.services.runs import PAGE, RunPage
from ga2app.services.studio import Studio
from ga2app.store.run_rows import MAX_NAME
from ga2app.types import Event, RunRecord, RunState, intervals, read_tested
from ga2app.web.components.charts import Line, compare_bars, line_chart, ranges_of, rests_html, smooth
from ga2app.web.components.markup import duration, empty, locked, notice, render, shortened
from ga2app.web.pages.runs.report_html import report_html
from ga2app.web.pages.runs.run_settings_view import adjusted_html, method_word, preset_word, settings_html

PROGRESS, REPORT_VIEW, SETTINGS_VIEW, LOG_VIEW = "progress", "report", "config", "log"
VIEWS = ((PROGRESS, "Progress"), (REPORT_VIEW, "Report"), (SETTINGS_VIEW, "Settings"), (LOG_VIEW, "Log"))
FIGURES = (("base", "Base"), ("novel", "Novel"), ("hm", "HM"))

FAILURE_LINES, LOG_LINES = 12, 400
_SMOOTHING = 30
"""A loss curve is smoothed over a thirtieth of the run: single batches tell little."""
_TOLD_S = 20.0  # of silence of a worker, which says every 2 s that it lives


def list_value(studio: Studio, shown: RunPage, chosen: int | None, *, filtered: bool) -> dict[str, Any]:
    """What ``run_list.js`` draws: each run's number with its card, the page, and what an undo would bring back."""
    first, last = shown.page * PAGE + 1, min(shown.count, (shown.page + 1) * PAGE)
    nothing = Markup()
    if not shown.runs and filtered:
        nothing = Markup(notice("info", "Clear the filter to see all runs.", "No run fits."))
    elif not shown.runs:
        steps = ("Open Train.", "Choose a data set and a preset, then press 'Queue this run'.")
        nothing = Markup(empty("No runs yet", *steps, "Come back here: the run goes on even if you close the page."))
    return {
        "rows": [[run.id, str(_card(studio, run, run.id == chosen, shown))] for run in shown.runs],
        "empty": str(nothing),
        "pages": f"{first}–{last} of {shown.count:,} runs" if shown.count > PAGE else "",
        "newer": shown.page > 0,
        "older": last < shown.count,
        "undo": shortened(studio.runs.undo_offer()),
        "gone": [],
    }


def _card(studio: Studio, run: RunRecord, current: bool, shown: RunPage) -> Markup:
    values: Mapping[str, Any] = shown.results[run.id].values if run.id in shown.results else {}
    key = "hm" if "hm" in values else "base"
    metrics = {name: values[name] for name, _ in FIGURES if isinstance(values.get(name), float | int)}
    tested = read_tested(values.get("tested"))
    return render(
        "run_card.html",
        run=run,
        title=run_title(run),
        current=current,
        place=shown.places.get(run.id),
        share=shown.shares.get(run.id),
        figure=metrics.get(key),
        kind="HM" if key == "hm" else key,
        interval=intervals(metrics, tested).get(key),
        clips=", ".join(f"{one.clips} {side} test clips" for side, one in tested.items()),
        preset=preset_word(run.config),
        whose=studio.ownership.whose(run),
    )


def _silent_s(run: RunRecord) -> float:
    """How long nothing has been heard of the worker of a run; 0 where none has it."""
    at_work = run.state in (RunState.RUNNING, RunState.STOPPING)
    return time.time() - run.heartbeat_s if at_work and run.heartbeat_s else 0.0


def head_html(studio: Studio, run: RunRecord, curve: RunCurve) -> Markup:
    """State, step and time left of a run, what to know about its state, and why it failed."""
    total, done = curve.total_steps, curve.step.step if curve.step else 0
    advice = failed = hint = ""
    lines: list[str] = []
    if run.state is RunState.QUEUED and not studio.worker_alive():
        advice = notice("warning", "It is being started; this takes a few seconds.", "No worker is running.")
    elif (silent_s := _silent_s(run)) > _TOLD_S:
        text = "If it stays silent it is ended, and another goes on from the last checkpoint."
        advice = notice("warning", text, f"Its worker has not answered for {duration(silent_s)}.")
    elif run.state is RunState.STOPPED:
        advice = notice("info", "Resume goes on from the last saved step, Start over from the first.", "Stopped.")
    elif run.state is RunState.FAILED:
        failed = notice("error", run.error or "The worker left no reason; the log below may tell.", "Failed:")
        lines, known = studio.runs.log_tail(run.id, FAILURE_LINES), failure_hint(run)
        hint = notice("info", known.advice, f"{known.title}.") if known else ""
    return render(
        "run_head.html",
        run=run,
        title=run_title(run),
        share=1.0 if run.state is RunState.DONE else min(1.0, done / total) if total else 0.0,
        pace=pace(run, total, curve.step),
        facts=[
            ("backbone", studio.backbone_title(str(run.config.get("backbone", "?")))),
            ("data set", run.config.get("dataset", "?")),
            ("method", method_word(run.config)),
            ("seed", run.config.get("seed", "?")),
            *([("device", run.device)] if run.device else []),
            *([("sweep", Markup('<a href="./sweep?id={0}">{0}</a>').format(run.sweep_id))] if run.sweep_id else []),
        ],
        advice=Markup(advice),
        failed=Markup(failed),
        hint=Markup(hint),
        log_lines="\n".join(lines),
    )


def actions_html(studio: Studio, run: RunRecord | None, view: str, asked: int | None) -> Markup:
    """What can be done with a run, and what one can look at; of none, only its number for the address."""
    if run is None:
        return render("run_actions.html", run=None, id=asked if asked and asked > 0 else "", view=view)
    key = run.bundle_key
    return render(
        "run_actions.html",
        run=run,
        id=run.id,
        view=view,
        views=VIEWS,
        can=studio.runs.possible(run),
        has_report=studio.runs.has_report(run),
        try_link=f"./?bundle={key}" if key else "./",
        longest=MAX_NAME,
        sharing=studio.ownership.may_share(run),
        locked=Markup(locked(studio.ownership.locked(run))),
    )


def body_html(studio: Studio, run: RunRecord, curve: RunCurve, view: str) -> Markup:
    """What one looks at: progress, the report, the settings or the end of the log."""
    runs = studio.runs
    if view == LOG_VIEW:
        return render("run_log.html", lines=runs.log_tail(run.id, LOG_LINES))
    if view == PROGRESS:
        accuracy, loss = accuracy_html(curve), loss_html(curve)
        export = bool(accuracy or loss) and "export" in runs.possible(run)
        result = result_html(run, curve)
        return render("run_progress.html", result=result, accuracy=accuracy, loss=loss, export=export)
    try:
        report = runs.report(run.id)
    except StoreError as exc:
        if view == REPORT_VIEW:
            return Markup(notice("error", str(exc)))
        report = None
    if view == SETTINGS_VIEW:
        title = studio.backbone_title(str(run.config.get("backbone", "?")))
        return Markup('<div id="run-settings">{}</div>').format(settings_html(run, report, title, curve.conditions))
    if report is None:
        return Markup(notice("info", "It was trained before there were reports, or had no test clips.", "No report."))
    return render("run_report_view.html", report=report_html(run, report, runs.seeds(run)))


def missing_html(run_id: int) -> str:
    """Shown in place of a run that an address names and nobody has: never another run under its address."""
    text = (
        "It was deleted, or the address is mistyped. Choose a run from the list; a deleted run comes back with 'Undo'."
    )
    what = f"There is no run {run_id}." if run_id > 0 else "The address names no run."
    return f'<div id="run-missing">{notice("warning", text, what)}</div>'


def pace(run: RunRecord, total: int, step: Event | None) -> str:
    """Step, share and time left in one line."""
    done = step.step if step else 0
    steps = f"step {done:,} of {total:,}" if total else ""
    if run.state is RunState.QUEUED:
        return "waiting for the worker" + (f", goes on from {steps}" if done else "")
    if run.state is RunState.RUNNING:
        if not step or not total:
            return "getting ready: reading clips and measuring zero-shot CLIP"
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


def loss_html(curve: RunCurve) -> Markup:
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


def accuracy_html(curve: RunCurve) -> Markup:
    """Base, novel and HM after each epoch against zero-shot CLIP."""
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
    return line_chart("Accuracy", lines, x_name="epoch", x_end=float(curve.total_epochs), unit="%")


def result_html(run: RunRecord, curve: RunCurve) -> Markup:
    """What a finished run brought, beside zero-shot CLIP."""
    if run.state is not RunState.DONE or not curve.epochs:
        return Markup()
    after, before = curve.epochs[-1].values, curve.zero_shot.values if curve.zero_shot else {}
    tested = curve.conditions.tested
    rows = [(name, f"figure-{key}", before.get(key), after.get(key)) for key, name in FIGURES]
    bars = compare_bars("After training", rows, ranges_of(before, after, tested, dict(FIGURES)))
    return bars + rests_html(tested) + adjusted_html(curve.conditions)
