"""Device, precision and attention, settled once and passed down."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ga2app.config import Precision
from ga2app.errors import ConfigError, ErrorCode, Fault

CUBLAS_WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"
"""Environment variable without which cuBLAS may add up in another order each time. Read once, when it is first used."""

OWN_DEVICE = "GA2_DEVICE"
"""Environment variable: the device that ``auto`` means in this process, and of several CUDA devices ``cuda``."""

NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")
"""Linux shows the driver of an NVIDIA GPU there, whether or not torch can use it."""

_only_lent = False
_lent: ContextVar[bool] = ContextVar("whether a GPU is lent", default=False)


@dataclass(frozen=True)
class Compute:
    """Where and how tensors are computed. ``dtype`` is that of the matrix products; weights stay float32.

    ``threads`` of a processor compute; 0 are as many as torch takes.
    """

    device: torch.device
    dtype: torch.dtype
    threads: int = 0

    @property
    def attention(self) -> str:
        """Name of the attention for ``transformers``.

        Under bfloat16 on a CPU the plain matmul-softmax form is the faster one for CLIP's short sequences.
        """
        return "eager" if self.device.type == "cpu" and self.dtype == torch.bfloat16 else "sdpa"

    @property
    def precision(self) -> Precision:
        return Precision(str(self.dtype).removeprefix("torch."))

    @contextmanager
    def autocast(self) -> Iterator[None]:
        """Context in which the towers run."""
        cast: AbstractContextManager[object] = nullcontext()
        if self.dtype != torch.float32:
            cast = torch.autocast(self.device.type, dtype=self.dtype)
        with self._own_threads(), cast:
            yield

    @contextmanager
    def _own_threads(self) -> Iterator[None]:
        before = torch.get_num_threads()
        if not self.threads or self.threads == before:
            yield
            return
        torch.set_num_threads(self.threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)

    @contextmanager
    def repeatable(self) -> Iterator[None]:
        """Context in which the same computation on this machine, with as many threads, gives the same bits again.

        MPS makes no such promise. A CUDA device keeps it where cuBLAS was told so in time: ``settle`` sees to it,
        unless the program has used the device before.
        """
        if self.device.type == "mps":
            yield
            return
        threads = torch.get_num_threads()
        # Once a number is set, MKL may no longer take fewer of them, and so add up in another order.
        torch.set_num_threads(self.threads or threads)
        before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
        memory: Any = torch.utils.deterministic
        filling = memory.fill_uninitialized_memory
        late = self.device.type == "cuda" and CUBLAS_WORKSPACE not in os.environ
        torch.use_deterministic_algorithms(True, warn_only=late)
        memory.fill_uninitialized_memory = False  # It costs time, and nothing here reads such memory.
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(before[0], warn_only=before[1])
            memory.fill_uninitialized_memory = filling
            torch.set_num_threads(threads)


def only_lent() -> None:
    """From now on this process has a GPU only within ``lent``, whatever CUDA says: so on ZeroGPU hardware."""
    global _only_lent
    _only_lent = True


@contextmanager
def lent() -> Iterator[None]:
    """Context of a call for which a GPU is lent. Threads that the call starts have to enter it, too."""
    token = _lent.set(True)
    try:
        yield
    finally:
        _lent.reset(token)


def settle(device: str = "auto", precision: Precision | str = Precision.AUTO) -> Compute:
    """The device and precision to use; raises ConfigError naming the field that this machine cannot serve."""
    chosen = _named(device)
    if chosen.type == "cuda":
        count = torch.cuda.device_count()
        if (chosen.index or 0) >= count:
            raise _unusable("device", f"'{chosen}' is not here: {count} CUDA devices; choose auto or cpu")
        if not torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
            os.environ.setdefault(CUBLAS_WORKSPACE, ":4096:8")
        if chosen.index is not None:  # or what asks for no device by name would take memory of the first
            torch.cuda.set_device(chosen)
    if chosen.type == "mps" and not torch.backends.mps.is_available():
        raise _unusable("device", "'mps' is not available here; choose auto or cpu")
    wanted = Precision(precision)
    if wanted is Precision.FLOAT16 and chosen.type != "cuda":
        rule = f"'float16' is for CUDA devices and this is {chosen.type}; choose auto, float32 or bfloat16"
        raise _unusable("precision", rule)
    if wanted is Precision.AUTO:
        wanted = Precision.BFLOAT16 if _native_bfloat16(chosen) else Precision.FLOAT32
    return Compute(chosen, getattr(torch, wanted.value))


def devices() -> tuple[str, ...]:
    """The devices that can train side by side: every CUDA device, or else the one that ``auto`` takes."""
    return tuple(f"cuda:{number}" for number in range(torch.cuda.device_count())) or (_first_device(),)


def _named(device: str) -> torch.device:
    """The device that is meant by ``device`` in this process. Raises ConfigError for what is no device."""
    own = "" if _only_lent else os.environ.get(OWN_DEVICE, "")
    if device == "auto":
        device = own or _first_device()
    elif own and device == own.partition(":")[0]:
        device = own
    try:
        return torch.device(device)
    except RuntimeError as exc:
        raise _unusable("device", f"'{device}' is no device; choose auto, cpu, cuda, cuda:N or mps") from exc


def _unusable(field: str, rule: str) -> ConfigError:
    return ConfigError([Fault(field, rule)], code=ErrorCode.DEVICE_UNUSABLE)


def unused_gpu() -> str | None:
    """Why torch cannot use the NVIDIA GPU of this machine, in its own words; None where it can, or there is none."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        if torch.cuda.is_available():
            return None
    if told:
        return " ".join(str(told[0].message).split())
    if torch.version.cuda is None and torch.version.hip is None and NVIDIA_DRIVER.exists():
        return f"this torch ({torch.__version__}) was built for processors alone; install its CUDA build"
    return None


def _first_device() -> str:
    if _only_lent and not _lent.get():
        return "cpu"
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _native_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return False
