"""What a fault of SQLite means for the user."""

from __future__ import annotations

import sqlite3
from pathlib import Path


def explain(exc: sqlite3.Error, path: Path) -> str:
    """What a fault of SQLite means for the user: what, why, and what to do next."""
    name = getattr(exc, "sqlite_errorname", "") or ""
    what = f"the database '{path}'"
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return f"{what} is locked by another program; close it (a database viewer, a backup) and try again"
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        if _is_damaged(path):
            return explain_damage(path, str(exc))
        return (
            f"{what} could not be read just now ({exc}), but a check finds no damage; do it again, and if this comes "
            "back, put the data directory on a local disk: on this one programs do not keep out of each other's way"
        )
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return f"{what} cannot be written ({exc}); make its folder writable, or set GA2_HOME to one that is"
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR")):
        return f"{what} cannot be written ({exc}); free some disk space there, or check the disk, and try again"
    return f"{what} refused a request ({exc}); restart the app, and if it stays, report it with this text"


def explain_damage(path: Path, fault: str) -> str:
    """What is said of a damaged database, and what to do next."""
    return (
        f"the database '{path}' is damaged ({fault}); close the studio and run: python -m ga2app doctor --repair. It "
        "keeps every row that can be read, and the clips and bundles beside the database stay"
    )


def _is_damaged(path: Path) -> bool:
    """Whether SQLite's own check finds a fault in the file, or that it is no database; not where it cannot look."""
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    except sqlite3.Error:
        return not path.exists()
    try:
        return bool(connection.execute("PRAGMA integrity_check(1)").fetchall() != [("ok",)])
    except sqlite3.Error as exc:
        name = getattr(exc, "sqlite_errorname", "") or ""
        return name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")) or not path.exists()
    finally:
        connection.close()
