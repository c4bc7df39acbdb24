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


def _no_file_of_gradio(thing: Any) -> str:
    if inspect.isclass(thing) and thing.__module__.partition(".")[0] == "gradio":
        raise OSError("no stub is wanted")
    return _getfile(thing)


def _without_stubs() -> AbstractContextManager[Any]:
    return nullcontext() if "gradio" in sys.modules else patch("inspect.getfile", _no_file_of_gradio)


with _without_stubs():
    import gradio as gradio
