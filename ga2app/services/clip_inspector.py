"""What a clip is, a small picture of it, and a copy that any browser plays, made at once or in the background."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ga2app.datasets.clip_files import content_digest
from ga2app.disk import by_age
from ga2app.environment import OwnThread
from ga2app.errors import ClipError, StudioError
from ga2app.paths import Home, whole_file
from ga2app.store.clip_pages import ClipRow
from ga2app.store.row_guard import APP, acting_as
from ga2app.types import ClipFacts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ga2app.datasets.annotation_clocks import ClipClock
    from ga2app.datasets.annotation_records import Mark
    from ga2app.services.studio import Studio
    from ga2app.store import Store
    from ga2app.video import ClipFrames, Sampling


TIME_LIMIT_S = 30.0
_MORE_S = 1.0
"""For each stretch of a file that is read for several."""
LOOKED_AT = 4
"""Frames that an inspection looks at: the first of each quarter."""
PICTURE_PX = 160
PREVIEW_PX = 240
_PREVIEW_FRAMES = 150
_LEAST_FPS, _MOST_FPS = 0.5, 60.0
_USUAL_FPS = 25.0
_FEW_FRAMES = 8
_SMALL_PX = 64
_LONG_S = 60.0
_FLAT = 4.0


class VideoInspector:
    """Opens clips through the decoder processes that all share; threads may call it at the same time.

    Each method raises ClipError for a clip that it cannot read.
    """

    def inspect(self, path: str, picture: Path | None = None) -> ClipFacts:
        """What the clip is; its ``digest`` stays empty. ``picture`` is where to write a small JPEG of its middle."""
        from ga2app.video import Evaluation

        return _facts(self._read(path, Evaluation(LOOKED_AT), max(PICTURE_PX, _SMALL_PX)), picture)

    def inspect_stretches(
        self, addresses: Sequence[str], pictures: Sequence[Path | None]
    ) -> list[ClipFacts | ClipError]:
        """``inspect`` of several stretches of one file, which is opened once; what is wrong with one is in its place.

        Raises ClipError where the file cannot be read, or none of its stretches.
        """
        from ga2app.video import Evaluation
        from ga2app.video.decoder_pool import shared_pool

        found = shared_pool.read_several(
            addresses,
            [Evaluation(LOOKED_AT)] * len(addresses),
            short_side_px=max(PICTURE_PX, _SMALL_PX),
            time_limit_s=TIME_LIMIT_S + _MORE_S * len(addresses),
        )
        return [
            one if isinstance(one, ClipError) else _facts(one, picture)
            for one, picture in zip(found, pictures, strict=True)
        ]

    def inspect_marks(
        self, path: str, marks: Sequence[Mark], picture: Callable[[str], Path | None]
    ) -> tuple[ClipClock, dict[str, ClipFacts | ClipError]]:
        """The clock of the file at ``path``, and ``inspect`` of the stretches that ``marks`` are on it, by their
        addresses, in one opening; ``picture`` says where that of an address goes. Raises ClipError.
        """
        from ga2app.datasets.annotation_clocks import clock_and_clips
        from ga2app.video import Evaluation

        clock, clips = clock_and_clips(path, marks, Evaluation(LOOKED_AT), max(PICTURE_PX, _SMALL_PX))
        facts = {
            address: one if isinstance(one, ClipError) else _facts(one, picture(address))
            for address, one in clips.items()
        }
        return clock, facts

    def thumbnail(self, path: str, out: Path, px: int = PICTURE_PX) -> None:
        """Write a JPEG of the clip's middle to ``out``, at most ``px`` high."""
        from ga2app.video import Evaluation

        _write_picture(self._read(path, Evaluation(2), px).frames[1], out, px)

    def preview(self, path: str, out: Path, px: int = PREVIEW_PX) -> None:
        """Write a small, silent mp4 that any browser plays to ``out``, its short side at most ``px``."""
        from ga2app.video import Evaluation
        from ga2app.video.writer import write_clip_at

        length = self._read(path, Evaluation(1), 16)
        wanted = min(length.total_frames, _PREVIEW_FRAMES)
        if length.seconds:
            wanted = max(1, min(wanted, round(length.seconds * _MOST_FPS)))
        clip = self._read(path, Evaluation(wanted), px)
        height, width = (side - side % 2 for side in clip.frames.shape[1:3])
        if not (height and width):
            raise ClipError(Path(path).name, "its picture is a single pixel wide or high", "leave it out")
        times_s, seconds = _preview_times(clip)
        with _whole(out, path) as fresh:
            write_clip_at(fresh, clip.frames[:, :height, :width], times_s, seconds)

    def close(self) -> None:
        """End the decoder processes; the next clip starts another."""
        from ga2app.video.decoder_pool import shared_pool

        shared_pool.close()

    def _read(self, path: str, sampling: Sampling, px: int) -> ClipFrames:
        from ga2app.video.decoder_pool import shared_pool

        return shared_pool.read(path, sampling, short_side_px=px, time_limit_s=TIME_LIMIT_S)


