"""The tools. A docstring here is what an agent reads: write it for somebody who has never seen the studio.

``Args`` become descriptions in a tool's input schema, ``Returns`` in its output schema, ``Raises`` its known errors.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from ga2app.errors import ClipError, ConfigError, Fault, StudioError
from ga2app.services.studio import Studio
from ga2app.store import BundleQuery
from ga2app.types import RunState
from ga2app.web.api.library_endpoints import listed
from ga2app.web.api.recognition_endpoints import document, none_settings
from ga2app.web.api.run_endpoints import queue_asked, status_of
from ga2app.web.mcp.mcp_answers import (
    BundleList,
    ClipScores,
    ListedBundle,
    Queued,
    Recognized,
    RunStatus,
    clip_scores,
    unread,
)
from ga2app.web.mcp.mcp_clips import find_clip
from ga2app.web.mcp.mcp_settings import settings_schema
from ga2app.web.pages.recognize.asking import Request, Told, answers

MOST_LISTED = 100
LONGEST_WAIT_S = 50.0
"""Shorter than the minute that clients commonly wait for a tool."""
_LOOK_S = 0.5
_OPEN = (RunState.QUEUED, RunState.RUNNING, RunState.STOPPING)

Settings = Annotated[dict[str, Any], WithJsonSchema(settings_schema())]


class Tools:
    """What agents may do with one studio. Each tool raises StudioError, whose text the agent gets to read."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    @property
    def all(self) -> tuple[Callable[..., Any], ...]:
        """The tools that are offered; nothing else of the studio is."""
        return (self.recognize, self.list_bundles, self.queue_run, self.run_status)

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
    ) -> Recognized:
        """Say which of the given labels each video clip shows: by plain CLIP and, beside it, by trained bundles.

        The labels are yours to choose, in plain words ("riding a bicycle"); the best of them is answered even where
        none fits, unless none_of_these is on. A clip that cannot be read has its own error and costs the others
        nothing.

        Args:
            clips: the video files, each a whole path on the studio's machine, or an http(s) address that leads to the
                file itself (at most 512 MiB).
            labels: what the clips could show, at least two.
            bundles: keys of bundles as list_bundles gives them, at most three; each answers beside plain CLIP.
            backbone: the name of the CLIP that looks; empty for the studio's default. The embedded "sketch" knows
                drawings only. A bundle works with its own backbone alone.
            templates: sentences round a label for plain CLIP, {} standing for the label; of several the mean counts.
            top_k: how many of the best labels to answer for each clip.
            none_of_these: compete lets the studio's negative prompts take part, so that one can win; threshold holds
                the best label against the nearest of them; off leaves them out.
            threshold: what the best label has to reach, from 0 to 1, with none_of_these on; null for 0 (compete) or
                0.5 (threshold).
            negatives: the group of negative prompts to take; empty for all groups.

        Returns:
            backbone: the CLIP that looked.
            notes: what to know about the answer, for example words that the backbone does not know.
            clips: one answer for each clip, in their order.

        Raises:
            ClipError: not one of the clips could be read; the reason and the next step are told for each.
            LabelError: there are fewer than two labels, or two are the same, or there is no such group of negatives.
            BundleError: there is no such bundle, it belongs to another backbone, or more than three are named.
            BackboneError: there is no such backbone on the machine; those that are there are named.
        """
        if not clips:
            raise ConfigError([Fault("clips", "is empty; give at least one video file")])
        with tempfile.TemporaryDirectory(prefix="ga2-clips-") as folder:
            paths, faults = self._find(clips, Path(folder))
            told: Told | None = None
            if paths:
                request = Request(
                    list(paths.values()),
                    labels,
                    bundles or [],
                    backbone,
                    templates or [],
                    top_k,
                    none_settings(none_of_these, threshold, negatives),
                )
                told = list(answers(self._studio, request))[-1]
        found = _by_clip(clips, paths, faults, told)
        if all(clip.error for clip in found):
            raise StudioError("; ".join(clip.error or "" for clip in found))
        assert told is not None
        return Recognized(told.recognition.backbone, list(told.recognition.notes), found)

    def list_bundles(
        self,
        search: str = "",
        backbone: str = "",
        limit: Annotated[int, Field(ge=1, le=MOST_LISTED)] = 20,
        offset: Annotated[int, Field(ge=0)] = 0,
    ) -> BundleList:
        """List the prompt bundles of the studio's library, newest first: what each was trained on, and how well.

        A bundle is what a run leaves: prompts that make one CLIP better at some actions. Give its key to recognize.

        Args:
            search: words that a bundle's name, labels, data set, method or backbone must contain; empty for all.
            backbone: only bundles that belong to this backbone; empty for all.
            limit: how many to answer, at most 100.
            offset: how many of the newest to leave out, to read on where the last answer ended.

        Returns:
            bundles: the bundles of this page.
            total: how many there are on all pages.
        """
        query, store = BundleQuery(text=search, backbone=backbone), self._studio.store.bundles
        known = {choice.name for choice in self._studio.backbones()}
        told = [listed(card, card.backbone in known) for card in store.page(query, limit=limit, offset=offset)]
        wanted = ListedBundle.__dataclass_fields__
        return BundleList(
            [ListedBundle(**{name: one[name] for name in wanted}) for one in told],
            store.count(query),
        )

    def queue_run(self, config: Settings | None = None, preset: str = "quick", name: str = "") -> Queued:
        """Queue a training run: it learns prompts on the clips of a data set and leaves a bundle.

        It trains in a process of its own, one run after the other, and outlives this connection: ask run_status how it
        goes on. "quick" on the drawn "demo" data set takes about a minute on two processor cores; a real data set with
        preset "full" takes hours without a GPU. Every setting is checked first, and all faults are told at once.

        Args:
            config: what differs from the preset, for example {"dataset": "demo", "seed": 7, "optimizer":
                {"epochs": 10}}. The data set is one that a person brought into the studio, or "demo".
            preset: quick (text prompts over stored clip features), full (prompts in both towers), or the published
                settings paper-hmdb, paper-ucf, paper-ssv2 and paper-k400.
            name: what the list of runs shall call it, at most 80 characters.

        Returns:
            run: the run's number, for run_status.
            warning: why no process could be started to train it, or null; the run stays queued all the same.

        Raises:
            ConfigError: settings that cannot be used, each with its rule, its value and what would be right; a data
                set that is not there, with those that are.
            BackboneError: there is no such backbone on the machine; those that are there are named.
            StudioError: this studio is open to all, and lets only people who signed in on its page train.
        """
        if not self._studio.server_paths:
            raise StudioError(
                "this studio is open to all and an agent has not signed in, so that it cannot train here; ask a person "
                "to queue the run on the page, or start a studio of your own with python app.py --mcp"
            )
        told = queue_asked(self._studio, config or {}, preset, name)
        return Queued(told["run"], told["warning"])

    def run_status(self, run: int, wait_s: Annotated[float, Field(ge=0, le=LONGEST_WAIT_S)] = 0.0) -> RunStatus:
        """Say where a training run stands: its state, how far it is, its accuracy, its error, its bundle.

        Args:
            run: the number that queue_run gave.
            wait_s: seconds to wait for the run's end before answering, at most 50; 0 answers at once.

        Returns:
            run: the run's number.
            name: what it is called.
            state: queued, running, stopping, or, at its end, done, stopped or failed.
            step: the optimizer steps that are behind it.
            total_steps: how many there are; null until it has begun.
            metrics: accuracy in percent after the last epoch that was measured: base (labels trained on), novel (not
                trained on) and their harmonic mean hm, and the epoch's number; null before.
            zero_shot: the same figures of plain CLIP, to compare with; null before they are measured.
            tested: how many test clips and labels base and novel accuracy rest on.
            intervals: the 95 % interval of each figure, two numbers.
            cautions: why the figures say less than they seem to.
            adjusted: settings that could not be used as they were asked for, and why.
            error: why it failed and what to do, or null.
            bundle: the key of its bundle, for recognize; null until it is done.

        Raises:
            StoreError: there is no run of that number.
        """
        deadline_s = time.monotonic() + wait_s
        store = self._studio.store.runs
        while store.get(run).state in _OPEN and time.monotonic() < deadline_s:
            time.sleep(min(_LOOK_S, max(0.0, deadline_s - time.monotonic())))
        return RunStatus(**status_of(self._studio, run))

    def _find(self, clips: Sequence[str], folder: Path) -> tuple[dict[int, str], dict[int, str]]:
        """The files of the clips that can be had, and what is wrong with the others, by the clips' places."""
        paths: dict[int, str] = {}
        faults: dict[int, str] = {}
        for place, clip in enumerate(clips):
            try:
                paths[place] = str(find_clip(self._studio, clip, folder))
            except ClipError as exc:
                faults[place] = str(exc)
        return paths, faults


def _by_clip(
    clips: Sequence[str], paths: dict[int, str], faults: dict[int, str], told: Told | None
) -> list[ClipScores]:
    """The answers in the order of ``clips``, each under the name that the agent gave it."""
    said = dict(zip(paths, document(told)["clips"] if told else [], strict=True))
    return [
        unread(clip, faults[place]) if place in faults else clip_scores(clip, said[place])
        for place, clip in enumerate(clips)
    ]
