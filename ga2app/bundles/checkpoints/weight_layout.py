"""The frozen weights of a checkpoint, under OpenAI's names or the published ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ga2app.bundles.checkpoints.checkpoint_reader import TensorReader
from ga2app.clip import TowerSizes
from ga2app.clip.openai_weights import Part, Place, openai_places, piece
from ga2app.clip.torch_files import StoredTensor

_SUBNORMAL = 2.0**-25
"""Half of the spacing of float16's smallest numbers: what rounding to it may change at most, near 0."""


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
        return piece(stored.read().to(torch.float32), place, place.targets.index(name)).contiguous()


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
        places = list(openai_places(part, sizes))
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
        theirs, ours = piece(taken, place, number), own[name]
        if not torch.equal(theirs, ours):
            gap = (theirs - ours).abs()
            allowed = torch.maximum(theirs.abs(), ours.abs()) * rounding + _SUBNORMAL
            if (gap > allowed).any():
                found[name] = float(gap.max())
    return found


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
