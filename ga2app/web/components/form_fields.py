"""Fields and buttons as the pages lay them out, with the settings that most share; and the list of backbones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import FileData, ListFiles

from ga2app.config import SKETCH
from ga2app.errors import BackboneError
from ga2app.services.studio import Studio
from ga2app.services.uploads import Upload, given_name
from ga2app.web.quick_gradio import without_stubs


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


with without_stubs():

    class NamedFiles(gr.File):
        """Several files: what it hands out and takes back keeps the names from before the upload.

        A class, and not a component with other methods: Gradio makes the component anew, from its class, in a session
        in which any event has told to leave it as it is.
        """

        is_template = True  # in the browser it is a gr.File

        def preprocess(self, payload: ListFiles | FileData | None) -> list[str] | None:
            """The paths of the files, each an ``Upload``."""
            if payload is None:
                return None
            several = payload.root if isinstance(payload, ListFiles) else [payload]
            return [Upload(file.path, file.orig_name or Path(file.path).name) for file in several]

        def postprocess(self, value: str | list[str] | None) -> ListFiles | FileData | None:
            """What the browser shows, under the given names."""
            shown = super().postprocess(value)
            if isinstance(value, list) and isinstance(shown, ListFiles):
                for file, data in zip(value, shown.root, strict=True):
                    data.orig_name = given_name(file)
            return shown


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
