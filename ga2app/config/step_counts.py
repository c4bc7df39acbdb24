"""How many optimizer steps a run takes, and how many of them warm up."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ga2app.config.sections import OptimizerConfig
from ga2app.errors import Fault


@dataclass(frozen=True)
class Steps:
    """Optimizer steps of an epoch, of the whole run, and of its warm-up."""

    per_epoch: int
    total: int
    warmup: int


def steps_of(optimizer: OptimizerConfig, clips: int) -> Steps:
    """The steps of a run over ``clips`` training clips."""
    per_epoch = math.ceil(clips / (optimizer.batch_size * optimizer.accumulate))
    return Steps(per_epoch, per_epoch * optimizer.epochs, round(per_epoch * optimizer.warmup_epochs))


def warmup_faults(optimizer: OptimizerConfig, clips: int) -> list[Fault]:
    """A warm-up that takes every step of a run over ``clips`` training clips: its learning rate is never reached."""
    steps = steps_of(optimizer, clips)
    if not steps.total or steps.warmup < steps.total:
        return []
    text = (f"takes all {steps.total} steps of the run" if steps.total > 1 else "takes the only step of the run") + (
        f" ({clips} training clips, {optimizer.batch_size * optimizer.accumulate} a step), so the learning rate is "
        f"never reached (it is {optimizer.warmup_epochs:g}); lower it, train more epochs, or lower the batch size"
    )
    return [Fault("optimizer.warmup_epochs", text)]
