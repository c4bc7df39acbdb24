"""What stands in the head of a page from the start, so that its browser waits for nothing: style sheet, and scripts.

Gradio sends a style sheet with the settings of every page and writes it into the page twice, when its own scripts have
come; and a page's scripts are named by scripts, three deep. Here the sheet is a file that the browser keeps, and the
scripts and styles of all components that a page shows are named in its head. Where Gradio's files are not as expected,
fewer of them are named, and the page loads as any page of Gradio.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_BEFORE, _APP = b"<script>window.gradio_config", b"<gradio-app"
_RULE = re.compile(r"([^{}]+)\{((?:[^{}]|\{[^{}]*\})*)\}")
_IMPORT = r"import\(`\./([\w-]+\.js)`\).{0,40}?,__vite__mapDeps\(\[([\d,]*)\]\)"
_COMPONENT = r"(\w+):\{[^{}]*?component:\(\)=>\w+\(\(\)=>" + _IMPORT
_FILES = re.compile(r"m\.f=\[(.*?)\]")


def as_gradio_writes_it(sheet: str) -> str:
    """The style sheet as Gradio would write it: each rule as it is, and once more for what lies in the app's frame."""
    frame = f".gradio-container.gradio-container-{gr.__version__.replace('.', '-')} .contain"

    def framed(selectors: str, body: str, mark: str) -> str:
        dark = ".dark" if mark in selectors else ""
        each = selectors.replace(".dark", "", 1).split(",") if dark else selectors.split(",")
        return f"{','.join(f'{dark} {frame} {one.strip()}' for one in each)}{{{body}}}"

    written = []
    for found in _RULE.finditer(re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)):
        head, body = found[1].strip(), found[2]
        if head.startswith("@media"):
            inner = "".join(framed(one[1].strip(), one[2], ".dark ") for one in _RULE.finditer(body))
            written.append(f"{head}{{{inner}}}")
        else:
            written.append(found[0].strip())
            if not head.startswith("@"):
                written.append(framed(head, body, ".dark"))
    return "\n".join(written)


def gradio_files(folder: Path) -> tuple[list[str], dict[str, list[str]]]:
    """Of the scripts and styles in ``folder`` those that every page needs, and those of each kind of component."""

    def imports(name: str, pattern: str) -> list[tuple[str, list[str]]]:
        text = (folder / name).read_text(encoding="utf-8") if name else ""
        named = re.findall(r'"\./([\w.-]+)"', "".join(_FILES.findall(text)[:1]))
        return [
            (kind, [file, *(named[int(one)] for one in ids.split(",") if one)])
            for kind, file, ids in re.findall(pattern, text)
        ]

    index = (folder.parent / "index.html").read_text(encoding="utf-8")
    at, shell = "".join(re.findall(r'src="\./assets/([\w-]+\.js)"', index)[:1]), list[str]()
    for wanted in ("Index-", "Blocks-"):
        found = next((files for _, files in imports(at, "()" + _IMPORT) if files[0].startswith(wanted)), [""])
        at, shell = found[0], [*shell, *found]
    core = next((name for name in shell if name.startswith("core-")), "")
    return [*filter(None, dict.fromkeys(shell))], dict(imports(core, _COMPONENT))


def page_heads(config: Any, folder: Path, style: str) -> dict[str, bytes]:
    """By path, what the head of each page of an app with ``config`` gets: links to ``style`` and to what it needs."""
    kinds = {one["id"]: one["type"] for one in config["components"] if one["props"].get("visible") is not False}
    shell, files = gradio_files(folder)

    def shown(layout: Mapping[str, Any]) -> Iterator[str]:
        for child in layout.get("children", ()):
            if child["id"] in kinds:
                yield kinds[child["id"]]
                yield from shown(child)

    heads = {}
    for path, laid in config["page"].items():
        wanted = dict.fromkeys([*shell, *(file for kind in shown(laid["layout"]) for file in files.get(kind, ()))])
        links = []
        for name in (style, *wanted):
            what = 'modulepreload"' if name.endswith(".js") else 'preload" as="style"'
            links.append(f'<link rel="{what} crossorigin href="./assets/{name}">')
        heads[path] = "".join(links).encode()
    return heads


class PageHead:
    """Middleware: tells the pages of ``page`` from the start that they need ``style`` and files in ``folder``."""

    def __init__(self, app: ASGIApp, page: gr.Blocks, folder: Path, style: str) -> None:
        self._app, self._page, self._folder, self._style = app, page, folder, style
        # In the body it comes after all that Gradio puts into the head, as the sheet that Gradio writes itself does.
        self._sheet = f'<link rel="stylesheet" crossorigin href="./assets/{style}">'.encode()

    @cached_property
    def _heads(self) -> dict[str, bytes]:
        return page_heads(self._page.config, self._folder, self._style)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on, and add to its answer where it is a page."""
        path = str(scope.get("path", "")).removeprefix(str(scope.get("root_path", ""))).strip("/")
        links, begun = self._heads.get(path, b"") if scope["type"] == "http" else b"", list[Message]()
        if not links:
            await self._app(scope, receive, send)
            return

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                begun.append(message)
                return
            if begun:
                headers, body = MutableHeaders(scope=begun[0]), message.get("body", b"")
                if headers.get("content-type", "").startswith("text/html") and not message.get("more_body"):
                    body = body.replace(_BEFORE, links + _BEFORE, 1)
                    message["body"] = body.replace(_APP, self._sheet + _APP, 1)
                    headers["content-length"] = str(len(message["body"]))
                await send(begun.pop())
            await send(message)

        await self._app(scope, receive, add)
