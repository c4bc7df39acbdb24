"""SigLIP 2 of fixed size is a backbone, and computes what transformers computes, with prompts and without."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional
from transformers import AutoTokenizer, SiglipConfig, SiglipImageProcessor, SiglipModel

from ga2app import bundles
from ga2app.bundles.checkpoints import import_checkpoint
from ga2app.clip import Backbone, load_backbone
from ga2app.clip.siglip_towers import SiglipBackbone
from ga2app.config import PromptConfig, RunConfig
from ga2app.errors import BackboneError, CheckpointError, LabelError
from ga2app.inference import Recognizer
from ga2app.method.prompted_model import PromptedClip
from ga2app.method.prompts import PromptLearner
from ga2app.services.prompt_fit import towers_of
from tests.backbone.clip_folders import copy_of, say
from tests.backbone.tower_folders import (
    NAMES,
    POSITIONS,
    SIDE,
    TEXT,
    VISUAL,
    WORDS,
    learner,
    make_siglip,
    siglip_ids,
    siglip_reference,
    some_pixels,
    tower_rows,
)
from tests.bundle.manifests import manifest
from tests.clips import write_color_clip


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


def test_a_label_does_not_depend_on_the_labels_beside_it(backbone: Backbone):
    together, alone = backbone.text_features([*NAMES, "a very long name of a video"]), backbone.text_features(NAMES[:1])
    assert (together[:1] - alone).abs().max() < 1e-5


def test_what_padding_does_to_a_text_is_part_of_it(backbone: Backbone, library: SiglipModel, folder: Path):
    tight = AutoTokenizer.from_pretrained(folder)(NAMES[:1], return_tensors="pt")["input_ids"]
    other = functional.normalize(library.get_text_features(input_ids=tight).pooler_output, dim=-1)
    assert (backbone.text_features(NAMES[:1]) - other).abs().max() > 1e-2


@pytest.mark.parametrize(("visual", "text"), [(1, 1), (2, 3), (3, 2)])
def test_with_prompts_it_equals_the_librarys_layers(
    visual: int, text: int, backbone: Backbone, library: SiglipModel, folder: Path, pixels: Tensor
):
    prompts = learner(PromptConfig(length=4, visual_depth=visual, text_depth=text, coupled=False), VISUAL, TEXT)
    found = PromptedClip(backbone, prompts, NAMES).eval()(pixels)
    clips, texts = siglip_reference(library, folder, prompts, pixels)
    assert (found.clip_features - clips).abs().max() < 1e-5
    assert (found.class_features - texts).abs().max() < 1e-5
    bare = PromptedClip(backbone, prompts, NAMES).eval().backbone.text_features(NAMES)
    assert (found.class_features - bare).abs().max() > 1e-2


def test_depth_zero_is_the_library(backbone: Backbone, library: SiglipModel, folder: Path, pixels: Tensor):
    none = learner(PromptConfig(length=1, visual_depth=0, text_depth=0, coupled=False), VISUAL, TEXT)
    found = PromptedClip(backbone, none, NAMES).eval()(pixels)
    ids = siglip_ids(folder, [f"a video of a person {name}." for name in NAMES])
    texts = functional.normalize(library.get_text_features(input_ids=ids).pooler_output, dim=-1)
    assert (found.class_features - texts).abs().max() < 1e-5


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


def test_a_label_too_long_for_the_tower_is_named(backbone: Backbone):
    with pytest.raises(LabelError, match=r"has \d+ tokens and .* has room for 20 \(24 positions, 4 of them prompts\)"):
        backbone.tokenize(["zebra " * 10], 4)


def test_prompts_are_trained_bundled_and_recognize(backbone: Backbone, folder: Path, pixels: Tensor, tmp_path: Path):
    config = PromptConfig(length=4, visual_depth=2, text_depth=2, coupled=False)
    prompts = PromptLearner(config, VISUAL, TEXT, generator=torch.Generator().manual_seed(4))
    model = PromptedClip(backbone, prompts, NAMES[:2]).train()
    optimizer = torch.optim.AdamW(prompts.parameters(), lr=0.02)
    losses = []
    for _ in range(12):
        loss = functional.cross_entropy(model(pixels).logits, torch.arange(2))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]
    run = RunConfig(backbone=str(folder), prompts=config)
    told = replace(manifest(run, str(folder)), backbone=backbone.identity.to_dict())
    bundles.save(bundles.Bundle(told, prompts.eval().tensors()), tmp_path / "bundle")
    clip = write_color_clip(tmp_path / "a.mp4", (200, 40, 40), 0)
    (answer,) = Recognizer(backbone, tmp_path / "bundle").recognize([clip], NAMES).clips
    assert answer.error is None and answer.bundle is not None and len(answer.bundle) == 3


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
    made = copy_of(folder, tmp_path / "first", without=("tokenizer.json", "tokenizer_config.json"))
    say(made, "tokenizer_config.json", tokenizer_class="SiglipTokenizer")
    sentencepiece = pytest.importorskip("sentencepiece")
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([" ".join(WORDS), "the quick brown fox jumps over a lazy dog"] * 20),
        model_prefix=str(made / "spiece"), vocab_size=36, hard_vocab_limit=False,
        unk_id=0, eos_id=1, bos_id=-1, pad_id=-1,
    )  # fmt: skip
    config = SiglipConfig.from_pretrained(folder)
    config.text_config.vocab_size, config.text_config.pad_token_id = 36, 1
    SiglipModel(config).save_pretrained(made)
    found = load_backbone(made, device="cpu", precision="float32")
    library = SiglipModel.from_pretrained(made).eval().requires_grad_(False)
    texts = ["A video of a person walking.", "the Fox!"]
    ids = AutoTokenizer.from_pretrained(made)(texts, padding="max_length", max_length=POSITIONS, return_tensors="pt")
    wanted = functional.normalize(library.get_text_features(input_ids=ids["input_ids"]).pooler_output, dim=-1)
    assert (found.text_features(texts) - wanted).abs().max() < 1e-5
    assert found.tokenize(["x"]).ids[0, -1] == found.tokenizer.eos_token_id == found.tokenizer.pad_token_id


@pytest.mark.skipif(find_spec("sentencepiece") is not None, reason="the package is installed")
def test_the_first_siglips_tokenizer_asks_for_its_package(folder: Path, tmp_path: Path):
    made = copy_of(folder, tmp_path / "first", without=("tokenizer.json", "tokenizer_config.json"))
    say(made, "tokenizer_config.json", tokenizer_class="SiglipTokenizer")
    (made / "spiece.model").write_bytes(b"x")
    with pytest.raises(BackboneError, match="pip install sentencepiece protobuf"):
        load_backbone(made)


def test_the_table_of_towers_in_the_documents_is_the_one_that_is_printed(tmp_path: Path):
    told = (Path(__file__).parents[2] / "docs/formats.md").read_text()
    for row in tower_rows(tmp_path):
        assert row.partition("` | ")[0] in told, f"python -m tests.published.checkpoint_table\n{row}"


def test_what_a_configuration_leaves_out_is_what_is_usual_for_its_type(tmp_path: Path):
    SiglipConfig().save_pretrained(tmp_path)
    config = SiglipConfig.from_pretrained(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "siglip", "text_config": {}, "vision_config": {}}')
    found = towers_of(str(tmp_path))
    assert found is not None
    assert (found.text_width, found.text_positions) == (config.text_config.hidden_size, 64)
    assert found.frame_tokens == (224 // config.vision_config.patch_size) ** 2 + 1
