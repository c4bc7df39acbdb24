"""What a press would do, before it: the runs and their names, how long, how much memory, and what to know first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ga2app.config import DEMO, SKETCH, RunConfig
from ga2app.errors import Fault
from ga2app.services.run_warnings import FOOTAGE
from ga2app.services.studio import Studio
from ga2app.types import Basis, Estimate
from ga2app.web.components.markup import duration, escape, notices
from ga2app.web.pages.train.checks import brakes_note
from ga2app.web.pages.train.plan import Plan, PlannedRun
from ga2app.web.pages.train.queueing import queue_line
from ga2app.web.pages.train.train_settings import label_of
from ga2app.web.pages.train.workload import past_paces, workload_of

_NAMED = 6
_ROOM = 0.9
"""A run that needs more than this share of what is free is warned of."""


@dataclass(frozen=True)
class Preview:
    """Two pieces of the page, the button's text, and whether to look again soon.

    ``brakes`` stands beside the choice of anchors and says where they come from. While ``checking`` the button waits:
    whether the clips are filmed is about to be known, and the sketch backbone knows drawings only.
    """

    html: str
    button: str
    brakes: str = ""
    again: bool = False
    checking: bool = False


def preview_of(studio: Studio, plan: Plan | tuple[Fault, ...], *, silent: bool = False) -> Preview:
    """What the press of the button would do: ``plan``, or nothing for its faults; ``silent`` where they are told."""
    if not isinstance(plan, Plan):
        return Preview("" if silent else _faults_line(plan), "Queue")
    estimates = [(run.config, _estimate(studio, run)) for run in _one_a_dataset(plan)]
    warnings = [*plan.warnings, *dict.fromkeys(_warnings(estimates))]
    count = len(plan.runs)
    html = (
        '<section class="plan">'
        + runs_html([run.name for run in plan.runs])
        + estimate_html(estimates, count)
        + f'<p class="queue-line">{escape(queue_line(studio))}</p>'
        + notices("warning", warnings)
        + "</section>"
    )
    measuring = [config for config, estimate in estimates if estimate and estimate.basis is Basis.MEASURING]
    checking = any(config.backbone == SKETCH and config.dataset != DEMO for config in measuring)
    notes = [note for run in _one_a_dataset(plan) if (note := brakes_note(studio, run.config))]
    button = "Queue this run" if count == 1 else f"Queue {count} runs"
    told = "".join(f'<p class="basis">{escape(note)}</p>' for note in notes)
    return Preview(html, "Looking at the clips…" if checking else button, told, bool(measuring), checking)


def runs_html(names: Sequence[str]) -> str:
    """Which runs would be queued, by name."""
    if len(names) == 1:
        return f'<p class="runs-line">Queues one run: <b>{escape(names[0])}</b></p>'
    shown = "".join(f"<li>{escape(name)}</li>" for name in names[:_NAMED])
    more = f"<li>and {len(names) - _NAMED} more</li>" if len(names) > _NAMED else ""
    head = f'<p class="runs-line">Queues <b>{len(names)} runs</b>, one after another:</p>'
    return f'{head}<ul class="names">{shown}{more}</ul>'


def estimate_html(estimates: Sequence[tuple[RunConfig, Estimate | None]], count: int) -> str:
    """Steps, seconds and memory of a run, of all together where there are several, and what that rests on."""
    known = [estimate for _, estimate in estimates if estimate is not None]
    if len(known) < len(estimates):
        return _line("Time and memory are estimated as soon as the data set is there.")
    odd = next((one for one in known if one.basis in (Basis.MEASURING, Basis.UNKNOWN)), None)
    if odd is not None and odd.basis is Basis.MEASURING:
        return _line(
            odd.note or "Measuring how fast this machine is with that backbone: a few seconds, once…", "measuring"
        )
    if odd is not None:
        return _line(f"Time and memory: {odd.note or 'unknown'}.")
    longest = max(known, key=lambda one: one.total_s or 0.0)
    each = count // len(known)
    total_s = sum((one.total_s or 0.0) * each for one in known)
    time = about(longest.total_s or 0.0)
    if count > 1:
        time = f"{'up to ' if len(known) > 1 else ''}{time} a run, {about(total_s)} together"
    parts = [
        ("Time", time),
        (
            "Of that",
            f"preparing {about(longest.preparing_s)}, training {about(longest.training_s)}, "
            f"measuring {about(longest.measuring_s)}",
        ),
        ("Memory", memory_text(max(known, key=lambda one: one.peak_bytes or 0))),
    ]
    rows = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(text)}</dd></div>" for name, text in parts)
    return f'<dl class="estimate">{rows}</dl><p class="basis">{escape(basis_text(longest))}</p>'


def about(seconds: float | None) -> str:
    """Seconds with no more digits than an estimate has."""
    if seconds is None:
        return "?"
    if seconds < 10:
        return f"{max(round(seconds), 1)} s"
    if seconds < 60:
        return f"{round(seconds / 5) * 5} s"
    if seconds < 3600:
        return f"{round(seconds / 60)} min"
    return duration(round(seconds / 600) * 600)


def memory_text(estimate: Estimate) -> str:
    """What is needed, and what is free."""
    where = "on the GPU" if estimate.on_gpu else "in memory"
    free = (
        f", {gigabytes(estimate.free_bytes)} {'there' if estimate.on_gpu else 'free now'}"
        if estimate.free_bytes
        else ""
    )
    return f"about {gigabytes(estimate.peak_bytes or 0)} {where}{free}"


def gigabytes(count: int) -> str:
    """Bytes in GB, in MB below one."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{max(round(count / 1e6), 1)} MB"


