"""Faults around a run: told in one line, waited out where they pass, tidied up after where a process was killed."""

from __future__ import annotations

import gc
import logging
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout

from ga2app.disk import drop_unfinished
from ga2app.errors import ErrorCode, StoreError, StudioError, code_of

PATIENCE_S = 600.0
"""So long what a run came to is held until the database can be written: a lock or a full disk may pass."""
RETRY_S = 2.0

_PASSING = (ErrorCode.DATABASE_BUSY, ErrorCode.DISK_FULL)
_UNFINISHED = re.compile(r"\.(run-\d+)\.(?:new|old)-.+")
_log = logging.getLogger(__name__)
Value = TypeVar("Value")


def passes(exc: StoreError) -> bool:
    """Whether the database may well be usable again in a while: it is locked, or its disk is full."""
    return code_of(exc) in _PASSING


def patiently(call: Callable[[], Value], hurried: Callable[[], bool] = lambda: False) -> Value:
    """What ``call`` gives, once the database lets it. Raises StoreError if that takes too long, or if ``hurried``."""
    began_s, said = time.monotonic(), False
    while True:
        try:
            return call()
        except StoreError as exc:
            if not passes(exc) or hurried() or time.monotonic() - began_s > PATIENCE_S:
                raise
            if not said:
                _log.warning("%s; trying again for %.0f minutes", exc, PATIENCE_S / 60)
            said = True
            time.sleep(RETRY_S)


def explain(exc: Exception) -> str:
    """Why a run failed, in one line; what to do about it where that is known."""
    text = " ".join(str(exc).split())
    if isinstance(exc, StudioError):
        return text
    if code_of(exc) is ErrorCode.OUT_OF_MEMORY:
        return "there was not enough memory; lower the batch size or the number of frames and retry"
    if code_of(exc) is ErrorCode.GPU_FAULT:
        said = str(exc).strip().splitlines()[0]  # torch goes on with advice for whoever debugs a kernel
        return (
            f"the GPU failed while it computed ({said}); resume: it goes on from the checkpoint, in a new process. "
            "If it fails again, lower the batch size or the number of frames"
        )
    if code_of(exc) is ErrorCode.DISK_FULL:
        return f"disk full ({text}); free some space and resume: it goes on from the last checkpoint"
    return f"{type(exc).__name__}: {text}; this is a fault of the program, the log has the details"


def spoils_gpu(exc: BaseException | None) -> bool:
    """Whether this process can compute no more on its GPU: after a fault there all that follows fails, too."""
    while exc is not None:
        if type(exc).__name__ == "AcceleratorError" or code_of(exc) is ErrorCode.GPU_FAULT:
            return True
        exc = exc.__cause__ or exc.__context__
    return False


def free_memory() -> None:
    """Give back what a run that ran out of memory still holds: the next one starts with what there is."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


def sweep_unfinished(bundles: Path) -> None:
    """Delete what killed workers have left of the bundles of runs that they were writing, and nobody writes now."""
    found = [_UNFINISHED.fullmatch(path.name) for path in bundles.glob(".run-*")]
    for name in {match[1] for match in found if match}:
        lock = FileLock(bundles / f".{name}.lock", timeout=0)
        try:
            with lock:  # as ga2app.training holds it while it writes
                drop_unfinished(bundles / name)
                (bundles / f".{name}.lock").unlink(missing_ok=True)
        except (Timeout, OSError) as exc:
            _log.info("what is left of '%s' stays: %s", name, exc)
