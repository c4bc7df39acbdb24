"""What a page costs a browser that comes for the first time, and one that comes back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import gradio as gr
import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse
from starlette.routing import Route

from ga2app.web.page_head import PageHead, as_gradio_writes_it, page_heads
from ga2app.web.static_assets import FOLDER, asset_routes
from ga2app.web.theme import folded

T = TypeVar("T")
SHEET = b".best { font-weight: 600; }"
PAGE = "<head><script>window.gradio_config = {};</script></head><body><gradio-app></gradio-app></body>"


def run_alone(work: Coroutine[Any, Any, T]) -> T:
    """What ``work`` gives, in a thread of its own: in this one the browser of other tests keeps a loop running."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def get(path: str, encoding: str = "identity") -> httpx.Response:
    """What the studio answers to a browser that reads ``encoding``; ``content`` is unpacked."""

    async def ask() -> httpx.Response:
        served = httpx.ASGITransport(Starlette(routes=asset_routes(SHEET)[0]))
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


def test_the_studios_sheet_is_a_file_that_changes_its_name_with_its_content() -> None:
    (_, one), (_, other) = asset_routes(SHEET), asset_routes(SHEET + b" ")
    answer = get(f"/assets/{one}")
    assert answer.content == SHEET and one != other and get(f"/assets/{other}").status_code == 404
    assert "css" in answer.headers["content-type"] and "immutable" in answer.headers["cache-control"]


def test_each_rule_counts_for_what_lies_in_the_apps_frame_as_if_gradio_had_written_it() -> None:
    frame = f".gradio-container.gradio-container-{gr.__version__.replace('.', '-')} .contain"
    sheet = "/* a note */ .a, .b { top: 0 } .dark .a { top: 1px } @media print { .a { top: 2px } }"
    sheet += "@keyframes k { to { top: 0 } }"
    rules = " ".join(as_gradio_writes_it(sheet).split())
    assert "note" not in rules and rules.count("@keyframes") == 1
    for rule in (
        ".a, .b { top: 0 }",
        f"{frame} .a, {frame} .b{{ top: 0 }}",
        f".dark {frame} .a{{ top: 1px }}",
        f"@media print{{ {frame} .a{{ top: 2px }}}}",
    ):
        assert rule in rules, rule


def test_a_page_names_from_the_start_what_it_shows_and_nothing_else() -> None:
    async def build() -> bytes:
        with gr.Blocks() as page:
            gr.Textbox()
            with gr.Column(visible=False):
                gr.Slider()
        return page_heads(page.config, FOLDER, "studio.css")[""]

    named = re.findall(r'href="\./assets/([^"]+)"', run_alone(build()).decode())
    assert named[0] == "studio.css" and all((FOLDER / name).is_file() for name in named[1:])
    texts = {name: (FOLDER / name).read_text(encoding="utf-8") for name in named[1:] if name.endswith(".js")}
    assert any("<textarea" in text for text in texts.values()) and not any(
        "type=range" in one for one in texts.values()
    )


def test_links_go_into_pages_alone_and_the_length_is_told_anew() -> None:
    with_head = Middleware(PageHead, build_empty(), FOLDER, "studio.css")
    answers = {"/": PAGE, "/other": PAGE}
    routes = [Route(path, lambda request: HTMLResponse(answers[request.url.path])) for path in answers]

    async def ask(path: str) -> httpx.Response:
        served = httpx.ASGITransport(Starlette(routes=routes, middleware=[with_head]))
        async with httpx.AsyncClient(transport=served, base_url="http://studio") as browser:
            return await browser.get(path)

    page, other = run_alone(ask("/")), run_alone(ask("/other"))
    assert other.text == PAGE and int(page.headers["content-length"]) == len(page.content)
    head, _, body = page.text.partition("</head>")
    assert "modulepreload" in head and 'rel="stylesheet"' in body.partition("<gradio-app")[0]


def build_empty() -> gr.Blocks:
    async def build() -> gr.Blocks:
        with gr.Blocks() as page:
            gr.Button()
        return page

    return run_alone(build())
