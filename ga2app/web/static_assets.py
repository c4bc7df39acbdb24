"""Gradio's own scripts and styles, compressed once and kept by the browser.

A page asks for 40 to 100 of them. Gradio reads and compresses each anew for whoever asks, and says nothing of how long
they hold, so that a reload asks again; yet their names hold a digest of what is in them.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

import brotli
import gradio
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

FOLDER = Path(gradio.__file__).parent / "templates" / "frontend" / "assets"
_FOREVER = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
_TEXT = {".js", ".css", ".svg", ".json"}
QUALITY = 5


def asset_routes(own: Callable[[], Mapping[str, bytes]]) -> list[Route]:
    """The route to put before Gradio's own: ``own`` files by their names, and those that lie in ``FOLDER`` now."""
    names = {path.name for path in FOLDER.iterdir() if path.is_file()}

    @lru_cache(maxsize=1024)
    def content(name: str, packed: bool) -> bytes:
        found = (FOLDER / name).read_bytes() if name in names else own()[name]
        return brotli.compress(found, quality=QUALITY) if packed else found

    async def asset(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in names and name not in own():
            return Response("There is no such file.", 404, media_type="text/plain")
        packed = "br" in request.headers.get("accept-encoding", "") and Path(name).suffix in _TEXT
        headers = _FOREVER | ({"Content-Encoding": "br"} if packed else {})
        return Response(content(name, packed), media_type=mimetypes.guess_type(name)[0], headers=headers)

    return [Route("/assets/{name}", asset)]
