"""Clips read by a child process: a crash or a hang of the decoder costs one clip, never the caller."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import pickle
import signal
import subprocess
import sys
import threading
import weakref
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
from numpy.typing import NDArray

from ga2app.errors import ClipError, ClipTimeout
from ga2app.paths import PROJECT
from ga2app.stretches import split_address
from ga2app.untrusted import stored_json
from ga2app.video.decoder_worker import LENGTH
from ga2app.video.sampling import Sampling, Several, Wanted, Within
from ga2app.video.video_clip import ClipFrames

logger = logging.getLogger(__name__)

TIME_LIMIT_S = 60.0
_START_LIMIT_S = 120.0
MEMORY_BYTES = 3 * 2**30
"""What a decoder may take, where the system can hold it to that: enough for pictures of 8192 x 4320."""
_PASSED_ON = ("PATH", "HOME", "LANG", "TZ", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "VIRTUAL_ENV")
_PASSED_ON_KINDS = ("LC_", "LD_", "DYLD_", "PYTHON", "OMP_")
_PIPE_BYTES = 2**20
# A child that a hostile file has taken over must not fill the parent's memory.
_MAX_ANSWER_BYTES, _MAX_FRAMES_BYTES = 2**26, 2**31
_F_SETPIPE_SZ = 1031  # fcntl.F_SETPIPE_SZ, which only Linux has
_RE_ENCODE = "re-encode it, for example with: ffmpeg -i INPUT -c:v libx264 -pix_fmt yuv420p OUTPUT.mp4"

_readers: weakref.WeakSet[ClipReader] = weakref.WeakSet()


class _Died(Exception):
    """The child's pipe ended before its answer did."""


class _NoFault(Exception):
    """The child died before it took up the request, or was killed from outside; the text says how and when."""


class ClipReader:
    """Reads clips in one child process, which is started when first needed and replaced when it dies.

    Threads may share a reader; they take turns. A forked process gets a child of its own.
    """

    def __init__(self, time_limit_s: float = TIME_LIMIT_S) -> None:
        self._time_limit_s = time_limit_s
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._unconfined = ""
        _readers.add(self)

    @property
    def pid(self) -> int | None:
        """Process id of the child; None while there is none."""
        process = self._process
        return None if process is None else process.pid

    def read(
        self,
        path: str | os.PathLike[str],
        sampling: Sampling | Several,
        *,
        short_side_px: int | None = None,
        time_limit_s: float | None = None,
    ) -> ClipFrames:
        """The frames of ``path`` that ``sampling`` chooses; see ``ga2app.video.read_clip``."""
        limit_s = self._time_limit_s if time_limit_s is None else time_limit_s
        # Absolute, since the child keeps the folder it was started in; and so no part of it reads as an address.
        file, stretch = split_address(path)
        absolute = os.path.abspath(file)
        name = os.fsencode(os.path.basename(absolute)).decode("utf-8", "replace")
        wanted = Within(sampling, stretch) if stretch and not isinstance(sampling, Several) else sampling
        with self._lock:
            return self._read(name, (absolute, wanted, short_side_px, limit_s))

    def unconfined(self) -> str:
        """Why the child is not kept from network, writing and other programs; empty where it is. Raises ClipError."""
        with self._lock:
            self._living("")
            return self._unconfined

    def close(self) -> None:
        """End the child; the next read starts another."""
        with self._lock:
            self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _read(self, name: str, request: tuple[str, Wanted, int | None, float]) -> ClipFrames:
        try:
            return self._ask(name, request)
        except _NoFault as exc:
            logger.info("the decoder process %s and is replaced", exc)
        try:
            return self._ask(name, request)
        except _NoFault as exc:
            raise ClipError(name, f"the decoder {exc} twice", "free some memory, or lower GA2_DECODERS") from exc

    def _ask(self, name: str, request: tuple[str, Wanted, int | None, float]) -> ClipFrames:
        process = self._living(name)
        limit_s = request[-1]
        time_is_up = threading.Event()

        def stop() -> None:
            time_is_up.set()
            process.kill()

        timer = threading.Timer(limit_s, stop)
        timer.daemon = True
        timer.start()
        begun = False
        try:
            document = pickle.dumps(request)
            _write(process, LENGTH.pack(len(document)) + document)
            begun = "begun" in _document(process)
            answer = _document(process)
            frames = _frames(process, answer["shape"]) if "shape" in answer else None
        except _Died as exc:
            fate = _fate(status := self._end())
            if time_is_up.is_set():
                reason = f"reading it took longer than {limit_s:g} s"
                raise ClipTimeout(name, reason, "cut out the part that shows the action, or re-encode it") from exc
            if not begun:
                raise _NoFault(f"{fate} before reading") from exc
            if status == -getattr(signal, "SIGKILL", 9):
                raise _NoFault(f"{fate} while reading") from exc
            raise ClipError(name, f"the decoder {fate} while reading it", _RE_ENCODE) from exc
        except BaseException:  # an interrupt: half an answer may be in the pipe
            self._end()
            raise
        finally:
            timer.cancel()
        if time_is_up.is_set():  # the answer came at the very last moment, and the child is being killed
            self._end()
        return _clip(name, answer, frames)

    def _living(self, name: str) -> subprocess.Popen[bytes]:
        """The child, started anew if there is none."""
        if self._process is not None and self._process.poll() is not None:
            logger.info("the decoder process has died (%s) and is replaced", _fate(self._process.returncode))
            self._end()
        if self._process is None:
            self._process = _start()
            timer = threading.Timer(_START_LIMIT_S, self._process.kill)
            timer.daemon = True
            timer.start()
            try:
                self._unconfined = str(_document(self._process).get("unconfined", ""))
            except _Died as exc:
                status = self._end()
                raise ClipError(
                    name,
                    f"the decoder process {_fate(status)} before it could start",
                    "check that the packages av and numpy can be imported, and that memory is free",
                ) from exc
            except BaseException:
                self._end()
                raise
            finally:
                timer.cancel()
        return self._process

    def _end(self) -> int | None:
        """Kill the child, if there is one, and return how it ended: by itself or by this."""
        process, self._process = self._process, None
        if process is None:
            return None
        with contextlib.suppress(subprocess.TimeoutExpired):
            # Its pipe may end a moment before the process does; how it died is worth that moment.
            _close_pipes(process)
            process.wait(0.5)
        process.kill()
        return process.wait()

    def _forget(self) -> None:
        """In a forked process: the child belongs to the parent, and the lock may be held by a thread that is gone."""
        self._lock = threading.Lock()
        process, self._process = self._process, None
        if process is not None:
            _close_pipes(process)
            process.returncode = 0  # nothing here is to wait for it


