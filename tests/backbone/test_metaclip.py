"""MetaCLIP 2 is a backbone by its own class and its own tokenizer, and computes what transformers computes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import AutoTokenizer, CLIPModel, MetaClip2Config, MetaClip2Model, XLMRobertaTokenizer

from ga2app import bundles
from ga2app.clip import Backbone, load_backbone
from ga2app.config import PromptConfig, RunConfig
from ga2app.errors import BackboneError
from ga2app.inference import Recognizer, load_bundle
from ga2app.method.prompted_model import PromptedClip
from ga2app.method.prompts import PromptLearner
from tests.backbone.clip_folders import copy_of, say
from tests.bundle.manifests import manifest
from tests.clips import write_color_clip

NAMES = ["walking", "Waving a hand", "reading"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights, a Unigram tokenizer of letters and some words, with end token 2, as the released ones have it."""
    where = tmp_path_factory.mktemp("metaclip")
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ."
    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -9.0), ("▁walking", -2.0)]
    pieces += [("▁a", -2.5), ("ing", -3.0), *((letter, -8.0) for letter in letters), ("<mask>", 0.0)]
    tokenizer = XLMRobertaTokenizer(vocab=pieces)
    tokenizer.save_pretrained(where)
    shape = {"num_hidden_layers": 3, "num_attention_heads": 2, "hidden_act": "gelu"}
    text = {"hidden_size": 24, "intermediate_size": 48, "vocab_size": len(tokenizer), "max_position_embeddings": 77}
    text |= {"bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 1, **shape}
    vision = {"hidden_size": 32, "intermediate_size": 64, "image_size": 32, "patch_size": 8, **shape}
    torch.manual_seed(0)
    clip = MetaClip2Model(MetaClip2Config(text_config=text, vision_config=vision, projection_dim=16))
    for name, weight in clip.named_parameters():  # so large that each of them shows
        if "norm" not in name and weight.dim():
            weight.data.normal_(std=0.3)
    clip.save_pretrained(where)
    return where


@pytest.fixture(scope="module")
def backbone(folder: Path) -> Backbone:
    return load_backbone(folder, device="cpu", precision="float32")


def library_texts(clip: MetaClip2Model | CLIPModel, folder: Path, texts: list[str]) -> Tensor:
    ids = AutoTokenizer.from_pretrained(folder)(texts, padding="max_length", max_length=77, return_tensors="pt")
    with torch.no_grad():
        features: Tensor = clip.get_text_features(input_ids=ids["input_ids"]).pooler_output
    return torch.nn.functional.normalize(features, dim=-1)


def test_both_towers_equal_the_library(backbone: Backbone, folder: Path):
    library = MetaClip2Model.from_pretrained(folder).eval()
    pixels = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        frames = library.get_image_features(pixel_values=pixels).pooler_output
        assert (backbone.encode_frames(pixels) - frames).abs().max() < 1e-5
    assert (backbone.text_features(NAMES) - library_texts(library, folder, NAMES)).abs().max() < 1e-5
    assert abs(backbone.scale - float(library.logit_scale.detach().exp())) < 1e-4 * backbone.scale


def test_the_class_of_another_clip_would_give_other_texts_without_a_word(backbone: Backbone, folder: Path):
    wrong = CLIPModel.from_pretrained(folder).eval()
    assert (backbone.text_features(NAMES) - library_texts(wrong, folder, NAMES)).abs().max() > 1e-2


def test_a_label_does_not_depend_on_the_labels_beside_it(backbone: Backbone):
    together, alone = backbone.text_features([*NAMES, "a very long name indeed"]), backbone.text_features(NAMES[:1])
    assert (together[:1] - alone).abs().max() < 1e-6


def test_small_and_capital_letters_are_told_apart(backbone: Backbone):
    assert (backbone.text_features(["Walking"]) - backbone.text_features(["walking"])).abs().max() > 1e-3


def reference(folder: Path, prompts: PromptLearner, pixels: Tensor) -> Tensor:
    """Logits with prompts, from the library's own layers with hooks that put the prompts in."""
    library, length = MetaClip2Model.from_pretrained(folder).eval(), prompts.config.length
    tokens = AutoTokenizer.from_pretrained(folder)
    rows = [[0, *[2] * length, *tokens(f"{name}.", add_special_tokens=False)["input_ids"], 2] for name in NAMES]
    ids = torch.full((len(rows), 77), 1)
    for row, found in zip(ids, rows, strict=True):
        row[: len(found)] = torch.tensor(found)
    ends = torch.tensor([len(row) - 1 for row in rows])
    context, text, vision = prompts.context(), library.text_model, library.vision_model
    assert context is not None
    words = text.embeddings.token_embedding(ids)
    words[:, 1 : 1 + length] = context
    hidden = words + text.embeddings.position_embedding.weight
    mask = torch.full((77, 77), float("-inf")).triu(1)[None, None]
    for depth, layer in enumerate(text.encoder.layers):
        if 0 < depth <= len(prompts.text_prompts()):
            hidden[:, 1 : 1 + length] = prompts.text_prompts()[depth - 1]
        hidden = layer(hidden, mask)
    texts = library.text_projection(text.final_layer_norm(hidden)[torch.arange(len(ids)), ends])
    seen, sets = vision.embeddings(pixels.flatten(0, 1)), prompts.visual_prompts()
    hidden = vision.pre_layrnorm(torch.cat([seen, sets[0].expand(len(seen), -1, -1)], dim=1))
    for depth, layer in enumerate(vision.encoder.layers):
        if 0 < depth < len(sets):
            hidden[:, -length:] = sets[depth]
        hidden = layer(hidden, None)
    frames = library.visual_projection(vision.post_layernorm(hidden[:, 0])).unflatten(0, pixels.shape[:2])
    clips = torch.nn.functional.normalize(frames.mean(dim=1), dim=-1)
    return library.logit_scale.exp() * clips @ torch.nn.functional.normalize(texts, dim=-1).T


def test_with_prompts_it_equals_the_librarys_layers(backbone: Backbone, folder: Path):
    config = PromptConfig(length=4, visual_depth=2, text_depth=3, coupled=False)
    prompts = PromptLearner(config, 32, 24, generator=torch.Generator().manual_seed(2)).eval()
    pixels = torch.randn(2, 3, 3, 32, 32, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        for parameter in prompts.parameters():
            parameter.mul_(20)
        found = PromptedClip(backbone, prompts, NAMES).eval()(pixels).logits
        wanted = reference(folder, prompts, pixels)
        assert (found - wanted).abs().max() < 1e-5 * max(1.0, float(wanted.abs().max()))


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
        ("siglip", "its text tower has no causal mask"),
        ("siglip2", "it takes pictures in their own shape"),
        ("chinese_clip", "its text tower is a BERT"),
        ("altclip", "its text tower is an XLM-RoBERTa"),
    ],
)
def test_towers_that_are_none_of_ours_are_refused_with_the_reason(kind: str, reason: str, folder: Path, tmp_path: Path):
    say(copy_of(folder, tmp_path / kind), "config.json", model_type=kind)
    with pytest.raises(BackboneError, match=f"is a {kind} model, not a CLIP .{reason}"):
        load_backbone(tmp_path / kind)
