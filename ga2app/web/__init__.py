"""The screens. They read and write the store, call the services, and never touch the torch side."""

from ga2app.web import quick_gradio as quick_gradio  # isort: skip  # first: everything below imports Gradio
from ga2app.services.studio import Studio
from ga2app.web.studio_pages import build_page

__all__ = ["Studio", "build_page"]
