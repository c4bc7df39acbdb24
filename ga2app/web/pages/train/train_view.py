"""What Train shows: what a press would do and how long that takes, the data sets, the lists to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ga2app.config import DEMO, NOTHING, SKETCH, RunConfig
from ga2app.errors import Fault, StudioError
from ga2app.hub.jobs import USUAL_FLAVOR
from ga2app.services.forecast import Basis, Estimate
from ga2app.services.prompt_fit import HARD_PROMPT
from ga2app.services.run_requests import Plan, estimate_warnings, gigabytes
from ga2app.services.studio import Studio
from ga2app.types import RunRecord
from ga2app.web.components.markup import duration, render
from ga2app.web.pages.train.train_settings import by_field, label_of

_PICTURED = 8
_JOB_BASIS = "How long it takes depends on that machine; what it has learned when the time is over is kept."
_PLAYABLE = (".mp4", ".webm", ".m4v", ".mov")
_RUNS_LISTED = 50
_TRACKERS = [("Trackio", "trackio"), ("TensorBoard", "tensorboard"), ("Weights & Biases", "wandb")]


@dataclass(frozen=True)
class Preview:
    """What a press would do: ``html``, the button's text, and whether to look ``again`` soon.

    ``note`` stands beside the choice of anchors and says where they come from. While ``checking`` the button waits:
    whether the clips are filmed is about to be known, and the sketch backbone knows drawings only.
    """

    html: str
    button: str = "Queue"
    note: str = ""
    again: bool = False
    checking: bool = False
    faults: dict[str, str] = field(default_factory=dict)

    def value(self, choices: dict[str, list[tuple[str, str]]]) -> dict[str, Any]:
        """For the page, with ``choices`` for the form's lists."""
        told = {"html": self.html, "note": self.note, "faults": self.faults, "checking": self.checking}
        return {**told, "choices": choices}


def preview_of(studio: Studio, plan: Plan | tuple[Fault, ...], *, silent: bool = False) -> Preview:
    """What the press of the button would do: ``plan``, or nothing for its faults; ``silent`` where they are told."""
    if not isinstance(plan, Plan):
        html = "" if silent else faults_html(plan, "warning", "Before it can be queued:")
        return Preview(html, faults=by_field(plan))
    training = studio.training
    estimates = [] if plan.job else training.estimates(plan)
    measuring = [config for config, estimate in estimates if estimate and estimate.basis is Basis.MEASURING]
    if plan.job:
        rows, basis = [("Machine", plan.job.where), ("Price", plan.job.price)], _JOB_BASIS
    else:
        rows, basis = estimate_rows(estimates, len(plan.runs))
    html = render(
        "train_plan.html",
        faults=(),
        names=[run.name for run in plan.runs],
        rows=rows,
        basis=basis,
        measuring=bool(measuring),
        queue_line="" if plan.job else training.queue_line(),
        warnings=[*plan.warnings, *estimate_warnings(estimates)],
    )
    checking = any(config.backbone == SKETCH and config.dataset != DEMO for config in measuring)
    count = len(plan.runs)
    button = "Queue this run" if count == 1 else f"Queue {count} runs"
    note = " ".join(dict.fromkeys(run.note for run in plan.but_for_seeds() if run.note))
    return Preview(html, "Looking at the clips…" if checking else button, note, bool(measuring), checking)


def flavor_choices(studio: Studio) -> list[tuple[str, str]]:
    """The machines of Hugging Face with their prices; only the usual one where they cannot be asked for."""
    try:
        return [
            (f"{one.name}: {one.hardware}, ${one.usd_per_hour:.2f} an hour", one.name) for one in studio.jobs.flavors()
        ]
    except StudioError:
        return [(USUAL_FLAVOR, USUAL_FLAVOR)]


def faults_html(faults: Sequence[Fault], tone: str = "error", title: str = "") -> str:
    """All faults in one message; each also stands at its field."""
    count = "1 setting needs" if len(faults) == 1 else f"{len(faults)} settings need"
    told = [(label_of(fault.field), fault.message) for fault in faults]
    return render("train_plan.html", faults=told, tone=tone, title=title or f"{count} a change.")


