"""The four tools: the page's endpoints of the same names, called with what an agent can give.

What an agent reads (what a tool does, its arguments with their units, its answer, its errors) is the endpoint's
docstring; the ``Args`` and ``Returns`` here stand in the place of the endpoint's, or beside them. A tool that takes
``**asked`` takes what its endpoint takes, within ``LIMITS``.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from inspect import Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import gradio as gr
from pydantic import Field

from ga2app.errors import AccessError, ClipError, ConfigError, Fault, PackageError, StudioError
from ga2app.services.runs import OPEN
from ga2app.services.studio import Studio
from ga2app.store import BundleQuery
from ga2app.web.clip_addresses import find_clip

if TYPE_CHECKING:
    from ga2app.web.mcp.agent_server import Agents

Answer = dict[str, Any]
LIMITS = {"top_k": Field(ge=1), "threshold": Field(ge=0, le=1)}
_ONE_ALONE = ("bundle", "template")  # beside them an endpoint takes a list of the same


class Tools:
    """What agents may do with one studio. Each tool raises StudioError or gr.Error, whose text the agent reads."""

    NAMES = ("recognize", "list_bundles", "queue_run", "run_status")

    def __init__(self, studio: Studio, endpoints: Mapping[str, Callable[..., Any]]) -> None:
        self._studio, self.endpoints = studio, endpoints

    def recognize(self, clips: list[str], labels: list[str], bundles: list[str] | None = None, **asked: Any) -> Answer:
        """A clip that cannot be had costs the others nothing.

        Args:
            clips: the video files, each a whole path on the studio's machine, or an http(s) address that leads to the
                file itself (at most 512 MiB).
            labels: what the clips could show, in plain words ("riding a bicycle"), at least two.
        """
        if not clips:
            raise ConfigError([Fault("clips", "is empty; give at least one video file")])
        found: list[Answer] = []
        paths: list[str] = []
        answer: Answer = {}
        with tempfile.TemporaryDirectory(prefix="ga2-clips-") as folder:
            for clip in clips:
                try:
                    paths.append(str(find_clip(self._studio, clip, Path(folder))))
                    found.append({})
                except ClipError as exc:
                    found.append({"error": str(exc), "plain": [], "bundles": [], "none_of_these": None})
            if paths:
                answer = self.endpoints["recognize"](paths, labels, bundles=bundles, **asked)
        read = iter(answer.get("clips", ()))
        found = [{**(one or next(read)), "file": clip} for one, clip in zip(found, clips, strict=True)]
        if all(one["error"] for one in found):
            raise StudioError("; ".join(one["error"] for one in found))
        return answer | {"clips": found}

    def list_bundles(
        self,
        search: str = "",
        backbone: str = "",
        limit: Annotated[int, Field(ge=1, le=100)] = 20,
        offset: Annotated[int, Field(ge=0)] = 0,
    ) -> Answer:
        """A page of them, and their number.

        Returns:
            bundles: the bundles of this page, each with what follows.
            total: how many there are on all pages.
        """
        total = self._studio.store.bundles.count(BundleQuery(text=search, backbone=backbone))
        return {"bundles": self.endpoints["list_bundles"](search, backbone, limit, offset), "total": total}

    def queue_run(self, config: Answer | None = None, preset: str = "quick", name: str = "") -> Answer:
        """It is trained in a process of its own and outlives this connection: ask run_status how it goes on.

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

    def run_status(self, run: int, wait_s: Annotated[float, Field(ge=0, le=50)] = 0.0) -> Answer:
        """It may wait for the end.

        Args:
            wait_s: seconds to wait for the run's end before answering, at most 50; 0 answers at once.
        """
        runs, deadline_s = self._studio.store.runs, time.monotonic() + wait_s
        while runs.get(run).state in OPEN and time.monotonic() < deadline_s:
            time.sleep(min(0.5, max(0.0, deadline_s - time.monotonic())))
        return dict(self.endpoints["run_status"](run))


def endpoints_of(page: gr.Blocks) -> dict[str, Callable[..., Any]]:
    """The functions behind the endpoints of ``page``, by their names."""
    return {str(one.api_name): one.fn for one in page.fns.values() if one.fn and one.api_name in Tools.NAMES}


def callable_of(tools: Tools, name: str) -> Callable[..., Answer]:
    """The tool ``name``, with all that it takes in its signature."""
    tool = getattr(tools, name)
    taken = dict(signature(tool, eval_str=True).parameters)
    if taken.pop("asked", None):
        for key, one in signature(tools.endpoints[name], eval_str=True).parameters.items():
            if key not in (*taken, *_ONE_ALONE):
                kind = Annotated[one.annotation, LIMITS[key]] if key in LIMITS else one.annotation
                taken[key] = one.replace(annotation=kind)

    def call(**given: Any) -> Answer:
        return dict(tool(**given))

    call.__name__, call.__doc__ = name, tool.__doc__
    vars(call)["__signature__"] = Signature([*taken.values()])
    return call


def open_to_agents(studio: Studio, page: gr.Blocks) -> Agents:
    """The MCP server of ``studio``, whose endpoints ``page`` has. Raises PackageError where ``mcp``, an extra, is
    missing."""
    try:
        from ga2app.web.mcp.agent_server import Agents
    except ModuleNotFoundError as exc:
        if (exc.name or "").split(".")[0] not in ("mcp", "mcp_types"):
            raise
        hint = "install it with pip install -r requirements-mcp.txt, or start the studio without --mcp"
        raise PackageError("agents are answered by the package 'mcp', which is not installed", hint=hint) from exc
    return Agents(studio, page)
