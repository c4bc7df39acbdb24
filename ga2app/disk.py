"""Disks that are full, and what killed processes leave on them; the files that keep a run's checkpoint."""

from __future__ import annotations

import glob
import os
import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ga2app.errors import ErrorCode, StoreError, code_of

SPARE_BYTES = 64 << 20
"""What an import leaves free: the database and its journal must be able to say how it went."""


def checkpoint_before(checkpoint: Path) -> Path:
    """Where the checkpoint that was written before this one is kept."""
    return checkpoint.with_name(checkpoint.name + ".before")


def damaged_checkpoint(checkpoint: Path) -> Path:
    """Where a checkpoint is put that does not hold any more what was written."""
    return checkpoint.with_name(checkpoint.name + ".damaged")


def drop_checkpoint(checkpoint: Path) -> bool:
    """Delete a checkpoint and those kept beside it; whether there was any."""
    files = (checkpoint, checkpoint_before(checkpoint), damaged_checkpoint(checkpoint))
    found = [file for file in files if file.exists()]
    for file in found:
        file.unlink(missing_ok=True)
    return bool(found)


def drop_unfinished(folder: Path) -> None:
    """Delete what killed processes have left of folders that were to take the place of ``folder``.

    One that had been moved aside comes back. To be called by whoever alone writes there just now.
    """
    name = glob.escape(folder.name)
    for aside in folder.parent.glob(f".{name}.old-*"):
        if not folder.exists():
            os.replace(aside, folder)
    for left in [*folder.parent.glob(f".{name}.old-*"), *folder.parent.glob(f".{name}.new-*")]:
        shutil.rmtree(left, ignore_errors=True)


def why_unwritten(exc: BaseException, folder: Path, needed_bytes: int) -> str:
    """Why ``needed_bytes`` could not be written into ``folder``; of a full disk, how much is free there."""
    if code_of(exc) is not ErrorCode.DISK_FULL:
        return str(exc)
    return f"disk full: needs {_size(needed_bytes)}, free {_size(free_bytes(folder))} at '{folder}'"


def check_room(folder: Path, needed_bytes: int, what: str) -> None:
    """Raises StoreError, with both sizes, where ``what`` does not fit on the disk of ``folder``."""
    room = max(0, free_bytes(folder) - SPARE_BYTES)
    if needed_bytes > room:
        raise StoreError(
            f"disk full: {what} needs {_size(needed_bytes)}, free {_size(room)} at '{folder}'; free some space there "
            "and try again",
            code=ErrorCode.DISK_FULL,
        )


def free_bytes(folder: Path) -> int:
    """What is free on the disk that ``folder`` lies on, or will lie on."""
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    return shutil.disk_usage(there).free


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 1e6 else f"{-(-count // 1000):,} kB"


def by_age(paths: Iterable[Path]) -> list[tuple[float, Path]]:
    """When each of ``paths`` changed last, in seconds since the epoch, and the path itself, oldest first.

    Those that another thread or process has taken away since they were listed are left out.
    """
    found = []
    for path in paths:
        with suppress(FileNotFoundError):
            found.append((path.lstat().st_mtime, path))
    return sorted(found)


def drop_older(folders: Iterable[Path], keep_s: float, now_s: float | None = None) -> int:
    """Delete those of ``folders`` that have not changed for ``keep_s`` seconds; gives their number."""
    now = time.time() if now_s is None else now_s
    old = [folder for changed_s, folder in by_age(folders) if now - changed_s > keep_s and folder.is_dir()]
    for folder in old:
        shutil.rmtree(folder, ignore_errors=True)
    return len(old)
