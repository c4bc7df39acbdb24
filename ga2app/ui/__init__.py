"""The screens. They read and write the store, ask a ``RecognizerService``, and never touch the torch side."""

from ga2app.ui import quick_gradio as quick_gradio  # isort: skip  # first: everything below imports Gradio
from ga2app.ui.page import build_page
from ga2app.ui.studio import Studio

__all__ = ["Studio", "build_page"]
