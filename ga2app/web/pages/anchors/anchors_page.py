"""The page of anchor sets and negative prompts, measured against the labels of a data set.

``/anchors?set=3`` shows an anchor set, ``/anchors?group=2`` a group of negative prompts.
"""

from __future__ import annotations

import gradio as gr

from ga2app.services.studio import Studio
from ga2app.web import address
from ga2app.web.components.markup import shortened
from ga2app.web.components.masthead import Page
from ga2app.web.pages.anchors.anchor_room import IN_TURN, Bar, Updates, Values
from ga2app.web.pages.anchors.clip_room import ClipRoom
from ga2app.web.pages.anchors.prompt_room import PromptRoom

CLIPS, PROMPTS = "anchor-clips", "negative-prompts"
_ADDRESS = r"""(sets, groups) => {
  const chosen = html => (/data-choose="(\d+)" aria-current/.exec(html ?? '') ?? [])[1] ?? '';
  return {set: chosen(sets), group: chosen(groups)};
}"""


def build_anchors(studio: Studio, page: Page) -> None:
    """Lay the page out and connect it. It is drawn anew whenever it is opened."""
    bar = Bar(studio)
    with gr.Tabs(elem_id="anchor-rooms") as tabs:
        with gr.Tab("Anchor clips", id=CLIPS):
            clips = ClipRoom(studio, bar)
        with gr.Tab("Negative prompts", id=PROMPTS):
            prompts = PromptRoom(studio, bar)

    def open_clips(values: Values, request: gr.Request) -> Updates:
        named = shortened(address.text(request, "set"))
        return clips.open_address(values, address.number(request, "set"), named)

    def open_prompts(values: Values, request: gr.Request) -> Updates:
        wanted = address.number(request, "group")
        drawn = prompts.open_address(values, wanted, shortened(address.text(request, "group")))
        return drawn | ({} if wanted is None else {tabs: gr.update(selected=PROMPTS)})

    def draw_clips(values: Values) -> Updates:
        return _without(clips.draw(values, told=""), bar.undo)

    def draw_prompts(values: Values) -> Updates:
        return _without(prompts.draw(values, told=""), bar.undo)

    reading = clips.inputs | {clips.pool, clips.make_from}
    opened = page.on_open(bar.refresh, bar.inputs, [*bar.inputs, bar.undo], **IN_TURN)
    # The group first: as soon as a set is shown, the address names it, and no longer what it was opened with.
    grouped = opened.then(open_prompts, prompts.inputs, [*prompts.outputs, tabs], **IN_TURN)
    grouped.then(open_clips, reading, clips.outputs, **IN_TURN)
    events = [bar.source.input, bar.backbone.input, bar.typed.submit, bar.typed.blur]
    asked = gr.on(events, bar.ask, bar.inputs, [*bar.inputs, bar.undo], **IN_TURN)
    undone = bar.undo.click(bar.undo_last, None, bar.undo, trigger_mode="multiple", **IN_TURN)
    for changed in (asked, undone):
        changed.then(draw_clips, clips.inputs, clips.outputs, **IN_TURN).then(
            draw_prompts, prompts.inputs, prompts.outputs, **IN_TURN
        )
    address.tell(_ADDRESS, [clips.sets, prompts.groups])


def _without(updates: Updates, told: gr.HTML) -> Updates:
    """``updates`` but for those of the bar, which has just said what was done."""
    return {component: update for component, update in updates.items() if component is not told}
