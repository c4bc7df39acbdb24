"""Whole runs at the edge of what the arithmetic can hold."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ga2app.bundles import load_folder
from ga2app.clip import Backbone, load_backbone
from ga2app.clip.compute import Compute
from ga2app.config import ClipConfig, LossConfig, OptimizerConfig, Precision, PromptConfig, RunConfig
from ga2app.errors import TrainingError
from ga2app.training import train
from ga2app.types import Dataset, Event, EventKind, Subset

FULL = RunConfig(
    backbone="tiny",
    shots=3,
    seed=7,
    prompts=PromptConfig(length=2, visual_depth=3, text_depth=3, hard_prompt="random"),
    losses=LossConfig(anchor_distillation=0.5, text_distillation=1.0, anchors_per_step=2),
    optimizer=OptimizerConfig(learning_rate=0.01, epochs=4, warmup_epochs=1, batch_size=4),
    clips=ClipConfig(num_frames=2),
)
QUICK = replace(FULL, prompts=replace(FULL.prompts, visual_depth=0), losses=LossConfig(text_distillation=1.0))
FAST = OptimizerConfig(learning_rate=4e-2, epochs=34, warmup_epochs=0.0, batch_size=1, evaluate_every=1000)
"""The paper's rate, 204 steps over 6 clips."""


def in_float16(folder: Path) -> Backbone:
    """A backbone that computes in float16 on the CPU: slow and of no use there, but the same code as on a GPU."""
    loaded = load_backbone(folder)
    return Backbone(loaded.clip, loaded.tokenizer, "tiny", None, Compute(torch.device("cpu"), torch.float16))


def run(
    config: RunConfig, dataset: Dataset, backbone: Backbone, folder: Path, stop_after: int | None = None
) -> list[Event]:
    """What the run tells. ``stop_after`` counts the steps of this call."""
    events: list[Event] = []

    def should_stop() -> bool:
        return stop_after is not None and len(steps(events)) >= stop_after

    train(
        config,
        dataset,
        out=folder / "bundle",
        checkpoint=folder / "checkpoint",
        emit=events.append,
        should_stop=should_stop,
        backbone=backbone,
    )
    return events


def steps(events: list[Event]) -> list[float]:
    return [event.values["total"] for event in events if event.kind is EventKind.STEP]


def logs(events: list[Event]) -> list[str]:
    return [event.values["text"] for event in events if event.kind is EventKind.LOG]


def training_clips(dataset: Dataset) -> Dataset:
    return replace(dataset, clips=tuple(clip for clip in dataset.clips if clip.subset is Subset.TRAIN))


def test_200_steps_in_bfloat16_at_the_rate_of_the_paper_stay_numbers(
    dataset: Dataset, tiny_clip_folder: Path, tmp_path: Path
) -> None:
    config = replace(FULL, losses=LossConfig(text_distillation=1.0), optimizer=FAST, clips=ClipConfig(num_frames=1))
    losses = steps(
        run(config, training_clips(dataset), load_backbone(tiny_clip_folder, precision="bfloat16"), tmp_path)
    )
    assert len(losses) == 204 and all(map(math.isfinite, losses))
    assert sum(losses[-20:]) < sum(losses[:20])
    assert all(tensor.isfinite().all() for tensor in load_folder(tmp_path / "bundle").tensors.values())


def test_in_float32_at_the_rate_of_the_paper_the_loss_of_the_embedded_backbone_is_halved_in_60_steps(
    dataset: Dataset, tmp_path: Path
) -> None:
    config = RunConfig(
        shots=3,
        prompts=PromptConfig(2, 2, 2, hard_prompt="random"),
        optimizer=replace(FAST, epochs=10),
        clips=ClipConfig(num_frames=1),
    )
    losses = steps(run(config, training_clips(dataset), load_backbone(precision="float32"), tmp_path))
    assert len(losses) == 60 and all(map(math.isfinite, losses))
    assert sum(losses[-10:]) < 0.5 * sum(losses[:10])


