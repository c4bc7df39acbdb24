"""What a page brings from the start, so that its browser waits for nothing: one style sheet, one script, and its parts.

Gradio names a page's scripts by scripts, three deep, and its style sheets one by one, writes the studio's own sheet
into the page twice, and sends with every page what it knows of all others. Here all styles are one file and the scripts
of the studio's components another, which the browser keeps, the scripts that a page needs are named in its head, and
its settings hold what some script reads. A page is made once for all who ask under one name. Where Gradio's files are
not as expected, fewer of them are named, and the page loads as any page of Gradio.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import brotli
import gradio as gr
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ga2app.web.static_assets import QUALITY

_CONFIG, _APP = b"window.gradio_config = ", b"<gradio-app"
_BEFORE = b"<script>" + _CONFIG
_GRADIOS_SHEET = b'<link rel="stylesheet" crossorigin href="./assets/'
_RULE = re.compile(r"([^{}]+)\{((?:[^{}]|\{[^{}]*\})*)\}")
_IMPORT = r"import\(`\./([\w-]+\.js)`\).{0,40}?,__vite__mapDeps\(\[([\d,]*)\]\)"
_COMPONENT = r"(\w+):\{[^{}]*?component:\(\)=>\w+\(\(\)=>" + _IMPORT
_FILES = re.compile(r"m\.f=\[(.*?)\]")
_NAMED_BY = ("host", "x-forwarded-host", "x-forwarded-proto", "x-gradio-server")
"""Headers on which the addresses in a page depend."""
_MOST_KEPT = 64
"""So many pages are kept, each under every name by which it was asked for."""
_SHORT = 100
"""Scripts of components up to this length stay where they are, in the page's settings."""
_RUN = "element, trigger, props, server, upload, watch"
_AT_HAND = """
for (const name of %s) {
  const link = document.createElement('link');
  link.setAttribute('disabled', '');
  link.rel = 'stylesheet';
  link.setAttribute('href', new URL(name, document.baseURI).href);
  document.head.append(link);
}
"""
"""Tells Gradio that its style sheets are there: the studio's has them all. A link that is disabled loads nothing."""


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
    at = "".join(re.findall(r'src="\./assets/([\w-]+\.js)"', index)[:1])
    shell = [at, *re.findall(r'href="\./assets/([\w-]+\.css)"', index)]
    for wanted in ("Index-", "Blocks-"):
        found = next((files for _, files in imports(at, "()" + _IMPORT) if files[0].startswith(wanted)), [""])
        at, shell = found[0], [*shell, *found]
    core = next((name for name in shell if name.startswith("core-")), "")
    return [*filter(None, dict.fromkeys(shell))], dict(imports(core, _COMPONENT))


