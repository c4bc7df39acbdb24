"""Decoded frames to upright RGB arrays of the wanted size.

Notation: T frames, H × W their size in pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av.video.frame import VideoFrame


def fitted_size(width: int, height: int, short_side_px: int | None) -> tuple[int, int]:
    """Width and height with the short side at ``short_side_px``; a smaller picture is never enlarged."""
    short = min(width, height)
    if short_side_px is None or short <= short_side_px:
        return width, height
    return (round(width * short_side_px / short), round(height * short_side_px / short))


def to_images(frames: Sequence[VideoFrame], short_side_px: int | None) -> NDArray[np.uint8]:
    """RGB images (T, H, W, 3), uint8, upright, of decoded ``frames``; all in the size of the first.

    The same frame may come several times; it is converted once.
    """
    width, height = fitted_size(frames[0].width, frames[0].height, short_side_px)
    converted: dict[int, NDArray[np.uint8]] = {}
    images = []
    for frame in frames:
        if id(frame) not in converted:
            converted[id(frame)] = upright(_to_rgb(frame, width, height), frame)
        images.append(converted[id(frame)])
    return np.stack(images)


def upright(image: NDArray[np.uint8], frame: VideoFrame) -> NDArray[np.uint8]:
    """``image`` (H, W, 3) of ``frame``, turned and mirrored as its display matrix says."""
    matrix = _display_matrix(frame)
    if matrix is None:
        return image
    a, b, c, d = matrix
    if abs(a) + abs(d) < abs(b) + abs(c):  # a quarter turn: columns become rows
        image = image.transpose(1, 0, 2)
        across, down = c, b
    else:
        across, down = a, d
    if across < 0:
        image = image[:, ::-1]
    if down < 0:
        image = image[::-1]
    return image


def _to_rgb(frame: VideoFrame, width: int, height: int) -> NDArray[np.uint8]:
    if (frame.width, frame.height) == (width, height):
        return _rgb_array(frame)
    return _rgb_array(frame.reformat(width, height, format="rgb24", interpolation="BICUBIC"))


def _rgb_array(frame: VideoFrame) -> NDArray[np.uint8]:
    return frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)


def _display_matrix(frame: VideoFrame) -> tuple[int, int, int, int] | None:
    """The part of the display matrix that turns and mirrors: x' = a·x + c·y, y' = b·x + d·y; None where upright."""
    data: Any = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return None
    numbers = np.frombuffer(data, np.int32)
    a, b, c, d = (int(numbers[place]) for place in (0, 1, 3, 4))
    return (a, b, c, d)
