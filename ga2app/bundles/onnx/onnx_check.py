"""Whether what was written computes what torch does: both are given the same pixels.

Notation: B clips, T frames, S side in pixels.
"""

from __future__ import annotations

from pathlib import Path

import torch

from ga2app.bundles.onnx.onnx_tower import INPUT, VisionSide

SHAPES = ((1, 8), (3, 1), (2, 5))
"""Clips and frames of each comparison: none is what the file was written with."""


def largest_difference(side: VisionSide, file: Path) -> float | None:
    """The largest difference between a clip feature by onnxruntime and by torch; None without onnxruntime."""
    try:
        import onnxruntime
    except ImportError:
        return None
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    size, generator = side.model.backbone.sizes.image_size, torch.Generator().manual_seed(0)
    largest = 0.0
    for clips, frames in SHAPES:
        pixels = torch.randn(clips, frames, 3, size, size, generator=generator)
        with torch.no_grad():
            wanted = side.model.encode_clips(pixels).numpy()
        (found,) = session.run(None, {INPUT: pixels.numpy()})
        largest = max(largest, float(abs(found - wanted).max()))
    return largest
