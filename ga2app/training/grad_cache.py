"""The gradients of one optimizer step, with no more clips in the towers at once than memory allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

import torch
from torch import Tensor

from ga2app.method import losses as objective
from ga2app.method.losses import LossParts
from ga2app.training.training_batches import ClipSource
from ga2app.training.training_state import Setup


def micro_batches(source: ClipSource, order: Sequence[Sequence[int]], size: int, epoch: int) -> Iterator[list[Tensor]]:
    """For each step of ``order`` its clips, in tensors of at most ``size`` clips."""
    split = [[batch[first : first + size] for first in range(0, len(batch), size)] for batch in order]
    delivered = source.batches([part for parts in split for part in parts], epoch)
    for parts in split:
        yield list(islice(delivered, len(parts)))


def add_gradients(
    setup: Setup, clips: Sequence[Tensor], rows: Sequence[int], step: int, backward: Callable[[Tensor], None]
) -> LossParts:
    """Add the gradients of ``step`` to the prompts and return its loss, over all of ``clips`` at once.

    ``clips`` are the micro-batches of the step, pixels (b, T, 3, S, S) or features (b, D), of the shots
    ``rows`` (B numbers). ``backward`` is called with the loss.

    The loss is no mean of losses of micro-batches: some of its terms look at clips and anchors together. So the
    features of all micro-batches but the last are computed without a graph, the loss is taken over the whole step,
    and what it wants of each feature is handed on to its micro-batch, which passes the tower a second time. The
    result is that of one large batch, whatever the loss and the last micro-batch's size, up to rounding; texts and
    anchors pass their towers once; the price is a second forward pass for all micro-batches but the last.
    """
    if not setup.config.prompts.visual_depth:
        clips = [torch.cat(list(clips))]  # features: no tower to pass, so nothing to save
    *early, last = clips
    held = None
    if early:
        with torch.no_grad():
            held = torch.cat([setup.model.encode_clips(pixels) for pixels in early])  # (B - b, D)
        held.requires_grad_()
    features = setup.features(last, rows, step)
    if held is not None:
        features = replace(features, clips=torch.cat([held, features.clips]))
    parts = objective.loss(setup.config.losses, features, setup.targets[list(rows)], setup.model.backbone.scale)
    backward(parts.total)
    if held is not None and held.grad is not None:
        for pixels, wanted in zip(early, torch.split(held.grad, [len(pixels) for pixels in early]), strict=True):
            torch.autograd.backward(setup.model.encode_clips(pixels), wanted)
    return parts
