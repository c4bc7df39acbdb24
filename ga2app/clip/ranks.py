"""One run on several processes: the place of this one among them, its part of the work, what they tell each other.

torchrun, or whatever else sets the variables of torch.distributed, starts the processes; ``joined`` makes this one a
rank. Within it all of them go through the same program and meet in collectives, which all must reach in the same order:
so a function that shares its work calls them as often on a rank that has nothing to do. A fault of one is everyone's:
it leaves, its peers find its connection closed in the next collective, and one of them tells why. No signal stops a
rank alone: to stop is agreed on (``any``). Alone, every method gives back what it was given, so callers need no cases.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.rendezvous import rendezvous

from ga2app.environment import launched_processes
from ga2app.errors import ConfigError, ErrorCode, Fault, TrainingError

Value = TypeVar("Value")

PATIENCE = timedelta(minutes=30)
"""How long a rank waits for its peers: longer than a batch of clips takes on the slowest disk. One that dies is seen at
once; this is for one that hangs."""
_TOLD = "ga2app/told"
_PARENT_CHECK_S = 0.5
_GRACE_S = 5.0


@dataclass(frozen=True)
class Ranks:
    """This process among the ``count`` of a run: ``rank`` from 0, ``local`` its number on its own machine."""

    rank: int = 0
    count: int = 1
    local: int = 0

    @property
    def first(self) -> bool:
        """Whether this is the one that writes: events, checkpoints, the bundle."""
        return self.rank == 0

    def device(self, asked: str) -> str:
        """The device of this rank: one CUDA device each where ``asked`` leaves open which."""
        several = self.count > 1 and asked in ("auto", "cuda") and torch.cuda.is_available()
        return f"cuda:{self.local}" if several else asked

    def part(self, items: int, *, late: bool = False) -> slice:
        """The places of this rank's share of ``items``, all shares in order; ``late``: the last ranks take the rest.

        Empty where there are fewer items than ranks.
        """
        ends = [0, *accumulate(self._sizes(items, late))]
        return slice(ends[self.rank], ends[self.rank + 1])

    def most(self, items: int) -> int:
        """How many of ``items`` the largest share has."""
        return -(-items // self.count)

    def gather(self, own: Tensor, items: int, *, late: bool = False) -> Tensor:
        """The rows (``items``, …) of all ranks in order, without a graph; ``own`` are those of ``part(items)``.

        They travel in float32, which holds every value of the coarser types.
        """
        if self.count == 1 or not items:
            return own.detach()
        sizes = self._sizes(items, late)
        padded = own.new_zeros(max(sizes), *own.shape[1:], dtype=torch.float32)
        padded[: len(own)] = own.detach()
        parts = [torch.empty_like(padded) for _ in sizes]
        with self._peers():
            dist.all_gather(parts, padded)
        return torch.cat([part[:size] for part, size in zip(parts, sizes, strict=True)]).to(own.dtype)

    def add_up(self, summed: Sequence[Tensor], once: Sequence[Tensor]) -> None:
        """Replace ``summed`` by their sums over all ranks and ``once`` by the values of rank 0, in one collective.

        All ranks hold the same bits afterwards.
        """
        if self.count == 1:
            return
        buffer = torch.cat(
            [
                *(one.detach().flatten().float() for one in summed),
                *((one.detach() if self.first else torch.zeros_like(one)).flatten().float() for one in once),
            ]
        )
        with self._peers():
            dist.all_reduce(buffer)
        tensors = [*summed, *once]
        for one, values in zip(tensors, torch.split(buffer, [one.numel() for one in tensors]), strict=True):
            one.detach().copy_(values.view_as(one))

    def any(self, flag: bool) -> bool:
        """Whether ``flag`` is set on any rank. Travels over the processor: no GPU is waited for."""
        if self.count == 1:
            return flag
        flags = torch.tensor([int(flag)])
        with self._peers():
            dist.all_reduce(flags, dist.ReduceOp.MAX)
        return bool(flags.item())

    def everyones(self, own: Sequence[Value]) -> list[Value]:
        """What all ranks hold, those of the first one first."""
        if self.count == 1:
            return list(own)
        held: list[Any] = [None] * self.count
        with self._peers():
            dist.all_gather_object(held, list(own))
        return [one for values in held for one in values]

    def from_first(self, make: Callable[[], Value]) -> Value:
        """What ``make`` gives on rank 0, which alone calls it. Its error ends all."""
        if self.count == 1:
            return make()
        held = [make() if self.first else None]
        with self._peers():
            dist.broadcast_object_list(held, src=0, device=torch.device("cpu"))
        return held[0]  # type: ignore[return-value]

    @contextmanager
    def file(self, path: Path) -> Iterator[Path | None]:
        """Rank 0's file ``path``, which other machines may not have; None where there is none."""
        if self.count == 1:
            yield path if path.exists() else None
            return
        content = self.from_first(lambda: path.read_bytes() if path.exists() else None)
        if self.first or content is None:
            yield None if content is None else path
            return
        with TemporaryDirectory() as folder:
            copy = Path(folder) / path.name
            copy.write_bytes(content)
            yield copy

    def agree_on(self, what: str, own: object) -> None:
        """Raises TrainingError unless ``own`` reads the same on all ranks."""
        if len(set(self.everyones([repr(own)]))) > 1:
            raise TrainingError(
                f"the {self.count} processes of this run were not given the same {what}; start all with one command, "
                "and with the same files on each machine"
            )

    def _sizes(self, items: int, late: bool) -> list[int]:
        each, rest = divmod(items, self.count)
        sizes = [each + (rank < rest) for rank in range(self.count)]
        return sizes[::-1] if late else sizes

    @contextmanager
    def _peers(self) -> Iterator[None]:
        """A collective. Raises TrainingError where another rank is gone or did not come."""
        try:
            yield
        except RuntimeError as exc:
            raise TrainingError(
                f"another of the {self.count} processes of this run has ended before its time, most likely because "
                "memory ran out; lower the batch size or the number of frames, or take fewer processes",
                code=ErrorCode.WORKER_DIED,
            ) from exc


