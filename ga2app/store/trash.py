"""What can be undone: deleted rows come back with the ids that they had, edited rows get their former values back."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import sqlite_utils

from ga2app.errors import StoreError, counted
from ga2app.store.clip_pages import refuse_in_use
from ga2app.store.database import Database
from ga2app.store.row_guard import insert
from ga2app.stretches import file_of
from ga2app.untrusted import stored_json

KEEP_S = 7 * 24 * 3600
"""How long a deletion or an edit can be undone."""

KEPT_EDITS = 100
"""The newest edits of a room that can be undone. Deletions are kept for ``KEEP_S`` however many there are."""

_CHANGED, _ADDED = "changed", "added"
_WITH_FILES = ("clips", "anchor_clips", "waiting_clips")
_KEPT_WHERE = {"labels": "NOT EXISTS (SELECT 1 FROM clips WHERE label_id = labels.id)"}
"""Added rows that an undo takes away only where nothing hangs on them by now."""


_NEEDED = (
    (("clips", "labels"), "datasets", "dataset_id", "data set"),
    (("anchor_clips",), "anchor_sets", "set_id", "anchor set"),
    (("negatives",), "negative_groups", "group_id", "group of negative prompts"),
)
"""Tables whose rows a run needs, the table of what they belong to, and the column that says to which."""


@dataclass(frozen=True)
class Discarded:
    """A deletion or an edit: its number, in words what was done, and when (seconds since the epoch).

    ``what`` names the deleted things ("2 clips"), or says what the ``edit`` did ("moving 2 clips to 'waving'").
    ``lost`` is how many rows an undo left out because their files are gone.
    """

    id: int
    what: str
    discarded_s: float
    edit: bool = False
    lost: int = 0

    @property
    def offer(self) -> str:
        """What a button says that would undo it."""
        return f"Undo: {self.what}" if self.edit else f"Undo: bring back {self.what}"

    @property
    def told(self) -> str:
        """What is said when it has been undone."""
        done = f"Undone: {self.what}." if self.edit else f"Brought back: {self.what}."
        left_out = f" {counted(self.lost, 'clip')} left out: the file is gone from the data directory."
        return done + (left_out if self.lost else "")


@dataclass(frozen=True)
class Selected:
    """Rows of ``table`` that meet the SQL condition ``where`` with its ``values``."""

    table: str
    where: str
    values: Sequence[Any]


@dataclass(frozen=True)
class Former:
    """The present values of ``columns`` in the ``selected`` rows, which an edit is about to change."""

    selected: Selected
    columns: Sequence[str]


class _NothingLeftError(Exception):
    """Raised inside a transaction, so that nothing of an undo stays which cannot be made any more."""


class Trash:
    """What was deleted and edited in each room of the studio (``datasets``, ``anchors``, ``runs``, …), newest last."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def last(self, room: str) -> Discarded | None:
        """The newest deletion or edit of ``room`` that can be undone."""
        found = self._database.row(
            "SELECT id, what, discarded_s, edit FROM trash WHERE room = ? AND owner = visitor() "
            "ORDER BY id DESC LIMIT 1",
            [room],
        )
        return Discarded(found[0], found[1], found[2], edit=bool(found[3])) if found else None

    def offer(self, room: str) -> str:
        """What a button says that would undo the newest deletion or edit of ``room``; empty where there is none."""
        last = self.last(room)
        return last.offer if last else ""

    def undo(self, room: str) -> str:
        """Undo the newest deletion or edit of ``room``; gives what came of it. Raises StoreError, as ``restore``."""
        last = self.last(room)
        if last is None:
            raise StoreError("there is nothing to undo any more")
        return self.restore(last.id).told

    def restore(self, entry: int) -> Discarded:
        """Undo a deletion or an edit. Raises StoreError if that is not possible any more, DatasetError while a run of
        the queue needs the data set as it is.

        A clip whose file lay in the home and is gone does not come back.
        """
        try:
            with self._database.write() as db:
                return self._restore(db, entry)
        except _NothingLeftError as exc:
            # Nothing will ever come of it: it must not stand in front of what can still be undone.
            with self._database.write() as db:
                db.execute("DELETE FROM trash WHERE id = ?", [entry])
            raise StoreError(f"{exc} Nothing was changed") from exc

    def _restore(self, db: sqlite_utils.Database, entry: int) -> Discarded:
        found = db.execute(
            'SELECT id, what, discarded_s, edit, room, "rows" FROM trash WHERE id = ? AND owner = visitor()', [entry]
        ).fetchone()
        if found is None:
            raise StoreError("this cannot be undone any more; it was undone before, or too long ago")
        discarded = Discarded(found[0], found[1], found[2], edit=bool(found[3]))
        rows = stored_json(found[5])
        lost = [row for row in rows if self._is_lost(row)]
        if lost and len(lost) == sum(map(_has_file, rows)):
            raise _NothingLeftError(f"{discarded.what} cannot come back: the files are gone from the data directory.")
        _refuse_edits_of(db, rows)
        try:
            done = sum(_put_back(db, found[4], discarded.what, row) for row in rows if row not in lost)
        except sqlite3.IntegrityError as exc:
            if exc.sqlite_errorname == "SQLITE_CONSTRAINT_TRIGGER":
                raise
            raise StoreError(
                f"{discarded.what} {'cannot be undone' if discarded.edit else 'cannot come back'}: something with the "
                f"same name or place is there now ({exc}); rename or delete that first, then undo again"
            ) from exc
        if not done:
            raise _NothingLeftError(f"{discarded.what} cannot be undone: what it changed is not there any more.")
        db.execute("DELETE FROM trash WHERE id = ?", [entry])
        return replace(discarded, lost=len(lost))

    def _is_lost(self, row: Sequence[Any]) -> bool:
        """Whether a deleted row's file lay in the home and is gone. One elsewhere may be on a drive that comes back."""
        return (
            _has_file(row)
            and not os.path.isabs(row[1]["path"])
            and not os.path.exists(self._database.from_stored(file_of(row[1]["path"])))
        )

    def purge(self, *, keep_s: float = KEEP_S) -> int:
        """Forget deletions and edits older than ``keep_s`` seconds, with their folders; gives their number."""
        with self._database.write() as db:
            old = db.execute("SELECT id, folders FROM trash WHERE discarded_s < ?", [time.time() - keep_s]).fetchall()
            db.conn.executemany("DELETE FROM trash WHERE id = ?", [(entry,) for entry, _ in old])
        for _, folders in old:
            for folder in stored_json(folders):
                shutil.rmtree(self._database.from_stored(folder), ignore_errors=True)
        return len(old)


