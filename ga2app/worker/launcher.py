"""Start the workers, and tell which live. A worker is a process of its own that outlives the app.

``worker-cuda-0.json`` in the home names the one worker of that slot, on whichever machine or in whichever container it
runs, and is its heartbeat; the file stays, and one whose process is gone counts for nothing. Whoever writes it holds
``worker.lock``. Versions that knew one worker alone kept it in ``worker.json``: while such a worker lives no other
starts.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from ga2app.environment import host_identity
from ga2app.errors import TrainingError
from ga2app.paths import PROJECT, Home, last_lines, make_private
from ga2app.store import Store
from ga2app.untrusted import stored_json
from ga2app.worker import worker_identity
from ga2app.worker.worker_identity import (
    WorkerProcess,
    WorkerSlot,
    beating,
    is_silent,
    living,
    name_holder,
    process_started_s,
    remote_slots,
)
from ga2app.worker.worker_identity import is_alive as is_alive
from ga2app.worker.worker_identity import psutil_started_s as psutil_started_s
from ga2app.worker.worker_identity import this_process as this_process

WORKER = ("-m", "ga2app.worker")
IDLE_EXIT_S = 900
"""A worker with nothing to do gives its memory back after this time."""

_LOCK, _EARLIER = "worker.lock", "worker.json"
_BACK_OFF_S = 30.0
_KILL_S = 5.0
LOG_BYTES = 5_000_000
"""How long a worker's log gets before it turns over; the one before is kept beside it."""

_log = logging.getLogger(__name__)
_children: dict[Path, _Child] = {}  # by the file of their slot
"""Workers that this process started: a child that nobody waits for stays in the process table when it dies."""


@dataclass(frozen=True)
class _Child:
    process: subprocess.Popen[bytes]
    launched_s: float


def worker_process(home: Home, slot: WorkerSlot | None = None) -> WorkerProcess | None:
    """The worker of ``slot`` that lives in ``home``, for none any of them; None where there is none."""
    if slot is None:
        return next(iter(workers(home).values()), None) or _earlier(home)
    child = _children.get(_file(home, slot.name))
    if child:
        child.process.poll()
    return living(_file(home, slot.name))


def workers(home: Home) -> dict[WorkerSlot, WorkerProcess]:
    """The workers that live in ``home``."""
    found = {}
    for file in sorted(home.root.glob("worker-*.json")):
        try:
            told = stored_json(file.read_text())["slot"]
            slot = WorkerSlot(str(told["device"]), int(told["number"]), int(told["threads"]))
        except (OSError, ValueError, TypeError, KeyError):
            continue
        if process := worker_process(home, slot):
            found[slot] = process
    return found


def worker_alive(home: Home) -> bool:
    """Whether a worker lives in ``home``."""
    return worker_process(home) is not None


def ensure_workers(home: Home, slots: Sequence[WorkerSlot], *, idle_exit_s: float = IDLE_EXIT_S) -> None:
    """Start a worker in each of ``slots`` where none lives. Quick enough to be called often; raises TrainingError."""
    for slot in slots:
        ensure_worker(home, slot, idle_exit_s=idle_exit_s)


def ensure_remote_workers(home: Home, store: Store) -> None:
    """See to it that each open run on a machine of others has a worker that follows it. Raises TrainingError."""
    if count := store.runs.count_remote():
        ensure_workers(home, remote_slots(count))


def ensure_worker(
    home: Home,
    slot: WorkerSlot | None = None,
    *,
    command: Sequence[str] = WORKER,
    idle_exit_s: float = IDLE_EXIT_S,
) -> int:
    """Start a worker in a slot of ``home`` unless one lives there; give its process number.

    One of this machine that hangs is ended, and another starts. ``command`` is what Python runs. Raises TrainingError
    if the worker cannot be started or ends at once, or one of an earlier version is at work.
    """
    slot = slot or WorkerSlot()
    with _locked(home):
        _refuse_beside_earlier(home)
        holder = worker_process(home, slot)
        if holder and not (holder.near and _ended_for_silence(_file(home, slot.name), holder)):
            return holder.pid
        _refuse_if_it_just_failed(home, slot)
        idle = () if idle_exit_s == float("inf") else ("--idle-exit", str(idle_exit_s))
        log = ("--log", str(worker_log(home, slot)))
        process = _launch(home, slot, [*command, "--home", str(home.root), *slot.options(), *log, *idle])
        _children[_file(home, slot.name)] = _Child(process, time.monotonic())
        # Written for the child, so that a second call finds it before it has come to itself.
        started_s = process_started_s(process.pid) or 0.0
        name_holder(_file(home, slot.name), slot, WorkerProcess(process.pid, started_s, host_identity()))
    _log.info("started worker %d on %s for %s", process.pid, slot.name, home.root)
    return process.pid


