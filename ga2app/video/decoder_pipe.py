"""The pipes to a decoder's process: how it is started, what goes in, and what may come out."""

from __future__ import annotations

import contextlib
import math
import os
import subprocess
import sys
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ga2app.paths import PROJECT
from ga2app.untrusted import stored_json
from ga2app.video.decoder_worker import LENGTH

MEMORY_BYTES = 3 * 2**30
"""What a decoder may take, where the system can hold it to that: enough for pictures of 8192 x 4320."""
_PASSED_ON = ("PATH", "HOME", "LANG", "TZ", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "VIRTUAL_ENV")
_PASSED_ON_KINDS = ("LC_", "LD_", "DYLD_", "PYTHON", "OMP_")
_PIPE_BYTES = 2**20
# A child that a hostile file has taken over must not fill the parent's memory.
_MAX_ANSWER_BYTES, _MAX_FRAMES_BYTES = 2**26, 2**31
_F_SETPIPE_SZ = 1031  # fcntl.F_SETPIPE_SZ, which only Linux has


class ChildDied(Exception):
    """The child's pipe ended before its answer did."""


def start_child() -> subprocess.Popen[bytes]:
    search = [str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])]
    # No tokens and keys: they are nothing to a process that reads other people's files.
    passed_on = {k: v for k, v in os.environ.items() if k in _PASSED_ON or k.startswith(_PASSED_ON_KINDS)}
    process = subprocess.Popen(
        # -P: a module of the same name in the working folder must not be taken for a library.
        [sys.executable, "-P", "-m", "ga2app.video.decoder_worker", str(os.getpid()), str(MEMORY_BYTES)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # FFmpeg tells a terminal about every fault that it repairs
        bufsize=0,
        env=passed_on | {"PYTHONPATH": os.pathsep.join(search), "OPENBLAS_NUM_THREADS": "1"},
    )
    if sys.platform == "linux":
        import fcntl

        with contextlib.suppress(OSError):
            fcntl.fcntl(_pipe(process.stdout).fileno(), _F_SETPIPE_SZ, _PIPE_BYTES)
    return process


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream


def close_pipes(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):
            _pipe(stream).close()


def send(process: subprocess.Popen[bytes], data: bytes) -> None:
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[_pipe(process.stdin).write(rest) :]
    except OSError as exc:
        raise ChildDied from exc


def _fill(process: subprocess.Popen[bytes], target: memoryview) -> None:
    """Read exactly as many bytes as ``target`` takes."""
    stdout: Any = _pipe(process.stdout)
    while target:
        if not (count := stdout.readinto(target)):
            raise ChildDied
        target = target[count:]


def receive_document(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    size = bytearray(LENGTH.size)
    _fill(process, memoryview(size))
    (length,) = LENGTH.unpack(size)
    text = bytearray(min(length, _MAX_ANSWER_BYTES))
    _fill(process, memoryview(text))
    try:
        return dict(stored_json(bytes(text)))
    except (ValueError, TypeError) as exc:
        raise ChildDied from exc


def receive_frames(process: subprocess.Popen[bytes], shape: Any) -> NDArray[np.uint8]:
    if not all(type(size) is int and size >= 0 for size in shape) or math.prod(shape) > _MAX_FRAMES_BYTES:
        raise ChildDied
    frames = np.empty(shape, np.uint8)
    if frames.size:
        _fill(process, frames.reshape(-1).data)
    return frames
