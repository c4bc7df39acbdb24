"""Gradio asks every Space's package for a server that reloads edited code; this one has nothing to reload."""

from __future__ import annotations

import threading
from collections.abc import Callable


def start_reload_server(prerun: Callable[[], object], postrun: Callable[[], bool], stop_event: threading.Event) -> None:
    """Return at once."""
