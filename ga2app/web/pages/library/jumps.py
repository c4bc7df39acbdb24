"""From the library to the next run: a bundle as the hard prompt of the Train screen's form."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gradio as gr

from ga2app.config import PRESETS, RunConfig, preset
from ga2app.errors import BundleError
from ga2app.services.studio import Studio
from ga2app.web.components.markup import notice
from ga2app.web.pages.library import shelving
from ga2app.web.pages.train.hard_prompts import facts_of
from ga2app.web.pages.train.train_actions import fill_config


def hard_prompt_form(studio: Studio, key: str | None) -> list[Any]:
    """Values for the form's ``filled`` parts: quick settings on the bundle's backbone, coupled to the bundle.

    The data set that is chosen there stays. Raises BundleError where the bundle cannot be a hard prompt.
    """
    card = shelving.listed(studio, key)
    facts = facts_of(card.folder)
    if facts is None:
        raise BundleError(f"'{card.title}' cannot be read; put its folder back, or upload it again")
    if not facts.text_depth:
        raise BundleError(f"'{card.title}' has no text prompts and cannot be a hard prompt; choose another bundle")
    filled = fill_config(studio, _coupled_to(card.folder, card.backbone, facts.length), f"bundle '{card.title}'")
    text = "The settings are those of Quick; change what you like, then queue the run."
    return [gr.skip(), *filled[1:-1], notice("success", text, f"'{card.title}' is the hard prompt.")]


def _coupled_to(folder: str, backbone: str, length: int) -> RunConfig:
    start = preset(PRESETS[0], backbone)
    return replace(start, prompts=replace(start.prompts, coupled=True, hard_prompt=folder, length=length))
