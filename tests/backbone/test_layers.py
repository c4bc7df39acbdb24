from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import CLIPModel
from transformers.activations import ACT2FN

from ga2app.clip.prompt_layers import FrozenLayer, FusedQuickGelu, freeze_layers
from tests.approx import same_record


@pytest.fixture
def clip(tiny_clip_folder: Path) -> CLIPModel:
    return CLIPModel.from_pretrained(tiny_clip_folder).eval().requires_grad_(False)


def test_the_fused_activation_and_its_gradient_are_those_of_quick_gelu():
    x = torch.linspace(-12, 12, 4001, dtype=torch.float64, requires_grad=True)
    (wanted,) = torch.autograd.grad(ACT2FN["quick_gelu"](x).sum(), x)
    (found,) = torch.autograd.grad(FusedQuickGelu()(x).sum(), x)
    assert (FusedQuickGelu()(x) - ACT2FN["quick_gelu"](x)).abs().max() < 1e-12
    assert (found - wanted).abs().max() < 1e-12


def test_only_a_quick_gelu_is_replaced(clip: CLIPModel):
    clip.text_model.config.hidden_act = "gelu"
    freeze_layers(clip, torch.float32, eager=False)
    kinds = [
        {type(layer.mlp.activation_fn) for layer in tower.encoder.layers}
        for tower in (clip.vision_model, clip.text_model)
    ]
    assert kinds[0] == {FusedQuickGelu} and FusedQuickGelu not in kinds[1]


@pytest.mark.parametrize("eager", [False, True])
def test_a_frozen_layer_is_the_layer_it_was_made_of_and_so_is_its_first_position(clip: CLIPModel, eager: bool):
    layer = clip.vision_model.encoder.layers[0]
    hidden = torch.randn(4, 7, layer.embed_dim, requires_grad=True)
    frozen = FrozenLayer(layer)
    frozen.self_attn.eager = eager
    pairs = [(layer(hidden, None), frozen(hidden)), (layer(hidden, None)[:, 0], frozen.first(hidden))]
    for wanted, found in pairs:
        assert same_record(found, wanted, rel=1e-5)
        gradients = [torch.autograd.grad(out.square().sum(), hidden)[0] for out in (found, wanted)]
        assert same_record(*gradients, rel=1e-5)


def test_a_frozen_clip_has_the_state_dict_of_the_clip_that_it_was(clip: CLIPModel):
    before = {name: value.clone() for name, value in clip.state_dict().items()}
    freeze_layers(clip, torch.float32, eager=False)
    after = clip.state_dict()
    assert after.keys() == before.keys() and all(torch.equal(after[name], before[name]) for name in before)
