"""What the towers leave out changes nothing: features and gradients against the straightforward computation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import CLIPModel

from ga2app.clip import Backbone, load_backbone
from ga2app.clip.packed_texts import CHUNK_TOKENS
from ga2app.clip.prompt_layers import RECOMPUTED_AT_ONCE, freeze_layers
from tests.approx import same_record
from tests.plain_towers import plain_frames, plain_texts

NAMES = ["walking", "waving a hand", "reading a book", "walking a dog", "waving", "reading", "running fast and far"]
LAYERS, LENGTH = 3, 4


@pytest.fixture(scope="module")
def backbone(tiny_clip_folder: Path) -> Backbone:
    return load_backbone(tiny_clip_folder, precision="float32")


@pytest.fixture(scope="module")
def reference(tiny_clip_folder: Path) -> CLIPModel:
    return CLIPModel.from_pretrained(tiny_clip_folder).eval().requires_grad_(False)


def learned(depth: int, width: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(depth)
    return [(0.5 * torch.randn(LENGTH, width, generator=generator)).requires_grad_() for _ in range(depth)]


def with_gradients(encode: Callable[[], Tensor], prompts: list[Tensor]) -> list[Tensor]:
    """The features, and the gradient of some function of them for each set of prompts."""
    features = encode()
    weights = torch.randn(features.shape, generator=torch.Generator().manual_seed(9))
    return [features.detach(), *torch.autograd.grad((features * weights).sum(), prompts)]


@pytest.mark.parametrize("depth", range(1, LAYERS + 1))
def test_prompts_as_keys_and_values_give_the_features_and_gradients_of_whole_ones(
    depth: int, backbone: Backbone, reference: CLIPModel
) -> None:
    pixels, prompts = torch.randn(5, 3, 32, 32), learned(depth, 32)
    found = with_gradients(lambda: backbone.encode_frames(pixels, prompts), prompts)
    wanted = with_gradients(lambda: plain_frames(reference, pixels, prompts), prompts)
    assert same_record(found, wanted, rel=1e-5)


@pytest.mark.parametrize("depth", range(1, LAYERS + 1))
@pytest.mark.parametrize("repeats", [1, 12])
def test_a_shared_prefix_gives_the_features_and_gradients_of_whole_texts(
    depth: int, repeats: int, backbone: Backbone, reference: CLIPModel
) -> None:
    """As many texts as fit into one chunk, and in several chunks."""
    text = backbone.tokenize(NAMES * repeats, LENGTH)
    assert (len(text.packed(1 + LENGTH).own) > 1) == (repeats * len(NAMES) * 3 > CHUNK_TOKENS)
    context, *deep = prompts = learned(depth, 24)
    found = with_gradients(lambda: backbone.encode_text(text, context, deep), prompts)
    wanted = with_gradients(lambda: plain_texts(reference, text, context, deep), prompts)
    assert same_record(found, wanted, rel=1e-5)


@pytest.mark.parametrize("texts", [NAMES, NAMES[:1], ["walking a dog", "walking"], ["walking", "walking"]], ids=str)
def test_frozen_texts_share_what_they_have_in_common(
    texts: list[str], backbone: Backbone, reference: CLIPModel
) -> None:
    text = backbone.tokenize([f"a video of a person {name}." for name in texts])
    with torch.no_grad():
        assert same_record(backbone.encode_text(text), plain_texts(reference, text), rel=1e-5)


def test_packed_texts_hold_each_own_token_once_and_the_shared_ones_never(backbone: Backbone) -> None:
    text = backbone.tokenize(NAMES, LENGTH)
    packed = text.packed(1 + LENGTH)
    own = (text.ends - LENGTH).sum()
    assert packed.own[packed.own > 0].numel() == own < text.ids[:, 1 + LENGTH :].numel()
    assert (
        packed.own.flatten()[packed.ends].tolist()
        == (torch.arange(len(NAMES)) * text.ids.shape[1] + text.ends).tolist()
    )
    assert text.packed(1 + LENGTH) is packed


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_weights_held_as_they_are_used_give_the_bits_of_autocast(dtype: torch.dtype, tiny_clip_folder: Path) -> None:
    """The same calls, once with float32 weights that autocast casts in each of them, once with weights held cast."""
    held, cast = (load_backbone(tiny_clip_folder, precision="float32") for _ in range(2))
    pixels, context, visual = torch.randn(5, 3, 32, 32), learned(2, 24), learned(2, 32)
    found: list[list[list[Tensor]]] = []
    freeze_layers(cast.clip, torch.float32, eager=True)
    freeze_layers(held.clip, dtype, eager=True)
    for one in (held, cast):
        text = one.tokenize(NAMES, LENGTH)
        with torch.autocast("cpu", dtype=dtype):
            found.append(
                [
                    with_gradients(lambda one=one: one.encode_frames(pixels, visual), visual),
                    with_gradients(lambda one=one, text=text: one.encode_text(text, context[0], context[1:]), context),
                ]
            )
    for mine, theirs in zip(*found, strict=True):
        assert all(torch.equal(one, other) for one, other in zip(mine, theirs, strict=True))


def test_a_backbone_in_bfloat16_keeps_half_the_bytes_of_its_products(tiny_clip_folder: Path) -> None:
    whole, half = (load_backbone(tiny_clip_folder, precision=name).clip for name in ("float32", "bfloat16"))
    kinds = {name: value.dtype for name, value in half.state_dict().items()}
    products = {name for name, dtype in kinds.items() if dtype == torch.bfloat16}
    assert products == {
        name for name in kinds if any(part in name for part in ("_proj.", "mlp.", "patch_embedding", "_projection"))
    }
    assert whole.state_dict().keys() == half.state_dict().keys()
    held = sum(value.nbytes for value in half.parameters())
    exact = sum(value.nbytes for name, value in whole.state_dict().items() if name in products)
    assert held == sum(value.nbytes for value in whole.parameters()) - exact / 2


@pytest.mark.parametrize("depth", range(1, LAYERS + 1))
def test_checkpointing_gives_the_same_features_and_gradients_and_keeps_less(depth: int, backbone: Backbone) -> None:
    pixels, prompts = torch.randn(2 * RECOMPUTED_AT_ONCE + 1, 3, 32, 32), learned(depth, 32)
    found, kept = [], []
    for recompute in (False, True):
        sizes: list[int] = []

        def note(tensor: Tensor, sizes: list[int] = sizes) -> Tensor:
            sizes.append(tensor.nbytes)
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            features = backbone.encode_frames(pixels, prompts, recompute=recompute)
        kept.append(sum(sizes))
        found.append([features.detach(), *torch.autograd.grad(features.square().sum(), prompts)])
    assert same_record(found[1], found[0], rel=1e-5)
    assert kept[1] < 0.5 * kept[0]
