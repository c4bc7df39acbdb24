"""Imports under way and done: a page that is opened again finds them here, and so does the next start of the app."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ga2app.environment import host_identity
from ga2app.errors import DatasetError
from ga2app.store.database import Database
from ga2app.store.dataset_records import insert_dataset
from ga2app.store.heartbeats import Heartbeats
from ga2app.store.row_guard import insert
from ga2app.types import ClipFacts, Dataset
from ga2app.untrusted import stored_json

UNKNOWN = "this import is not known any more; choose another from the list"


class ImportState(StrEnum):
    """Where an import stands."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True)
class ImportRow:
    """An import as a page shows it: ``done`` of ``total`` things of its present ``stage``, and what was found.

    ``cancelled`` is the wish; the state follows it. Lists of imports leave out the ``report``.
    """

    id: int
    name: str
    source: str
    state: ImportState
    stage: str
    done: int
    total: int
    cancelled: bool
    report: Mapping[str, Any] | None
    error: str | None
    created_s: float
    finished_s: float | None


_COLUMNS = "id, name, source, state, stage, done, total, cancelled, report, error, created_s, finished_s"
_LISTED = _COLUMNS.replace("report", "NULL AS report")
REPORT_LISTS = ("flaws", "faults", "missing", "repeated")


@dataclass(frozen=True)
class ReportOutline:
    """A report without its lists: what it ``told`` besides, how long each list is, and the flaws by their kind."""

    told: Mapping[str, Any]
    lengths: Mapping[str, int]
    kinds: Mapping[str, int]


