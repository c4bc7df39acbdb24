"""The frozen weights of a checkpoint, from OpenAI's layout to that of ``transformers``.

OpenAI fuses the maps to queries, keys and values into one ``in_proj``, and multiplies features with ``proj`` and
``text_projection`` from the right, where ``transformers`` holds the transpose in a Linear.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import torch
from torch import Tensor

from ga2app.bundles.checkpoints.checkpoint_reader import TensorReader
from ga2app.clip import TowerSizes

TOKEN_EMBEDDING = "text_model.embeddings.token_embedding.weight"

_SUBNORMAL = 2.0**-25
"""Half of the spacing of float16's smallest numbers: what rounding to it may change at most, near 0."""

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


@dataclass(frozen=True)
class FrozenWeights:
    """``tensors`` under the names of ``transformers`` and which ``parts`` they make up; empty if the file has none."""

    parts: frozenset[Part]
    tensors: Mapping[str, Tensor]
    rounding: float

    def differing(self, own: Mapping[str, Tensor]) -> dict[str, float]:
        """Names of the tensors that differ from ``own`` by more than rounding, with the largest difference."""
        found = {}
        for name, tensor in self.tensors.items():
            gap = (tensor - own[name]).abs()
            allowed = torch.maximum(tensor.abs(), own[name].abs()) * self.rounding + _SUBNORMAL
            if (gap > allowed).any():
                found[name] = float(gap.max())
        return found


def read_weights(
    reader: TensorReader,
    own: Mapping[str, Tensor],
    sizes: TowerSizes,
    *,
    published: bool,
    skip: frozenset[Part] = frozenset(),
    needed: frozenset[Part] = frozenset(),
) -> FrozenWeights:
    """The frozen weights in ``reader``, with the shapes of the backbone's ``own``; faults go to the reader.

    ``published`` says whose key names they are. Parts in ``skip`` may be there and are not read; those in ``needed``
    may not be absent altogether.
    """
    parts: set[Part] = set()
    tensors: dict[str, Tensor] = {}
    for part in Part:
        places = list(_places(part, sizes))
        if published:
            places = [place._replace(source=_published(place.source)) for place in places]
        if part in skip:
            reader.ignore(*(place.source for place in places))
        elif part in needed or any(place.source in reader.tensors for place in places):
            parts.add(part)
            for place in places:
                tensors |= _read_place(reader, place, own)
    return FrozenWeights(frozenset(parts), tensors, reader.rounding)


def _read_place(reader: TensorReader, place: Place, own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    taken = reader.take(place.source, _shape(place, own))
    if taken is None:
        return {}
    if place.transposed:
        taken = taken.T
    pieces = taken.chunk(len(place.targets)) if len(place.targets) > 1 else [taken]
    # A clone has memory of its own, which safetensors asks for.
    return {
        name: piece.clone(memory_format=torch.contiguous_format)
        for name, piece in zip(place.targets, pieces, strict=True)
    }


def _published(key: str) -> str:
    """OpenAI's key as the published prompt checkpoints name it."""
    if key == "logit_scale":
        return key
    return f"image_encoder.{key.removeprefix('visual.')}" if key.startswith("visual.") else f"text_encoder.{key}"


def _shape(place: Place, own: Mapping[str, Tensor]) -> tuple[int, ...]:
    shape = own[place.targets[0]].shape
    if place.transposed:
        return tuple(reversed(shape))
    return (len(place.targets) * shape[0], *shape[1:]) if len(shape) else ()


def _places(part: Part, sizes: TowerSizes) -> Iterator[Place]:
    match part:
        case Part.VISION:
            tower = "vision_model."
            yield Place("visual.class_embedding", (f"{tower}embeddings.class_embedding",))
            yield Place("visual.conv1.weight", (f"{tower}embeddings.patch_embedding.weight",))
            yield Place("visual.positional_embedding", (f"{tower}embeddings.position_embedding.weight",))
            yield from _pair("visual.ln_pre", f"{tower}pre_layrnorm")
            yield from _blocks("visual.", tower, sizes.visual_layers)
            yield from _pair("visual.ln_post", f"{tower}post_layernorm")
            yield Place("visual.proj", ("visual_projection.weight",), transposed=True)
        case Part.TEXT:
            tower = "text_model."
            yield Place("positional_embedding", (f"{tower}embeddings.position_embedding.weight",))
            yield from _blocks("", tower, sizes.text_layers)
            yield from _pair("ln_final", f"{tower}final_layer_norm")
            yield Place("text_projection", ("text_projection.weight",), transposed=True)
        case Part.TOKENS:
            yield Place("token_embedding.weight", (TOKEN_EMBEDDING,))
        case Part.SCALE:
            yield Place("logit_scale", ("logit_scale",))


def _blocks(prefix: str, tower: str, layers: int) -> Iterator[Place]:
    for number in range(layers):
        source, target = f"{prefix}transformer.resblocks.{number}.", f"{tower}encoder.layers.{number}."
        for kind in ("weight", "bias"):
            fused = tuple(f"{target}self_attn.{which}_proj.{kind}" for which in "qkv")
            yield Place(f"{source}attn.in_proj_{kind}", fused)
        for theirs, ours in _BLOCK.items():
            yield from _pair(source + theirs, target + ours)


def _pair(source: str, target: str) -> Iterator[Place]:
    for kind in ("weight", "bias"):
        yield Place(f"{source}.{kind}", (f"{target}.{kind}",))
