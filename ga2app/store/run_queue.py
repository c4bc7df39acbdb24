"""The queue: every run from the wish to its end, whoever asks and whichever process works on it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import sqlite_utils

from ga2app.config import RunConfig
from ga2app.disk import drop_checkpoint
from ga2app.errors import StoreError
from ga2app.paths import job_beside
from ga2app.store.row_guard import insert
from ga2app.store.run_claims import RunClaims
from ga2app.store.run_rows import marks
from ga2app.store.trash import Selected, discard
from ga2app.types import RunRecord, RunState

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


class Runs(RunClaims):
    """The runs of one home and their events."""

    def queue(
        self, config: RunConfig, *, name: str = "", owner: str = "", remote: Mapping[str, Any] | None = None
    ) -> int:
        """Put a run at the end of the queue and give its number. ``owner`` is an account name, empty for who acts."""
        return self.queue_several([(config, name)], owner=owner, remote=remote)[0]

    def queue_several(
        self,
        runs: Sequence[tuple[RunConfig, str]],
        *,
        owner: str = "",
        remote: Mapping[str, Any] | None = None,
        sweep: Mapping[str, Any] | None = None,
    ) -> list[int]:
        """Put ``runs``, each with its name, at the end of the queue in order, all or none; gives their numbers.

        ``remote`` says on which machines of others they are trained (``HubJob.to_dict``); none for this one. ``sweep``
        ties them: it is what was asked for, and the number of the first is that of the sweep.
        """
        now = time.time()
        rows = [
            {
                "name": name.strip(),
                "owner": owner,
                "state": RunState.QUEUED.value,
                "config": json.dumps(config.to_dict(), sort_keys=True),
                "seed": config.seed,
                "created_s": now,
                "queued_s": now,
                "remote": json.dumps(dict(remote), sort_keys=True) if remote else "",
                "sweep": json.dumps(dict(sweep), sort_keys=True) if sweep else "",
            }
            for config, name in runs
        ]
        with self._database.write() as db:
            numbers = [insert(db, "runs", row) for row in rows]
            if sweep:
                db.execute(f"UPDATE runs SET sweep_id = ? WHERE id IN ({marks(numbers)})", [numbers[0], *numbers])
            return numbers

    def stop_sweep(self, sweep_id: int) -> int:
        """Stop all runs of a sweep, as ``request_stop`` does, and give the number of those that were open."""
        with self._database.write() as db:
            open_runs = [
                run.id for run in self._sweep(db, sweep_id) if run.state in (RunState.QUEUED, RunState.RUNNING)
            ]
            self._stop(db, open_runs)
            return len(open_runs)

    def request_stop(self, run_id: int) -> RunState:
        """Stop a queued run at once, ask the worker to stop a running one; leaves an ended one as it is."""
        with self._database.write() as db:
            self._stop(db, [run_id])
            return self._row(db, run_id).state

    @staticmethod
    def _stop(db: sqlite_utils.Database, run_ids: Sequence[int]) -> None:
        db.execute(
            "UPDATE runs SET state = CASE state WHEN 'queued' THEN 'stopped' ELSE 'stopping' END, finished_s = CASE "
            f"state WHEN 'queued' THEN ? END WHERE id IN ({marks(run_ids)}) AND state IN ('queued', 'running')",
            [time.time(), *run_ids],
        )

    def requeue(self, run_id: int, *, restart: bool = False) -> None:
        """Queue a stopped or failed run again; it goes on from its checkpoint if it has one.

        With ``restart`` the checkpoint goes, and the run begins at step 0. ``RunService`` asks first whether a
        checkpoint can be used.
        """
        with self._database.write() as db:
            changed = db.execute(
                "UPDATE runs SET state = 'queued', queued_s = ?, attempts = 0, error = NULL, error_code = '', "
                "exit_code = NULL, pid = NULL, process_started_s = NULL, heartbeat_s = NULL, finished_s = NULL "
                "WHERE id = ? AND state IN ('stopped', 'failed')",
                [time.time(), run_id],
            ).rowcount
            if not changed:
                state = self._row(db, run_id).state
                raise StoreError(f"run {run_id} is {state}; only a stopped or failed run can be queued again")
            if restart:  # in the transaction: no worker can have taken it yet
                checkpoint = self._database.home.checkpoint(run_id)
                drop_checkpoint(checkpoint)
                job_beside(checkpoint).unlink(missing_ok=True)
                db.execute("UPDATE runs SET resumed_step = 0, data_hash = '' WHERE id = ?", [run_id])

    def has_checkpoint(self, run_id: int) -> bool:
        """Whether the run would go on from a step that was saved."""
        return self._database.home.checkpoint(run_id).exists()

    def drop_done_checkpoints(self) -> int:
        """Remove the checkpoints of runs that are done, which nothing goes on from; gives their number.

        At its end the learning rate is 0: more epochs are another schedule, and so a run of its own.
        """
        done = [run_id for (run_id,) in self._database.rows("SELECT id FROM runs WHERE state = 'done'")]
        return sum(map(drop_checkpoint, map(self._database.home.checkpoint, done)))

    def drop_old_checkpoints(self, keep_s: float) -> list[int]:
        """Remove the checkpoints of runs that ended without being done more than ``keep_s`` seconds ago.

        Gives the numbers of those that had one: resumed, they begin anew.
        """
        sql = "SELECT id FROM runs WHERE state IN ('stopped', 'failed') AND finished_s < ? ORDER BY id"
        ended = [run_id for (run_id,) in self._database.rows(sql, [time.time() - keep_s])]
        old = [run_id for run_id in ended if self.has_checkpoint(run_id)]
        for run_id in old:
            drop_checkpoint(self._database.home.checkpoint(run_id))
        return old

    def waiting(self) -> list[int]:
        """The numbers of the waiting runs, in the order in which they will be taken."""
        with self._database.read() as db:
            return [run_id for run_id, _ in _queue(db)]

    def count_open(self) -> int:
        """How many runs wait or are worked on, those of others counted."""
        with self._database.read() as db:
            sql = "SELECT count(*) FROM main.runs WHERE state IN ('queued', 'running', 'stopping')"
            return int(db.execute(sql).fetchone()[0])

    def places(self) -> dict[int, int]:
        """The place of each waiting run in the queue, from 1, those of others counted."""
        sql = (
            "SELECT id, place FROM (SELECT id, row_number() OVER (ORDER BY queued_s, id) AS place FROM main.runs "
            "WHERE state = 'queued') WHERE id IN (SELECT id FROM runs)"
        )
        return dict(self._database.rows(sql))

    def move(self, run_id: int, to: Place) -> list[int]:
        """Move a waiting run and give the new order. Raises StoreError if it is not waiting any more.

        On a Space a person's runs change places among each other, never with those of others. Whatever a worker takes
        meanwhile is taken before or after the whole move.
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
            return self._discard(db, [self._row(db, run_id)], what or f"run {run_id}")

    def delete_sweep(self, sweep_id: int, *, what: str) -> int:
        """Move all runs of a sweep into the trash, to come back together. Raises StoreError while a worker has one."""
        with self._database.write() as db:
            return self._discard(db, self._sweep(db, sweep_id), what)

    def _discard(self, db: sqlite_utils.Database, runs: Sequence[RunRecord], what: str) -> int:
        for run in runs:
            if run.state in (RunState.RUNNING, RunState.STOPPING):
                raise StoreError(f"run {run.id} is {run.state}; stop it and wait until it has stopped, then delete it")
            _thin_steps(db, run.id)
        ids = [run.id for run in runs]
        parts = [
            Selected(table, f"{key} IN ({marks(ids)})", ids) for table, key in (("runs", "id"), ("events", "run_id"))
        ]
        folders = [self._database.to_stored(self._database.home.run_folder(run_id)) for run_id in ids]
        return discard(db, ROOM, what, parts, folders)


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
