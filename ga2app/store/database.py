"""The database file: its journal, connections, transactions, and its errors in the user's words."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlite_utils

from ga2app.errors import ErrorCode, StoreError
from ga2app.paths import Home, make_private, private_file
from ga2app.store.data_disk import JOURNAL, check_locks, chosen_journal, journal_mode, mounted_filesystem
from ga2app.store.migrations import migrate
from ga2app.store.row_guard import APP, Actor, GuardedConnection, guard, present_actor
from ga2app.untrusted import MAX_WHOLE

BUSY_S = 10.0
"""How long a write waits for another process's write."""


class Database:
    """The SQLite file of one home, shared by the threads of one process.

    Connections are kept in a pool and lent to one thread at a time: a web server answers from threads that come
    and go, and a connection that died with its thread would never be closed in order. ``visitor`` tells who acts just
    now: somebody who may not see and change everything gets connections of the other kind, see ``row_guard``.
    """

    def __init__(self, home: Home, *, busy_s: float = BUSY_S) -> None:
        self.home = home
        self._busy_s = busy_s
        self._lock = threading.Lock()
        self._idle: list[sqlite_utils.Database] = []
        self._guarded: list[sqlite_utils.Database] = []
        self._inherited: list[sqlite_utils.Database] = []
        self._process = os.getpid()
        self._closed = False
        self.visitor: Callable[[], Actor] = lambda: APP
        try:
            rights = make_private(home)
        except OSError as exc:
            raise StoreError(
                f"the folder '{home.root}' cannot be made ({exc.strerror}); "
                "set GA2_HOME to a folder that you may write to"
            ) from exc
        mode = chosen_journal(home.root)
        # What GA2_JOURNAL says of a disk is not tried by it: locks are, wherever it is set.
        if os.environ.get(JOURNAL) or journal_mode(mounted_filesystem(home.root)) == "delete":
            check_locks(home.root)
        private_file(home.database, rights)
        with self._translated(), self._borrowed() as db:
            self._set_journal(db, mode)
            migrate(db, home.database)

    def _set_journal(self, db: sqlite_utils.Database, mode: str) -> None:
        """Set the journal's ``mode``. SQLite itself does not wait here while others open the same new home."""
        until_s = time.monotonic() + self._busy_s
        while db.journal_mode != mode:
            try:
                with db.ensure_autocommit_on():
                    db.execute(f"PRAGMA journal_mode={mode}")
                return
            except sqlite3.OperationalError as exc:
                if getattr(exc, "sqlite_errorname", "") != "SQLITE_BUSY" or time.monotonic() > until_s:
                    raise
                time.sleep(0.02)

    def close(self) -> None:
        """Close every connection that is not in use; one that is in use closes when it is handed back."""
        with self._lock:
            self._closed = True
            idle, self._idle, self._guarded = self._idle + self._guarded, [], []
        for db in idle:
            db.close()

    def actor(self) -> Actor:
        """Who acts just now."""
        return present_actor(self.visitor)

    def may_change(self) -> None:
        """Raises AccessError where whoever acts may change nothing."""
        actor = self.actor()
        if actor.refusal:
            raise actor.error(actor.refusal)

    @contextmanager
    def read(self) -> Iterator[sqlite_utils.Database]:
        """A connection to read with. Raises StoreError."""
        with self._lent() as db:
            yield db

    def rows(self, sql: str, values: Sequence[Any] | dict[str, Any] = ()) -> list[Any]:
        """All rows that one question has for an answer. Raises StoreError."""
        with self._lent() as db:
            return db.execute(sql, values).fetchall()

    def row(self, sql: str, values: Sequence[Any] | dict[str, Any] = ()) -> Any:
        """The first of ``rows``, None where there is none."""
        with self._lent() as db:
            return db.execute(sql, values).fetchone()

    @contextmanager
    def write(self) -> Iterator[sqlite_utils.Database]:
        """A transaction: all of the block's changes or, after any exception, none. Raises StoreError.

        It takes the write lock at once. ``db.atomic()`` alone begins as a reader, and SQLite refuses without
        waiting to turn a reader into a writer when another process has written meanwhile. ``may_change`` is asked
        first.
        """
        self.may_change()
        with self._lent() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                with db.atomic():
                    yield db
                db.commit()
            except BaseException:
                db.rollback()
                raise

    def to_stored(self, path: str | Path) -> str:
        """``path`` as the database keeps it: relative to the home where it lies inside, so that a home can move."""
        absolute = Path(os.path.abspath(path))
        root = Path(os.path.abspath(self.home.root))
        return absolute.relative_to(root).as_posix() if absolute.is_relative_to(root) else str(absolute)

    def from_stored(self, path: str) -> str:
        """The absolute path behind what ``to_stored`` gave."""
        return os.path.normpath(os.path.join(os.path.abspath(self.home.root), path))

    @contextmanager
    def _lent(self) -> Iterator[sqlite_utils.Database]:
        """A connection for whoever acts."""
        actor = self.actor()
        with self._translated(actor), self._borrowed(actor) as db:
            yield db

    @contextmanager
    def _borrowed(self, actor: Actor = APP) -> Iterator[sqlite_utils.Database]:
        with self._lock:
            if self._process != os.getpid():
                # After a fork the child must neither use nor close them: closing drops the parent's file locks.
                self._inherited += self._idle + self._guarded
                self._idle, self._guarded, self._process = [], [], os.getpid()
            idle = self._idle if actor.everything else self._guarded
            db = idle.pop() if idle else None
        db = db or self._connect(guarded=not actor.everything)
        if isinstance(db.conn, GuardedConnection):
            db.conn.actor = actor
        try:
            yield db
        finally:
            with self._lock:
                closed = self._closed
                if not closed:
                    (self._idle if actor.everything else self._guarded).append(db)
            if closed:
                db.close()

    def _connect(self, *, guarded: bool = False) -> sqlite_utils.Database:
        kind = GuardedConnection if guarded else sqlite3.Connection
        connection = sqlite3.connect(self.home.database, self._busy_s, check_same_thread=False, factory=kind)
        try:
            connection.create_function("visitor", 0, lambda: "", deterministic=True)
            db = sqlite_utils.Database(connection, execute_plugins=False)
            db.execute("PRAGMA foreign_keys=ON")
            if db.journal_mode == "wal":
                # Safe against a killed process; a power cut may cost the last moments, never the file.
                db.execute("PRAGMA synchronous=NORMAL")
            if isinstance(connection, GuardedConnection):
                guard(connection)
        except BaseException:
            connection.close()
            raise
        return db

    @contextmanager
    def _translated(self, actor: Actor = APP) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as exc:
            if getattr(exc, "sqlite_errorname", "") == "SQLITE_CONSTRAINT_TRIGGER":
                raise actor.error(str(exc)) from exc
            raise StoreError(explain(exc, self.home.database), code=_code_of(exc)) from exc
        except (UnicodeEncodeError, OverflowError) as exc:
            raise StoreError(
                f"the database takes no text with half a character in it and no number beyond {MAX_WHOLE:,} ({exc}); "
                "type it again"
            ) from exc


_PASSING = (("SQLITE_BUSY", ErrorCode.DATABASE_BUSY), ("SQLITE_LOCKED", ErrorCode.DATABASE_BUSY))
_FULL = (("SQLITE_FULL", ErrorCode.DISK_FULL), ("SQLITE_IOERR", ErrorCode.DISK_FULL))


def _code_of(exc: sqlite3.Error) -> ErrorCode:
    name = getattr(exc, "sqlite_errorname", "") or ""
    return next((code for begins, code in (*_PASSING, *_FULL) if name.startswith(begins)), ErrorCode.OTHER)


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
