"""Read clips: the wanted frames of any video file, upright RGB, at the size that is needed.

    from ga2app.video import sample_frames

    frames = sample_frames("clip.mp4", num_frames=16)  # uint8 (16, H, W, 3)

Decoding happens in child processes with a time limit; small clips that are read again and again stay in memory.
Importing the package loads neither torch nor a decoder.
"""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from ga2app.video.decoder_pool import shared_pool
from ga2app.video.decoder_process import TIME_LIMIT_S, ClipReader
from ga2app.video.frame_cache import CachingReader
from ga2app.video.sampling import Evaluation, Every, Sampling, Training, Views
from ga2app.video.video_clip import ClipFrames

__all__ = [
    "CachingReader",
    "ClipFrames",
    "ClipReader",
    "Evaluation",
    "Every",
    "Sampling",
    "Training",
    "Views",
    "read_clip",
    "sample_frames",
]

_cache = CachingReader(shared_pool)


def sample_frames(
    path: str | os.PathLike[str], num_frames: int = 16, *, short_side_px: int | None = None
) -> NDArray[np.uint8]:
    """Read frames spread evenly over a clip: frame ⌊i·n/T⌋ of its n for i = 0 … T-1 (paper, section 4).

    Args:
        path: a video file in any container and codec that FFmpeg reads; with ``#t=12,15.5`` behind it, the stretch
            from 12 s to before 15.5 s on the file's own clock.
        num_frames: T. A clip with fewer frames repeats some, in order.
        short_side_px: shrink frames to this short side while decoding; smaller ones stay as they are. None: full size.

    Returns:
        Frames (T, H, W, 3), uint8, sRGB, upright, with square pixels.

    Raises:
        ClipError: the file is missing or is no video, or no frame of it can be decoded.
        ClipTimeout: decoding took longer than allowed.

    Example:
        >>> from ga2app.video import sample_frames
        >>> frames = sample_frames("clip.mp4", num_frames=4)
        >>> frames.shape, frames.dtype
        ((4, 96, 96, 3), dtype('uint8'))
    """
    return read_clip(path, Evaluation(num_frames), short_side_px=short_side_px).frames


def read_clip(
    path: str | os.PathLike[str],
    sampling: Sampling,
    *,
    short_side_px: int | None = None,
    time_limit_s: float = TIME_LIMIT_S,
) -> ClipFrames:
    """The frames of ``path`` that ``sampling`` chooses.

    ``short_side_px`` shrinks them while decoding, so that large clips take little memory; a smaller picture stays
    as it is, and None keeps every pixel. Raises ClipError, and ClipTimeout after ``time_limit_s``.
    """
    return _cache.read(path, sampling, short_side_px=short_side_px, time_limit_s=time_limit_s)
