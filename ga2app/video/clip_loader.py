"""Many clips, several at once and some ahead of who uses them, in the order in which they were asked for."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from ga2app.environment import decoder_count
from ga2app.errors import ClipError
from ga2app.paths import file_digest
from ga2app.video import read_clip
from ga2app.video.decoder_pool import shared_pool
from ga2app.video.disk_frame_cache import DiskFrameCache
from ga2app.video.sampling import Evaluation, Sampling, Together, Training, Views
from ga2app.video.video_clip import ClipFrames

AHEAD_BYTES = 256 << 20
"""What may wait to be used, decoded and preprocessed: 50 clips of 8 frames of 224 px."""
MOST_AHEAD = 128
SPARE_THREADS = 2
"""Clips beyond those that are being decoded: preprocessed, or written to the disk, while no decoder waits for it."""
FRAMES_TOGETHER = 256
"""Frames of a clip that are read at once for later epochs: about 70 MB at a short side of 256 px."""

T = TypeVar("T")


class ClipLoader:
    """Reads clips with ``decoders`` processes of the shared pool, 0: as many as this machine suits.

    Frames that a run reads again and again go into ``cache``, if there is one.
    """

    def __init__(
        self, decoders: int = 0, cache: DiskFrameCache | None = None, *, ahead_bytes: int = AHEAD_BYTES
    ) -> None:
        self.decoders, self.cache, self._ahead_bytes = decoder_count(decoders), cache, ahead_bytes
        self._decoding = threading.BoundedSemaphore(self.decoders)
        shared_pool.grow(self.decoders + 1)

    def read(
        self,
        path: str | os.PathLike[str],
        sampling: Evaluation | Training | Views,
        *,
        short_side_px: int | None = None,
        later: Sequence[Training] = (),
    ) -> ClipFrames:
        """The frames of ``path`` that ``sampling`` chooses, as ``read_clip`` reads them; raises ClipError.

        With a cache, the frames that are wanted ``later`` are read and kept at the same time.
        """
        digest = ""
        if self.cache is not None:
            with contextlib.suppress(OSError, ValueError):  # the decoder will name a file that cannot be read
                digest = file_digest(path)
        if self.cache is None or not digest:
            with self._decoding:
                return read_clip(path, sampling, short_side_px=short_side_px)
        found = self.cache.find(digest, sampling, short_side_px)
        if found is None:
            wanted: Sampling = Together((sampling, *later), FRAMES_TOGETHER) if self.cache.writes else sampling
            with self._decoding:
                clip = shared_pool.read(path, wanted, short_side_px=short_side_px)
            if clip.indices == wanted.indices(clip.total_frames):  # else its picture changes its size
                self.cache.keep(digest, sampling, short_side_px, clip)
            found = clip.chosen(sampling)
        return found

    def ahead(
        self, jobs: Iterable[Callable[[], T]], most: int = MOST_AHEAD, *, spare: int = 0
    ) -> Generator[T | ClipError]:
        """What each of ``jobs`` gives, in their order, or the ClipError that it raised; other errors are raised.

        As many jobs run at once as there are decoders, and ``spare`` more where all of them decode by ``read``, which
        admits no more than there are decoders. Up to ``most`` results, and ``ahead_bytes`` of them, wait to be taken.
        """
        threads = self.decoders + spare
        pool = ThreadPoolExecutor(threads, thread_name_prefix="clips")
        waiting: deque[Future[T | ClipError]] = deque()
        largest = 0
        try:
            for job in jobs:
                waiting.append(pool.submit(_attempt, job))
                while len(waiting) > min(most, max(threads, self._ahead_bytes // largest if largest else 0)):
                    result = waiting.popleft().result()
                    largest = max(largest, _bytes_of(result), 1)
                    yield result
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def raised(result: T | ClipError) -> T:
    """``result``, raised if it is an error."""
    if isinstance(result, ClipError):
        raise result
    return result


def _attempt(job: Callable[[], T]) -> T | ClipError:
    try:
        return job()
    except ClipError as exc:
        return exc


def _bytes_of(result: Any) -> int:
    """Bytes of the tensors, arrays and frames in ``result``."""
    if isinstance(result, tuple | list):
        return sum(map(_bytes_of, result))
    return int(getattr(getattr(result, "frames", result), "nbytes", 0))
