"""What runs tell while they go on: appended in order, each with its step."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ga2app.store.database import Database
from ga2app.types import Event, EventKind

_OF_AN_ATTEMPT = (EventKind.STEP, EventKind.EPOCH, EventKind.BUNDLE)


@dataclass(frozen=True)
class StoredEvent:
    """An event with its place in the order (ids only grow) and the time it was written, in seconds since the epoch."""

    id: int
    at_s: float
    event: Event


class Events:
    """The events of all runs. ``Runs`` carries these methods."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, run_id: int, event: Event) -> None:
        """Write one event down. Raises StoreError if the run is gone."""
        self.append_many(run_id, [event])

    def append_many(self, run_id: int, events: Sequence[Event]) -> None:
        """Write several down, in their order, all or none."""
        now = time.time()
        rows = [(run_id, now, event.kind.value, event.step, json.dumps(dict(event.values))) for event in events]
        with self._database.write() as db:
            db.conn.executemany('INSERT INTO events (run_id, at_s, kind, step, "values") VALUES (?, ?, ?, ?, ?)', rows)

    def events(
        self, run_id: int, *, kinds: Iterable[EventKind] | None = None, after_id: int = 0, limit: int | None = None
    ) -> list[StoredEvent]:
        """The run's events in the order written: those of ``kinds``, with an id above ``after_id``.

        A resumed run forgets the steps that its lost attempt made after the checkpoint; whoever reads by
        ``after_id`` starts afresh when a log event says that the run was resumed.
        """
        wanted = [kind.value for kind in kinds] if kinds is not None else [kind.value for kind in EventKind]
        marks = ", ".join("?" * len(wanted))
        sql = (
            f'SELECT id, at_s, kind, step, "values" FROM events WHERE run_id = ? AND kind IN ({marks}) AND id > ? '
            "ORDER BY id LIMIT ?"
        )
        with self._database.read() as db:
            found = db.execute(sql, [run_id, *wanted, after_id, -1 if limit is None else limit]).fetchall()
        return [StoredEvent(id_, at_s, _event(kind, step, values)) for id_, at_s, kind, step, values in found]

    def holds_event(self, event_id: int) -> bool:
        """Whether an event is still there: whoever reads by ``after_id`` sees so that a lost attempt was dropped."""
        with self._database.read() as db:
            return db.execute("SELECT 1 FROM events WHERE id = ?", [event_id]).fetchone() is not None

    def latest(self, run_id: int, kind: EventKind) -> Event | None:
        """The run's last event of ``kind``."""
        sql = 'SELECT kind, step, "values" FROM events WHERE run_id = ? AND kind = ? ORDER BY id DESC LIMIT 1'
        with self._database.read() as db:
            found = db.execute(sql, [run_id, kind.value]).fetchone()
        return _event(*found) if found else None

    def drop_events_after(self, run_id: int, step: int) -> int:
        """Forget steps, epochs and bundles after ``step``: a lost attempt made them, the next makes them again.

        Log lines stay, they are history. Gives the number of events dropped.
        """
        marks = ", ".join("?" * len(_OF_AN_ATTEMPT))
        sql = f"DELETE FROM events WHERE run_id = ? AND step > ? AND kind IN ({marks})"
        with self._database.write() as db:
            return db.execute(sql, [run_id, step, *(kind.value for kind in _OF_AN_ATTEMPT)]).rowcount


def _event(kind: str, step: int, values: str) -> Event:
    return Event(EventKind(kind), step, json.loads(values))