class Imports:
    """The imports of one home. One runs at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._beats = Heartbeats()

    def begin(self, name: str, source: str, pid: int, process_started_s: float) -> int:
        """A new running import, done by that process; gives its number.

        Raises DatasetError if the name is taken, or if another import is running.
        """
        if not name.strip():
            raise DatasetError("the data set needs a name; type one")
        with self._database.write() as db:
            if db.execute("SELECT 1 FROM main.datasets WHERE name = ?", [name]).fetchone():
                raise DatasetError(f"there is a data set '{name}' already; choose another name, or delete that one")
            other = db.execute("SELECT name FROM imports WHERE state = 'running'").fetchone()
            if other:
                raise DatasetError(f"the import of '{other[0]}' is still running; wait for it, or cancel it first")
            if db.execute("SELECT 1 FROM main.imports WHERE state = 'running'").fetchone():
                raise DatasetError("somebody else's import is still running; wait a moment, then start yours again")
            row = {
                "name": name,
                "source": source,
                "state": ImportState.RUNNING.value,
                "pid": pid,
                "process_started_s": process_started_s,
                "host": host_identity(),
                "created_s": time.time(),
                "heartbeat_s": time.time(),
            }
            return insert(db, "imports", row)

    def progress(self, import_id: int, stage: str, done: int, total: int) -> bool:
        """Note how far it is; gives whether it may go on, which it may not once it is cancelled."""
        with self._database.write() as db:
            found = db.execute(
                "UPDATE imports SET stage = ?, done = ?, total = ? WHERE id = ? AND state = 'running' "
                "AND NOT cancelled RETURNING id",
                [stage, done, total, import_id],
            ).fetchall()
        return bool(found)

    def beat(self, import_id: int) -> None:
        """Say that it is being worked on."""
        with self._database.write() as db:
            db.execute("UPDATE imports SET heartbeat_s = ? WHERE id = ?", [time.time(), import_id])

    def cancel(self, import_id: int) -> None:
        """Ask a running import to stop. It notices within the clip that it is looking at."""
        with self._database.write() as db:
            db.execute("UPDATE imports SET cancelled = 1 WHERE id = ? AND state = 'running'", [import_id])

    def complete(
        self,
        import_id: int,
        dataset: Dataset,
        report: Mapping[str, Any],
        *,
        facts: Mapping[str, ClipFacts],
        folder: str | None,
    ) -> int:
        """Keep the data set and note that the import is done, both or neither; gives the data set's id.

        Raises DatasetError if the import was cancelled, or if the name has been taken meanwhile.
        """
        with self._database.write() as db:
            row = db.execute(
                "SELECT source FROM imports WHERE id = ? AND state = 'running' AND NOT cancelled", [import_id]
            ).fetchone()
            if row is None:
                raise DatasetError("the import was cancelled")
            dataset_id = insert_dataset(
                self._database, db, dataset, origin=f"imported from {row[0]}", facts=facts, folder=folder
            )
            db.execute(
                "UPDATE imports SET state = 'done', report = ?, finished_s = ? WHERE id = ?",
                [json.dumps({**report, "dataset_id": dataset_id}), time.time(), import_id],
            )
        return dataset_id

    def give_up(self, import_id: int, state: ImportState, error: str, report: Mapping[str, Any] | None = None) -> None:
        """A running import has ended without a data set."""
        with self._database.write() as db:
            db.execute(
                "UPDATE imports SET state = ?, error = ?, report = ?, finished_s = ? "
                "WHERE id = ? AND state = 'running'",
                [state.value, error, json.dumps(report) if report else None, time.time(), import_id],
            )

    def get(self, import_id: int) -> ImportRow:
        """One import. Raises DatasetError if there is none with that number."""
        found = self._rows("WHERE id = ?", import_id)
        if not found:
            raise DatasetError(UNKNOWN)
        return found[0]

    def knows(self, import_id: int) -> bool:
        """Whether there was an import of that number."""
        return bool(self._rows("WHERE id = ?", import_id))

    def latest(self, limit: int = 20) -> list[ImportRow]:
        """The newest imports, newest first, without their reports, which may be long."""
        return self._rows("ORDER BY id DESC LIMIT ?", limit, columns=_LISTED)

    def running(self) -> ImportRow | None:
        """The import that is running."""
        return next(iter(self._rows("WHERE state = 'running' ORDER BY id", columns=_LISTED)), None)

    def expect(self, import_id: int) -> None:
        """Raises DatasetError if there is no import with that number."""
        with self._database.read() as db:
            if not db.execute("SELECT 1 FROM imports WHERE id = ?", [import_id]).fetchone():
                raise DatasetError(UNKNOWN)

    def outline(self, import_id: int) -> ReportOutline:
        """What the report of an import says, but for its lists, of which it tells how long they are."""
        lists = ", ".join(f"'$.{name}'" for name in REPORT_LISTS)
        lengths = ", ".join(f"json_array_length(report, '$.{name}')" for name in REPORT_LISTS)
        by_kind = (
            "SELECT json_extract(value, '$.kind'), count(*) FROM imports, json_each(report, '$.flaws') "
            "WHERE imports.id = ? GROUP BY 1"
        )
        with self._database.read() as db:
            sql = f"SELECT json_remove(report, {lists}), {lengths} FROM imports WHERE id = ?"
            told, *counts = db.execute(sql, [import_id]).fetchone() or [None]
            kinds = dict(db.execute(by_kind, [import_id]).fetchall())
        lengths_of = {name: count or 0 for name, count in zip(REPORT_LISTS, counts, strict=False)}
        return ReportOutline(stored_json(told or "{}"), lengths_of, kinds)

    def flaws(self, import_id: int, *, limit: int, offset: int = 0) -> list[dict[str, Any]]:
        """``limit`` flaws of an import's report from number ``offset`` on, as ``ImportReport.to_dict`` gives them."""
        sql = "SELECT value FROM imports, json_each(report, '$.flaws') WHERE imports.id = ? LIMIT ? OFFSET ?"
        return [stored_json(value) for (value,) in self._database.rows(sql, [import_id, limit, offset])]

    def _rows(self, which: str, *values: int, columns: str = _COLUMNS) -> list[ImportRow]:
        with self._database.read() as db:
            return [_row(row) for row in db.query(f"SELECT {columns} FROM imports {which}", list(values))]

    def abandon_dead(
        self,
        alive: Callable[[int | None, float | None], bool],
        *,
        own: Callable[[int], bool] = lambda import_id: True,
        stale_after_s: float = 60.0,
    ) -> list[int]:
        """Running imports whose process is not ``alive`` have failed; gives their numbers.

        ``own`` says whether this very process is still at work on the import with that number. Those of other machines
        are judged by their heartbeat, as runs are.
        """
        here = host_identity()

        def is_dead(import_id: int, pid: int | None, started_s: float | None, host: str, beat_s: float | None) -> bool:
            if host not in ("", here):
                return self._beats.silent(import_id, beat_s or 0.0, stale_after_s)
            return not alive(pid, started_s) or pid == os.getpid() and not own(import_id)

        sql = "SELECT id, pid, process_started_s, host, heartbeat_s FROM imports WHERE state = 'running'"
        with self._database.read() as db:  # asked every few seconds: most looks find nothing, and need no lock for that
            found = db.execute(sql).fetchall()
        self._beats.keep({row[0] for row in found})
        dead = [row[0] for row in found if is_dead(*row)]
        if dead:
            with self._database.write() as db:
                db.conn.executemany(
                    "UPDATE imports SET state = 'failed', error = ?, finished_s = ? WHERE id = ? AND state = 'running'",
                    [
                        ("the studio was closed during the import; nothing was kept, start it again", time.time(), id_)
                        for id_ in dead
                    ],
                )
        return dead

    def folders(self) -> set[str]:
        """The folders of the home that data sets, or deletions that can be undone, still need; absolute."""
        with self._database.read() as db:
            kept = [row[0] for row in db.execute("SELECT folder FROM datasets WHERE folder IS NOT NULL")]
            kept += [
                folder for (folders,) in db.execute("SELECT folders FROM trash") for folder in stored_json(folders)
            ]
        return {self._database.from_stored(folder) for folder in kept}


def _row(row: dict[str, Any]) -> ImportRow:
    told = stored_json(row["report"]) if row["report"] else None
    return ImportRow(**row | {"state": ImportState(row["state"]), "cancelled": bool(row["cancelled"]), "report": told})
