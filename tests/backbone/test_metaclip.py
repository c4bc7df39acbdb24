"""MetaCLIP 2 is a backbone by its own class and its own tokenizer, and computes what transformers computes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import CLIPModel, MetaClip2Model

from ga2app import bundles
from ga2app.clip import Backbone, load_backbone
from ga2app.config import PromptConfig, RunConfig
from ga2app.errors import BackboneError
from ga2app.inference import Recognizer, load_bundle
from ga2app.method.prompted_model import PromptedClip
from ga2app.method.prompts import PromptLearner
from tests.backbone.clip_folders import copy_of, say
from tests.backbone.tower_folders import (
    NAMES,
    learner,
    make_metaclip,
    metaclip_reference,
    metaclip_texts,
    some_pixels,
)
from tests.bundle.manifests import manifest
from tests.clips import write_color_clip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_metaclip(tmp_path_factory.mktemp("metaclip"))


@pytest.fixture(scope="module")
def backbone(folder: Path) -> Backbone:
    return load_backbone(folder, device="cpu", precision="float32")


def test_both_towers_equal_the_library(backbone: Backbone, folder: Path):
    library = MetaClip2Model.from_pretrained(folder).eval()
    pixels = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        frames = library.get_image_features(pixel_values=pixels).pooler_output
        assert (backbone.encode_frames(pixels) - frames).abs().max() < 1e-5
    assert (backbone.text_features(NAMES) - metaclip_texts(library, folder, NAMES)).abs().max() < 1e-5
    assert abs(backbone.scale - float(library.logit_scale.detach().exp())) < 1e-4 * backbone.scale


def test_the_class_of_another_clip_would_give_other_texts_without_a_word(backbone: Backbone, folder: Path):
    wrong = CLIPModel.from_pretrained(folder).eval()
    assert (backbone.text_features(NAMES) - metaclip_texts(wrong, folder, NAMES)).abs().max() > 1e-2


def test_a_label_does_not_depend_on_the_labels_beside_it(backbone: Backbone):
    together, alone = backbone.text_features([*NAMES, "a very long name indeed"]), backbone.text_features(NAMES[:1])
    assert (together[:1] - alone).abs().max() < 1e-6


def test_small_and_capital_letters_are_told_apart(backbone: Backbone):
    assert (backbone.text_features(["Walking"]) - backbone.text_features(["walking"])).abs().max() > 1e-3


def test_with_prompts_it_equals_the_librarys_layers(backbone: Backbone, folder: Path):
    prompts = learner(PromptConfig(length=4, visual_depth=2, text_depth=3, coupled=False), 32, 24)
    library = MetaClip2Model.from_pretrained(folder).eval().requires_grad_(False)
    found = PromptedClip(backbone, prompts, NAMES).eval()(some_pixels())
    clips, texts = metaclip_reference(library, folder, prompts, some_pixels())
    assert (found.clip_features - clips).abs().max() < 1e-5
    assert (found.class_features - texts).abs().max() < 1e-5


def test_prompts_are_trained_bundled_and_recognize(backbone: Backbone, folder: Path, tmp_path: Path):
    config = PromptConfig(length=4, visual_depth=2, text_depth=2, coupled=False)
    prompts = PromptLearner(config, 32, 24, generator=torch.Generator().manual_seed(4))
    model = PromptedClip(backbone, prompts, NAMES).train()
    optimizer = torch.optim.AdamW(prompts.parameters(), lr=0.02)
    pixels, truth = torch.randn(3, 2, 3, 32, 32, generator=torch.Generator().manual_seed(5)), torch.arange(3)
    losses = []
    for _ in range(12):
        loss = torch.nn.functional.cross_entropy(model(pixels).logits, truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.7 * losses[0]
    run = RunConfig(backbone=str(folder), prompts=config)
    told = replace(manifest(run, str(folder)), backbone=backbone.identity.to_dict())
    bundles.save(bundles.Bundle(told, prompts.eval().tensors()), tmp_path / "bundle")
    clip = write_color_clip(tmp_path / "a.mp4", (200, 40, 40), 0)
    (answer,) = Recognizer(backbone, tmp_path / "bundle").recognize([clip], NAMES).clips
    assert answer.error is None and answer.bundle is not None and len(answer.bundle) == 3
    assert load_bundle(tmp_path / "bundle").manifest.backbone["fingerprint"] == backbone.identity.fingerprint


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("siglip2", "it takes pictures in their own shape"),
        ("chinese_clip", "its text tower is a BERT"),
        ("altclip", "its text tower is an XLM-RoBERTa"),
    ],
)
def test_towers_that_are_none_of_ours_are_refused_with_the_reason(kind: str, reason: str, folder: Path, tmp_path: Path):
    say(copy_of(folder, tmp_path / kind), "config.json", model_type=kind)
    with pytest.raises(BackboneError, match=f"is a {kind} model, not a CLIP .{reason}"):
        load_backbone(tmp_path / kind)
