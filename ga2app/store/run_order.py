"""The order of the queue, and runs that are deleted and come back."""

from __future__ import annotations

from enum import StrEnum

import sqlite_utils

from ga2app.errors import StoreError
from ga2app.store.run_rows import RunRows
from ga2app.store.trash import Selected, discard
from ga2app.types import RunState

ROOM = "runs"
"""The runs' room of the trash."""

KEPT_STEPS = 600
"""Steps of a deleted run that its curve comes back with; figures, logs and the plan all come back."""

_APART_S = 1e-5
"""What sets two places in the queue apart: far more than a float of today's seconds can tell."""


class Place(StrEnum):
    """Where a waiting run is moved to."""

    FRONT = "front"
    UP = "up"
    DOWN = "down"


class RunOrder(RunRows):
    """Moving and deleting runs. ``Runs`` carries these methods."""

    def waiting(self) -> list[int]:
        """The numbers of the waiting runs, in the order in which they will be taken."""
        with self._database.read() as db:
            return [run_id for run_id, _ in _queue(db)]

    def move(self, run_id: int, to: Place) -> list[int]:
        """Move a waiting run and give the new order. Raises StoreError if it is not waiting any more.

        Whatever a worker takes meanwhile is taken before or after the whole move.
        """
        with self._database.write() as db:
            places = _queue(db)
            order = [waiting for waiting, _ in places]
            if run_id not in order:
                state = self._row(db, run_id).state
                raise StoreError(f"run {run_id} is {state}; only a waiting run can be moved")
            at = order.index(run_id)
            order.remove(run_id)
            order.insert({Place.FRONT: 0, Place.UP: max(0, at - 1), Place.DOWN: at + 1}[to], run_id)
            # The times at which they were queued are their places: the same times, handed out anew and all different.
            before = dict(places)
            free_s = 0.0
            for waiting, (_, queued_s) in zip(order, places, strict=True):
                free_s = max(queued_s, free_s + _APART_S)
                if before[waiting] != free_s:
                    db.execute("UPDATE runs SET queued_s = ? WHERE id = ?", [free_s, waiting])
        return order

    def delete(self, run_id: int, *, what: str = "") -> int:
        """Move a run into the trash with what it told; gives the number of the entry, which ``Trash.restore`` takes.

        Of many steps every so many-th is kept. The run's folder goes when the trash is emptied. Raises StoreError while
        a worker has the run. ``what`` is how the undo names it.
        """
        with self._database.write() as db:
            record = self._row(db, run_id)
            if record.state in (RunState.RUNNING, RunState.STOPPING):
                raise StoreError(
                    f"run {run_id} is {record.state}; stop it and wait until it has stopped, then delete it"
                )
            _thin_steps(db, run_id)
            parts = [Selected("runs", "id = ?", [run_id]), Selected("events", "run_id = ?", [run_id])]
            folder = self._database.to_stored(self._database.home.run_folder(run_id))
            return discard(db, ROOM, what or f"run {run_id}", parts, [folder])


def _queue(db: sqlite_utils.Database) -> list[tuple[int, float]]:
    found = db.execute("SELECT id, queued_s FROM runs WHERE state = 'queued' ORDER BY queued_s, id").fetchall()
    return [(int(run_id), float(queued_s)) for run_id, queued_s in found]


def _thin_steps(db: sqlite_utils.Database, run_id: int) -> None:
    (steps,) = db.execute("SELECT count(*) FROM events WHERE run_id = ? AND kind = 'step'", [run_id]).fetchone()
    every = -(-steps // KEPT_STEPS)
    if every > 1:
        db.execute(
            "DELETE FROM events WHERE id IN (SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id DESC) AS place "
            "FROM events WHERE run_id = ? AND kind = 'step') WHERE place % ? <> 1)",
            [run_id, every],
        )
