"""A studio with a recognizer that only pretends, for agents to call."""

from __future__ import annotations

from ga2app.web import Studio  # isort: skip  # first: Gradio without its stubs, which are half of the import

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gradio as gr
import pytest

from ga2app.paths import Home
from ga2app.web.api import build_api
from ga2app.web.mcp_agents import Tools
from tests.ui.studios import empty, make_studio


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = make_studio(Home(tmp_path / "studio"))
    empty(made)
    yield made
    made.store.close()


def tools_of(studio: Studio) -> Tools:
    """The tools over the endpoints of ``studio``; Gradio would leave an event loop behind in a thread without one."""

    async def build() -> gr.Blocks:
        with gr.Blocks(analytics_enabled=False) as page:
            build_api(studio)
        return page

    with ThreadPoolExecutor(1) as thread:
        return Tools(studio, thread.submit(asyncio.run, build()).result())


@pytest.fixture
def tools(studio: Studio) -> Tools:
    return tools_of(studio)
