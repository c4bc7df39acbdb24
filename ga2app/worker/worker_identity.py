"""Who a worker is, whether it lives, and how many a machine has room for.

A process is known by its number and its start time: numbers alone are given out again. Those of another machine, or of
another container, mean nothing here: it is judged by its heartbeat, which is the time of the file that names it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path

from ga2app.environment import host_identity, repeating, usable_cores
from ga2app.errors import ConfigError, Fault
from ga2app.paths import write_whole
from ga2app.untrusted import stored_json

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


REMOTE = "hf-jobs"
"""Device of the workers that do not train themselves: each follows a run on a machine of Hugging Face."""

MOST_REMOTE = 4
"""Runs on machines of others that are followed at once; the next waits."""

_GPU_FILES = ("nvidia*", "nvhost*", "kfd", "dxg")
"""What /dev holds where there may be a GPU: without, torch need not be loaded to know that there is none."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that every door of the workers takes."""
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="runs at once (default: one on each CUDA device, else one; several on a processor share its cores)",
    )
    parser.add_argument("--once", action="store_true", help="leave when the queue is empty")
    parser.add_argument(
        "--idle-exit", type=float, default=float("inf"), metavar="S", help="leave after S seconds without a run"
    )


@dataclass(frozen=True)
class WorkerSlot:
    """Room for one worker: the device that it trains on, and its number among the workers of that device.

    ``threads`` is its share of the processor; 0 leaves that to torch.
    """

    device: str = "cpu"
    number: int = 0
    threads: int = 0

    @property
    def name(self) -> str:
        """Names its files: ``cpu``, ``cpu-1``, ``cuda-0``."""
        return self.device.replace(":", "-") + (f"-{self.number}" if self.number else "")

    @property
    def remote(self) -> bool:
        """Whether its worker follows runs on machines of others."""
        return self.device == REMOTE

    def environment(self) -> dict[str, str]:
        """What the worker's process needs to have in its environment before torch is loaded."""
        own = {} if self.remote else {"GA2_DEVICE": self.device}
        return own | ({"OMP_NUM_THREADS": str(self.threads)} if self.threads else {})

    def options(self) -> Iterator[str]:
        """As the worker's command line takes it."""
        yield from ("--slot", self.device, str(self.number), str(self.threads))


def plan_slots(workers: int | None = None) -> tuple[WorkerSlot, ...]:
    """A slot for each of ``workers``, by default one for each device. Loads torch where there may be a GPU.

    On a processor they share its cores. Raises ConfigError for more workers than there is room for.
    """
    return slots_on(devices(), usable_cores(), workers)


def slots_on(found: tuple[str, ...], cores: int, workers: int | None) -> tuple[WorkerSlot, ...]:
    """``plan_slots`` on a machine with the devices ``found`` and that many cores."""
    if workers is not None and workers < 1:
        raise ConfigError([Fault("workers", f"must be at least 1 (it is {workers})")])
    if found == ("cpu",):
        count = workers or 1
        if count > cores:
            raise ConfigError([Fault("workers", f"each needs a core of its own: give at most {cores} (it is {count})")])
        # One alone is left what torch takes by itself, as a training on the command line.
        return tuple(WorkerSlot("cpu", number, cores // count if count > 1 else 0) for number in range(count))
    if workers and workers > len(found):
        rule = f"each needs a device of its own, and there are {len(found)} ({', '.join(found)}): give at most as many"
        raise ConfigError([Fault("workers", f"{rule} (it is {workers})")])
    return tuple(map(WorkerSlot, found[:workers]))


def remote_slots(count: int) -> tuple[WorkerSlot, ...]:
    """Slots for the workers that follow ``count`` runs on machines of others."""
    return tuple(WorkerSlot(REMOTE, number) for number in range(min(count, MOST_REMOTE)))


def devices() -> tuple[str, ...]:
    """The devices that can train side by side: every CUDA device, or else the one that ``auto`` takes."""
    if sys.platform == "linux" and not any(next(Path("/dev").glob(name), None) for name in _GPU_FILES):
        return ("cpu",)
    from ga2app.clip.compute import devices

    return devices()