def estimate_rows(
    estimates: Sequence[tuple[RunConfig, Estimate | None]], count: int
) -> tuple[list[tuple[str, str]], str]:
    """Seconds and memory of a run, of all ``count`` together where there are several; and what that rests on."""
    known = [estimate for _, estimate in estimates if estimate is not None]
    if len(known) < len(estimates):
        return [], "Time and memory are estimated as soon as the data set is there."
    if odd := next((one for one in known if one.basis in (Basis.MEASURING, Basis.UNKNOWN)), None):
        if odd.basis is Basis.UNKNOWN:
            return [], f"Time and memory: {odd.note or 'unknown'}."
        return [], odd.note or "Measuring how fast this machine is with that backbone: a few seconds, once…"
    longest = max(known, key=lambda one: one.total_s or 0.0)
    time = about(longest.total_s or 0.0)
    if count > 1:
        total_s = sum((one.total_s or 0.0) * (count // len(known)) for one in known)
        time = f"{'up to ' if len(known) > 1 else ''}{time} a run, {about(total_s)} together"
    parts = (("preparing", longest.preparing_s), ("training", longest.training_s), ("measuring", longest.measuring_s))
    rows = [("Time", time), ("Of that", ", ".join(f"{what} {about(seconds)}" for what, seconds in parts))]
    largest = max(known, key=lambda one: one.peak_bytes or 0)
    return [*rows, *([("Memory", memory_text(largest))] if largest.peak_bytes else [])], basis_text(longest)


def about(seconds: float | None) -> str:
    """Seconds with no more digits than an estimate has."""
    if seconds is None:
        return "?"
    if seconds < 10:
        return f"{max(round(seconds), 1)} s"
    if seconds < 60:
        return f"{round(seconds / 5) * 5} s"
    return f"{round(seconds / 60)} min" if seconds < 3600 else duration(round(seconds / 600) * 600)


def memory_text(estimate: Estimate) -> str:
    """What is needed, and what is free."""
    where, there = ("on the GPU", "there") if estimate.on_gpu else ("in memory", "free now")
    free = f", {gigabytes(estimate.free_bytes)} {there}" if estimate.free_bytes else ""
    return f"about {gigabytes(estimate.peak_bytes or 0)} {where}{free}"


def basis_text(estimate: Estimate) -> str:
    """What an estimate rests on, said as an estimate."""
    if estimate.basis is Basis.RUNS:
        *others, last = [str(run) for run in estimate.runs]
        return f"Estimated from runs {', '.join(others)} and {last}." if others else f"Estimated from run {last}."
    return "Estimated from a short measurement of this machine; it may be off by a factor of 2 or 3."


def datasets_html(studio: Studio, names: Sequence[str]) -> str:
    """The card of the one data set that is chosen; of several a line each."""
    rows = {row.name: row for row in studio.store.datasets.list()}
    cards = [{"name": name, "row": rows.get(name), "drawn_later": name == DEMO} for name in names]
    pictures = studio.store.datasets.pictured(names[0], _PLAYABLE, _PICTURED) if len(names) == 1 else []
    shown = [(label, studio.files.address(path)) for label, path in pictures]
    return render("train_datasets.html", cards=cards, pictures=[one for one in shown if one[1]])


def dataset_choices(studio: Studio) -> list[tuple[str, str]]:
    """The data sets to train on; the demo is among them while it is still being drawn."""
    rows = studio.store.datasets.list()
    choices = [(f"{row.name}: {len(row.base)} base and {len(row.novel)} novel labels", row.name) for row in rows]
    if DEMO not in {row.name for row in rows}:
        choices.insert(0, ("demo: drawn actions (being drawn…)", DEMO))
    return choices


def list_choices(studio: Studio, backbone: str, values: dict[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """The form's lists that store and library fill; what is chosen in ``values`` stays in them."""
    store = studio.store
    anchors = [("The data set's own", ""), ("None", NOTHING)]
    anchors += [(_counted(one.name, one.enabled, "clip"), one.name) for one in store.anchors.sets()]
    negatives = [("None at all", NOTHING)]
    negatives += [(_counted(one.name, one.enabled, "prompt"), one.name) for one in store.negatives.group_rows()]
    present = str(values.get(HARD_PROMPT) or "")
    return {
        HARD_PROMPT: studio.training.hard_prompts(backbone, values.get("prompts.length"), present),
        "anchors": _with_present(anchors, [str(values.get("anchors") or "")]),
        "negatives": _with_present(negatives, values.get("negatives") or ()),
        "report_to": _TRACKERS,
    }


def run_choices(studio: Studio) -> list[tuple[str, int]]:
    """The newest runs, whose settings can be taken over."""
    return [(_title(run), run.id) for run in studio.store.runs.list(limit=_RUNS_LISTED)]


def _title(run: RunRecord) -> str:
    return f"Run {run.id}" + (f": {run.name}" if run.name else "") + f" ({run.state.value})"


def _with_present(choices: list[tuple[str, str]], present: Sequence[str]) -> list[tuple[str, str]]:
    known = {value for _, value in choices}
    return choices + [(f"{name} (not here any more)", name) for name in present if name not in known]


def _counted(name: str, count: int, what: str) -> str:
    return f"{name} ({count} {what}{'' if count == 1 else 's'})" if count else f"{name} (nothing switched on)"
