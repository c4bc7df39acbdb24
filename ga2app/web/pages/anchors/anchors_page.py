"""Third screen: anchor sets and negative prompts, measured against the labels of a data set."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ga2app.services.studio import Studio
from ga2app.web.components.backbone_field import settle_choice
from ga2app.web.components.markup import notice
from ga2app.web.components.masthead import Page
from ga2app.web.pages.anchors.bar import IN_TURN, Updates, backbone_help, build_bar, refresh_bar, undo_last
from ga2app.web.pages.anchors.clip_events import ClipEvents
from ga2app.web.pages.anchors.clip_room import draw_pools, lay_out_clips
from ga2app.web.pages.anchors.prompt_events import PromptEvents
from ga2app.web.pages.anchors.prompt_room import lay_out_prompts


def build_anchors(studio: Studio, page: Page) -> None:
    """Lay the page out and connect it. It is drawn anew whenever it is opened."""
    bar = build_bar(studio)
    with gr.Tabs(elem_id="anchor-rooms"):
        with gr.Tab("Anchor clips", id="anchor-clips"):
            clip_room = lay_out_clips(studio)
        with gr.Tab("Negative prompts", id="negative-prompts"):
            prompt_room = lay_out_prompts(studio)
    clip_events, prompt_events = ClipEvents(studio, bar, clip_room), PromptEvents(studio, bar, prompt_room)
    clip_events.connect()
    prompt_events.connect()
    half = len(clip_room.inputs)
    inputs = [*clip_room.inputs, *prompt_room.inputs, *bar.inputs]
    outputs = list(dict.fromkeys([*clip_events.outputs, *prompt_events.outputs, *bar.inputs]))

    def redraw(values: tuple[Any, ...]) -> Updates:
        chosen = values[-len(bar.inputs) :]
        mine, theirs = values[:half], values[half : -len(bar.inputs)]
        return clip_events.draw((*mine, *chosen)) | prompt_events.draw((*theirs, *chosen))

    def open_screen(pool: str | None, make_from: str | None, *values: Any) -> Updates:
        chosen = values[-len(bar.inputs) :]
        listed = refresh_bar(studio, bar, *chosen)
        kept = zip(bar.inputs, chosen, strict=True)
        fresh = (*values[: -len(bar.inputs)], *(listed[one].get("value", value) for one, value in kept))
        return redraw(fresh) | listed | draw_pools(studio, clip_room, values[0], pool, make_from)

    def ask(*values: Any) -> Updates:
        listed, fault = settle_choice(studio, values[-1], backbone_help(studio))
        told = notice("error", fault) if fault else ""
        drawn = redraw(values) | {bar.typed: gr.update(visible=not values[-3]), bar.backbone: listed}
        return drawn | {clip_room.told: told, prompt_room.told: told} if fault else drawn

    def undo(*values: Any) -> Updates:
        """What was undone is said beside the button: it may belong to the room that is not open."""
        message = undo_last(studio)
        return redraw(values) | {clip_room.told: "", prompt_room.told: "", bar.told: message}

    lists = [clip_room.pool, clip_room.make_from]
    page.on_open(open_screen, [*lists, *inputs], [*outputs, *lists], **IN_TURN)
    gr.on([bar.source.input, bar.backbone.input, bar.typed.submit, bar.typed.blur], ask, inputs, outputs, **IN_TURN)
    bar.undo.click(undo, inputs, outputs, **IN_TURN)
