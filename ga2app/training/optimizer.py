"""From gradients to the next prompts: learning rate, loss scaling, a look at the gradients, clipping, AdamW."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from ga2app.clip.compute import Compute
from ga2app.config import OptimizerConfig
from ga2app.method.prompts import PromptLearner


class Updater:
    """AdamW on all prompts, with what stands between the loss and it.

    The loss is scaled under float16 alone, whose small gradients would vanish and whose large ones overflow.
    """

    def __init__(self, prompts: PromptLearner, settings: OptimizerConfig, compute: Compute) -> None:
        self.adam = torch.optim.AdamW(
            prompts.parameters(), lr=0.0, betas=(0.9, 0.999), eps=1e-8, weight_decay=settings.weight_decay
        )
        self.scaler = torch.amp.GradScaler(compute.device.type, enabled=compute.dtype == torch.float16)
        self._parameters = list(prompts.parameters())
        self._max_norm = settings.max_gradient_norm

    def clear(self) -> None:
        """Forget the gradients of the step before."""
        self.adam.zero_grad(set_to_none=True)

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of ``loss``, scaled, to the parameters."""
        torch.autograd.backward(self.scaler.scale(loss))

    def limit_gradients(self) -> Tensor:
        """Unscale the gradients, shorten them to the greatest norm allowed, and return their norm before that."""
        self.scaler.unscale_(self.adam)
        norm = get_total_norm([one.grad for one in self._parameters if one.grad is not None])
        if self._max_norm:
            clip_grads_with_norm_(self._parameters, self._max_norm, norm)
        return norm

    @property
    def scale(self) -> float:
        """What the loss is multiplied by before its gradients are taken: 1 but under float16."""
        return self.scaler.get_scale()

    def step(self, rate: float) -> bool:
        """Move the prompts at learning rate ``rate``; False where scaled gradients overflowed and nothing moved."""
        for group in self.adam.param_groups:
            group["lr"] = rate
        before = self.scale
        self.scaler.step(self.adam)
        self.scaler.update()
        return self.scale >= before

    def scaling(self) -> Mapping[str, Any]:
        """State of the loss scaling in plain JSON values; empty where the loss is not scaled."""
        return self.scaler.state_dict()

    def load_scaling(self, state: Mapping[str, Any]) -> None:
        """Take over what ``scaling`` gave; raises ValueError when it is not that."""
        if self.scaling().keys() != state.keys():
            raise ValueError(f"its loss scaling holds {sorted(state)} instead of {sorted(self.scaling())}")
        self.scaler.load_state_dict(dict(state))


def learning_rate(step: int, total_steps: int, warmup_steps: int, peak: float) -> float:
    """Rate of optimizer step ``step`` (from 0): linear from 0 to ``peak``, then a cosine down to 0.

    Source: paper, section 4 (2 of 12 epochs of warm-up).
    """
    if step < warmup_steps:
        return peak * step / warmup_steps
    progress = (step - warmup_steps) / max(1, total_steps - warmup_steps)
    return peak * 0.5 * (1 + math.cos(math.pi * progress))
