"""The four tools: the page's endpoints of the same names, called with what an agent can give.

What an agent reads (what a tool does, its arguments with their units, its answer, its errors) is the endpoint's
docstring; the ``Args`` and ``Returns`` here stand in the place of the endpoint's, or beside them.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import gradio as gr
from pydantic import Field

from ga2app.errors import AccessError, ClipError, ConfigError, Fault, StudioError
from ga2app.services.studio import Studio
from ga2app.store import BundleQuery
from ga2app.types import RunState
from ga2app.web.clip_addresses import find_clip

Answer = dict[str, Any]
_OPEN = (RunState.QUEUED, RunState.RUNNING, RunState.STOPPING)


class Tools:
    """What agents may do with one studio. Each tool raises StudioError or gr.Error, whose text the agent reads."""

    NAMES = ("recognize", "list_bundles", "queue_run", "run_status")

    def __init__(self, studio: Studio, endpoints: Mapping[str, Callable[..., Any]]) -> None:
        self._studio, self.endpoints = studio, endpoints

    def recognize(
        self,
        clips: list[str],
        labels: list[str],
        bundles: list[str] | None = None,
        backbone: str = "",
        templates: list[str] | None = None,
        top_k: Annotated[int, Field(ge=1)] = 5,
        none_of_these: Literal["off", "compete", "threshold"] = "off",
        threshold: Annotated[float, Field(ge=0, le=1)] | None = None,
        negatives: str = "",
    ) -> Answer:
        """A clip that cannot be had costs the others nothing.

        Args:
            clips: the video files, each a whole path on the studio's machine, or an http(s) address that leads to the
                file itself (at most 512 MiB).
            labels: what the clips could show, in plain words ("riding a bicycle"), at least two.
        """
        if not clips:
            raise ConfigError([Fault("clips", "is empty; give at least one video file")])
        lost: dict[int, Answer] = {}
        read: list[Answer] = []
        answer: Answer = {}
        with tempfile.TemporaryDirectory(prefix="ga2-clips-") as folder:
            paths = []
            for place, clip in enumerate(clips):
                try:
                    paths.append(str(find_clip(self._studio, clip, Path(folder))))
                except ClipError as exc:
                    lost[place] = {"error": str(exc), "plain": [], "bundles": [], "none_of_these": None}
            if paths:
                ways = {"none_of_these": none_of_these, "threshold": threshold, "negatives": negatives}
                named = {"bundles": bundles, "backbone": backbone, "templates": templates, "top_k": top_k}
                answer = self.endpoints["recognize"](paths, labels, **named, **ways)
                read = answer["clips"][::-1]
        found = [{**(lost.get(place) or read.pop()), "file": clip} for place, clip in enumerate(clips)]
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
        answer: Answer = self.endpoints["queue_run"](config or {}, preset, name)
        return answer

    def run_status(self, run: int, wait_s: Annotated[float, Field(ge=0, le=50)] = 0.0) -> Answer:
        """It may wait for the end.

        Args:
            wait_s: seconds to wait for the run's end before answering, at most 50; 0 answers at once.
        """
        runs, deadline_s = self._studio.store.runs, time.monotonic() + wait_s
        while runs.get(run).state in _OPEN and time.monotonic() < deadline_s:
            time.sleep(min(0.5, max(0.0, deadline_s - time.monotonic())))
        answer: Answer = self.endpoints["run_status"](run)
        return answer


def endpoints_of(page: gr.Blocks) -> dict[str, Callable[..., Any]]:
    """The functions behind the endpoints of ``page``, by their names."""
    return {str(one.api_name): one.fn for one in page.fns.values() if one.fn and one.api_name in Tools.NAMES}
