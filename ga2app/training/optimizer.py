"""One step of training: gradients, with no more clips in the towers at once than memory allows, and new prompts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from ga2app.clip import ranks
from ga2app.clip.compute import Compute
from ga2app.config import OptimizerConfig
from ga2app.method import losses as objective
from ga2app.method.losses import LossParts
from ga2app.method.prompts import PromptLearner
from ga2app.training.training_batches import ClipSource
from ga2app.training.training_state import Setup


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


def micro_batches(source: ClipSource, order: Sequence[Sequence[int]], size: int, epoch: int) -> Iterator[list[Tensor]]:
    """For each step of ``order`` its clips, in tensors of at most ``size`` clips."""
    split = [[batch[first : first + size] for first in range(0, len(batch), size)] for batch in order]
    delivered = source.batches([part for parts in split for part in parts], epoch)
    for parts in split:
        yield list(islice(delivered, len(parts)))


def add_gradients(
    setup: Setup, clips: Sequence[Tensor], rows: Sequence[int], step: int, backward: Callable[[Tensor], None]
) -> LossParts:
    """Add the gradients of ``step`` to the prompts and return its loss, over all of its clips at once.

    ``clips`` are the micro-batches of the step, pixels (b, T, 3, S, S) or moments (b, 1 + K, D), of the shots
    ``rows`` (B numbers); pixels of this rank's part of them where several share the run. ``backward`` is called with
    the loss.

    The loss is no mean of losses of micro-batches: some of its terms look at clips and anchors together. So the
    features of all micro-batches but the last are computed without a graph, the loss is taken over the whole step,
    and what it wants of each feature is handed on to its micro-batch, which passes the tower a second time. The
    result is that of one large batch, whatever the loss and the last micro-batch's size, up to rounding; texts and
    anchors pass their towers once; the price is a second forward pass for all micro-batches but the last.

    In the same way the ranks of a run share a step: each encodes its part, all gather the features and take the loss
    over the whole step, each hands on to its own clips, and the gradients of visual prompts and pooling are added up.
    The texts pass their tower on every rank, and rank 0's gradients of text prompts count: the text tower is small
    beside the frames, its random numbers are those of the step everywhere, and nothing is gathered for the loss.
    """
    group, quick = ranks.current(), not setup.config.prompts.visual_depth
    if quick:
        clips = [torch.cat(list(clips))]  # features: no tower to pass, so nothing to save or to share
    *early, last = clips or [setup.targets[:0]]
    with torch.no_grad():
        held = [setup.model.encode_clips(pixels) for pixels in early]  # (b, D) each
    leaves = own = setup.features(last, rows, step)
    anchors = own.clips[:0] if own.anchors is None else own.anchors
    if not quick:
        count = 0 if own.frozen_anchors is None else len(own.frozen_anchors)
        all_clips = group.gather(torch.cat([*held, own.clips]), len(rows)).requires_grad_()  # (B, D)
        all_anchors = group.gather(anchors, count, late=True).requires_grad_()  # (A, D)
        leaves = replace(own, clips=all_clips, anchors=all_anchors)
    targets = setup.targets[list(rows)]
    loss = objective.loss(setup.config.losses, leaves, targets, setup.model.backbone.scale)
    backward(loss.total)
    if not quick:
        *wanted, of_last = torch.split(_wanted(group, all_clips), [*map(len, held), len(own.clips)])
        graphs = [(own.clips, of_last), (anchors, _wanted(group, all_anchors, late=True))]
        moved = [(features, gradient) for features, gradient in graphs if features.requires_grad]
        if moved:
            torch.autograd.backward([features for features, _ in moved], [gradient for _, gradient in moved])
        for pixels, gradient in zip(early, wanted, strict=True):
            torch.autograd.backward(setup.model.encode_clips(pixels), gradient)
    return _shared(group, setup.model.prompts, loss, quick)


def _wanted(group: ranks.Ranks, gathered: Tensor, *, late: bool = False) -> Tensor:
    """What the loss wants of this rank's rows of ``gathered``: nothing where it does not look at them."""
    gradient = torch.zeros_like(gathered) if gathered.grad is None else gathered.grad
    return gradient[group.part(len(gathered), late=late)]


def _shared(group: ranks.Ranks, prompts: PromptLearner, loss: LossParts, quick: bool) -> LossParts:
    """Make gradients and loss those of the step on every rank, to the bit: so no rank moves otherwise than another."""
    if group.count == 1:
        return loss
    # What clips pass on their way to their features: of them each rank has a part, and in Quick all.
    of_clips = [] if quick else [prompts.visual, *(prompts.pooling.parameters() if prompts.pooling else ())]
    summed = []
    for one in of_clips:
        if one is not None:
            one.grad = torch.zeros_like(one) if one.grad is None else one.grad
            summed.append(one.grad)
    held = {id(one) for one in of_clips}
    once = [one.grad for one in prompts.parameters() if id(one) not in held and one.grad is not None]
    told = torch.stack([loss.total, loss.ce, loss.anchor]).detach()
    group.add_up(summed, [*once, told])
    return replace(loss, total=told[0], ce=told[1], anchor=told[2])