def _start() -> subprocess.Popen[bytes]:
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


def _close_pipes(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):
            _pipe(stream).close()


def _write(process: subprocess.Popen[bytes], data: bytes) -> None:
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[_pipe(process.stdin).write(rest) :]
    except OSError as exc:
        raise _Died from exc


def _fill(process: subprocess.Popen[bytes], target: memoryview) -> None:
    """Read exactly as many bytes as ``target`` takes."""
    stdout: Any = _pipe(process.stdout)
    while target:
        if not (count := stdout.readinto(target)):
            raise _Died
        target = target[count:]


def _document(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    size = bytearray(LENGTH.size)
    _fill(process, memoryview(size))
    (length,) = LENGTH.unpack(size)
    text = bytearray(min(length, _MAX_ANSWER_BYTES))
    _fill(process, memoryview(text))
    try:
        return dict(stored_json(bytes(text)))
    except (ValueError, TypeError) as exc:
        raise _Died from exc


def _frames(process: subprocess.Popen[bytes], shape: Any) -> NDArray[np.uint8]:
    if not all(type(size) is int and size >= 0 for size in shape) or math.prod(shape) > _MAX_FRAMES_BYTES:
        raise _Died
    frames = np.empty(shape, np.uint8)
    if frames.size:
        _fill(process, frames.reshape(-1).data)
    return frames


def _clip(name: str, answer: dict[str, Any], frames: NDArray[np.uint8] | None) -> ClipFrames:
    if "error" in answer:
        raise ClipError(*map(str, (*answer["error"], "", "", "")[:3]))
    if frames is None:
        raise ClipError(name, f"it cannot be decoded ({answer.get('failure')})", _RE_ENCODE)
    try:
        return ClipFrames.from_header(answer, frames)
    except (LookupError, TypeError, ValueError) as exc:
        raise ClipError(name, f"the decoder gave no clip ({exc})", _RE_ENCODE) from exc


def _fate(status: int | None) -> str:
    """How a process ended, in words."""
    if status is None or status >= 0:
        return f"ended (exit status {status})"
    return f"was ended by {({int(one): one.name for one in signal.Signals}).get(-status, f'signal {-status}')}"


def _forget_all() -> None:
    for reader in list(_readers):
        reader._forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
