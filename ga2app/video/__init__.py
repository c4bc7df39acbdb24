"""Read clips: the wanted frames of any video file, upright RGB, at the size that is needed.

    from ga2app.video import sample_frames

    frames = sample_frames("clip.mp4", num_frames=16)  # uint8 (16, H, W, 3)
"""

from __future__ import annotations

import os
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from ga2app.errors import ClipError
from ga2app.video.clip import ClipFrames
from ga2app.video.sampling import Evaluation, Every, Sampling, Training, Views

__all__ = [
    "ClipFrames",
    "Evaluation",
    "Every",
    "Sampling",
    "Training",
    "Views",
    "read_clip",
    "sample_frames",
]


def sample_frames(
    path: str | os.PathLike[str], num_frames: int = 16, *, short_side_px: int | None = None
) -> NDArray[np.uint8]:
    """Frames (T, H, W, 3), uint8 RGB, upright, T = ``num_frames``, by evaluation sampling; raises ClipError."""
    return read_clip(path, Evaluation(num_frames), short_side_px=short_side_px).frames


def read_clip(
    path: str | os.PathLike[str],
    sampling: Sampling,
    *,
    short_side_px: int | None = None,
    time_limit_s: float = 60.0,
) -> ClipFrames:
    """The frames of ``path`` that ``sampling`` chooses; raises ClipError, and ClipTimeout after ``time_limit_s``."""
    name = Path(path).name
    decoded: list[av.VideoFrame] = []
    try:
        with av.open(os.fspath(path), metadata_errors="ignore") as container:
            if not container.streams.video:
                raise ClipError(name, "has no picture", "give a video file")
            stream = max(container.streams.video, key=lambda s: s.width * s.height)
            fps = float(stream.average_rate) if stream.average_rate else None
            for packet in container.demux(stream):
                try:
                    decoded.extend(packet.decode())
                except av.FFmpegError:
                    continue
    except (av.FFmpegError, OSError) as exc:
        raise ClipError(name, f"cannot be read ({exc})", "give a video file") from exc
    if not decoded:
        raise ClipError(name, "has no decodable frames", "re-encode it, for example with ffmpeg")
    indices = sampling.indices(len(decoded))
    height, width = decoded[0].height, decoded[0].width
    scale = min(1.0, short_side_px / min(height, width)) if short_side_px else 1.0
    size = {"width": round(width * scale), "height": round(height * scale), "format": "rgb24"}
    images = [np.rot90(decoded[i].reformat(**size).to_ndarray(), decoded[i].rotation // 90) for i in indices]
    return ClipFrames(np.stack(images), indices, len(decoded), fps, "pyav")
