"""What the studio does for agents, over the Model Context Protocol (MCP): ``python app.py --mcp``.

Its four tools are the page's endpoints of the same names. What an agent reads is the endpoint's docstring; ``Args`` and
``Returns`` here stand in the place of the endpoint's, or beside them. A tool that takes ``**asked`` takes what its
endpoint takes.
"""

from __future__ import annotations

import json
import logging
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from inspect import Signature, signature
from pathlib import Path
from typing import Annotated, Any

import anyio.to_thread
import gradio as gr
from mcp import types
from mcp.server.lowlevel.server import Server
from mcp.server.mcpserver.utilities.func_metadata import func_metadata
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from pydantic import Field, ValidationError
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ga2app.errors import AccessError, ClipError, ConfigError, Fault, StudioError
from ga2app.paths import version
from ga2app.services.runs import OPEN
from ga2app.services.studio import Studio
from ga2app.store import BundleQuery
from ga2app.web.api import explained
from ga2app.web.clip_addresses import find_clip

log = logging.getLogger(__name__)

Answer = dict[str, Any]
PATH = "/gradio_api/mcp"
"""Below Gradio's own prefix: proxies hand it on as it is, and nothing there compresses a stream."""
INSTRUCTIONS = """\
GA² Studio recognizes actions in video with CLIP and trains prompts that teach it new ones. recognize says which of your
labels a clip shows; list_bundles names trained prompts that can answer beside zero-shot CLIP; queue_run trains new
ones, and run_status says how that goes on."""
FOR_BROWSERS = "Here agents speak MCP, by POST: give this address to yours as a streamable HTTP server.\n"
LIMITS = {"top_k": Field(ge=1), "threshold": Field(ge=0, le=1), "limit": Field(ge=1, le=100), "offset": Field(ge=0)}
LIMITS |= {"wait_s": Field(ge=0, le=50)}
_ONE_ALONE = ("bundle", "template")  # beside them an endpoint takes a list of the same
_AT_ONCE = 16
"""Calls that may wait or work at the same time; the page has threads of its own."""


class Tools:
    """What agents may do with one studio. Each tool raises StudioError or gr.Error, whose text the agent reads."""

    NAMES = ("recognize", "list_bundles", "queue_run", "run_status")

    def __init__(self, studio: Studio, page: gr.Blocks) -> None:
        self._studio = studio
        named = {str(one.api_name): one.fn for one in page.fns.values() if one.fn}
        self.endpoints: dict[str, Callable[..., Any]] = {name: named[name] for name in self.NAMES}

    def recognize(self, clips: list[str], labels: list[str], bundles: list[str] | None = None, **asked: Any) -> Answer:
        """A clip that cannot be read gets an error; the others are answered.

        Args:
            clips: the video files, each a whole path on the studio's machine, or an http(s) address that leads to the
                file itself (at most 512 MiB); #t=12,15.5 behind it: the part from 12 s to before 15.5 s alone.
            labels: what the clips may show, in plain words ("riding a bicycle"), at least two.
        """
        if not clips:
            raise ConfigError([Fault("clips", "is empty; give at least one video file")])
        lost: dict[int, str] = {}
        paths: list[str] = []
        with tempfile.TemporaryDirectory(prefix="ga2-clips-") as folder:
            for number, clip in enumerate(clips):
                try:
                    paths.append(str(find_clip(self._studio, clip, Path(folder))))
                except ClipError as exc:
                    lost[number] = str(exc)
            answer = self.endpoints["recognize"](paths, labels, bundles=bundles, **asked) if paths else {"clips": ()}
        read, found = iter(answer["clips"]), []
        for number, clip in enumerate(clips):
            one = next(read) if number not in lost else {"plain": [], "bundles": [], "none_of_these": None}
            found.append({"error": lost.get(number)} | one | {"file": clip})
        if all(one["error"] for one in found):
            raise StudioError("; ".join(one["error"] for one in found))
        return dict(answer, clips=found)

    def list_bundles(self, search: str = "", backbone: str = "", limit: int = 20, offset: int = 0) -> Answer:
        """One page of them, and their total number.

        Returns:
            bundles: the bundles of this page, each with the entries below.
            total: how many there are on all pages.
        """
        total = self._studio.store.bundles.count(BundleQuery(text=search, backbone=backbone))
        return {"bundles": self.endpoints["list_bundles"](search, backbone, limit, offset), "total": total}

    def queue_run(self, config: Answer | None = None, preset: str = "quick", name: str = "") -> Answer:
        """It is trained in a process of its own and goes on when this connection ends; run_status follows it.

        Args:
            config: what differs from the preset, for example {"dataset": "demo", "seed": 7, "optimizer":
                {"epochs": 10}}; every setting is named in docs/api.md.
            preset: quick (text prompts over stored clip features: "demo" takes about a minute on two processor cores),
                full (prompts in both towers: a real data set takes hours without a GPU), or the published settings
                paper-hmdb, paper-ucf, paper-ssv2 and paper-k400.
        """
        if not self._studio.server_paths:
            raise AccessError(
                "this studio is open to all and an agent has not signed in, so that it cannot train here",
                hint="ask a person to queue it on the page, or start a studio of your own with python app.py --mcp",
            )
        return dict(self.endpoints["queue_run"](config or {}, preset, name))

    def run_status(self, run: int, wait_s: float = 0.0) -> Answer:
        """It can wait for the end.

        Args:
            wait_s: seconds to wait for the run's end before answering, at most 50; 0 answers at once.
        """
        runs, deadline_s = self._studio.store.runs, time.monotonic() + wait_s
        while runs.get(run).state in OPEN and time.monotonic() < deadline_s:
            time.sleep(min(0.5, max(0.0, deadline_s - time.monotonic())))
        return dict(self.endpoints["run_status"](run))


