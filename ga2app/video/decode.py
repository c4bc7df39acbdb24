"""Which of the readers reads a clip: seeking where it is safe and pays, from the start everywhere else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from ga2app.errors import ClipError
from ga2app.video.animated_webp import is_animated_webp, read_animated_webp
from ga2app.video.container_facts import SMALLER, clip_name, first_bytes, open_clip, packet_count
from ga2app.video.display import Display, recorded_display
from ga2app.video.images import PLAIN, ImageMaker, fitted_size
from ga2app.video.sampling import Sampling, Together
from ga2app.video.seeking import TrustedIndex, images_by_index, read_by_seeking, trusted_index
from ga2app.video.sequential import read_sequentially
from ga2app.video.video_clip import ClipFrames, Pace, TimeStamps, pace

DECORD, PYAV, PILLOW = "decord", "pyav", "pillow"
MAX_FRAMES_BYTES = 2**30
"""What the wanted frames of one clip may take together, at their wanted size: a few hundred of 1080p."""


def decode_clip(path: str, sampling: Sampling, short_side_px: int | None) -> ClipFrames:
    """Read ``path`` (absolute) in this process, without a time limit; raises ClipError."""
    if is_animated_webp(first_bytes(path)):
        times, maker = TimeStamps(), ImageMaker(short_side_px)
        frames, indices, total = read_animated_webp(path, sampling, times)
        with _memory_for(path, maker):
            images = maker.images(frames)
        return _clip(images, indices, total, times.pace(None), maker, PLAIN, PILLOW)
    with open_clip(path) as (container, stream):
        rate = float(stream.average_rate) if stream.average_rate else None
        expected = stream.frames
        display = recorded_display(container, stream)
        size = display.size(stream.width, stream.height)
        index = trusted_index(container, stream)
    if index is None and not expected:
        with open_clip(path) as (container, stream):
            expected = packet_count(container, stream)
    _check_room(path, sampling, len(index.pts) if index else expected, fitted_size(*size, short_side_px))
    if index is not None:
        expected = len(index.pts)
        steps, maker = _index_pace(index, rate), ImageMaker(short_side_px, display)
        if display.suits_decord and (sought := read_by_seeking(path, index, sampling, short_side_px, display)):
            images, indices = sought
            return ClipFrames(images, indices, expected, steps.fps, DECORD, *_upright(size, images),
                              steps.seconds, steps.times_s(indices))  # fmt: skip
        with _memory_for(path, maker):
            sought = images_by_index(path, index, sampling, maker)
        if sought is not None:
            return _unvaried(path, sampling, short_side_px, maker) or _clip(
                *sought, expected, steps, maker, display, PYAV
            )
    times, maker = TimeStamps(), ImageMaker(short_side_px, display)
    frames, indices, total = read_sequentially(path, sampling, expected, times, maker)
    with _memory_for(path, maker):
        images = maker.images(frames)
    again = _unvaried(path, sampling, short_side_px, maker)
    return again or _clip(images, indices, total, times.pace(rate), maker, display, PYAV)


def _unvaried(path: str, sampling: Sampling, short_side_px: int | None, maker: ImageMaker) -> ClipFrames | None:
    """What is wanted now, read alone, where the picture changes its size and more was wanted.

    The first frame sets the size of all; alone, those that are wanted now might begin with another one.
    """
    if maker.varied and isinstance(sampling, Together):
        return decode_clip(path, sampling.parts[0], short_side_px)
    return None


def _check_room(path: str, sampling: Sampling, total: int, size: tuple[int, int]) -> None:
    """Raises ClipError where the wanted frames, of ``size`` each, would take too much memory: before any is decoded."""
    count, (width, height) = len(sampling.indices(max(total, 1))), size
    if count * width * height * 3 > MAX_FRAMES_BYTES:
        reason = (
            f"its {count:,} wanted frames of {width}x{height} pixels take {count * width * height * 3 / 1e9:.1f} GB, "
            f"more than {MAX_FRAMES_BYTES / 1e9:.1f} GB"
        )
        raise ClipError(clip_name(path), reason, f"ask for fewer or smaller frames, or {SMALLER}")


@contextmanager
def _memory_for(path: str, maker: ImageMaker) -> Iterator[None]:
    """Raises ClipError where images do not fit into memory."""
    try:
        yield
    except MemoryError as exc:
        width, height = maker.recorded
        raise ClipError(
            clip_name(path),
            f"its wanted frames of {width}x{height} pixels do not fit into memory",
            "make the picture smaller",
        ) from exc


def _clip(
    images: NDArray[np.uint8],
    indices: tuple[int, ...],
    total: int,
    steps: Pace,
    maker: ImageMaker,
    display: Display,
    reader: str,
) -> ClipFrames:
    size = _upright(display.size(*maker.recorded), images)
    notes = tuple(f"converted from HDR ({kind}) to sRGB" for kind in maker.hdr)
    return ClipFrames(images, indices, total, steps.fps, reader, *size, steps.seconds, steps.times_s(indices), notes)


def _index_pace(index: TrustedIndex, rate: float | None) -> Pace:
    return pace(index.pts, index.last_duration, index.time_base_s, len(index.pts), rate)


def _upright(size: tuple[int, int], images: NDArray[np.uint8]) -> tuple[int, int]:
    """Width and height of the recorded picture, lying or standing as ``images`` (T, H, W, 3) do."""
    height, width = images.shape[1:3]
    return size if (width >= height) == (size[0] >= size[1]) else (size[1], size[0])
