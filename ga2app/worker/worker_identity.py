"""Who a worker is, and whether it lives: a process of this machine or container, or one of another.

A process is known by its number and its start time: numbers alone are given out again. Those of another machine, or of
another container, mean nothing here: it is judged by its heartbeat, which is the time of the file that names it.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path

from ga2app.environment import host_identity, repeating
from ga2app.paths import write_whole
from ga2app.untrusted import stored_json
from ga2app.worker.worker_slots import WorkerSlot

BEAT_S = 1.0
"""How often a worker says that it lives."""

SILENT_S = 60.0
"""A worker that has not said so for that long is taken for dead, or hangs."""

_beats: dict[Path, tuple[int, float]] = {}  # time of the file, and when this process first saw it


@dataclass(frozen=True)
class WorkerProcess:
    """A process: its number, its start time in seconds by a clock of the system's own, and where it runs.

    ``host`` is empty for workers of versions that did not tell: they are of this machine.
    """

    pid: int
    started_s: float
    host: str = ""

    @property
    def near(self) -> bool:
        """Whether it is a process of this machine or container, which can be looked at and ended."""
        return self.host in ("", host_identity())


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
    """Whether the process ``pid`` of this machine that started at ``started_s`` still runs."""
    return pid is not None and started_s is not None and process_started_s(pid) == started_s


def this_process() -> WorkerProcess:
    """The calling process."""
    return WorkerProcess(os.getpid(), process_started_s(os.getpid()) or 0.0, host_identity())


def living(file: Path) -> WorkerProcess | None:
    """The process that ``file`` names, if it lives."""
    if (holder := _named(file)) is None:
        return None
    lives = is_alive(holder.pid, holder.started_s) if holder.near else _age_s(file) <= SILENT_S
    return holder if lives else None


def is_silent(file: Path, holder: WorkerProcess) -> bool:
    """Whether a living ``holder`` of this machine hangs: this process has seen no heartbeat of it for SILENT_S.

    Counted by what changes while this process looks: after a laptop's sleep every time is old.
    """
    if not holder.host:  # a version without heartbeats
        return False
    with contextlib.suppress(OSError):
        beat, now_s = file.stat().st_mtime_ns, time.monotonic()
        if file not in _beats or _beats[file][0] != beat:
            _beats[file] = beat, now_s
        return now_s - _beats[file][1] > SILENT_S
    return False


def name_holder(file: Path, slot: WorkerSlot, holder: WorkerProcess) -> None:
    """Write down who works in ``slot``. Raises StoreError."""
    _beats.pop(file, None)
    write_whole(file, json.dumps(asdict(holder) | {"slot": asdict(slot)}))


def beating(file: Path, lost: Callable[[], None]) -> AbstractContextManager[None]:
    """In its block, what this process wrote into ``file`` is kept fresh; ``lost`` is called if another took its place.

    That happens to a process that was stopped for a while: other machines take it for dead.
    """
    me = this_process()

    def beat() -> bool:
        if _named(file) not in (me, None):
            lost()
            return False
        with contextlib.suppress(OSError):
            os.utime(file)
        return True

    return repeating(beat, BEAT_S, "heartbeat of the worker")


def _named(file: Path) -> WorkerProcess | None:
    try:
        told = stored_json(file.read_text())
        return WorkerProcess(told["pid"], told["started_s"], told.get("host", ""))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _age_s(file: Path) -> float:
    """How long ago ``file`` was written by the clock of its disk: those of two machines need not agree."""
    with contextlib.suppress(OSError), tempfile.NamedTemporaryFile(dir=file.parent, prefix=".now-") as now:
        return os.stat(now.name).st_mtime - file.stat().st_mtime
    with contextlib.suppress(OSError):
        return time.time() - file.stat().st_mtime
    return float("inf")
