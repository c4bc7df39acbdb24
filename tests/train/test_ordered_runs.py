"""Runs with order-aware pooling: a clip and its reverse are told apart, and everybody pools as the run did."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from ga2app import bundles
from ga2app import evaluation as evaluate
from ga2app.bundles.onnx import VisionSide, largest_difference, write_onnx
from ga2app.clip import Backbone
from ga2app.config import (
    ClipConfig,
    LossConfig,
    OptimizerConfig,
    Pooling,
    Precision,
    PromptConfig,
    RunConfig,
    WhiteningConfig,
)
from ga2app.config.presets import method_of, method_parts
from ga2app.errors import BundleError, ConfigError
from ga2app.inference import Recognizer, load_bundle
from ga2app.inference.dataset_features import DatasetFeatures
from ga2app.inference.explanations import Method, Ways, explain_clip
from ga2app.training import train
from ga2app.types import Dataset, Event, EventKind, LabelledClip, Subset
from ga2app.video.writer import write_clip

FULL = RunConfig(
    dataset="turns",
    backbone="tiny",
    shots=4,
    precision=Precision.FLOAT32,
    prompts=PromptConfig(
        length=2, visual_depth=1, text_depth=2, hard_prompt="random", zero_shot_ratio=0.25, pooling=Pooling.ORDERED
    ),
    losses=LossConfig(feature_distillation=0.01),
    optimizer=OptimizerConfig(learning_rate=0.05, epochs=12, warmup_epochs=0, batch_size=8, evaluate_every=12),
    clips=ClipConfig(num_frames=4, augment=False),
)
QUICK = replace(FULL, prompts=replace(FULL.prompts, visual_depth=0, zero_shot_ratio=0.0))


@pytest.fixture(scope="module")
def turns(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """A color that turns into another, and the same frames in the reverse order."""
    folder, clips = tmp_path_factory.mktemp("turns"), []
    ends = {"walking": "running", "jumping": "reading"}
    colors = {"walking": ((220, 40, 40), (40, 60, 230)), "jumping": ((40, 200, 40), (210, 210, 50))}
    for label, (first, last) in colors.items():
        for number in range(7):
            noise = np.random.default_rng(number).integers(-30, 30, (4, 40, 40, 3))
            shares = np.linspace(0, 1, 4)[:, None, None, None]
            still = (1 - shares) * np.array(first) + shares * np.array(last) + noise
            frames = np.clip(np.repeat(still, 2, axis=0), 0, 255).astype(np.uint8)
            for name, shown in ((label, frames), (ends[label], frames[::-1])):
                write_clip(folder / f"{name}-{number}.mp4", shown, 10)
                subset = Subset.TRAIN if number < 4 else Subset.TEST
                clips.append(LabelledClip(str(folder / f"{name}-{number}.mp4"), name, subset))
    return Dataset("turns", ("walking", "running"), ("jumping", "reading"), tuple(clips))


@pytest.mark.parametrize("config", [QUICK, FULL], ids=["quick", "full"])
def test_an_action_and_its_reverse_are_told_apart_and_not_by_the_mean(
    config: RunConfig, turns: Dataset, backbone: Backbone, tmp_path: Path
) -> None:
    mean = replace(config, prompts=replace(config.prompts, pooling=Pooling.MEAN), losses=LossConfig())
    blind = train(mean, turns, out=tmp_path / "mean", checkpoint=tmp_path / "m", backbone=backbone)
    result = train(config, turns, out=tmp_path / "b", checkpoint=tmp_path / "c", backbone=backbone)
    assert blind.metrics["base"] <= 67 and result.metrics["base"] == 100

    # Whoever attaches the bundle pools as the run did: the evaluation, the recognizer, explanations, ONNX.
    names, bundle = [*turns.base, *turns.novel], load_bundle(tmp_path / "b")
    model = bundle.attach(backbone, turns.base)
    assert evaluate.evaluate(model, turns, 4).metrics() == pytest.approx(result.metrics, rel=1e-4)
    clip = next(one.path for one in turns.clips if one.label == "running" and one.subset is Subset.TEST)
    model = bundle.attach(backbone, names)
    with torch.no_grad():
        logits = backbone.scale * evaluate.encode_clips(model, [clip], 4)[0] @ model.encode_labels().T
    found = Recognizer(backbone, str(tmp_path / "b")).recognize([clip], names).clips[0]
    assert found.answers is not None
    wanted = (logits / model.temperature).softmax(dim=-1)
    answered = {score.label: score.score for score in found.answers[1].scores}
    assert [answered[name] for name in names] == pytest.approx(wanted.tolist(), abs=1e-5)
    stored = DatasetFeatures(Recognizer(backbone, str(tmp_path / "b")), tmp_path / "features")
    assert stored.encode({"one": clip}) == {}
    assert stored.probabilities(["one"], names)[0][1][0].tolist() == pytest.approx(wanted.tolist(), abs=1e-5)
    for method in Method:
        told = explain_clip(
            backbone, clip, names, bundle=bundle.bundle, label="running", num_frames=4, ways=Ways(method=method)
        )
        assert told.bundle is not None and told.bundle.ordered and not told.plain.ordered
        assert told.bundle.share == pytest.approx(float(wanted[1]), abs=1e-5)
    if config is FULL:  # an export takes seconds
        return
    side = VisionSide(model).eval()
    write_onnx(side, tmp_path / "vision.onnx")
    apart = largest_difference(side, tmp_path / "vision.onnx")
    assert apart is not None and apart < 1e-5
    still = bundle.bundle.learner()
    still.pooling = None
    other = VisionSide(type(model)(backbone, still, names)).eval()
    assert (largest_difference(other, tmp_path / "vision.onnx") or 0) > 1e-3


@pytest.mark.parametrize("config", [QUICK, FULL], ids=["quick", "full"])
def test_a_run_that_was_stopped_goes_on_as_if_nothing_had_happened(
    config: RunConfig, turns: Dataset, backbone: Backbone, tmp_path: Path
) -> None:
    config = replace(config, optimizer=replace(config.optimizer, epochs=3, evaluate_every=3))
    steps: list[Event] = []

    def stop() -> bool:
        return sum(event.kind is EventKind.STEP for event in steps) == 1

    where = {"out": tmp_path / "b", "checkpoint": tmp_path / "c", "backbone": backbone}
    straight = train(config, turns, out=tmp_path / "a", checkpoint=tmp_path / "d", backbone=backbone)
    assert not train(config, turns, emit=steps.append, should_stop=stop, **where).finished
    assert train(config, turns, **where).metrics == straight.metrics
    kept = [(tmp_path / name / "prompts.safetensors").read_bytes() for name in "ab"]
    assert kept[0] == kept[1]


def test_the_pooling_alone_can_learn_and_then_no_label_moves(
    turns: Dataset, backbone: Backbone, tmp_path: Path
) -> None:
    alone = replace(QUICK, prompts=replace(QUICK.prompts, text_depth=0, coupled=False))
    result = train(alone, turns, out=tmp_path / "b", checkpoint=tmp_path / "c", backbone=backbone)
    assert result.metrics["base"] == 100
    bundle = bundles.load_folder(tmp_path / "b")
    assert set(bundle.tensors) == {"pooling.gain", "pooling.reads", "pooling.writes"}
    assert "order-aware pooling" in (tmp_path / "b" / "README.md").read_text()
    assert method_of(alone) == "custom" and method_parts(alone)[-1:] == ["order-aware pooling"]


def test_whitening_looks_at_pooled_clips(turns: Dataset, backbone: Backbone, tmp_path: Path) -> None:
    white = replace(QUICK, whitening=WhiteningConfig(enabled=True, anchors=0.0))
    train(white, turns, out=tmp_path / "b", checkpoint=tmp_path / "c", backbone=backbone)
    plain = replace(white, prompts=replace(white.prompts, pooling=Pooling.MEAN), losses=LossConfig())
    train(plain, turns, out=tmp_path / "a", checkpoint=tmp_path / "d", backbone=backbone)
    one, other = (bundles.load_folder(tmp_path / name).whitening() for name in "ba")
    assert one is not None and other is not None and not torch.allclose(one.root, other.root, atol=1e-3)


def test_a_bundle_whose_pooling_is_not_what_its_settings_say_is_refused(
    turns: Dataset, backbone: Backbone, tmp_path: Path
) -> None:
    short = replace(QUICK, optimizer=replace(QUICK.optimizer, epochs=1, evaluate_every=1))
    train(short, turns, out=tmp_path / "b", checkpoint=tmp_path / "c", backbone=backbone)
    file = tmp_path / "b" / "prompts.safetensors"
    tensors = load_file(file)
    del tensors["pooling.writes"]
    save_file(tensors, file)
    with pytest.raises(BundleError, match=r"pooling\.writes is missing"):
        load_bundle(tmp_path / "b")


def test_settings_of_before_pool_by_the_mean_and_no_other_word_is_taken() -> None:
    data = QUICK.to_dict()
    del data["prompts"]["pooling"]
    data["objective"]["stay"] = 0.0
    assert RunConfig.from_dict(data).prompts.pooling is Pooling.MEAN
    with pytest.raises(ConfigError, match=r"prompts\.pooling: must be one of mean, ordered \(it is 'attention'\)"):
        RunConfig.from_dict({"prompts": {"pooling": "attention"}})