def basis_text(estimate: Estimate) -> str:
    """What an estimate rests on, said as an estimate."""
    if estimate.basis is Basis.RUNS:
        *others, last = [str(run) for run in estimate.runs]
        return f"Estimated from runs {', '.join(others)} and {last}." if others else f"Estimated from run {last}."
    return "Estimated from a short measurement of this machine; it may be off by a factor of 2 or 3."


def _estimate(studio: Studio, run: PlannedRun) -> Estimate | None:
    if run.dataset is None:
        return None
    return studio.estimator.estimate(workload_of(run.config, run.dataset), past_paces(studio, run.config))


def _one_a_dataset(plan: Plan) -> list[PlannedRun]:
    """Seeds take as long as each other: one run of each data set is enough."""
    seen: dict[str, PlannedRun] = {}
    for run in plan.runs:
        seen.setdefault(run.config.dataset, run)
    return list(seen.values())


def _warnings(estimates: Sequence[tuple[RunConfig, Estimate | None]]) -> list[str]:
    warnings = []
    for config, estimate in estimates:
        if estimate is None:
            continue
        if estimate.photographic and config.backbone == SKETCH:
            warnings.append(FOOTAGE.format(dataset=config.dataset))
        if estimate.peak_bytes and estimate.free_bytes and estimate.peak_bytes > _ROOM * estimate.free_bytes:
            warnings.append(
                f"This needs about {gigabytes(estimate.peak_bytes)} and {gigabytes(estimate.free_bytes)} are free: "
                f"{lower_first(config)}."
            )
    return warnings


def lower_first(config: RunConfig) -> str:
    """Which setting to lower when memory is short: the one that costs least."""
    optimizer, objective = config.optimizer, config.objective
    if config.prompts.visual_depth and optimizer.batch_size > 1:
        half = optimizer.batch_size // 2
        steps = optimizer.accumulate * 2
        return f"lower the batch size to {half} and set gradient accumulation to {steps}, which trains alike"
    if config.prompts.visual_depth and objective.needs_anchor_clips() and objective.anchors_per_step > 1:
        return "lower anchor clips a step"
    return "lower the number of frames"


def _faults_line(faults: Sequence[Fault]) -> str:
    items = "".join(f"<li><b>{escape(label_of(fault.field))}</b> {escape(fault.message)}</li>" for fault in faults)
    return f'<div class="notice warning" role="status"><strong>Before it can be queued:</strong><ul>{items}</ul></div>'


def _line(text: str, kind: str = "") -> str:
    return f'<p class="basis {kind}">{escape(text)}</p>'
