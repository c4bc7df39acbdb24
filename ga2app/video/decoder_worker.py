"""The process that decodes: one request after another from standard input, answers to standard output.

A decoder may hang, crash or take all memory on a damaged or hostile file; here that costs this process alone.
A request is a pickled tuple; an answer is a JSON document, so that the parent never unpickles what comes out of a
process that has read a hostile file. Each is preceded by its length; the bytes of the frames follow the answer.
Before the answer comes a document that says that the request has arrived. A video that is swept is answered in several
pieces, of which the last one tells how long it is.
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
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

from ga2app.errors import ClipError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ga2app.video.sampling import Wanted
    from ga2app.video.video_clip import ClipFrames
    from ga2app.video.windows import Swept

LENGTH = struct.Struct("<Q")
Request = tuple[str, "Wanted | Swept", int | None, float]

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
    import ga2app.video.decode
    import ga2app.video.sweep  # noqa: F401 - Python keeps what it compiles, which it could not do later
    from ga2app.video.confinement import confine

    threading.Thread(target=_die_with_parent, args=(int(sys.argv[1]),), daemon=True).start()
    _send(answers, {"ready": True, "unconfined": confine()}, None)
    while len(size := requests.read(LENGTH.size)) == LENGTH.size:
        request: Request = pickle.loads(requests.read(LENGTH.unpack(size)[0]))  # nosec B301
        _send(answers, {"begun": True}, None)  # from here on it is this clip that a crash costs
        pieces = _pieces(*request[:3])
        while True:
            answer, frames = _answer(request, pieces, nowhere)
            _send(answers, answer, frames)
            if frames is None or not _is_sweep(request) or answer["seconds"] is not None:
                break
            del frames
        del answer, frames, pieces


def _is_sweep(request: Request) -> bool:
    from ga2app.video.windows import Swept

    return isinstance(request[1], Swept)


def _pieces(path: str, wanted: Wanted | Swept, short_side_px: int | None) -> Iterator[ClipFrames]:
    """What is read of a file: one clip, or all pieces of a video that is swept."""
    from ga2app.video.decode import decode_clip
    from ga2app.video.sweep import sweep
    from ga2app.video.windows import Swept

    if isinstance(wanted, Swept):
        yield from sweep(path, wanted, short_side_px)
    else:
        yield decode_clip(path, wanted, short_side_px)


def _answer(
    request: Request, pieces: Iterator[ClipFrames], nowhere: TextIO
) -> tuple[dict[str, Any], NDArray[Any] | None]:
    """The next of the ``pieces``, or why there is none."""
    path, time_limit_s = request[0], request[-1]
    # The parent ends this process when time is up. Without a parent, this does, whatever the decoder holds.
    faulthandler.dump_traceback_later(time_limit_s + _GRACE_S, exit=True, file=nowhere)
    try:
        from ga2app.video.container_facts import SMALLER

        clip = next(pieces)
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
