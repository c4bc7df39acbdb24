"""What a planned run has to compute, counted from its settings and its data set, and what past runs took for theirs."""

from __future__ import annotations

import math
from collections import Counter
from statistics import median

from ga2app.config import DEMO, RunConfig
from ga2app.errors import StudioError
from ga2app.services.studio import Studio
from ga2app.store.chosen_anchors import borrow, with_chosen
from ga2app.store.run_rows import RunFilter
from ga2app.types import Dataset, EventKind, PastPace, RunRecord, RunState, Subset, Workload

SAMPLE = 3
PAST_RUNS = 3
_STEPS_LOOKED_AT = 60
_WIDE_VOCABULARY = 48
"""Attributes and the hard prompt's labels, about; see ``ga2app.method.generic_texts``."""


def workload_of(config: RunConfig, dataset: Dataset) -> Workload:
    """The numbers behind a run on ``dataset``, which has the anchors and negatives that the run will get."""
    objective, optimizer, prompts = config.objective, config.optimizer, config.prompts
    counts = Counter(clip.label for clip in dataset.clips if clip.subset is Subset.TRAIN)
    shots = sum(min(config.shots, counts[label]) for label in dataset.base)
    tested = sum(clip.subset is Subset.TEST for clip in dataset.clips)
    visual = prompts.visual_depth > 0
    anchors = len(dataset.anchors) if objective.needs_anchor_clips() else 0
    scattered = len(dataset.anchors) if _whitens_by_anchors(config, dataset) else 0
    looked_at = not visual or config.whitening.enabled or objective.needs_frozen_clips()
    evaluations = math.ceil(optimizer.epochs / optimizer.evaluate_every)
    whitened = shots + scattered if config.whitening.enabled else 0
    generic = len({*dataset.negatives, *(anchor.caption for anchor in dataset.anchors)})
    generic += _WIDE_VOCABULARY if objective.attributes else 0
    wanted = 1 if objective.released else objective.anchors_per_step
    return Workload(
        backbone=config.backbone,
        device=config.device,
        precision=config.precision.value,
        clips=sample_clips(dataset),
        frames=config.clips.num_frames,
        batch=min(optimizer.batch_size, max(shots, 1)),
        shots=shots,
        epochs=optimizer.epochs,
        steps=math.ceil(shots / (optimizer.batch_size * optimizer.accumulate)) * optimizer.epochs,
        visual=visual,
        text=prompts.text_depth > 0,
        residual=prompts.residual > 0,
        prompt_length=prompts.length,
        anchors_a_step=min(wanted, anchors) if visual else 0,
        texts=len(dataset.base) + (generic if objective.vocabulary else 0),
        plain_clips=(shots if looked_at else 0) + tested + max(anchors, scattered),
        measured_clips=evaluations * (tested + whitened) if visual else 0,
        all_clips=shots + tested + max(anchors, scattered),
    )


def sample_clips(dataset: Dataset) -> tuple[str, ...]:
    """A few training clips, spread over the data set."""
    clips = [clip.path for clip in dataset.clips if clip.subset is Subset.TRAIN] or [
        clip.path for clip in dataset.clips
    ]
    return tuple(clips[place * len(clips) // SAMPLE] for place in range(min(SAMPLE, len(clips))))


def past_paces(studio: Studio, config: RunConfig) -> list[PastPace]:
    """What the last runs on the same backbone, device and precision really took for a step, newest first."""
    found: list[PastPace] = []
    for run in studio.store.runs.list(limit=12, only=RunFilter(_ENDED, backbone=config.backbone)):
        same = (run.config.get("device"), run.config.get("precision")) == (config.device, config.precision.value)
        pace = _pace(studio, run) if same else None
        if pace:
            found.append(pace)
        if len(found) == PAST_RUNS:
            break
    return found


_ENDED = (RunState.DONE, RunState.STOPPED)


def _whitens_by_anchors(config: RunConfig, dataset: Dataset) -> bool:
    return config.whitening.enabled and config.whitening.anchors > 0 and not dataset.borrowed


def _pace(studio: Studio, run: RunRecord) -> PastPace | None:
    seconds = _seconds_per_step(studio, run.id)
    if not seconds:
        return None
    try:
        config = RunConfig.from_dict(run.config)
        own = studio.store.datasets.get(config.dataset)
        dataset = borrow(config, with_chosen(studio.store, config, own), lambda: studio.store.datasets.get(DEMO))
    except StudioError:
        return None  # its data set has gone, so nobody can tell what it had to compute
    return PastPace(run.id, workload_of(config, dataset), seconds)


def _seconds_per_step(studio: Studio, run_id: int) -> float:
    """Median of the first steps but the very first, which warms up; 0 where there are too few."""
    events = studio.store.runs.events(run_id, kinds=[EventKind.STEP], limit=_STEPS_LOOKED_AT)
    seconds = [float(item.event.values.get("seconds_per_step", 0.0)) for item in events[1:]]
    return median(seconds) if len(seconds) >= 3 else 0.0
