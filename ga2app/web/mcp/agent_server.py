"""The studio's tools over MCP, at one address of the page's own server."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import anyio.to_thread
import gradio as gr
from mcp import types
from mcp.server.lowlevel.server import Server
from mcp.server.mcpserver.utilities.func_metadata import func_metadata
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from pydantic import ValidationError
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ga2app.errors import ConfigError, Fault, StudioError
from ga2app.paths import version
from ga2app.services.studio import Studio
from ga2app.web.api import explained
from ga2app.web.mcp.agent_tools import Tools, callable_of, endpoints_of

log = logging.getLogger(__name__)

PATH = "/gradio_api/mcp"
"""Below Gradio's own prefix: proxies hand it on as it is, and nothing there compresses a stream."""
INSTRUCTIONS = """\
GA² Studio recognizes actions in video with CLIP and trains prompts that teach it new ones. recognize says which of your
labels a clip shows; list_bundles names trained prompts that can answer beside zero-shot CLIP; queue_run trains new
ones, and run_status says how that goes on."""
FOR_BROWSERS = (
    "Here agents speak MCP with GA² Studio, by POST: give this address to yours as a streamable HTTP server.\n"
)
_AT_ONCE = 16
"""Calls that may wait or work at the same time; the page has threads of its own."""


class Tool:
    """A tool as the protocol offers it: schemas out of types and docstrings, arguments checked before a call."""

    def __init__(self, tools: Tools, name: str) -> None:
        self.function = callable_of(tools, name)
        own, told = explained(self.function), explained(tools.endpoints[name])
        about = {"preset": told.args.get("preset_name", "")} | told.args | own.args
        self._metadata = func_metadata(self.function, structured_output=False)
        self._metadata.arg_model.model_config["extra"] = "forbid"
        self._metadata.arg_model.model_rebuild(force=True)
        schema = self._metadata.arg_model.model_json_schema()
        self.about, self.raises, self.returns = f"{told.about} {own.about}", told.raises, own.returns | told.returns
        self.arguments: dict[str, Any] = {
            name: {key: value for key, value in one.items() if key != "title"} | {"description": about[name]}
            for name, one in schema["properties"].items()
        }
        errors = "".join(f"\n- {text}" for text in told.raises.values())
        self.listed = types.Tool(
            name=name,
            description=self.about + (f"\n\nErrors, each with the next step:{errors}" if errors else ""),
            input_schema=schema | {"properties": self.arguments},
            output_schema={"type": "object", "properties": {n: {"description": t} for n, t in self.returns.items()}},
            annotations=types.ToolAnnotations(read_only_hint=name != "queue_run", destructive_hint=False),
        )

    def call(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The answer for JSON values, also where a client writes a list as its JSON text; four places behind the point.

        Raises ConfigError with every fault of the arguments.
        """
        try:
            checked = self._metadata.validate_arguments(dict(arguments))
        except ValidationError as exc:
            raise ConfigError([*map(self._fault, exc.errors())]) from exc
        answer = json.dumps(self.function(**checked))
        return dict(json.loads(answer, parse_float=lambda text: round(float(text), 4)))

    def _fault(self, error: Any) -> Fault:
        """What is wrong with one argument, and what is right."""
        name = str(error["loc"][0])
        if name not in self.arguments:
            return Fault(name, f"is no argument of {self.listed.name}, which takes: {', '.join(self.arguments)}")
        given = json.dumps(error["input"], ensure_ascii=False, default=str)
        rule = f"{error['msg'].replace('Input should be', 'must be')} (it is {given:.80})"
        rule = "is missing" if error["type"] == "missing" else rule
        return Fault(".".join(map(str, error["loc"])), f"{rule}: {self.arguments[name]['description'].rstrip('.')}")


class Agents:
    """The MCP server of one studio: ``routes`` and ``lifespan`` go to the app that serves its page."""

    path = PATH

    def __init__(self, studio: Studio, page: gr.Blocks) -> None:
        self._tools = {name: Tool(Tools(studio, endpoints_of(page)), name) for name in Tools.NAMES}
        about: Any = {"title": "GA² Studio", "version": version(), "instructions": INSTRUCTIONS}
        server: Any = Server("ga2-studio", on_list_tools=self._list, on_call_tool=self._call, **about)
        # Without sessions an agent goes on where it was when the studio has been started again. Every answer is one
        # message, so it comes as JSON, which clients that know no event streams can read, too.
        self._manager = StreamableHTTPSessionManager(server, stateless=True, json_response=True)
        self.routes = [Route(path, self) for path in (PATH, f"{PATH}/")]

    @asynccontextmanager
    async def lifespan(self, app: object) -> AsyncIterator[None]:
        """Answer for as long as ``app`` runs."""
        self._threads = anyio.CapacityLimiter(_AT_ONCE)
        async with self._manager.run():
            yield

    async def _list(self, context: object, asked: object) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[tool.listed for tool in self._tools.values()])

    async def _call(self, context: object, asked: types.CallToolRequestParams) -> types.CallToolResult:
        """The tool's answer, as JSON text and as an object; a fault as its text, marked as an error."""
        tool = self._tools.get(asked.name)
        if tool is None:
            return _fault(f"there is no tool '{asked.name}'; there are: {', '.join(self._tools)}")
        try:
            answer = await anyio.to_thread.run_sync(partial(tool.call, asked.arguments or {}), limiter=self._threads)
        except (StudioError, gr.Error) as exc:
            return _fault(str(exc) if isinstance(exc, StudioError) else exc.message)
        except Exception as exc:
            log.exception("the tool %s failed", asked.name)
            failed = (
                f"{asked.name} failed because of a fault of the program ({type(exc).__name__}; see the studio's log)"
            )
            return _fault(f"{failed}; try other arguments, and tell the person who runs the studio")
        text = types.TextContent(type="text", text=json.dumps(answer, ensure_ascii=False))
        return types.CallToolResult(content=[text], structured_content=answer)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on to the protocol, unless it is a browser's: without sessions there is no stream to read."""
        if scope["method"] in ("GET", "HEAD"):
            await PlainTextResponse(FOR_BROWSERS, 405, {"Allow": "POST"})(scope, receive, send)
            return
        # A client that names event streams alone is taken to read JSON as well: there is nothing else.
        kept = [(name, value) for name, value in scope["headers"] if name != b"accept"]
        accepting = {**scope, "headers": [*kept, (b"accept", b"application/json, text/event-stream")]}
        await self._manager.handle_request(accepting, receive, send)


def _fault(text: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=True)
