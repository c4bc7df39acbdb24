"""Decoded frames kept on disk, so that a run opens each video once and not once an epoch.

A file holds the frames of one content at one size, by their numbers, as uint8; its name is made of the content's
digest, the length of the short side, the number of frames that a look takes (which decides how a clip is read) and
the versions of the decoders. Random frames differ from epoch to epoch, but what all epochs will draw is known before
the first: so that is what is kept, and all of a clip where that is half of it or more. To keep every frame of every
clip would cost several times the disk, and make the first epoch slower. What other runs want is added to the file.

Files appear whole, by renaming, and are checked as they are read, so that a kill, a full disk or another process harms
nothing. The least recently used leave first, but none that this process has used: a run that needs more than fits
reads what fits in every epoch, where a plain queue would lose each file just before it is wanted.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import shutil
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ga2app.errors import StoreError
from ga2app.paths import whole_file
from ga2app.video.sampling import Sampling, policy_of
from ga2app.video.video_clip import ClipFrames

_MAGIC = b"GA2FRAM1"
_PREAMBLE = struct.Struct("<8sII")  # magic, length of the header, its CRC


def write_frame_file(file: Path, clip: ClipFrames) -> None:
    """Write ``clip`` to ``file``, which is not there yet; raises OSError, and half a file may be left then."""
    header = clip.header() | {"sums": [zlib.crc32(frame) for frame in clip.frames]}
    text = json.dumps(header).encode()
    with open(file, "xb", buffering=0) as stream:
        for part in (_PREAMBLE.pack(_MAGIC, len(text), zlib.crc32(text)) + text, clip.frames.reshape(-1).data):
            rest = memoryview(part)
            while rest:
                rest = rest[stream.write(rest) :]


@dataclass(frozen=True)
class FrameFile:
    """An open file of frames: ``clip`` is all but their pixels, ``sums`` their CRCs, ``start`` where they begin."""

    stream: int
    clip: ClipFrames
    sums: list[int]
    start: int

    @classmethod
    @contextlib.contextmanager
    def open(cls, path: Path) -> Iterator[FrameFile]:
        """The file at ``path``; raises OSError, and ValueError where it is damaged."""
        stream = os.open(path, os.O_RDONLY)
        try:
            magic, length, crc = _PREAMBLE.unpack(os.pread(stream, _PREAMBLE.size, 0).ljust(_PREAMBLE.size))
            text = os.pread(stream, length, _PREAMBLE.size) if magic == _MAGIC else b""
            if not text or zlib.crc32(text) != crc:
                raise ValueError("a header is not what was written")
            told: dict[str, Any] = json.loads(text)
            start = _PREAMBLE.size + length
            if os.fstat(stream).st_size != start + int(np.prod(told["shape"])):
                raise ValueError("a file is not as long as it was written")
            clip = ClipFrames.from_header(told, np.broadcast_to(np.uint8(0), told["shape"]))
            yield cls(stream, clip, told["sums"], start)
        finally:
            os.close(stream)

    def read(self, sampling: Sampling | None = None) -> ClipFrames | None:
        """The frames that ``sampling`` chooses, or all; None where one is lacking. Raises OSError, ValueError."""
        clip = self.clip
        wanted = clip.indices if sampling is None else sampling.indices(clip.total_frames)
        places = {number: row for row, number in enumerate(clip.indices)}
        if not places.keys() >= set(wanted):
            return None
        rows = [places[number] for number in wanted]
        frames: NDArray[np.uint8] = np.empty((len(rows), *clip.frames.shape[1:]), np.uint8)
        size = frames[0].nbytes
        for frame, row in zip(frames, rows, strict=True):
            if (
                os.preadv(self.stream, [frame.data], self.start + row * size) != size
                or zlib.crc32(frame) != self.sums[row]
            ):
                raise ValueError("a frame is not what was written")
        times_s = tuple(clip.times_s[row] for row in rows) if clip.times_s else ()
        return replace(clip, frames=frames, indices=wanted, times_s=times_s)


def merged(first: ClipFrames, second: ClipFrames | None = None) -> ClipFrames:
    """The frames of both, which are of one clip, in ascending order, each once."""
    if second is None and all(after > before for before, after in zip(first.indices, first.indices[1:], strict=False)):
        return first
    found: dict[int, tuple[NDArray[np.uint8], float]] = {}
    for clip in filter(None, (second, first)):
        times_s = clip.times_s or (0.0,) * len(clip.indices)
        found.update(zip(clip.indices, zip(clip.frames, times_s, strict=True), strict=True))
    numbers = tuple(sorted(found))
    times_s = tuple(found[number][1] for number in numbers) if first.times_s else ()
    return replace(first, frames=np.stack([found[number][0] for number in numbers]), indices=numbers, times_s=times_s)


logger = logging.getLogger(__name__)

SPARE_BYTES = 10**9
"""What the cache leaves free on its disk."""
CLIP_BYTES = 256 * 10**6
"""The largest file: frames that would make it larger take the place of those that are there."""

_HALF_LIVES_S = 3600.0
_DECODERS = ("av", "decord2", "decord", "pillow", "numpy")
_OURS = 1  # raise it when reading a clip gives other pixels than before


class DiskFrameCache:
    """Frames of clips in ``folder``, which may take ``most_bytes``. Threads and processes may share it.

    A folder that cannot be written, or is full, costs a sentence in ``faults`` and in the log, once; clips are then
    decoded as if there were no cache.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self.folder, self.most_bytes = folder, most_bytes
        self.faults: list[str] = []
        self._lock = threading.Lock()
        self._bytes, self._since_counted = -1, 0  # -1: not counted yet
        self._used: set[str] = set()
        self._writes = True

    @property
    def writes(self) -> bool:
        """Whether frames are still kept: False from the first fault on."""
        return self._writes

    def find(self, digest: str, sampling: Sampling, short_side_px: int | None) -> ClipFrames | None:
        """The frames of the clip with the content ``digest`` that ``sampling`` chooses; None where one is lacking."""
        file = self._file(digest, sampling, short_side_px)
        try:
            with FrameFile.open(file) as stored:
                found = stored.read(sampling)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as exc:
            self._say("cannot be read", f"({exc.strerror or exc}); its clips are decoded as if there were none")
            return None
        except ValueError as exc:
            self._say("holds damaged files", f"({exc}); their clips are decoded anew")
            with contextlib.suppress(OSError):
                file.unlink()
            return None
        if found is not None and file.name not in self._used:
            self._used.add(file.name)
            with contextlib.suppress(OSError):  # a folder that may only be read
                os.utime(file)
        return found

    def keep(self, digest: str, sampling: Sampling, short_side_px: int | None, clip: ClipFrames) -> None:
        """Add the frames of ``clip`` to those that are there of the content ``digest``."""
        if not self._writes:
            return
        file = self._file(digest, sampling, short_side_px)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            clip = merged(clip, self._earlier(file, clip))
            if self._make_room(clip.frames.nbytes):
                with whole_file(file) as fresh:
                    write_frame_file(fresh, clip)
                self._used.add(file.name)
        except OSError as exc:
            self._stop_writing(
                "cannot be written", f"({exc.strerror or exc}); make it writable, or free some disk space"
            )

    def size_bytes(self) -> int:
        """Bytes that all files take now."""
        return sum(state.st_size for _, state in self._files())

    def clear(self) -> int:
        """Remove all frames and return how many bytes that freed. Raises StoreError."""
        freed = self.size_bytes()
        try:
            if self.folder.is_dir():
                shutil.rmtree(self.folder)
        except OSError as exc:
            raise StoreError(
                f"the frame cache '{self.folder}' cannot be removed ({exc.strerror or exc}); delete that folder by hand"
            ) from exc
        return freed

    def _file(self, digest: str, sampling: Sampling, short_side_px: int | None) -> Path:
        name = f"{digest[:32]}-{short_side_px or 'full'}-{policy_of(sampling)}-{_decoder_versions()}.frames"
        return self.folder / digest[:2] / name

    def _earlier(self, file: Path, clip: ClipFrames) -> ClipFrames | None:
        """What ``file`` holds, where it fits beside ``clip``."""
        with contextlib.suppress(OSError, ValueError), FrameFile.open(file) as stored:
            same = stored.clip.frames.shape[1:] == clip.frames.shape[1:]
            if same and stored.clip.frames.size + clip.frames.size <= CLIP_BYTES:
                return stored.read()
        return None

    def _make_room(self, size: int) -> bool:
        """Whether ``size`` more bytes may be written, after the least recently used files have gone if need be.

        The folder is counted anew now and then, since other processes write to it, too.
        """
        with self._lock:
            room = min(self.most_bytes, shutil.disk_usage(self.folder).free - SPARE_BYTES + max(0, self._bytes))
            if self._bytes < 0 or self._bytes + size > room or self._since_counted > self.most_bytes // 16:
                self._bytes, self._since_counted = self._without_oldest(room - size), 0
            fits = self._bytes + size <= room
            if fits:
                self._bytes += size
                self._since_counted += size
        if not fits:
            self._stop_writing(
                "is full",
                f"(it may take {max(0, room) / 1e9:.3g} GB), so that clips that do not fit are decoded in every epoch; "
                "set clips.cache_bytes higher, or free some disk space",
            )
        return fits

    def _without_oldest(self, most_bytes: int) -> int:
        """Remove files that this process has not used, the oldest first, until ``most_bytes`` are left or none such;
        gives the bytes that are left. Halves that a killed process has left behind go, too."""
        found = sorted(self._files(), key=lambda one: one[1].st_mtime)
        total = sum(state.st_size for _, state in found)
        for path, state in found:
            half = path.name.startswith(".")
            abandoned = half and time.time() - state.st_mtime > _HALF_LIVES_S
            if abandoned or (not half and total > most_bytes and path.name not in self._used):
                with contextlib.suppress(FileNotFoundError):
                    path.unlink()
                total -= state.st_size
        return total

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        """Every file of the cache, whole or half, with its size and times."""
        for inner in self.folder.glob("??"):
            with contextlib.suppress(OSError), os.scandir(inner) as entries:
                for entry in entries:
                    with contextlib.suppress(FileNotFoundError):
                        yield Path(entry.path), entry.stat()

    def _stop_writing(self, fault: str, rest: str) -> None:
        self._writes = False
        self._say(fault, rest)

    def _say(self, fault: str, rest: str) -> None:
        """Tell a ``fault`` of the folder, once."""
        begin = f"the frame cache '{self.folder}' {fault}"
        with self._lock:
            if any(said.startswith(begin) for said in self.faults):
                return
            self.faults.append(f"{begin} {rest}")
        logger.warning("%s %s", begin, rest)


@cache
def _decoder_versions() -> str:
    """A mark of everything that has a say in what a frame's pixels are."""
    found = [str(_OURS)]
    for package in _DECODERS:
        with contextlib.suppress(PackageNotFoundError):
            found.append(f"{package} {version(package)}")
    return hashlib.sha256("\n".join(found).encode()).hexdigest()[:10]
