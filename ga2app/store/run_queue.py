"""The queue: every run from the wish to its end, whoever asks and whichever process works on it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from enum import StrEnum

import sqlite_utils

from ga2app.config import RunConfig
from ga2app.errors import ErrorCode, StoreError
from ga2app.store.run_rows import RunRows
from ga2app.store.trash import Selected, discard
from ga2app.types import RunRecord, RunState

MAX_ATTEMPTS = 3
"""Workers that a run may lose without getting any further before it counts as the culprit."""

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


class Runs(RunRows):
    """The runs of one home and their events."""

    def queue(self, config: RunConfig, *, name: str = "", owner: str = "") -> int:
        """Put a run at the end of the queue and give its number. ``owner`` is an account name, empty on a desktop."""
        return self.queue_several([(config, name)], owner=owner)[0]

    def queue_several(self, runs: Sequence[tuple[RunConfig, str]], *, owner: str = "") -> list[int]:
        """Put ``runs``, each with its name, at the end of the queue in order, all or none; gives their numbers."""
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
            }
            for config, name in runs
        ]
        with self._database.write() as db:
            return [int(db.table("runs").insert(row).last_pk) for row in rows]  # type: ignore[arg-type]

    def request_stop(self, run_id: int) -> RunState:
        """Stop a queued run at once, ask the worker to stop a running one; leaves an ended one as it is."""
        with self._database.write() as db:
            db.execute(
                "UPDATE runs SET state = CASE state WHEN 'queued' THEN 'stopped' ELSE 'stopping' END, "
                "finished_s = CASE state WHEN 'queued' THEN ? END WHERE id = ? AND state IN ('queued', 'running')",
                [time.time(), run_id],
            )
            return self._row(db, run_id).state

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
                self._database.home.checkpoint(run_id).unlink(missing_ok=True)
                db.execute("UPDATE runs SET resumed_step = 0, data_hash = '' WHERE id = ?", [run_id])

    def has_checkpoint(self, run_id: int) -> bool:
        """Whether the run would go on from a step that was saved."""
        return self._database.home.checkpoint(run_id).exists()

    def drop_done_checkpoints(self) -> int:
        """Remove the checkpoints of runs that are done, which nothing goes on from; gives their number.

        At its end the learning rate is 0: more epochs are another schedule, and so a run of its own.
        """
        with self._database.read() as db:
            done = [run_id for (run_id,) in db.execute("SELECT id FROM runs WHERE state = 'done'")]
        files = [file for file in map(self._database.home.checkpoint, done) if file.exists()]
        for file in files:
            file.unlink(missing_ok=True)
        return len(files)

    def claim(self, pid: int, process_started_s: float) -> RunRecord | None:
        """Take the oldest queued run for the process ``pid``; None if the queue is empty. No run is given twice."""
        if not self.count([RunState.QUEUED]):  # most looks find nothing, and need no lock for that
            return None
        now = time.time()
        with self._database.write() as db:
            found = db.execute(
                "UPDATE runs SET state = 'running', pid = ?, process_started_s = ?, started_s = ?, heartbeat_s = ?, "
                "finished_s = NULL, exit_code = NULL, error = NULL, error_code = '', attempts = attempts + 1 "
                "WHERE id = (SELECT id FROM runs WHERE state = 'queued' ORDER BY queued_s, id LIMIT 1) RETURNING id",
                [pid, process_started_s, now, now],
            ).fetchone()
            return self._row(db, found[0]) if found else None

    def heartbeat(self, run_id: int, *, pid: int | None = None) -> bool:
        """Say that the run is being worked on. False if it is no longer the work of ``pid``: then let go of it."""
        with self._database.write() as db:
            changed = db.execute(
                "UPDATE runs SET heartbeat_s = ? "
                "WHERE id = ? AND state IN ('running', 'stopping') AND pid = ifnull(?, pid)",
                [time.time(), run_id, pid],
            ).rowcount
        return bool(changed)

    def should_stop(self, run_id: int) -> bool:
        """Whether the worker should let go of the run: it was asked to, or the run is not a running one any more."""
        with self._database.read() as db:
            found = db.execute("SELECT state FROM runs WHERE id = ?", [run_id]).fetchone()
        return found is None or found[0] != RunState.RUNNING

    def resumed(self, run_id: int, step: int) -> None:
        """Note that the run goes on from a checkpoint at ``step``; what lost attempts told of later steps is dropped.

        Having got further than at the last resume clears the count of attempts.
        """
        with self._database.write() as db:
            db.execute(
                "UPDATE runs SET attempts = CASE resumed_step WHEN 0 THEN attempts ELSE 1 END, resumed_step = ? "
                "WHERE id = ? AND resumed_step < ?",
                [step, run_id, step],
            )
        self.drop_events_after(run_id, step)

    def release(self, run_id: int, *, pid: int | None = None) -> None:
        """Put a running run back in its place in the queue: its worker leaves in good order, with a checkpoint.

        A run that was asked to stop is stopped; one that is no longer the work of ``pid`` is left alone.
        """
        with self._database.write() as db:
            db.execute(
                "UPDATE runs SET state = CASE state WHEN 'running' THEN 'queued' ELSE 'stopped' END, "
                "finished_s = CASE state WHEN 'running' THEN NULL ELSE ? END, attempts = attempts - 1, "
                "pid = NULL, process_started_s = NULL "
                "WHERE id = ? AND state IN ('running', 'stopping') AND pid = ifnull(?, pid)",
                [time.time(), run_id, pid],
            )

    def finish(
        self,
        run_id: int,
        state: RunState,
        *,
        exit_code: int,
        error: str | None = None,
        error_code: str = "",
        bundle: str | None = None,
        pid: int | None = None,
    ) -> None:
        """End a run that a worker has: done, stopped or failed.

        Raises StoreError if no worker has it, or another than ``pid``.
        """
        if state not in (RunState.DONE, RunState.STOPPED, RunState.FAILED):
            raise ValueError(f"a run cannot end as {state}")
        stored = self._database.to_stored(bundle) if bundle else None
        with self._database.write() as db:
            changed = db.execute(
                "UPDATE runs SET state = ?, finished_s = ?, exit_code = ?, error = ?, error_code = ?, bundle = ?, "
                "pid = NULL, process_started_s = NULL "
                "WHERE id = ? AND state IN ('running', 'stopping') AND pid = ifnull(?, pid)",
                [state.value, time.time(), exit_code, error, error_code, stored, run_id, pid],
            ).rowcount
            if not changed:
                record = self._row(db, run_id)
                whose = f", in process {record.pid}" if record.pid else ""
                raise StoreError(f"run {run_id} is {record.state}{whose}, so it cannot end as {state}")

    def requeue_lost(self, is_alive: Callable[[int, float], bool], stale_after_s: float) -> Sequence[int]:
        """Put runs back whose worker is gone, and give their numbers.

        A worker is gone if ``is_alive(pid, process_started_s)`` denies it or its heartbeat is older than
        ``stale_after_s`` seconds. A run that was being stopped is stopped; one that has cost MAX_ATTEMPTS
        workers without getting further has failed.
        """
        now = time.time()
        lost = []
        with self._database.write() as db:
            rows = db.execute(
                "SELECT id, state, pid, process_started_s, heartbeat_s, attempts FROM runs "
                "WHERE state IN ('running', 'stopping') ORDER BY id"
            ).fetchall()
            for run_id, state, pid, process_started_s, heartbeat_s, attempts in rows:
                if now - (heartbeat_s or 0.0) <= stale_after_s and is_alive(pid, process_started_s):
                    continue
                lost.append(run_id)
                after, error = _fate_of_lost(RunState(state), attempts)
                code = ErrorCode.WORKER_DIED.value if error else ""
                db.execute(
                    "UPDATE runs SET state = ?, error = ?, error_code = ?, finished_s = ?, pid = NULL, "
                    "process_started_s = NULL WHERE id = ?",
                    [after.value, error, code, None if after is RunState.QUEUED else now, run_id],
                )
        return lost

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


def _fate_of_lost(state: RunState, attempts: int) -> tuple[RunState, str | None]:
    if state is RunState.STOPPING:
        return RunState.STOPPED, None
    if attempts >= MAX_ATTEMPTS:
        return RunState.FAILED, (
            f"its worker process died {attempts} times at the same place, most likely for want of memory; "
            "lower the batch size or the number of frames and retry"
        )
    return RunState.QUEUED, None


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
