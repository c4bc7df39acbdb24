"""The published model, written once more from the paper in OpenAI's layout, with ``torch.nn.functional`` alone.

Nothing of ga2app is used here: keys, shapes and arithmetic are those of the checkpoints, so that an imported bundle can
be held against it. Notation: B clips, T frames, C names, P prompt tokens, L text positions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional
from transformers import AutoTokenizer, CLIPConfig, CLIPModel

SIDE, PATCH, POSITIONS = 32, 8, 32
VISION = {"width": 32, "layers": 5, "heads": 4}
TEXT = {"width": 24, "layers": 4, "heads": 3}
EMBEDDING = 16
LENGTH, VISUAL_DEPTH, TEXT_DEPTH = 4, 4, 3


@dataclass(frozen=True)
class World:
    """A CLIP in OpenAI's key names and the same one as ``transformers`` saved it to ``folder``."""

    folder: Path
    weights: Mapping[str, Tensor]


def make_world(folder: Path, tokenizer_folder: Path, seed: int = 0, *, half: bool = False) -> World:
    """A random CLIP with weights so large that each of them shows in the logits.

    ``half``: numbers that float16 holds exactly, as OpenAI's are.
    """
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)
    shared = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    config = CLIPConfig(
        text_config={
            "hidden_size": TEXT["width"],
            "intermediate_size": 4 * TEXT["width"],
            "num_hidden_layers": TEXT["layers"],
            "num_attention_heads": TEXT["heads"],
            "vocab_size": len(tokenizer),
            "max_position_embeddings": POSITIONS,
            "hidden_act": "quick_gelu",
            "pad_token_id": tokenizer.pad_token_id,
            **shared,
        },
        vision_config={
            "hidden_size": VISION["width"],
            "intermediate_size": 4 * VISION["width"],
            "num_hidden_layers": VISION["layers"],
            "num_attention_heads": VISION["heads"],
            "image_size": SIDE,
            "patch_size": PATCH,
            "hidden_act": "quick_gelu",
        },
        projection_dim=EMBEDDING,
    )
    generator = torch.Generator().manual_seed(seed)
    clip = CLIPModel(config)
    for name, parameter in clip.named_parameters():
        fresh = torch.randn(parameter.shape, generator=generator)
        if "norm" in name and name.endswith("weight"):
            fresh = 1 + 0.2 * fresh
        elif parameter.dim() > 1 and "embedding" not in name:
            fresh = fresh / parameter[0].numel() ** 0.5
        else:
            fresh = 0.3 * fresh
        parameter.data = fresh.half().float() if half else fresh
    clip.logit_scale.data = torch.tensor(2.5)
    clip.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return World(folder, to_openai(clip.state_dict()))


