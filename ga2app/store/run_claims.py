"""What workers do with the queue: take a run, say that it is worked on, give it back, end it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ga2app.errors import ErrorCode, StoreError
from ga2app.store.run_rows import RunRows, marks
from ga2app.types import RunRecord, RunState

MAX_ATTEMPTS = 3
"""Workers that a run may lose without getting any further before it counts as the culprit."""


@dataclass(frozen=True)
class WorkerPlace:
    """Where a worker trains, and so which runs it takes.

    ``taken`` are devices that have a worker of their own: a run that names one of them is left to that worker. A
    worker that is ``remote`` takes the runs that are trained on machines of others, and no other.
    """

    device: str = ""
    taken: tuple[str, ...] = ()
    remote: bool = False

    def where(self) -> tuple[str, list[Any]]:
        """The SQL condition on queued runs and its values."""
        others = [device for device in self.taken if device != self.device]
        where = f"state = 'queued' AND remote {'<>' if self.remote else '='} ''"
        if others and not self.remote:
            where += f" AND json_extract(config, '$.device') NOT IN ({marks(others)})"
        return where, [] if self.remote else others

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


class RunClaims(RunRows):
    """The methods of ``Runs`` that a worker calls."""

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
                "UPDATE runs SET state = 'running', device = ?, pid = ?, process_started_s = ?, started_s = ?, "
                "heartbeat_s = ?, finished_s = NULL, exit_code = NULL, error = NULL, error_code = '', "
                "attempts = attempts + 1 "
                f"WHERE id = ({query}) RETURNING id",
                [place.device, pid, process_started_s, now, now, *values],
            ).fetchone()
            return self._row(db, found[0]) if found else None

    def count_for(self, place: WorkerPlace) -> int:
        """How many queued runs may be trained at ``place``."""
        where, values = place.where()
        with self._database.read() as db:
            return int(db.execute(f"SELECT count(*) FROM runs WHERE {where}", values).fetchone()[0])

    def count_remote(self) -> int:
        """How many runs on machines of others wait or go on."""
        with self._database.read() as db:
            sql = "SELECT count(*) FROM runs WHERE remote <> '' AND state IN ('queued', 'running', 'stopping')"
            return int(db.execute(sql).fetchone()[0])

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

    def release_all(self) -> Sequence[int]:
        """``release`` every run: in a copy of a home no worker has one. Gives those that wait again."""
        with self._database.read() as db:
            found = db.execute(
                "SELECT id, state FROM runs WHERE state IN ('running', 'stopping') ORDER BY id"
            ).fetchall()
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


def _fate_of_lost(state: RunState, attempts: int) -> tuple[RunState, str | None]:
    if state is RunState.STOPPING:
        return RunState.STOPPED, None
    if attempts >= MAX_ATTEMPTS:
        return RunState.FAILED, (
            f"its worker process died {attempts} times at the same place, most likely for want of memory; "
            "lower the batch size or the number of frames and retry"
        )
    return RunState.QUEUED, None
