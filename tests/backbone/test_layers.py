from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import CLIPModel
from transformers.activations import ACT2FN

from ga2app.clip import load_backbone
from ga2app.clip.prompt_layers import FusedQuickGelu, fuse_activations, one_position


@pytest.fixture(scope="module")
def clip(tiny_clip_folder: Path) -> CLIPModel:
    return CLIPModel.from_pretrained(tiny_clip_folder).eval().requires_grad_(False)


def test_the_fused_activation_and_its_gradient_are_those_of_quick_gelu():
    x = torch.linspace(-12, 12, 4001, dtype=torch.float64, requires_grad=True)
    (wanted,) = torch.autograd.grad(ACT2FN["quick_gelu"](x).sum(), x)
    (found,) = torch.autograd.grad(FusedQuickGelu()(x).sum(), x)
    assert (FusedQuickGelu()(x) - ACT2FN["quick_gelu"](x)).abs().max() < 1e-12
    assert (found - wanted).abs().max() < 1e-12


def test_only_a_quick_gelu_is_replaced(clip: CLIPModel):
    clip.text_model.config.hidden_act, before = "gelu", clip.text_model.config.hidden_act
    try:
        fuse_activations(clip)
    finally:
        clip.text_model.config.hidden_act = before
    kinds = [
        {type(layer.mlp.activation_fn) for layer in tower.encoder.layers}
        for tower in (clip.vision_model, clip.text_model)
    ]
    assert kinds[0] == {FusedQuickGelu} and FusedQuickGelu not in kinds[1]


def test_a_loaded_backbone_has_the_fused_activation(tiny_clip_folder: Path):
    towers = load_backbone(tiny_clip_folder).clip
    assert isinstance(towers.vision_model.encoder.layers[0].mlp.activation_fn, FusedQuickGelu)


@pytest.mark.parametrize("masked", [False, True])
def test_one_position_is_what_the_whole_layer_gives_there_with_its_gradient(clip: CLIPModel, masked: bool):
    layer = clip.text_model.encoder.layers[0]
    hidden = torch.randn(4, 7, layer.embed_dim, requires_grad=True)
    places = torch.tensor([0, 6, 3, 2])
    mask = torch.full((7, 7), -1e30).triu(1)[None, None] if masked else None
    whole = layer(hidden, mask, is_causal=False)[torch.arange(4), places]
    alone = one_position(layer, hidden, places, mask)
    assert (whole - alone).abs().max() < 1e-5
    gradients = [torch.autograd.grad(out.square().sum(), hidden)[0] for out in (whole, alone)]
    assert (gradients[0] - gradients[1]).abs().max() < 1e-4
