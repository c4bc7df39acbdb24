"""The list of runs: cards with a box to compare, the page one is on, and what can be filtered by."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ga2app.types import Event, RunRecord, RunState, intervals, read_tested
from ga2app.web.components.markup import ago, badge, empty, escape, notice

PAGE = 25

STATES: dict[str, tuple[RunState, ...] | None] = {
    "any": None,
    "open": (RunState.QUEUED, RunState.RUNNING, RunState.STOPPING),
    "done": (RunState.DONE,),
    "failed": (RunState.FAILED,),
    "stopped": (RunState.STOPPED,),
}
STATE_CHOICES = [
    ("any state", "any"),
    ("waiting or running", "open"),
    ("done", "done"),
    ("failed", "failed"),
    ("stopped", "stopped"),
]


def run_title(run: RunRecord) -> str:
    """What a person calls the run."""
    return run.name or f"{run.config.get('dataset', '?')} on {run.config.get('backbone', '?')}"


def preset_word(config: Mapping[str, Any]) -> str:
    """Quick where only text prompts are learned, else Full."""
    return "Full" if config.get("prompts", {}).get("visual_depth") else "Quick"


def list_html(
    runs: Sequence[RunRecord],
    chosen: int | None,
    results: Mapping[int, Event],
    *,
    compared: Collection[int] = (),
    places: Mapping[int, int] | None = None,
    filtered: bool = False,
) -> str:
    """The cards of a page of runs; ``results`` holds the last epoch of those that have one.

    ``places`` are the waiting runs' places in the queue, from 1.
    """
    if not runs and filtered:
        return notice("info", "Clear the filter to see all runs.", "No run fits.")
    if not runs:
        return empty(
            "No runs yet",
            "Open the Train tab.",
            "Choose a data set and a preset, then press 'Queue this run'.",
            "Come back here: the run goes on even if you close the page.",
        )
    cards = "".join(
        _entry(run, run.id == chosen, results.get(run.id), run.id in compared, (places or {}).get(run.id))
        for run in runs
    )
    return f'<nav class="runs" aria-label="runs">{cards}</nav>'


def page_text(page: int, count: int) -> str:
    """Which runs of how many the page shows; empty where one page is enough."""
    if count <= PAGE:
        return ""
    first = page * PAGE + 1
    return f'<p class="legend pages">{first}–{min(count, first + PAGE - 1)} of {count:,} runs</p>'


def _entry(run: RunRecord, current: bool, result: Event | None, picked: bool, place: int | None) -> str:
    checked = " checked" if picked else ""
    box = (
        f'<label class="pick" title="Compare"><input type="checkbox" data-compare="{run.id}" value="{run.id}"{checked} '
        f'aria-label="Compare run {run.id}"></label>'
    )
    return f'<div class="entry">{box}{_card(run, current, result, place)}</div>'


def _card(run: RunRecord, current: bool, result: Event | None, place: int | None) -> str:
    marked = ' aria-current="true"' if current else ""
    figure = _headline(result.values) if result else ""
    if place is not None:
        figure = f'<span class="figure"><small>{"next" if place == 1 else f"#{place} in queue"}</small></span>'
    config = run.config
    line = escape(f"{config.get('dataset', '?')} · {preset_word(config)} · {config.get('backbone', '?')}")
    reason = f'<span class="reason">{escape(run.error)}</span>' if run.state is RunState.FAILED and run.error else ""
    return (
        f'<a class="run {run.state.value}" href="./runs?id={run.id}" data-run="{run.id}"{marked}>'
        f'<span class="number">{run.id}</span><span class="title">{escape(run_title(run))}</span>{badge(run.state)}'
        f'{figure}<span class="line">{line}<span class="when">{ago(run.created_s)}</span></span>{reason}</a>'
    )


def _headline(values: Mapping[str, Any]) -> str:
    """HM, or base accuracy where there is no HM, with its 95 % interval and, to point at, the test clips."""
    key = "hm" if "hm" in values else "base"
    figure = values.get(key)
    if not isinstance(figure, float | int):
        return ""
    tested = read_tested(values.get("tested"))
    metrics = {name: values[name] for name in ("base", "novel", "hm") if isinstance(values.get(name), float | int)}
    interval = intervals(metrics, tested).get(key)
    clips = ", ".join(f"{one.clips} {side} test clips" for side, one in tested.items())
    beside = f"<small>({interval})</small>" if interval else ""
    about = f' title="95 % interval {interval}, {clips}"' if interval else ""
    return f'<span class="figure"{about}>{figure:.1f}{beside}<small>{"HM" if key == "hm" else key}</small></span>'