_ALONE = Ranks()
_current: ContextVar[Ranks] = ContextVar("the place of this process", default=_ALONE)


def current() -> Ranks:
    """The place of this process in the run that goes on here; alone unless ``joined``."""
    return _current.get()


@contextmanager
def joined(device: str = "auto") -> Iterator[Ranks]:
    """This process as one of those that were launched together, in a run on ``device``.

    An error that leaves the block on one rank ends all: it is raised where it came up first, so that it is told once.
    The others leave in silence with status 1, and not at once: torchrun ends all as soon as one has failed, and the
    first shall have said why. Raises ConfigError where there are more processes than CUDA devices.
    """
    _end_with_parent()
    number = os.environ.get
    group = Ranks(int(os.environ["RANK"]), launched_processes(), int(number("LOCAL_RANK", "0")))
    backend, cuda = "gloo", device in ("auto", "cuda") and torch.cuda.is_available()
    if cuda:
        here, devices = int(number("LOCAL_WORLD_SIZE", str(group.count))), torch.cuda.device_count()
        if here > devices:
            rule = f"must be at most {devices}, the CUDA devices here (it is {here}); or choose device cpu"
            raise ConfigError([Fault("processes", rule)], code=ErrorCode.DEVICE_UNUSABLE)
        backend = "cpu:gloo,cuda:nccl" if dist.is_nccl_available() else "gloo"
    store, rank, count = next(rendezvous("env://", timeout=PATIENCE))
    dist.init_process_group(backend, store=store, rank=rank, world_size=count, timeout=PATIENCE)
    token, elsewhere = _current.set(group), None
    try:
        yield group
    except Exception as exc:
        if _comes_first(store, group):
            raise
        elsewhere = exc
    finally:
        _current.reset(token)
        dist.destroy_process_group()
    if elsewhere is not None:
        time.sleep(_GRACE_S)
        raise SystemExit(1) from elsewhere


def _comes_first(store: Any, group: Ranks) -> bool:
    try:
        return int(store.add(_TOLD, 1)) == 1
    except RuntimeError:  # the launcher, who keeps it, is gone
        return group.first


def _end_with_parent() -> None:
    """No rank outlives its launcher, even one that was killed."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_PARENT_CHECK_S)
        os._exit(1)

    threading.Thread(target=watch, name="watches its parent", daemon=True).start()
