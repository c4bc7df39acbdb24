"""Gradio's list of files, so that it knows what the files were called before they were uploaded."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
from gradio.data_classes import FileData, ListFiles

from ga2app.services.uploads import Upload, given_name
from ga2app.web.quick_gradio import without_stubs

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
