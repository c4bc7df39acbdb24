"""Decoded frames to upright RGB arrays of the wanted size.

Notation: T frames, H × W their size in pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from av.video.reformatter import VideoReformatter
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
    """RGB images (T, H, W, 3), uint8, upright, of decoded ``frames``; all in the size and the position of the first.

    The same frame may come several times; it is converted once.
    """
    width, height = fitted_size(frames[0].width, frames[0].height, short_side_px)
    matrix = _display_matrix(frames[0])
    # One for all: a frame's own would be set up anew for each, with threads, which takes longer than converting.
    reformatter = VideoReformatter()
    first = upright(_to_rgb(reformatter, frames[0], width, height), matrix)
    images = np.empty((len(frames), *first.shape), np.uint8)
    rows: dict[int, int] = {}
    for row, frame in enumerate(frames):
        if id(frame) in rows:
            images[row] = images[rows[id(frame)]]
        else:
            images[row] = upright(_to_rgb(reformatter, frame, width, height), matrix) if row else first
            rows[id(frame)] = row
    return images


def upright(image: NDArray[np.uint8], matrix: tuple[int, int, int, int] | None) -> NDArray[np.uint8]:
    """``image`` (H, W, 3), turned and mirrored as the display ``matrix`` (a, b, c, d) says; as it is if None.

    x' = a·x + c·y and y' = b·x + d·y, x to the right and y downwards.
    """
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


def _to_rgb(reformatter: VideoReformatter, frame: VideoFrame, width: int, height: int) -> NDArray[np.uint8]:
    if (frame.width, frame.height) == (width, height):
        converted = reformatter.reformat(frame, format="rgb24", threads=1)
    else:
        converted = reformatter.reformat(frame, width, height, "rgb24", interpolation="BICUBIC", threads=1)
    return converted.to_ndarray().astype(np.uint8, copy=False)


def _display_matrix(frame: VideoFrame) -> tuple[int, int, int, int] | None:
    """The part of the display matrix that turns and mirrors; None where there is none."""
    data: Any = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return None
    numbers = np.frombuffer(data, np.int32)
    a, b, c, d = (int(numbers[place]) for place in (0, 1, 3, 4))
    return (a, b, c, d)
