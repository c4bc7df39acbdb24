"""What a camera shows, recognized as it goes on: a page sends frame after frame, and the last ones are a clip.

What is kept of a camera are the features of its last frames, in memory, for as long as its page sends more. One answer
of a camera is under way at a time: a frame that comes meanwhile is dropped, never queued. An answer counts as a
recognition, and takes its turn among them. On ZeroGPU hardware the processor answers: a GPU is lent for one call at a
time, in a process that ends with it, and a camera would use up a visitor's quota in a minute or two.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ga2app.errors import BusyError, ClipError, StoreError, counted
from ga2app.types import Answer, RecognitionRequest

if TYPE_CHECKING:
    from ga2app.inference.live_clip import LiveClip
    from ga2app.services.studio import Studio

SPANS_S = (2.0, 4.0, 8.0)
"""How much of what the camera shows counts, in seconds: that long is a clip."""
IDLE_S = 30.0
"""A camera that has sent nothing for so long is forgotten."""
LEAST_PX, MOST_FRAME_BYTES = 16, 4 << 20
_LABELS_SHOWN = 12


@dataclass
class Camera:
    """One page's camera: what it asks, and the clip that goes on. ``person`` is whose it is, as the store says it."""

    request: RecognitionRequest
    titles: tuple[str, ...]
    backbone: str
    person: str | None
    clip: LiveClip | None = None
    times_s: deque[float] = field(default_factory=deque)
    used_s: float = field(default_factory=time.monotonic)
    busy: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True)
class LiveAnswer:
    """What each classifier, with its title, says of the last ``frames`` frames, which took ``span_s`` seconds.

    ``notes`` are on what weakens the answers.
    """

    answers: tuple[Answer, ...]
    titles: tuple[str, ...]
    backbone: str
    labels: tuple[str, ...]
    frames: int
    span_s: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class CameraBegun:
    """The name under which a page sends its frames, which nobody can guess, how far apart these should be, and how long
    their short side."""

    key: str
    every_ms: int
    side_px: int


class LiveService:
    """Answers for what the pages' cameras show."""

    def __init__(self, studio: Studio) -> None:
        self._studio, self._lock = studio, threading.Lock()
        self._cameras: dict[str, Camera] = {}

    def begin(self, request: RecognitionRequest, span_s: float = SPANS_S[1]) -> CameraBegun:
        """Follow a camera from now on; ``request`` names no files. Raises StudioError where it cannot be answered."""
        from ga2app.services.recognition_service import ZERO_SHOT

        studio = self._studio
        asked, cards = studio.recognition.resolved(replace(request, files=("the camera",), stretch=""))
        shown = len(asked.labels) if len(asked.labels) <= _LABELS_SHOWN else asked.top_k
        asked = replace(asked, files=(), top_k=shown)
        titles = (ZERO_SHOT, *map(studio.bundle_title, cards))
        camera = Camera(asked, titles, studio.backbone_title(asked.backbone or ""), studio.store.person())
        self.forget_idle()
        self._check_room()
        with studio.recognition.admission.admitted():
            camera.clip = studio.recognizer.live(asked)
        frames = camera.clip.recognizer.num_frames
        camera.times_s = deque(maxlen=frames)
        key = secrets.token_hex(16)
        with self._lock:
            self._check_room()  # others may have begun meanwhile
            self._cameras[key] = camera
        every_ms = round(1000 * min(SPANS_S[-1], max(SPANS_S[0], span_s)) / frames)  # in this order the least for NaN
        return CameraBegun(key, every_ms, camera.clip.recognizer.backbone.preprocessing.read_px)

    def see(self, key: str, width: int, height: int, pixels: bytes) -> LiveAnswer | None:
        """The answer for the last frames of the camera ``key``; the newest has ``pixels``, RGB row by row.

        None where its answer to an earlier frame is still under way: then this one is dropped. Raises StoreError for a
        camera that is not followed (any more), ClipError for what is no picture, BusyError, and other StudioErrors.
        """
        camera, picture = self._camera(key), picture_of(width, height, pixels)
        if not camera.busy.acquire(blocking=False):
            return None
        try:
            camera.used_s = time.monotonic()
            with self._studio.recognition.admission.admitted():
                clip = self._studio.recognizer.live(camera.request, camera.clip)
                if clip is not camera.clip:
                    camera.clip, camera.times_s = clip, deque(maxlen=clip.recognizer.num_frames)
                answers = clip.see(picture)
            camera.used_s = time.monotonic()
            camera.times_s.append(camera.used_s)
            span_s = camera.times_s[-1] - camera.times_s[0]
            told = camera.titles, camera.backbone, clip.names, len(camera.times_s), span_s, clip.notes
            return LiveAnswer(answers, *told)
        finally:
            camera.busy.release()

    def end(self, key: str) -> None:
        """Forget the camera, if it is followed."""
        try:
            self._camera(key)
        except StoreError:
            return
        with self._lock:
            self._cameras.pop(key, None)

    def forget_idle(self) -> None:
        """Forget the cameras whose pages have sent nothing for half a minute: closed, or asleep."""
        oldest_s = time.monotonic() - IDLE_S
        with self._lock:
            for key in [key for key, one in self._cameras.items() if one.used_s < oldest_s and not one.busy.locked()]:
                del self._cameras[key]

    def _camera(self, key: str) -> Camera:
        with self._lock:
            camera = self._cameras.get(key)
        if camera is None or camera.person != self._studio.store.person():
            raise StoreError("this camera is not followed any more: it was stopped, or sent nothing; press Start again")
        return camera

    def _check_room(self) -> None:
        count, most = len(self._cameras), self._studio.store.quotas.cameras
        if count >= most:
            raise BusyError(
                f"busy: {counted(count, 'camera')} {'is' if count == 1 else 'are'} being followed, the most at once",
                hint="try again when somebody has stopped, or record a clip on Recognize",
            )


def picture_of(width: int, height: int, pixels: bytes) -> NDArray[np.uint8]:
    """The picture (H, W, 3), uint8 RGB, in ``pixels``: nothing in it is decoded. Raises ClipError."""
    if not (LEAST_PX <= min(width, height) and 3 * width * height == len(pixels) <= MOST_FRAME_BYTES):
        reason = f"a picture of {width}x{height} pixels came in {len(pixels):,} bytes instead of 3 a pixel"
        raise ClipError("the camera", reason, "reload the page")
    return np.frombuffer(pixels, np.uint8).reshape(height, width, 3).copy()
