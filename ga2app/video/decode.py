"""Which of the readers reads a clip: seeking where it is safe and pays, from the start everywhere else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ga2app.errors import ClipError
from ga2app.video.animated_webp import is_animated_webp, read_animated_webp
from ga2app.video.container_facts import clip_name, first_bytes, open_clip, packet_count
from ga2app.video.display import Display, recorded_display
from ga2app.video.images import PLAIN, to_images
from ga2app.video.sampling import Sampling
from ga2app.video.seeking import TrustedIndex, frames_by_seeking, read_by_seeking, trusted_index
from ga2app.video.sequential import read_sequentially
from ga2app.video.video_clip import ClipFrames, Pace, TimeStamps, pace

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

DECORD, PYAV, PILLOW = "decord", "pyav", "pillow"


def decode_clip(path: str, sampling: Sampling, short_side_px: int | None) -> ClipFrames:
    """Read ``path`` (absolute) in this process, without a time limit; raises ClipError."""
    if is_animated_webp(first_bytes(path)):
        times = TimeStamps()
        frames, indices, total = read_animated_webp(path, sampling, times)
        return _clip(path, frames, indices, total, times.pace(None), PLAIN, short_side_px, PILLOW)
    with open_clip(path) as (container, stream):
        rate = float(stream.average_rate) if stream.average_rate else None
        expected = stream.frames
        display = recorded_display(container, stream)
        size = display.size(stream.width, stream.height)
        index = trusted_index(container, stream)
    if not expected:
        with open_clip(path) as (container, stream):
            expected = packet_count(container, stream)
    if index is not None:
        expected = len(index.pts)
        if display.suits_decord:
            found = read_by_seeking(path, index, sampling, short_side_px, display)
            if found is not None:
                images, indices = found
                steps = _index_pace(index, rate)
                return ClipFrames(images, indices, expected, steps.fps, DECORD, *_upright(size, images),
                                  steps.seconds, steps.times_s(indices))  # fmt: skip
        elif (sought := frames_by_seeking(path, index, sampling)) is not None:
            return _clip(path, *sought, expected, _index_pace(index, rate), display, short_side_px, PYAV)
    times = TimeStamps()
    frames, indices, total = read_sequentially(path, sampling, expected, times)
    return _clip(path, frames, indices, total, times.pace(rate), display, short_side_px, PYAV)


def _clip(
    path: str,
    frames: Sequence[VideoFrame],
    indices: tuple[int, ...],
    total: int,
    steps: Pace,
    display: Display,
    short_side_px: int | None,
    reader: str,
) -> ClipFrames:
    try:
        images = to_images(frames, short_side_px, display)
    except MemoryError as exc:
        raise ClipError(
            clip_name(path),
            f"its {len(indices)} wanted frames of {frames[0].width}x{frames[0].height} pixels do not fit into memory",
            "make the picture smaller",
        ) from exc
    size = display.size(frames[0].width, frames[0].height)
    kinds = dict.fromkeys(kind for frame in frames if (kind := display.colors(frame).hdr))
    notes = tuple(f"converted from HDR ({kind}) to sRGB" for kind in kinds)
    times_s = steps.times_s(indices)
    return ClipFrames(images, indices, total, steps.fps, reader, *_upright(size, images), steps.seconds, times_s, notes)


def _index_pace(index: TrustedIndex, rate: float | None) -> Pace:
    return pace(index.pts, index.last_duration, index.time_base_s, len(index.pts), rate)


def _upright(size: tuple[int, int], images: NDArray[np.uint8]) -> tuple[int, int]:
    """Width and height of the recorded picture, lying or standing as ``images`` (T, H, W, 3) do."""
    height, width = images.shape[1:3]
    return size if (width >= height) == (size[0] >= size[1]) else (size[1], size[0])
