"""The weights of an open_clip folder by the names of transformers, exactly: nothing is missing, nothing is left over.

Class ``CLIP`` has OpenAI's layout. A SigLIP has the same text tower under ``text.`` and timm's vision tower under
``visual.trunk.``, whose pool keeps the maps to the query and to keys and values apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ga2app.clip.files import ClipFolder
from ga2app.clip.frozen_clip import TowerSizes, tower_sizes
from ga2app.clip.openai_weights import TOKEN_EMBEDDING, Part, Place, blocks, openai_places, pair, piece
from ga2app.clip.torch_files import StoredTensor, read_torch_file
from ga2app.errors import BackboneError, CheckpointError, shown

_WRAPPER, _TEXT, _TRUNK = "module.", "text.", "visual.trunk."
_NO_MATTER = {"attn_mask", "text.attn_mask", "input_resolution", "context_length", "vocab_size"}
"""Entries of older files that repeat what the shapes say."""

_BLOCK = {"norm1": "layer_norm1", "attn.proj": "self_attn.out_proj", "norm2": "layer_norm2"}
_MLP = {"mlp.fc1": "mlp.fc1", "mlp.fc2": "mlp.fc2"}
_POOL = {"q": "q", "kv": "kv", "proj": "attention.out_proj", "norm": "layernorm", **_MLP}
_HEAD = "vision_model.head."


def read_open_clip_weights(files: ClipFolder, config: Any, name: str) -> dict[str, Tensor]:
    """All weights of the class of ``config`` as float32. Raises BackboneError, which names what does not fit."""
    held = _read(files.folder / files.weights[0], name)
    held = {key.removeprefix(_WRAPPER): tensor for key, tensor in held.items() if key not in _NO_MATTER}
    siglip = config.model_type == "siglip"
    if not siglip:  # a bias that all labels share changes nothing in a softmax
        held.pop("logit_bias", None)
    prefix = _TEXT if any(key.startswith(_TEXT) for key in held) else ""
    made: dict[str, Tensor] = {}
    missing: list[str] = []
    for place in _places(siglip, prefix, tower_sizes(config)):
        tensor = held.pop(place.source, None)
        if tensor is None:
            missing.append(place.source)
            continue
        whole = (tensor.read() if isinstance(tensor, StoredTensor) else tensor).to(torch.float32)
        made |= {target: piece(whole, place, number) for number, target in enumerate(place.targets)}
    if missing or held:
        what = f"{len(missing)} weights are not in it, such as {missing[0]}" if missing else ""
        odd = f"{len(held)} belong nowhere, such as {shown(next(iter(held)))}" if held else ""
        raise BackboneError(
            f"backbone '{name}': {files.weights[0]} is not what its configuration says: "
            f"{' and '.join(filter(None, (what, odd)))}; get a whole copy of both files"
        )
    return {key: tensor.contiguous() for key, tensor in (_siglip(made) if siglip else made).items()}


def _siglip(made: dict[str, Tensor]) -> dict[str, Tensor]:
    """Shapes as in transformers: positions without a batch, one map in the pool, scale and bias of one number each."""
    positions = "vision_model.embeddings.position_embedding.weight"
    made[positions] = made[positions].flatten(0, -2)
    for kind in ("weight", "bias"):
        joined = [made.pop(f"{_HEAD}{part}.{kind}") for part in ("q", "kv")]
        made[f"{_HEAD}attention.in_proj_{kind}"] = torch.cat(joined)
    for name in ("logit_scale", "logit_bias"):
        made[name] = made[name].reshape(1)
    return made


def _places(siglip: bool, prefix: str, sizes: TowerSizes) -> Iterator[Place]:
    if not siglip:
        for part in Part:
            for place in openai_places(part, sizes):
                own = not place.source.startswith(("visual.", "logit"))
                yield place._replace(source=prefix + place.source) if own else place
        return
    text, vision = "text_model.", "vision_model."
    yield Place(f"{prefix}token_embedding.weight", (TOKEN_EMBEDDING,))
    yield Place(f"{prefix}positional_embedding", (f"{text}embeddings.position_embedding.weight",))
    yield from blocks(prefix, text, sizes.text_layers)
    yield from pair(f"{prefix}ln_final", f"{text}final_layer_norm")
    yield from pair(f"{prefix}text_projection", f"{text}head")
    yield from pair(f"{_TRUNK}patch_embed.proj", f"{vision}embeddings.patch_embedding")
    yield Place(f"{_TRUNK}pos_embed", (f"{vision}embeddings.position_embedding.weight",))
    for number in range(sizes.visual_layers):
        source, target = f"{_TRUNK}blocks.{number}.", f"{vision}encoder.layers.{number}."
        for kind in ("weight", "bias"):
            yield Place(f"{source}attn.qkv.{kind}", tuple(f"{target}self_attn.{one}_proj.{kind}" for one in "qkv"))
        for theirs, ours in (_BLOCK | _MLP).items():
            yield from pair(source + theirs, target + ours)
    yield from pair(f"{_TRUNK}norm", f"{vision}post_layernorm")
    yield Place(f"{_TRUNK}attn_pool.latent", (f"{_HEAD}probe",))
    for theirs, ours in _POOL.items():
        yield from pair(f"{_TRUNK}attn_pool.{theirs}", _HEAD + ours)
    yield Place("logit_scale", ("logit_scale",))
    yield Place("logit_bias", ("logit_bias",))


def _read(file: Path, name: str) -> Mapping[str, Tensor | StoredTensor]:
    """The tensors in ``file``, of a pickle without making or calling anything that it names."""
    try:
        if file.suffix == ".safetensors":
            with safe_open(str(file), framework="pt") as opened:
                return {key: opened.get_tensor(key) for key in opened.keys()}
        data = read_torch_file(file).data
    except (OSError, ValueError, SafetensorError, CheckpointError) as exc:
        raise BackboneError(f"backbone '{name}': {file.name} cannot be read ({exc}); fetch it again") from exc
    with suppress(TypeError, KeyError):
        data = data["state_dict"]
    if not isinstance(data, Mapping):
        raise BackboneError(f"backbone '{name}': {file.name} holds no weights by name; fetch it again")
    return {str(key): value for key, value in data.items() if isinstance(value, StoredTensor) and value.is_plain}
