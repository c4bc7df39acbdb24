"""The page of data sets without a browser: its components, and the handlers of what is pressed."""

from __future__ import annotations

import gradio as gr
import pytest

from ga2app.web import Studio
from ga2app.web.pages.datasets.dataset_handlers import Handlers
from ga2app.web.pages.datasets.datasets_page import Parts
from tests.space.hosting import finish


@pytest.fixture
def parts(studio: Studio) -> Parts:
    async def build() -> Parts:
        """In an event loop: without one Gradio makes its own, and leaves it open."""
        with gr.Blocks():
            return Parts(studio)

    return finish(build())


@pytest.fixture
def page(studio: Studio, parts: Parts) -> Handlers:
    return Handlers(studio, parts)
