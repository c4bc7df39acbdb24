"""Runs as the store keeps them: their rows, read, filtered and named, and what they tell while they go on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlite_utils

from ga2app.errors import StoreError
from ga2app.store.database import Database
from ga2app.types import Event, EventKind, RunRecord, RunState, TrainingData
from ga2app.untrusted import one_line, stored_json

MAX_NAME = 120

_COLUMNS = (
    "id, name, owner, state, config, created_s, started_s, finished_s, heartbeat_s, pid, exit_code, error, bundle, "
    "attempts, data_hash, error_code, device, remote, shared, sweep_id, sweep"
)
_NEWEST_FIRST = "id DESC"
_QUEUE_FIRST = (
    "CASE state WHEN 'running' THEN 0 WHEN 'stopping' THEN 0 WHEN 'queued' THEN 1 ELSE 2 END, "
    "CASE state WHEN 'queued' THEN queued_s END, CASE state WHEN 'queued' THEN id ELSE -id END"
)
_ONCE_A_STEP = (EventKind.EPOCH, EventKind.BUNDLE, EventKind.VALIDATION)
_OF_AN_ATTEMPT = (EventKind.STEP, *_ONCE_A_STEP)


@dataclass(frozen=True)
class StoredEvent:
    """An event with its place in the order (ids only grow) and the time it was written, in seconds since the epoch."""

    id: int
    at_s: float
    event: Event


@dataclass(frozen=True)
class RunFilter:
    """Which runs a list shows: those in ``states`` (None: any), of a data set, on a backbone, and with ``text``.

    ``text`` is looked for in name, data set, backbone and error; a number also finds the run that has it.
    """

    states: tuple[RunState, ...] | None = None
    dataset: str = ""
    backbone: str = ""
    text: str = ""

    def where(self) -> tuple[str, list[Any]]:
        """The SQL condition and its values."""
        wanted = [state.value for state in (RunState if self.states is None else self.states)]
        parts, values = [f"state IN ({marks(wanted)})"], list[Any](wanted)
        for key, value in (("dataset", self.dataset), ("backbone", self.backbone)):
            if value:
                parts.append(f"json_extract(config, '$.{key}') = ?")
                values.append(value)
        if text := " ".join(self.text.split()):
            escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            looked_in = "name || ' ' || json_extract(config, '$.dataset') || ' ' || json_extract(config, '$.backbone')"
            parts.append(f"({looked_in} || ' ' || ifnull(error, '') LIKE ? ESCAPE '\\' OR id = ?)")
            number = text.removeprefix("#")
            values += [f"%{escaped}%", int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0]
        return " AND ".join(parts), values


@dataclass(frozen=True)
class RunFacets:
    """What runs can be filtered by: the data sets and backbones that any of them names."""

    datasets: tuple[str, ...]
    backbones: tuple[str, ...]


class Events:
    """The events of all runs, appended in order, each with its step. ``Runs`` carries these methods."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, run_id: int, event: Event) -> None:
        """Write one event down. Raises StoreError if the run is gone."""
        self.append_many(run_id, [event])

    def append_many(self, run_id: int, events: Sequence[Event]) -> None:
        """Write several down, in their order, all or none."""
        with self._database.write() as db:
            self._insert(db, run_id, events)

    @staticmethod
    def _insert(db: sqlite_utils.Database, run_id: int, events: Sequence[Event]) -> None:
        """``append_many`` within a transaction.

        An epoch and a bundle are told once a step: an attempt that was lost after it had told repeats them.
        """
        now = time.time()
        rows = [(run_id, now, event.kind.value, event.step, json.dumps(dict(event.values))) for event in events]
        repeated = [(run_id, kind, step) for _, _, kind, step, _ in rows if kind in _ONCE_A_STEP]
        db.conn.executemany("DELETE FROM events WHERE run_id = ? AND kind = ? AND step = ?", repeated)
        db.conn.executemany('INSERT INTO events (run_id, at_s, kind, step, "values") VALUES (?, ?, ?, ?, ?)', rows)

    def events(
        self, run_id: int, *, kinds: Iterable[EventKind] | None = None, after_id: int = 0, limit: int | None = None
    ) -> list[StoredEvent]:
        """The run's events in the order written: those of ``kinds``, with an id above ``after_id``.

        A resumed run forgets the steps that its lost attempt made after the checkpoint; whoever reads by
        ``after_id`` starts afresh when a log event says that the run was resumed.
        """
        wanted = [kind.value for kind in (EventKind if kinds is None else kinds)]
        sql = (
            'SELECT id, at_s, kind, step, "values" FROM events WHERE run_id = ? '
            f"AND kind IN ({marks(wanted)}) AND id > ? ORDER BY id LIMIT ?"
        )
        found = self._database.rows(sql, [run_id, *wanted, after_id, -1 if limit is None else limit])
        return [StoredEvent(id_, at_s, _event(kind, step, values)) for id_, at_s, kind, step, values in found]

    def holds_event(self, event_id: int) -> bool:
        """Whether an event is still there: whoever reads by ``after_id`` sees so that a lost attempt was dropped."""
        return self._database.row("SELECT 1 FROM events WHERE id = ?", [event_id]) is not None

    def latest(self, run_id: int, kind: EventKind) -> Event | None:
        """The run's last event of ``kind``."""
        sql = 'SELECT kind, step, "values" FROM events WHERE run_id = ? AND kind = ? ORDER BY id DESC LIMIT 1'
        found = self._database.row(sql, [run_id, kind.value])
        return _event(*found) if found else None

    def drop_events_after(self, run_id: int, step: int) -> int:
        """Forget steps, epochs and bundles after ``step``: a lost attempt made them, the next makes them again.

        Log lines stay, they are history. Gives the number of events dropped.
        """
        sql = f"DELETE FROM events WHERE run_id = ? AND step > ? AND kind IN ({marks(_OF_AN_ATTEMPT)})"
        with self._database.write() as db:
            return db.execute(sql, [run_id, step, *(kind.value for kind in _OF_AN_ATTEMPT)]).rowcount


