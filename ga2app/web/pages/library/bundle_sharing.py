"""Bundles of the library as the Hub's panels push and pull them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from ga2app.services.studio import Studio
from ga2app.types import LICENSES, BundleCard, ByteProgress, HubAccount, HubOffer, Pushed, PushOptions
from ga2app.web.events import QUIET


class BundleGoods:
    """``hub_panels.Goods``: the bundle under a key, with its run's report and example clips if ticked."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def title(self, chosen: str) -> str:
        return self._studio.bundle_title(self._studio.library.bundle(chosen))

    def place(self, chosen: str, account: HubAccount) -> str:
        return self._studio.sharing.repo_of_bundle(self._studio.library.bundle(chosen).folder, account)

    def ticks(self) -> Sequence[Any]:
        license_id = gr.Dropdown(
            [("As its model card says", ""), *((name, name) for name in LICENSES)],
            value="",
            label="License of the prompts",
            info="The card names none (unknown) until you choose one.",
            elem_id="push-license",
        )
        license_name = gr.Textbox(label="Name of the license", max_lines=1, visible=False, elem_id="push-license-name")
        license_id.change(lambda chosen: gr.update(visible=chosen == "other"), license_id, license_name, **QUIET)
        report = gr.Checkbox(
            False,
            label="With the report of its run",
            info="Figures, labels and a map of the clips, by file names alone.",
            elem_id="push-report",
        )
        examples = gr.File(
            label="Example clips, if you like",
            file_count="multiple",
            file_types=["video"],
            height=110,
            elem_id="push-examples",
        )
        return license_id, license_name, report, examples

    def push(
        self, chosen: str, options: PushOptions, along: Sequence[Any], token: str | None, progress: ByteProgress
    ) -> Pushed:
        license_id, license_name, report, examples = along
        return self._studio.sharing.push_bundle(
            self._studio.library.bundle(chosen).folder,
            replace(options, license=license_id or "", license_name=license_name or ""),
            report=bool(report),
            examples=[Path(clip) for clip in examples or ()],
            token=token,
            progress=progress,
        )


class BundleSupply:
    """``hub_panels.Supply``: a bundle; ``welcome`` shows it to the library, new or not."""

    example = "user/bundle"
    about = "Its prompts and their description are fetched, nothing else: numbers and text, no code."

    def __init__(self, studio: Studio, welcome: Callable[[BundleCard, bool], list[Any]]) -> None:
        self._studio, self._welcome = studio, welcome

    def ticks(self) -> Sequence[Any]:
        return ()

    def find(self, repo: str, revision: str, token: str | None) -> HubOffer:
        return self._studio.sharing.find_bundle(repo, revision=revision, token=token)

    def pull(
        self, offer: HubOffer, along: Sequence[Any], token: str | None, progress: ByteProgress
    ) -> tuple[BundleCard, bool]:
        return self._studio.sharing.pull_bundle(offer, token=token, progress=progress)

    def welcome(self, pulled: tuple[BundleCard, bool]) -> list[Any]:
        return self._welcome(*pulled)
