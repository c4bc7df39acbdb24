"""The route at which a page's camera sends its frames: pixels come in, the bars to be shown go out.

A route of its own and not an event of Gradio's, which would keep each frame as a file for a day and draw the page's
state anew for each answer. The pixels come as they are: nothing that a stranger sends is decoded, and no decoder is
waited for that is at work on somebody's clips.
"""

from __future__ import annotations

import gradio as gr
from gradio.context import LocalContext
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ga2app.errors import BusyError, ClipError, StudioError
from ga2app.services.live_recognition import MOST_FRAME_BYTES, LiveService
from ga2app.services.studio import Studio
from ga2app.web.components.markup import notice
from ga2app.web.events import fault_html
from ga2app.web.pages.live.live_view import live_html

_TOO_LARGE = f"a picture of the camera has more than {MOST_FRAME_BYTES >> 20} MB; choose a smaller size in the browser"


def live_routes(studio: Studio) -> list[Route]:
    """The route, as the visitors of ``studio`` may use it."""

    async def camera(request: Request) -> Response:
        LocalContext.request.set(gr.Request(request))  # who asks; a request has a context of its own
        key = request.path_params["key"]
        if request.method == "DELETE":
            await run_in_threadpool(studio.live.end, key)
            return Response(status_code=204)
        frame = bytearray()
        async for part in request.stream():
            frame += part
            if len(frame) > MOST_FRAME_BYTES:
                return _told(notice("error", _TOO_LARGE), over=True, status=413)
        width, height = (_number(request.query_params.get(side, "")) for side in ("width", "height"))
        return await run_in_threadpool(_answer, studio.live, key, width, height, bytes(frame))

    return [Route("/live/{key}", camera, methods=["POST", "DELETE"])]


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def _answer(service: LiveService, key: str, width: int, height: int, pixels: bytes) -> Response:
    """What is shown for a frame. After a fault that the next frame would meet, too, the page's camera is ``over``."""
    try:
        answer = service.see(key, width, height, pixels)
    except BusyError as exc:
        return _told(notice("info", str(exc)), status=503)
    except ClipError as exc:
        return _told(notice("error", str(exc)), over=True, status=422)
    except StudioError as exc:
        return _told(notice("error", str(exc)), over=True, status=410)
    except Exception as exc:
        return _told(fault_html(exc), over=True, status=500)
    return Response(status_code=204) if answer is None else _told(str(live_html(answer)))


def _told(html: str, *, over: bool = False, status: int = 200) -> JSONResponse:
    return JSONResponse({"html": html, "over": over}, status, headers={"Cache-Control": "no-store"})
