from __future__ import annotations

import json
import resource
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ga2app import bundles
from ga2app.clip import Backbone, load_backbone
from ga2app.config import PromptConfig, RunConfig
from ga2app.errors import BundleError
from ga2app.inference import load_bundle
from ga2app.method.prompted_model import PromptedClip
from ga2app.method.prompts import PromptLearner
from tests.approx import same_record

NAMES = ["walking", "waving a hand", "reading a book"]
CONFIG = RunConfig(backbone="tiny", prompts=PromptConfig(length=2, visual_depth=3, text_depth=3, hard_prompt="random"))


@pytest.fixture(scope="module")
def backbone(tiny_clip_folder: Path) -> Backbone:
    return load_backbone(tiny_clip_folder, precision="float32")


def made(backbone: Backbone) -> tuple[bundles.Bundle, PromptedClip]:
    prompts = PromptLearner(CONFIG.prompts, 32, 24, generator=torch.Generator().manual_seed(0))
    manifest = bundles.Manifest(
        format_version=bundles.FORMAT_VERSION,
        name="colors",
        backbone=backbone.identity.to_dict(),
        config=CONFIG.to_dict(),
        base=("walking", "waving a hand"),
        novel=("reading a book", "jumping"),
        dataset_hash="0123",
        anchor_captions=("a red wall",),
        negatives=("nothing",),
        preprocessing={"image_size": 32, "num_frames": 2},
        steps=3,
        metrics={"base": 80.0, "novel": 60.0, "hm": 68.5714},
        zero_shot={"base": 50.0},
        packages=bundles.package_versions(),
    )
    return bundles.Bundle(manifest, prompts.tensors()), PromptedClip(backbone, prompts, NAMES).eval()


def test_saving_and_loading_gives_the_same_logits(backbone: Backbone, tmp_path: Path):
    bundle, model = made(backbone)
    bundles.save(bundle, tmp_path / "one")
    pixels = torch.randn(2, 2, 3, 32, 32)
    loaded = load_bundle(tmp_path / "one").attach(backbone, NAMES)
    with torch.no_grad():
        assert same_record(model(pixels).logits, loaded(pixels).logits)
    assert bundles.load_folder(tmp_path / "one").manifest == bundle.manifest


def test_an_attached_bundle_has_nothing_to_train_and_is_in_eval_mode(backbone: Backbone, tmp_path: Path):
    bundles.save(made(backbone)[0], tmp_path / "one")
    model = load_bundle(tmp_path / "one").attach(backbone, NAMES)
    assert not model.training and not any(parameter.requires_grad for parameter in model.parameters())
    out = model(torch.randn(1, 2, 3, 32, 32))
    assert out.logits.shape == (1, 3) and out.clip_features.shape == (1, 16) and out.class_features.shape == (3, 16)
    assert torch.allclose(out.clip_features.norm(dim=-1), torch.ones(1))


def test_a_bundle_holds_safetensors_json_and_a_card_and_nothing_else(backbone: Backbone, tmp_path: Path):
    bundles.save(made(backbone)[0], tmp_path / "one")
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == [
        "README.md",
        "bundle.json",
        "prompts.safetensors",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["one"]
    text = (tmp_path / "one" / "bundle.json").read_text()
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def test_the_card_shows_the_figures_beside_plain_clip(backbone: Backbone):
    from ga2app.bundles.model_card import model_card

    card = model_card(made(backbone)[0].manifest)
    assert "| zero-shot CLIP | 50.0 | – | – |" in card
    assert "| with these prompts | 80.0 | 60.0 | 68.6 |" in card
    assert card.startswith("---\nlicense: ")


def test_saving_again_replaces_the_bundle_whole(backbone: Backbone, tmp_path: Path):
    bundle, _ = made(backbone)
    bundles.save(bundle, tmp_path / "one")
    (tmp_path / "one" / "stray.txt").write_text("x")
    bundles.save(replace(bundle, manifest=replace(bundle.manifest, steps=9)), tmp_path / "one")
    assert bundles.load_folder(tmp_path / "one").manifest.steps == 9
    assert not (tmp_path / "one" / "stray.txt").exists()


def test_a_folder_of_something_else_is_never_replaced(backbone: Backbone, tmp_path: Path):
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "precious.mp4").write_bytes(b"x")
    with pytest.raises(BundleError, match="is there already and is not a bundle; name a new folder"):
        bundles.save(made(backbone)[0], tmp_path / "clips")
    assert (tmp_path / "clips" / "precious.mp4").exists()
    (tmp_path / "empty").mkdir()
    bundles.save(made(backbone)[0], tmp_path / "empty")
    assert (tmp_path / "empty" / "bundle.json").exists()


def test_a_bundle_of_another_backbone_is_refused_with_the_reason(backbone: Backbone, tmp_path: Path):
    bundle, _ = made(backbone)
    other = {**backbone.identity.to_dict(), "name": "elsewhere", "fingerprint": "ffff"}
    bundles.save(replace(bundle, manifest=replace(bundle.manifest, backbone=other)), tmp_path / "one")
    with pytest.raises(BundleError, match=r"was trained on backbone 'elsewhere' \(ffff\) and cannot be used with"):
        load_bundle(tmp_path / "one").attach(backbone, NAMES)


def damage(folder: Path, **changes: object) -> None:
    path = folder / "bundle.json"
    data = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({key: value for key, value in data.items() if value is not None}))


def test_damaged_bundles_are_told_apart(backbone: Backbone, tmp_path: Path):
    root = tmp_path / "one"

    def fresh() -> None:
        bundles.save(made(backbone)[0], root)

    def refused(match: str) -> None:
        with pytest.raises(BundleError, match=match):
            bundles.load_folder(root)

    refused("is not a prompt bundle: it has no bundle.json")
    fresh()
    damage(root, format_version=4)
    refused("has format version 4 and this program reads versions up to 3; update")
    fresh()
    damage(root, metrics=None)
    refused(r"is not a valid manifest \(missing or unknown: metrics\)")
    fresh()
    damage(root, config={"shots": 0})
    refused("is not a valid manifest .*shots: must be at least 1")
    fresh()
    damage(root, backbone={"name": "x", "fingerprint": "y"})
    refused("is not a valid manifest")
    fresh()
    (root / "bundle.json").write_text("{")
    refused("bundle.json cannot be read")
    fresh()
    (root / "prompts.safetensors").write_bytes(b"\x80\x04pickle")
    refused("prompts.safetensors cannot be read")
    fresh()
    (root / "prompts.safetensors").unlink()
    refused("has no prompts.safetensors")
    fresh()
    damage(root, config={**CONFIG.to_dict(), "prompts": {"length": 2, "visual_depth": 1, "text_depth": 3}})
    refused(r"visual has shape \(3, 2, 32\) instead of \(1, 2, 32\)")


def test_a_place_that_cannot_be_written_is_named(backbone: Backbone, tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BundleError, match="'.*file/bundle' could not be written .*; free some space or choose another"):
        bundles.save(made(backbone)[0], tmp_path / "file" / "bundle")


def test_a_full_disk_leaves_nothing_half_written(backbone: Backbone, tmp_path: Path):
    """A limit on the size of files stands in for the disk: safetensors then has an error of its own."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, before[1]))
    try:
        with pytest.raises(BundleError, match="could not be written"):
            bundles.save(made(backbone)[0], tmp_path / "bundle")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert not list(tmp_path.iterdir())