@pytest.mark.parametrize(
    ("objective", "said"),
    [
        (LossConfig(anchor_rejection=3.0, margin=3e38), r"the loss is inf at step 0 \(learning rate 0\)"),
        # The loss still fits into float32, the squares of its gradient do not.
        (LossConfig(text_distillation=1e35), r"the gradient is inf at step 0 \(learning rate 0\)"),
    ],
    ids=["loss", "gradient"],
)
def test_a_weight_out_of_all_proportion_stops_the_run_before_it_moves_a_prompt(
    objective: LossConfig, said: str, dataset: Dataset, tiny_clip_folder: Path, tmp_path: Path
) -> None:
    config = replace(QUICK, losses=objective)
    with pytest.raises(TrainingError, match=said + "; start again with a lower learning rate, for example 0.001"):
        run(config, dataset, load_backbone(tiny_clip_folder), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("spoiled", ["loss", "gradient"])
@pytest.mark.parametrize("max_norm", [0.0, 1.0], ids=["unlimited", "limited"])
def test_a_run_that_goes_wrong_on_the_way_names_the_step_and_keeps_what_was_good(
    max_norm: float, spoiled: str, dataset: Dataset, tiny_clip_folder: Path, tmp_path: Path
) -> None:
    """2 steps an epoch; in the 6th, step 5, the text tower gives, or hands back, what is no number."""
    backbone = load_backbone(tiny_clip_folder)
    passes: list[int] = []

    def spoil(module: object, args: object, output: torch.Tensor) -> torch.Tensor:
        if not torch.is_grad_enabled():
            return output
        passes.append(1)
        factor = float("nan") if len(passes) == 6 else 1.0
        if spoiled == "loss":
            return output * factor
        output.register_hook(lambda gradient: gradient * factor)
        return output

    backbone.clip.text_projection.register_forward_hook(spoil)
    config = replace(QUICK, optimizer=replace(QUICK.optimizer, max_gradient_norm=max_norm))
    said = rf"the {spoiled} is nan at step 5 \(learning rate 0.005\); start again with a lower learning rate"
    with pytest.raises(TrainingError, match=said):
        run(config, dataset, backbone, tmp_path)
    assert len(passes) == 6
    kept = load_folder(tmp_path / "bundle").manifest
    assert (
        kept.steps == 4 and "2 of 4 epochs: its training diverged" in kept.name and (tmp_path / "checkpoint").exists()
    )


def test_the_advice_can_be_followed_at_once(dataset: Dataset, tiny_clip_folder: Path, tmp_path: Path) -> None:
    """What was good stays: the same run with a lower rate begins beside it, and says why it cannot go on from it."""
    backbone = load_backbone(tiny_clip_folder)
    run(QUICK, dataset, backbone, tmp_path, stop_after=3)
    assert (tmp_path / "checkpoint").exists()
    seen = backbone.clip.text_projection.register_forward_hook(lambda *parts: parts[2] * float("nan"))
    with pytest.raises(TrainingError, match="the loss is nan at step 3"):
        run(QUICK, dataset, backbone, tmp_path)
    seen.remove()
    lower = replace(QUICK, optimizer=replace(QUICK.optimizer, learning_rate=0.001))
    with pytest.raises(TrainingError, match="learning_rate was 0.01 and is 0.001.*begin anew at step 0"):
        run(lower, dataset, backbone, tmp_path)
    assert len(steps(run(lower, dataset, backbone, tmp_path / "anew"))) == 8


@pytest.mark.parametrize("stop_after", [1, 5])
def test_a_run_in_float16_skips_what_overflows_and_resumes_bit_for_bit(
    stop_after: int, dataset: Dataset, tiny_clip_folder: Path, tmp_path: Path
) -> None:
    """The loss is scaled by 65536 at first, which is too much for a term of weight 30: the first steps are skipped."""
    config = replace(FULL, losses=LossConfig(anchor_distillation=0.5, text_distillation=30.0, anchors_per_step=2))
    config = replace(config, optimizer=replace(config.optimizer, max_gradient_norm=1.0, accumulate=2, batch_size=2))
    backbone = in_float16(tiny_clip_folder)
    straight = run(config, dataset, backbone, tmp_path / "straight")
    first = run(config, dataset, backbone, tmp_path / "parts", stop_after=stop_after)
    second = run(config, dataset, backbone, tmp_path / "parts")
    skipped = [text for text in logs(straight) if "skipped" in text]
    assert skipped[0] == "step 0 skipped: its gradient overflows float16; the loss is scaled by 32768 now"
    assert 1 <= len(skipped) < 8
    assert [text for text in logs(first) + logs(second) if "skipped" in text] == skipped
    assert steps(first) + steps(second) == steps(straight) and all(map(math.isfinite, steps(straight)))
    one, other = (load_folder(tmp_path / name / "bundle") for name in ("straight", "parts"))
    assert all(torch.equal(one.tensors[name], other.tensors[name]) for name in one.tensors)
    assert one.manifest.run.precision is Precision.FLOAT16


def test_a_gradient_that_overflows_however_little_it_is_scaled_ends_the_run(
    dataset: Dataset, tiny_clip_folder: Path, tmp_path: Path
) -> None:
    config = replace(QUICK, losses=LossConfig(text_distillation=1e9))
    config = replace(config, optimizer=replace(config.optimizer, epochs=10))
    said = "the gradient overflows at step 16 however little it is scaled .*, or precision bfloat16 or float32"
    with pytest.raises(TrainingError, match=said):
        run(config, dataset, in_float16(tiny_clip_folder), tmp_path)
    assert not (tmp_path / "bundle").exists(), "not one step was taken, so nothing was learned"
