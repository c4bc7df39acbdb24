"""What makes two backbones one: all weights, how they are computed with, and the preprocessing."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from ga2app.bundles import difference
from ga2app.clip import Backbone, fingerprints, load_backbone
from ga2app.clip.files import look_into
from ga2app.paths import SKETCH_HARD_PROMPT, default_home
from tests.backbone.clip_folders import copy_of, say

HALF = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}


@pytest.fixture(scope="module")
def backbone(tiny_clip_folder: Path) -> Backbone:
    return load_backbone(tiny_clip_folder, device="cpu")


def with_act(folder: Path, act: str) -> Path:
    data = json.loads((folder / "config.json").read_text())
    for tower in ("vision_config", "text_config"):
        data[tower]["hidden_act"] = act
    return say(folder, "config.json", **data)


def test_another_activation_is_another_backbone(tiny_clip_folder: Path, tmp_path: Path):
    found = [load_backbone(with_act(copy_of(tiny_clip_folder, tmp_path / act), act)) for act in ("gelu", "quick_gelu")]
    assert found[0].identity.fingerprint != found[1].identity.fingerprint
    assert "or another activation" in difference(*(one.identity.to_dict() for one in found))


def test_weights_of_an_inner_layer_alone_make_another_backbone(
    tiny_clip_folder: Path, tmp_path: Path, backbone: Backbone
):
    folder = copy_of(tiny_clip_folder, tmp_path / "tuned")
    weights = load_file(folder / "model.safetensors")
    weights["vision_model.encoder.layers.1.mlp.fc2.weight"] += 0.01
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    tuned = load_backbone(folder).identity
    assert tuned.six_tensors == backbone.identity.six_tensors
    assert "other weights in the inner layers" in difference(backbone.identity.to_dict(), tuned.to_dict())


def test_another_preprocessing_is_another_backbone_and_the_difference_is_told(
    tiny_clip_folder: Path, tmp_path: Path, backbone: Backbone
):
    half = load_backbone(say(copy_of(tiny_clip_folder, tmp_path / "half"), "preprocessor_config.json", **HALF)).identity
    assert half.weights == backbone.identity.weights and half.fingerprint != backbone.identity.fingerprint
    told = difference(json.loads(json.dumps(half.to_dict())), backbone.identity.to_dict())
    assert told.startswith("the same weights with other preprocessing: mean [0.5, 0.5, 0.5] there and [0.48145466")


def test_a_bundle_of_an_earlier_version_fits_the_weights_that_it_was_trained_on(tmp_path: Path):
    own = json.loads((SKETCH_HARD_PROMPT / "bundle.json").read_text())["backbone"]
    sketch = load_backbone("sketch")
    assert difference(own, sketch.identity.to_dict()) == ""
    assert difference(own | {"fingerprint": "f" * 16}, sketch.identity.to_dict()) == "other weights"


def test_a_bundle_of_an_earlier_version_does_not_fit_a_backbone_whose_pixels_it_never_saw():
    own = json.loads((SKETCH_HARD_PROMPT / "bundle.json").read_text())["backbone"]
    sketch = load_backbone("sketch").identity
    other: dict[str, Any] = replace(sketch, preprocessing=replace(sketch.preprocessing, mean=(0.5,) * 3)).to_dict()
    told = difference(own, other | {"fingerprint": "another"})
    assert "(before the backbone's preprocessor_config.json was read): mean [0.48145466" in told


def test_the_hash_of_large_weights_is_kept_until_a_file_changes(
    tiny_clip_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(fingerprints, "KEPT_FROM_BYTES", 0)
    folder = copy_of(tiny_clip_folder, tmp_path / "large")
    first = load_backbone(folder).identity.fingerprint
    kept = default_home().root / "weight_hashes.json"
    (key, value), *others = json.loads(kept.read_text()).items()
    assert value == load_backbone(tiny_clip_folder).identity.weights and not others
    kept.write_text(json.dumps({key: "made up"}))
    files = look_into(folder, "large")
    assert fingerprints.hash_of_files(None, files) == "made up"
    os.utime(folder / "model.safetensors", (1, 1))
    assert load_backbone(folder).identity.fingerprint == first
    kept.write_text("no JSON")
    assert load_backbone(folder).identity.fingerprint == first


def test_the_same_numbers_have_the_same_hash_whatever_they_are_stored_as(tiny_clip_folder: Path, tmp_path: Path):
    halves = {}
    for dtype in (torch.float16, torch.float32):
        folder = copy_of(tiny_clip_folder, tmp_path / str(dtype))
        weights = {name: value.half().to(dtype) for name, value in load_file(folder / "model.safetensors").items()}
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        halves[dtype] = load_backbone(folder).identity.fingerprint
    assert halves[torch.float16] == halves[torch.float32]
