"""How a recorded picture is to be shown: its colors and the shape of its pixels, as players take them.

FFmpeg's decoders give planes of numbers. What the numbers mean is told by the frame, by the container, or by nobody;
then players take BT.601 for small pictures and BT.709 from 720 lines on.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

from av.video.reformatter import Colorspace, ColorTrc

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
