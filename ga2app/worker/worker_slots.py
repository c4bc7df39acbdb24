"""The workers that a machine has room for: one for each CUDA device, or as many on the processor as are asked for."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ga2app.environment import usable_cores
from ga2app.errors import ConfigError, Fault

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
