from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ga2app.bundles import load_folder
from ga2app.clip import Backbone, load_backbone
from ga2app.config import ClipConfig, LossConfig, OptimizerConfig, PromptConfig, RunConfig
from ga2app.errors import BundleError, ConfigError, DatasetError, TrainingError
from ga2app.training import TrainResult, train
from ga2app.types import Dataset, Event, EventKind
from tests.clips import color_dataset

FULL = RunConfig(
    dataset="colors",
    backbone="tiny",
    shots=3,
    seed=7,
    prompts=PromptConfig(length=2, visual_depth=3, text_depth=3, hard_prompt="random"),
    losses=LossConfig(anchor_distillation=0.5, text_distillation=1.0, anchors_per_step=2),
    optimizer=OptimizerConfig(learning_rate=0.01, epochs=4, warmup_epochs=1, batch_size=4),
    clips=ClipConfig(num_frames=2),
)
QUICK = replace(FULL, prompts=replace(FULL.prompts, visual_depth=0), losses=LossConfig(text_distillation=1.0))


class Recorder:
    """Collects events and asks for a stop after ``stop_after`` steps."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.events: list[Event] = []
        self.stop_after = stop_after

    def emit(self, event: Event) -> None:
        self.events.append(event)

    def should_stop(self) -> bool:
        return self.stop_after is not None and len(self.of(EventKind.STEP)) >= self.stop_after

    def of(self, kind: EventKind) -> list[Event]:
        return [event for event in self.events if event.kind is kind]


def run(
    config: RunConfig, dataset: Dataset, backbone: Backbone | None, folder: Path, recorder: Recorder | None = None
) -> TrainResult:
    recorder = recorder or Recorder()
    return train(
        config,
        dataset,
        out=folder / "bundle",
        checkpoint=folder / "checkpoint.safetensors",
        emit=recorder.emit,
        should_stop=recorder.should_stop,
        backbone=backbone,
    )


def test_a_run_tells_its_plan_steps_epochs_and_bundle(dataset: Dataset, backbone: Backbone, tmp_path: Path):
    recorder = Recorder()
    result = run(FULL, dataset, backbone, tmp_path, recorder)
    # 2 classes × 3 shots = 6 clips, in batches of 4: 2 steps an epoch, 4 epochs
    plan = recorder.of(EventKind.PLAN)[0].values
    assert (plan["total_steps"], plan["steps_per_epoch"], plan["epochs"]) == (8, 2, 4)
    assert [event.step for event in recorder.of(EventKind.STEP)] == list(range(1, 9))
    assert [event.values["epoch"] for event in recorder.of(EventKind.EPOCH)] == [1, 2, 3, 4]
    assert set(recorder.of(EventKind.ZERO_SHOT)[0].values) == {"base", "novel", "hm"}
    assert result.finished and result.step == 8
    assert result.metrics == {key: recorder.of(EventKind.EPOCH)[-1].values[key] for key in ("base", "novel", "hm")}
    assert load_folder(tmp_path / "bundle").manifest.metrics == result.metrics


def test_a_run_tells_its_accuracy_on_training_clips_that_were_left_over_and_nothing_without_any(
    backbone: Backbone, tmp_path: Path
):
    recorder, clips = Recorder(), color_dataset(tmp_path, train=7, test=1)
    config = replace(QUICK, shots=2, optimizer=replace(QUICK.optimizer, epochs=2))
    run(config, clips, backbone, tmp_path, recorder)
    (told,) = recorder.of(EventKind.VALIDATION)
    assert told.values["clips"] == 10 and 0 <= told.values["accuracy"] <= 100 and told.step == 2
    again = Recorder()
    run(replace(config, shots=4), clips, backbone, tmp_path / "again", again)
    assert not again.of(EventKind.VALIDATION), "6 clips are too few to say anything"


# 6 clips in steps of 2 batches of 2: a step of 4 clips and one of 2, as many steps as without.
SMALL_BATCHES = replace(FULL, optimizer=replace(FULL.optimizer, batch_size=2, accumulate=2, max_gradient_norm=0.5))


@pytest.mark.parametrize("config", [FULL, QUICK, SMALL_BATCHES], ids=["full", "quick", "accumulated and clipped"])
@pytest.mark.parametrize("stop_after", [3, 4])
def test_stopping_and_resuming_equals_an_uninterrupted_run_bit_for_bit(
    config: RunConfig, stop_after: int, dataset: Dataset, backbone: Backbone, tmp_path: Path
):
    straight, parts = Recorder(), Recorder(stop_after)
    run(config, dataset, backbone, tmp_path / "straight", straight)
    stopped = run(config, dataset, backbone, tmp_path / "parts", parts)
    assert not stopped.finished and stopped.step == stop_after
    assert not (tmp_path / "parts" / "bundle").exists()
    parts.stop_after = None
    assert run(config, dataset, backbone, tmp_path / "parts", parts).finished
    first, second = (load_folder(tmp_path / name / "bundle") for name in ("straight", "parts"))
    assert all(torch.equal(first.tensors[name], second.tensors[name]) for name in first.tensors)
    assert first.manifest.metrics == second.manifest.metrics
    losses = [[event.values["total"] for event in one.of(EventKind.STEP)] for one in (straight, parts)]
    assert losses[0] == losses[1]
    assert parts.of(EventKind.LOG)[0].values["text"] == f"resumed at step {stop_after}"


@pytest.mark.parametrize("config", [FULL, QUICK], ids=["full", "quick"])
def test_small_batches_learn_what_large_ones_learn(
    config: RunConfig, dataset: Dataset, backbone: Backbone, tmp_path: Path
):
    """6 clips a step, at once or as 3 and 3: the same plan and losses."""
    small = replace(config, optimizer=replace(config.optimizer, batch_size=3, accumulate=2))
    large = replace(config, optimizer=replace(config.optimizer, batch_size=6))
    recorders = Recorder(), Recorder()
    for one, recorder, name in zip((small, large), recorders, ("small", "large"), strict=True):
        run(one, dataset, backbone, tmp_path / name, recorder)
    plans, losses = (
        [[event.values for event in recorder.of(kind)] for recorder in recorders]
        for kind in (EventKind.PLAN, EventKind.STEP)
    )
    assert plans[0] == plans[1]
    assert (plans[0][0]["total_steps"], plans[0][0]["steps_per_epoch"]) == (4, 1)
    totals = [[values["total"] for values in one] for one in losses]
    assert totals[0] == pytest.approx(totals[1], rel=1e-3)
    rates = [[values["learning_rate"] for values in one] for one in losses]
    assert rates[0] == rates[1]


def test_a_limit_of_the_gradient_changes_what_is_learned(dataset: Dataset, backbone: Backbone, tmp_path: Path):
    """AdamW does not see a gradient's length, but it does see that the lengths of steps differ."""
    short = replace(QUICK, optimizer=replace(QUICK.optimizer, max_gradient_norm=0.01))
    for name, config in (("off", QUICK), ("on", short)):
        run(config, dataset, backbone, tmp_path / name)
    off, on = (load_folder(tmp_path / name / "bundle").tensors["soft"] for name in ("off", "on"))
    assert not torch.equal(off, on)


