"""Single pictures as JPEG."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray

_QUALITY = 5
"""The scale of the encoder: 2 is the finest, 31 the coarsest."""


def jpeg(image: NDArray[np.uint8]) -> bytes:
    """``image`` (H, W, 3), uint8 RGB, as a JPEG file."""
    height, width = image.shape[:2]
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height = width, height
    encoder.pix_fmt = "yuvj420p"
    encoder.options = {"qmin": str(_QUALITY), "qmax": str(_QUALITY)}
    encoder.time_base = Fraction(1, 1)
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24").reformat(format="yuvj420p")
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    return b"".join(bytes(packet) for packet in packets)
