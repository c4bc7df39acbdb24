"""Start the worker, and tell whether it lives. A worker is a process of its own that outlives the app.

A process is known by its number and its start time: numbers alone are given out again. ``worker.json`` in the home
holds both for the one worker that may work there; the file stays, and one whose process is gone counts for nothing.
Whoever writes it holds ``worker.lock``.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock

from ga2app.errors import TrainingError
from ga2app.paths import PROJECT, Home, write_whole

WORKER = ("-m", "ga2app.worker")
IDLE_EXIT_S = 900
"""A worker with nothing to do gives its memory back after this time."""

_LOCK, _HOLDER = "worker.lock", "worker.json"
_LOG_LIMIT_BYTES = 5_000_000
_BACK_OFF_S = 30.0

_log = logging.getLogger(__name__)
_children: dict[Path, _Child] = {}
"""Workers that this process started: a child that nobody waits for stays in the process table when it dies."""


@dataclass(frozen=True)
class WorkerProcess:
    """A process: its number, and its start time in seconds by a clock of the system's own."""

    pid: int
    started_s: float


@dataclass(frozen=True)
class _Child:
    process: subprocess.Popen[bytes]
    launched_s: float


def process_started_s(pid: int) -> float | None:
    """When the process ``pid`` started, None if there is none or it is dead and merely not yet waited for.

    Good for comparing with itself only: seconds since boot on Linux, which no change of the clock moves, since the
    epoch elsewhere.
    """
    if sys.platform == "linux":
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        except OSError:
            return None
        # The command's name stands in parentheses and may hold anything, parentheses too.
        columns = stat.rpartition(")")[2].split()
        return None if columns[0] in "ZX" else int(columns[19]) / os.sysconf("SC_CLK_TCK")
    return psutil_started_s(pid)


def psutil_started_s(pid: int) -> float | None:
    """``process_started_s`` for systems without ``/proc``."""
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD) else process.create_time()
    except psutil.NoSuchProcess:
        return None


def is_alive(pid: int | None, started_s: float | None) -> bool:
    """Whether the process ``pid`` that started at ``started_s`` still runs."""
    return pid is not None and started_s is not None and process_started_s(pid) == started_s


def this_process() -> WorkerProcess:
    """The calling process."""
    return WorkerProcess(os.getpid(), process_started_s(os.getpid()) or 0.0)


def worker_process(home: Home) -> WorkerProcess | None:
    """The worker that lives in ``home``, None if there is none."""
    _reap(home)
    try:
        holder = WorkerProcess(**json.loads((home.root / _HOLDER).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return holder if is_alive(holder.pid, holder.started_s) else None


def worker_alive(home: Home) -> bool:
    """Whether a worker lives in ``home``."""
    return worker_process(home) is not None


def ensure_worker(home: Home, *, command: Sequence[str] = WORKER, idle_exit_s: float = IDLE_EXIT_S) -> int:
    """Start a worker in ``home`` unless one lives there; give its process number. Quick enough to be called often.

    ``command`` is what Python runs. Raises TrainingError if the worker cannot be started or ends at once.
    """
    with _locked(home):
        holder = worker_process(home)
        if holder:
            return holder.pid
        _refuse_if_it_just_failed(home)
        process = _launch(home, [*command, "--home", str(home.root), "--idle-exit", str(idle_exit_s)])
        _children[home.root] = _Child(process, time.monotonic())
        # Written for the child, so that a second call finds it before it has come to itself.
        _write(home, WorkerProcess(process.pid, process_started_s(process.pid) or 0.0))
    _log.info("started worker %d for %s", process.pid, home.root)
    return process.pid


def stop_worker(home: Home, *, timeout_s: float = 30.0) -> bool:
    """Ask the worker to save its run, put it back in the queue and leave; whether it has left in that time."""
    worker = worker_process(home)
    if worker is None:
        return True
    os.kill(worker.pid, signal.SIGTERM)
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        _reap(home)
        if not is_alive(worker.pid, worker.started_s):
            return True
        time.sleep(0.05)
    return False


def take_lock(home: Home) -> bool:
    """Make the calling process the worker of ``home``; False if another one is."""
    me = this_process()
    with _locked(home):
        if worker_process(home) not in (None, me):
            return False
        _write(home, me)
    return True


def release_lock(home: Home) -> None:
    """Give up being the worker of ``home``."""
    with _locked(home):
        if worker_process(home) == this_process():
            (home.root / _HOLDER).unlink()


def let_go() -> None:
    """To be called when a process is about to end, which takes seconds less then.

    Python else looks once more through everything that torch and Gradio have made, for what nobody needs any longer.
    """
    gc.freeze()


def worker_log(home: Home) -> Path:
    """Where the worker's output goes. What a run says goes to ``log.txt`` in its own folder."""
    return home.root / "worker.log"


def last_lines(path: Path, count: int = 20) -> list[str]:
    """The last lines of a log, none if it is not there. Reads its end only."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 500 * count))
            return file.read().decode(errors="replace").splitlines()[-count:]
    except FileNotFoundError:
        return []


def _launch(home: Home, arguments: list[str]) -> subprocess.Popen[bytes]:
    log = worker_log(home)
    paths = [str(PROJECT), os.environ.get("PYTHONPATH", "")]
    try:
        if log.exists() and log.stat().st_size > _LOG_LIMIT_BYTES:
            log.replace(log.with_suffix(".log.1"))
        with log.open("ab") as output:
            return subprocess.Popen(
                # -P: a file in the folder where the app was started must not pass for a module.
                [sys.executable, "-P", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
            )
    except OSError as exc:
        raise TrainingError(
            f"the worker process could not be started ({exc}); free some memory and disk space and try again"
        ) from exc


def _refuse_if_it_just_failed(home: Home) -> None:
    """A worker that cannot come up, because a package is broken for example, must not be started over and over."""
    child = _children.get(home.root)
    if child is None or time.monotonic() - child.launched_s > _BACK_OFF_S:
        return
    # A negative status is a signal: somebody killed it, and starting another one is right.
    if (child.process.poll() or 0) > 0:
        said = (last_lines(worker_log(home), 1) or ["no output"])[0]
        raise TrainingError(
            f"the worker process ended with status {child.process.returncode} right after its start ({said}); "
            f"see {worker_log(home)}, put that right, and try again in half a minute"
        )


def _reap(home: Home) -> None:
    child = _children.get(home.root)
    if child:
        child.process.poll()


@contextmanager
def _locked(home: Home) -> Iterator[None]:
    """Who starts, takes or leaves the place of the worker is alone as long as the block lasts."""
    lock = FileLock(home.root / _LOCK, poll_interval=0.01)
    try:
        home.root.mkdir(parents=True, exist_ok=True)
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


def _write(home: Home, holder: WorkerProcess) -> None:
    write_whole(home.root / _HOLDER, json.dumps(asdict(holder)))
