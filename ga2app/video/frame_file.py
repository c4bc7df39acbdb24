"""A file of decoded frames: a header that says what they are, then each frame's bytes; checked as it is read."""

from __future__ import annotations

import contextlib
import json
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ga2app.video.sampling import Sampling
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
