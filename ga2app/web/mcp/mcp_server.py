"""The studio's tools over MCP, at one address of the page's own server."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import anyio
import anyio.to_thread
from mcp import types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from ga2app.errors import StudioError
from ga2app.paths import version
from ga2app.services.studio import Studio
from ga2app.web.mcp.mcp_offers import Offer
from ga2app.web.mcp.mcp_tools import Tools

log = logging.getLogger(__name__)

PATH = "/gradio_api/mcp"
"""Below Gradio's own prefix: proxies hand it on as it is, and nothing there compresses a stream."""

INSTRUCTIONS = (
    "GA² Studio recognizes actions in video with CLIP and trains prompts that teach it new ones. recognize says which "
    "of your labels a clip shows; list_bundles names trained prompts that can answer beside plain CLIP; queue_run "
    "trains new ones, and run_status says how that goes on."
)
FOR_BROWSERS = (
    "Here agents speak MCP with GA² Studio, by POST; there is nothing to see for a browser.\n"
    "Give this address to your agent as a streamable HTTP server. The tools are described in docs/api.md.\n"
)
_AT_ONCE = 16
"""Calls that may wait or work at the same time; the page has threads of its own."""
_HERE = ("127.0.0.1", "localhost", "[::1]")
_MISDIRECTED = 421
_ADVICE = (
    b"Invalid Host header: agents reach the studio under this machine's own name alone. To let them use another one, "
    b"start it with --allowed-host NAME.\n"
)


class Agents:
    """The MCP server of one studio: ``routes`` and ``lifespan`` go to the app that serves its page.

    ``host`` is where that app listens. On the machine's own address only requests that name it, or one of
    ``allowed_hosts``, are answered, so that no web page can reach the tools under a name of its own.
    """

    path = PATH

    def __init__(self, studio: Studio, host: str, allowed_hosts: Sequence[str] = ()) -> None:
        self._offers = {offer.name: offer for offer in map(Offer, Tools(studio).all)}
        server: Server[Any] = Server(
            "ga2-studio",
            title="GA² Studio",
            version=version(),
            instructions=INSTRUCTIONS,
            on_list_tools=self._list,
            on_call_tool=self._call,
        )
        # Without sessions an agent goes on where it was when the studio has been started again. Every answer is one
        # message, so it comes as JSON, which clients that know no event streams can read, too.
        security = _security(host, allowed_hosts)
        self._manager = StreamableHTTPSessionManager(
            server, stateless=True, json_response=True, security_settings=security
        )
        self._threads: anyio.CapacityLimiter | None = None
        self.routes = [Route(path, _Endpoint(self._manager)) for path in (PATH, f"{PATH}/")]

    @asynccontextmanager
    async def lifespan(self, app: object) -> AsyncIterator[None]:
        """Answer for as long as ``app`` runs."""
        self._threads = anyio.CapacityLimiter(_AT_ONCE)
        async with self._manager.run():
            yield

    async def _list(
        self, context: ServerRequestContext[Any], asked: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[described(offer) for offer in self._offers.values()])

    async def _call(
        self, context: ServerRequestContext[Any], asked: types.CallToolRequestParams
    ) -> types.CallToolResult:
        """The tool's answer, as JSON text and as an object; a fault as its text, marked as an error."""
        offer = self._offers.get(asked.name)
        if offer is None:
            return _fault(f"there is no tool '{asked.name}'; there are: {', '.join(self._offers)}")
        call = partial(offer.call, asked.arguments or {})
        try:
            answer = await anyio.to_thread.run_sync(call, limiter=self._threads)
        except StudioError as exc:
            return _fault(str(exc))
        except Exception as exc:
            log.exception("the tool %s failed", asked.name)
            return _fault(
                f"{asked.name} failed by a fault of the program ({type(exc).__name__}), which the studio's log "
                "describes; try other arguments, and tell the person who runs the studio"
            )
        text = json.dumps(answer, ensure_ascii=False)
        return types.CallToolResult(content=[types.TextContent(type="text", text=text)], structured_content=answer)


def described(offer: Offer) -> types.Tool:
    """A tool as the list of tools has it."""
    reads_only = offer.name != Tools.queue_run.__name__
    return types.Tool(
        name=offer.name,
        description=offer.description,
        input_schema=offer.input_schema,
        output_schema=offer.output_schema,
        annotations=types.ToolAnnotations(read_only_hint=reads_only, destructive_hint=False),
    )


class _Endpoint:
    """The ASGI app behind the address; a browser that comes along is told what this is."""

    def __init__(self, manager: StreamableHTTPSessionManager) -> None:
        self._manager = manager

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] in ("GET", "HEAD"):
            # There is no stream to listen to without sessions: 405 says so to a client, the text to a person.
            answer = PlainTextResponse(FOR_BROWSERS, status_code=405, headers={"Allow": "POST"})
            await answer(scope, receive, send)
        else:
            await self._manager.handle_request(_accepting_json(scope), receive, _advising(send))


def _fault(text: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=True)


def _accepting_json(scope: Scope) -> Scope:
    """The request of a client that names event streams alone, taken to read JSON as well: there is nothing else."""
    headers = [(name, value) for name, value in scope["headers"] if name != b"accept"]
    return {**scope, "headers": [*headers, (b"accept", b"application/json, text/event-stream")]}


def _advising(send: Send) -> Send:
    """``send``, with what to do in the place of the bare refusal of a host's name."""
    refused = False

    async def advise(message: Message) -> None:
        nonlocal refused
        if message["type"] == "http.response.start" and message["status"] == _MISDIRECTED:
            refused = True
            kept = [(name, value) for name, value in message["headers"] if name != b"content-length"]
            message = {**message, "headers": [*kept, (b"content-length", str(len(_ADVICE)).encode())]}
        elif message["type"] == "http.response.body" and refused:
            message = {**message, "body": _ADVICE}
        await send(message)

    return advise


def _security(host: str, allowed_hosts: Sequence[str]) -> TransportSecuritySettings:
    names = (*_HERE, *allowed_hosts)
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=host in _HERE,
        allowed_hosts=[*names, *(f"{name}:*" for name in names)],
        allowed_origins=[
            f"{scheme}://{name}{port}" for name in names for scheme in ("http", "https") for port in ("", ":*")
        ],
    )