def stop_worker(home: Home, *, timeout_s: float = 30.0) -> bool:
    """Ask all workers to save their runs, put them back in the queue and leave; whether they have in that time.

    Those of other machines and containers go on.
    """

    def here() -> list[WorkerProcess]:
        return [one for one in (*workers(home).values(), _earlier(home)) if one and one.near]

    for process in here():
        os.kill(process.pid, signal.SIGTERM)
    deadline = time.monotonic() + timeout_s
    while here():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def take_lock(home: Home, slot: WorkerSlot | None = None) -> bool:
    """Make the calling process the worker of a slot of ``home``; False if another one is. Raises TrainingError."""
    me, slot = this_process(), slot or WorkerSlot()
    with _locked(home):
        _refuse_beside_earlier(home)
        if worker_process(home, slot) not in (None, me):
            return False
        name_holder(_file(home, slot.name), slot, me)
    return True


def heartbeat(home: Home, slot: WorkerSlot, lost: Callable[[], None]) -> AbstractContextManager[None]:
    """In the block, the worker of ``slot`` says again and again that it lives; see ``beating``."""
    return beating(_file(home, slot.name), lost)


def release_lock(home: Home, slot: WorkerSlot | None = None) -> None:
    """Give up being the worker of a slot of ``home``."""
    slot = slot or WorkerSlot()
    with _locked(home):
        if worker_process(home, slot) == this_process():
            _file(home, slot.name).unlink()


def worker_log(home: Home, slot: WorkerSlot | None = None) -> Path:
    """Where the output of a slot's worker goes. What a run says goes to ``log.txt`` in its own folder."""
    return home.root / (f"worker-{slot.name}.log" if slot and slot.name != WorkerSlot().name else "worker.log")


def python_path() -> str:
    """``PYTHONPATH`` of a child that runs this program."""
    return os.pathsep.join(filter(None, [str(PROJECT), os.environ.get("PYTHONPATH", "")]))


def _launch(home: Home, slot: WorkerSlot, arguments: list[str]) -> subprocess.Popen[bytes]:
    log = worker_log(home, slot)
    try:
        if log.exists() and log.stat().st_size > LOG_BYTES:  # a worker that is at work sees to it by itself
            log.replace(log.with_suffix(".log.1"))
        with log.open("ab") as output:
            return subprocess.Popen(
                # -P: a file in the folder where the app was started must not pass for a module.
                [sys.executable, "-P", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env=os.environ | slot.environment() | {"PYTHONPATH": python_path()},
            )
    except OSError as exc:
        raise TrainingError(
            f"the worker process could not be started ({exc}); free some memory and disk space and try again"
        ) from exc


def _ended_for_silence(file: Path, holder: WorkerProcess) -> bool:
    """Whether ``holder`` hung and is gone now. What it was at goes on from the checkpoint, by the worker after it."""
    if not is_silent(file, holder):
        return False
    silent_s = worker_identity.SILENT_S
    _log.warning("worker %d has not answered for %.0f s; it is ended, and another starts", holder.pid, silent_s)
    with suppress(ProcessLookupError):
        os.kill(holder.pid, signal.SIGKILL)  # it does not listen to anything else
    deadline = time.monotonic() + _KILL_S
    while living(file) == holder and time.monotonic() < deadline:
        if file in _children:
            _children[file].process.poll()
        time.sleep(0.02)
    return living(file) != holder


def _refuse_beside_earlier(home: Home) -> None:
    """A worker of a version that knew one alone works on the whole queue: it ends what it has, then others start."""
    if earlier := _earlier(home):
        raise TrainingError(
            f"a worker of an earlier version is at work in '{home.root}' (process {earlier.pid}), and takes the runs "
            f"of the queue one after another; to use this version's instead, end it (kill {earlier.pid}): it saves its "
            "run, which the new one goes on with"
        )


def _refuse_if_it_just_failed(home: Home, slot: WorkerSlot) -> None:
    """A worker that cannot come up, because a package is broken for example, must not be started over and over."""
    child = _children.get(_file(home, slot.name))
    if child is None or time.monotonic() - child.launched_s > _BACK_OFF_S:
        return
    # A negative status is a signal: somebody killed it, and starting another one is right.
    if (child.process.poll() or 0) > 0:
        said = (last_lines(worker_log(home, slot), 1) or ["no output"])[0]
        raise TrainingError(
            f"the worker process ended with status {child.process.returncode} right after its start ({said}); "
            f"see {worker_log(home, slot)}, put that right, and try again in half a minute"
        )


@contextmanager
def _locked(home: Home) -> Iterator[None]:
    """Who starts, takes or leaves the place of the worker is alone as long as the block lasts."""
    lock = FileLock(home.root / _LOCK, poll_interval=0.01)
    try:
        make_private(home)
        lock.acquire()
    except OSError as exc:
        raise TrainingError(
            f"the worker's lock '{home.root / _LOCK}' cannot be written ({exc.strerror})",
            hint="make that folder writable, or set GA2_HOME to one that is",
        ) from exc
    try:
        yield
    finally:
        lock.release()


def _file(home: Home, name: str) -> Path:
    return home.root / f"worker-{name}.json"


def _earlier(home: Home) -> WorkerProcess | None:
    return living(home.root / _EARLIER)
