"""What a page costs a browser that comes for the first time, and one that comes back."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import gradio as gr
import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from ga2app.web import Studio, build_page
from ga2app.web.page_head import PageFiles, PageHead, as_gradio_writes_it
from ga2app.web.static_assets import FOLDER, asset_routes
from ga2app.web.theme import folded

T = TypeVar("T")
OWN = {"studio-1.css": b".best { font-weight: 600; }"}
PAGE = """<head><script>window.gradio_config = CONFIG;</script>
<link rel="stylesheet" crossorigin href="./assets/index-1.css"></head><body><gradio-app></gradio-app></body>"""


def run_alone(work: Coroutine[Any, Any, T]) -> T:
    """What ``work`` gives, in a thread of its own: in this one the browser of other tests keeps a loop running."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def built(studio: Studio) -> gr.Blocks:
    """All pages, built with a loop that runs: else Gradio leaves some of its own open."""

    async def page() -> gr.Blocks:
        return build_page(studio)

    return run_alone(page())


def get(path: str, encoding: str = "identity") -> httpx.Response:
    """What the studio answers to a browser that reads ``encoding``; ``content`` is unpacked."""

    async def ask() -> httpx.Response:
        served = httpx.ASGITransport(Starlette(routes=asset_routes(lambda: OWN)))
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


def test_the_studios_own_files_are_given_and_kept_for_good_like_gradios() -> None:
    answer = get("/assets/studio-1.css", "br")
    assert answer.content == OWN["studio-1.css"] and get("/assets/studio-2.css").status_code == 404
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


def made(build: Callable[[], object]) -> gr.Blocks:
    """An app of what ``build`` makes, with a loop that runs, else Gradio leaves some of its own open."""

    async def app() -> gr.Blocks:
        with gr.Blocks() as page:
            build()
        return page

    return run_alone(app())


def files_of(page: gr.Blocks, style: str = ".best { top: 0 }", script: str = "") -> PageFiles:
    return PageFiles(page, FOLDER, style, script)


def settings_of(page: gr.Blocks) -> dict[str, Any]:
    """The settings of the only page of ``page``, as Gradio sends them."""
    return {**page.config, "current_page": ""}


def test_a_page_names_from_the_start_what_it_may_show_and_nothing_else() -> None:
    def build() -> None:
        with gr.Column(visible=False):
            gr.Textbox()
            gr.Slider(visible=False)

    files = files_of(made(build))
    named = re.findall(r'\./assets/([^"]+)"', files.head("").decode())
    assert {*files.own} <= {*named} and len(set(named)) == len(named)
    texts = [(FOLDER / name).read_text(encoding="utf-8") for name in named if name not in files.own]
    assert any("<textarea" in text for text in texts) and not any("type=range" in one for one in texts)


def test_all_styles_are_one_file_which_says_that_gradios_are_there_and_is_named_by_its_content() -> None:
    page = made(gr.Slider)
    files, others = files_of(page), files_of(page, ".best { top: 1px }")
    (name, sheet), told = files.sheet, files.script[1].decode()
    assert name != others.sheet[0] and b".best { top: 0 }" in sheet and b"input[type=range]" in sheet
    (sheets,) = re.findall(r"for \(const name of (\[.*?\])\)", told)
    for one in json.loads(sheets)[:-1]:
        assert (FOLDER / one.removeprefix("assets/")).read_bytes() in sheet, one


def test_a_pages_settings_hold_nothing_that_no_script_reads_nor_what_other_pages_show() -> None:
    page = made(lambda: [gr.Textbox("kept", label="Said", lines=3), gr.HTML("<b>x</b>")])
    settings = settings_of(page) | {"page": {"": page.config["page"][""], "other": {}}}
    lean = files_of(page).lean(settings)
    before, text = (next(x for x in one["components"] if x["type"] == "textbox") for one in (settings, lean))
    assert (text["props"]["value"], text["props"]["label"], text["props"]["lines"]) == ("kept", "Said", 3)
    assert "api_info_as_output" in before and "api_info_as_output" not in text
    assert [*lean["page"]] == [""]


