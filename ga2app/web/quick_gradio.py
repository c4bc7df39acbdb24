"""Loads Gradio without its stubs for editors: to look through them is half of its import.

For each component class Gradio renders a stub (``.pyi``) and compares it with the file that it was installed with,
whenever it is imported. It leaves out a class whose source file ``inspect`` cannot name, which is how this spares it.
"""

from __future__ import annotations

import inspect
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from unittest.mock import patch

_getfile = inspect.getfile


def _no_file(thing: Any) -> str:
    if inspect.isclass(thing) and thing.__module__.partition(".")[0] in ("gradio", "ga2app"):
        raise OSError("no stub is wanted")
    return _getfile(thing)


def without_stubs() -> AbstractContextManager[Any]:
    """Classes of components that are made herein get no stub: ours would have one written beside their file."""
    return patch("inspect.getfile", _no_file)


with nullcontext() if "gradio" in sys.modules else without_stubs():
    import gradio as gradio
