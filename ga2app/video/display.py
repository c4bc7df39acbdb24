"""How a recorded picture is to be shown: its colors and the shape of its pixels, as players take them.

FFmpeg's decoders give planes of numbers. What the numbers mean is told by the frame, by the container, or by nobody;
then players take BT.601 for small pictures and BT.709 from 720 lines on. High dynamic range (PQ: SMPTE 2084; HLG: ARIB
STD-B67) becomes sRGB pixel by pixel, as in ITU-R BT.2100.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Protocol

import numpy as np
from av.video.reformatter import Colorspace, ColorTrc
from numpy.typing import NDArray

from ga2app.environment import usable_cores
from ga2app.video.container_facts import PICTURE_BRANDS, major_brand

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

HD_LINES = 720
"""Pictures of so many lines and more are BT.709 where nothing tells, as in browsers and players."""

_UNKNOWN = 2  # AVCOL_SPC_UNSPECIFIED, AVCOL_TRC_UNSPECIFIED, AVCOL_PRI_UNSPECIFIED
_SQUARE = 0.01  # encoders that round a size to even numbers note pixels that are off by less
_MOST_STRETCH = 4.0  # pixels of wilder shapes are mistakes in the file
_DECORD_PIXELS = {"yuv420p", "yuvj420p"}  # of others the two decoders' colors differ


class Tagged(Protocol):
    """What carries color tags: a frame, or the codec's context, which begins with those of the container."""

    colorspace: int
    color_range: int
    color_trc: int
    color_primaries: int


@dataclass(frozen=True)
class ColorTags:
    """FFmpeg's numbers for matrix, range, transfer and primaries; as they are where nobody tells."""

    matrix: int = _UNKNOWN
    range: int = 0
    transfer: int = _UNKNOWN
    primaries: int = _UNKNOWN

    @classmethod
    def of(cls, tagged: Tagged) -> ColorTags:
        """The tags of a frame or a codec's context."""
        return cls(tagged.colorspace, tagged.color_range, tagged.color_trc, tagged.color_primaries)

    def filled(self, other: ColorTags) -> ColorTags:
        """These tags, with ``other``'s in the place of those that are not told."""
        return ColorTags(
            other.matrix if self.matrix == _UNKNOWN else self.matrix,
            self.range or other.range,
            other.transfer if self.transfer == _UNKNOWN else self.transfer,
            other.primaries if self.primaries == _UNKNOWN else self.primaries,
        )

    @property
    def hdr(self) -> str | None:
        """ "PQ" or "HLG" for high dynamic range; None for ordinary video."""
        return {int(ColorTrc.SMPTE2084): "PQ", int(ColorTrc.ARIB_STD_B67): "HLG"}.get(self.transfer)


