"""The learning rate as a pure function of the step."""

from __future__ import annotations

import math


def learning_rate(step: int, total_steps: int, warmup_steps: int, peak: float) -> float:
    """Rate of optimizer step ``step`` (from 0): linear from 0 to ``peak``, then a cosine down to 0.

    Source: paper, section 4 (2 of 12 epochs of warm-up).
    """
    if step < warmup_steps:
        return peak * step / warmup_steps
    progress = (step - warmup_steps) / max(1, total_steps - warmup_steps)
    return peak * 0.5 * (1 + math.cos(math.pi * progress))
