"""The training loop: from a configuration and a data set to a prompt bundle."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from ga2app import bundles
from ga2app import evaluation as evaluate
from ga2app.clip import ranks
from ga2app.config import Precision, RunConfig
from ga2app.config.effective_config import steps_of
from ga2app.errors import Diverged, StudioError
from ga2app.method.prompted_model import PromptedClip
from ga2app.training import checkpoint as checkpoints
from ga2app.training.optimizer import Updater, add_gradients, learning_rate, micro_batches
from ga2app.training.training_batches import epoch_order
from ga2app.training.training_progress import TimeLeft, judged, looked_at_by_baselines, report_of
from ga2app.training.training_state import Setup
from ga2app.types import Event, EventKind, Temperature, TrainingData, TrainResult, to_counts

logger = logging.getLogger(__name__)

Emit = Callable[[Event], None]


class _Measured(NamedTuple):
    """The model as it is now, its figures, and its features (N, D) of the test clips."""

    model: PromptedClip
    metrics: Mapping[str, float]
    features: Tensor


class Loop:
    """A run from its first step, or from its checkpoint, to its bundle."""

    def __init__(
        self,
        group: ranks.Ranks,
        config: RunConfig,
        data: TrainingData,
        setup: Setup,
        out: Path,
        checkpoint: Path,
        emit: Emit,
        should_stop: Callable[[], bool],
    ) -> None:
        self._group, self._config, self._data, self._setup = group, config, data, setup
        self._out, self._checkpoint = out, checkpoint
        self._emit, self._should_stop = emit, should_stop
        self._updater = Updater(setup.model.prompts, config.optimizer, setup.model.backbone.compute)
        self._steps = steps_of(config.optimizer, len(setup.targets))
        expected_s = setup.looked_at * setup.clip_s
        ending = len(setup.spare) + min(evaluate.MOST_ANCHORS, len(setup.dataset.anchors))
        ending_s = ending * setup.clip_s if setup.looked_at else 0.0
        ending_s += setup.plain.unknown(looked_at_by_baselines(setup)) * setup.clip_s
        self._left = TimeLeft(config.optimizer, self._steps, expected_s, ending_s)
        self._step = self._faults_told = 0

    def run(self, reported: bool) -> TrainResult:
        """Train to the end, or until asked to stop; then the checkpoint holds all that was learned."""
        setup, settings, steps = self._setup, self._config.optimizer, self._steps
        resumed = self._resume()
        self._emit(Event(EventKind.DATA, self._step, self._data.to_dict()))
        sizes = {"total_steps": steps.total, "steps_per_epoch": steps.per_epoch, "epochs": settings.epochs}
        self._emit(Event(EventKind.PLAN, self._step, {**sizes, "conditions": setup.conditions.to_dict()}))
        self._emit(Event(EventKind.ZERO_SHOT, self._step, setup.zero_shot))
        last = None
        measured = resumed.measured
        try:
            if not measured:
                last, measured = self._measure(self._step // steps.per_epoch), True
                self._save()
            for epoch in range(self._step // steps.per_epoch, settings.epochs):
                if not self._train_epoch(epoch):
                    self._save()
                    return self._stopped()
                measured = not ((epoch + 1) % settings.evaluate_every == 0 or epoch + 1 == settings.epochs)
                if not measured:
                    last, measured = self._measure(epoch + 1), True
                # After the epoch's figures: a run that dies while it measures does so again, and no figure is missing.
                self._save()
            last = last or _measured(setup, self._should_stop)  # None when resumed after the last step
            looked = judged(setup, last.model, last.features, self._should_stop)
            if looked.validation:
                self._emit(Event(EventKind.VALIDATION, self._step, looked.validation))
            self._write_bundle(last, self._out.name, self._step, looked.bundle.temperature)
            made = (setup, last.model, last.features, self._step, looked, self._should_stop)
            report = report_of(*made) if reported else None
        except InterruptedError:  # asked to stop while measuring, or while the report was made
            self._save(measured=measured)
            return self._stopped()
        tested = setup.conditions.tested
        figures = last.metrics, setup.zero_shot, report, tested, looked.bundle
        return TrainResult(True, self._step, str(self._out), *figures)

    def _resume(self) -> checkpoints.Resumed:
        with self._group.file(self._checkpoint) as saved:
            if saved is None:
                return checkpoints.Resumed(0)
            resumed = checkpoints.read(saved, self._setup.model.prompts, self._updater)
        self._step, now = resumed.step, self._config.precision.value
        self._say(f"resumed at step {resumed.step}")
        if resumed.precision not in ("", now):
            self._say(f"it was trained in {resumed.precision} so far and goes on in {now}: losses may differ a little")
        return resumed

    def _train_epoch(self, epoch: int) -> bool:
        """The steps of ``epoch`` that are left; False after a stop. Raises Diverged."""
        setup, settings, per_epoch = self._setup, self._config.optimizer, self._steps.per_epoch
        clips_a_step = settings.batch_size * settings.accumulate
        order = epoch_order(len(setup.targets), clips_a_step, self._config.seed, epoch)
        order = order[self._step - epoch * per_epoch :]
        own = order
        if self._config.prompts.visual_depth:  # features are there already; clips are read where they are encoded
            own = [batch[self._group.part(len(batch))] for batch in order]
        self._left.begin()
        since_s = time.perf_counter()
        for batch, clips in zip(order, micro_batches(setup.source, own, settings.batch_size, epoch), strict=True):
            waited_s = time.perf_counter() - since_s
            if self._should_stop():
                return False
            rate = learning_rate(self._step, self._steps.total, self._steps.warmup, settings.learning_rate)
            try:
                values = _step(self._config, setup, self._updater, self._step, rate, clips, batch, self._emit)
            except Diverged as exc:
                raise self._keep_what_was_good(exc) from exc
            self._step += 1
            self._left.stepped()
            times = {"seconds_left": self._left.after(self._step), "seconds_waiting": waited_s}
            self._emit(Event(EventKind.STEP, self._step, {**values, **times}))
            since_s = time.perf_counter()
        return True

    def _measure(self, epoch: int) -> _Measured:
        """The figures after ``epoch``, told. Raises InterruptedError when asked to stop."""
        began_s = time.perf_counter()
        measured = _measured(self._setup, self._should_stop)
        self._left.measured(time.perf_counter() - began_s)
        tested = to_counts(self._setup.conditions.tested)
        self._emit(Event(EventKind.EPOCH, self._step, {"epoch": epoch, **measured.metrics, "tested": tested}))
        return measured

    def _keep_what_was_good(self, fault: Diverged) -> Diverged:
        """A bundle of the last checkpoint, which stays, too; the fault with where that is."""
        setup, per_epoch = self._setup, self._steps.per_epoch
        try:
            with self._group.file(self._checkpoint) as saved:
                if saved is None:
                    return fault
                step = checkpoints.read(saved, setup.model.prompts, self._updater).step
            if not step or not self._updater.adam.state:  # steps that were all skipped have taught nothing
                return fault
            learned = _measured(setup, self._should_stop)
            done = f"{step / per_epoch:.3g} of {self._config.optimizer.epochs} epochs"
            name = f"{self._out.name} ({done}: its training diverged)"
            self._write_bundle(learned, name, step)
        except (InterruptedError, StudioError) as exc:
            logger.warning("what was learned before is in the checkpoint alone: %s", exc or "asked to stop")
            return fault
        self._say(f"what {step} steps learned is kept as the bundle '{self._out.name}'")
        kept = f"{fault}. What the first {step} steps learned is kept, as checkpoint and as bundle '{self._out.name}'"
        return Diverged(kept, str(self._out))

    def _write_bundle(self, learned: _Measured, name: str, step: int, temperature: Temperature | None = None) -> None:
        if self._group.first:
            whole = self._setup.bundle(learned.model, self._config, name, step, learned.metrics, temperature)
            bundles.save(whole, self._out)
        self._group.any(False)  # nobody leaves before it is written
        self._emit(Event(EventKind.BUNDLE, step, {"path": str(self._out)}))

    def _save(self, *, measured: bool = True) -> None:
        if not self._group.first:
            return
        cache = self._setup.loader.cache
        for fault in cache.faults[self._faults_told :] if cache else ():
            self._say(fault)
            self._faults_told += 1
        prompts, backbone = self._setup.model.prompts, self._setup.model.backbone.identity
        self._emit(Event(EventKind.SAVING, self._step))  # what was told is kept before nothing can tell it again
        checkpoints.write(
            self._checkpoint, self._step, self._config, self._data, backbone, prompts, self._updater, measured=measured
        )

    def _stopped(self) -> TrainResult:
        return TrainResult(finished=False, step=self._step, zero_shot=self._setup.zero_shot)

    def _say(self, text: str) -> None:
        self._emit(Event(EventKind.LOG, self._step, {"text": text}))


def _step(
    config: RunConfig,
    setup: Setup,
    updater: Updater,
    step: int,
    rate: float,
    clips: Sequence[Tensor],
    rows: Sequence[int],
    emit: Emit,
) -> dict[str, float]:
    """One optimizer step at learning rate ``rate``; gives what it tells. Raises Diverged without a finite loss."""
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
    took_s = time.perf_counter() - started
    return {"ce": ce, "anchor": anchor, "total": total, "learning_rate": rate, "seconds_per_step": took_s}


def _diverged(what: str, rate: float, config: RunConfig) -> Diverged:
    remedy = f"a lower learning rate, for example {config.optimizer.learning_rate / 10:g}"
    if config.precision is Precision.FLOAT16:
        remedy += ", or precision bfloat16 or float32"
    return Diverged(f"{what} (learning rate {rate:g}); start again with {remedy}")


def _measured(setup: Setup, should_stop: Callable[[], bool]) -> _Measured:
    """The prompts as they are now, measured; without figures where there are no test clips.

    ``should_stop`` is asked between two clips; raises InterruptedError then.
    """
    model = setup.learned(should_stop)
    if not setup.test:
        return _Measured(model, {}, setup.test_features)
    features = setup.encode(model, [clip.path for clip in setup.test], should_stop)
    return _Measured(model, evaluate.evaluate_features(model, setup.dataset, setup.test, features).metrics(), features)


def _step_seed(seed: int, step: int) -> int:
    """Seed of the random numbers inside a step (dropout): resuming needs no saved generator state."""
    return (seed * 1_000_003 + step) % 2**63
