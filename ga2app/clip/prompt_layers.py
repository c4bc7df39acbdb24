"""The layers of a frozen CLIP, without what nobody reads of them (METHOD.md, section 8).

Frozen weights of matrix products are held in the precision that they are used in, which under autocast would cast
them anew at every call; those of query, key and value are one product. Prompts that the next layer replaces are keys
and values only, one set for all rows of a batch. Texts share the states of their common beginning. Of the last layer
only one position of each sequence is computed.

Notation: N sequences, L positions, D the tower's width, H heads of width d = D / H, S positions that all sequences see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ga2app.clip.packed_texts import PackedTexts

_SLOPE = 1.702
"""Of the QuickGELU, x · sigmoid(1.702 x), in OpenAI's CLIP."""


def quick_gelu_mlp(mlp: Any, x: Tensor) -> Tensor:
    """A ``CLIPMLP`` with QuickGELU, of tokens (…, D): a scaled SiLU, the same function in fewer passes over 4 D values.

    In float32 the products take in the scales: none is left. Its inputs may want gradients, its weights do not.
    """
    rows = x.flatten(0, -2)
    weights = (mlp.fc1.weight, mlp.fc1.bias, mlp.fc2.weight, mlp.fc2.bias)
    if torch.is_grad_enabled() and x.requires_grad:
        out: Tensor = _QuickGeluMlp.apply(rows, *weights)  # type: ignore[no-untyped-call]
    else:
        out = _second_product(functional.silu(_first_product(rows, *weights[:2]), inplace=True), *weights[2:])
    return out.view(x.shape)