def discard(
    db: sqlite_utils.Database, room: str, what: str, selected: Sequence[Selected], folders: Sequence[str | Path] = ()
) -> int:
    """Move the ``selected`` rows into the trash, inside the caller's transaction; gives the number of the entry.

    Parents are named before their children, and children are named although the schema would delete them with their
    parents: only what is selected comes back. ``folders`` (stored form) are deleted when the trash is emptied.
    """
    rows = [[part.table, row] for part in selected for row in _rows(db, part)]
    number = _keep(db, room, what, rows, folders)
    for part in reversed(selected):
        db.execute(f"DELETE FROM {part.table} WHERE {part.where}", list(part.values))
    return number


def remember(
    db: sqlite_utils.Database,
    room: str,
    what: str,
    *,
    former: Sequence[Former] = (),
    added: Sequence[Selected] = (),
    deleted: Sequence[Selected] = (),
) -> int | None:
    """Make an edit one that can be undone, inside the caller's transaction; gives the number of the entry.

    Called before the rows of ``former`` change and those of ``deleted`` go, which the caller does himself, and after
    those of ``added`` are there. None where nothing is selected: an edit that changes nothing is none.
    """
    rows: list[list[Any]] = [[part.table, row] for part in deleted for row in _rows(db, part)]
    for part in former:
        columns = ", ".join(part.columns)
        rows += [[part.selected.table, row, _CHANGED] for row in _rows(db, part.selected, f"id, {columns}")]
    rows += [[part.table, {"id": row["id"]}, _ADDED] for part in added for row in _rows(db, part, "id")]
    if not rows:
        return None
    number = _keep(db, room, what, rows, (), edit=True)
    db.execute(
        "DELETE FROM trash WHERE id IN (SELECT id FROM trash WHERE room = ? AND edit AND owner = visitor() "
        "ORDER BY id DESC LIMIT -1 OFFSET ?)",
        [room, KEPT_EDITS],
    )
    return number