class RunRows(Events):
    """Reading the rows of runs. ``Runs`` carries these methods."""

    def get(self, run_id: int) -> RunRecord:
        """The run's row. Raises StoreError if there is none."""
        with self._database.read() as db:
            return self._row(db, run_id)

    def list(
        self,
        *,
        limit: int = 50,
        offset: int = 0,
        states: Iterable[RunState] | None = None,
        only: RunFilter | None = None,
        queue_first: bool = False,
    ) -> list[RunRecord]:
        """Runs, newest first; only those in one of ``states``, or those that ``only`` lets pass.

        ``queue_first`` begins with what is being worked on, then the queue in its order, then the rest, newest first.
        """
        where, values = (only or RunFilter(None if states is None else tuple(states))).where()
        order = _QUEUE_FIRST if queue_first else _NEWEST_FIRST
        sql = f"SELECT {_COLUMNS} FROM runs WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?"
        with self._database.read() as db:
            return [self._record(row) for row in db.query(sql, [*values, limit, offset])]

    def count(self, states: Iterable[RunState] | None = None, *, only: RunFilter | None = None) -> int:
        """How many runs there are, or are in one of ``states``, or pass ``only``."""
        where, values = (only or RunFilter(None if states is None else tuple(states))).where()
        found = self._database.row(f"SELECT count(*) FROM runs WHERE {where}", values)
        return int(found[0])

    def facets(self) -> RunFacets:
        """What the runs can be filtered by."""
        sql = "SELECT DISTINCT json_extract(config, '$.{}') AS value FROM runs ORDER BY value"
        found = [self._database.rows(sql.format(key)) for key in ("dataset", "backbone")]
        return RunFacets(*(tuple(str(value) for (value,) in values) for values in found))

    def last_epochs(self, run_ids: Sequence[int]) -> dict[int, Event]:
        """The last epoch's figures of each of these runs that has any, read at once."""
        return self.last_of(run_ids, EventKind.EPOCH)

    def last_of(self, run_ids: Sequence[int], kind: EventKind) -> dict[int, Event]:
        """The last event of ``kind`` of each of these runs that has any, read at once."""
        sql = (
            'SELECT run_id, step, "values" FROM events WHERE id IN (SELECT max(id) FROM events '
            f"WHERE kind = ? AND run_id IN ({marks(run_ids)}) GROUP BY run_id)"
        )
        found = self._database.rows(sql, [kind.value, *run_ids])
        return {run_id: Event(kind, step, stored_json(values)) for run_id, step, values in found}

    def same_but_seed(self, run_id: int) -> Sequence[RunRecord]:
        """Finished runs with the settings of this one but for the seed, itself too, by seed and number."""
        sql = (
            f"SELECT {_COLUMNS} FROM runs WHERE state = 'done' AND json_remove(config, '$.seed') = "
            "(SELECT json_remove(config, '$.seed') FROM runs WHERE id = ?) ORDER BY seed, id"
        )
        with self._database.read() as db:
            return [self._record(row) for row in db.query(sql, [run_id])]

    def of_sweep(self, sweep_id: int) -> Sequence[RunRecord]:
        """The runs of a sweep in their order. Raises StoreError if there are none."""
        with self._database.read() as db:
            return self._sweep(db, sweep_id)

    def sweeps(self) -> Sequence[RunRecord]:
        """The first run that is left of each sweep, newest first."""
        firsts = "SELECT min(id) FROM runs WHERE sweep_id IS NOT NULL GROUP BY sweep_id"
        sql = f"SELECT {_COLUMNS} FROM runs WHERE id IN ({firsts}) ORDER BY id DESC"
        with self._database.read() as db:
            return [self._record(row) for row in db.query(sql)]

    def _sweep(self, db: sqlite_utils.Database, sweep_id: int) -> Sequence[RunRecord]:
        sql = f"SELECT {_COLUMNS} FROM runs WHERE sweep_id = ? ORDER BY id"
        if found := [self._record(row) for row in db.query(sql, [sweep_id])]:
            return found
        raise StoreError(f"there is no sweep {sweep_id}; it may have been deleted, and the command sweeps lists them")

    def rename(self, run_id: int, name: str) -> str:
        """Give a run another name, an empty one to go by data set and backbone; gives the name as it is kept."""
        kept = one_line(name, "the name", StoreError)
        if len(kept) > MAX_NAME:
            raise StoreError(f"the name has {len(kept)} characters; use at most {MAX_NAME}")
        with self._database.write() as db:
            self._row(db, run_id)
            db.execute("UPDATE runs SET name = ? WHERE id = ?", [kept, run_id])
        return kept

    def keep_data(self, run_id: int, state: dict[str, Any]) -> None:
        """Write down what the run is trained on; ``state`` is what ``TrainingData.to_dict`` gives."""
        hashed = TrainingData.from_dict(state).hash
        with self._database.write() as db:
            db.execute("INSERT OR IGNORE INTO run_data (hash, state) VALUES (?, ?)", [hashed, json.dumps(state)])
            db.execute("UPDATE runs SET data_hash = ? WHERE id = ?", [hashed, run_id])
            db.execute("DELETE FROM run_data WHERE hash NOT IN (SELECT data_hash FROM runs)")

    def data_of(self, run_id: int) -> TrainingData | None:
        """What the run is trained on; None before it has begun, and for runs of versions that did not keep it."""
        found = self._database.row(
            "SELECT run_data.state FROM run_data JOIN runs ON data_hash = hash WHERE runs.id = ?", [run_id]
        )
        return TrainingData.from_dict(stored_json(found[0])) if found else None

    def digests(self) -> dict[str, str]:
        """The SHA-256 of every clip's and anchor clip's file, by its path, as an import found it."""
        sql = " UNION ALL ".join(
            f"SELECT path, digest FROM {table} WHERE digest IS NOT NULL" for table in ("clips", "anchor_clips")
        )
        return {self._database.from_stored(path): digest for path, digest in self._database.rows(sql)}

    def _row(self, db: sqlite_utils.Database, run_id: int) -> RunRecord:
        for row in db.query(f"SELECT {_COLUMNS} FROM runs WHERE id = ?", [run_id]):
            return self._record(row)
        raise StoreError(f"there is no run {run_id}; it may have been deleted, so reload the list of runs")

    def _record(self, row: dict[str, Any]) -> RunRecord:
        bundle = self._database.from_stored(row["bundle"]) if row["bundle"] else None
        changes = {
            "state": RunState(row["state"]),
            "config": stored_json(row["config"]),
            "bundle": bundle,
            "remote": stored_json(row["remote"] or "{}"),
            "sweep": stored_json(row["sweep"] or "{}"),
            "shared": bool(row["shared"]),
        }
        return RunRecord(**(row | changes))


def marks(values: Sequence[object]) -> str:
    """As many question marks for SQL as there are values."""
    return ", ".join("?" * len(values))


def _event(kind: str, step: int, values: str) -> Event:
    return Event(EventKind(kind), step, stored_json(values))
