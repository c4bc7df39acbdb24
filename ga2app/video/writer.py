"""Write clips as H.264 mp4 files, and single pictures as JPEG."""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from ga2app.errors import ClipError

MAX_FPS = 1000
_EVEN_FRAMES = 1.5  # sampled by number, the frames of a steady clip come so early or late
_JPEG_QUALITY = 5  # of 2, the finest, to 31, the coarsest
_TICK_S = Fraction(1, 1000)


def write_clip(path: str | os.PathLike[str], frames: NDArray[np.uint8], fps: float) -> None:
    """Write ``frames`` (T, H, W, 3), uint8 RGB, at ``fps`` frames a second; the file appears whole or not at all.

    Raises ClipError for what H.264 with halved color cannot hold: no frames, an odd width or height, a rate that is
    not above 0.
    """
    target = Path(path)
    _check(target.name, frames)
    if not 0 < fps < MAX_FPS:
        raise ClipError(target.name, f"{fps:g} frames a second cannot be written", f"give more than 0, below {MAX_FPS}")
    _write(target, [av.VideoFrame.from_ndarray(image, format="rgb24") for image in frames], fps)


def write_clip_at(
    path: str | os.PathLike[str], frames: NDArray[np.uint8], times_s: Sequence[float], seconds: float
) -> None:
    """Write ``frames`` (T, H, W, 3), each to be shown from its own of ``times_s`` on, ``seconds`` in all.

    Frames that come at an even pace make a clip of constant rate. Raises ClipError as ``write_clip`` does.
    """
    fps = len(frames) / seconds
    if all(abs(time_s * fps - number) < _EVEN_FRAMES for number, time_s in enumerate(times_s)):
        write_clip(path, frames, fps)
        return
    target = Path(path)
    _check(target.name, frames)
    made = [av.VideoFrame.from_ndarray(image, format="rgb24") for image in frames]
    starts = [round(time_s / _TICK_S) for time_s in times_s]
    for frame, start, end in zip(made, starts, [*starts[1:], round(seconds / _TICK_S)], strict=True):
        frame.pts, frame.time_base, frame.duration = start, _TICK_S, max(1, end - start)
    _write(target, made, fps, _TICK_S)


def _check(name: str, frames: NDArray[np.uint8]) -> None:
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or not len(frames):
        raise ClipError(
            name,
            f"frames of shape {frames.shape} and type {frames.dtype} are not video",
            "give at least one frame, (T, H, W, 3) uint8",
        )
    height, width = frames.shape[1:3]
    if height % 2 or width % 2:
        raise ClipError(name, f"{width}x{height} pixels cannot be encoded", "crop to even width and height")


def _write(target: Path, frames: Sequence[av.VideoFrame], fps: float, tick_s: Fraction | None = None) -> None:
    """Write ``frames`` at ``fps``, or, where ``tick_s`` is the unit of their own times, at those."""
    # Hidden, and no other process or thread has the same: what is half written is never taken for a clip.
    stays = {frame.pts: frame.duration for frame in frames}
    fresh = target.with_name(f".{target.stem}.{uuid.uuid4().hex[:12]}{target.suffix or '.mp4'}")
    try:
        with av.open(str(fresh), "w", format="mp4") as container:
            stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
            stream.width, stream.height, stream.pix_fmt = frames[0].width, frames[0].height, "yuv420p"
            # Without mbtree the same frames give the same bytes.
            stream.options = {"crf": "20", "preset": "veryfast", "g": "12", "x264-params": "mbtree=0"}
            stream.thread_count = 1
            if tick_s is not None:
                # Decoded in the order of display, each packet can be told how long its frame stays.
                stream.codec_context.time_base, stream.options = tick_s, {**stream.options, "bf": "0"}
            for frame in (*frames, None):
                for packet in stream.encode(frame):
                    if tick_s is not None:
                        packet.duration = stays[packet.pts]
                    container.mux(packet)
        os.replace(fresh, target)
    except (av.FFmpegError, OSError) as exc:
        raise ClipError(target.name, f"cannot be written ({exc})", "check the folder and the free space") from exc
    finally:
        fresh.unlink(missing_ok=True)


def jpeg(image: NDArray[np.uint8]) -> bytes:
    """``image`` (H, W, 3), uint8 RGB, as a JPEG file."""
    height, width = image.shape[:2]
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height = width, height
    encoder.pix_fmt = "yuvj420p"
    encoder.options = {"qmin": str(_JPEG_QUALITY), "qmax": str(_JPEG_QUALITY)}
    encoder.time_base = Fraction(1, 1)
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24").reformat(format="yuvj420p")
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    return b"".join(bytes(packet) for packet in packets)
