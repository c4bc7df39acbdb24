"""Runs in a whitened space: what the loss sees, what the bundle keeps, and that everybody whitens alike."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ga2app import bundles
from ga2app import evaluation as evaluate
from ga2app.clip import Backbone
from ga2app.config import (
    ClipConfig,
    LossConfig,
    OptimizerConfig,
    Precision,
    PromptConfig,
    RunConfig,
    WhiteningConfig,
)
from ga2app.evaluation import PlainFeatures
from ga2app.inference import Recognizer, load_bundle
from ga2app.inference.explanations import ScoreKind, Ways, explain_clip
from ga2app.method.pooling import COUNT
from ga2app.method.prompted_model import PromptedClip, plain_clip
from ga2app.method.whitening import estimate
from ga2app.training import train
from ga2app.training.training_state import prepare
from ga2app.types import Dataset, EventKind, SampleSize, read_conditions, read_tested, with_anchors
from tests.approx import same_record

FULL = RunConfig(
    dataset="colors",
    backbone="tiny",
    shots=3,
    precision=Precision.FLOAT32,
    prompts=PromptConfig(length=2, visual_depth=2, text_depth=3, hard_prompt="random", zero_shot_ratio=0.25),
    losses=LossConfig(anchor_distillation=0.3, text_distillation=1.0, feature_distillation=0.5),
    whitening=WhiteningConfig(enabled=True),
    optimizer=OptimizerConfig(learning_rate=0.05, epochs=2, warmup_epochs=0, batch_size=4, evaluate_every=2),
    clips=ClipConfig(num_frames=2),
)
QUICK = replace(
    FULL, prompts=replace(FULL.prompts, visual_depth=0, zero_shot_ratio=0.0), losses=LossConfig(text_distillation=1.0)
)


def features(model: PromptedClip, paths: list[str]) -> Tensor:
    return evaluate.encode_clips(model, paths, 2)


@pytest.mark.parametrize("config", [QUICK, FULL], ids=["quick", "full"])
def test_the_bundle_is_whitened_by_what_its_own_vision_tower_sees(
    config: RunConfig, dataset: Dataset, backbone: Backbone, tmp_path: Path
) -> None:
    result = train(config, dataset, out=tmp_path / "b", checkpoint=tmp_path / "c", backbone=backbone)
    bundle = bundles.load_folder(tmp_path / "b")
    raw = PromptedClip(backbone, bundle.learner(), dataset.base).eval()
    shots = [clip for clip in dataset.clips if clip.subset == "train" and clip.label in dataset.base]
    shots.sort(key=lambda clip: (dataset.base.index(clip.label), clip.path))
    wanted = estimate(
        config.whitening,
        features(raw, [clip.path for clip in shots]),
        torch.tensor([dataset.base.index(clip.label) for clip in shots]),
        features(raw, [anchor.path for anchor in dataset.anchors]),
    )
    found = bundle.whitening()
    assert found is not None
    assert same_record(found.root, wanted.root, rel=1e-3) and same_record(found.center, wanted.center)
    model = load_bundle(tmp_path / "b").attach(backbone, dataset.base)
    assert evaluate.evaluate(model, dataset, 2).metrics() == pytest.approx(result.metrics, rel=1e-4)


def test_the_loss_sees_whitened_clips_and_texts(dataset: Dataset, backbone: Backbone) -> None:
    for config in (FULL, QUICK):
        plain, white = (
            prepare(replace(config, whitening=WhiteningConfig(enabled=on)), dataset, backbone, lambda: False)
            for on in (False, True)
        )
        whitening = white.model.whitening
        assert whitening is not None and plain.model.whitening is None
        (clips,) = plain.source.batches([[0, 3]], 0)
        (whitened,) = white.source.batches([[0, 3]], 0)
        with torch.no_grad():
            for setup in (plain, white):
                setup.model.eval()  # the dropout of the coupling is off
            seen, raw = white.features(whitened, [0, 3], 1), plain.features(clips, [0, 3], 1)
        for name in ("clips", "anchors", "frozen_anchors", "frozen_clips"):
            one, other = getattr(seen, name), getattr(raw, name)
            if other is not None and len(other):
                assert torch.allclose(one, whitening.clips(other), atol=1e-5), name
        for name in ("classes", "generic", "frozen_classes", "frozen_generic", "negatives"):
            assert torch.allclose(getattr(seen, name), whitening.texts(getattr(raw, name)), atol=1e-5), name


def test_borrowed_anchors_have_no_say(dataset: Dataset, backbone: Backbone) -> None:
    bare = replace(dataset, anchors=(), negatives=())
    alone = replace(QUICK, losses=LossConfig())
    borrowed = with_anchors(bare, dataset)
    assert borrowed.borrowed and not with_anchors(dataset, dataset).borrowed
    of_shots, of_borrowed, of_own = (
        prepare(alone, one, backbone, lambda: False).model.whitening for one in (bare, borrowed, dataset)
    )
    assert of_shots is not None and of_borrowed is not None and of_own is not None
    assert same_record(of_shots.root, of_borrowed.root) and same_record(of_shots.center, of_borrowed.center)
    assert not torch.allclose(of_shots.root, of_own.root, atol=1e-3)


def test_recognizing_and_explaining_whiten_as_the_evaluation_does(
    dataset: Dataset, backbone: Backbone, tmp_path: Path
) -> None:
    train(FULL, dataset, out=tmp_path / "b", checkpoint=tmp_path / "c", backbone=backbone)
    clip, names = dataset.clips[4].path, [*dataset.base, *dataset.novel]
    model = load_bundle(tmp_path / "b").attach(backbone, names)
    with torch.no_grad():
        logits = backbone.scale * features(model, [clip])[0] @ model.encode_names(names).T
    wanted = dict(zip(names, logits.softmax(-1).tolist(), strict=True))
    answer = Recognizer(backbone, tmp_path / "b").recognize([clip], names).clips[0]
    assert answer.bundle is not None
    assert {score.label: score.score for score in answer.bundle} == pytest.approx(wanted, abs=1e-5)
    ways = Ways(score=ScoreKind.LOGIT, anchors=dataset.anchors)
    found = explain_clip(
        backbone, clip, names, bundle=bundles.load_folder(tmp_path / "b"), label=names[0], num_frames=2, ways=ways
    ).bundle
    assert found is not None and found.share == pytest.approx(wanted[names[0]], abs=1e-5)
    assert found.score == pytest.approx(float(logits[0]), abs=1e-4)
    assert found.relatives is not None
    nearest = features(model, [anchor.path for anchor in dataset.anchors]) @ features(model, [clip])[0]
    assert found.relatives.anchors[0].cosine == pytest.approx(float(nearest.max()), abs=1e-5)


def test_known_features_spare_the_encoding_and_change_nothing(
    dataset: Dataset, backbone: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = PlainFeatures(backbone, 2)
    alone = train(FULL, dataset, out=tmp_path / "a", checkpoint=tmp_path / "c", backbone=backbone)
    first = train(FULL, dataset, out=tmp_path / "b", checkpoint=tmp_path / "c2", backbone=backbone, known=known)
    monkeypatch.setattr(
        "ga2app.evaluation.clip_features.clip_moments", lambda model, paths, *_: plain_empty(model, paths)
    )
    again = train(FULL, dataset, out=tmp_path / "d", checkpoint=tmp_path / "c3", backbone=backbone, known=known)
    assert alone.metrics == first.metrics == again.metrics and alone.zero_shot == again.zero_shot
    kept = [(tmp_path / name / "prompts.safetensors").read_bytes() for name in "abd"]
    assert kept[0] == kept[1] == kept[2]


def plain_empty(model: PromptedClip, paths: list[str]) -> Tensor:
    assert not paths, "encoded a second time"
    return torch.empty(0, COUNT, model.backbone.sizes.embedding_width)


def test_features_come_in_the_order_asked_for(dataset: Dataset, backbone: Backbone) -> None:
    known, paths = PlainFeatures(backbone, 2), [clip.path for clip in dataset.clips[:4]]
    wanted = evaluate.encode_clips(plain_clip(backbone, dataset.base), paths, 2)
    known.of(paths[2:3])
    for order in ([0, 1, 2, 3], [3, 1], [2, 0, 2]):
        assert same_record(known.of([paths[place] for place in order]), wanted[order])


def test_without_anything_to_whiten_by_a_run_trains_unwhitened_and_says_so(
    dataset: Dataset, backbone: Backbone, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bare = replace(dataset, anchors=())
    config = replace(QUICK, shots=1)
    caplog.set_level(logging.INFO)
    assert train(config, bare, out=tmp_path / "b", checkpoint=tmp_path / "c", backbone=backbone).finished
    assert not bundles.load_folder(tmp_path / "b").manifest.run.whitening.enabled
    assert "whitening is off: it takes two training clips of a label" in caplog.text


@pytest.mark.parametrize(
    ("shots", "lent", "setting", "used"),
    [
        (1, True, "whitening.enabled", False),
        (2, True, "whitening.anchors", 0.0),
        (1, False, "whitening.anchors", 1.0),
    ],
    ids=["one shot and borrowed anchors", "borrowed anchors", "one shot and own anchors"],
)
def test_a_run_records_what_it_could_not_use_as_asked_and_its_bundle_and_report_say_it(
    shots: int, lent: bool, setting: str, used: object, dataset: Dataset, backbone: Backbone, tmp_path: Path
) -> None:
    own = with_anchors(replace(dataset, anchors=()), replace(dataset, name="street")) if lent else dataset
    config, events = replace(QUICK, shots=shots), []
    result = train(
        config, own, out=tmp_path / "b", checkpoint=tmp_path / "c", backbone=backbone, emit=events.append, reported=True
    )
    conditions = read_conditions(next(event.values["conditions"] for event in events if event.kind == EventKind.PLAN))
    (adjustment,) = conditions.adjustments
    assert (adjustment.setting, adjustment.used) == (setting, used)
    assert ("borrowed" in adjustment.reason) is lent and ("data set 'street'" in adjustment.reason) is lent
    source = " borrowed from data set 'street'" if lent else ", the data set's own"
    assert conditions.anchors == f"2 anchor clips{source}"
    assert (conditions.clips, conditions.least, conditions.most) == (2 * shots, shots, shots)
    manifest = bundles.load_folder(tmp_path / "b").manifest
    section, _, name = setting.partition(".")
    assert getattr(getattr(manifest.run, section), name) == used and manifest.used == conditions
    assert result.report is not None and result.report.conditions == conditions
    assert result.tested == conditions.tested == {"base": SampleSize(4, 2), "novel": SampleSize(4, 2)}
    epoch = next(event for event in events if event.kind == EventKind.EPOCH)
    assert read_tested(epoch.values["tested"]) == result.tested


def test_shots_beyond_the_clips_are_recorded_as_what_they_came_to(
    dataset: Dataset, backbone: Backbone, tmp_path: Path
) -> None:
    few = replace(dataset, clips=dataset.clips[2:])  # one training clip of the first label, three of the others
    train(replace(QUICK, shots=16), few, out=tmp_path / "b", checkpoint=tmp_path / "c", backbone=backbone)
    used = bundles.load_folder(tmp_path / "b").manifest.used
    (shots,) = [one for one in used.adjustments if one.setting == "shots"]
    assert (shots.asked, shots.used) == (16, "1 to 3") and used.shots_text(16) == "16 shots (1 to 3 clips a label)"
