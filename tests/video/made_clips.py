"""Small clips of every kind, made by PyAV and Pillow: frames that carry their own number, and cards of plain colors.

Where PyAV lacks an encoder the file is skipped with the encoder's name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from ga2app.video.display import ColorTags

BITS = 6
WIDTH, HEIGHT = 96, 64
FRAMES = 24
RGB = {"red": (200, 40, 40), "green": (40, 180, 60), "blue": (60, 50, 210)}


@dataclass(frozen=True)
class Recording:
    """How frames are encoded and packed."""

    codec: str = "libx264"
    pixels: str = "yuv420p"
    rate: int = 25
    options: dict[str, str] = field(default_factory=dict)
    container: dict[str, str] = field(default_factory=dict)
    format: str | None = None
    times_ms: Sequence[int] | None = None
    tags: ColorTags = ColorTags()
    matrix: int | None = None  # that the numbers are really in; None: BT.601
    full_range: bool = False
    pixel_aspect: Fraction | None = None
    rotation: int = 0
    audio: bool = False


def record(path: Path, frames: Sequence[NDArray[Any]], how: Recording = Recording()) -> Path:
    """Write RGB ``frames`` (H, W, 3), uint8, or uint16 for high dynamic range, as ``how`` says."""
    if how.codec not in av.codecs_available:
        pytest.skip(f"PyAV is built without the encoder {how.codec}")
    with av.open(str(path), "w", format=how.format, options=how.container) as container:
        sound = container.add_stream("aac", rate=8000) if how.audio else None
        stream = container.add_stream(how.codec, rate=how.rate, options=how.options)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = how.pixels
        context = stream.codec_context
        context.colorspace, context.color_range = how.tags.matrix, how.tags.range
        context.color_trc, context.color_primaries = how.tags.transfer, how.tags.primaries
        if how.pixel_aspect:
            context.sample_aspect_ratio = how.pixel_aspect
        if how.times_ms is not None:
            context.time_base = Fraction(1, 1000)
        if how.rotation:
            stream.set_display_rotation(how.rotation)
        for number, image in enumerate(frames):
            frame = _planes(image, how)
            frame.pts, frame.time_base = number, Fraction(1, how.rate)
            if how.times_ms is not None:
                frame.pts, frame.time_base = how.times_ms[number], Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None:
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), format="fltp", layout="mono")
            silence.sample_rate = 8000
            container.mux([*sound.encode(silence), *sound.encode(None)])
    return path


def _planes(image: NDArray[Any], how: Recording) -> av.VideoFrame:
    kind = "rgb48le" if image.dtype == np.uint16 else "rgb24"
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format=kind)
    made = frame.reformat(
        format=how.pixels, dst_colorspace=how.matrix, dst_color_range=2 if how.full_range else None, threads=1
    )
    made.colorspace, made.color_range = how.tags.matrix, how.tags.range
    made.color_trc, made.color_primaries = how.tags.transfer, how.tags.primaries
    return made


def bar_code(number: int, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
    """A picture that shows ``number``, below 64, as light and dark bars, with noise that gives every packet bytes."""
    image = np.random.default_rng(number).integers(30, 50, (height, width, 3), np.uint8)
    for bit in range(BITS):
        if number >> bit & 1:
            image[:, bit * width // BITS : (bit + 1) * width // BITS] += 170
    return image


def numbers_of(frames: NDArray[np.uint8]) -> list[int]:
    """The numbers that ``frames`` (T, H, W, 3) show."""
    bar = frames.shape[2] / BITS
    places = [slice(round(bar * (bit + 0.3)), round(bar * (bit + 0.7))) for bit in range(BITS)]
    return [sum(int(frame[:, place].mean() > 130) << bit for bit, place in enumerate(places)) for frame in frames]


def numbered(path: Path, how: Recording = Recording(), frames: int = FRAMES, size: tuple[int, int] = (96, 64)) -> Path:
    """A clip of ``frames`` frames that show their numbers, ``size`` (width, height)."""
    return record(path, [bar_code(number, *size) for number in range(frames)], how)


def color_card(width: int, height: int) -> NDArray[np.uint8]:
    """Three upright stripes: red, green and blue."""
    image = np.empty((height, width, 3), np.uint8)
    for place, color in enumerate(RGB.values()):
        image[:, place * width // 3 : (place + 1) * width // 3] = color
    return image


def stripes_of(frame: NDArray[np.uint8]) -> list[list[float]]:
    """The mean color of the middle of each of the three stripes."""
    height, width = frame.shape[:2]
    rows = slice(height // 4, 3 * height // 4)
    return [
        frame[rows, round(width * (place + 0.3) / 3) : round(width * (place + 0.7) / 3)].mean(axis=(0, 1)).tolist()
        for place in range(3)
    ]


def cut_by_edit_list(path: Path, frames: int, rate: int = 25) -> Path:
    """Make the mp4 at ``path`` begin ``frames`` frames later, by its edit list alone, as editors trim without
    encoding."""
    data = bytearray(path.read_bytes())
    header = data.index(b"mdhd") + 4
    scale = int.from_bytes(data[header + 12 : header + 16], "big")
    entry = data.index(b"elst") + 12  # after version, flags and the count of entries
    start = int.from_bytes(data[entry + 4 : entry + 8], "big") + frames * scale // rate
    data[entry + 4 : entry + 8] = start.to_bytes(4, "big")
    path.write_bytes(data)
    return path


def destroy_packet(path: Path, number: int) -> Path:
    """Overwrite packet ``number``, in decoding order, of the clip at ``path``."""
    with av.open(str(path)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][number]
    assert packet.pos is not None
    data = bytearray(path.read_bytes())
    data[packet.pos : packet.pos + packet.size] = b"\xff" * packet.size
    path.write_bytes(data)
    return path


def two_streams(path: Path, sizes: Sequence[tuple[int, int]]) -> Path:
    """A clip with a video stream of each of ``sizes`` (width, height)."""
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("libx264", rate=25) for _ in sizes]
        for stream, (width, height) in zip(streams, sizes, strict=True):
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(FRAMES):
            for stream, size in zip(streams, sizes, strict=True):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(bar_code(number, *size), format="rgb24")))
        for stream in streams:
            container.mux(stream.encode(None))
    return path


def sound_only(path: Path) -> Path:
    """A second of silence without a picture."""
    codec = "libmp3lame" if path.suffix == ".mp3" else "aac"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=16000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16000
        container.mux([*stream.encode(frame), *stream.encode(None)])
    return path


Maker = Callable[[Path], Path]
"""Writes a clip at a path."""

MADE: dict[str, Maker] = {
    "plain.mp4": numbered,
    "all_intra.mp4": lambda path: numbered(path, Recording(options={"g": "1"})),
    "one_keyframe.mp4": lambda path: numbered(path, Recording(options={"g": "999"})),
    "interlaced.mp4": lambda path: numbered(path, Recording(options={"x264-params": "tff=1"})),
    "fragmented.mp4": lambda path: numbered(path, Recording(container={"movflags": "frag_keyframe+empty_moov"})),
    "index_first.mp4": lambda path: numbered(path, Recording(container={"movflags": "faststart"})),
    "audio_first.mp4": lambda path: numbered(path, Recording(audio=True)),
    "starts_late.mp4": lambda path: numbered(path, Recording(times_ms=[400 + 40 * i for i in range(FRAMES)])),
    "varying_rate.mkv": lambda path: numbered(path, Recording(times_ms=[3 * i * i + 10 * i for i in range(FRAMES)])),
    "rotated.mp4": lambda path: numbered(path, Recording(rotation=180)),
    "four_four_four.mp4": lambda path: numbered(path, Recording(pixels="yuv444p")),
    "h264_10_bits.mp4": lambda path: numbered(path, Recording(pixels="yuv420p10le")),
    "hevc.mp4": lambda path: numbered(path, Recording("libx265", options={"x265-params": "log-level=none"})),
    "hevc_10_bits.mp4": lambda path: numbered(
        path, Recording("libx265", "yuv420p10le", options={"x265-params": "log-level=none"})
    ),
    "av1.mp4": lambda path: numbered(path, Recording("libsvtav1", options={"preset": "12"})),
    "av1.mkv": lambda path: numbered(path, Recording("libsvtav1", options={"preset": "12"})),
    "vp8.webm": lambda path: numbered(path, Recording("libvpx", options={"crf": "10", "b": "1M"})),
    "vp9.webm": lambda path: numbered(path, Recording("libvpx-vp9", options={"cpu-used": "8"})),
    "transparent.webm": lambda path: numbered(path, Recording("libvpx-vp9", "yuva420p", options={"cpu-used": "8"})),
    "odd_size_mjpeg.avi": lambda path: numbered(path, Recording("mjpeg", "yuvj420p"), size=(97, 65)),
    "b_frames.avi": lambda path: numbered(path, Recording("mpeg4", options={"g": "12", "bf": "2"})),
    "naïve 名前 #1.avi": lambda path: numbered(path, Recording("mpeg4")),
    "video.wmv": lambda path: numbered(path, Recording("wmv2", format="asf")),
    "video.asf": lambda path: numbered(path, Recording("wmv2")),
    "video.flv": lambda path: numbered(path, Recording("flv")),
    "video.ts": lambda path: numbered(path, Recording(format="mpegts")),
    "camcorder.MTS": lambda path: numbered(path, Recording(format="mpegts")),
    "camcorder.m2ts": lambda path: numbered(path, Recording(format="mpegts")),
    "dvd.vob": lambda path: numbered(path, Recording("mpeg2video", format="vob")),
    "video.mpg": lambda path: numbered(path, Recording("mpeg2video", format="mpeg")),
    "video.mxf": lambda path: numbered(path, Recording("mpeg2video")),
    "raw.h264": lambda path: numbered(path, Recording(format="h264")),
    "movie.mov": lambda path: numbered(path, Recording("prores_ks", "yuv422p10le")),
    "pictures.gif": lambda path: numbered(path, Recording("gif", "rgb8")),
    "one_frame.mp4": lambda path: numbered(path, frames=1),
    "tiny.mp4": lambda path: record(path, [np.full((16, 16, 3), 20 * i, np.uint8) for i in range(6)]),
}
"""Clips that are read: each of ``FRAMES`` numbered frames, but for the last two."""