def test_what_a_component_runs_is_in_the_file_under_the_name_that_its_settings_call() -> None:
    long = "element.textContent = `${1 + 1} 'and' \"more\"`;" + " // said at length" * 9
    page = made(lambda: [gr.HTML(js_on_load=one) for one in (long, "trigger('click');", None)])
    files = files_of(page, script="// first of all")
    first, second, third = (
        one["props"].get("js_on_load") for one in files.lean(settings_of(page))["components"] if one["type"] == "html"
    )
    called = re.fullmatch(r"ga2Load\.(\w+)\(element, trigger, props, server, upload, watch\)", first)
    script = files.script[1].decode()
    assert called and f"{called[1]}(element, trigger, props, server, upload, watch) {{\n{long}\n}}" in script
    assert (second, third) == ("trigger('click');", None) and script.startswith("// first of all")


def test_pages_alone_are_changed_and_made_once_for_all_who_ask_under_one_name() -> None:
    page = made(lambda: gr.HTML("</script><b>'"))
    text = json.dumps(settings_of(page)).replace("<", "\\u003c")
    asked: list[str] = []

    def answer(request: Request) -> HTMLResponse:
        asked.append(str(request.url))
        return HTMLResponse(PAGE.replace("CONFIG", text), status_code=200 if len(asked) != 2 else 500)

    routes = [Route(path, answer) for path in ("/", "/other")]
    app = Starlette(routes=routes, middleware=[Middleware(PageHead, page, files_of(page))])

    async def ask(path: str, **headers: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://studio") as browser:
            return await browser.get(path, headers={"Accept-Encoding": "identity", **headers})

    other, failed = run_alone(ask("/other")), run_alone(ask("/"))
    assert other.text == failed.text == PAGE.replace("CONFIG", text)
    first, again = run_alone(ask("/")), run_alone(ask("/?id=3"))
    assert first.text == again.text and len(asked) == 3, "made anew for the same name"
    assert [*first.headers.items()] == [*again.headers.items()] and int(first.headers["content-length"]) == len(
        first.content
    )
    head, _, body = first.text.partition("</head>")
    assert "modulepreload" in head and 'rel="stylesheet" disabled' in head, "Gradio's sheet is in the studio's"
    assert 'rel="stylesheet" crossorigin' in body.partition("<gradio-app")[0]
    said = head.partition("window.gradio_config = ")[2]
    assert json.JSONDecoder().raw_decode(said)[0]["components"][0]["props"]["value"] == "</script><b>'"
    assert "</script><b>" not in said.partition(";</script>")[0]
    packed = run_alone(ask("/", **{"Accept-Encoding": "br"}))
    assert packed.text == first.text and packed.headers["content-encoding"] == "br" and len(asked) == 4
    for elsewhere in ({"host": "other"}, {"x-forwarded-proto": "https"}):
        run_alone(ask("/", **elsewhere))
    assert len(asked) == 6, "the addresses in it are those of its name"


def test_a_page_that_sets_a_cookie_is_for_the_one_who_asked() -> None:
    page = made(gr.Textbox)
    text, asked = json.dumps(settings_of(page)), []

    def answer(request: Request) -> HTMLResponse:
        asked.append(request)
        return HTMLResponse(PAGE.replace("CONFIG", text), headers={"set-cookie": f"visitor={len(asked)}"})

    app = Starlette(routes=[Route("/", answer)], middleware=[Middleware(PageHead, page, files_of(page))])

    async def ask() -> str:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://studio") as browser:
            return (await browser.get("/")).headers["set-cookie"]

    assert [run_alone(ask()) for _ in range(2)] == ["visitor=1", "visitor=2"]


def test_no_event_fills_more_than_12_components_and_no_pages_settings_take_more_than_130_kb(studio: Studio) -> None:
    async def build() -> gr.Blocks:
        return build_page(studio)

    app = run_alone(build())
    files, config = files_of(app), app.config
    crowded = [event for event in config["dependencies"] if len(event["outputs"]) > 12]
    assert not crowded, [(event["targets"], len(event["outputs"])) for event in crowded]
    for path, page in config["page"].items():
        held = {
            kind: [one for one in config[kind] if one["id"] in page[kind]] for kind in ("components", "dependencies")
        }
        lean = files.lean({**config, **held, "layout": page["layout"], "current_page": path})
        assert len(json.dumps(lean, separators=(",", ":"), ensure_ascii=False).encode()) < 130_000, path
