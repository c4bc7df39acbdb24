"""Runs of the queue and what they tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class RunState(StrEnum):
    """Where a run stands. ``stopping`` is a wish that the worker fulfils at its next step."""

    QUEUED = "queued"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    DONE = "done"
    FAILED = "failed"


class EventKind(StrEnum):
    """What a run tells while it goes on. See ``Event``."""

    PLAN = "plan"
    ZERO_SHOT = "zero_shot"
    STEP = "step"
    EPOCH = "epoch"
    LOG = "log"
    BUNDLE = "bundle"
    DATA = "data"


@dataclass(frozen=True)
class Event:
    """One thing that happened at ``step`` (optimizer steps since the run began, kept across resumes).

    Values by kind: ``plan`` total_steps, steps_per_epoch, epochs, conditions (``Conditions.to_dict``) · ``zero_shot``
    and ``epoch`` base, novel, hm in percent (absent without clips, or with one label on a side), ``epoch`` also epoch
    and tested (clips and labels of each side) · ``step`` ce, anchor, total, learning_rate, seconds_per_step,
    seconds_left (to the end of the run, measuring counted) · ``log`` text · ``bundle`` path · ``data`` what
    ``TrainingData.to_dict`` gives.
    """

    kind: EventKind
    step: int
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RunRecord:
    """A row of the queue, as the screens show it. Times are seconds since the epoch.

    ``data_hash`` is that of what it is trained and measured on (``TrainingData.hash``), empty until it has begun.
    ``error_code`` says of which kind the error is that a run failed of, for a hint; empty where none is known.
    """

    id: int
    name: str
    owner: str
    state: RunState
    config: Mapping[str, Any]
    created_s: float
    started_s: float | None = None
    finished_s: float | None = None
    heartbeat_s: float | None = None
    pid: int | None = None
    exit_code: int | None = None
    error: str | None = None
    bundle: str | None = None
    attempts: int = 0
    data_hash: str = ""
    error_code: str = ""