@dataclass(frozen=True)
class Display:
    """How the frames of one clip are shown: what its container says, read before the first frame is decoded."""

    container: ColorTags = ColorTags()
    codec: str = ""
    pixel_aspect: float = 1.0
    picture_format: bool = False
    suits_decord: bool = True

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height with square pixels: the lines stay, and become wider or narrower."""
        return max(1, round(width * self.pixel_aspect)), height

    def colors(self, frame: VideoFrame) -> ColorTags:
        """What the numbers in ``frame`` mean."""
        small = self.picture_format or frame.height < HD_LINES
        if frame.format.is_rgb or len(frame.format.components) < 3:
            return ColorTags.of(frame)
        return _meaning(ColorTags.of(frame), self.container, self.codec, small)


def recorded_display(container: InputContainer, stream: VideoStream) -> Display:
    """How the clip of an open ``container`` is shown. Ask before anything is decoded: decoders overwrite the tags."""
    context = stream.codec_context
    tags = ColorTags.of(context)
    picture = major_brand(container) in PICTURE_BRANDS
    told = _meaning(tags, tags, context.codec.name, picture or stream.height < HD_LINES)
    plain = context.pix_fmt in _DECORD_PIXELS and not told.hdr and told == tags
    return Display(tags, context.codec.name, _aspect(stream.sample_aspect_ratio), picture, plain)


def _meaning(frame: ColorTags, container: ColorTags, codec: str, small: bool) -> ColorTags:
    # VP8 has no place for colors: FFmpeg's decoder writes BT.601, whatever the container says.
    tags = container.filled(frame) if codec in ("vp8", "libvpx") else frame.filled(container)
    if tags.matrix == _UNKNOWN and tags.hdr:
        return ColorTags(Colorspace.BT2020, tags.range, tags.transfer, tags.primaries)
    if tags.matrix == _UNKNOWN and not small:
        return ColorTags(Colorspace.ITU709, tags.range, tags.transfer, tags.primaries)
    return tags


def _aspect(ratio: Fraction | None) -> float:
    """Width of a pixel by its height; 1 where it is not told, is square but for rounding, or cannot be meant."""
    value = float(ratio) if ratio else 1.0
    plausible = 1 / _MOST_STRETCH <= value <= _MOST_STRETCH
    return value if plausible and abs(value - 1) >= _SQUARE else 1.0


WHITE_NITS = 203.0
_HLG_PEAK_NITS = 1000.0
_HLG_GAMMA = 1.2  # of the display's light by the camera's, at a peak of 1000 nits
_LEVELS = 65536
_BLOCK = 24576  # pixels that fit into a processor's cache, with all that is made of them
_LARGE = 500_000  # pixels that are worth a thread for each core; what CLIP reads is smaller
_LUMA_2020 = np.array((0.2627, 0.6780, 0.0593), np.float32)

# Linear RGB of these primaries (FFmpeg's numbers) to that of BT.709, white D65.
_FROM_2020 = ((1.660491, -0.587641, -0.072850), (-0.124550, 1.132900, -0.008349), (-0.018151, -0.100579, 1.118730))
_FROM_P3 = ((1.224940, -0.224940, 0.0), (-0.042057, 1.042057, 0.0), (-0.019638, -0.078636, 1.098274))
_BT709, _P3_D65 = 1, 12


def write_srgb(shown: NDArray[np.uint8], planes: Sequence[NDArray[np.uint16]], transfer: str, primaries: int) -> None:
    """Fill ``shown`` (H, W, 3), contiguous, with the sRGB of full-range red, green and blue ``planes``, each (H, W).

    ``transfer`` is "PQ" or "HLG". ``primaries`` is FFmpeg's number; what is not BT.709 or Display P3 is taken for
    BT.2020, as HDR has it. No level is more than 1 off.
    """
    height, width = planes[0].shape
    rows = max(1, _BLOCK // width)
    share = -(-height // (usable_cores() if height * width >= _LARGE else 1))
    parts = [slice(top, min(top + share, height)) for top in range(0, height, share)]
    if len(parts) == 1:
        _write_rows(shown, planes, transfer, primaries, parts[0], rows)
        return
    with ThreadPoolExecutor(len(parts)) as pool:  # numpy lets go of the interpreter meanwhile
        list(pool.map(lambda part: _write_rows(shown, planes, transfer, primaries, part, rows), parts))


def _write_rows(
    shown: NDArray[np.uint8],
    planes: Sequence[NDArray[np.uint16]],
    transfer: str,
    primaries: int,
    part: slice,
    rows: int,
) -> None:
    """Fill the rows ``part`` of ``shown``, so many ``rows`` at a time."""
    width = planes[0].shape[1]
    linear = np.empty((3, rows, width), np.float32)
    # The last row is luminance, which HLG needs.
    light = np.empty((4, rows * width), np.float32)
    index = np.empty((rows * width, 3), np.intp)
    matrix = np.vstack([_matrix(primaries), _LUMA_2020])
    for top in range(part.start, part.stop, rows):
        used = min(rows, part.stop - top)
        pixels = used * width
        for channel, plane in enumerate(planes):
            np.take(_linear_table(transfer), plane[top : top + used], out=linear[channel, :used], mode="wrap")
        block = light[:, :pixels]
        np.matmul(matrix, linear[:, :used].reshape(3, pixels), out=block)
        codes = _codes(block)
        if transfer == "HLG":
            # The system gamma acts on luminance, so that hues stay: from the scene's light to the display's.
            block[:3] *= np.take(_hlg_gains(), codes[3], mode="wrap")
        for channel in range(3):
            index[:pixels, channel] = codes[channel]
        np.take(_srgb_table(), index[:pixels], out=shown[top : top + used].reshape(pixels, 3), mode="wrap")


def _codes(light: NDArray[np.float32]) -> NDArray[np.uint16]:
    """The upper halves of the numbers ``light`` (C, N), a view: sign, exponent and the first 7 bits of the mantissa.

    As indices of a table they need neither scaling nor clipping, and are fine where light is low, as eyes are.
    """
    return light.view(np.uint16)[:, sys.byteorder == "little" :: 2]


def _coded_light() -> NDArray[np.float64]:
    """The middle of the numbers, 0 to 1, that have each of 65536 codes; negative ones are 0, larger ones 1."""
    middle = ((np.arange(_LEVELS, dtype=np.uint32) << 16) + 0x8000).view(np.float32)
    return np.where(np.signbit(middle), 0, np.nan_to_num(middle, nan=1)).clip(0, 1).astype(np.float64)


def _matrix(primaries: int) -> NDArray[np.float32]:
    """This times linear RGB (3, N) of ``primaries`` is that of BT.709."""
    known: dict[int, object] = {_BT709: np.eye(3), _P3_D65: _FROM_P3}
    return np.array(known.get(primaries, _FROM_2020), np.float32)


@cache
def _linear_table(transfer: str) -> NDArray[np.float32]:
    """Light of each of 65536 levels: by white of 203 nits for PQ, of the scene, 0 to 1, for HLG."""
    signal = np.arange(_LEVELS) / (_LEVELS - 1)
    if transfer == "HLG":
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        light = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
        return light.astype(np.float32)
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    root = signal ** (1 / m2)
    nits = 10_000 * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)
    return (nits / WHITE_NITS).astype(np.float32)


@cache
def _hlg_gains() -> NDArray[np.float32]:
    """Light of the display, by white of 203 nits, for one of the scene, at each code of luminance."""
    luma = np.maximum(_coded_light(), 1e-9)
    return (_HLG_PEAK_NITS / WHITE_NITS * luma ** (_HLG_GAMMA - 1)).astype(np.float32)


@cache
def _srgb_table() -> NDArray[np.uint8]:
    """sRGB level of each code of linear light."""
    light = _coded_light()
    signal = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return (signal * 255).round().astype(np.uint8)
