"""Frames of small clips kept in memory, for those who look at the same clip again and again."""

from __future__ import annotations

import os
import threading
import weakref
from collections import OrderedDict

from ga2app.errors import ClipError
from ga2app.stretches import file_of
from ga2app.video.decoder_pool import DecoderPool
from ga2app.video.decoder_process import ClipReader
from ga2app.video.sampling import Every, Sampling
from ga2app.video.video_clip import ClipFrames

CLIP_BYTES = 4 << 20
TOTAL_BYTES = 512 << 20

Key = tuple[str, int, int, int | None]

_caches: weakref.WeakSet[CachingReader] = weakref.WeakSet()


class CachingReader:
    """A ``ClipReader``, or a pool of them, that reads a clip whole when asked for a second time, and then from memory.

    Only clips whose frames take at most ``clip_bytes`` are kept, at most ``total_bytes`` of them, the longest unused
    leaving first. A file that has changed (size or time of change) is read anew. Threads may share it.
    """

    def __init__(
        self, reader: ClipReader | DecoderPool, clip_bytes: int = CLIP_BYTES, total_bytes: int = TOTAL_BYTES
    ) -> None:
        self._reader, self._clip_bytes, self._total_bytes = reader, clip_bytes, total_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, ClipFrames | None] = OrderedDict()  # None: seen once, small enough
        self._bytes = 0
        _caches.add(self)

    @property
    def kept_bytes(self) -> int:
        """Bytes of the frames that are held now."""
        return self._bytes

    def read(
        self,
        path: str | os.PathLike[str],
        sampling: Sampling,
        *,
        short_side_px: int | None = None,
        time_limit_s: float | None = None,
    ) -> ClipFrames:
        """The frames of ``path`` that ``sampling`` chooses; see ``ga2app.video.read_clip``."""
        key = _key(path, short_side_px)
        with self._lock:
            seen = key in self._kept
            whole = self._kept.get(key) if key else None
            if whole is not None and key is not None:
                self._kept.move_to_end(key)
        if whole is not None:
            return whole.chosen(sampling)
        wanted = Every(self._clip_bytes) if seen else sampling
        clip = self._reader.read(path, wanted, short_side_px=short_side_px, time_limit_s=time_limit_s)
        if key is not None:
            self._keep(key, clip, whole=seen)
        return clip.chosen(sampling) if seen else clip

    def unlock(self) -> None:
        """A forked process has a lock of its own: whoever held this one is not in it."""
        self._lock = threading.Lock()

    def _keep(self, key: Key, clip: ClipFrames, *, whole: bool) -> None:
        """Hold a ``whole`` clip; of another one remember that it is small enough to be read whole next time."""
        size = clip.frames[0].nbytes * clip.total_frames
        with self._lock:
            if size > min(self._clip_bytes, self._total_bytes) or (whole and self._kept.get(key)):
                return
            self._kept[key] = clip if whole else self._kept.get(key)
            self._bytes += clip.frames.nbytes if whole else 0
            while self._bytes > self._total_bytes:
                _, dropped = self._kept.popitem(last=False)
                self._bytes -= dropped.frames.nbytes if dropped else 0


def _key(path: str | os.PathLike[str], short_side_px: int | None) -> Key | None:
    """What tells a file's present content and size from another; None where the file cannot be looked at."""
    try:
        status = os.stat(file_of(path))
    except (OSError, ValueError, ClipError):  # the decoder will name what is wrong
        return None
    return os.path.abspath(os.fsdecode(path)), status.st_mtime_ns, status.st_size, short_side_px


def _after_fork() -> None:
    for cache in list(_caches):
        cache.unlock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
