"""The training loop: from a configuration and a data set to a prompt bundle."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from ga2app import bundle as bundles
from ga2app import evaluate
from ga2app.backbone import Backbone, load_backbone
from ga2app.config import Precision, RunConfig
from ga2app.contracts import Dataset, Event, EventKind, Report, SampleSize, to_counts
from ga2app.errors import TrainingError
from ga2app.evaluate import PlainFeatures
from ga2app.model import PromptedClip
from ga2app.train import checkpoint as checkpoints
from ga2app.train.checks import without_needless_whitening
from ga2app.train.data import epoch_order
from ga2app.train.gradients import add_gradients, micro_batches
from ga2app.train.reporting import report_of
from ga2app.train.schedule import learning_rate
from ga2app.train.setup import Setup, prepare
from ga2app.train.update import Updater

logger = logging.getLogger(__name__)

Emit = Callable[[Event], None]


@dataclass(frozen=True)
class TrainResult:
    """How a call ended. ``finished`` is False after a stop; then the checkpoint holds ``step`` steps."""

    finished: bool
    step: int
    bundle: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    zero_shot: Mapping[str, float] = field(default_factory=dict)
    report: Report | None = None
    tested: Mapping[str, SampleSize] = field(default_factory=dict)


class _Measured(NamedTuple):
    """The model as it is now, its figures, and its features (N, D) of the test clips."""

    model: PromptedClip
    metrics: Mapping[str, float]
    features: Tensor


def train(
    config: RunConfig,
    dataset: Dataset,
    *,
    out: Path,
    checkpoint: Path,
    emit: Emit = lambda event: None,
    should_stop: Callable[[], bool] = lambda: False,
    backbone: Backbone | None = None,
    known: PlainFeatures | None = None,
    reported: bool = False,
) -> TrainResult:
    """Train prompts on ``dataset`` and write them to the bundle folder ``out``.

    ``checkpoint`` is written after every epoch and on a stop; where it exists the run goes on from it, bit for bit
    as if it had not been interrupted. ``should_stop`` is asked between steps. ``known`` spares runs on the same clips
    to encode them anew. ``reported`` adds the report, which is None where it could not be made. Raises StudioError.
    """
    bundles.check_place(out)
    if backbone is None:
        backbone = load_backbone(config.backbone, device=config.device, precision=config.precision)
    asked = config
    config = replace(without_needless_whitening(config, dataset), precision=backbone.compute.precision)
    with torch.random.fork_rng(), backbone.compute.repeatable():
        try:
            setup = prepare(config, dataset, backbone, should_stop, known, asked)
        except InterruptedError:
            return TrainResult(finished=False, step=0)
        return _run(config, setup, out, checkpoint, emit, should_stop, reported)


def _run(
    config: RunConfig,
    setup: Setup,
    out: Path,
    checkpoint: Path,
    emit: Emit,
    should_stop: Callable[[], bool],
    reported: bool,
) -> TrainResult:
    settings, prompts = config.optimizer, setup.model.prompts
    updater = Updater(prompts, settings, setup.model.backbone.compute)
    clips_a_step = settings.batch_size * settings.accumulate
    per_epoch = math.ceil(len(setup.targets) / clips_a_step)
    total, warmup = per_epoch * settings.epochs, round(per_epoch * settings.warmup_epochs)
    step = 0
    if checkpoint.exists():
        step = checkpoints.read(checkpoint, config, prompts, updater)
        emit(Event(EventKind.LOG, step, {"text": f"resumed at step {step}"}))
    plan = {"total_steps": total, "steps_per_epoch": per_epoch, "epochs": settings.epochs}
    emit(Event(EventKind.PLAN, step, {**plan, "conditions": setup.conditions.to_dict()}))
    emit(Event(EventKind.ZERO_SHOT, step, setup.zero_shot))
    last: _Measured | None = None
    tested = to_counts(setup.conditions.tested)
    for epoch in range(step // per_epoch, settings.epochs):
        order = epoch_order(len(setup.targets), clips_a_step, config.seed, epoch)[step - epoch * per_epoch :]
        parts = micro_batches(setup.source, order, settings.batch_size, epoch)
        for batch, clips in zip(order, parts, strict=True):
            if should_stop():
                checkpoints.write(checkpoint, step, config, prompts, updater)
                return TrainResult(finished=False, step=step, zero_shot=setup.zero_shot)
            rate = learning_rate(step, total, warmup, settings.learning_rate)
            try:
                _step(config, setup, updater, step, rate, clips, batch, emit)
            except TrainingError:
                checkpoint.unlink(missing_ok=True)  # It leads to the same place, and other settings cannot use it.
                raise
            step += 1
        if (epoch + 1) % settings.evaluate_every == 0 or epoch + 1 == settings.epochs:
            last = _measure(setup)
            emit(Event(EventKind.EPOCH, step, {"epoch": epoch + 1, **last.metrics, "tested": tested}))
        # After the epoch's figures: a run that dies while it measures does so again, and no figure is missing.
        checkpoints.write(checkpoint, step, config, prompts, updater)
    last = last or _measure(setup)  # None when resumed after the last step
    bundles.save(setup.bundle(last.model, config, out.name, step, last.metrics), out)
    emit(Event(EventKind.BUNDLE, step, {"path": str(out)}))
    report = report_of(setup, last.model, last.features, step) if reported else None
    return TrainResult(True, step, str(out), last.metrics, setup.zero_shot, report, setup.conditions.tested)


def _step(
    config: RunConfig,
    setup: Setup,
    updater: Updater,
    step: int,
    rate: float,
    clips: Sequence[Tensor],
    rows: Sequence[int],
    emit: Emit,
) -> None:
    """One optimizer step at learning rate ``rate``; raises TrainingError when loss or gradient is no number."""
    started = time.perf_counter()
    setup.model.train()
    torch.manual_seed(_step_seed(config.seed, step))
    updater.clear()
    parts = add_gradients(setup, clips, rows, step, updater.backward)
    norm = updater.limit_gradients()
    # One wait for the device. Before the update: a gradient that is no number would spoil what Adam remembers.
    total, ce, anchor, length = torch.stack([parts.total, parts.ce, parts.anchor, norm]).detach().tolist()
    scaled = config.precision is Precision.FLOAT16
    if not math.isfinite(total) or not (math.isfinite(length) or scaled):
        what, value = ("gradient", length) if math.isfinite(total) else ("loss", total)
        raise _diverged(f"the {what} is {value} at step {step}", rate, config)
    if not updater.step(rate):
        if updater.scale < 1:
            raise _diverged(f"the gradient overflows at step {step} however little it is scaled", rate, config)
        text = f"step {step} skipped: its gradient overflows float16; the loss is scaled by {updater.scale:g} now"
        emit(Event(EventKind.LOG, step, {"text": text}))
    values = {"ce": ce, "anchor": anchor, "total": total, "learning_rate": rate}
    emit(Event(EventKind.STEP, step + 1, {**values, "seconds_per_step": time.perf_counter() - started}))


def _diverged(what: str, rate: float, config: RunConfig) -> TrainingError:
    remedy = f"a lower learning rate, for example {config.optimizer.learning_rate / 10:g}"
    if config.precision is Precision.FLOAT16:
        remedy += ", or precision bfloat16 or float32"
    return TrainingError(f"{what} (learning rate {rate:g}); start again with {remedy}")


def _measure(setup: Setup) -> _Measured:
    """The prompts as they are now, measured; without figures where there are no test clips."""
    model = setup.learned()
    if not setup.test:
        return _Measured(model, {}, setup.test_features)
    if setup.config.prompts.visual_depth:
        features = setup.encode(model, [clip.path for clip in setup.test])
    else:
        features = model.whiten_clips(setup.test_features)
    return _Measured(model, evaluate.evaluate_features(model, setup.dataset, setup.test, features).metrics(), features)


def _step_seed(seed: int, step: int) -> int:
    """Seed of the random numbers inside a step (dropout): resuming needs no saved generator state."""
    return (seed * 1_000_003 + step) % 2**63
