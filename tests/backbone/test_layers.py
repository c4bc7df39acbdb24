from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import CLIPModel

from ga2app.clip.prompt_layers import FrozenLayer, freeze_layers, quick_gelu_mlp
from tests.approx import same_record


@pytest.fixture
def clip(tiny_clip_folder: Path) -> CLIPModel:
    return CLIPModel.from_pretrained(tiny_clip_folder).eval().requires_grad_(False)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_the_mlp_in_fewer_passes_and_its_gradient_are_those_of_quick_gelu(dtype: torch.dtype, clip: CLIPModel):
    mlp = clip.vision_model.encoder.layers[0].mlp.to(dtype)
    x = (4 * torch.randn(5, 7, mlp.fc1.in_features)).to(dtype).requires_grad_()
    rel = 1e-5 if dtype == torch.float32 else 0.02
    found, wanted = quick_gelu_mlp(mlp, x), mlp(x)
    assert same_record(found, wanted, rel=rel)
    with torch.no_grad():
        assert same_record(quick_gelu_mlp(mlp, x), wanted, rel=rel)
    gradients = [torch.autograd.grad(out.float().square().sum(), x)[0] for out in (found, wanted)]
    assert same_record(*gradients, rel=rel)


def test_other_activations_than_quick_gelu_stay(clip: CLIPModel):
    clip.text_model.config.hidden_act = "gelu"
    freeze_layers(clip, torch.float32, eager=False)
    assert clip.vision_model.encoder.layers[0].quick and not clip.text_model.encoder.layers[0].quick


@pytest.mark.parametrize("eager", [False, True])
def test_a_frozen_layer_is_the_layer_it_was_made_of_and_so_is_its_first_position(clip: CLIPModel, eager: bool):
    layer = clip.vision_model.encoder.layers[0]
    hidden = torch.randn(4, 7, layer.embed_dim, requires_grad=True)
    frozen = FrozenLayer(layer, quick=True)
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