def _first_product(rows: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """s (x wᵀ + b), with s the slope of the QuickGELU."""
    if weight.dtype == rows.dtype == torch.float32:
        return torch.addmm(bias * _SLOPE, rows, weight.t(), alpha=_SLOPE)
    return functional.linear(rows, weight, bias).mul_(_SLOPE)


def _second_product(activated: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """x / s wᵀ + b; ``activated`` may be overwritten."""
    if weight.dtype == activated.dtype == torch.float32:
        return torch.addmm(bias, activated, weight.t(), alpha=1 / _SLOPE)
    return functional.linear(activated.div_(_SLOPE), weight, bias)


class _QuickGeluMlp(torch.autograd.Function):
    """silu(s · h) / s has the derivative silu'(s · h), in which s cancels; autograd would multiply and divide."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, *weights: Tensor) -> Tensor:
        scaled = _first_product(rows, *weights[:2])
        ctx.save_for_backward(scaled, weights[0], weights[2])
        return _second_product(functional.silu(scaled), *weights[2:])

    @staticmethod
    def backward(ctx: Any, *wanted: Tensor) -> tuple[Tensor | None, ...]:
        scaled, first, second = ctx.saved_tensors
        back = torch.ops.aten.silu_backward(wanted[0].to(scaled.dtype) @ second.to(scaled.dtype), scaled)
        return (back @ first.to(scaled.dtype), None, None, None, None)


class FusedAttention(nn.Module):
    """A ``CLIPAttention`` whose query, key and value are one product. Its state dict has their three weights."""

    def __init__(self, attention: Any) -> None:
        super().__init__()
        self.num_heads, self.scale, self.eager = attention.num_heads, attention.scale, False
        three = (attention.q_proj, attention.k_proj, attention.v_proj)
        with torch.device("meta"):
            self.qkv = nn.Linear(attention.embed_dim, 3 * attention.embed_dim)
        for kind in ("weight", "bias"):
            joined = torch.cat([getattr(one, kind).detach() for one in three])
            setattr(self.qkv, kind, nn.Parameter(joined, requires_grad=False))
        self.out_proj = attention.out_proj
        self.register_state_dict_post_hook(_separate)  # type: ignore[no-untyped-call]

    def heads(self, projected: Tensor) -> Tensor:
        """Products (…, n · D) as (…, n, H, d)."""
        return torch.unflatten(projected, -1, (-1, self.num_heads, self.out_proj.in_features // self.num_heads))

    def forward(self, query: Tensor, keys_values: Tensor, mask: Tensor | None = None) -> Tensor:
        """What queries (N, L, H, d) mix (N, L, D) of keys and values (N, S, 2, H, d).

        ``mask`` (N or 1, 1, L, S) is added to the attention.
        """
        q = query.transpose(1, 2)  # (N, H, L, d)
        k, v = keys_values.permute(2, 0, 3, 1, 4).unbind(0)  # (N, H, S, d)
        if self.eager:
            weights = q @ k.transpose(-1, -2) * self.scale  # (N, H, L, S)
            weights = weights if mask is None else weights + mask
            mixed = weights.softmax(dim=-1, dtype=torch.float32).to(q.dtype) @ v
        else:
            mixed = functional.scaled_dot_product_attention(q, k, v, mask, scale=self.scale)
        joined: Tensor = mixed.transpose(1, 2).flatten(2)
        return joined


def _separate(module: Any, state: dict[str, Any], prefix: str, metadata: Any) -> None:
    """Names in ``state`` as those of ``CLIPAttention``, which files have."""
    for kind in ("weight", "bias"):
        for letter, part in zip("qkv", state.pop(f"{prefix}qkv.{kind}").chunk(3), strict=True):
            state[f"{prefix}{letter}_proj.{kind}"] = part


class FrozenLayer(nn.Module):
    """A ``CLIPEncoderLayer`` with its weights, by the same names, and the calls that the two towers need."""

    def __init__(self, layer: Any, *, quick: bool) -> None:
        """``quick`` where the activation is OpenAI's QuickGELU."""
        super().__init__()
        self.quick, self.self_attn = quick, FusedAttention(layer.self_attn)
        self.layer_norm1, self.mlp, self.layer_norm2 = layer.layer_norm1, layer.mlp, layer.layer_norm2

    def forward(self, hidden: Tensor, shared: Tensor | None = None) -> Tensor:
        """States (N, L, D) after the layer, with ``shared`` (S, D) as further keys and values of every sequence."""
        attention = self.self_attn
        # Splits, not slices: going back, these would fill zeros of the whole size for each part, and add them up.
        qkv = self._projected(self.layer_norm1(hidden))  # (N, L, 3, H, d)
        query, own = torch.split(qkv, [1, 2], dim=2)
        return self._finish(hidden, attention(query.squeeze(2), self._with_shared(own, shared)))

    def first(self, hidden: Tensor, shared: Tensor | None = None) -> Tensor:
        """``forward`` at the first position alone: (N, D)."""
        normed, width = self.layer_norm1(hidden), hidden.shape[-1]
        query = self._projected(normed[:, :1], slice(width))[:, :, 0]  # (N, 1, H, d)
        own = self._projected(normed, slice(width, None))  # (N, L, 2, H, d)
        mixed = self.self_attn(query, self._with_shared(own, shared))[:, 0]
        return self._finish(hidden[:, 0], mixed)

    def texts(self, hidden: Tensor, packed: PackedTexts, shared: Tensor | None = None, *, last: bool = False) -> Tensor:
        """States (m + B · G, D) of a common beginning of m tokens and, behind it, of packed texts.

        ``shared`` (S, D) are further keys and values of the texts alone, such as prompts behind the start token, when
        this is the whole beginning. The ``last`` layer gives the states (K, D) of the end tokens.
        """
        attention, chunks = self.self_attn, packed.own.shape
        begun = len(hidden) - packed.own.numel()  # m
        qkv = self._projected(self.layer_norm1(hidden))  # (m + B · G, 3, H, d)
        common, own = torch.split(qkv, [begun, packed.own.numel()])
        asking, before = torch.split(common, [1, 2], dim=1)  # (m, 1, H, d), (m, 2, H, d)
        query, own = torch.split(torch.unflatten(own, 0, chunks), [1, 2], dim=2)  # (B, G, 1, H, d), (B, G, 2, H, d)
        seen = before if shared is None else torch.cat([before, self._keys_values(shared)])
        keys_values = torch.cat([seen.expand(chunks[0], -1, -1, -1, -1), own], dim=1)
        mixed = attention(query.squeeze(2), keys_values, packed.mask(len(seen), qkv.dtype)).flatten(0, 1)  # (B · G, D)
        if last:
            return self._finish(hidden[begun + packed.ends], mixed[packed.ends])
        # What sees itself alone mixes its own value.
        first = (
            before[:, 1].flatten(1)
            if begun <= 1
            else attention(asking[None, :, 0], before[None], _causal(qkv, begun))[0]
        )
        return self._finish(hidden, torch.cat([first, mixed]))

    def _projected(self, normed: Tensor, rows: slice = slice(None)) -> Tensor:
        """Those ``rows`` of the joint product, of tokens (…, D), as (…, n, H, d)."""
        attention, qkv = self.self_attn, self.self_attn.qkv
        return attention.heads(functional.linear(normed.to(qkv.weight.dtype), qkv.weight[rows], qkv.bias[rows]))

    def _keys_values(self, tokens: Tensor) -> Tensor:
        """Keys and values (S, 2, H, d) of tokens (S, D)."""
        return self._projected(self.layer_norm1(tokens), slice(tokens.shape[-1], None))

    def _with_shared(self, own: Tensor, shared: Tensor | None) -> Tensor:
        """Keys and values (N, L + S, 2, H, d) of each sequence's own (N, L, 2, H, d) and of ``shared`` (S, D)."""
        if shared is None:
            return own
        return torch.cat([own, self._keys_values(shared).expand(own.shape[0], -1, -1, -1, -1)], dim=1)

    def _finish(self, hidden: Tensor, mixed: Tensor) -> Tensor:
        """The second half of the layer, for any number of positions."""
        hidden = hidden + self.self_attn.out_proj(mixed)
        normed = self.layer_norm2(hidden).to(mixed.dtype)
        return hidden + (quick_gelu_mlp(self.mlp, normed) if self.quick else self.mlp(normed))


def _causal(like: Tensor, length: int) -> Tensor:
    return torch.full((1, 1, length, length), float("-inf"), dtype=like.dtype, device=like.device).triu(1)


def through(
    layers: Iterable[FrozenLayer], hidden: Tensor, sets: Sequence[Tensor], run: Callable[..., Tensor]
) -> Tensor:
    """States behind ``layers`` (N, L or L + P, D) of ``hidden`` (N, L, D), without a mask.

    ``sets`` are prompts (P, D), one set for each of the first layers: those that the next layer replaces are keys and
    values only, and the last set stays behind the L positions. ``run`` calls a layer.
    """
    for depth, layer in enumerate(layers):
        shared = sets[depth] if depth < len(sets) else None
        if shared is not None and depth + 1 == len(sets):  # Nothing replaces these: later layers read them.
            whole = shared.expand(hidden.shape[0], -1, -1)
            hidden, shared = torch.cat([hidden, whole], dim=1), None  # (N, L + P, D)
        hidden = run(layer, hidden, shared)
    return hidden


RECOMPUTED_AT_ONCE = 8
"""Sequences whose states within a layer are in memory at once where they are recomputed."""


class Recomputed(torch.autograd.Function):
    """A layer that remembers its input alone: gradient checkpointing (Chen and others, 2016), a few sequences at once.

    ``apply(layer, hidden, shared)`` is ``layer(hidden, shared)``, with one more forward pass in the backward one.
    """

    @staticmethod
    def forward(ctx: Any, layer: FrozenLayer, hidden: Tensor, shared: Tensor | None) -> Tensor:
        ctx.layer = layer
        ctx.save_for_backward(hidden, shared)
        out = torch.empty_like(hidden)
        for part, place in zip(*(torch.split(one, RECOMPUTED_AT_ONCE) for one in (hidden, out)), strict=True):
            place.copy_(layer(part, shared))
        return out

    @staticmethod
    def backward(ctx: Any, *wanted: Tensor) -> tuple[Tensor | None, ...]:
        hidden, shared = ctx.saved_tensors
        _, of_hidden, of_shared = ctx.needs_input_grad
        back = torch.empty_like(hidden) if of_hidden else None
        shared_back = torch.zeros_like(shared) if of_shared else None
        for first in range(0, len(hidden), RECOMPUTED_AT_ONCE):
            rows = slice(first, first + RECOMPUTED_AT_ONCE)
            part = hidden[rows].detach().requires_grad_(of_hidden)
            seen = None if shared is None else shared.detach().requires_grad_(of_shared)
            with torch.enable_grad():
                out = ctx.layer(part, seen)
            torch.autograd.backward(out, wanted[0][rows])
            if back is not None and part.grad is not None:
                back[rows] = part.grad
            if shared_back is not None and seen is not None and seen.grad is not None:
                shared_back += seen.grad
        return None, back, shared_back


def freeze_layers(clip: Any, dtype: torch.dtype, *, eager: bool) -> None:
    """Make the layers of ``clip`` (a ``CLIPModel``) frozen ones, with the weights of matrix products in ``dtype``.

    Normalizations and embeddings stay as they are, as they do under autocast. Each weight is let go as soon as its
    copy is there.
    """
    clip.eval().requires_grad_(False)
    for tower in (clip.vision_model, clip.text_model):
        layers = tower.encoder.layers
        for place, layer in enumerate(layers):
            if not isinstance(layer, FrozenLayer):
                layers[place] = FrozenLayer(layer, quick=tower.config.hidden_act == "quick_gelu").eval()
            layers[place].self_attn.eager = eager
            hold(layers[place], dtype)
    hold(clip, dtype)


def hold(module: nn.Module, dtype: torch.dtype) -> None:
    """Weights and biases of all matrix products and convolutions in ``module`` become ``dtype``."""
    for part in module.modules():
        if isinstance(part, nn.Linear | nn.Conv2d):
            part.to(dtype)
