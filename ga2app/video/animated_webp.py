"""Animated WebP, which FFmpeg's decoder refuses: read by Pillow, frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
from av import VideoFrame

from ga2app.errors import ClipError
from ga2app.video.container_facts import AGAIN, check_picture, clip_name
from ga2app.video.sampling import Sampling
from ga2app.video.video_clip import TimeStamps

_ANIMATION_FLAG = 0x02
_MS = Fraction(1, 1000)
_SHORTEST_MS, _INSTEAD_MS = 10, 100
"""Browsers show a frame that asks for so little for a tenth of a second."""


def is_animated_webp(head: bytes) -> bool:
    """Whether the first bytes of a file are those of a WebP that moves."""
    extended = head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X"
    return extended and len(head) > 20 and bool(head[20] & _ANIMATION_FLAG)


def read_animated_webp(
    path: str, sampling: Sampling | None, times: TimeStamps, told: Callable[[], Sampling]
) -> tuple[list[VideoFrame], tuple[int, ...], int]:
    """The frames of ``path`` that ``sampling`` chooses, their numbers, and the number of frames; raises ClipError.

    ``told`` gives the sampling where it is None, when the times of all frames are known.
    Of a damaged file the frames before the damage are read; of one that was cut off Pillow reads none.
    """
    # Imported where it is used: most clips never need it.
    from PIL import Image

    try:
        with Image.open(path) as picture:
            check_picture(clip_name(path), *picture.size)
            expected = getattr(picture, "n_frames", 1)
        kept, total = _keep(path, frozenset(sampling.indices(expected) if sampling else ()), times)
        if not total:
            raise ClipError(clip_name(path), "it has 0 decodable frames", AGAIN)
        indices = (sampling or told()).indices(total)
        if not kept.keys() >= set(indices):
            kept, _ = _keep(path, frozenset(indices), times)
    except (OSError, ValueError, Image.DecompressionBombError) as exc:
        raise ClipError(clip_name(path), f"the WebP file cannot be read ({exc})", AGAIN) from exc
    if total == 1:
        raise ClipError(clip_name(path), "this is a picture, not a video", "choose a file with moving pictures")
    return [kept[number] for number in indices], indices, total


def _keep(path: str, wanted: frozenset[int], times: TimeStamps) -> tuple[dict[int, VideoFrame], int]:
    times.clear()
    kept: dict[int, VideoFrame] = {}
    total = 0
    for frame, needed in _frames(path, wanted):
        if needed:
            kept[total] = frame
        times.add(frame)
        total += 1
    return kept, total


def _frames(path: str, wanted: frozenset[int]) -> Iterator[tuple[VideoFrame, bool]]:
    """Each frame that can be decoded, with its times, and whether it is wanted; the others carry no picture."""
    from PIL import Image

    blank = np.zeros((2, 2, 3), np.uint8)
    with Image.open(path) as picture:
        start = 0
        for number in range(getattr(picture, "n_frames", 1)):
            try:
                picture.seek(number)
                picture.load()
            except (OSError, EOFError, ValueError, SyntaxError):
                return
            image = np.asarray(picture.convert("RGB")) if number in wanted else blank
            frame = VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            shown_ms = round(picture.info.get("duration", 0))
            frame.pts, frame.time_base = start, _MS
            frame.duration = shown_ms if shown_ms > _SHORTEST_MS else _INSTEAD_MS
            start += frame.duration
            yield frame, number in wanted