def among(column: str) -> str:
    """The SQL condition that ``column`` is in the JSON list that is its value."""
    return f"{column} IN (SELECT value FROM json_each(?))"


def _rows(db: sqlite_utils.Database, part: Selected, columns: str = "*") -> Iterable[dict[str, Any]]:
    return db.query(f"SELECT {columns} FROM {part.table} WHERE {part.where} ORDER BY id", list(part.values))


def _keep(
    db: sqlite_utils.Database,
    room: str,
    what: str,
    rows: Sequence[Sequence[Any]],
    folders: Sequence[str | Path],
    *,
    edit: bool = False,
) -> int:
    entry = {
        "room": room,
        "what": what,
        "rows": json.dumps(rows),
        "folders": json.dumps([str(folder) for folder in folders]),
        "discarded_s": time.time(),
        "edit": int(edit),
    }
    return insert(db, "trash", entry)


def _refuse_edits_of(db: sqlite_utils.Database, rows: Sequence[Sequence[Any]]) -> None:
    """An undo is an edit: raises DatasetError or StoreError while a run that waits or runs needs what it would change.

    A name may come back: the run knows its anchors by their number.
    """
    for tables, owners, owner, what in _NEEDED:
        touched = set()
        for table, row, *_ in rows:
            if table in tables:
                touched.add(row.get(owner))
                touched |= {id_ for (id_,) in db.execute(f"SELECT {owner} FROM {table} WHERE id = ?", [row["id"]])}
        for id_ in touched - {None}:
            found = db.execute(f"SELECT name FROM {owners} WHERE id = ?", [id_]).fetchone()
            if found:
                refuse_in_use(db, what, id_, found[0], "changed")


def _put_back(db: sqlite_utils.Database, room: str, what: str, kept: Sequence[Any]) -> int:
    """Undo what was done to one row; gives how many rows that changed."""
    table, row, *how = kept
    if not how:
        insert(db, table, row)
        return 1
    if how == [_CHANGED]:
        values = {column: value for column, value in row.items() if column != "id"}
        changes = ", ".join(f"{column} = ?" for column in values)
        return int(db.execute(f"UPDATE {table} SET {changes} WHERE id = ?", [*values.values(), row["id"]]).rowcount)
    where = f"id = ? AND {_KEPT_WHERE.get(table, '1')}"
    there = int(db.execute(f"SELECT count(*) FROM {table} WHERE {where}", [row["id"]]).fetchone()[0])
    if there:
        # Into a room that no button looks at: not offered again, and its files go when the trash is emptied.
        discard(db, f"{room}, undone", what, [Selected(table, where, [row["id"]])], _folder_of(db, table, row["id"]))
    return there


def _folder_of(db: sqlite_utils.Database, table: str, row_id: int) -> list[str]:
    """The folder of a clip's own copy (stored form), for an anchor clip that has one."""
    if table != "anchor_clips":
        return []
    path, set_id = db.execute("SELECT path, set_id FROM anchor_clips WHERE id = ?", [row_id]).fetchone()
    folder = PurePosixPath(path).parent
    return [str(folder)] if folder.parent == PurePosixPath(f"media/anchors/{set_id:06d}") else []


def _has_file(kept: Sequence[Any]) -> bool:
    return len(kept) == 2 and kept[0] in _WITH_FILES
