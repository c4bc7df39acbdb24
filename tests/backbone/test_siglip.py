"""SigLIP 2 of fixed size is a backbone, and computes what transformers computes, with prompts and without."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional
from transformers import AutoTokenizer, SiglipConfig, SiglipImageProcessor, SiglipModel

from ga2app.bundles.checkpoints import import_checkpoint
from ga2app.clip import Backbone, load_backbone
from ga2app.clip.siglip_towers import SiglipBackbone
from ga2app.config import PromptConfig
from ga2app.errors import BackboneError, CheckpointError
from ga2app.services.prompt_fit import towers_of
from tests.backbone.clip_folders import copy_of, say
from tests.backbone.tower_folders import (
    NAMES,
    SIDE,
    TEXT,
    VISUAL,
    SiglipReference,
    learner,
    make_siglip,
    resized,
    sentencepiece_tokenizer,
    siglip_ids,
    some_pixels,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_siglip(tmp_path_factory.mktemp("siglip"))


@pytest.fixture(scope="module")
def backbone(folder: Path) -> Backbone:
    return load_backbone(folder, device="cpu", precision="float32")


@pytest.fixture(scope="module")
def library(folder: Path) -> SiglipModel:
    return SiglipModel.from_pretrained(folder).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def pixels() -> Tensor:
    return some_pixels()


@pytest.mark.filterwarnings("error")
def test_both_towers_equal_the_library(backbone: Backbone, library: SiglipModel, folder: Path, pixels: Tensor):
    assert isinstance(backbone, SiglipBackbone)
    texts = ["a video of a person walking.", "Waving a HAND", "x"]
    wanted = library(input_ids=siglip_ids(folder, texts), pixel_values=pixels[0])
    frames = functional.normalize(backbone.encode_frames(pixels[0]), dim=-1)
    found = backbone.text_features(texts)
    assert (frames - wanted.image_embeds).abs().max() < 1e-5 and (found - wanted.text_embeds).abs().max() < 1e-5
    logits = backbone.scale * frames @ found.T + backbone.bias
    assert (logits - wanted.logits_per_image).abs().max() < 1e-4  # of logits around -5


def test_what_padding_does_to_a_text_is_part_of_it(backbone: Backbone, library: SiglipModel, folder: Path):
    tight = AutoTokenizer.from_pretrained(folder)(NAMES[:1], return_tensors="pt")["input_ids"]
    other = functional.normalize(library.get_text_features(input_ids=tight).pooler_output, dim=-1)
    assert (backbone.text_features(NAMES[:1]) - other).abs().max() > 1e-2


def test_gradient_checkpointing_gives_the_same_gradients(backbone: Backbone, pixels: Tensor):
    config = PromptConfig(length=4, visual_depth=2, text_depth=0, coupled=False)
    found = []
    for recompute in (False, True):
        own = learner(config, VISUAL, TEXT).requires_grad_(True)
        backbone.encode_frames(pixels[0], own.visual_prompts(), recompute=recompute).square().sum().backward()
        assert own.visual is not None and own.visual.grad is not None
        found.append(own.visual.grad)
    assert (found[0] - found[1]).abs().max() < 1e-4 * float(found[0].abs().max())


def test_pictures_become_what_its_own_processor_makes_of_them(backbone: Backbone, folder: Path):
    how = backbone.preprocessing
    assert (how.short_side_px, how.mean, how.std, how.size_px) == (None, (0.5,) * 3, (0.5,) * 3, SIDE)
    picture = Image.fromarray(np.full((SIDE, SIDE, 3), 64, np.uint8))
    theirs = SiglipImageProcessor.from_pretrained(folder)(picture, return_tensors="pt")["pixel_values"]
    assert abs(float(theirs.mean()) - (64 / 255 - how.mean[0]) / how.std[0]) < 1e-5


def test_bfloat16_stays_near_float32(backbone: Backbone, folder: Path, pixels: Tensor):
    coarse = load_backbone(folder, device="cpu", precision="bfloat16")
    fine = functional.normalize(backbone.encode_frames(pixels[0]), dim=-1)
    assert (functional.normalize(coarse.encode_frames(pixels[0]), dim=-1) * fine).sum(dim=-1).min() > 0.99
    assert (coarse.text_features(NAMES) * backbone.text_features(NAMES)).sum(dim=-1).min() > 0.99


def test_a_folder_that_lacks_a_part_is_refused_with_what_is_missing(
    folder: Path, tiny_clip_folder: Path, tmp_path: Path
):
    bare = copy_of(folder, tmp_path / "bare", without=("preprocessor_config.json",))
    with pytest.raises(BackboneError, match=r"is a SigLIP without preprocessor_config.json.*copy it from the SigLIP"):
        load_backbone(bare)
    with pytest.raises(BackboneError, match="no tokenizer"):
        load_backbone(copy_of(folder, tmp_path / "mute", without=("tokenizer.json",)))
    other = copy_of(folder, tmp_path / "other")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (other / name).write_bytes((tiny_clip_folder / name).read_bytes())
    with pytest.raises(BackboneError, match="do not belong together"):
        load_backbone(other)
    with pytest.raises(BackboneError, match="size is 64 × 64, and the vision tower takes 32 × 32"):
        load_backbone(
            say(copy_of(folder, tmp_path / "wide"), "preprocessor_config.json", size={"height": 64, "width": 64})
        )


def test_a_checkpoint_of_clip_is_refused(backbone: Backbone, tmp_path: Path):
    torch.save({"ctx": torch.zeros(4, TEXT)}, tmp_path / "x.pt")
    with pytest.raises(CheckpointError, match="is a SigLIP, and these checkpoints were learned on CLIP"):
        import_checkpoint(tmp_path / "x.pt", backbone, out=tmp_path / "out")


def test_the_first_siglips_tokenizer_is_used_where_its_package_is_installed(folder: Path, tmp_path: Path):
    pytest.importorskip("sentencepiece")
    made = copy_of(folder, tmp_path / "first", without=("tokenizer.json", "tokenizer_config.json"))
    resized(made, sentencepiece_tokenizer(made))
    found = load_backbone(made, device="cpu", precision="float32")
    texts = ["A video of a person walking.", "the Fox!"]
    wanted = SiglipReference(made).texts(texts)
    assert (found.text_features(texts) - wanted).abs().max() < 1e-5
    assert found.tokenize(["x"]).ids[0, -1] == found.tokenizer.eos_token_id == found.tokenizer.pad_token_id


@pytest.mark.skipif(find_spec("sentencepiece") is not None, reason="the package is installed")
def test_the_first_siglips_tokenizer_asks_for_its_package(folder: Path, tmp_path: Path):
    made = copy_of(folder, tmp_path / "first", without=("tokenizer.json", "tokenizer_config.json"))
    say(made, "tokenizer_config.json", tokenizer_class="SiglipTokenizer")
    (made / "spiece.model").write_bytes(b"x")
    with pytest.raises(BackboneError, match="pip install sentencepiece protobuf"):
        load_backbone(made)


def test_what_a_configuration_leaves_out_is_what_is_usual_for_its_type(tmp_path: Path):
    SiglipConfig().save_pretrained(tmp_path)
    config = SiglipConfig.from_pretrained(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "siglip", "text_config": {}, "vision_config": {}}')
    found = towers_of(str(tmp_path))
    assert found is not None
    assert (found.text_width, found.text_positions) == (config.text_config.hidden_size, 64)
    assert found.frame_tokens == (224 // config.vision_config.patch_size) ** 2 + 1
