"""The stream of answers that an open page follows: no answer is left behind when Gradio closes it.

Gradio's page follows one stream a session, which the server closes when nothing is pending, and which the page opens
anew for the next event unless it is open. Where the server's "closed" comes later than the answer to an event that was
queued meanwhile, the page still takes its stream for open, and then follows none: what the event has said is shown
with the next one, or never (findings/gradio_closed_stream_late.sh). And a page that leaves a closed stream sooner than
the server has put it away takes along what was queued meanwhile.
"""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ga2app.untrusted import parse_json

LEAVES_S = 5.0
"""The most that an event is kept waiting for a page to leave the stream that was closed: browsers can be slow."""
SHORT_S = 0.1
"""The same for programs, some of which read on to the end, and where a proxy tells nobody that a page has left."""
_UNSEEN = 3
"""So many pages in a row were not seen leaving: a proxy tells nobody."""
_CLOSED = b'"close_stream"'


class AnswerStream:
    """Middleware: an event that comes while a stream is being closed is told to be queued once its page has left it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._leaving: dict[str, asyncio.Event] = {}
        self._unseen = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on."""
        if key := followed(scope):
            await self._follow(key, scope, receive, send)
        elif scope["type"] == "http" and scope["method"] == "POST" and last_two(scope) == ("queue", "join"):
            await self._join(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _follow(self, key: str, scope: Scope, receive: Receive, send: Send) -> None:
        left = asyncio.Event()

        def closing() -> bool:
            return self._leaving.get(key) is left

        async def received() -> Message:
            message = await receive()
            if message["type"] == "http.disconnect" and closing():
                left.set()
                await asyncio.Event().wait()  # it has left as it should: nothing of its session is to be dropped
            return message

        async def sent(message: Message) -> None:
            if _CLOSED in message.get("body", b""):
                self._leaving[key] = left
            if closing() and not message.get("more_body", False):
                await self._left(left, scope, receive)
            await send(message)

        try:
            await self._app(scope, received, sent)
        finally:
            left.set()
            if closing():
                del self._leaving[key]

    async def _left(self, left: asyncio.Event, scope: Scope, receive: Receive) -> None:
        """Wait until the page has left, but not for long."""
        browser = b"Mozilla" in dict(scope["headers"]).get(b"user-agent", b"")

        async def disconnected() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            left.set()

        watching = asyncio.create_task(disconnected())
        try:
            await asyncio.wait_for(left.wait(), LEAVES_S if browser and self._unseen < _UNSEEN else SHORT_S)
            self._unseen = 0
        except TimeoutError:
            self._unseen += browser
        finally:
            watching.cancel()

    async def _join(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = bytearray()

        async def received() -> Message:
            message = await receive()
            body.extend(message.get("body", b""))
            return message

        async def sent(message: Message) -> None:
            if self._leaving and message["type"] == "http.response.start":
                leaving = self._leaving.get(_session_of(body))
                if leaving is not None:
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


def _session_of(body: bytes | bytearray) -> str:
    try:
        told = parse_json(bytes(body))
    except ValueError:
        return ""
    return str(told.get("session_hash", "")) if isinstance(told, dict) else ""
