"""Whether a database is sound, and a new one out of what is left of one that is not."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlite_utils

from ga2app.errors import StoreError
from ga2app.paths import Home, version
from ga2app.store.database import Database, explain
from ga2app.store.early_migrations import migrations
from ga2app.store.migrations import known_names

_SHOWN = 5
_UNDER_WAY = "SELECT id, heartbeat_s FROM runs WHERE state IN ('running', 'stopping') AND remote = '' ORDER BY id"
_JOURNALS = ("", "-wal", "-shm")
_COUNTED = {"datasets": "data sets", "runs": "runs", "bundles": "bundles"}
_FOLDERS = (
    ("runs", "runs", r"(\d+)"),
    ("runs", "bundles", r"run-(\d+)"),
    ("imports", "media/datasets", r"import-(\d+)"),
)
"""Tables whose numbers name folders: no folder may come to belong to another row."""


@dataclass(frozen=True)
class DatabaseState:
    """What a look at a database found.

    ``faults`` are SQLite's words, empty for a sound one. ``schema`` is how many steps of the schema it has, of which
    ``pending`` more are made when it is opened. ``newer`` names the step that this version does not know. ``counts``
    are the rows of the tables that people know, by what they call them. ``silent_s`` is for how many seconds nothing
    has been heard of each run that is under way.
    """

    faults: tuple[str, ...] = ()
    schema: int = 0
    pending: int = 0
    newer: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    silent_s: dict[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Rebuilt:
    """A database that was put together anew: ``kept`` rows, and the tables of which rows are ``lost``."""

    aside: Path
    kept: int
    lost: tuple[str, ...]


def known_schema() -> int:
    """How many steps this version's schema has."""
    return len(known_names())


def version_line(home: Home) -> str:
    """The version, with the schema of the database of ``home`` where there is one; makes none and changes none."""
    told, known = f"GA² Studio {version()}", known_names()
    if not home.database.exists():
        return told
    try:
        with contextlib.closing(_readable(home.database)) as connection:
            names = [one.name for one in migrations.applied(sqlite_utils.Database(connection, execute_plugins=False))]
    except sqlite3.DatabaseError:
        return f"{told}, database not readable (doctor says why)"
    newer, pending = set(names) - set(known), set(known) - set(names)
    note = " of a newer version" if newer else f" of {len(known)}, brought up to date at the next start"
    return f"{told}, database schema {len(names)}{note if newer or pending else ''}"


def look(home: Home) -> DatabaseState:
    """Check the database of ``home``, which has one, without changing it. Raises StoreError if it is locked."""
    try:
        with contextlib.closing(_readable(home.database)) as connection:
            faults = [text for (text,) in connection.execute(f"PRAGMA quick_check({_SHOWN})") if text != "ok"]
            if faults:
                return DatabaseState(tuple(" ".join(text.split()) for text in faults))
            orphans = [row[0] for row in connection.execute("PRAGMA foreign_key_check")]
            db = sqlite_utils.Database(connection, execute_plugins=False)
            applied = [one.name for one in migrations.applied(db)]
            known = known_names()
            return DatabaseState(
                tuple(f"{orphans.count(table)} rows of {table} refer to nothing" for table in sorted(set(orphans))),
                schema=len(applied),
                pending=len(set(known) - set(applied)),
                newer=next((name for name in applied if name not in known), ""),
                counts={
                    words: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                    for table, words in _COUNTED.items()
                    if table in db.table_names()
                },
                silent_s={} if set(known) - set(applied) else _silent_s(connection),
            )
    except sqlite3.DatabaseError as exc:
        if getattr(exc, "sqlite_errorname", "").startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            return DatabaseState((str(exc),))
        raise StoreError(explain(exc, home.database)) from exc


def _silent_s(connection: sqlite3.Connection) -> dict[int, float]:
    return {id_: time.time() - (heard_s or 0.0) for id_, heard_s in connection.execute(_UNDER_WAY)}


