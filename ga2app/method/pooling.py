"""From frame features to a clip feature: their mean, and an order term that is learned and starts at nothing.

The mean over T (paper, section 3) is the same for a clip and for its reverse, so that "opening" and "closing" can only
be told apart by what else their clips show. Order-aware pooling adds what the frames do over time: of the features f of
a clip the moments

    c_k = (1/T) Σ_t −√2 cos(π k (t + ½) / T) f_t,   k in ``ORDERS``,

which are odd in time: they change their sign when a clip runs backward, they vanish for a clip that stands still and
for a single frame, and they exist for any number of frames. The order term is λ Σ_k (g_k c_k + (c_k A_k) B_k) with a
number g_k and matrices of rank ``RANK``, g and B starting at 0, so that a run begins with the mean itself. It is linear
in the frames, and 1 + K moments are all that has to be stored of a clip, however many frames it has. What it gains and
what it costs is in docs/experiments.md.

Notation: T frames, D embedding width, K = len(``ORDERS``).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

ORDERS = (1, 3)
"""Half waves over the clip: the late frames less the early ones, and a finer one."""

RANK = 8
PACE = 4.0
"""λ: how much further a step at the learning rate of prompts moves the order term. This and the rank were chosen on the
seeds 1 and 2 of the benchmark."""
COUNT = 1 + len(ORDERS)
"""Moments of a clip: the mean, and those that are odd in time."""


def moment_weights(frames: int, like: Tensor) -> Tensor:
    """What each of T ``frames`` counts in each moment: (1 + K, T), on the device and in the type of ``like``."""
    places = (torch.arange(frames, device=like.device, dtype=like.dtype) + 0.5) * math.pi
    waves = [-math.sqrt(2) * torch.cos(order * places / frames) for order in ORDERS]
    return torch.stack([torch.ones_like(places), *waves]) / frames


def moments(frames: Tensor) -> Tensor:
    """Moments (…, 1 + K, D) of frame features (…, T, D) in the order of time; the first is their mean."""
    mean = frames.mean(dim=-2, keepdim=True)
    return torch.cat([mean, moment_weights(frames.shape[-2], frames)[1:] @ frames], dim=-2)


class OrderedPooling(nn.Module):
    """Moments to pooled features. Parameters: ``gain`` (K,), ``reads`` (K, D, R), ``writes`` (K, R, D)."""

    def __init__(self, width: int, generator: torch.Generator | None = None) -> None:
        super().__init__()
        orders = len(ORDERS)
        self.gain = nn.Parameter(torch.zeros(orders))
        self.reads = nn.Parameter(torch.randn(orders, width, RANK, generator=generator) * width**-0.5)
        self.writes = nn.Parameter(torch.zeros(orders, RANK, width))

    def forward(self, moments: Tensor) -> Tensor:
        """Pooled features (…, D), not normalized, of moments (…, 1 + K, D): the mean and the order term."""
        mean, odd = moments[..., 0, :], moments[..., 1:, :]
        projected = (odd[..., None, :] @ self.reads @ self.writes)[..., 0, :]  # (…, K, D)
        return mean + PACE * (self.gain[:, None] * odd + projected).sum(dim=-2)
