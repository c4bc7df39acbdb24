"""What a run really uses of its settings: some cannot be used as asked with the clips that there are.

Screens and commands tell it before a run starts, the run records it, reports and cards tell it afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ga2app.config.sections import NOTHING, OptimizerConfig, RunConfig, WhiteningConfig
from ga2app.errors import Fault, counted
from ga2app.types import Adjustment, Conditions, Dataset, SampleSize, Subset


def whitening_anchors(config: RunConfig, dataset: Dataset) -> list[str]:
    """The anchor clips that the whitening looks at: none that other cameras filmed in other places."""
    if not config.whitening.anchors or dataset.borrowed:
        return []
    return [anchor.path for anchor in dataset.anchors]


def effective(config: RunConfig, dataset: Dataset) -> tuple[RunConfig, tuple[Adjustment, ...]]:
    """``config`` as a run on ``dataset`` really uses it, and each setting that is not as asked, with the reason.

    ``dataset`` has the anchors that the run will have.
    """
    whitened, adjustments = _whitening(config, dataset)
    drawn = training_clips(config, dataset)
    least, most = min(drawn.values(), default=0), max(drawn.values(), default=0)
    if drawn and least < config.shots:
        used = str(least) if least == most else f"{least} to {most}"
        which = "no base label has" if most < config.shots else "not every base label has"
        reason = f"{which} {config.shots} training clips; all that there are were taken"
        adjustments = (Adjustment("shots", config.shots, used, reason), *adjustments)
    return replace(config, whitening=whitened), adjustments


def training_clips(config: RunConfig, dataset: Dataset) -> dict[str, int]:
    """How many training clips of each base label a run takes; labels without any are left out."""
    there = dataset.counts(Subset.TRAIN)
    return {label: min(config.shots, there[label]) for label in dataset.base if there[label]}


def tested_on(dataset: Dataset) -> dict[str, SampleSize]:
    """How many test clips and labels base and novel accuracy rest on; without a side that has no test clips."""
    there = dataset.counts(Subset.TEST)
    sides = {"base": dataset.base, "novel": dataset.novel}
    counts = {side: SampleSize(sum(there[label] for label in names), len(names)) for side, names in sides.items()}
    return {side: one for side, one in counts.items() if one.clips}


def conditions_of(config: RunConfig, dataset: Dataset, data: str = "") -> Conditions:
    """What a run of ``config`` on ``dataset`` uses and is tested on; ``data`` identifies its clips."""
    drawn = training_clips(config, dataset)
    used = config.losses.uses_anchors() or config.whitening.enabled
    anchors = _source(len(dataset.anchors), "anchor clip", config.anchors, dataset.anchors_from)
    groups = ", ".join(config.negatives)
    negatives = _source(len(dataset.negatives), "negative prompt", groups, dataset.negatives_from)
    return Conditions(
        data=data,
        tested=tested_on(dataset),
        clips=sum(drawn.values()),
        least=min(drawn.values(), default=0),
        most=max(drawn.values(), default=0),
        anchors=anchors if used else "",
        negatives=negatives if used else "",
        adjustments=effective(config, dataset)[1],
    )


def _source(count: int, what: str, named: str, lender: str) -> str:
    """How many there are and where they come from, in words."""
    if not count:
        return "none, as chosen" if named == NOTHING else "none"
    told = counted(count, what)
    if named:
        return f"{told} of '{named}'" + (f", borrowed from data set '{lender}'" if lender else "")
    return f"{told} borrowed from data set '{lender}'" if lender else f"{told}, the data set's own"


def _whitening(config: RunConfig, dataset: Dataset) -> tuple[WhiteningConfig, tuple[Adjustment, ...]]:
    whitening = config.whitening
    if not whitening.enabled:
        return whitening, ()
    anchors = len(whitening_anchors(config, dataset))
    lender = f"those of data set '{dataset.anchors_from}'" if dataset.anchors_from else "those of another data set"
    lent = f"; the anchor clips are borrowed, and {lender} say nothing about these" if dataset.borrowed else ""
    several = max(training_clips(config, dataset).values(), default=0) > 1
    if anchors < 2 and not several:
        reason = f"it takes two training clips of a label, or two anchor clips of the data set's own{lent}"
        return WhiteningConfig(), (Adjustment("whitening.enabled", True, False, reason),)
    share = whitening.anchors
    if share and not anchors:
        reason = "there are no anchor clips" if not dataset.borrowed else lent.removeprefix("; ")
        reason += "; whitening looks at the training clips alone"
        return replace(whitening, anchors=0.0), (Adjustment("whitening.anchors", share, 0.0, reason),)
    if anchors > 1 and not several and share < 1:
        reason = "one training clip of a label does not vary; whitening looks at the anchor clips alone"
        return replace(whitening, anchors=1.0), (Adjustment("whitening.anchors", share, 1.0, reason),)
    return whitening, ()


def without_needless(config: RunConfig, used: RunConfig) -> RunConfig:
    """``config``, its whitening off where that of ``used`` is: what the steps of a run are made from."""
    return config if used.whitening.enabled else replace(config, whitening=used.whitening)


def changed_settings(adjustments: tuple[Adjustment, ...]) -> Mapping[str, Adjustment]:
    """Adjustments by the setting that they change."""
    return {one.setting: one for one in adjustments}


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