def to_openai(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a ``transformers`` CLIP under OpenAI's keys."""
    renamed = {
        "logit_scale": state["logit_scale"],
        "visual.class_embedding": state["vision_model.embeddings.class_embedding"],
        "visual.conv1.weight": state["vision_model.embeddings.patch_embedding.weight"],
        "visual.positional_embedding": state["vision_model.embeddings.position_embedding.weight"],
        "visual.proj": state["visual_projection.weight"].T.contiguous(),
        "token_embedding.weight": state["text_model.embeddings.token_embedding.weight"],
        "positional_embedding": state["text_model.embeddings.position_embedding.weight"],
        "text_projection": state["text_projection.weight"].T.contiguous(),
    }
    norms = {
        "visual.ln_pre": "vision_model.pre_layrnorm",
        "visual.ln_post": "vision_model.post_layernorm",
        "ln_final": "text_model.final_layer_norm",
    }
    for theirs, tower, layers in (
        ("visual.transformer", "vision_model", VISION["layers"]),
        ("transformer", "text_model", TEXT["layers"]),
    ):
        for layer in range(layers):
            to, of = f"{theirs}.resblocks.{layer}.", f"{tower}.encoder.layers.{layer}."
            norms[to + "ln_1"], norms[to + "ln_2"] = of + "layer_norm1", of + "layer_norm2"
            norms[to + "mlp.c_fc"], norms[to + "mlp.c_proj"] = of + "mlp.fc1", of + "mlp.fc2"
            norms[to + "attn.out_proj"] = of + "self_attn.out_proj"
            for kind in ("weight", "bias"):
                fused = [state[f"{of}self_attn.{letter}_proj.{kind}"] for letter in "qkv"]
                renamed[f"{to}attn.in_proj_{kind}"] = torch.cat(fused)
    for to, of in norms.items():
        renamed[to + ".weight"], renamed[to + ".bias"] = state[of + ".weight"], state[of + ".bias"]
    return renamed


def random_prompts(seed: int, *, coupled: bool, embedding_width: int = TEXT["width"]) -> dict[str, Tensor]:
    """Learned tensors under the published keys; ``soft`` alone is what another run takes as its hard prompt."""
    generator = torch.Generator().manual_seed(seed)

    def fresh(*shape: int, scale: float = 0.5) -> Tensor:
        return torch.randn(*shape, generator=generator) * scale

    prompts = {
        "prompt_learner.ctx_VPT": fresh(LENGTH, embedding_width),
        "image_encoder.VPT": fresh(LENGTH, VISION["width"]),
    }
    for layer in range(1, VISUAL_DEPTH):
        prompts[f"image_encoder.transformer.resblocks.{layer}.VPT_shallow"] = fresh(LENGTH, VISION["width"])
    for layer in range(1, TEXT_DEPTH):
        prompts[f"text_encoder.transformer.resblocks.{layer}.VPT_shallow"] = fresh(LENGTH, TEXT["width"])
    if coupled:
        prompts["prompt_learner.proj_b2n_VPT.0.weight"] = fresh(TEXT["width"], 2 * TEXT["width"], scale=0.3)
        prompts["prompt_learner.proj_b2n_VPT.0.bias"] = fresh(TEXT["width"], scale=0.3)
    return prompts


def published_weights(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The frozen weights as the published prompt checkpoints hold them: by tower, without the token embedding."""
    renamed = {}
    for key, tensor in weights.items():
        if key.startswith("visual."):
            renamed[f"image_encoder.{key.removeprefix('visual.')}"] = tensor
        elif key == "logit_scale":
            renamed[key] = tensor
        elif key != "token_embedding.weight":
            renamed[f"text_encoder.{key}"] = tensor
    return renamed


def embedded_names(weights: Mapping[str, Tensor], folder: Path, names: Sequence[str]) -> dict[str, Tensor]:
    """The buffers ``token_prefix`` and ``token_suffix`` of a run on ``names``."""
    embedded = weights["token_embedding.weight"][tokenize(folder, names)[0]]
    return {
        "prompt_learner.token_prefix": embedded[:, :1].clone(),
        "prompt_learner.token_suffix": embedded[:, 1 + LENGTH :].clone(),
    }


def tokenize(folder: Path, names: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Ids (C, L) of "X X X X <name>." between start and end token, padded with 0, and the place of each end (C,)."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = torch.zeros(len(names), POSITIONS, dtype=torch.long)
    ends = torch.zeros(len(names), dtype=torch.long)
    for row, name in enumerate(names):
        words = tokenizer(" ".join(["X"] * LENGTH) + f" {name.replace('_', ' ')}.", add_special_tokens=False)
        found = [tokenizer.bos_token_id, *words["input_ids"], tokenizer.eos_token_id]
        ids[row, : len(found)] = torch.tensor(found)
        ends[row] = len(found) - 1
    return ids, ends


def logits(
    weights: Mapping[str, Tensor],
    folder: Path,
    pixels: Tensor,
    names: Sequence[str],
    prompts: Mapping[str, Tensor] | None = None,
    hard: Tensor | None = None,
) -> Tensor:
    """τ · cosine (B, C) of clips ``pixels`` (B, T, 3, S, S) and ``names``; without prompts X stays a word."""
    prompts = prompts or {}
    clips, frames = pixels.shape[:2]
    features = encode_image(weights, pixels.flatten(0, 1), prompts)
    clip_features = functional.normalize(features.unflatten(0, (clips, frames)).mean(dim=1), dim=-1)
    names_features = functional.normalize(encode_text(weights, folder, names, prompts, hard), dim=-1)
    return weights["logit_scale"].exp() * clip_features @ names_features.T


def encode_image(weights: Mapping[str, Tensor], pixels: Tensor, prompts: Mapping[str, Tensor]) -> Tensor:
    """Frame features (N, D) of ``pixels`` (N, 3, S, S)."""
    patches = functional.conv2d(pixels, weights["visual.conv1.weight"], stride=PATCH).flatten(2).transpose(1, 2)
    first = weights["visual.class_embedding"].expand(len(pixels), 1, -1)
    hidden = torch.cat([first, patches], dim=1) + weights["visual.positional_embedding"]
    if "image_encoder.VPT" in prompts:
        hidden = torch.cat([hidden, prompts["image_encoder.VPT"].expand(len(pixels), -1, -1)], dim=1)
    hidden = norm(weights, "visual.ln_pre", hidden)
    for layer in range(VISION["layers"]):
        deep = prompts.get(f"image_encoder.transformer.resblocks.{layer}.VPT_shallow")
        if deep is not None:
            hidden = torch.cat([hidden[:, :-LENGTH], deep.expand(len(pixels), -1, -1)], dim=1)
        hidden = block(weights, f"visual.transformer.resblocks.{layer}.", hidden, VISION["heads"])
    return norm(weights, "visual.ln_post", hidden[:, 0]) @ weights["visual.proj"]


def encode_text(
    weights: Mapping[str, Tensor],
    folder: Path,
    names: Sequence[str],
    prompts: Mapping[str, Tensor],
    hard: Tensor | None,
) -> Tensor:
    """Text features (C, D) of ``names``."""
    ids, ends = tokenize(folder, names)
    hidden = weights["token_embedding.weight"][ids]
    context = prompts.get("prompt_learner.ctx_VPT")
    if context is not None and hard is not None:
        joined = torch.cat([hard, context], dim=-1)
        weight = prompts["prompt_learner.proj_b2n_VPT.0.weight"]
        context = functional.relu(functional.linear(joined, weight, prompts["prompt_learner.proj_b2n_VPT.0.bias"]))
    if context is not None:
        hidden = torch.cat([hidden[:, :1], context.expand(len(ids), -1, -1), hidden[:, 1 + LENGTH :]], dim=1)
    hidden = hidden + weights["positional_embedding"]
    mask = torch.full((POSITIONS, POSITIONS), float("-inf")).triu(1)
    for layer in range(TEXT["layers"]):
        deep = prompts.get(f"text_encoder.transformer.resblocks.{layer}.VPT_shallow")
        if deep is not None:
            hidden = torch.cat([hidden[:, :1], deep.expand(len(ids), -1, -1), hidden[:, 1 + LENGTH :]], dim=1)
        hidden = block(weights, f"transformer.resblocks.{layer}.", hidden, TEXT["heads"], mask)
    return norm(weights, "ln_final", hidden)[torch.arange(len(ids)), ends] @ weights["text_projection"]


def block(weights: Mapping[str, Tensor], key: str, hidden: Tensor, heads: int, mask: Tensor | None = None) -> Tensor:
    """One layer: attention with one fused map to queries, keys and values, then the MLP with QuickGELU."""
    fused = functional.linear(
        norm(weights, f"{key}ln_1", hidden), weights[f"{key}attn.in_proj_weight"], weights[f"{key}attn.in_proj_bias"]
    )
    queries, keys, values = (part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in fused.chunk(3, dim=-1))
    scores = queries @ keys.transpose(-1, -2) / queries.shape[-1] ** 0.5
    mixed = (scores if mask is None else scores + mask).softmax(dim=-1) @ values
    hidden = hidden + linear(weights, f"{key}attn.out_proj", mixed.transpose(1, 2).flatten(2))
    inner = linear(weights, f"{key}mlp.c_fc", norm(weights, f"{key}ln_2", hidden))
    return hidden + linear(weights, f"{key}mlp.c_proj", inner * torch.sigmoid(1.702 * inner))


def linear(weights: Mapping[str, Tensor], key: str, values: Tensor) -> Tensor:
    return functional.linear(values, weights[f"{key}.weight"], weights[f"{key}.bias"])


def norm(weights: Mapping[str, Tensor], key: str, values: Tensor) -> Tensor:
    return functional.layer_norm(values, values.shape[-1:], weights[f"{key}.weight"], weights[f"{key}.bias"])
