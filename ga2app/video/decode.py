"""Which of the readers reads a clip: seeking where it is safe and pays, from the start everywhere else."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ga2app.errors import ClipError
from ga2app.stretches import Stretch, seconds
from ga2app.video.container_facts import SMALLER, clip_name, first_bytes, open_clip, packet_count
from ga2app.video.display import Display, recorded_display
from ga2app.video.images import PLAIN, ImageMaker, fitted_size, is_animated_webp, read_animated_webp
from ga2app.video.sampling import Exactly, Marked, Part, Sampling, Several, Together, Wanted, Within
from ga2app.video.seeking import TrustedIndex, images_by_index, read_by_seeking, trusted_index
from ga2app.video.sequential import read_sequentially
from ga2app.video.video_clip import ClipFrames, Pace, TimeStamps, pace

DECORD, PYAV, PILLOW = "decord", "pyav", "pillow"
MAX_FRAMES_BYTES = 2**30
"""What the wanted frames of one clip may take together, at their wanted size: a few hundred of 1080p."""


def decode_clip(path: str, wanted: Wanted, short_side_px: int | None) -> ClipFrames:
    """Read ``path`` (absolute) in this process, without a time limit; raises ClipError.

    Of a stretch that is what decoding all of the file gives, numbered from the stretch's first frame on; of several it
    is all of them, joined.
    """
    if isinstance(wanted, Several | Marked):
        return ClipFrames.joined(_stretches(path, wanted, short_side_px))
    if isinstance(wanted, Within):
        only = _stretches(path, Several((wanted,)), short_side_px)[0]
        assert isinstance(only, ClipFrames)  # where none is found, that was raised
        return only
    return _decode(path, _Place(path, wanted), short_side_px)


def _stretches(path: str, wanted: Several | Marked, short_side_px: int | None) -> list[ClipFrames | ClipError]:
    """Each stretch, or why it is none; raises that where none is one. Before those of marks comes the whole clip,
    without pixels and with the times that were asked for."""
    place = _Place(path, wanted)
    clip = _decode(path, place, short_side_px)
    whole: list[ClipFrames | ClipError] = []
    if isinstance(wanted, Marked):
        times_s = place.pace.times_s(place.numbers)
        whole = [replace(clip, frames=clip.frames[:0], indices=place.numbers, times_s=times_s)]
    if place.varied and (whole or len(place.withins) > 1 or isinstance(place.withins[0].sampling, Together)):
        return whole + [_alone(path, one, short_side_px) for one in place.withins]
    return whole + [
        part if isinstance(part, ClipError) else _part_of(clip, part, within, place.pace)
        for part, within in zip(place.parts, place.withins, strict=True)
    ]


def _alone(path: str, within: Within, short_side_px: int | None) -> ClipFrames | ClipError:
    """One stretch, without what is wanted later, of a file whose picture changes its size: see ``_unvaried``."""
    now = within.sampling.parts[0] if isinstance(within.sampling, Together) else within.sampling
    try:
        return decode_clip(path, Within(now, within.stretch), short_side_px)
    except ClipError as exc:
        return exc


def _part_of(clip: ClipFrames, part: Part, within: Within, pace: Pace) -> ClipFrames:
    """What ``clip``, numbered and timed in the whole file, holds of one stretch."""
    assert pace.starts_s is not None
    after = part.first + part.count
    begin_s = pace.starts_s[part.first]
    end_s = pace.starts_s[after] if after < len(pace.starts_s) else pace.seconds
    found = clip.chosen(part)
    return replace(
        found,
        indices=tuple(number - part.first for number in found.indices),
        total_frames=part.count,
        seconds=None if end_s is None else end_s - begin_s,
        times_s=tuple(time - begin_s for time in found.times_s),
        notes=(*clip.notes, *_cut(within.stretch, pace)),
        first_s=clip.first_s + begin_s,
    )


def _cut(stretch: Stretch, pace: Pace) -> list[str]:
    """That a stretch ends with the file, before its own end: by more than the last frame's worth of rounding."""
    if pace.seconds is None or pace.fps is None or math.isinf(stretch.end_s):
        return []
    file_end_s = pace.first_s + pace.seconds
    if stretch.end_s <= file_end_s + 1 / pace.fps:
        return []
    ends = f"its end at {seconds(stretch.end_s)} s lies beyond the video's at {seconds(round(file_end_s, 3))} s"
    return [f"{ends}: it was cut there"]


class _Place:
    """Which frames are ``wanted``: known at once, but of stretches only when the times of all frames are."""

    def __init__(self, path: str, wanted: Sampling | Several | Marked) -> None:
        self.path, self.wanted = path, wanted
        self.sampling: Sampling | None = None if isinstance(wanted, Several | Marked) else wanted
        self.withins = wanted.parts if isinstance(wanted, Several) else ()
        self.numbers: tuple[int, ...] = ()
        self.parts: list[Part | ClipError] = []
        self.pace = Pace(None, None, None)
        self.varied = False

    def told(self, pace: Pace) -> Sampling:
        """What to read of a clip whose frames have this ``pace``. Raises ClipError where of several none lies in it."""
        if isinstance(self.wanted, Several | Marked):
            clock_s, self.pace = pace.clock_s, pace
            if isinstance(self.wanted, Marked):
                self.numbers, self.withins = self.wanted.find(pace)
            self.parts = [_located(within, clock_s, clip_name(self.path)) for within in self.withins]
            found = [part for part in self.parts if isinstance(part, Part)]
            if not found and isinstance(self.wanted, Several):
                raise next(part for part in self.parts if isinstance(part, ClipError))
            self.sampling = Exactly(tuple(sorted({number for part in found for number in part.indices(0)})) or (0,))
        assert self.sampling is not None
        return self.sampling


