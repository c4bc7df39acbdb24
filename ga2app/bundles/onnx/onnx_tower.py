"""The vision side of a model as one function of pixels, and that function as ONNX.

Notation: B clips, T frames, S side in pixels, D embedding width.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.export import Dim

from ga2app.method.prompted_model import PromptedClip

INPUT, OUTPUT = "pixels", "clip_features"

_ONE_FILE_BYTES = 1_800_000_000
"""Weights beyond that do not fit into one file of ONNX, which is below 2 GB, and are written beside it."""


class VisionSide(nn.Module):
    """Clip features (B, D) of CLIP-normalized pixels (B, T, 3, S, S), as ``PromptedClip.encode_clips`` gives them.

    All frames pass the tower at once: how many there are must be no part of the computation that is written down.
    """

    def __init__(self, model: PromptedClip) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor) -> Tensor:
        """The mean over T of the frames' features with their residual share, of length 1, whitened."""
        batch, frames = pixels.shape[:2]
        flat = pixels.flatten(0, 1)  # (B·T, 3, S, S)
        prompts, share = self.model.prompts.visual_prompts(), self.model.prompts.config.residual
        features = self.model.backbone.encode_frames(flat, prompts)
        if share and prompts:
            features = torch.lerp(features, self.model.backbone.encode_frames(flat), share)
        return self.model.clip_features(torch.unflatten(features, 0, (batch, frames)))


def write_onnx(side: VisionSide, file: Path) -> None:
    """Write ``side`` to ``file`` for any number of clips and frames."""
    size = side.model.backbone.sizes.image_size
    weight_bytes = sum(weight.nbytes for weight in side.model.backbone.clip.vision_model.parameters())
    with _quiet(), torch.no_grad():
        torch.onnx.export(
            side,
            (torch.zeros(2, 3, 3, size, size),),
            file,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes=({0: Dim("clips"), 1: Dim("frames")},),
            external_data=weight_bytes > _ONE_FILE_BYTES,
            verbose=False,
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter says of itself and of packages that it does not need."""
    log = logging.getLogger("torch.onnx")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(before)
