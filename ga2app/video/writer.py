"""Write clips as H.264 mp4 files."""

from __future__ import annotations

import os
import threading
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from ga2app.errors import ClipError

MAX_FPS = 1000


def write_clip(path: str | os.PathLike[str], frames: NDArray[np.uint8], fps: float) -> None:
    """Write ``frames`` (T, H, W, 3), uint8 RGB, at ``fps`` frames a second; the file appears whole or not at all.

    Raises ClipError for what H.264 with halved color cannot hold: no frames, an odd width or height, a rate that is
    not above 0.
    """
    target = Path(path)
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or not len(frames):
        raise ClipError(
            target.name,
            f"frames of shape {frames.shape} and type {frames.dtype} are not video",
            "give at least one frame, (T, H, W, 3) uint8",
        )
    height, width = frames.shape[1:3]
    if height % 2 or width % 2:
        raise ClipError(target.name, f"{width}x{height} pixels cannot be encoded", "crop to even width and height")
    if not 0 < fps < MAX_FPS:
        raise ClipError(target.name, f"{fps:g} frames a second cannot be written", f"give more than 0, below {MAX_FPS}")
    # Hidden, and no other process or thread has the same: what is half written is never taken for a clip.
    fresh = target.with_name(f".{target.stem}.{os.getpid()}-{threading.get_ident()}{target.suffix or '.mp4'}")
    try:
        with av.open(str(fresh), "w", format="mp4") as container:
            stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            # Without mbtree the same frames give the same bytes.
            stream.options = {"crf": "20", "preset": "veryfast", "g": "12", "x264-params": "mbtree=0"}
            stream.thread_count = 1
            for image in frames:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            container.mux(stream.encode(None))
        os.replace(fresh, target)
    except (av.FFmpegError, OSError) as exc:
        raise ClipError(target.name, f"cannot be written ({exc})", "check the folder and the free space") from exc
    finally:
        fresh.unlink(missing_ok=True)
