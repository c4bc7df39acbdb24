"""Which of the two readers reads a clip: seeking where it is safe and pays, from the start everywhere else."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ga2app.errors import ClipError
from ga2app.video.clip import ClipFrames
from ga2app.video.container import clip_name, open_clip, packet_count
from ga2app.video.images import to_images
from ga2app.video.sampling import Sampling
from ga2app.video.seeking import read_by_seeking, trusted_index
from ga2app.video.sequential import read_sequentially

DECORD, PYAV = "decord", "pyav"


def decode_clip(path: str, sampling: Sampling, short_side_px: int | None) -> ClipFrames:
    """Read ``path`` (absolute) in this process, without a time limit; raises ClipError."""
    with open_clip(path) as (container, stream):
        fps = float(stream.average_rate) if stream.average_rate else None
        expected = stream.frames
        size = stream.width, stream.height
        index = trusted_index(container, stream)
    if not expected:
        with open_clip(path) as (container, stream):
            expected = packet_count(container, stream)
    if index is not None:
        expected = len(index.pts)
        found = read_by_seeking(path, index, sampling, short_side_px)
        if found is not None:
            images, indices = found
            return ClipFrames(images, indices, expected, fps, DECORD, *_upright(size, images))
    frames, indices, total = read_sequentially(path, sampling, expected)
    try:
        images = to_images(frames, short_side_px)
        return ClipFrames(images, indices, total, fps, PYAV, *_upright(size, images))
    except MemoryError as exc:
        raise ClipError(
            clip_name(path),
            f"its {len(indices)} wanted frames of {frames[0].width}x{frames[0].height} pixels do not fit into memory",
            "make the picture smaller",
        ) from exc


def _upright(size: tuple[int, int], images: NDArray[np.uint8]) -> tuple[int, int]:
    """Width and height of the recorded picture, lying or standing as ``images`` (T, H, W, 3) do."""
    height, width = images.shape[1:3]
    return size if (width >= height) == (size[0] >= size[1]) else (size[1], size[0])