class PageFiles:
    """The files that all pages of ``page`` share, by names that hold a digest of what is in them; ``own`` has these.

    ``style`` is the studio's style sheet, ``script`` what runs before anything is shown. Gradio's files are in
    ``folder``.
    """

    def __init__(self, page: gr.Blocks, folder: Path, style: str, script: str = "") -> None:
        self._page, self._folder, self._style, self._script = page, folder, style, script

    @cached_property
    def gradios(self) -> tuple[list[str], dict[str, list[str]]]:
        """The files of ``gradio_files``, of kinds that the app has."""
        shell, files = gradio_files(self._folder)
        kinds = {one["type"] for one in self._page.config["components"]}
        return shell, {kind: names for kind, names in files.items() if kind in kinds}

    @cached_property
    def _texts(self) -> dict[str, str]:
        shell, files = self.gradios
        names = dict.fromkeys([*shell, *(name for found in files.values() for name in found)])
        return {name: (self._folder / name).read_text(encoding="utf-8") for name in names}

    @cached_property
    def spoken(self) -> frozenset[str]:
        """Every word in the scripts that a page of the app may load: a setting with none of these names is not read."""
        scripts = {name for name in self._texts if name.endswith(".js")}
        for name in tuple(scripts):  # what it loads later, as its description of endpoints
            scripts |= {
                one
                for listed in _FILES.findall(self._texts[name])[:1]
                if name.startswith("Blocks-")
                for one in re.findall(r'"\./([\w.-]+\.js)"', listed)
            }
        texts = (self._texts.get(name) or (self._folder / name).read_text(encoding="utf-8") for name in scripts)
        return frozenset(word for text in texts for word in re.findall(r"\w+", text))

    @cached_property
    def sheet(self) -> tuple[str, bytes]:
        """Name and content of the one style sheet: Gradio's, its theme, the studio's."""
        gradios = [text for name, text in self._texts.items() if name.endswith(".css")]
        theme = (getattr(self._page, "theme_css", None) or "").replace("url('static/", "url('../static/")
        text = "\n".join([*gradios, theme, as_gradio_writes_it(self._style)])
        return _named(text, "css")

    @cached_property
    def fonts(self) -> list[str]:
        """The files of the theme's first font: with the letters of another one, all would move once they are there."""
        theme = getattr(self._page, "theme_css", None) or ""
        named = re.findall(r"url\('(static/fonts/([^/']+)/[^']+)'\)", theme)
        return [file for file, family in named if family == named[0][1]]

    @cached_property
    def _loaded(self) -> dict[str, str]:
        """What components run when they are drawn, by the name that stands for it."""
        given = {one["props"].get("js_on_load") or "" for one in self._page.config["components"]}
        return {text: f"_{_digest(text)}" for text in sorted(given) if len(text) > _SHORT}

    @cached_property
    def script(self) -> tuple[str, bytes]:
        """Name and content of the one script that runs before Gradio's."""
        sheets = [f"assets/{name}" for name in self._texts if name.endswith(".css")]
        theme = f"theme.css?v={getattr(self._page, 'theme_hash', None)}"
        runs = ",\n".join(f"{name}({_RUN}) {{\n{text}\n}}" for text, name in self._loaded.items())
        links = _AT_HAND % json.dumps([*sheets, theme])
        return _named(f"{self._script}\nwindow.ga2Load = {{{runs}}};\n{links}", "js")

    @property
    def own(self) -> dict[str, bytes]:
        """The files by their names."""
        return dict((self.sheet, self.script))

    def lean(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """The settings of a page without what no script reads, and without those of other pages."""

        def read(given: Mapping[str, Any]) -> dict[str, Any]:
            return {name: value for name, value in given.items() if name in self.spoken}

        def component(one: Mapping[str, Any]) -> dict[str, Any]:
            props = read(one["props"])
            if (name := self._loaded.get(props.get("js_on_load") or "")) is not None:
                props["js_on_load"] = f"ga2Load.{name}({_RUN})"
            return read(one) | {"props": props}

        here = config["current_page"]
        return {
            **config,
            "page": {here: config["page"][here]},
            "components": [component(one) for one in config["components"]],
            "dependencies": [read(one) for one in config["dependencies"]],
        }

    def head(self, path: str) -> bytes:
        """For the page at ``path``: links to the sheet, to the script, and to the scripts of what it may show.

        As soon as a page shows something that was hidden, and each does when it opens, Gradio loads the scripts of all
        that is not hidden itself, also within what is.
        """
        config, (shell, files) = self._page.config, self.gradios
        here = set(config["page"][path]["components"])
        shown = [one for one in config["components"] if one["id"] in here and one["props"].get("visible") is not False]
        wanted = dict.fromkeys([*shell, *(file for one in shown for file in files.get(one["type"], ()))])
        scripts = [f'modulepreload" crossorigin href="./assets/{name}' for name in wanted if name.endswith(".js")]
        fonts = [f'preload" as="font" type="font/woff2" crossorigin href="./{name}' for name in self.fonts]
        links = [f'preload" as="style" crossorigin href="./assets/{self.sheet[0]}', *fonts, *scripts]
        first = f'<script defer crossorigin src="./assets/{self.script[0]}"></script>'
        return (first + "".join(f'<link rel="{link}">' for link in links)).encode()

    def page(self, path: str, html: bytes) -> bytes:
        """The page at ``path`` as Gradio has written it, with all that."""
        before, found, rest = html.partition(_BEFORE)
        if not found:
            return html
        text = rest.decode()
        config, end = json.JSONDecoder().raw_decode(text)
        lean = json.dumps(self.lean(config), separators=(",", ":"), ensure_ascii=False).translate(_IN_SCRIPT)
        # In the body the sheet comes after all that Gradio puts into the head later.
        sheet = f'<link rel="stylesheet" crossorigin href="./assets/{self.sheet[0]}">'.encode()
        rest = text[end:].encode().replace(_GRADIOS_SHEET, _GRADIOS_SHEET.replace(b" cross", b" disabled cross"))
        return before + self.head(path) + _BEFORE + lean.encode() + rest.replace(_APP, sheet + _APP, 1)


_IN_SCRIPT = {ord(one): f"\\u{ord(one):04x}" for one in "<>&'"}
"""As Gradio writes settings into a page: nothing in them ends the script."""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _named(text: str, kind: str) -> tuple[str, bytes]:
    return f"studio-{_digest(text)}.{kind}", text.encode()


class PageHead:
    """Middleware: pages of ``page`` come with their ``files``, made once for each name under which they are asked for.

    They are the same for everybody: who signs in where, the studio asks when the page is open.
    """

    def __init__(self, app: ASGIApp, page: gr.Blocks, files: PageFiles) -> None:
        self._app, self._page, self._files = app, page, files
        self._made: dict[tuple[str, ...], tuple[list[Any], bytes]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the page, or hand the request on."""
        path = str(scope.get("path", "")).removeprefix(str(scope.get("root_path", ""))).strip("/")
        pages = self._page.config["page"] if scope["type"] == "http" else ()
        query = parse_qs(scope["query_string"].decode("latin-1")) if pages else {}
        if path == "config" and query.get("page", [""])[0] in pages and "page" in query:
            await self._app(scope, receive, _changing(send, self._settings))
        elif path not in pages or {"deep_link", "all_endpoints"} & query.keys():
            await self._app(scope, receive, send)
        else:
            given = Headers(scope=scope)
            named = (path, scope["scheme"], scope.get("root_path", ""), *(given.get(one, "") for one in _NAMED_BY))
            named = (*named, "br" if "br" in given.get("accept-encoding", "") else "")
            if named in self._made:
                start, body = self._made[named]
                await send({"type": "http.response.start", "status": 200, "headers": [*start]})
                await send({"type": "http.response.body", "body": body})
            else:
                await self._app(scope, receive, _changing(send, lambda start, body: self._make(named, start, body)))

    def _make(self, named: tuple[str, ...], start: Message, body: bytes) -> bytes:
        headers = MutableHeaders(scope=start)
        body = self._files.page(named[0], body)
        headers.add_vary_header("Accept-Encoding")
        if named[-1]:
            body = brotli.compress(body, quality=QUALITY)
            headers["content-encoding"] = named[-1]
        headers["content-length"] = str(len(body))
        if "set-cookie" in headers:  # it is for one visitor
            return body
        if len(self._made) >= _MOST_KEPT:
            self._made.pop(next(iter(self._made)))
        self._made[named] = [*start["headers"]], body
        return body

    def _settings(self, start: Message, body: bytes) -> bytes:
        body = json.dumps(self._files.lean(json.loads(body)), separators=(",", ":"), ensure_ascii=False).encode()
        MutableHeaders(scope=start)["content-length"] = str(len(body))
        return body


def _changing(send: Send, change: Callable[[Message, bytes], bytes]) -> Send:
    """``send``, which gives of an answer that is whole and good what ``change`` makes of its start and its body."""
    begun = list[Message]()

    async def changed(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200:
            begun.append(message)
            return
        if begun:
            start = begun.pop()
            if not message.get("more_body"):
                message = {**message, "body": change(start, message.get("body", b""))}
            await send(start)
        await send(message)

    return changed
