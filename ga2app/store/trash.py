"""Deletions that can be undone: rows go into the trash, and come back with the ids that they had."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlite_utils

from ga2app.errors import StoreError
from ga2app.store.database import Database

KEEP_S = 7 * 24 * 3600
"""How long a deletion can be undone."""


@dataclass(frozen=True)
class Discarded:
    """A deletion: its number, in words what went, and when (seconds since the epoch)."""

    id: int
    what: str
    discarded_s: float


@dataclass(frozen=True)
class Selected:
    """Rows of ``table`` that meet the SQL condition ``where`` with its ``values``."""

    table: str
    where: str
    values: Sequence[Any]


class Trash:
    """What was deleted in each room of the studio (``datasets``, ``anchors``, ``library``, …), newest last."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def last(self, room: str) -> Discarded | None:
        """The newest deletion of ``room`` that can be undone."""
        with self._database.read() as db:
            found = db.execute(
                "SELECT id, what, discarded_s FROM trash WHERE room = ? ORDER BY id DESC LIMIT 1", [room]
            ).fetchone()
        return Discarded(*found) if found else None

    def restore(self, entry: int) -> Discarded:
        """Put everything of a deletion back as it was. Raises StoreError if that is not possible any more."""
        with self._database.write() as db:
            found = db.execute('SELECT id, what, discarded_s, "rows" FROM trash WHERE id = ?', [entry]).fetchone()
            if found is None:
                raise StoreError("this deletion cannot be undone any more; it was undone before, or too long ago")
            discarded = Discarded(*found[:3])
            try:
                for table, row in json.loads(found[3]):
                    db.table(table).insert(row)
            except sqlite3.IntegrityError as exc:
                raise StoreError(
                    f"{discarded.what} cannot come back: something with the same name or place is there now ({exc}); "
                    "rename or delete that first, then undo again"
                ) from exc
            db.execute("DELETE FROM trash WHERE id = ?", [entry])
        return discarded

    def purge(self, *, keep_s: float = KEEP_S) -> int:
        """Forget deletions older than ``keep_s`` seconds, with their folders; gives their number."""
        with self._database.write() as db:
            old = db.execute("SELECT id, folders FROM trash WHERE discarded_s < ?", [time.time() - keep_s]).fetchall()
            db.conn.executemany("DELETE FROM trash WHERE id = ?", [(entry,) for entry, _ in old])
        for _, folders in old:
            for folder in json.loads(folders):
                shutil.rmtree(self._database.from_stored(folder), ignore_errors=True)
        return len(old)


def discard(
    db: sqlite_utils.Database, room: str, what: str, selected: Sequence[Selected], folders: Sequence[str | Path] = ()
) -> int:
    """Move the ``selected`` rows into the trash, inside the caller's transaction; gives the number of the entry.

    Parents are named before their children, and children are named although the schema would delete them with their
    parents: only what is selected comes back. ``folders`` (stored form) are deleted when the trash is emptied.
    """
    rows = [
        (part.table, row)
        for part in selected
        for row in db.query(f"SELECT * FROM {part.table} WHERE {part.where} ORDER BY rowid", list(part.values))
    ]
    entry = {
        "room": room,
        "what": what,
        "rows": json.dumps(rows),
        "folders": json.dumps([str(folder) for folder in folders]),
        "discarded_s": time.time(),
    }
    number = db.table("trash").insert(entry).last_pk
    for part in reversed(selected):
        db.execute(f"DELETE FROM {part.table} WHERE {part.where}", list(part.values))
    return int(number)  # type: ignore[arg-type]
