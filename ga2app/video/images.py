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
from ga2app.video.hdr import write_srgb

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
    turned = None if matrix is None else np.empty((height, width, 3), np.uint8)
    shape = (height, width, 3) if turned is None else upright(turned, matrix).shape
    images = np.empty((len(frames), *shape), np.uint8)
    rows: dict[int, int] = {}
    for row, frame in enumerate(frames):
        if id(frame) in rows:
            images[row] = images[rows[id(frame)]]
            continue
        _write_rgb(images[row] if turned is None else turned, reformatter, frame, display)
        if turned is not None:
            images[row] = upright(turned, matrix)
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


def _write_rgb(image: NDArray[np.uint8], reformatter: VideoReformatter, frame: VideoFrame, display: Display) -> None:
    """Fill ``image`` (H, W, 3) with ``frame`` at that size, as it was recorded."""
    tags = display.colors(frame)
    height, width = image.shape[:2]
    converted = reformatter.reformat(
        frame,
        width,
        height,
        "gbrp16le" if tags.hdr else "rgb24",
        src_colorspace=tags.matrix,
        src_color_range=tags.range,
        interpolation="BILINEAR" if (frame.width, frame.height) == (width, height) else "BICUBIC",
        threads=1,
    )
    if tags.hdr:
        # Planar, because packed RGB of 10 bits takes twice as long (findings/pyav_planar_rgb_of_10_bits.sh).
        green, blue, red = (
            np.asarray(plane).view("<u2").reshape(-1, plane.line_size // 2) for plane in converted.planes
        )
        planes = [plane[:height, :width] for plane in (red, green, blue)]
        write_srgb(image, planes, tags.hdr, tags.primaries)
    else:
        image[:] = converted.to_ndarray()


def _display_matrix(frame: VideoFrame) -> tuple[int, int, int, int] | None:
    """The part of the display matrix that turns and mirrors; None where there is none."""
    data: Any = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return None
    numbers = np.frombuffer(data, np.int32)
    a, b, c, d = (int(numbers[place]) for place in (0, 1, 3, 4))
    return (a, b, c, d)
