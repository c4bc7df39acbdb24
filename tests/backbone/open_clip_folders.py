"""Small random folders as open_clip writes them, and what it computes with them, written once more.

Nothing of ga2app or open_clip is used here: names, shapes and arithmetic are those of its classes ``CLIP`` and
``CustomTextCLIP`` (open_clip 3.3) and of timm's SigLIP (timm 1.0.31).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional
from transformers import AutoTokenizer, CLIPTokenizer

SIDE, PATCH, VISUAL, TEXT, LAYERS, HEADS = 32, 8, 32, 24, 3, 2
LETTERS = "abcdefghijklmnopqrstuvwxyz."
WORDS = ("walking", "waving", "hand", "reading", "a")

Weights = Mapping[str, Tensor]
OPENAI = ("ln_1", "attn.in_proj_", "attn.out_proj", "ln_2", "mlp.c_fc", "mlp.c_proj")
TIMM = ("norm1", "attn.qkv.", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2")
Activation = Callable[[Tensor], Tensor]
ACTS: dict[str, Activation] = {
    "quick": lambda x: x * torch.sigmoid(1.702 * x),
    "gelu": functional.gelu,
    "tanh": partial(functional.gelu, approximate="tanh"),
}


def model_config(kind: str, vocabulary: int) -> dict[str, Any]:
    """``model_cfg`` of a "clip", a "worldwide" CLIP or a "siglip", whose text tower has the tanh form of GELU."""
    text: dict[str, Any] = {"width": TEXT, "heads": HEADS, "layers": LAYERS, "context_length": 40, "mlp_ratio": 2.0}
    text["vocab_size"] = vocabulary
    if kind != "siglip":
        vision: dict[str, Any] = {"image_size": SIDE, "layers": LAYERS, "width": VISUAL, "patch_size": PATCH}
        vision |= {"head_width": VISUAL // HEADS, "mlp_ratio": 2.0}
        if kind == "worldwide":
            text |= {"hf_tokenizer_name": "facebook/xlm-v-base", "pool_type": "eos", "eos_id": 2}
        return {"embed_dim": 16, "quick_gelu": kind == "clip", "vision_cfg": vision, "text_cfg": text}
    text |= {"hf_tokenizer_name": "timm/ViT-B-16-SigLIP2", "tokenizer_kwargs": {"clean": "canonicalize"}}
    text |= {"no_causal_mask": True, "proj_bias": True, "pool_type": "last", "norm_kwargs": {"eps": 1e-6}}
    text |= {"act_kwargs": {"approximate": "tanh"}, "context_length": 64}
    vision = {"image_size": SIDE, "timm_model_name": "vit_base_patch16_siglip_224", "timm_model_pretrained": False}
    vision |= {"timm_pool": "map", "timm_proj": "none"}
    small = {"embed_dim": VISUAL, "depth": LAYERS, "num_heads": HEADS, "mlp_ratio": 2.0}
    vision["timm_model_kwargs"] = small | {"img_size": SIDE, "patch_size": PATCH}
    return {"embed_dim": VISUAL, "init_logit_bias": -10, "custom_text": True, "vision_cfg": vision, "text_cfg": text}


def make_open_clip(kind: str, folder: Path, tokenizer: Path | None = None) -> Path:
    """Such a folder, with the tokenizer that lies in another one; a "clip" has OpenAI's, of letters and some words."""
    folder.mkdir(exist_ok=True)
    if tokenizer is None:
        clip_tokenizer().save_pretrained(folder)
    else:
        for file in tokenizer.glob("tokenizer*.json"):
            (folder / file.name).write_bytes(file.read_bytes())
    config = model_config(kind, len(AutoTokenizer.from_pretrained(folder)))
    squash = {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic", "resize_mode": "squash"}
    clips = {"mean": [0.48145466, 0.4578275, 0.40821073], "std": [0.26862954, 0.26130258, 0.27577711]}
    told = {"model_cfg": config, "preprocess_cfg": squash if kind == "siglip" else clips}
    (folder / "open_clip_config.json").write_text(json.dumps(told, indent=2))
    save_file(_random(config), folder / "open_clip_model.safetensors")
    return folder


def clip_tokenizer() -> CLIPTokenizer:
    """OpenAI's, of letters and some words; its end is the largest id."""
    vocabulary = [*LETTERS, *(f"{letter}</w>" for letter in LETTERS)]
    merges = []
    for word in WORDS:
        made = word[0]
        for place, letter in enumerate(word[1:], 2):
            letter = f"{letter}</w>" if place == len(word) else letter
            merges += [(made, letter)] if (made, letter) not in merges else []
            made += letter
            vocabulary += [made] if made not in vocabulary else []
    vocabulary += ["<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={piece: place for place, piece in enumerate(vocabulary)}, merges=merges)


def _random(config: Mapping[str, Any]) -> dict[str, Tensor]:
    """Weights so large that each of them shows."""
    torch.manual_seed(0)
    text, siglip = config["text_cfg"], "custom_text" in config
    shapes: dict[str, tuple[int, ...]] = {}
    prefix = "text." if siglip else ""
    shapes |= {"token_embedding.weight": (text["vocab_size"], TEXT)}
    shapes |= {"positional_embedding": (text["context_length"], TEXT)} | _both("ln_final", TEXT)
    for number in range(LAYERS):
        shapes |= _layer(f"transformer.resblocks.{number}.", OPENAI, TEXT)
    shapes |= _both("text_projection", VISUAL, TEXT) if siglip else {"text_projection": (TEXT, config["embed_dim"])}
    shapes = {prefix + key: shape for key, shape in shapes.items()} | {"logit_scale": ()}
    patches = (SIDE // PATCH) ** 2
    if siglip:
        trunk = "visual.trunk."
        shapes |= {f"{trunk}pos_embed": (1, patches, VISUAL), "logit_bias": ()} | _both(f"{trunk}norm", VISUAL)
        shapes |= _both(f"{trunk}patch_embed.proj", VISUAL, 3, PATCH, PATCH)
        for number in range(LAYERS):
            shapes |= _layer(f"{trunk}blocks.{number}.", TIMM, VISUAL)
        pool = f"{trunk}attn_pool."
        shapes |= {f"{pool}latent": (1, 1, VISUAL)} | _both(f"{pool}q", VISUAL, VISUAL) | _both(f"{pool}norm", VISUAL)
        shapes |= _both(f"{pool}kv", 2 * VISUAL, VISUAL) | _both(f"{pool}proj", VISUAL, VISUAL)
        shapes |= _both(f"{pool}mlp.fc1", 2 * VISUAL, VISUAL) | _both(f"{pool}mlp.fc2", VISUAL, 2 * VISUAL)
    else:
        shapes |= {"visual.class_embedding": (VISUAL,), "visual.positional_embedding": (patches + 1, VISUAL)}
        shapes |= {"visual.conv1.weight": (VISUAL, 3, PATCH, PATCH), "visual.proj": (VISUAL, config["embed_dim"])}
        shapes |= _both("visual.ln_pre", VISUAL) | _both("visual.ln_post", VISUAL)
        for number in range(LAYERS):
            shapes |= _layer(f"visual.transformer.resblocks.{number}.", OPENAI, VISUAL)
    norm = ("ln_", "norm")
    made = {
        key: 0.3 * torch.randn(shape) + float(key.endswith("weight") and any(part in key for part in norm))
        for key, shape in shapes.items()
    }
    return made | {"logit_scale": torch.tensor(2.0)}


def _both(key: str, *shape: int) -> dict[str, tuple[int, ...]]:
    return {f"{key}.weight": shape, f"{key}.bias": shape[:1]}


def _layer(key: str, names: Sequence[str], width: int) -> dict[str, tuple[int, ...]]:
    norm1, qkv, out, norm2, fc1, fc2 = names
    shapes = _both(key + norm1, width) | _both(key + norm2, width) | _both(key + out, width, width)
    shapes |= {f"{key}{qkv}weight": (3 * width, width), f"{key}{qkv}bias": (3 * width,)}
    return shapes | _both(key + fc1, 2 * width, width) | _both(key + fc2, width, 2 * width)


class OpenClipReference:
    """The features of such a folder, straightforwardly: every text at full length, prompts whole in every layer."""

    def __init__(self, folder: Path) -> None:
        told = json.loads((folder / "open_clip_config.json").read_text())["model_cfg"]
        self.weights = load_file(folder / "open_clip_model.safetensors")
        self.siglip, self.text, self.tokens = (
            "custom_text" in told,
            told["text_cfg"],
            AutoTokenizer.from_pretrained(folder),
        )
        quick = "quick" if told.get("quick_gelu") else "gelu"
        self.acts = {"vision": ACTS[quick], "text": ACTS["tanh" if self.siglip else quick]}
        self.eps = 1e-6 if self.siglip else 1e-5

    def frames(self, pixels: Tensor, sets: Sequence[Tensor] = ()) -> Tensor:
        """Frame features (N, D); ``sets`` are prompts (P, Dv) of the first layers."""
        weights, act, count = self.weights, self.acts["vision"], len(pixels)
        stem = "visual.trunk.patch_embed.proj." if self.siglip else "visual.conv1."
        found = functional.conv2d(pixels, weights[f"{stem}weight"], weights.get(f"{stem}bias"), stride=PATCH)
        hidden = found.flatten(2).transpose(1, 2)
        if not self.siglip:
            hidden = torch.cat([weights["visual.class_embedding"].expand(count, 1, -1), hidden], dim=1)
        hidden = hidden + weights["visual.trunk.pos_embed" if self.siglip else "visual.positional_embedding"]
        length = hidden.shape[1]
        if sets:
            hidden = torch.cat([hidden, sets[0].expand(count, -1, -1)], dim=1)
        if not self.siglip:
            hidden = self._norm("visual.ln_pre", hidden)
        layers, names = ("trunk.blocks", TIMM) if self.siglip else ("transformer.resblocks", OPENAI)
        for depth in range(LAYERS):
            if 0 < depth < len(sets):
                hidden = torch.cat([hidden[:, :length], sets[depth].expand(count, -1, -1)], dim=1)
            hidden = self._block(f"visual.{layers}.{depth}.", names, hidden, act)
        if not self.siglip:
            return self._norm("visual.ln_post", hidden[:, 0]) @ weights["visual.proj"]
        pool, seen = "visual.trunk.attn_pool.", self._norm("visual.trunk.norm", hidden[:, :length])
        query = self._linear(f"{pool}q", weights[f"{pool}latent"].expand(count, -1, -1))
        keys_values = self._linear(f"{pool}kv", seen).chunk(2, dim=-1)
        mixed = self._linear(f"{pool}proj", _attend(query, *keys_values))
        inner = act(self._linear(f"{pool}mlp.fc1", self._norm(f"{pool}norm", mixed)))
        return (mixed + self._linear(f"{pool}mlp.fc2", inner))[:, 0]

    def texts(self, texts: Sequence[str], context: Tensor | None = None, sets: Sequence[Tensor] = ()) -> Tensor:
        """Text features (K, D) of length 1; ``context`` (P, Dt) and ``sets`` are prompts of the layers 0, 1, …."""
        prefix, most = "text." if self.siglip else "", self.text["context_length"]
        length, lead = 0 if context is None else len(context), 0 if self.siglip else 1
        rows, ends = [], []
        for text in texts:
            if self.siglip:  # as open_clip's "canonicalize" does
                text = " ".join("".join(c for c in text.replace("_", " ") if c.isalnum() or c == " ").lower().split())
            words = self.tokens(text)["input_ids"]
            pad = self.tokens.pad_token_id
            words = [*words[:lead], *[3] * length, *words[lead:]]
            ends.append(most - 1 if self.siglip else len(words) - 1)
            rows.append(words + [pad] * (most - len(words)))
        ids = torch.tensor(rows)
        hidden = self.weights[f"{prefix}token_embedding.weight"][ids]
        places = self.weights[f"{prefix}positional_embedding"]
        if context is not None:
            hidden[:, lead : lead + length] = context
        hidden = hidden + places
        mask = None if self.siglip else torch.full((most, most), float("-inf")).triu(1)
        for depth in range(LAYERS):
            if 0 < depth <= len(sets):
                hidden = torch.cat(
                    [hidden[:, :lead], sets[depth - 1].expand(len(ids), -1, -1), hidden[:, lead + length :]], dim=1
                )
            key = f"{prefix}transformer.resblocks.{depth}."
            hidden = self._block(key, OPENAI, hidden, self.acts["text"], mask)
        ended = self._norm(f"{prefix}ln_final", hidden)[torch.arange(len(ids)), torch.tensor(ends)]
        out = self._linear("text.text_projection", ended) if self.siglip else ended @ self.weights["text_projection"]
        return functional.normalize(out, dim=-1)

    def _block(
        self,
        key: str,
        names: Sequence[str],
        hidden: Tensor,
        act: Callable[[Tensor], Tensor],
        mask: Tensor | None = None,
    ) -> Tensor:
        norm1, qkv, out, norm2, fc1, fc2 = names
        fused = (self.weights[f"{key}{qkv}weight"], self.weights[f"{key}{qkv}bias"])
        parts = functional.linear(self._norm(key + norm1, hidden), *fused).chunk(3, dim=-1)
        hidden = hidden + self._linear(key + out, _attend(*parts, mask))
        return hidden + self._linear(key + fc2, act(self._linear(key + fc1, self._norm(key + norm2, hidden))))

    def _linear(self, key: str, values: Tensor) -> Tensor:
        return functional.linear(values, self.weights[f"{key}.weight"], self.weights[f"{key}.bias"])

    def _norm(self, key: str, values: Tensor) -> Tensor:
        scale, shift = self.weights[f"{key}.weight"], self.weights[f"{key}.bias"]
        return functional.layer_norm(values, values.shape[-1:], scale, shift, self.eps)


def _attend(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None = None) -> Tensor:
    q, k, v = (part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in (query, keys, values))
    scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    return ((scores if mask is None else scores + mask).softmax(dim=-1) @ v).transpose(1, 2).flatten(2)
