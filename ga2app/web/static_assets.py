"""Gradio's own scripts and styles, compressed once and kept by the browser.

A page asks for 40 to 100 of them. Gradio reads and compresses each anew for whoever asks, and says nothing of how long
they hold, so that a reload asks again; yet their names hold a digest of what is in them.
"""

from __future__ import annotations

import hashlib
import mimetypes
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
_QUALITY = 5


def asset_routes(style: bytes) -> tuple[list[Route], str]:
    """The route to put before Gradio's own, and the name there of the ``style`` sheet.

    Else only files that lie in ``FOLDER`` now are given.
    """
    names = {path.name for path in FOLDER.iterdir() if path.is_file()}
    sheet = f"studio-{hashlib.sha256(style).hexdigest()[:12]}.css"

    @lru_cache(maxsize=1024)
    def content(name: str, packed: bool) -> bytes:
        found = style if name == sheet else (FOLDER / name).read_bytes()
        return brotli.compress(found, quality=_QUALITY) if packed else found

    async def asset(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in names and name != sheet:
            return Response("There is no such file.", 404, media_type="text/plain")
        packed = "br" in request.headers.get("accept-encoding", "") and Path(name).suffix in _TEXT
        headers = _FOREVER | ({"Content-Encoding": "br"} if packed else {})
        return Response(content(name, packed), media_type=mimetypes.guess_type(name)[0], headers=headers)

    return [Route("/assets/{name}", asset)], sheet
