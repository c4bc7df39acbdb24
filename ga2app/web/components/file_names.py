"""Gradio's list of files, so that it knows what the files were called before they were uploaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import FileData, ListFiles

from ga2app.services.uploads import Upload, given_name


def with_names(files: gr.File) -> gr.File:
    """``files``, a list of files, so that what it hands out and takes back keeps the names from before the upload."""
    draw = files.postprocess

    def read(payload: ListFiles | FileData | None) -> list[str] | None:
        if payload is None:
            return None
        several = payload.root if isinstance(payload, ListFiles) else [payload]
        return [Upload(file.path, file.orig_name or Path(file.path).name) for file in several]

    def drawn(value: list[str] | None) -> ListFiles | FileData | None:
        shown = draw(value)
        if value is not None and isinstance(shown, ListFiles):
            for file, data in zip(value, shown.root, strict=True):
                data.orig_name = given_name(file)
        return shown

    made: Any = files
    made.preprocess, made.postprocess = read, drawn
    return files
