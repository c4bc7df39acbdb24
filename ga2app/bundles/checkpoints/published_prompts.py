"""The prompts of a checkpoint under the names of ``PromptLearner``, and the class names of its run.

``token_prefix`` (C, 1, Dt) is the start token, ``token_suffix`` (C, L-1-P, Dt) is each name with ".", the end token
and padding. The published code of GA²-CLIP embeds names with the token embedding of OpenAI's CLIP, even where the
towers are tuned: the tuned one of ``k400-vitb.pt`` finds no place in its model.

Notation: P prompt tokens, Dv / Dt the widths of the visual / text tower. The published code rounds each deep prompt to
float16 as it goes in; here prompts are used as they are stored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ga2app.bundles.checkpoints.checkpoint_reader import Checkpoint, TensorReader
from ga2app.bundles.checkpoints.prompt_layouts import CONTEXT, LEARNER, Layout
from ga2app.clip import TowerSizes
from ga2app.clip.torch_files import StoredTensor
from ga2app.config import HARD_PROMPT_RANDOM, PromptConfig
from ga2app.errors import Fault

SOFT = f"{LEARNER}ctx_VPT"
VISUAL = "image_encoder.VPT"
COUPLING = f"{LEARNER}proj_b2n_VPT.0."
DEEP = "{tower}.transformer.resblocks.{layer}.VPT_shallow"
HARD_PROMPT = "hard prompt"
FROZEN_COPY = f"{LEARNER}ZS_image_encoder."
"""PromptSRC's second vision tower, which its losses look at, and nothing else."""

_DEEP_LAYER = re.compile(r"(image_encoder|text_encoder)\.transformer\.resblocks\.([1-9]\d*)\.VPT_shallow")
_COMPOUND = f"{LEARNER}compound_prompts_text."
_PROJECTION = f"{LEARNER}compound_prompt_projections."


def embedded(tensors: Mapping[str, StoredTensor], kind: str) -> str:
    """The key of ``token_prefix`` or ``token_suffix``: CoOp's prompt learner is saved alone."""
    return f"token_{kind}" if CONTEXT in tensors else f"{LEARNER}token_{kind}"


@dataclass(frozen=True)
class PublishedPrompts:
    """Prompts that are whole: their settings, and the tensors that a bundle holds."""

    config: PromptConfig
    tensors: Mapping[str, Tensor]


def read_prompts(
    reader: TensorReader, sizes: TowerSizes, layout: Layout, base: Checkpoint | None
) -> PublishedPrompts | None:
    """The prompts in ``reader``, their depths taken from the keys; None where there is a fault (in the reader).

    ``base`` is the checkpoint that a run of GA²-CLIP started from: its soft prompt is the hard one. A file without
    coupling needs none.
    """
    before = len(reader.faults)
    key = {Layout.GA2: SOFT, Layout.COOP: CONTEXT}.get(layout, f"{LEARNER}{CONTEXT}")
    soft = reader.take(key, (None, sizes.text_width))
    length = _length(reader, soft)
    if length + 3 > sizes.text_positions:
        rule = f"leaves no room for a name: {length} tokens in {sizes.text_positions} text positions"
        reader.faults.append(Fault(key, rule))
    maple = layout is Layout.MAPLE
    visual, text = _read_compound(reader, sizes, soft) if maple else _read_towers(reader, sizes, length)
    if layout is Layout.GA2 and not visual:
        visual = [reader.take(VISUAL, (length, sizes.visual_width))]
    coupled = any(key.startswith(COUPLING) for key in reader.tensors)
    tensors = {"soft": soft, **(_read_coupling(reader, sizes.text_width, length, base) if coupled else {})}
    if len(reader.faults) > before:
        return None
    tensors |= {name: _stack(sets) for name, sets in (("visual", visual), ("text", text)) if sets}
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
    others = [tensor.shape for key, tensor in reader.tensors.items() if key == VISUAL or _DEEP_LAYER.fullmatch(key)]
    found = [soft.shape if soft is not None else None, *others]
    return next((shape[0] for shape in found if shape is not None and len(shape) == 2), 1)


def _read_towers(
    reader: TensorReader, sizes: TowerSizes, length: int
) -> tuple[list[Tensor | None], list[Tensor | None]]:
    """The sets of each tower that has its own: of the vision tower all or none, of the text tower the deep ones."""
    visual = _read_deep(reader, "image_encoder", sizes.visual_layers, (length, sizes.visual_width))
    if visual or VISUAL in reader.tensors:
        shape = reader.tensors[VISUAL].shape if VISUAL in reader.tensors else ()
        if len(shape) == 2 and shape[0] != length and shape[1] == sizes.visual_width:
            rule = f"has {shape[0]} tokens where the text prompts have {length}: those of a bundle are equally many"
            reader.faults.append(Fault(VISUAL, rule))
            reader.ignore(VISUAL)
        else:
            visual.insert(0, reader.take(VISUAL, (length, sizes.visual_width)))
    return visual, _read_deep(reader, "text_encoder", sizes.text_layers, (length, sizes.text_width))


