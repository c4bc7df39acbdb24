"""The route of the data directory's files, and the one at which uploads come in: each with its bound.

``files/…`` gives what ``ServedFiles`` gives to whoever asks. Gradio itself serves nothing of the data directory but its
own folder: uploads, and what the API hands out as a file. Their names hold a digest of the content with a secret of the
machine, so that nobody can guess them; they go after a day.
"""

from __future__ import annotations

import mimetypes

import gradio as gr
from gradio.context import LocalContext
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ga2app.errors import StudioError
from ga2app.services.served_files import NoFile, ServedFiles
from ga2app.services.studio import Studio
from ga2app.services.uploads import room_for

MAX_UPLOAD, MAX_UPLOAD_ON_SPACE = "4gb", "512mb"
_MOST_AT_ONCE = 2**20
"""Smaller files are read and sent in one piece: pictures, of which a page shows sixty."""
_SHOWN = ("image/jpeg", "image/png", "image/webp", "image/gif", "video/")
"""Types that a browser shows; all others are saved, so that none of them runs as a page of the studio's."""
_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, max-age=3600"}
_GONE = "There is no such file, it is not shared with you, or its address has run out: reload the page.\n"


def most_upload(*, on_space: bool) -> str:
    """How large an upload may be, as Gradio takes it: a number and a unit."""
    return MAX_UPLOAD_ON_SPACE if on_space else MAX_UPLOAD


def file_routes(studio: Studio) -> list[Route]:
    """The route, as the visitors of ``studio`` may use it."""

    async def file(request: Request) -> Response:
        LocalContext.request.set(gr.Request(request))  # who asks; a request has a context of its own
        return await run_in_threadpool(_answer, studio.files, request)

    return [Route("/files/{sealed}/{inside:path}", file)]


def _answer(files: ServedFiles, request: Request) -> Response:
    try:
        path, found = files.find(request.path_params["sealed"], request.path_params["inside"])
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        tag = f'"{found.st_mtime_ns:x}-{found.st_size:x}"'
        headers = _HEADERS | {"ETag": tag, "Accept-Ranges": "bytes"}
        if not kind.startswith(_SHOWN):
            headers["Content-Disposition"] = "attachment"
        if tag in [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]:
            return Response(status_code=304, headers=headers)
        if found.st_size > _MOST_AT_ONCE or "range" in request.headers:
            return FileResponse(path, headers=headers, media_type=kind, stat_result=found)
        return Response(path.read_bytes(), headers=headers, media_type=kind)
    except (NoFile, OSError):
        return PlainTextResponse(_GONE, 404, headers={"Cache-Control": "no-store"})


class UploadBound:
    """Middleware: an upload for which the quota of ``studio`` has no room is refused before it comes in."""

    def __init__(self, app: ASGIApp, studio: Studio) -> None:
        self._app, self._home = app, studio.home

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on, or refuse it."""
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].endswith("/gradio_api/upload"):
            return await self._app(scope, receive, send)
        told = Headers(scope=scope).get("content-length", "")
        if not (told.isascii() and told.isdigit()):
            refusal = PlainTextResponse("An upload has to say how long it is (Content-Length).\n", 411)
            return await refusal(scope, receive, send)
        room = room_for(self._home, int(told))
        try:
            await run_in_threadpool(room.__enter__)
        except StudioError as exc:
            return await PlainTextResponse(f"{exc}\n", 413)(scope, receive, send)
        try:
            await self._app(scope, receive, send)
        finally:
            room.__exit__(None, None, None)
