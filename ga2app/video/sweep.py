"""Sweep over a long video: the frames that a sliding window looks at come out piece by piece, each decoded once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import av
import numpy as np
from numpy.typing import NDArray

from ga2app.errors import ClipError
from ga2app.stretches import Stretch, seconds
from ga2app.video.container_facts import RE_ENCODE, clip_name, first_bytes, open_clip, still_picture
from ga2app.video.display import recorded_display
from ga2app.video.images import ImageMaker, is_animated_webp
from ga2app.video.sequential import decoded_frames
from ga2app.video.video_clip import ClipFrames
from ga2app.video.windows import Swept

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

PIECE_FRAMES, PIECE_DECODED = 64, 512
"""A piece has so many frames, or is what came of decoding so many."""


def sweep(path: str, swept: Swept, short_side_px: int | None) -> Iterator[ClipFrames]:
    """The frames of ``path`` (absolute) that the windows look at, in order; memory does not grow with the video.

    ``times_s`` are seconds after the first window's start, which is ``first_s`` on the file's clock: the first frame's
    time, or where the stretch begins. ``total_frames`` is what the container announces, 0 where it does not. The last
    piece alone has ``seconds``: how long what was swept lasts. Raises ClipError.
    """
    name = clip_name(path)
    if is_animated_webp(first_bytes(path)):
        raise ClipError(name, "an animated picture is too short for windows over time", "recognize it as a clip")
    for keep_damaged in (False, True):
        with open_clip(path) as (container, stream):
            rate = float(stream.average_rate) if stream.average_rate else None
            announced = stream.frames or round((container.duration or 0) / av.time_base * (rate or 0))
            maker = ImageMaker(short_side_px, recorded_display(container, stream))
            sweeper = _Sweeper(name, swept, maker, announced, rate)
            yield from sweeper.pieces(decoded_frames(container, stream, keep_damaged=keep_damaged))
            if refusal := still_picture(container, sweeper.decoded, name):
                raise refusal
        if sweeper.decoded:
            yield sweeper.last()
            return
    raise ClipError(name, "it has 0 decodable frames", f"{RE_ENCODE}, or record it again")


class _Sweeper:
    """Takes the frames on screen at the windows' moments out of all frames of one video."""

    def __init__(self, name: str, swept: Swept, maker: ImageMaker, announced: int, rate: float | None) -> None:
        self._name, self._windows, self._stretch = name, swept.windows, swept.stretch or Stretch(0.0)
        self._maker, self._announced, self._rate = maker, announced, rate
        self._images: list[NDArray[np.uint8]] = []
        self._times_s: list[float] = []
        self._numbers: list[int] = []
        self._first_s = self._begin_s = self._end_s = 0.0
        self._disordered = 0
        self.decoded = 0

    def pieces(self, frames: Iterable[VideoFrame]) -> Iterator[ClipFrames]:
        """All pieces but the last. Raises ClipError."""
        told = 0
        for frame, begin_s, after_s, number in self._shown(frames):
            if not self._end_s:
                self._first_s, self._begin_s = begin_s, max(self._stretch.start_s, begin_s)
            if begin_s + (after_s - begin_s) / 2 >= self._stretch.end_s:
                break
            self._end_s = after_s
            if self._windows.wants(begin_s - self._begin_s, after_s - self._begin_s):
                self._images.append(self._maker.image(frame))
                self._times_s.append(begin_s - self._begin_s)
                self._numbers.append(number)
            if len(self._images) >= PIECE_FRAMES or number - told >= PIECE_DECODED:
                told = number
                yield self._piece()
        if self.decoded and self._end_s <= self._begin_s:
            shown = f"its frames are shown from {seconds(self._first_s)} s to {seconds(self._end_s)} s"
            reason = f"the stretch {self._stretch} lies outside: {shown}"
            raise ClipError(self._name, reason, "correct its start and end")

    def last(self) -> ClipFrames:
        """What is left, and how long the whole lasts."""
        notes = [f"converted from HDR ({kind}) to sRGB" for kind in self._maker.hdr]
        if self._disordered:
            notes.append(f"{self._disordered:,} frames were passed over: their times are before those of earlier ones")
        return self._piece(tuple(notes), min(self._end_s, self._stretch.end_s) - self._begin_s)

    def _shown(self, frames: Iterable[VideoFrame]) -> Iterator[tuple[VideoFrame, float, float, int]]:
        """Each frame, from when to before when it is on screen, in seconds on the file's clock, and its number."""
        held: tuple[VideoFrame, float, int] | None = None
        lasts_s = 1 / self._rate if self._rate else 0.04
        for frame in frames:
            time_s, number = self._time_s(frame), self.decoded
            self.decoded += 1
            if held is None:
                held = frame, time_s, number
            elif time_s <= held[1]:
                self._disordered += 1
            else:
                lasts_s = time_s - held[1]
                yield held[0], held[1], time_s, held[2]
                held = frame, time_s, number
        if held is not None:
            last, begin_s, number = held
            told_s = float(last.duration * last.time_base) if last.duration and last.time_base else 0.0
            yield last, begin_s, begin_s + (told_s or lasts_s), number

    def _time_s(self, frame: VideoFrame) -> float:
        """When ``frame`` is shown, on the file's clock; by the file's rate where it has no time. Raises ClipError."""
        if frame.pts is not None and frame.time_base is not None:
            return float(frame.pts * frame.time_base)
        if not self._rate:
            reason = "it does not tell when its frames are shown, so that no window can be placed"
            raise ClipError(self._name, reason, "store it anew as mp4")
        return self.decoded / self._rate

    def _piece(self, notes: tuple[str, ...] = (), lasts_s: float | None = None) -> ClipFrames:
        images = np.stack(self._images) if self._images else np.empty((0, *(self._maker.shape or (0, 0, 3))), np.uint8)
        numbers, times_s = tuple(self._numbers), tuple(self._times_s)
        self._images, self._times_s, self._numbers = [], [], []
        size = self._maker.recorded
        return ClipFrames(
            images, numbers, self._announced, self._rate, "pyav", *size, lasts_s, times_s, notes, self._begin_s
        )
