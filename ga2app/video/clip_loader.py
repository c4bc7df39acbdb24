"""Many clips, several at once and some ahead of who uses them, in the order in which they were asked for."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import Any, TypeVar

from ga2app.environment import decoder_count
from ga2app.errors import ClipError
from ga2app.paths import file_digest
from ga2app.stretches import Stretch, split_address
from ga2app.video import read_clip
from ga2app.video.decoder_pool import shared_pool
from ga2app.video.decoder_process import TIME_LIMIT_S
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

HELD_BYTES = 512 << 20
"""What stretches of one file that were read at once may take until each is asked for; then they are read singly."""
_BATCH_BYTES = 128 << 20
_MOST_FPS, _WIDEST = 60.0, 2.0  # of a stretch whose frames are not counted yet, for the room that it will take
_MORE_S = 1.0  # for each stretch of a file that is read for several

T = TypeVar("T")
R = TypeVar("R")


class _Batch:
    """Stretches of one file that are read by opening it once, and what came of those that were not asked for yet."""

    def __init__(self, wanted: Mapping[str, Sampling]) -> None:
        self.wanted = dict(wanted)
        self.lock = threading.Lock()
        self.read = False
        self.held: dict[str, ClipFrames | ClipError] = {}


class ClipLoader:
    """Reads clips with ``decoders`` processes of the shared pool, 0: as many as this machine suits.

    Frames that a run reads again and again go into ``cache``, if there is one.
    """

    def __init__(
        self, decoders: int = 0, cache: DiskFrameCache | None = None, *, ahead_bytes: int = AHEAD_BYTES
    ) -> None:
        self.decoders, self.cache, self._ahead_bytes = decoder_count(decoders), cache, ahead_bytes
        self._decoding = threading.BoundedSemaphore(self.decoders)
        self._batches: dict[tuple[str, int | None], _Batch] = {}
        self._change, self._held_bytes = threading.Lock(), 0
        shared_pool.grow(self.decoders + 1)

    @property
    def keeps(self) -> bool:
        """Whether frames of later epochs are read and kept with those of this one."""
        return self.cache is not None and self.cache.writes

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
            if (clip := self._expected(path, sampling, short_side_px)) is not None:
                return clip
            with self._decoding:
                return read_clip(path, sampling, short_side_px=short_side_px)
        found = self.cache.find(digest, sampling, short_side_px)
        if found is None:
            wanted: Sampling = Together((sampling, *later), FRAMES_TOGETHER) if self.keeps else sampling
            expected = self._expected(path, wanted, short_side_px)
            if expected is None:
                with self._decoding:
                    expected = shared_pool.read(path, wanted, short_side_px=short_side_px)
            clip = expected
            if clip.indices == wanted.indices(clip.total_frames):  # else its picture changes its size
                self.cache.keep(digest, sampling, short_side_px, clip)
            found = clip.chosen(sampling)
        return found

    def expect(self, wanted: Mapping[str, Sampling], short_side_px: int | None) -> None:
        """Say which stretches ``read`` will be asked for next, each once, and what of them.

        Those of one file are then read together, as many as fit into memory: a long file is opened and searched once
        for dozens of stretches, and what is decoded for one is not decoded again for the next.
        """
        files: dict[str, list[tuple[Stretch, str]]] = {}
        for address in wanted:
            file, stretch = split_address(address)
            if stretch:
                files.setdefault(file, []).append((stretch, address))
        batches = [one for some in files.values() for one in _in_batches(sorted(some), wanted, short_side_px)]
        with self._change:
            self._batches = {(address, short_side_px): batch for batch in batches for address in batch.wanted}
            self._held_bytes = 0  # what nobody asked for goes with the batches that it was read with

    def _expected(
        self, path: str | os.PathLike[str], sampling: Sampling, short_side_px: int | None
    ) -> ClipFrames | None:
        """What was read of a stretch together with others, which is done now if need be; None for other clips."""
        address = os.fspath(path)
        batch = self._batches.get((address, short_side_px))
        if batch is None or batch.wanted.get(address) != sampling:
            return None
        with batch.lock:
            if not batch.read:
                batch.read = True
                self._read_batch(batch, short_side_px)
            found = batch.held.pop(address, None)
        if found is not None:
            self._hold(-_bytes_of(found))
        return None if found is None else raised(found)

    def _read_batch(self, batch: _Batch, short_side_px: int | None) -> None:
        """Read what a batch is to hold; nothing where there is no room for it, or where its file tells why not."""
        if short_side_px is None or self._held_bytes > HELD_BYTES:
            return
        limit_s = TIME_LIMIT_S + _MORE_S * len(batch.wanted)
        asked = list(batch.wanted), list(batch.wanted.values())
        with contextlib.suppress(ClipError), self._decoding:  # each is then read by itself, and says what is wrong
            found = shared_pool.read_several(*asked, short_side_px=short_side_px, time_limit_s=limit_s)
            # Copies, since all are views of one array, which would stay as long as the last of them.
            batch.held = {
                address: one if isinstance(one, ClipError) else replace(one, frames=one.frames.copy())
                for address, one in zip(batch.wanted, found, strict=True)
            }
            self._hold(sum(map(_bytes_of, batch.held.values())))

    def _hold(self, more: int) -> None:
        with self._change:
            self._held_bytes += more

    def ahead(self, jobs: Iterable[Callable[[], T]], most: int = MOST_AHEAD, *, spare: int = 0) -> Ahead[T | ClipError]:
        """What each of ``jobs`` gives, in their order, or the ClipError that it raised; other errors are raised.

        As many jobs run at once as there are decoders, and ``spare`` more where all of them decode by ``read``, which
        admits no more than there are decoders. Up to ``most`` results, and ``ahead_bytes`` of them, wait to be taken.
        """
        threads = self.decoders + spare
        pool = ThreadPoolExecutor(threads, thread_name_prefix="clips")

        waiting: deque[Future[T | ClipError]] = deque()

        def results() -> Generator[T | ClipError]:
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
                pool.shutdown(wait=False, cancel_futures=True)

        return Ahead(results(), waiting)


class Ahead(Iterator[R]):
    """Results of threads that are at work meanwhile; ``close`` ends these, and waits for what they have begun.

    Forgotten, they end without being waited for: garbage is collected anywhere, also in a thread that is just starting
    and holds the lock which the end of any other thread needs (Python 3.11).
    """

    def __init__(self, results: Generator[R], waiting: Iterable[Future[R]]) -> None:
        self._results, self._waiting = results, waiting

    def __next__(self) -> R:
        """The next result."""
        return next(self._results)

    def close(self) -> None:
        """End, and wait for the jobs; not for the threads, for the same reason."""
        self._results.close()
        wait([one for one in self._waiting if not one.cancelled()])


def _in_batches(
    stretches: Sequence[tuple[Stretch, str]], wanted: Mapping[str, Sampling], short_side_px: int | None
) -> Generator[_Batch]:
    """Stretches of one file, in the order of their starts, as many at once as take ``_BATCH_BYTES``."""
    batch: dict[str, Sampling] = {}
    size, image = 0.0, _WIDEST * 3 * (short_side_px or 1080) ** 2
    for stretch, address in stretches:
        frames = min(len(wanted[address].indices(10**6)), (stretch.end_s - stretch.start_s) * _MOST_FPS + 1)
        if batch and size + frames * image > _BATCH_BYTES:
            yield _Batch(batch)
            batch, size = {}, 0.0
        batch[address] = wanted[address]
        size += frames * image
    if len(batch) > 1:
        yield _Batch(batch)


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
