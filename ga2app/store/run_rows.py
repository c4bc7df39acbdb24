"""Rows of the queue, as lists and single runs: reading, filtering, naming."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlite_utils

from ga2app.errors import StoreError
from ga2app.store.run_events import Events
from ga2app.types import Event, EventKind, RunRecord, RunState

MAX_NAME = 120

_COLUMNS = (
    "id, name, owner, state, config, created_s, started_s, finished_s, heartbeat_s, pid, exit_code, error, bundle, "
    "attempts, data_hash"
)
_NEWEST_FIRST = "id DESC"
_QUEUE_FIRST = (
    "CASE state WHEN 'running' THEN 0 WHEN 'stopping' THEN 0 WHEN 'queued' THEN 1 ELSE 2 END, "
    "CASE state WHEN 'queued' THEN queued_s END, CASE state WHEN 'queued' THEN id ELSE -id END"
)


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
        with self._database.read() as db:
            found = db.execute(f"SELECT count(*) FROM runs WHERE {where}", values).fetchone()
        return int(found[0])

    def facets(self) -> RunFacets:
        """What the runs can be filtered by."""
        with self._database.read() as db:
            found = [
                tuple(
                    str(value)
                    for (value,) in db.execute(
                        f"SELECT DISTINCT json_extract(config, '$.{key}') AS value FROM runs ORDER BY value"
                    )
                )
                for key in ("dataset", "backbone")
            ]
        return RunFacets(*found)

    def last_epochs(self, run_ids: Sequence[int]) -> dict[int, Event]:
        """The last epoch's figures of each of these runs that has any, read at once."""
        sql = (
            'SELECT run_id, step, "values" FROM events WHERE id IN (SELECT max(id) FROM events '
            f"WHERE kind = 'epoch' AND run_id IN ({marks(run_ids)}) GROUP BY run_id)"
        )
        with self._database.read() as db:
            found = db.execute(sql, list(run_ids)).fetchall()
        return {run_id: Event(EventKind.EPOCH, step, json.loads(values)) for run_id, step, values in found}

    def same_but_seed(self, run_id: int) -> Sequence[RunRecord]:
        """Finished runs with the settings of this one but for the seed, itself too, by seed and number."""
        sql = (
            f"SELECT {_COLUMNS} FROM runs WHERE state = 'done' AND json_remove(config, '$.seed') = "
            "(SELECT json_remove(config, '$.seed') FROM runs WHERE id = ?) ORDER BY seed, id"
        )
        with self._database.read() as db:
            return [self._record(row) for row in db.query(sql, [run_id])]

    def rename(self, run_id: int, name: str) -> str:
        """Give a run another name, an empty one to go by data set and backbone; gives the name as it is kept."""
        kept = " ".join(name.split())
        if len(kept) > MAX_NAME:
            raise StoreError(f"the name has {len(kept)} characters; use at most {MAX_NAME}")
        with self._database.write() as db:
            self._row(db, run_id)
            db.execute("UPDATE runs SET name = ? WHERE id = ?", [kept, run_id])
        return kept

    def _row(self, db: sqlite_utils.Database, run_id: int) -> RunRecord:
        for row in db.query(f"SELECT {_COLUMNS} FROM runs WHERE id = ?", [run_id]):
            return self._record(row)
        raise StoreError(f"there is no run {run_id}; it may have been deleted, so reload the list of runs")

    def _record(self, row: dict[str, Any]) -> RunRecord:
        bundle = self._database.from_stored(row["bundle"]) if row["bundle"] else None
        changes = {"state": RunState(row["state"]), "config": json.loads(row["config"]), "bundle": bundle}
        return RunRecord(**(row | changes))


def marks(values: Sequence[object]) -> str:
    """As many question marks for SQL as there are values."""
    return ", ".join("?" * len(values))
