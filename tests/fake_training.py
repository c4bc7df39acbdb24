"""A small training that learns nothing, but steps, saves, resumes and fails as the real one does.

The backbone's name says how it behaves. As a program it is a worker with that training in the place of the torch side.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from ga2app.config import RunConfig
from ga2app.errors import BundleError, Diverged, TrainingError
from ga2app.types import AnchorClip, BundleCard, Dataset, Event, EventKind, LabelledClip, TrainResult
from ga2app.worker import queue_loop, run_parts, worker_identity
from ga2app.worker.run_parts import Parts
from ga2app.worker.worker_command import main

STEPS_PER_EPOCH = 5


def train(
    config: RunConfig,
    dataset: Dataset,
    *,
    out: Path,
    checkpoint: Path,
    emit: Callable[[Event], None],
    should_stop: Callable[[], bool],
) -> TrainResult:
    manner = config.backbone
    step = 0
    if checkpoint.exists():
        step = json.loads(checkpoint.read_text())
        emit(Event(EventKind.LOG, step, {"text": f"resumed at step {step}"}))
    total = STEPS_PER_EPOCH * config.optimizer.epochs
    emit(Event(EventKind.PLAN, step, {"total_steps": total, "steps_per_epoch": STEPS_PER_EPOCH}))
    while step < total:
        if should_stop():
            checkpoint.write_text(json.dumps(step))
            return TrainResult(finished=False)
        if manner == "slow":
            time.sleep(0.02)
        if manner == "runs out of memory" and step == 2:
            import torch

            torch.empty(1 << 50)
        if manner.startswith("breaks its GPU") and step == STEPS_PER_EPOCH + 2:
            import torch

            raise torch.AcceleratorError(f"CUDA error: {manner.partition(': ')[2]}\nFor debugging consider …")
        if manner == "kills its worker" and step == STEPS_PER_EPOCH + 2:
            time.sleep(0.6)
            emit(Event(EventKind.STEP, step, {"total": 0.0}))
            os.kill(os.getpid(), signal.SIGKILL)
        if manner == "asks too much":
            raise TrainingError("the loss is nan at step 1;\nlower the learning rate")
        if manner == "has a bug":
            raise ZeroDivisionError("division by zero")
        if manner == "wants memory":
            raise MemoryError
        if manner == "diverges" and step == STEPS_PER_EPOCH + 2:
            out.mkdir(parents=True)
            (out / "bundle.json").write_text(json.dumps({"labels": dataset.base}))
            raise Diverged("the loss is nan at step 7. What the first 5 steps learned is kept", str(out))
        step += 1
        emit(Event(EventKind.STEP, step, {"total": 1 / step}))
        if step % STEPS_PER_EPOCH == 0:
            checkpoint.write_text(json.dumps(step))
            emit(Event(EventKind.EPOCH, step, {"base": float(step), "seed": config.seed}))
    if manner != "leaves no bundle":
        out.mkdir(parents=True, exist_ok=True)  # its worker may have been killed right after
        (out / "bundle.json").write_text(
            "{}" if manner == "breaks its bundle" else json.dumps({"labels": dataset.base})
        )
    return TrainResult(finished=True, bundle=None if manner == "names no bundle" else str(out))


def check_bundle(folder: str) -> object:
    path = Path(folder) / "bundle.json"
    if not path.exists() or "labels" not in json.loads(path.read_text()):
        raise BundleError(f"bundle '{folder}' is not whole; train it again")
    return path


def read_card(folder: str) -> BundleCard:
    labels = json.loads((Path(folder) / "bundle.json").read_text())["labels"]
    return BundleCard(folder, Path(folder).name, "fake", tuple(labels), (), {"base": 1.0}, {}, "trained")


def draw_demo(folder: Path) -> Dataset:
    folder.mkdir(parents=True, exist_ok=True)
    clips = (LabelledClip(str(folder / "a.mp4"), "jump"), LabelledClip(str(folder / "b.mp4"), "run"))
    return Dataset("demo", ("jump", "run"), (), clips, (AnchorClip(str(folder / "rain.mp4"), "rain"),))


def parts() -> Parts:
    return Parts(train, check_bundle, read_card, draw_demo, warm=lambda: None)


def hurry() -> None:
    """What takes a minute otherwise takes as long as ``HURRY_S`` says."""
    if "HURRY_S" in os.environ:
        worker_identity.SILENT_S = queue_loop.HELD_S = float(os.environ["HURRY_S"])
        worker_identity.BEAT_S = run_parts.HEARTBEAT_S = queue_loop.SWEEP_S = worker_identity.SILENT_S / 10


if __name__ == "__main__":
    hurry()
    sys.exit(main(parts=parts(), command=(__file__,)))
