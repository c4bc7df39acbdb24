"""Several decoder processes: what one clip costs, a crash, a hang or all memory, costs the others nothing."""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ga2app.environment import decoder_count
from ga2app.errors import ClipError
from ga2app.stretches import split_address
from ga2app.video.decoder_process import TIME_LIMIT_S, ClipReader
from ga2app.video.sampling import Marked, Sampling, Several, Within
from ga2app.video.video_clip import ClipFrames

_pools: weakref.WeakSet[DecoderPool] = weakref.WeakSet()


class DecoderPool:
    """Reads clips in up to ``most`` child processes, one for each thread that reads at the same time.

    A child is started when all others are busy. One that was used last is used next, so that a single thread needs
    but one. Unless told otherwise there is one child more than ``decoder_count`` says: those who read many clips take
    that many, and a single clip, for which somebody waits, still finds one that is free. ``opened`` counts the clips
    that were read.
    """

    def __init__(self, most: int | None = None, time_limit_s: float = TIME_LIMIT_S) -> None:
        self._most, self._time_limit_s = most, time_limit_s
        self._change = threading.Condition()
        self._readers: list[ClipReader] = []
        self._idle: list[ClipReader] = []
        self.opened = 0
        _pools.add(self)

    @property
    def most(self) -> int:
        """Child processes, at most."""
        if self._most is None:
            self._most = decoder_count() + 1
        return self._most

    @property
    def pids(self) -> list[int]:
        """Process ids of the children that live now, the one that is used next at the end."""
        with self._change:
            busy = [reader for reader in self._readers if reader not in self._idle]
            return [pid for reader in [*busy, *self._idle] if (pid := reader.pid) is not None]

    def grow(self, most: int) -> None:
        """Allow at least ``most`` children."""
        with self._change:
            self._most = max(self.most, most)
            self._change.notify_all()

    def read(
        self,
        path: str | os.PathLike[str],
        sampling: Sampling,
        *,
        short_side_px: int | None = None,
        time_limit_s: float | None = None,
    ) -> ClipFrames:
        """The frames of ``path`` that ``sampling`` chooses; see ``ga2app.video.read_clip``."""
        with self._free_reader() as reader:
            return reader.read(path, sampling, short_side_px=short_side_px, time_limit_s=time_limit_s)

    def read_several(
        self, addresses: Sequence[str], samplings: Sequence[Sampling], *, short_side_px: int, time_limit_s: float
    ) -> list[ClipFrames | ClipError]:
        """What each of ``samplings`` chooses of the stretch at its address, all of one file, which is opened once.

        A stretch that is none is an error in its place. Raises ClipError where the file cannot be read, or no stretch.
        """
        places = [split_address(address) for address in addresses]
        file = places[0][0]
        if any(other != file or not stretch for other, stretch in places):
            raise ValueError("only stretches of one file are read at once")
        parts = tuple(Within(one, stretch) for one, (_, stretch) in zip(samplings, places, strict=True) if stretch)
        return self._parts(file, Several(parts), short_side_px, time_limit_s)

    def read_marked(
        self, path: str, wanted: Marked, *, short_side_px: int, time_limit_s: float
    ) -> tuple[ClipFrames, list[ClipFrames | ClipError]]:
        """The file at ``path``, which is opened once: the times that are wanted of it, without pixels, and what is of
        its stretches. Raises ClipError.
        """
        found = self._parts(path, wanted, short_side_px, time_limit_s)
        if not found or isinstance(found[0], ClipError):
            raise ClipError(os.path.basename(path), "the decoder gave no clip", "read it again")
        return found[0], found[1:]

    def _parts(
        self, file: str, wanted: Several | Marked, short_side_px: int, time_limit_s: float
    ) -> list[ClipFrames | ClipError]:
        with self._free_reader() as reader:
            clip = reader.read(file, wanted, short_side_px=short_side_px, time_limit_s=time_limit_s)
        try:
            return clip.split()
        except (LookupError, TypeError, ValueError) as exc:
            raise ClipError(os.path.basename(file), f"the decoder gave no clips ({exc})", "read it again") from exc

    def unconfined(self) -> str:
        """Why a child is not kept from network, writing and other programs; empty where it is. Raises ClipError."""
        with self._free_reader() as reader:
            return reader.unconfined()

    def close(self) -> None:
        """End the children; the next read starts another."""
        for reader in list(self._readers):
            reader.close()

    @contextmanager
    def _free_reader(self) -> Iterator[ClipReader]:
        with self._change:
            while not self._idle and len(self._readers) >= self.most:
                self._change.wait()
            if not self._idle:
                self._readers.append(ClipReader(self._time_limit_s))
                self._idle.append(self._readers[-1])
            reader = self._idle.pop()
            self.opened += 1
        try:
            yield reader
        finally:
            with self._change:
                self._idle.append(reader)
                self._change.notify()

    def _forget(self) -> None:
        """In a forked process: threads that were reading are not in it, nor whoever held the lock."""
        self._change = threading.Condition()
        self._idle = list(self._readers)


shared_pool = DecoderPool()
"""The pool of this process: training, evaluation, import and recognition read their clips here."""
atexit.register(shared_pool.close)


def _forget_all() -> None:
    for pool in list(_pools):
        pool._forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
