"""The clock of a clip: from when to when it is shown, and when single frames are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from ga2app.datasets.annotation_records import Mark, Unit
from ga2app.errors import ClipError, counted
from ga2app.untrusted import ordinary_status
from ga2app.video import ClipFrames, Numbered

_SMALL_PX = 16
_LIMIT_S = 600.0


@dataclass(frozen=True)
class ClipClock:
    """``first_s`` is when the first of ``frames`` is shown, ``end_s`` when the last one ends, on the file's clock.

    ``times_s`` are those of frames that were asked for, by their number in decoding order. ``fps`` is the average
    rate, None where the file does not tell.
    """

    first_s: float
    end_s: float
    frames: int
    fps: float | None
    times_s: Mapping[int, float] = field(default_factory=dict)

    def seconds(self, mark: Mark) -> tuple[float, float]:
        """Start and end of ``mark`` on the file's clock.

        Raises ValueError, as the rest of a sentence, for frames whose time is not known.
        """
        if mark.unit in (Unit.SECONDS, Unit.GRID):
            return self.first_s if mark.start is None else mark.start, self.end_s if mark.end is None else mark.end
        start, end = self.numbers(mark)
        return self._time(start), self.end_s if end is None else self._time(end)

    def numbers(self, mark: Mark) -> tuple[float, float | None]:
        """First frame of ``mark``, and the one after its last; FiftyOne's time t is frame ⌊t/D·(n-1)⌉ of n."""
        if mark.unit is not Unit.SHARE or mark.end is None:
            return mark.start or 0.0, mark.end
        scale = (self.frames - 1) / (self.end_s - self.first_s)
        return round((mark.start or 0.0) * scale), round(mark.end * scale) + 1

    def _time(self, frame: float) -> float:
        if frame != int(frame) or frame < 0:
            raise ValueError(f"has frame {frame:g}, and frames are whole numbers from 0")
        if frame in self.times_s:
            return self.times_s[int(frame)]
        if frame < self.frames or self.fps is None:
            raise ValueError(f"has frame {frame:g}, and the clip does not tell when its frames are shown")
        return self.end_s + (frame - self.frames) / self.fps

    def frames_told(self, seconds: float) -> str:
        """How many frames ``seconds`` are, in brackets; empty where nobody knows."""
        return f" ({counted(round(seconds * self.fps), 'frame')} too many)" if self.fps and seconds > 0 else ""


def clock_of(path: str, marks: Sequence[Mark]) -> ClipClock:
    """The clock of the clip at ``path``, with the times of the frames that ``marks`` count. Raises ClipError."""
    clip = _read(path, [frame for mark in marks if mark.unit is Unit.FRAMES for frame in (mark.start, mark.end)])
    clock = ClipClock(clip.first_s, clip.first_s + (clip.seconds or 0.0), clip.total_frames, clip.fps)
    if any(mark.unit is Unit.SHARE for mark in marks) and clip.seconds:
        clip = _read(path, [frame for mark in marks for frame in clock.numbers(mark)])
    times = {number: clip.first_s + time for number, time in zip(clip.indices, clip.times_s, strict=False)}
    return replace(clock, times_s=times)


def _read(path: str, numbers: Sequence[float | None]) -> ClipFrames:
    frames = tuple(int(number) for number in numbers if number is not None)
    try:
        state = ordinary_status(path)
    except OSError as exc:
        raise ClipError(Path(path).name, f"the file cannot be read ({exc.strerror or exc})", "check it") from exc
    return _times(path, frames, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=4096)
def _times(path: str, frames: tuple[int, ...], size_bytes: int, changed_ns: int) -> ClipFrames:
    """The clip without its pixels; a file that was looked at before an import, and has not changed, is not read again.

    ``size_bytes`` and ``changed_ns`` are its state.
    """
    from ga2app.video.decoder_pool import shared_pool

    clip = shared_pool.read(path, Numbered(frames), short_side_px=_SMALL_PX, time_limit_s=_LIMIT_S)
    return replace(clip, frames=clip.frames[:0])
