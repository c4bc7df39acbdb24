"""The stand-in for the Hub's package, loaded in this process as on ZeroGPU hardware, and what its calls were."""

from __future__ import annotations

import importlib.util
import json
import multiprocessing
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest
import torch

from .hosting import STAND_IN


@contextmanager
def zero_gpu(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The package, which makes this process believe that it has CUDA until the block ends; its log is in ``folder``.

    The processes that it lends to end with the block: a fork holds whatever is open here, and a Chromium whose pipe is
    held could never be closed.
    """
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    monkeypatch.setenv("STAND_IN_LOG", str(folder / "calls.jsonl"))
    monkeypatch.setenv("STAND_IN_REFUSE", str(folder / "no-gpu"))
    before = torch.cuda.is_available, torch.cuda.device_count
    running = multiprocessing.active_children()
    place = STAND_IN / "spaces" / "__init__.py"
    spec = importlib.util.spec_from_file_location("stand_in_spaces", place)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    try:
        yield module
    finally:
        torch.cuda.is_available, torch.cuda.device_count = before
        for lent in multiprocessing.active_children():
            if lent not in running:
                lent.kill()
                lent.join()


def calls(folder: Path) -> list[dict[str, object]]:
    """The calls for which a GPU was lent."""
    log = folder / "calls.jsonl"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
