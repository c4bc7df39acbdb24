"""The towers computed straightforwardly by transformers: texts at full length, prompts whole in every layer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional
from transformers import CLIPModel

from ga2app.clip import TokenizedText


def plain_frames(clip: CLIPModel, pixels: Tensor, prompts: Sequence[Tensor] = ()) -> Tensor:
    """Frame features (N, D): prompts are appended before the pre-layernorm, then replaced layer by layer."""
    tower, count = clip.vision_model, len(pixels)
    hidden = tower.embeddings(pixels)
    if prompts:
        hidden = torch.cat([hidden, prompts[0].expand(count, -1, -1)], dim=1)
    hidden = tower.pre_layrnorm(hidden)
    for depth, layer in enumerate(tower.encoder.layers):
        if 0 < depth < len(prompts):
            hidden = torch.cat([hidden[:, : -len(prompts[depth])], prompts[depth].expand(count, -1, -1)], dim=1)
        hidden = layer(hidden, None)
    return clip.visual_projection(tower.post_layernorm(hidden[:, 0]))


def plain_texts(
    clip: CLIPModel, text: TokenizedText, context: Tensor | None = None, prompts: Sequence[Tensor] = ()
) -> Tensor:
    """Text features (K, D) of length 1: each text passes whole, context and prompts in places 1 … P."""
    tower, (count, length) = clip.text_model, text.ids.shape

    def placed(hidden: Tensor, tokens: Tensor) -> Tensor:
        return torch.cat([hidden[:, :1], tokens.expand(count, -1, -1), hidden[:, 1 + len(tokens) :]], dim=1)

    hidden = tower.embeddings.token_embedding(text.ids)
    hidden = tower.embeddings(inputs_embeds=hidden if context is None else placed(hidden, context))
    mask = torch.full((length, length), torch.finfo(torch.float32).min).triu(1)[None, None]
    for depth, layer in enumerate(tower.encoder.layers):
        if 0 < depth <= len(prompts):
            hidden = placed(hidden, prompts[depth - 1])
        hidden = layer(hidden, mask, is_causal=False)
    ended = tower.final_layer_norm(hidden)[torch.arange(count), text.ends]
    return functional.normalize(clip.text_projection(ended), dim=-1)
