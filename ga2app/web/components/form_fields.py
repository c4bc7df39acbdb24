"""Fields and buttons as the pages lay them out: by their id and label, with the settings that most of them share."""

from __future__ import annotations

from typing import Any

import gradio as gr


def line(elem_id: str, label: str, info: str | None = None, **settings: Any) -> gr.Textbox:
    """A text box of one line, unless ``settings`` say otherwise."""
    return gr.Textbox(**({"label": label, "info": info, "max_lines": 1, "elem_id": elem_id} | settings))


def tick(elem_id: str, label: str, info: str | None = None, *, on: bool = False, **settings: Any) -> gr.Checkbox:
    """A check box."""
    return gr.Checkbox(on, label=label, info=info, elem_id=elem_id, **settings)


def whole(elem_id: str, label: str, value: int | None, info: str | None = None, **settings: Any) -> gr.Number:
    """A whole number; ``settings`` may have its ``minimum`` and ``maximum``."""
    return gr.Number(value, label=label, info=info, precision=0, elem_id=elem_id, **settings)


def pick(
    elem_id: str, label: str, choices: Any, value: Any = None, info: str | None = None, **more: Any
) -> gr.Dropdown:
    """A list to choose from."""
    return gr.Dropdown(choices, value=value, label=label, info=info, elem_id=elem_id, **more)


def small(elem_id: str, text: str, **settings: Any) -> gr.Button:
    """A small button."""
    return gr.Button(text, size="sm", elem_id=elem_id, **settings)
