"""The prompts of a published checkpoint under the names of ``PromptLearner``, and the class names of its run.

``prompt_learner.token_prefix`` (C, 1, Dt) is the start token, ``prompt_learner.token_suffix`` (C, L-1-P, Dt) is each
name with ".", the end token and padding. The published code embeds names with the token embedding of OpenAI's CLIP,
even where the towers are tuned: the tuned one of ``k400-vitb.pt`` finds no place in its model.

Notation: P prompt tokens, Dv / Dt the widths of the visual / text tower. The published code rounds each deep prompt to
float16 as it goes in; here prompts are used as they are stored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ga2app.bundles.checkpoints.checkpoint_reader import Checkpoint, TensorReader, is_plain
from ga2app.clip import TowerSizes
from ga2app.config import HARD_PROMPT_RANDOM, PromptConfig
from ga2app.errors import Fault

PREFIX, SUFFIX = "prompt_learner.token_prefix", "prompt_learner.token_suffix"
SOFT = "prompt_learner.ctx_VPT"
VISUAL = "image_encoder.VPT"
COUPLING = "prompt_learner.proj_b2n_VPT.0."
DEEP = "{tower}.transformer.resblocks.{layer}.VPT_shallow"
HARD_PROMPT = "hard prompt"
MARK = "VPT"
"""Part of the key of every learned tensor."""

_DEEP_LAYER = re.compile(r"(image_encoder|text_encoder)\.transformer\.resblocks\.([1-9]\d*)\.VPT_shallow")


@dataclass(frozen=True)
class PublishedPrompts:
    """Prompts that are whole: their settings, and the tensors that a bundle holds."""

    config: PromptConfig
    tensors: Mapping[str, Tensor]


def read_prompts(reader: TensorReader, sizes: TowerSizes, base: Checkpoint | None) -> PublishedPrompts | None:
    """The prompts in ``reader``, their depths taken from the keys; None where there is a fault (in the reader).

    ``base`` is the checkpoint that the run started from: its soft prompt is the hard one. A file without coupling
    needs none.
    """
    before = len(reader.faults)
    soft = reader.take(SOFT, (None, sizes.text_width))
    length = _length(reader, soft)
    if length + 3 > sizes.text_positions:
        rule = f"leaves no room for a name: {length} tokens in {sizes.text_positions} text positions"
        reader.faults.append(Fault(SOFT, rule))
    visual = [reader.take(VISUAL, (length, sizes.visual_width))]
    visual += _read_deep(reader, "image_encoder", sizes.visual_layers, (length, sizes.visual_width))
    text = _read_deep(reader, "text_encoder", sizes.text_layers, (length, sizes.text_width))
    coupled = any(key.startswith(COUPLING) for key in reader.tensors)
    tensors = {"soft": soft, **(_read_coupling(reader, sizes.text_width, length, base) if coupled else {})}
    if len(reader.faults) > before:
        return None
    tensors |= {"visual": _stack(visual), **({"text": _stack(text)} if text else {})}
    config = PromptConfig(
        length=length,
        visual_depth=len(visual),
        text_depth=len(text) + 1,
        coupled=coupled,
        hard_prompt=base.name if coupled and base else HARD_PROMPT_RANDOM,
        zero_shot_ratio=0.0,
    )
    return PublishedPrompts(config, {name: tensor for name, tensor in tensors.items() if tensor is not None})


def _length(reader: TensorReader, soft: Tensor | None) -> int:
    """P: of the soft prompt, and where that is at fault of any other one, so that further faults can be told."""
    others = [tensor for key, tensor in reader.tensors.items() if key == VISUAL or _DEEP_LAYER.fullmatch(key)]
    return next((len(tensor) for tensor in [soft, *others] if tensor is not None and tensor.dim() == 2), 1)


def _read_deep(reader: TensorReader, tower: str, layers: int, shape: tuple[int, int]) -> list[Tensor | None]:
    """One set for each of the layers 1, 2, …, d-1, d from the keys; a gap is a fault, so is a layer too many."""
    found = [_DEEP_LAYER.fullmatch(key) for key in reader.tensors]
    numbers = {int(match[2]) for match in found if match and match[1] == tower}
    last = max(numbers, default=0)
    beyond = sorted(number for number in numbers if number >= layers)
    if beyond:
        reader.ignore(*(DEEP.format(tower=tower, layer=number) for number in beyond))
        rule = f"is for a layer that is not there: this tower of the backbone has {layers}, numbered from 0"
        reader.faults += [Fault(DEEP.format(tower=tower, layer=number), rule) for number in beyond]
        last = max(numbers - set(beyond), default=0)
    return [reader.take(DEEP.format(tower=tower, layer=number), shape) for number in range(1, last + 1)]


def _read_coupling(reader: TensorReader, width: int, length: int, base: Checkpoint | None) -> dict[str, Tensor | None]:
    """The map from concat_features[hard, soft] to the context, and the hard prompt."""
    tensors = {
        "coupling.weight": reader.take(COUPLING + "weight", (width, 2 * width)),
        "coupling.bias": reader.take(COUPLING + "bias", (width,)),
    }
    if base is None:
        rule = "is not in the file, whose prompts are coupled; name the checkpoint that its run took it from"
        reader.faults.append(Fault(HARD_PROMPT, f"{rule} (--hard-prompt)"))
        return tensors
    other = TensorReader(base.tensors)
    tensors["hard"] = other.take(SOFT, (length, width))
    reader.faults += [Fault(f"{HARD_PROMPT} '{base.name}': {fault.field}", fault.message) for fault in other.faults]
    return tensors


def _stack(prompts: list[Tensor | None]) -> Tensor:
    """Sets (depth, P, width) in one tensor."""
    return torch.stack([prompt for prompt in prompts if prompt is not None])


def same_embedding(tensors: Mapping[str, Tensor], embedding: Tensor, start: int) -> bool:
    """Whether the names in the file were embedded by ``embedding`` (vocabulary, Dt); True if the file cannot tell."""
    prefix = _rows(tensors, PREFIX, embedding)
    if prefix is None:
        return True
    rounding = max(torch.finfo(kind).eps for kind in (prefix.dtype, torch.float16))
    return torch.allclose(prefix[0, 0].float(), embedding[start], rtol=rounding, atol=1e-6)


def read_names(tensors: Mapping[str, Tensor], embedding: Tensor, tokenizer: Any) -> tuple[str, ...]:
    """The class names, as the tokenizer spells them; empty if there are none or one cannot be read back."""
    suffix = _rows(tensors, SUFFIX, embedding)
    if suffix is None:
        return ()
    # Rounded to float16, a token's embedding is the same bytes in the file and in the backbone.
    tokens = {row.tobytes(): number for number, row in enumerate(embedding.half().numpy())}
    names = []
    for rows in suffix.half().numpy():
        ids = [tokens.get(row.tobytes()) for row in rows]
        end = ids.index(tokenizer.eos_token_id) if tokenizer.eos_token_id in ids else 0
        spelled = tokenizer.decode([number for number in ids[:end] if number is not None])
        name = spelled.strip().removesuffix(".").strip()
        if not name or tokenizer(f"{name}.", add_special_tokens=False)["input_ids"] != ids[:end]:
            return ()
        names.append(name)
    return tuple(names)


def _rows(tensors: Mapping[str, Tensor], key: str, embedding: Tensor) -> Tensor | None:
    """Embeddings (C, …, Dt) under ``key``, None if there are none that could come from ``embedding``."""
    rows = tensors.get(key)
    if rows is None or not is_plain(rows) or rows.dim() != 3 or rows.shape[-1] != embedding.shape[-1]:
        return None
    return rows if rows.numel() else None