def test_the_same_seed_gives_the_same_bundle_and_another_seed_another(
    dataset: Dataset, backbone: Backbone, tmp_path: Path
):
    for name, config in (("a", QUICK), ("b", QUICK), ("c", replace(QUICK, seed=8))):
        run(config, dataset, backbone, tmp_path / name)
    files = [(tmp_path / name / "bundle" / "prompts.safetensors").read_bytes() for name in "abc"]
    assert files[0] == files[1] != files[2]


def test_training_lowers_the_loss_and_moves_every_prompt_but_the_hard_one(
    dataset: Dataset, backbone: Backbone, tmp_path: Path
):
    recorder = Recorder()
    config = replace(FULL, optimizer=replace(FULL.optimizer, epochs=12), losses=LossConfig())
    run(config, dataset, backbone, tmp_path, recorder)
    losses = [event.values["ce"] for event in recorder.of(EventKind.STEP)]
    assert sum(losses[-4:]) < 0.7 * sum(losses[:4])
    once = replace(config, optimizer=replace(config.optimizer, epochs=1, warmup_epochs=0.0))
    run(once, dataset, backbone, tmp_path / "1")
    long, short = load_folder(tmp_path / "bundle").tensors, load_folder(tmp_path / "1" / "bundle").tensors
    assert {name for name in long if torch.equal(long[name], short[name])} == {"hard"}


def test_a_loss_that_is_no_number_stops_with_the_step_and_advice(
    dataset: Dataset, backbone: Backbone, tmp_path: Path, tiny_clip_folder: Path
):
    sick = load_backbone(tiny_clip_folder, precision="float32")
    sick.clip.text_projection.weight.fill_(float("nan"))
    with pytest.raises(TrainingError, match=r"the loss is nan at step 0 .*lower learning rate, for example 0.001"):
        run(QUICK, dataset, sick, tmp_path)