class Tool:
    """A tool as the protocol offers it: schemas out of types and docstrings, arguments checked before a call."""

    def __init__(self, tools: Tools, name: str) -> None:
        own, endpoint = getattr(tools, name), tools.endpoints[name]
        taken = dict(signature(own, eval_str=True).parameters)
        if taken.pop("asked", None):
            more = signature(endpoint, eval_str=True).parameters
            taken |= {key: one for key, one in more.items() if key not in (*taken, *_ONE_ALONE)}
        for key in LIMITS.keys() & taken:
            taken[key] = taken[key].replace(annotation=Annotated[taken[key].annotation, LIMITS[key]])
        self.function = partial(own)
        vars(self.function).update(__name__=name, __signature__=Signature([*taken.values()]))
        self._metadata = func_metadata(self.function, structured_output=False)
        self._metadata.arg_model.model_config["extra"] = "forbid"
        self._metadata.arg_model.model_rebuild(force=True)
        said, told = explained(own), explained(endpoint)
        about = {"preset": told.args.get("preset_name", "")} | told.args | said.args
        schema = self._metadata.arg_model.model_json_schema()
        self.about, self.raises, self.returns = f"{told.about} {said.about}", told.raises, said.returns | told.returns
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

    def call(self, arguments: Mapping[str, Any]) -> Answer:
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
    """The MCP server of a studio, whose endpoints ``page`` has: ``routes`` and ``lifespan`` go to the app around it."""

    path = PATH

    def __init__(self, studio: Studio, page: gr.Blocks) -> None:
        self._tools = {name: Tool(Tools(studio, page), name) for name in Tools.NAMES}
        about: Any = {"title": "GA² Studio", "version": version(), "instructions": INSTRUCTIONS}
        server: Any = Server("ga2-studio", on_list_tools=self._list, on_call_tool=self._call, **about)
        # Without sessions an agent goes on where it was when the studio has been started again. Every answer is one
        # message, so it comes as JSON, which clients that know no event streams can read, too.
        self._manager = StreamableHTTPSessionManager(server, stateless=True, json_response=True)
        self._threads = anyio.CapacityLimiter(_AT_ONCE)
        self.lifespan: Callable[[object], AbstractAsyncContextManager[None]] = lambda app: self._manager.run()
        self.routes = [Route(path, self) for path in (PATH, f"{PATH}/")]

    async def _list(self, context: object, asked: object) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[tool.listed for tool in self._tools.values()])

    async def _call(self, context: object, asked: types.CallToolRequestParams) -> types.CallToolResult:
        """The tool's answer, as JSON text and as an object; a fault as its text, marked as an error."""
        name, answer = asked.name, None
        try:
            if name not in self._tools:
                raise StudioError(f"there is no tool '{name}'; there are: {', '.join(self._tools)}")
            call = partial(self._tools[name].call, asked.arguments or {})
            answer = await anyio.to_thread.run_sync(call, limiter=self._threads)
            text = json.dumps(answer, ensure_ascii=False)
        except StudioError as exc:
            text = str(exc)
        except gr.Error as exc:
            text = exc.message
        except Exception as exc:
            log.exception("the tool %s failed", name)
            text = f"{name} failed because of a fault of the program ({type(exc).__name__}; see the studio's log); "
            text += "try other arguments, and tell the person who runs the studio"
        content: list[Any] = [types.TextContent(type="text", text=text)]
        return types.CallToolResult(content=content, structured_content=answer, is_error=answer is None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on to the protocol, unless it is a browser's: without sessions there is no stream to read."""
        if scope["method"] in ("GET", "HEAD"):
            await PlainTextResponse(FOR_BROWSERS, 405, {"Allow": "POST"})(scope, receive, send)
            return
        # A client that names event streams alone is taken to read JSON as well: there is nothing else.
        kept = [(name, value) for name, value in scope["headers"] if name != b"accept"]
        accepting = {**scope, "headers": [*kept, (b"accept", b"application/json, text/event-stream")]}
        await self._manager.handle_request(accepting, receive, send)
