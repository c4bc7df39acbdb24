"""What leads to Train fills its form: ``?from=run-7``, ``?hard_prompt=KEY``, ``?dataset=3``."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import gradio as gr

from ga2app.config import PRESETS, RunConfig, preset
from ga2app.errors import BundleError, DatasetError, StoreError, StudioError
from ga2app.services.studio import Studio
from ga2app.web import address
from ga2app.web.components.markup import notice, shortened
from ga2app.web.pages.train import train_actions as actions
from ga2app.web.pages.train.hard_prompts import facts_of


def form_asked_for(studio: Studio, request: gr.Request) -> list[Any] | None:
    """Values for the form's ``filled`` parts as the address asks for them; None where it asks for nothing.

    What it names and nobody has is told, and the form stays as it is.
    """
    run, bundle, dataset = (address.text(request, name) for name in ("from", "hard_prompt", "dataset"))
    try:
        if run:
            numbered = re.fullmatch(r"(?:run-)?(\d{1,9})", run)
            if numbered is None:
                raise StoreError(f"'{shortened(run)}' names no run; an address ends with ?from=run-7, for example")
            return actions.take_run(studio, int(numbered[1]))
        if bundle:
            return hard_prompt_form(studio, bundle)
        if dataset:
            name = next((row.name for row in studio.store.clips.sets() if row.id == address.whole(dataset)), None)
            if name is None:
                raise DatasetError(f"there is no data set {shortened(dataset)}; choose one from the list")
            return [gr.update(value=[name]), *actions.keep_all("")[1:-1], ""]
    except StudioError as exc:
        return actions.keep_all(notice("error", str(exc)))
    return None


def hard_prompt_form(studio: Studio, key: str | None) -> list[Any]:
    """Values for the form's ``filled`` parts: quick settings on the bundle's backbone, coupled to the bundle.

    The data set that is chosen there stays. Raises BundleError where the bundle cannot be a hard prompt.
    """
    card = studio.library.bundle(key)
    facts = facts_of(card.folder)
    if facts is None:
        raise BundleError(f"'{card.title}' cannot be read; put its folder back, or upload it again")
    if not facts.text_depth:
        raise BundleError(f"'{card.title}' has no text prompts and cannot be a hard prompt; choose another bundle")
    filled = actions.fill_config(
        studio, _coupled_to(card.folder, card.backbone, facts.length), f"bundle '{card.title}'"
    )
    text = "The settings are those of Quick; change what you like, then queue the run."
    return [gr.skip(), *filled[1:-1], notice("success", text, f"'{card.title}' is the hard prompt.")]


def _coupled_to(folder: str, backbone: str, length: int) -> RunConfig:
    start = preset(PRESETS[0], backbone)
    return replace(start, prompts=replace(start.prompts, coupled=True, hard_prompt=folder, length=length))
