"""Two exact savings in the layers of a transformers CLIP: fewer positions in the last one, fewer passes per activation.

Notation: N sequences, L positions, D the tower's width, H heads.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

_SLOPE = 1.702
"""Of the QuickGELU, x · sigmoid(1.702 x), in OpenAI's CLIP."""


class FusedQuickGelu(nn.Module):
    """QuickGELU as a scaled SiLU: the same function in fewer passes over its values, and one pass back."""

    def forward(self, x: Tensor) -> Tensor:
        """Activations of any shape."""
        if torch.is_grad_enabled() and x.requires_grad:
            out: Tensor = _ScaledSilu.apply(x)  # type: ignore[no-untyped-call]
            return out
        return functional.silu(x * _SLOPE) / _SLOPE


class _ScaledSilu(torch.autograd.Function):
    """silu(s · x) / s with the derivative silu'(s · x), in which s cancels; autograd would multiply and divide."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        scaled = x * _SLOPE
        ctx.save_for_backward(scaled)
        return functional.silu(scaled).div_(_SLOPE)

    @staticmethod
    def backward(ctx: Any, *wanted: Tensor) -> Tensor:
        (scaled,) = ctx.saved_tensors
        back: Tensor = torch.ops.aten.silu_backward(wanted[0], scaled)
        return back


def fuse_activations(clip: Any) -> None:
    """Put ``FusedQuickGelu`` where ``clip`` (a ``CLIPModel``) has a QuickGELU; other activations stay."""
    for tower in (clip.vision_model, clip.text_model):
        if tower.config.hidden_act == "quick_gelu":
            for layer in tower.encoder.layers:
                layer.mlp.activation_fn = FusedQuickGelu()


def one_position(layer: Any, hidden: Tensor, places: Tensor, mask: Tensor | None = None) -> Tensor:
    """What a ``CLIPEncoderLayer`` makes of one position of each sequence (N, D), as if all had been computed.

    ``hidden`` (N, L, D) goes in, ``places`` (N,) are the positions, ``mask`` (1, 1, L, L) is added to the attention.
    """
    attention = layer.self_attn
    rows = torch.arange(hidden.shape[0], device=hidden.device)
    normed = layer.layer_norm1(hidden)  # (N, L, D)

    def heads(x: Tensor) -> Tensor:
        return torch.unflatten(x, -1, (attention.num_heads, attention.head_dim)).transpose(1, 2)

    query = heads(attention.q_proj(normed[rows, places]).unsqueeze(1))  # (N, H, 1, D/H)
    keys, values = heads(attention.k_proj(normed)), heads(attention.v_proj(normed))  # (N, H, L, D/H)
    weights = query @ keys.transpose(-1, -2) * attention.scale  # (N, H, 1, L)
    if mask is not None:
        weights = weights + mask[0, 0][places][:, None, None]
    weights = weights.softmax(dim=-1, dtype=torch.float32).to(query.dtype)
    mixed = (weights @ values).transpose(1, 2).flatten(1)  # (N, D)
    hidden = hidden[rows, places] + attention.out_proj(mixed)
    out: Tensor = hidden + layer.mlp(layer.layer_norm2(hidden))
    return out
