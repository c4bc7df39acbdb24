"""What workers do with the queue: take a run, say that it is worked on, give it back, end it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlite_utils

from ga2app.environment import host_identity
from ga2app.errors import ErrorCode, StoreError
from ga2app.store.database import Database
from ga2app.store.heartbeats import Heartbeats
from ga2app.store.run_rows import RunRows, marks
from ga2app.types import Event, RunRecord, RunState

MAX_ATTEMPTS = 3
"""Workers that a run may lose without getting any further before it counts as the culprit."""


@dataclass(frozen=True)
class WorkerPlace:
    """Where a worker trains, and so which runs it takes.

    ``taken`` are devices that have a worker of their own: a run that names one of them is left to that worker. A
    worker that is ``remote`` takes the runs that are trained on machines of others, and no other. ``held`` are runs
    that it leaves alone for the moment.
    """

    device: str = ""
    taken: tuple[str, ...] = ()
    remote: bool = False
    held: tuple[int, ...] = ()

    def where(self) -> tuple[str, list[Any]]:
        """The SQL condition on queued runs and its values."""
        others = [device for device in self.taken if device != self.device]
        where = f"state = 'queued' AND remote {'<>' if self.remote else '='} ''"
        if others and not self.remote:
            where += f" AND json_extract(config, '$.device') NOT IN ({marks(others)})"
        if self.held:
            where += f" AND id NOT IN ({marks(self.held)})"
        return where, [*([] if self.remote else others), *self.held]

    def next_run(self) -> tuple[str, list[Any]]:
        """The SQL query for the number of the run that is next here, and its values.

        A run on several processes has every CUDA device: it begins when no other is trained on one of them, none
        begins beside it, and those that were queued later wait with it.
        """
        where, values = self.where()
        found = f"SELECT id, config FROM runs WHERE {where} ORDER BY queued_s, id LIMIT 1"
        if not self.device.startswith("cuda:"):
            return f"SELECT id FROM ({found})", values
        several = "ifnull(json_extract({}.config, '$.processes'), 'auto') NOT IN ('auto', 1)"
        beside = "other.state IN ('running', 'stopping') AND other.device LIKE 'cuda:%'"
        either = f"{several.format('found')} OR {several.format('other')}"
        none = f"NOT EXISTS (SELECT 1 FROM runs AS other WHERE {beside} AND ({either}))"
        return f"SELECT id FROM ({found}) AS found WHERE {none}", values


ANYWHERE = WorkerPlace()


_MINE = "state IN ('running', 'stopping') AND (? IS NULL OR pid = ? AND host IN ('', ?))"
"""The SQL condition that a run is the work of a process of this machine, or of anybody; its values are ``_mine``."""


def _mine(pid: int | None) -> list[Any]:
    return [pid, pid, host_identity()]


class RunClaims(RunRows):
    """The methods of ``Runs`` that a worker calls."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._beats = Heartbeats()

    def claim(self, pid: int, process_started_s: float, place: WorkerPlace = ANYWHERE) -> RunRecord | None:
        """Take the oldest queued run that may be trained at ``place`` for the process ``pid``; None if there is none.

        No run is given twice, however many workers ask at once.
        """
        if not self.count_for(place):  # most looks find nothing, and need no lock for that
            return None
        now = time.time()
        query, values = place.next_run()
        with self._database.write() as db:
            found = db.execute(
                "UPDATE runs SET state = 'running', device = ?, pid = ?, process_started_s = ?, host = ?, "
                "started_s = ?, heartbeat_s = ?, finished_s = NULL, exit_code = NULL, error = NULL, error_code = '', "
                "attempts = attempts + 1 "
                f"WHERE id = ({query}) RETURNING id",
                [place.device, pid, process_started_s, host_identity(), now, now, *values],
            ).fetchone()
            if not found:
                return None
            saved_ns = self._saved_ns(found[0])
            db.execute("UPDATE runs SET checkpoint_ns = ? WHERE id = ?", [saved_ns, found[0]])
            return self._row(db, found[0])

    def count_for(self, place: WorkerPlace) -> int:
        """How many queued runs may be trained at ``place``."""
        where, values = place.where()
        return int(self._database.row(f"SELECT count(*) FROM runs WHERE {where}", values)[0])

    def count_remote(self) -> int:
        """How many runs on machines of others wait or go on."""
        with self._database.read() as db:
            sql = "SELECT count(*) FROM runs WHERE remote <> '' AND state IN ('queued', 'running', 'stopping')"
            return int(db.execute(sql).fetchone()[0])

    def heartbeat(self, run_id: int, *, pid: int | None = None) -> bool:
        """Say that the run is being worked on. False if it is no longer the work of ``pid``: then let go of it."""
        with self._database.write() as db:
            changed = db.execute(
                f"UPDATE runs SET heartbeat_s = ? WHERE id = ? AND {_MINE}", [time.time(), run_id, *_mine(pid)]
            ).rowcount
        return bool(changed)

    def tell(self, run_id: int, events: Sequence[Event], *, pid: int) -> bool:
        """Write events of a run down, all or none. False, and none, if it is no longer the work of ``pid``."""
        with self._database.write() as db:
            mine = db.execute(f"SELECT 1 FROM runs WHERE id = ? AND {_MINE}", [run_id, *_mine(pid)]).fetchone()
            if mine:
                self._insert(db, run_id, events)
        return bool(mine)

    def should_stop(self, run_id: int) -> bool:
        """Whether the worker should let go of the run: it was asked to, or the run is not a running one any more."""
        found = self._database.row("SELECT state FROM runs WHERE id = ?", [run_id])
        return found is None or found[0] != RunState.RUNNING

    def resumed(self, run_id: int, step: int) -> None:
        """Note that the run goes on from a checkpoint at ``step``; what lost attempts told of later steps is dropped.

        Having got further than at the last resume clears the count of attempts, as a new checkpoint does when a worker
        is lost.
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
                f"pid = NULL, process_started_s = NULL WHERE id = ? AND {_MINE}",
                [time.time(), run_id, *_mine(pid)],
            )

    def release_all(self) -> Sequence[int]:
        """``release`` every run: in a copy of a home no worker has one. Gives those that wait again."""
        found = self._database.rows("SELECT id, state FROM runs WHERE state IN ('running', 'stopping') ORDER BY id")
        for run_id, _ in found:
            self.release(run_id)
        return [run_id for run_id, state in found if state == RunState.RUNNING]

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
                f"pid = NULL, process_started_s = NULL WHERE id = ? AND {_MINE}",
                [state.value, time.time(), exit_code, error, error_code, stored, run_id, *_mine(pid)],
            ).rowcount
            if not changed:
                record = self._row(db, run_id)
                whose = f", in process {record.pid}" if record.pid else ""
                raise StoreError(f"run {run_id} is {record.state}{whose}, so it cannot end as {state}")

    def requeue_lost(self, is_alive: Callable[[int, float], bool], stale_after_s: float) -> Sequence[int]:
        """Put runs back whose worker is gone, and give their numbers.

        A worker of this machine is gone if ``is_alive(pid, process_started_s)`` denies it. Any worker is if its
        heartbeat has not changed for ``stale_after_s`` seconds while this store looked: the clocks of two machines need
        not agree. A run that was being stopped is stopped; one that has cost MAX_ATTEMPTS workers without a new
        checkpoint has failed.
        """
        lost, here = [], host_identity()
        with self._database.write() as db:
            rows = db.execute(
                "SELECT id, state, pid, process_started_s, heartbeat_s, attempts, host, checkpoint_ns FROM runs "
                "WHERE state IN ('running', 'stopping') ORDER BY id"
            ).fetchall()
            self._beats.keep({row[0] for row in rows})
            for run_id, state, pid, process_started_s, heartbeat_s, attempts, host, before_ns in rows:
                may_live = host not in ("", here) or is_alive(pid, process_started_s)
                if may_live and not self._beats.silent(run_id, heartbeat_s or 0.0, stale_after_s):
                    continue
                lost.append(run_id)
                self._put_back(db, run_id, state, attempts, before_ns)
        return lost

    def lose_attempt(self, run_id: int, error: str, code: str, *, pid: int) -> RunState:
        """Put a run back whose own processes were killed while its worker, ``pid``, lives; gives what it is then.

        It has failed, with ``error`` and its ``code``, where ``requeue_lost`` would say so.
        """
        with self._database.write() as db:
            found = db.execute(
                f"SELECT id, state, attempts, checkpoint_ns FROM runs WHERE id = ? AND {_MINE}", [run_id, *_mine(pid)]
            ).fetchone()
            if found:
                _, state, attempts, before_ns = found
                self._put_back(db, run_id, state, attempts, before_ns, (error, code))
            return self._row(db, run_id).state

    def _put_back(
        self,
        db: sqlite_utils.Database,
        run_id: int,
        state: str,
        attempts: int,
        before_ns: int | None,
        told: tuple[str, str] | None = None,
    ) -> None:
        saved_ns = self._saved_ns(run_id)
        if saved_ns not in (None, before_ns):  # it got further, so this is the first death at its new place
            attempts = 1
        after, error = _fate_of_lost(RunState(state), attempts)
        why, code = (told or (error, ErrorCode.WORKER_DIED.value)) if error else (None, "")
        db.execute(
            "UPDATE runs SET state = ?, error = ?, error_code = ?, finished_s = ?, pid = NULL, "
            "process_started_s = NULL, attempts = ? WHERE id = ?",
            [after.value, why, code, None if after is RunState.QUEUED else time.time(), attempts, run_id],
        )

    def _saved_ns(self, run_id: int) -> int | None:
        """When the checkpoint of a run was written; None without one."""
        try:
            return self._database.home.checkpoint(run_id).stat().st_mtime_ns
        except OSError:
            return None


def _fate_of_lost(state: RunState, attempts: int) -> tuple[RunState, str | None]:
    if state is RunState.STOPPING:
        return RunState.STOPPED, None
    if attempts >= MAX_ATTEMPTS:
        return RunState.FAILED, (
            f"its worker process died {attempts} times at the same place, most likely for want of memory; "
            "lower the batch size or the number of frames and retry"
        )
    return RunState.QUEUED, None
