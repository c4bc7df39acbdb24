"""Which journal the database may keep: a write-ahead log needs memory shared between processes, which mounts lack."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from ga2app.errors import StoreError

MOUNTS = Path("/proc/mounts")
JOURNAL = "GA2_JOURNAL"
"""Environment variable that overrides the guess: a mount may be of a kind that looks local and is not."""

_NETWORK = frozenset(
    "9p afs beegfs ceph cifs coda davfs drvfs gfs2 glusterfs gpfs lustre ncpfs nfs nfs4 ocfs2 orangefs smb2 smb3 smbfs "
    "vboxsf virtiofs vmhgfs".split()
)
_LOCAL_FUSE = frozenset("fuseblk fuse.bindfs fuse.fuse-overlayfs fuse.gocryptfs fuse.ntfs-3g".split())


def journal_mode(filesystem: str | None) -> str:
    """``wal`` on a local disk, ``delete`` on a network mount or an unknown FUSE file system.

    ``filesystem`` is the type as the kernel names it, None where the system does not tell. The rollback journal
    (``delete``) is right everywhere and only slower, so doubt goes its way.
    """
    if filesystem is None:
        return "wal"
    if filesystem in _NETWORK:
        return "delete"
    if filesystem.startswith("fuse") and filesystem not in _LOCAL_FUSE:
        return "delete"
    return "wal"


def chosen_journal(folder: Path, environment: Mapping[str, str] = os.environ) -> str:
    """The journal that ``GA2_JOURNAL`` asks for, else the one that fits the mount of ``folder``. Raises StoreError."""
    asked = environment.get(JOURNAL, "").strip().lower()
    if asked not in ("", "wal", "delete"):
        raise StoreError(f"{JOURNAL} is '{asked}'; it must be wal, delete or nothing: change it and start again")
    return asked or journal_mode(mounted_filesystem(folder))


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
