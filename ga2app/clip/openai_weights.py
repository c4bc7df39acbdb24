"""The weights of a CLIP from OpenAI's layout to that of ``transformers``: where each of them belongs.

OpenAI fuses the maps to queries, keys and values into one ``in_proj``, and multiplies features with ``proj`` and
``text_projection`` from the right, where ``transformers`` holds the transpose in a Linear.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from torch import Tensor

from ga2app.clip.frozen_clip import TowerSizes

TOKEN_EMBEDDING = "text_model.embeddings.token_embedding.weight"

_BLOCK = {
    "attn.out_proj": "self_attn.out_proj",
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}


class Part(StrEnum):
    """Parts of a CLIP that a file holds whole or not at all."""

    VISION = "vision tower"
    TEXT = "text tower"
    TOKENS = "token embedding"
    SCALE = "logit scale"


class Place(NamedTuple):
    """A tensor of OpenAI's layout, by key, and where it belongs: several ``targets`` where it is fused."""

    source: str
    targets: tuple[str, ...]
    transposed: bool = False


def piece(tensor: Tensor, place: Place, number: int) -> Tensor:
    """Of the tensor of ``place`` what belongs to its target ``number``."""
    tensor = tensor.T if place.transposed else tensor
    return tensor.chunk(len(place.targets))[number] if len(place.targets) > 1 else tensor


def openai_places(part: Part, sizes: TowerSizes) -> Iterator[Place]:
    match part:
        case Part.VISION:
            tower = "vision_model."
            yield Place("visual.class_embedding", (f"{tower}embeddings.class_embedding",))
            yield Place("visual.conv1.weight", (f"{tower}embeddings.patch_embedding.weight",))
            yield Place("visual.positional_embedding", (f"{tower}embeddings.position_embedding.weight",))
            yield from pair("visual.ln_pre", f"{tower}pre_layrnorm")
            yield from blocks("visual.", tower, sizes.visual_layers)
            yield from pair("visual.ln_post", f"{tower}post_layernorm")
            yield Place("visual.proj", ("visual_projection.weight",), transposed=True)
        case Part.TEXT:
            tower = "text_model."
            yield Place("positional_embedding", (f"{tower}embeddings.position_embedding.weight",))
            yield from blocks("", tower, sizes.text_layers)
            yield from pair("ln_final", f"{tower}final_layer_norm")
            yield Place("text_projection", ("text_projection.weight",), transposed=True)
        case Part.TOKENS:
            yield Place("token_embedding.weight", (TOKEN_EMBEDDING,))
        case Part.SCALE:
            yield Place("logit_scale", ("logit_scale",))


def blocks(prefix: str, tower: str, layers: int) -> Iterator[Place]:
    for number in range(layers):
        source, target = f"{prefix}transformer.resblocks.{number}.", f"{tower}encoder.layers.{number}."
        for kind in ("weight", "bias"):
            fused = tuple(f"{target}self_attn.{which}_proj.{kind}" for which in "qkv")
            yield Place(f"{source}attn.in_proj_{kind}", fused)
        for theirs, ours in _BLOCK.items():
            yield from pair(source + theirs, target + ours)


def pair(source: str, target: str) -> Iterator[Place]:
    for kind in ("weight", "bias"):
        yield Place(f"{source}.{kind}", (f"{target}.{kind}",))
