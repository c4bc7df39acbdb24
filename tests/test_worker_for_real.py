"""The worker with the real training: a killed run ends as if nothing had happened."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import torch

from ga2app.bundles import load_folder
from ga2app.config import ClipConfig, LossConfig, OptimizerConfig, Precision, PromptConfig, RunConfig
from ga2app.paths import PROJECT, Home
from ga2app.store import Store
from ga2app.types import EventKind, RunState
from tests.clips import color_dataset

PATIENCE_S = 600
"""A ceiling for machines that are busy with other things; on an idle one this takes half a minute."""


def spawn(home: Home) -> subprocess.Popen[bytes]:
    log = (home.root / "worker.log").open("ab")
    with log:
        return subprocess.Popen(
            [sys.executable, "-m", "ga2app.worker", "--home", str(home.root), "--once"],
            cwd=PROJECT,
            stdout=log,
            stderr=log,
            env=os.environ | {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"},
        )


def losses(store: Store, run_id: int) -> list[tuple[int, float]]:
    stored = store.runs.events(run_id, kinds=[EventKind.STEP])
    return [(entry.event.step, entry.event.values["total"]) for entry in stored]


def test_a_killed_run_ends_with_the_curve_and_the_bundle_of_an_undisturbed_one(
    home: Home, store: Store, tiny_clip_folder: Path
) -> None:
    (home.media / "colors").mkdir(parents=True)
    store.datasets.add(color_dataset(home.media / "colors"), origin="test")
    config = RunConfig(
        dataset="colors",
        backbone=str(tiny_clip_folder),
        shots=2,
        device="cpu",
        precision=Precision.FLOAT32,
        prompts=PromptConfig(length=2, visual_depth=3, text_depth=3, hard_prompt="random"),
        losses=LossConfig(anchor_distillation=0.5, text_distillation=1.0, anchors_per_step=2),
        optimizer=OptimizerConfig(epochs=5, warmup_epochs=1, batch_size=2),
        clips=ClipConfig(num_frames=2),
    )
    undisturbed, killed = store.runs.queue(config), store.runs.queue(config)
    worker = spawn(home)
    deadline = time.monotonic() + PATIENCE_S
    try:
        while len(store.runs.events(killed, kinds=[EventKind.EPOCH])) < 2:
            assert worker.poll() is None and time.monotonic() < deadline, (home.root / "worker.log").read_text()
            time.sleep(0.005)
    finally:
        worker.kill()
        worker.wait()
    record = store.runs.get(undisturbed)
    assert (record.state, record.error) == (RunState.DONE, None)
    assert store.runs.get(killed).state is RunState.RUNNING

    assert spawn(home).wait(PATIENCE_S) == 0
    again = store.runs.get(killed)
    assert (again.state, again.error, again.attempts) == (RunState.DONE, None, 2)
    resumed = [entry.event.values["text"] for entry in store.runs.events(killed, kinds=[EventKind.LOG])]
    assert any(text.startswith("resumed at step") for text in resumed)
    assert losses(store, killed) == losses(store, undisturbed)
    assert record.bundle is not None and again.bundle is not None
    first, second = load_folder(record.bundle), load_folder(again.bundle)
    assert first.manifest.metrics == second.manifest.metrics
    assert first.tensors.keys() == second.tensors.keys()
    assert all(torch.equal(first.tensors[name], second.tensors[name]) for name in first.tensors)
    assert {card.folder for card in store.bundles.list()} == {record.bundle, again.bundle}
