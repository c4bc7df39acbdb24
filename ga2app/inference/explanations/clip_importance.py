"""What of a clip moved its score: frames left out, patches by gradient or occlusion.

Notation: T frames, C class names, D embedding width, τ = exp(logit_scale), S side in pixels, G cells a side.

Blank means the frame's own mean color. ``occlusion`` is the reference: it really takes each cell away and looks what
the clip's score loses, at G² passes of the vision tower a frame. ``integrated_gradients`` asks the same of all cells
at once, at ``STEPS`` passes there and back a frame. Both are signed: positive speaks for the label, negative against.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from ga2app.method.pooling import moment_weights, moments
from ga2app.method.prompted_model import PromptedClip


class ScoreKind(StrEnum):
    """``logit`` is τ · cosine to the label; ``margin`` is that minus the logit of the best other label.

    The margin asks why this label rather than that one: what speaks for all labels alike cancels.
    """

    LOGIT = "logit"
    MARGIN = "margin"


@dataclass(frozen=True)
class ClipScore:
    """τ · v · direction for the clip feature v, made of the moments of unnormalized frame features by ``clip``.

    ``direction`` (D,) is the label's class feature, less the rival's for a margin. Without a ``clip`` v is the mean, of
    length 1. The mean is blind to the order of frames, so no explanation of its score can name the order as a reason.
    """

    direction: Tensor
    scale: float
    clip: Callable[[Tensor], Tensor] | None = None

    def __call__(self, frames: Tensor) -> Tensor:
        """Scores (…) of clips given by frame features (…, T, D), in the order of time."""
        return self.of_moments(moments(frames))

    def of_moments(self, moments: Tensor) -> Tensor:
        """Scores (…) of clips given by the moments (…, 1 + K, D) of their frame features."""
        clips = functional.normalize(moments[..., 0, :], dim=-1) if self.clip is None else self.clip(moments)
        scores: Tensor = self.scale * clips @ self.direction
        return scores


def best_rival(logits: Tensor, label: int) -> int:
    """The label other than ``label`` with the highest of ``logits`` (C,), C ≥ 2.

    It is found once, on the whole clip, and stays the rival whatever is taken away from the clip.
    """
    others = logits.clone()
    others[label] = float("-inf")
    return int(others.argmax())


def clip_score(
    classes: Tensor, scale: float, label: int, rival: int | None, clip: Callable[[Tensor], Tensor] | None = None
) -> ClipScore:
    """The score of ``label`` among the class features ``classes`` (C, D): its logit, or its margin over ``rival``.

    ``clip`` makes of the moments of a clip what can be compared with ``classes``: ``PromptedClip.of_moments``.
    """
    return ClipScore(classes[label] if rival is None else classes[label] - classes[rival], scale, clip)


def leave_one_out(frames: Tensor, score: ClipScore) -> Tensor:
    """How much of the score (T,) is lost with each frame: exact, from the frame features (T, D) alone.

    Positive where the frame speaks for the label. Two like frames stand in for each other, so each loses little; the
    losses need not add up to the score. With one frame the whole score hangs on it.
    """
    whole = score(frames)
    if len(frames) == 1:
        return whole[None]
    without = [moments(torch.cat([frames[:place], frames[place + 1 :]])) for place in range(len(frames))]
    return whole - score.of_moments(torch.stack(without))


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
    count, weights = len(frames), moment_weights(len(frames), frames)  # (1 + K, T)
    blanked = torch.stack(  # (T, G², D)
        [model.encode_frames(_each_cell_blank(frame, cells)[None])[0] for frame in pixels]
    )
    # Only one frame changes, so the new moments need no other frame to be encoded again.
    change = weights.T[:, None, :, None] * (blanked - frames[:, None])[:, :, None]  # (T, G², 1 + K, D)
    of_cells = score(frames) - score.of_moments(moments(frames) + change)  # (T, G²)
    of_places = score(frames) - score(blanked.transpose(0, 1))  # (G²,)
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

    What each frame feature moves of the score is known before, so that frames can go back through the tower a few at
    a time, whatever T.
    """
    with torch.no_grad():
        frames = model.encode_frames(pixels[None])[0]  # (T, D)
    (by_frame,) = torch.autograd.grad(score(frames.requires_grad_()), frames)
    parts: list[Tensor] = []
    several = (torch.split(one, FRAMES_WITH_GRADIENTS) for one in (pixels.detach(), by_frame))
    for part, wanted in zip(*several, strict=True):
        features = model.encode_frames(part.requires_grad_()[None])[0]
        parts += torch.autograd.grad(features, part, wanted)
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
