"""The clock of a clip: from when to when it is shown, and when single frames are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from ga2app.datasets.annotation_records import Mark, Unit
from ga2app.errors import ClipError, counted
from ga2app.stretches import Stretch
from ga2app.untrusted import ordinary_status
from ga2app.video import ClipFrames, Evaluation
from ga2app.video.sampling import Marked, Within
from ga2app.video.video_clip import Pace

ROUNDING_S = 0.0005
"""What a time in milliseconds may be off."""
TOGETHER = 1024
"""Stretches of one file that are looked at by opening it once: their pictures take half a gigabyte meanwhile."""
_SMALL_PX = 16
_LIMIT_S = 600.0
_COUNTED = (Unit.FRAMES, Unit.SHARE)


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
        length_s = self.end_s - self.first_s
        scale = (self.frames - 1) / length_s if length_s else 0.0
        return round((mark.start or 0.0) * scale), round(mark.end * scale) + 1

    def fitted(self, start: float, end: float) -> tuple[float, float]:
        """From ``start`` to ``end`` as far as the clip reaches, give or take what a time in milliseconds may be off."""
        return max(start, 0.0), min(end, self.end_s) if end > self.end_s + ROUNDING_S else end

    def span(self, mark: Mark) -> Stretch | None:
        """The part of the clip that ``mark`` is; None where it is none."""
        try:
            start, end = self.seconds(mark)
            if start < self.end_s - ROUNDING_S and end > self.first_s:
                return Stretch(*(round(time, 6) for time in self.fitted(start, end)))
        except ValueError:
            pass  # whoever takes it says why
        return None

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


@dataclass(frozen=True)
class _Finder:
    """Which frames ``marks`` count, and what ``sampling`` chooses of the stretches that they are on a clip's clock."""

    marks: tuple[Mark, ...]
    sampling: Evaluation | None = None

    def __call__(self, pace: Pace) -> tuple[tuple[int, ...], tuple[Within, ...]]:
        starts = pace.clock_s or ()
        clock = ClipClock(pace.first_s, pace.first_s + (pace.seconds or 0.0), len(starts), pace.fps)
        counted = [number for mark in self.marks if mark.unit in _COUNTED for number in clock.numbers(mark)]
        numbers = sorted({int(number) for number in counted if number is not None and 0 <= number < len(starts)})
        clock = replace(clock, times_s={number: starts[number] for number in numbers})
        spans = sorted({span for mark in self.marks if (span := clock.span(mark))} if self.sampling else ())
        parts = [Within(self.sampling, span) for span in spans[:TOGETHER] if self.sampling]
        return tuple(numbers), tuple(parts)


def clock_of(path: str, marks: Sequence[Mark]) -> ClipClock:
    """The clock of the clip at ``path``, with the times of the frames that ``marks`` count. Raises ClipError."""
    return _clock(_times(path, _Finder(tuple(mark for mark in marks if mark.unit in _COUNTED)), *_state(path)))


def clock_and_clips(
    path: str, marks: Sequence[Mark], sampling: Evaluation, short_side_px: int
) -> tuple[ClipClock, dict[str, ClipFrames | ClipError]]:
    """``clock_of``, and what ``sampling`` chooses of the first ``TOGETHER`` stretches that ``marks`` are, by their
    addresses: the file is opened once. Raises ClipError.
    """
    from ga2app.video.decoder_pool import shared_pool

    _state(path)
    finder, limit_s = _Finder(tuple(marks), sampling), _LIMIT_S + len(marks)
    whole, clips = shared_pool.read_marked(path, Marked(finder), short_side_px=short_side_px, time_limit_s=limit_s)
    clock = _clock(whole)
    spans = sorted({span for mark in marks if (span := clock.span(mark))})
    return clock, {f"{path}{span.fragment}": clip for span, clip in zip(spans, clips, strict=False)}


def _clock(clip: ClipFrames) -> ClipClock:
    times = {number: clip.first_s + time for number, time in zip(clip.indices, clip.times_s, strict=False)}
    return ClipClock(clip.first_s, clip.first_s + (clip.seconds or 0.0), clip.total_frames, clip.fps, times)


def _state(path: str) -> tuple[int, int]:
    try:
        state = ordinary_status(path)
    except OSError as exc:
        raise ClipError(Path(path).name, f"the file cannot be read ({exc.strerror or exc})", "check it") from exc
    return state.st_size, state.st_mtime_ns


@lru_cache(maxsize=4096)
def _times(path: str, finder: _Finder, size_bytes: int, changed_ns: int) -> ClipFrames:
    """The clip without its pixels; a file that was looked at before, and has not changed, is not read again.

    ``size_bytes`` and ``changed_ns`` are its state.
    """
    from ga2app.video.decoder_pool import shared_pool

    return shared_pool.read_marked(path, Marked(finder), short_side_px=_SMALL_PX, time_limit_s=_LIMIT_S)[0]
