"""Decoded frames to upright RGB arrays of the wanted size; animated WebP, which FFmpeg refuses, is read here by Pillow.

Notation: T frames, H × W their size in pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from av import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from ga2app.errors import ClipError
from ga2app.video.container_facts import AGAIN, check_picture, clip_name
from ga2app.video.display import Display, write_srgb
from ga2app.video.sampling import Sampling
from ga2app.video.video_clip import TimeStamps


def fitted_size(width: int, height: int, short_side_px: int | None) -> tuple[int, int]:
    """Width and height with the short side at ``short_side_px``; a smaller picture is never enlarged."""
    short = min(width, height)
    if short_side_px is None or short <= short_side_px:
        return width, height
    return (round(width * short_side_px / short), round(height * short_side_px / short))


PLAIN = Display()


def to_images(frames: Sequence[VideoFrame], short_side_px: int | None, display: Display = PLAIN) -> NDArray[np.uint8]:
    """What an ``ImageMaker`` makes of ``frames``."""
    return ImageMaker(short_side_px, display).images(frames)


class ImageMaker:
    """Makes sRGB images (H, W, 3), uint8, upright and in shape, of the decoded frames of one clip, shown as
    ``display`` says.

    All have the size and the position of the first; ``varied`` says that some had others. ``recorded`` are width and
    height of the first, and ``hdr`` the kinds of high dynamic range that were converted.
    """

    def __init__(self, short_side_px: int | None, display: Display = PLAIN) -> None:
        self._short_side_px, self._display = short_side_px, display
        # One for all: a frame's own would be set up anew for each, with threads, which takes longer than converting.
        self._reformatter = VideoReformatter()
        self.clear()

    def clear(self) -> None:
        """Forget the first frame, since the clip is read from its start once more."""
        self._matrix: tuple[int, int, int, int] | None = None
        self._turned: NDArray[np.uint8] | None = None
        self.recorded = (0, 0)
        self.shape: tuple[int, ...] = ()
        self.hdr: dict[str, None] = {}
        self.varied = False

    def image(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """The image of ``frame``: what is kept of a long clip's frames, which are large as the decoder has them."""
        self._take_after(frame)
        image = np.empty(self.shape, np.uint8)
        self._write(image, frame)
        return image

    def images(self, frames: Sequence[VideoFrame | NDArray[np.uint8]]) -> NDArray[np.uint8]:
        """Images (T, H, W, 3) of ``frames``, some of which may be images already; one that comes several times is
        converted once."""
        if not self.shape and not isinstance(frames[0], np.ndarray):
            self._take_after(frames[0])
        images = np.empty((len(frames), *self.shape), np.uint8)
        rows: dict[int, int] = {}
        for row, frame in enumerate(frames):
            if isinstance(frame, np.ndarray):
                images[row] = frame
            elif id(frame) in rows:
                images[row] = images[rows[id(frame)]]
            else:
                self._write(images[row], frame)
            rows[id(frame)] = row
        return images

    def _take_after(self, frame: VideoFrame) -> None:
        if self.shape:
            return
        self.recorded, self._matrix = (frame.width, frame.height), _display_matrix(frame)
        width, height = fitted_size(*self._display.size(*self.recorded), self._short_side_px)
        self.shape = (height, width, 3)
        if self._matrix is not None:
            self._turned = np.empty(self.shape, np.uint8)
            self.shape = upright(self._turned, self._matrix).shape

    def _write(self, image: NDArray[np.uint8], frame: VideoFrame) -> None:
        self.varied |= (frame.width, frame.height) != self.recorded or _display_matrix(frame) != self._matrix
        if kind := self._display.colors(frame).hdr:
            self.hdr[kind] = None
        _write_rgb(image if self._turned is None else self._turned, self._reformatter, frame, self._display)
        if self._turned is not None:
            image[:] = upright(self._turned, self._matrix)


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
    scaled = (frame.width, frame.height) != (width, height)
    # Planar, because packed RGB takes two to four times as long (findings/pyav_planar_rgb_of_10_bits.sh): where colors
    # are converted from HDR, and where the width is odd and so the bits are the same. Not at the frame's own size:
    # the last columns are not written then (findings/pyav_gbrp_last_columns.sh).
    layout = "gbrp16le" if tags.hdr else "gbrp" if scaled and width % 2 else "rgb24"
    converted = reformatter.reformat(
        frame,
        width,
        height,
        layout,
        src_colorspace=tags.matrix,
        src_color_range=tags.range,
        interpolation="BICUBIC" if scaled else "BILINEAR",
        threads=1,
    )
    if layout == "rgb24":
        image[:] = converted.to_ndarray()
        return
    kind = "<u2" if tags.hdr else "u1"
    green, blue, red = (
        np.asarray(plane).view(kind).reshape(plane.height, -1)[:height, :width] for plane in converted.planes
    )
    if tags.hdr:
        write_srgb(image, [red, green, blue], tags.hdr, tags.primaries)
    else:
        for place, plane in enumerate((red, green, blue)):
            image[..., place] = plane


def _display_matrix(frame: VideoFrame) -> tuple[int, int, int, int] | None:
    """The part of the display matrix that turns and mirrors; None where there is none."""
    data: Any = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return None
    numbers = np.frombuffer(data, np.int32)
    a, b, c, d = (int(numbers[place]) for place in (0, 1, 3, 4))
    return (a, b, c, d)


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