def _located(within: Within, clock_s: Sequence[float] | None, name: str) -> Part | ClipError:
    try:
        return within.located(clock_s, name)
    except ClipError as exc:
        return exc


def _decode(path: str, place: _Place, short_side_px: int | None) -> ClipFrames:
    """The wanted frames, numbered and timed in the whole clip."""
    if is_animated_webp(first_bytes(path)):
        times, maker = TimeStamps(), ImageMaker(short_side_px)
        frames, indices, total = read_animated_webp(path, place.sampling, times, lambda: place.told(times.pace(None)))
        with _memory_for(path, maker):
            images = maker.images(frames)
        return _clip(images, indices, total, times.pace(None), maker, PLAIN, PILLOW)
    with open_clip(path) as (container, stream):
        rate = float(stream.average_rate) if stream.average_rate else None
        expected = stream.frames
        display = recorded_display(container, stream)
        size = display.size(stream.width, stream.height)
        index = trusted_index(container, stream)
    if index is None and not expected and place.sampling is not None:
        with open_clip(path) as (container, stream):
            expected = packet_count(container, stream)
    wanted_size = fitted_size(*size, short_side_px)
    if index is not None:
        expected = len(index.pts)
        steps, maker = _index_pace(index, rate), ImageMaker(short_side_px, display)
        sampling = place.told(steps)
        _check_room(path, sampling, expected, wanted_size)
        # A stretch is what decoding all gives, to the bit: the two decoders round colors differently.
        decord = not place.parts and display.suits_decord
        if decord and (sought := read_by_seeking(path, index, sampling, short_side_px, display)):
            images, indices = sought
            return ClipFrames(images, indices, expected, steps.fps, DECORD, *_upright(size, images),
                              steps.seconds, steps.times_s(indices), first_s=steps.first_s)  # fmt: skip
        with _memory_for(path, maker):
            sought = images_by_index(path, index, sampling, maker)
        if sought is not None:
            return _unvaried(path, place, short_side_px, maker) or _clip(*sought, expected, steps, maker, display, PYAV)
    elif place.sampling is not None:
        _check_room(path, place.sampling, expected, wanted_size)
    times, maker = TimeStamps(), ImageMaker(short_side_px, display)

    def told() -> Sampling:
        sampling = place.told(times.pace(rate))
        _check_room(path, sampling, times.count, wanted_size)
        return sampling

    known = None if place.parts else place.sampling
    frames, indices, total = read_sequentially(path, known, expected, times, maker, told)
    with _memory_for(path, maker):
        images = maker.images(frames)
    again = _unvaried(path, place, short_side_px, maker)
    return again or _clip(images, indices, total, times.pace(rate), maker, display, PYAV)


def _unvaried(path: str, place: _Place, short_side_px: int | None, maker: ImageMaker) -> ClipFrames | None:
    """What is wanted now, read alone, where the picture changes its size and more was wanted.

    The first frame sets the size of all; alone, those that are wanted now might begin with another one.
    """
    place.varied = maker.varied
    if maker.varied and isinstance(place.wanted, Together):
        return decode_clip(path, place.wanted.parts[0], short_side_px)
    return None


def _check_room(path: str, sampling: Sampling, total: int, size: tuple[int, int]) -> None:
    """Raises ClipError where the wanted frames, of ``size`` each, would take too much memory: before any is decoded."""
    count, (width, height) = len(sampling.indices(max(total, 1))), size
    if count * width * height * 3 > MAX_FRAMES_BYTES:
        reason = (
            f"its {count:,} wanted frames of {width}x{height} pixels take {count * width * height * 3 / 1e9:.1f} GB, "
            f"more than {MAX_FRAMES_BYTES / 1e9:.1f} GB"
        )
        raise ClipError(clip_name(path), reason, f"ask for fewer or smaller frames, or {SMALLER}")


@contextmanager
def _memory_for(path: str, maker: ImageMaker) -> Iterator[None]:
    """Raises ClipError where images do not fit into memory."""
    try:
        yield
    except MemoryError as exc:
        width, height = maker.recorded
        raise ClipError(
            clip_name(path),
            f"its wanted frames of {width}x{height} pixels do not fit into memory",
            "make the picture smaller",
        ) from exc


def _clip(
    images: NDArray[np.uint8],
    indices: tuple[int, ...],
    total: int,
    steps: Pace,
    maker: ImageMaker,
    display: Display,
    reader: str,
) -> ClipFrames:
    size = _upright(display.size(*maker.recorded), images)
    notes = tuple(f"converted from HDR ({kind}) to sRGB" for kind in maker.hdr)
    times_s = steps.times_s(indices)
    return ClipFrames(images, indices, total, steps.fps, reader, *size, steps.seconds, times_s, notes, steps.first_s)


def _index_pace(index: TrustedIndex, rate: float | None) -> Pace:
    return pace(index.pts, index.last_duration, index.time_base_s, len(index.pts), rate)


def _upright(size: tuple[int, int], images: NDArray[np.uint8]) -> tuple[int, int]:
    """Width and height of the recorded picture, lying or standing as ``images`` (T, H, W, 3) do."""
    height, width = images.shape[1:3]
    return size if (width >= height) == (size[0] >= size[1]) else (size[1], size[0])