def _read_compound(
    reader: TensorReader, sizes: TowerSizes, soft: Tensor | None
) -> tuple[list[Tensor | None], list[Tensor | None]]:
    """MaPLe's: text prompts, and visual ones that are its linear maps of these, which are fixed once it is trained."""
    numbers = {int(key.split(".")[2]) for key in reader.tensors if re.match(rf"{re.escape(_COMPOUND)}\d{{1,9}}$", key)}
    last, layers = max(numbers, default=-1), min(sizes.visual_layers, sizes.text_layers)
    if last + 2 > layers:
        rule = f"is for layer {last + 1} of both towers, of which one of the backbone has {layers}, numbered from 0"
        reader.faults.append(Fault(f"{_COMPOUND}{last}", rule))
        return [], []
    text = [
        reader.take(f"{_COMPOUND}{number}", (None if soft is None else len(soft), sizes.text_width))
        for number in range(last + 1)
    ]
    places = [f"{LEARNER}proj.", *(f"{_PROJECTION}{number}." for number in range(last + 1))]
    return [_folded(reader, *pair, sizes) for pair in zip(places, [soft, *text], strict=True)], text


def _folded(reader: TensorReader, place: str, prompt: Tensor | None, sizes: TowerSizes) -> Tensor | None:
    """The visual prompts (P, Dv) that the map at ``place`` makes of text prompts (P, Dt)."""
    weight = reader.take(f"{place}weight", (sizes.visual_width, sizes.text_width))
    bias = reader.take(f"{place}bias", (sizes.visual_width,))
    if prompt is None or weight is None or bias is None:
        return None
    return functional.linear(prompt.double(), weight.double(), bias.double()).float()


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


def same_embedding(tensors: Mapping[str, StoredTensor], embedding: Tensor, start: int) -> bool:
    """Whether the names in the file were embedded by ``embedding`` (vocabulary, Dt); True if the file cannot tell."""
    prefix = _rows(tensors, "prefix", embedding)
    return prefix is None or bool(_alike(prefix[0, 0], embedding[start], tensors))


def _alike(found: Tensor, wanted: Tensor, tensors: Mapping[str, StoredTensor]) -> Tensor:
    """Where embeddings (…, Dt) are the same but for rounding.

    PromptSRC's file is a mean over the epochs, added up in float16: of the embeddings, too, which never changed.
    """
    averaged = any(key.startswith(FROZEN_COPY) for key in tensors)
    rounding = max(torch.finfo(kind).eps for kind in (found.dtype, torch.float16)) * (8 if averaged else 1)
    return torch.isclose(found.float(), wanted, rtol=rounding, atol=4e-6 if averaged else 1e-6).all(dim=-1)


def read_names(tensors: Mapping[str, StoredTensor], embedding: Tensor, tokenizer: Any) -> tuple[str, ...]:
    """The class names, as the tokenizer spells them; empty if there are none or one cannot be read back."""
    suffix = _rows(tensors, "suffix", embedding)
    if suffix is None:
        return ()
    names = []
    for ids in _token_ids(suffix, embedding, tensors):
        end = ids.index(tokenizer.eos_token_id) if tokenizer.eos_token_id in ids else 0
        spelled = tokenizer.decode([number for number in ids[:end] if number is not None])
        name = spelled.strip().removesuffix(".").strip()
        if not name or tokenizer(f"{name}.", add_special_tokens=False)["input_ids"] != ids[:end]:
            return ()
        names.append(name)
    return tuple(names)


def _token_ids(rows: Tensor, embedding: Tensor, tensors: Mapping[str, StoredTensor]) -> Iterable[list[int | None]]:
    """Of embedded texts (C, n, Dt) the numbers of their tokens; None for what is no token's embedding."""
    # Rounded to float16, a token's embedding is the same bytes in the file and in the backbone.
    tokens: dict[bytes, int | None] = {row.tobytes(): number for number, row in enumerate(embedding.half().numpy())}
    squares = torch.linalg.vector_norm(embedding, dim=-1).square()
    for text in rows:
        ids = []
        for row, key in zip(text, (row.tobytes() for row in text.half().numpy()), strict=True):
            if key not in tokens:
                nearest = int((squares - 2 * (embedding @ row.float())).argmin())
                tokens[key] = nearest if _alike(row, embedding[nearest], tensors) else None
            ids.append(tokens[key])
        yield ids


def _rows(tensors: Mapping[str, StoredTensor], kind: str, embedding: Tensor) -> Tensor | None:
    """Embeddings (C, …, Dt) of that ``kind``, None if there are none that could come from ``embedding``."""
    rows = tensors.get(embedded(tensors, kind))
    if rows is None or not rows.is_plain or len(rows.shape) != 3 or rows.shape[-1] != embedding.shape[-1]:
        return None
    return rows.read() if all(rows.shape) else None