def test_a_stop_before_the_first_step_leaves_nothing_behind(dataset: Dataset, backbone: Backbone, tmp_path: Path):
    result = run(QUICK, dataset, backbone, tmp_path, Recorder(stop_after=0))
    assert not result.finished and result.step == 0
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_of_other_settings_is_refused(dataset: Dataset, backbone: Backbone, tmp_path: Path):
    run(QUICK, dataset, backbone, tmp_path, Recorder(stop_after=3))
    with pytest.raises(
        TrainingError,
        match=r"at step 3, was made with other settings: seed was 7 and is 8\. .* or begin anew at step 0",
    ):
        run(replace(QUICK, seed=8), dataset, backbone, tmp_path)


def test_one_class_is_not_enough(dataset: Dataset, backbone: Backbone, tmp_path: Path):
    with pytest.raises(DatasetError, match=r"has 1 base class; training needs at least 2"):
        run(QUICK, replace(dataset, base=("walking",)), backbone, tmp_path)


def test_one_clip_a_class_works(dataset: Dataset, backbone: Backbone, tmp_path: Path):
    few = tuple(clip for clip in dataset.clips if clip.path.endswith("-0.mp4"))
    result = run(QUICK, replace(dataset, clips=few), backbone, tmp_path)
    assert result.finished and result.metrics == {}


def test_all_clips_that_cannot_be_read_are_named(dataset: Dataset, backbone: Backbone, tmp_path: Path):
    for name in ("one.mp4", "two.mp4"):
        (tmp_path / name).write_bytes(b"no video")
    bad = tuple(replace(dataset.clips[0], path=str(tmp_path / name)) for name in ("one.mp4", "two.mp4"))
    with pytest.raises(DatasetError, match=r"2 of 8 clips cannot be read: .*one.mp4.*two.mp4"):
        run(replace(QUICK, shots=9), replace(dataset, clips=(*dataset.clips, *bad)), backbone, tmp_path)


def test_depths_that_the_backbone_does_not_have_are_all_named(dataset: Dataset, backbone: Backbone, tmp_path: Path):
    prompts = PromptConfig(length=20, visual_depth=9, text_depth=9, hard_prompt="random")
    with pytest.raises(ConfigError) as caught:
        run(replace(FULL, prompts=prompts), dataset, backbone, tmp_path)
    assert [fault.field for fault in caught.value.faults] == [
        "prompts.visual_depth",
        "prompts.text_depth",
        "prompts.length",
    ]


def test_an_anchor_term_without_anchors_or_negatives_says_so(dataset: Dataset, backbone: Backbone, tmp_path: Path):
    bare = replace(dataset, anchors=(), negatives=())
    with pytest.raises(
        DatasetError, match=r"has no anchor clips, which the anchor term keep needs; .* this weight to 0"
    ):
        run(FULL, bare, backbone, tmp_path)
    with pytest.raises(DatasetError, match=r"has no captions or negatives, which the anchor term vocabulary needs"):
        run(QUICK, bare, backbone, tmp_path)


def test_an_epoch_is_told_before_its_checkpoint_is_written(dataset: Dataset, backbone: Backbone, tmp_path: Path):
    """Whoever dies while measuring must measure again, or the curve would lack a point."""
    checkpoint = tmp_path / "checkpoint.safetensors"
    seen: list[bytes] = []

    def emit(event: Event) -> None:
        if event.kind is EventKind.EPOCH:
            seen.append(checkpoint.read_bytes() if checkpoint.exists() else b"")

    train(QUICK, dataset, out=tmp_path / "bundle", checkpoint=checkpoint, emit=emit, backbone=backbone)
    assert seen[0] == b"" and len(set(seen)) == 4


def test_a_folder_of_something_else_is_refused_before_training(dataset: Dataset, backbone: Backbone, tmp_path: Path):
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "precious.mp4").write_bytes(b"x")
    recorder = Recorder()
    with pytest.raises(BundleError, match="is not a bundle; name a new folder"):
        run(QUICK, dataset, backbone, tmp_path, recorder)
    assert recorder.events == []


def test_a_trained_bundle_serves_as_hard_prompt(dataset: Dataset, backbone: Backbone, tmp_path: Path):
    run(QUICK, dataset, backbone, tmp_path / "first")
    named = replace(QUICK, prompts=replace(QUICK.prompts, hard_prompt=str(tmp_path / "first" / "bundle")))
    run(named, dataset, backbone, tmp_path / "second")
    first, second = (load_folder(tmp_path / name / "bundle") for name in ("first", "second"))
    assert torch.equal(second.tensors["hard"], first.tensors["soft"])
    assert second.manifest.run.prompts.hard_prompt == "bundle"
    written = (tmp_path / "second" / "bundle" / "bundle.json").read_text()
    assert str(tmp_path) not in written, "a bundle that is passed on tells nobody where it was trained"
