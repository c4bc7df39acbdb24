"""Clips read by a child process: a crash or a hang of the decoder costs one clip, never the caller."""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import signal
import subprocess
import threading
import weakref
from collections.abc import Generator
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ga2app.errors import ClipError, ClipTimeout
from ga2app.stretches import Stretch, split_address
from ga2app.video.decoder_pipe import ChildDied, close_pipes, receive_document, receive_frames, send, start_child
from ga2app.video.decoder_worker import LENGTH, Request
from ga2app.video.sampling import Marked, Sampling, Several, Within
from ga2app.video.video_clip import ClipFrames
from ga2app.video.windows import Swept, Windows

logger = logging.getLogger(__name__)

TIME_LIMIT_S = 60.0
_START_LIMIT_S = 120.0
_RE_ENCODE = "re-encode it, for example with: ffmpeg -i INPUT -c:v libx264 -pix_fmt yuv420p OUTPUT.mp4"

_readers: weakref.WeakSet[ClipReader] = weakref.WeakSet()


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
        sampling: Sampling | Several | Marked,
        *,
        short_side_px: int | None = None,
        time_limit_s: float | None = None,
    ) -> ClipFrames:
        """The frames of ``path`` that ``sampling`` chooses; see ``ga2app.video.read_clip``."""
        limit_s = self._time_limit_s if time_limit_s is None else time_limit_s
        name, file, stretch = _named(path)
        wanted = Within(sampling, stretch) if stretch and not isinstance(sampling, Several | Marked) else sampling
        with self._lock:
            return self._read(name, (file, wanted, short_side_px, limit_s))

    def sweep(
        self, path: str | os.PathLike[str], windows: Windows, *, short_side_px: int | None = None
    ) -> Generator[ClipFrames]:
        """The frames of ``path`` that ``windows`` look at, piece by piece; see ``ga2app.video.sweep``.

        The next piece is decoded while one is worked on. The time limit is for each; whoever leaves early ends the
        child. Raises ClipError.
        """
        name, file, stretch = _named(path)
        with self._lock:
            piece = self._read(name, (file, Swept(windows, stretch), short_side_px, self._time_limit_s))
            try:
                while piece.seconds is None:
                    yield piece
                    piece = self._exchange(name, self._living(name), self._time_limit_s)
            except _NoFault as exc:
                self._end()
                raise ClipError(name, f"the decoder {exc}", "free some memory, and begin again") from exc
            except BaseException:  # whoever asked has left: pieces may still be in the pipe
                self._end()
                raise
            yield piece

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

    def _read(self, name: str, request: Request) -> ClipFrames:
        try:
            return self._ask(name, request)
        except _NoFault as exc:
            logger.info("the decoder process %s and is replaced", exc)
        try:
            return self._ask(name, request)
        except _NoFault as exc:
            raise ClipError(name, f"the decoder {exc} twice", "free some memory, or lower GA2_DECODERS") from exc

    def _ask(self, name: str, request: Request) -> ClipFrames:
        return self._exchange(name, self._living(name), request[-1], pickle.dumps(request))

    def _exchange(
        self, name: str, process: subprocess.Popen[bytes], limit_s: float, document: bytes | None = None
    ) -> ClipFrames:
        """The answer to the request in ``document``, or without one the next piece of what was asked for before."""
        time_is_up = threading.Event()

        def stop() -> None:
            time_is_up.set()
            process.kill()

        timer = threading.Timer(limit_s, stop)
        timer.daemon = True
        timer.start()
        begun = document is None
        try:
            if document is not None:
                send(process, LENGTH.pack(len(document)) + document)
                begun = "begun" in receive_document(process)
            answer = receive_document(process)
            frames = receive_frames(process, answer["shape"]) if "shape" in answer else None
        except ChildDied as exc:
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
            self._process = start_child()
            timer = threading.Timer(_START_LIMIT_S, self._process.kill)
            timer.daemon = True
            timer.start()
            try:
                self._unconfined = str(receive_document(self._process).get("unconfined", ""))
            except ChildDied as exc:
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
            close_pipes(process)
            process.wait(0.5)
        process.kill()
        return process.wait()

    def _forget(self) -> None:
        """In a forked process: the child belongs to the parent, and the lock may be held by a thread that is gone."""
        self._lock = threading.Lock()
        process, self._process = self._process, None
        if process is not None:
            close_pipes(process)
            process.returncode = 0  # nothing here is to wait for it


def _named(path: str | os.PathLike[str]) -> tuple[str, str, Stretch | None]:
    """Name and absolute path of the file at an address, which is no address itself, and the stretch.

    Absolute, since the child keeps the folder it was started in.
    """
    file, stretch = split_address(path)
    absolute = os.path.abspath(file)
    return os.fsencode(os.path.basename(absolute)).decode("utf-8", "replace"), absolute, stretch


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