def _facts(clip: ClipFrames, picture: Path | None) -> ClipFacts:
    """What a clip is of which ``LOOKED_AT`` frames were read."""
    if picture is not None:
        _write_picture(clip.frames[LOOKED_AT // 2], picture, PICTURE_PX)
    facts = ClipFacts(clip.seconds, clip.total_frames, clip.width, clip.height)
    return replace(facts, warnings=(*clip.notes, *_warnings(facts, clip.frames)))


def _preview_times(clip: ClipFrames) -> tuple[list[float], float]:
    """When each frame of a preview is shown, and how long all are, in seconds: as in the clip, but for very long ones,
    which are played faster."""
    count = len(clip.indices)
    seconds = clip.seconds or clip.total_frames / _USUAL_FPS
    times_s = clip.times_s or [number * seconds / count for number in range(count)]
    shorter = min(1.0, count / _LEAST_FPS / seconds)
    return [time * shorter for time in times_s], seconds * shorter


def _warnings(facts: ClipFacts, frames: NDArray[np.uint8]) -> tuple[str, ...]:
    """What makes a readable clip a doubtful example, each with what to do about it."""
    found = []
    if facts.frames == 1:
        found.append("it has a single frame, which shows no movement: use a longer clip")
    elif facts.frames < _FEW_FRAMES:
        found.append(f"it has only {facts.frames} frames, which are repeated to fill a sample: use a longer clip")
    if min(facts.width, facts.height) < _SMALL_PX:
        found.append(f"its picture is tiny ({facts.width} x {facts.height} pixels): use a larger one")
    if facts.seconds is not None and facts.seconds > _LONG_S:
        found.append(
            f"it is {facts.seconds:.0f} s long, so the frames that are looked at lie far apart: "
            "cut out the part that shows the action"
        )
    if float(frames.std(axis=(0, 1, 2)).max()) < _FLAT:
        found.append("it shows one plain color, nothing else: look at it and delete it if it is empty")
    return tuple(found)


def _write_picture(frame: NDArray[np.uint8], out: Path, px: int) -> None:
    from PIL import Image

    picture = Image.fromarray(frame)
    picture.thumbnail((2 * px, px))
    with _whole(out, out.name) as fresh:
        picture.save(fresh, "JPEG", quality=80, optimize=True)


@contextmanager
def _whole(out: Path, name: str) -> Iterator[Path]:
    """A place to write to, which becomes ``out`` if nothing went wrong. Raises ClipError where the disk refuses."""
    try:
        with whole_file(out) as fresh:
            yield fresh
    except OSError as exc:
        reason = f"no picture of it can be written ({exc.strerror or exc})"
        raise ClipError(Path(name).name, reason, "free some disk space") from exc


log = logging.getLogger(__name__)

_KEPT_PREVIEWS = 200


def picture_of(studio: Studio, clip: ClipRow) -> Path | None:
    """The picture of a clip; None while there is none."""
    if clip.facts is None or not clip.facts.digest:
        return None
    picture = studio.home.thumbs / f"{clip.facts.digest}.jpg"
    return picture if picture.exists() else None


def preview_of(studio: Studio, clip: ClipRow) -> Path:
    """A copy of the clip that any browser plays, made if need be. Raises ClipError if the clip cannot be read."""
    digest = clip.facts.digest if clip.facts else ""
    if not digest:
        digest = content_digest(clip.path)
        with contextlib.suppress(StudioError):  # a preview needs no room in the database
            studio.store.clips.learn_content(clip.path, digest)
    preview = studio.home.previews / f"{digest}.mp4"
    if not preview.exists():
        studio.inspector.preview(clip.path, preview)
        drop_oldest(preview.parent)
    return preview


def drop_oldest(folder: Path) -> None:
    """Previews are made again in a moment; only the newest stay."""
    made = by_age(folder.glob("[!.]*.mp4"))  # those with a dot are still being written
    for _, old in made[:-_KEPT_PREVIEWS]:
        old.unlink(missing_ok=True)


def sweep_pictures(home: Home, store: Store, *, fresh_s: float = 3600.0) -> int:
    """Delete pictures and previews whose content no clip and no anchor has, nor an undo could bring back.

    Those that were put there in the last ``fresh_s`` seconds stay: an import brings pictures before its rows. Gives how
    many went.
    """
    made = [file for folder in (home.thumbs, home.previews) for file in folder.glob("*.*")]
    with acting_as(APP):  # whoever may have asked: what one person does not see is another's
        kept, before_s = store.clips.every_content() if made else set(), time.time() - fresh_s
    gone = 0
    for file in made:
        with contextlib.suppress(FileNotFoundError):
            if file.stem not in kept and file.stat().st_ctime < before_s:
                file.unlink()
                gone += 1
    return gone


class Pictures:
    """Makes the pictures that a page lacks in a thread of its own: opening a page never waits for a decoder."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._lock = threading.Lock()
        self._waiting: list[ClipRow] = []
        self._known: set[int] = set()
        self._faults: dict[int, str] = {}
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """Whether pictures are still being made."""
        with self._lock:
            return self._thread is not None

    def fault(self, clip_id: int) -> str:
        """Why a clip has no picture; empty if that is not known."""
        with self._lock:
            return self._faults.get(clip_id, "")

    def ask(self, clips: Iterable[ClipRow]) -> None:
        """Make the pictures of those ``clips`` that lack one, the latest asked for first."""
        lacking = [clip for clip in clips if picture_of(self._studio, clip) is None]
        with self._lock:
            fresh = [clip for clip in lacking if clip.id not in self._known]
            self._known.update(clip.id for clip in fresh)
            self._waiting = fresh + self._waiting
            if self._waiting and self._thread is None:
                self._thread = OwnThread(target=self._work, daemon=True, name="pictures")
                self._thread.start()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return
                clip = self._waiting.pop(0)
            try:
                digest = (clip.facts and clip.facts.digest) or content_digest(clip.path)
                facts = self._studio.inspector.inspect(clip.path, self._studio.home.thumbs / f"{digest}.jpg")
                self._studio.store.clips.learn(clip.id, replace(facts, digest=digest))
            except ClipError as exc:
                with self._lock:
                    self._faults[clip.id] = f"{exc.reason}; {exc.advice}"
            except StudioError as exc:
                log.warning("no picture of clip %d: %s", clip.id, exc)
            except Exception:
                log.exception("no picture of clip %d", clip.id)
