"""From a plan into the queue, and what waits there already."""

from __future__ import annotations

import logging
from dataclasses import replace

from ga2app.config import RunConfig
from ga2app.errors import ConfigError, StudioError
from ga2app.services.studio import Studio
from ga2app.types import EventKind, RunRecord, RunState
from ga2app.web.pages.train.checks import check_run
from ga2app.web.pages.train.hard_prompts import to_folder
from ga2app.web.pages.train.plan import Plan

log = logging.getLogger(__name__)

_OPEN = (RunState.RUNNING, RunState.STOPPING, RunState.QUEUED)
_NAMED = 3


def queue_config(studio: Studio, config: RunConfig, name: str = "") -> int:
    """Put one run into the queue. Raises ConfigError with everything that keeps it from being trained.

    A bundle of the library may be named as the hard prompt by its key, as the lists do.
    """
    prompts = replace(config.prompts, hard_prompt=to_folder(studio, config.prompts.hard_prompt))
    config = replace(config, prompts=prompts)
    if faults := check_run(studio, config).faults:
        raise ConfigError(list(faults))
    return studio.store.runs.queue(config, name=name.strip()[:80])


def queue_plan(studio: Studio, plan: Plan) -> list[int]:
    """Put the runs of ``plan``, which was checked when it was made, into the queue in their order, all or none."""
    return studio.store.runs.queue_several([(run.config, run.name) for run in plan.runs])


def wake(studio: Studio) -> str:
    """Start a worker if there is none; gives what is wrong if that fails. The run stays queued all the same."""
    try:
        studio.wake_worker()
    except StudioError as exc:
        log.warning("%s", exc)
        return str(exc)
    return ""


def queue_line(studio: Studio) -> str:
    """What will be worked off before a run that is queued now, in one line."""
    count = studio.store.runs.count(_OPEN)
    if not count:
        return "The queue is empty: it starts at once."
    first = studio.store.runs.list(limit=_NAMED, states=_OPEN, queue_first=True)
    named = ", ".join(_told(studio, run) for run in first)
    more = f" and {count - len(first)} more" if count > len(first) else ""
    return f"Position {count + 1} in the queue, after {named}{more}."


def _told(studio: Studio, run: RunRecord) -> str:
    name = f"run {run.id}" + (f' "{run.name}"' if run.name else "")
    if run.state is RunState.QUEUED:
        return name
    store = studio.store.runs
    step, plan = store.latest(run.id, EventKind.STEP), store.latest(run.id, EventKind.PLAN)
    total = int(plan.values.get("total_steps", 0)) if plan else 0
    where = f"step {step.step} of {total}" if step and total else "just starting"
    return f"{name} ({where})"
