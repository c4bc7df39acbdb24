"""How much each part of each frame moved a score: by blanking it, or by gradients along the way to a blank clip.

Notation: T frames, S side in pixels, G cells a side, D embedding width.

Blank means the frame's own mean color. ``occlusion`` is the reference: it really takes each cell away and looks what
the clip's score loses, at G² passes of the vision tower a frame. ``integrated_gradients`` asks the same of all cells
at once, at ``STEPS`` passes there and back a frame. Both are signed: positive speaks for the label, negative against.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import torch
from torch import Tensor

from ga2app.inference.explanations.score_parts import ClipScore
from ga2app.method.prompted_model import PromptedClip

STEPS = 4
"""Points between blank and clip: on drawn clips sixteen were no better."""

FRAMES_WITH_GRADIENTS = 8
"""Frames whose activations are kept at once: about 1 GB for a ViT-B/16."""

MOST_OCCLUDED = 8
"""Cells a side that occlusion takes at most, unless told otherwise: 64 passes a frame."""


class Method(StrEnum):
    """The ways to find out; see the module's text."""

    GRADIENT = "gradient"
    OCCLUSION = "occlusion"


class Saliency(NamedTuple):
    """What the score loses: ``cells`` (T, G, G) with a cell of one frame, ``places`` (G, G) with it in all frames."""

    cells: Tensor
    places: Tensor


def default_cells(model: PromptedClip, method: Method) -> int:
    """G: the tower's patches a side for gradients; for occlusion their largest divisor up to ``MOST_OCCLUDED``."""
    patches = model.backbone.sizes.image_size // int(model.backbone.clip.config.vision_config.patch_size)
    if method is Method.GRADIENT:
        return patches
    return coarse(patches)


def coarse(patches: int) -> int:
    """The largest divisor of ``patches`` up to ``MOST_OCCLUDED``: 7 for the 14 of a ViT-B/16."""
    return max(cells for cells in range(1, MOST_OCCLUDED + 1) if patches % cells == 0)


def saliency(
    model: PromptedClip, pixels: Tensor, score: ClipScore, method: Method = Method.GRADIENT, cells: int | None = None
) -> Saliency:
    """What each cell of the clip ``pixels`` (T, 3, S, S) adds to ``score``; ``cells`` is G.

    Raises ValueError unless the frame's side S is a multiple of G.
    """
    cells = default_cells(model, method) if cells is None else cells
    if cells < 1 or pixels.shape[-1] % cells:
        raise ValueError(f"cells is {cells}; it must divide the frame's side of {pixels.shape[-1]} pixels")
    pixels = pixels.to(model.backbone.compute.device)
    if method is Method.OCCLUSION:
        return occlusion(model, pixels, score, cells)
    return integrated_gradients(model, pixels, score, cells)


@torch.no_grad()
def occlusion(model: PromptedClip, pixels: Tensor, score: ClipScore, cells: int) -> Saliency:
    """Blank each cell in turn: exact for what it asks, at G² passes a frame."""
    frames = model.encode_frames(pixels[None])[0]  # (T, D)
    count, mean = len(frames), frames.mean(dim=0)
    blanked = torch.stack(  # (T, G², D)
        [model.encode_frames(_each_cell_blank(frame, cells)[None])[0] for frame in pixels]
    )
    # Only one frame changes, so the new mean needs no other frame to be encoded again.
    of_cells = score(frames) - score.of_mean(mean + (blanked - frames[:, None]) / count)  # (T, G²)
    of_places = score(frames) - score.of_mean(blanked.mean(dim=0))  # (G²,)
    return Saliency(of_cells.reshape(count, cells, cells), of_places.reshape(cells, cells))


def integrated_gradients(
    model: PromptedClip, pixels: Tensor, score: ClipScore, cells: int, steps: int = STEPS
) -> Saliency:
    """Gradients of the score at ``steps`` points between the blank clip and the clip, times the way between them.

    The values add up to the clip's score less the blank clip's, up to the error of so few steps (Sundararajan and
    others, "Axiomatic Attribution for Deep Networks", 2017). ``places`` is the sum over the frames.
    """
    blank = _mean_color(pixels)
    way = pixels - blank
    total = torch.zeros_like(pixels)
    for step in range(steps):
        total += _slope(model, blank + (step + 0.5) / steps * way, score)
    of_cells = _in_cells((way * total / steps).sum(dim=1), cells)  # (T, G, G)
    return Saliency(of_cells, of_cells.sum(dim=0))


@torch.enable_grad()
def _slope(model: PromptedClip, pixels: Tensor, score: ClipScore) -> Tensor:
    """The gradient (T, 3, S, S) of the clip's score by its ``pixels``.

    Through the mean every frame feature moves the score alike, so that frames can go back through the tower a few at
    a time, whatever T.
    """
    with torch.no_grad():
        mean = model.encode_frames(pixels[None])[0].mean(dim=0)  # (D,)
    (by_mean,) = torch.autograd.grad(score.of_mean(mean.requires_grad_()), mean)
    parts: list[Tensor] = []
    for part in torch.split(pixels.detach(), FRAMES_WITH_GRADIENTS):
        features = model.encode_frames(part.requires_grad_()[None])[0]
        parts += torch.autograd.grad(features, part, (by_mean / len(pixels)).expand_as(features))
    return torch.cat(parts)


def contrast(pixels: Tensor, cells: int) -> Tensor:
    """How much each cell (T, G, G) of ``pixels`` (T, 3, S, S) differs from its frame's mean color.

    No model is asked. An actor stands out from its backdrop, so a saliency that shows no more than this shows nothing.
    """
    return _in_cells((pixels - _mean_color(pixels)).abs().sum(dim=1), cells)


def _in_cells(values: Tensor, cells: int) -> Tensor:
    """Sums (T, G, G) of ``values`` (T, S, S)."""
    side = values.shape[-1] // cells
    return values.reshape(len(values), cells, side, cells, side).sum(dim=(2, 4))


def _mean_color(pixels: Tensor) -> Tensor:
    """Each frame of (…, 3, S, S) in nothing but its mean color."""
    return pixels.mean(dim=(-2, -1), keepdim=True).expand_as(pixels)


def _each_cell_blank(frame: Tensor, cells: int) -> Tensor:
    """``frame`` (3, S, S) G² times, a different cell blank each time: (G², 3, S, S)."""
    side = frame.shape[-1] // cells
    copies = frame.expand(cells * cells, -1, -1, -1).clone()
    color = frame.mean(dim=(1, 2))[:, None, None]
    for number in range(cells * cells):
        top, left = number // cells * side, number % cells * side
        copies[number, :, top : top + side, left : left + side] = color
    return copies
