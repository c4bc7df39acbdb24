"""The stream of answers that an open page follows: no answer is left behind when Gradio closes it.

Gradio's page follows one stream a session, which the server closes when nothing is pending, and which the page opens
anew for the next event unless it is open. Where the server's "closed" comes later than the answer to an event that was
queued meanwhile, the page still takes its stream for open, and then follows none: what the event has said is shown
with the next one, or never (findings/gradio_closed_stream_late.sh). So the page numbers its streams, and holds such an
answer back until it has left the stream that was closed last (``answer_stream.js``). Programs are kept waiting here.

No stream may be stored: of two at one address, the one just left, Chromium asks for the second twice, and takes from
the server what is meant for the page.
"""

from __future__ import annotations

import asyncio
import contextlib
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ga2app.untrusted import parse_json

SHORT_S = 0.1
"""The most that an event of a program waits: some read on to the end, and a proxy tells nobody that one has left."""
_MOST_PAGES = 1000
"""Pages of which it is known which stream was closed last; no page is away from its stream for so long."""
_CLOSED = b'"close_stream"'


class AnswerStream:
    """Middleware: an event that comes while a stream is being closed is told to be queued once that has been left."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._leaving: dict[str, asyncio.Event] = {}
        self._closed: dict[str, int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on."""
        if key := followed(scope):
            await self._follow(key, scope, receive, send)
        elif scope["type"] == "http" and scope["method"] == "POST" and last_two(scope) == ("queue", "join"):
            await self._join(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _follow(self, key: str, scope: Scope, receive: Receive, send: Send) -> None:
        left, number = asyncio.Event(), _number(scope)

        def closing() -> bool:
            return self._leaving.get(key) is left

        async def received() -> Message:
            message = await receive()
            if message["type"] == "http.disconnect" and closing():
                left.set()
                await asyncio.Event().wait()  # it has left as it should: nothing of its session is to be dropped
            return message

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (b"cache-control", b"no-store")]}
            elif _CLOSED in message.get("body", b""):
                self._leaving[key] = left
                if number:
                    self._note_closed(key, number)
            if closing() and not number and not message.get("more_body", False):
                await self._left(left, receive)
            await send(message)

        try:
            await self._app(scope, received, sent)
        finally:
            left.set()
            if closing():
                del self._leaving[key]

    def _note_closed(self, key: str, number: int) -> None:
        self._closed.pop(key, None)
        self._closed[key] = number
        if len(self._closed) > _MOST_PAGES:
            del self._closed[next(iter(self._closed))]

    async def _left(self, left: asyncio.Event, receive: Receive) -> None:
        """Wait until a program has left, but not for long."""

        async def disconnected() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            left.set()

        watching = asyncio.create_task(disconnected())
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(left.wait(), SHORT_S)
        finally:
            watching.cancel()

    async def _join(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = bytearray()

        async def received() -> Message:
            message = await receive()
            body.extend(message.get("body", b""))
            return message

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start" and (self._leaving or self._closed):
                session = _session_of(body)
                if number := self._closed.get(session):
                    told = (b"x-closed-stream", str(number).encode())
                    message = {**message, "headers": [*message["headers"], told]}
                elif leaving := self._leaving.get(session):
                    await leaving.wait()
            await send(message)

        await self._app(scope, received, sent)


def followed(scope: Scope) -> str:
    """The session whose messages are asked for; empty for any other request."""
    if scope["type"] != "http" or last_two(scope) != ("queue", "data"):
        return ""
    query: bytes = scope["query_string"]
    return parse_qs(query.decode("latin-1")).get("session_hash", [""])[0]


def last_two(scope: Scope) -> tuple[str, str]:
    """The last two parts of the path, whatever it is served under."""
    before, last = ["", *str(scope["path"]).split("/")][-2:]
    return before, last


def _number(scope: Scope) -> int:
    """The number that a page has given to the stream that it asks for; 0 where a program asks."""
    told: bytes = dict(scope["headers"]).get(b"x-answer-stream", b"")
    return int(told) if told.isdigit() and len(told) < 10 else 0


def _session_of(body: bytes | bytearray) -> str:
    try:
        told = parse_json(bytes(body))
    except ValueError:
        return ""
    return str(told.get("session_hash", "")) if isinstance(told, dict) else ""
