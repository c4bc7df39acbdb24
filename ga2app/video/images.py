"""Decoded frames to upright RGB arrays of the wanted size.

Notation: T frames, H × W their size in pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from ga2app.video.display import Display
from ga2app.video.hdr import to_srgb

if TYPE_CHECKING:
    from av.video.frame import VideoFrame


def fitted_size(width: int, height: int, short_side_px: int | None) -> tuple[int, int]:
    """Width and height with the short side at ``short_side_px``; a smaller picture is never enlarged."""
    short = min(width, height)
    if short_side_px is None or short <= short_side_px:
        return width, height
    return (round(width * short_side_px / short), round(height * short_side_px / short))


PLAIN = Display()


def to_images(frames: Sequence[VideoFrame], short_side_px: int | None, display: Display = PLAIN) -> NDArray[np.uint8]:
    """sRGB images (T, H, W, 3), uint8, upright and in shape, of decoded ``frames``, shown as ``display`` says.

    All have the size and the position of the first. The same frame may come several times; it is converted once.
    """
    width, height = fitted_size(*display.size(frames[0].width, frames[0].height), short_side_px)
    matrix = _display_matrix(frames[0])
    # One for all: a frame's own would be set up anew for each, with threads, which takes longer than converting.
    reformatter = VideoReformatter()
    first = upright(_to_rgb(reformatter, frames[0], width, height, display), matrix)
    images = np.empty((len(frames), *first.shape), np.uint8)
    rows: dict[int, int] = {}
    for row, frame in enumerate(frames):
        if id(frame) in rows:
            images[row] = images[rows[id(frame)]]
        else:
            images[row] = upright(_to_rgb(reformatter, frame, width, height, display), matrix) if row else first
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


def _to_rgb(
    reformatter: VideoReformatter, frame: VideoFrame, width: int, height: int, display: Display
) -> NDArray[np.uint8]:
    tags = display.colors(frame)
    same_size = (frame.width, frame.height) == (width, height)
    converted = reformatter.reformat(
        frame,
        width,
        height,
        "rgb48le" if tags.hdr else "rgb24",
        src_colorspace=tags.matrix,
        src_color_range=tags.range,
        interpolation="BILINEAR" if same_size else "BICUBIC",
        threads=1,
    ).to_ndarray()
    if tags.hdr:
        return to_srgb(converted.astype(np.uint16, copy=False), tags.hdr, tags.primaries)
    return converted.astype(np.uint8, copy=False)


def _display_matrix(frame: VideoFrame) -> tuple[int, int, int, int] | None:
    """The part of the display matrix that turns and mirrors; None where there is none."""
    data: Any = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return None
    numbers = np.frombuffer(data, np.int32)
    a, b, c, d = (int(numbers[place]) for place in (0, 1, 3, 4))
    return (a, b, c, d)
