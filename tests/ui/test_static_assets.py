"""What a page costs a browser that comes for the first time, and one that comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import gradio as gr
import httpx
from starlette.applications import Starlette

from ga2app.web.static_assets import FOLDER, asset_routes
from ga2app.web.theme import folded

T = TypeVar("T")


def run_alone(work: Coroutine[Any, Any, T]) -> T:
    """What ``work`` gives, in a thread of its own: in this one the browser of other tests keeps a loop running."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def get(path: str, encoding: str = "identity") -> httpx.Response:
    """What the studio answers to a browser that reads ``encoding``; ``content`` is unpacked."""

    async def ask() -> httpx.Response:
        served = httpx.ASGITransport(Starlette(routes=list(asset_routes())))
        async with httpx.AsyncClient(transport=served, base_url="http://studio") as browser:
            return await browser.get(path, headers={"Accept-Encoding": encoding})

    return run_alone(ask())


def test_a_script_comes_whole_compressed_where_the_browser_can_and_is_kept_for_good() -> None:
    script = min(FOLDER.glob("index-*.js"))
    plain, packed = get(f"/assets/{script.name}"), get(f"/assets/{script.name}", "br")
    assert plain.content == packed.content == script.read_bytes()
    assert "content-encoding" not in plain.headers and packed.headers["content-encoding"] == "br"
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 2
    for answer in (plain, packed):
        assert "immutable" in answer.headers["cache-control"] and answer.headers["vary"] == "Accept-Encoding"
        assert "javascript" in answer.headers["content-type"]


def test_nothing_but_gradios_files_is_given() -> None:
    for name in ("nothing.js", "%2e%2e%2findex.html", "..%2F..%2F..%2Froutes.py"):
        assert get(f"/assets/{name}").status_code == 404, name


def test_what_lies_in_a_closed_accordion_is_sent_for_when_it_is_opened() -> None:
    async def build() -> None:  # with a loop that runs, else Gradio leaves some of its own open
        with gr.Blocks() as page, folded("More"):
            with gr.Row():
                text, hidden = gr.Textbox("kept"), gr.Slider(visible=False)
            note = gr.Markdown("a note")
        assert not text.visible and not note.visible, "Gradio loads the scripts of all that is visible"
        (opening,) = page.config["dependencies"]
        assert opening["targets"][0][1] == "expand" and opening["outputs"] == [text._id, note._id]
        assert hidden._id not in opening["outputs"], "what was hidden for another reason stays hidden"

    run_alone(build())
