"""What makes a process start, and end, seconds sooner; nothing here imports more than the standard library."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_COLLECTING = gc.get_threshold()


def load_quickly() -> None:
    """Until ``loaded`` is called Python looks for garbage a hundred times less often.

    Torch and transformers make a million objects when they are imported, all of which stay: looking through them again
    and again is a sixth of the time. Garbage that holds tensors must not wait so long.
    """
    gc.set_threshold(100 * _COLLECTING[0], *_COLLECTING[1:])


def loaded() -> None:
    """What ``load_quickly`` did is over."""
    gc.set_threshold(*_COLLECTING)


def let_go() -> None:
    """To be called when a process is about to end, which takes seconds less then.

    Python else looks once more through everything that torch and Gradio have made, for what nobody needs any longer.
    """
    gc.freeze()


@contextmanager
def without(package: str) -> Iterator[None]:
    """Whatever is imported within does without ``package`` where it can, unless that is loaded already."""
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[package]
