"""The list of backbones on each screen that names one: those that are here, and on one's own machine any folder."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ga2app.config import SKETCH
from ga2app.errors import BackboneError
from ga2app.services.studio import Studio

SKETCH_HINT = "The sketch backbone knows drawings only. For filmed clips choose a real CLIP."
FETCH_HINT = "Train fetches one from the Hub."
FOLDER_HINT = "Or type the path of a folder that transformers saved."


def backbone_field(studio: Studio, value: str, info: str, elem_id: str, **settings: Any) -> gr.Dropdown:
    """A list of backbones in which ``value`` is chosen; where a person may name files, a folder may be typed."""
    return gr.Dropdown(
        choices(studio),
        value=value,
        label="Backbone",
        info=info,
        elem_id=elem_id,
        allow_custom_value=studio.server_paths,
        **settings,
    )


def choices(studio: Studio) -> list[tuple[str, str]]:
    """Titles and names of the backbones that can be used now."""
    return [(choice.title, choice.name) for choice in studio.backbones()]


def backbone_info(name: str, studio: Studio | None = None) -> str:
    """What is said under a list of backbones about the chosen one."""
    hint = SKETCH_HINT if name == SKETCH else "The CLIP that looks at the clip and reads the labels."
    if studio is None or not studio.server_paths:
        return hint
    return f"{hint} {FETCH_HINT} {FOLDER_HINT}" if name == SKETCH else f"{hint} {FOLDER_HINT}"


def settle_choice(studio: Studio, typed: str | None, info: str) -> tuple[Any, str]:
    """What choosing or typing a backbone does to its list, and what is wrong with what was typed.

    A folder that can be used stands in the list from now on, by its whole path. ``info`` is said under the list where
    there is nothing wrong; what is wrong stands there, too, and what was typed stays.
    """
    listed = [value for _, value in choices(studio)]
    if typed in listed:
        return gr.update(info=info), ""
    try:
        name = studio.known_backbone(typed)
    except BackboneError as exc:
        return gr.update(info=f"This cannot be used: {exc}"), str(exc)
    return gr.update(choices=choices(studio), value=name, info=info), ""
