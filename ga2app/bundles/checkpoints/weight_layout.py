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
from ga2app.bundles.checkpoints.torch_files import StoredTensor
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
    """Weights that lie in a file under the names of ``transformers``, and which ``parts`` they make up.

    They are read one by one, as they are asked for: a checkpoint is as large as a backbone. ``differing`` are those
    that differ from the backbone's by more than rounding, with the largest difference.
    """

    parts: frozenset[Part]
    differing: Mapping[str, float]
    sources: Mapping[str, tuple[StoredTensor, Place]]

    def read(self, name: str) -> Tensor:
        """The weight ``name`` in float32, contiguous."""
        stored, place = self.sources[name]
        return _piece(stored.read().to(torch.float32), place, place.targets.index(name)).contiguous()


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
    differing: dict[str, float] = {}
    sources: dict[str, tuple[StoredTensor, Place]] = {}
    for part in Part:
        places = list(_places(part, sizes))
        if published:
            places = [place._replace(source=_published(place.source)) for place in places]
        if part in skip:
            reader.ignore(*(place.source for place in places))
        elif part in needed or any(place.source in reader.tensors for place in places):
            parts.add(part)
            for place in places:
                taken = reader.take(place.source, _shape(place, own))
                if taken is not None:
                    stored = reader.tensors[place.source]
                    sources |= dict.fromkeys(place.targets, (stored, place))
                    differing |= _differing(taken, place, own, stored.dtype)
    return FrozenWeights(frozenset(parts), differing, sources)


def _differing(taken: Tensor, place: Place, own: Mapping[str, Tensor], dtype: torch.dtype) -> dict[str, float]:
    """The targets of ``place`` whose numbers differ by more than the rounding of ``dtype`` and of float16."""
    rounding = max(torch.finfo(dtype).eps, torch.finfo(torch.float16).eps) / 2
    found = {}
    for number, name in enumerate(place.targets):
        theirs, ours = _piece(taken, place, number), own[name]
        if not torch.equal(theirs, ours):
            gap = (theirs - ours).abs()
            allowed = torch.maximum(theirs.abs(), ours.abs()) * rounding + _SUBNORMAL
            if (gap > allowed).any():
                found[name] = float(gap.max())
    return found


def _piece(tensor: Tensor, place: Place, number: int) -> Tensor:
    """Of the tensor of ``place`` what belongs to its target ``number``."""
    tensor = tensor.T if place.transposed else tensor
    return tensor.chunk(len(place.targets))[number] if len(place.targets) > 1 else tensor


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