def rebuild(home: Home) -> Rebuilt:
    """Put the database of ``home`` together anew from the rows that can still be read, and set the old one aside.

    Nobody else may use it meanwhile. Rows that refer to rows that are lost go, too. Raises StoreError.
    """
    aside = home.database.with_name(f"{home.database.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
    with tempfile.TemporaryDirectory(dir=home.root, prefix=".rebuilt-") as folder:
        made = Home(Path(folder))
        Database(made).close()
        with contextlib.closing(sqlite3.connect(made.database)) as new:
            kept, lost = _salvage(home.database, new)
            _keep_numbers(home, new)
            new.commit()
            new.execute("PRAGMA journal_mode=DELETE")
        for end in reversed(_JOURNALS):
            with contextlib.suppress(FileNotFoundError):
                # Until the new one is in its place, the old one is in both: a kill leaves no home without a database.
                (os.replace if end else os.link)(f"{home.database}{end}", f"{aside}{end}")
        os.replace(made.database, home.database)
    return Rebuilt(aside, kept, lost)


def _readable(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)


def _salvage(damaged: Path, new: sqlite3.Connection) -> tuple[int, tuple[str, ...]]:
    """Fill ``new``, which is empty; gives how many rows it has, and the tables that may have had more."""
    new.execute("PRAGMA foreign_keys=OFF")
    triggers = new.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        new.execute(f'DROP TRIGGER "{name}"')
    tables = [name for (name,) in new.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    kept, lost = 0, []
    try:
        with contextlib.closing(_readable(damaged)) as old:
            old.text_factory = lambda content: content.decode(errors="replace")
            for table in tables:
                if not table.startswith(("_sqlite", "sqlite_")):
                    whole, count = _copy_table(old, new, table)
                    kept += count
                    lost += [] if whole else [table]
    except sqlite3.DatabaseError:  # not even its first page can be read
        lost = ["all"]
    while orphans := new.execute("PRAGMA foreign_key_check").fetchall():
        for table, row, *_ in orphans:
            kept -= new.execute(f'DELETE FROM "{table}" WHERE rowid = ?', [row]).rowcount
            lost += [] if table in lost else [table]
    for _, sql in triggers:
        new.execute(sql)
    return kept, tuple(lost)


def _copy_table(old: sqlite3.Connection, new: sqlite3.Connection, table: str) -> tuple[bool, int]:
    """Copy the rows of a table that can be read, from both ends; says whether that was all, and gives their number."""
    columns = [row[1] for row in new.execute(f'PRAGMA table_info("{table}")')]
    try:
        there = {row[1] for row in old.execute(f'PRAGMA table_info("{table}")')}
    except sqlite3.DatabaseError:
        return False, 0
    names = ", ".join(f'"{name}"' for name in columns if name in there)
    if not names:
        return True, 0  # an older database does not have it
    insert = f'INSERT OR IGNORE INTO "{table}" ({names}) VALUES ({", ".join("?" * (names.count(",") + 1))})'
    count, whole = 0, False
    for order in ("ASC", "DESC"):
        rows = _rows(old, f'SELECT {names} FROM "{table}" NOT INDEXED ORDER BY rowid {order}')
        for row in rows:
            if row is None:
                break
            count += new.execute(insert, row).rowcount
        else:
            whole = True
            break
    return whole, count


def _rows(old: sqlite3.Connection, sql: str) -> Iterator[tuple[Any, ...] | None]:
    """The rows of a query, and None where the next cannot be read."""
    try:
        yield from old.execute(sql)
    except sqlite3.DatabaseError:
        yield None


def _keep_numbers(home: Home, new: sqlite3.Connection) -> None:
    """Let new rows have numbers above those that folders are named after."""
    for table, place, pattern in _FOLDERS:
        folder = home.root / place
        found = [re.fullmatch(pattern, entry.name) for entry in folder.iterdir()] if folder.is_dir() else []
        highest = max((int(number[1]) for number in found if number), default=0)
        last = new.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", [table]).fetchone()
        if highest > (last[0] if last else 0):
            new.execute("DELETE FROM sqlite_sequence WHERE name = ?", [table])
            new.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", [table, highest])
