"""One run at a time in one folder: two that write into it would each undo what the other has saved."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ga2app.errors import ErrorCode, TrainingError


@contextmanager
def writing_to(out: Path) -> Iterator[None]:
    """Hold the folder ``out``, and the checkpoint beside it, for the block alone. Raises TrainingError.

    The lock is a file beside the folder, gone after the block; one that a killed process has left behind holds nobody.
    """
    file = out.with_name(f".{out.name}.lock")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(file, timeout=0)
        lock.acquire()
        if not file.exists():  # its last holder took it away between our opening and our locking it
            lock.release()
            lock.acquire()
    except Timeout as exc:
        raise TrainingError(
            f"another run is writing to '{out}' just now",
            hint="wait until it has ended, or name another folder (train --out)",
            code=ErrorCode.FOLDER_IN_USE,
        ) from exc
    except OSError as exc:
        raise TrainingError(
            f"the folder '{out.parent}' cannot be written to ({exc.strerror or exc}); name another one (train --out)"
        ) from exc
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # Windows does not remove a file that is open
            file.unlink()
        lock.release()
