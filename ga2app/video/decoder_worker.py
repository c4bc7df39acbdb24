"""The process that decodes: one request after another from standard input, answers to standard output.

A decoder may hang, crash or take all memory on a damaged or hostile file; here that costs this process alone.
A request is a pickled tuple; an answer is a JSON document, so that the parent never unpickles what comes out of a
process that has read a hostile file. Each is preceded by its length; the bytes of the frames follow the answer.
Before the answer comes a document that says that the request has arrived.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import pickle
import signal
import struct
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

from ga2app.errors import ClipError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ga2app.video.sampling import Wanted

LENGTH = struct.Struct("<Q")
Request = tuple[str, "Wanted", int | None, float]

_PARENT_CHECK_S = 0.5
_GRACE_S = 5.0


def main() -> None:
    """Serve until the parent closes the pipe or dies."""
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # a library that prints must not end up among the frames
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then closes the pipe
    _volunteer_for_the_oom_killer()
    _hold_memory_to(int(sys.argv[2]))
    nowhere = open(os.devnull, "w")  # noqa: SIM115 - from here on nothing can be opened to be written
    import ga2app.video.decode  # noqa: F401 - Python keeps what it compiles, which it could not do later
    from ga2app.video.confinement import confine

    answer: dict[str, Any] = {"ready": True, "unconfined": confine()}
    threading.Thread(target=_die_with_parent, args=(int(sys.argv[1]),), daemon=True).start()
    frames: NDArray[Any] | None = None
    while True:
        _send(answers, answer, frames)
        frames = None
        size = requests.read(LENGTH.size)
        if len(size) < LENGTH.size:
            return
        request: Request = pickle.loads(requests.read(LENGTH.unpack(size)[0]))  # nosec B301
        _send(answers, {"begun": True}, None)  # from here on it is this clip that a crash costs
        answer, frames = _answer(request, nowhere)


def _answer(request: Request, nowhere: TextIO) -> tuple[dict[str, Any], NDArray[Any] | None]:
    path, wanted, short_side_px, time_limit_s = request
    # The parent ends this process when time is up. Without a parent, this does, whatever the decoder holds.
    faulthandler.dump_traceback_later(time_limit_s + _GRACE_S, exit=True, file=nowhere)
    try:
        from ga2app.video.container_facts import SMALLER
        from ga2app.video.decode import decode_clip

        clip = decode_clip(path, wanted, short_side_px)
    except ClipError as exc:
        return {"error": [exc.name, exc.reason, exc.advice]}, None
    except MemoryError:
        reason = f"decoding it takes more than the {int(sys.argv[2]) / 2**30:.2g} GB of memory that a decoder may have"
        return {"error": [os.path.basename(path), reason, SMALLER]}, None
    except Exception as exc:  # whatever a decoder raises is this one clip's fault, and is named in full
        return {"failure": f"{type(exc).__name__}: {exc}"}, None
    finally:
        faulthandler.cancel_dump_traceback_later()
    return clip.header(), clip.frames


def _send(answers: BinaryIO, answer: dict[str, Any], frames: NDArray[Any] | None) -> None:
    document = json.dumps(answer).encode()
    _write(answers, LENGTH.pack(len(document)) + document)
    if frames is not None:
        for image in frames:
            _write(answers, image.reshape(-1).data)


def _write(pipe: BinaryIO, data: bytes | memoryview) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[pipe.write(rest) :]


def _die_with_parent(parent: int) -> None:
    """A pipe shows the parent's death only between clips, and not at all while a fork of it lives on."""
    while os.name != "posix" or os.getppid() == parent:
        time.sleep(_PARENT_CHECK_S)
    os._exit(0)


def _hold_memory_to(limit_bytes: int) -> None:
    """Let the system refuse more; macOS and Windows have no such limit."""
    if sys.platform == "linux":
        import resource

        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (limit_bytes if hard < 0 else min(limit_bytes, hard), hard))


def _volunteer_for_the_oom_killer() -> None:
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("800")


if __name__ == "__main__":
    main()
