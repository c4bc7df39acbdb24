"""The disk that a home lies on: which journal fits it, and whether file locks work there."""

from __future__ import annotations

import errno
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ga2app.errors import StoreError

MOUNTS = Path("/proc/mounts")
JOURNAL = "GA2_JOURNAL"
"""Environment variable that overrides the guess: a mount may be of a kind that looks local and is not."""

_LOCAL = frozenset(
    "apfs aufs bcachefs btrfs ecryptfs exfat ext2 ext3 ext4 f2fs fuse.bindfs fuse.fuse-overlayfs fuse.gocryptfs "
    "fuse.ntfs-3g fuseblk hfs hfsplus jfs msdos nilfs2 ntfs ntfs3 overlay ramfs reiserfs rootfs tmpfs udf ufs vfat xfs "
    "zfs".split()
)
_KEPT_OFF = 7
_TRY = f"""
import sqlite3, sys
try:
    sqlite3.connect(sys.argv[1], uri=True, timeout=0, isolation_level=None).execute("BEGIN IMMEDIATE")
except sqlite3.OperationalError as exc:
    sys.exit({_KEPT_OFF} if "locked" in str(exc) else 1)
"""
LOCKING = ""
"""Further parameters of SQLite's address when locks are tried; a test simulates a mount whose locks do nothing."""


def journal_mode(filesystem: str | None) -> str:
    """``wal`` on a file system that is known to be a local disk's, ``delete`` on every other.

    ``filesystem`` is the type as the kernel names it, None where the system does not tell. The rollback journal
    (``delete``) is right everywhere and only slower, so doubt goes its way.
    """
    return "wal" if filesystem is None or filesystem in _LOCAL else "delete"


def chosen_journal(folder: Path, environment: Mapping[str, str] = os.environ) -> str:
    """The journal that ``GA2_JOURNAL`` asks for, else the one that fits the mount of ``folder``. Raises StoreError."""
    asked = environment.get(JOURNAL, "").strip().lower()
    if asked not in ("", "wal", "delete"):
        raise StoreError(f"{JOURNAL} is '{asked}'; it must be wal, delete or nothing: change it and start again")
    return asked or journal_mode(mounted_filesystem(folder))


def locks_work(folder: Path) -> bool:
    """Whether a transaction of this process on a database in ``folder`` keeps one of another process off.

    There are mounts that grant every lock. Two processes would then write into one database at a time. Raises OSError
    where the file cannot be made.
    """
    with tempfile.TemporaryDirectory(dir=folder, prefix=".locks-") as place:
        address = f"{(Path(place).absolute() / 'tried.db').as_uri()}?{LOCKING}"
        try:
            connection = sqlite3.connect(address, uri=True, timeout=0, isolation_level=None)
        except sqlite3.OperationalError as exc:
            raise OSError(errno.EACCES, str(exc)) from exc
        try:
            connection.execute("CREATE TABLE tried (x)")
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as exc:
            if "lock" in str(exc):
                return False
            raise OSError(errno.EIO, str(exc)) from exc
        else:
            answer = subprocess.run([sys.executable, "-I", "-S", "-c", _TRY, address], capture_output=True, check=False)
            return answer.returncode == _KEPT_OFF
        finally:
            connection.close()


def filesystem_of(path: Path, mounts: str) -> str | None:
    """Type of the file system that holds the absolute ``path``, by a table in the form of ``/proc/mounts``."""
    best: tuple[int, str] | None = None
    for line in mounts.splitlines():
        columns = line.split()
        if len(columns) < 3:
            continue
        point = Path(re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), columns[1]))
        depth = len(point.parts)
        # A later mount on the same point covers an earlier one, hence >=.
        if path.is_relative_to(point) and (best is None or depth >= best[0]):
            best = depth, columns[2]
    return best[1] if best else None


def mounted_filesystem(path: Path) -> str | None:
    """``filesystem_of`` with this system's mounts; None where there is no such table."""
    try:
        return filesystem_of(path.resolve(), MOUNTS.read_text(errors="replace"))
    except OSError:
        return None


_checked: set[Path] = set()


def check_locks(folder: Path) -> None:
    """Once a process: on a mount that may be anything, see that locks keep other processes off. Raises StoreError."""
    if folder in _checked:
        return
    try:
        work = locks_work(folder)
    except OSError as exc:
        raise StoreError(
            f"nothing can be written into '{folder}' ({exc.strerror}); make it writable, or set GA2_HOME to a folder "
            "that is"
        ) from exc
    if not work:
        raise StoreError(
            f"file locks do nothing in '{folder}', so that two processes would damage the database there; set GA2_HOME "
            "(or --home) to a folder on a local disk, or mount that file system with locks"
        )
    _checked.add(folder)
