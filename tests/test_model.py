from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from transformers import CLIPModel

from ga2app.clip import Backbone, TokenizedText, load_backbone
from ga2app.config import PromptConfig
from ga2app.method.pooling import moments
from ga2app.method.prompted_model import PromptedClip, plain_clip
from ga2app.method.prompts import PromptLearner
from tests.approx import same_record
from tests.plain_towers import plain_frames, plain_texts

NAMES = ["walking", "waving a hand", "reading a book"]


@pytest.fixture(scope="module")
def backbone(tiny_clip_folder: Path) -> Backbone:
    return load_backbone(tiny_clip_folder, precision="float32")


@pytest.fixture(scope="module")
def reference(tiny_clip_folder: Path) -> CLIPModel:
    return CLIPModel.from_pretrained(tiny_clip_folder).eval()


def prompted(backbone: Backbone, **changes: object) -> PromptedClip:
    config = PromptConfig(**{"length": 2, "visual_depth": 3, "text_depth": 3, **changes})
    prompts = PromptLearner(config, 32, 24, generator=torch.Generator().manual_seed(0))
    return PromptedClip(backbone, prompts, NAMES)


def clips(batch: int = 2, frames: int = 3) -> Tensor:
    return torch.randn(batch, frames, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def test_depth_zero_is_clip_model_itself(backbone: Backbone, reference: CLIPModel):
    with torch.no_grad():
        frames = reference.get_image_features(pixel_values=clips().flatten(0, 1)).pooler_output
        wanted_clips = functional.normalize(frames.unflatten(0, (2, 3)).mean(1), dim=-1)
        out = plain_clip(backbone, NAMES)(clips())
    assert (out.clip_features - wanted_clips).abs().max() < 1e-5
    wanted = reference.logit_scale.exp() * wanted_clips @ out.class_features.T
    assert (out.logits - wanted).abs().max() < 1e-4
    assert torch.allclose(out.class_features.norm(dim=-1), torch.ones(3))


@pytest.mark.parametrize("depth", [1, 3])
def test_visual_prompts_replace_the_last_tokens_in_as_many_layers_as_they_have_sets(
    depth: int, backbone: Backbone, reference: CLIPModel
):
    model = prompted(backbone, visual_depth=depth).eval()
    with torch.no_grad():
        wanted = plain_frames(reference, clips(1, 1)[0], model.prompts.visual_prompts())
        assert (model.encode_frames(clips(1, 1))[0] - wanted).abs().max() < 1e-5


def test_text_prompts_take_the_positions_behind_the_start_token(backbone: Backbone, reference: CLIPModel):
    """The one name 'walking.': start, 2 context tokens, 2 name tokens, end."""
    model = prompted(backbone).eval()
    text = TokenizedText(
        torch.tensor([[2, 0, 0, *backbone.tokenizer("walking.", add_special_tokens=False)["input_ids"], 3]]),
        torch.tensor([5]),
    )
    with torch.no_grad():
        wanted = plain_texts(reference, text, model.prompts.context(), model.prompts.text_prompts())
        assert (model.encode_names(["walking"]) - wanted).abs().max() < 1e-5


def test_only_the_declared_prompts_receive_gradients(backbone: Backbone):
    model = prompted(backbone).train()
    before = {name: tensor.clone() for name, tensor in backbone.clip.state_dict().items()}
    functional.cross_entropy(model(clips()).logits, torch.tensor([0, 1])).backward()
    declared = {f"prompts.{name}" for name, _ in model.prompts.named_parameters()}
    assert {name for name, parameter in model.named_parameters() if parameter.grad is not None} == declared
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.prompts.parameters())
    assert model.prompts.hard.grad is None
    assert all(torch.equal(before[name], tensor) for name, tensor in backbone.clip.state_dict().items())


def test_names_with_underscores_are_read_as_words(backbone: Backbone):
    model = prompted(backbone).eval()
    with torch.no_grad():
        assert same_record(model.encode_names(["waving_a_hand"]), model.encode_names(["waving a hand"]))


def test_kept_class_features_are_forgotten_when_training_goes_on(backbone: Backbone):
    model = prompted(backbone).eval()
    with torch.no_grad():
        before = model.encode_labels()
        assert model.encode_labels() is before
        model.train()
        model.prompts.text += 0.5
        assert not torch.equal(model.eval().encode_labels(), before)


def test_the_residual_mixes_both_towers_with_the_frozen_ones_after_training(backbone: Backbone):
    pure, mixed, plain = (
        prompted(backbone).eval(),
        prompted(backbone, zero_shot_ratio=0.25).eval(),
        plain_clip(backbone, NAMES),
    )
    with torch.no_grad():
        learned, frozen = pure.encode_frames(clips()), plain.encode_frames(clips())
        assert torch.allclose(mixed.encode_frames(clips()), 0.75 * learned + 0.25 * frozen, atol=1e-5)
        wanted = functional.normalize(0.75 * pure.encode_labels() + 0.25 * plain.encode_labels(), dim=-1)
        assert torch.allclose(mixed.encode_labels(), wanted, atol=1e-5)
        assert torch.allclose(mixed.encode_names(NAMES), wanted, atol=1e-5)
    assert not torch.allclose(wanted, pure.encode_labels(), atol=1e-3)


def test_what_the_frozen_tower_says_can_be_given_and_its_moments_are_enough(backbone: Backbone):
    mixed, plain = prompted(backbone, zero_shot_ratio=0.25).eval(), plain_clip(backbone, NAMES)
    with torch.no_grad():
        frozen = plain.encode_frames(clips())  # (B, T, D)
        assert same_record(mixed.encode_frames(clips(), frozen), mixed.encode_frames(clips()))
        alone = mixed.encode_clips(clips())
        assert same_record(mixed.encode_clips(clips(), moments(frozen)), alone)
        assert not torch.allclose(mixed.encode_clips(clips(), moments(frozen).flip(0)), alone, atol=1e-3)


def test_prompts_learn_without_the_residual(backbone: Backbone):
    pure, mixed = prompted(backbone, dropout=0.0).train(), prompted(backbone, dropout=0.0, zero_shot_ratio=0.25).train()
    assert same_record(pure.encode_clips(clips()), mixed.encode_clips(clips()))
    assert same_record(pure.encode_labels(), mixed.encode_labels())
    assert same_record(pure.encode_names(["running"]), mixed.encode_names(["running"]))
