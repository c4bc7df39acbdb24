"""What the endpoints share: faults in the studio's own words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import gradio as gr

from ga2app.errors import StudioError


@contextmanager
def told() -> Iterator[None]:
    """Whatever StudioError the block raises reaches the caller as its text."""
    try:
        yield
    except StudioError as exc:
        raise gr.Error(str(exc), print_exception=False) from exc
