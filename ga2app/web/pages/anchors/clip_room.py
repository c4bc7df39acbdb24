"""The room of the anchor clips on the page: the list of sets, the chosen set, and ways to fill it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from ga2app.services.studio import Studio
from ga2app.store.anchor_sets import AnchorOrder
from ga2app.types import AnchorKind
from ga2app.web.components.hub_panels import build_pull, build_push
from ga2app.web.components.list_scripts import LASTING_JS
from ga2app.web.pages.anchors import adding, clip_cards
from ga2app.web.pages.anchors import anchor_clip_list as clips
from ga2app.web.pages.anchors.adding import Proposed
from ga2app.web.pages.anchors.anchor_messages import ABOUT_HELD_FRAMES, ABOUT_IRRELEVANCE
from ga2app.web.pages.anchors.anchor_sharing import AnchorGoods, AnchorSupply
from ga2app.web.pages.anchors.bar import Updates
from ga2app.web.pages.anchors.question import questions
from ga2app.web.theme import part

KINDS = [
    ("a crop away from the mover", AnchorKind.AWAY.value),
    ("the background (median over time)", AnchorKind.MEDIAN.value),
    ("one frame, held", AnchorKind.HELD_FRAME.value),
]
ORDERS = [
    ("sorted as added", AnchorOrder.ADDED.value),
    ("most irrelevant first", AnchorOrder.BEST.value),
    ("most relevant first", AnchorOrder.WORST.value),
]
PICKER_JS = """
element.addEventListener('click', event => {
  const card = event.target.closest('[data-choose]');
  if (card) trigger('click', {chosen: card.dataset.choose});
});
"""
NOTHING = Proposed((), True)


@dataclass(frozen=True)
class ClipRoom:
    """The components of the room. ``inputs`` is what drawing it anew depends on.

    ``pictures`` tells when pictures of clips were last added to those that were there.
    """

    chosen: gr.State
    page: gr.State
    proposed: gr.State
    pictures: gr.State
    sets: gr.HTML
    new_name: gr.Textbox
    create: gr.Button
    detail: gr.Column
    name: gr.Textbox
    about: gr.Textbox
    files: gr.File
    caption: gr.Textbox
    pool: gr.Dropdown
    count: gr.Number
    suggest: gr.Button
    make_from: gr.Dropdown
    kinds: gr.CheckboxGroup
    make_count: gr.Number
    make: gr.Button
    ideas_button: gr.Button
    ideas: gr.HTML
    told: gr.HTML
    proposals: gr.HTML
    measure: gr.Button
    order: gr.Dropdown
    all_on: gr.Button
    all_off: gr.Button
    delete: gr.Button
    rows: gr.HTML
    pulled: gr.events.Dependency

    @property
    def inputs(self) -> list[Any]:
        return [self.chosen, self.page, self.order]

    @property
    def outputs(self) -> list[Any]:
        drawn = [self.chosen, self.page, self.sets, self.detail, self.name, self.about, self.pool, self.make_from]
        return [*drawn, self.rows, self.told, self.proposed, self.proposals, self.files, self.new_name, self.order]


def lay_out_clips(studio: Studio) -> ClipRoom:
    """The components, not connected yet."""
    made: dict[str, Any] = {"chosen": gr.State(None), "page": gr.State(0), "proposed": gr.State(NOTHING)}
    made["pictures"] = gr.State(0.0)
    with gr.Row(elem_classes="split"):
        with gr.Column(scale=4, min_width=300):
            made["sets"] = part(elem_id="anchor-sets", js_on_load=PICKER_JS)
            with gr.Row(elem_classes="inline"):
                made["new_name"] = gr.Textbox(
                    label="New anchor set", placeholder="name", max_lines=1, elem_id="anchor-new-name", scale=3
                )
                made["create"] = gr.Button("Create", size="sm", elem_id="anchor-create", scale=1, min_width=80)
            from_hub = gr.Column()
            with gr.Accordion("What irrelevance means", open=False):
                gr.Markdown(f"{ABOUT_IRRELEVANCE}\n\n{ABOUT_HELD_FRAMES}")
        with gr.Column(scale=8, min_width=300, elem_classes="detail", visible=False) as detail:
            made["detail"] = detail
            _lay_out_set(studio, made)
    with from_hub:
        made["pulled"] = build_pull(studio, AnchorSupply(studio), [made["chosen"], made["told"]], "anchor-")
    return ClipRoom(**made)


def _lay_out_set(studio: Studio, made: dict[str, Any]) -> None:
    with gr.Row():
        made["name"] = gr.Textbox(label="Name of the set", max_lines=1, elem_id="anchor-name", scale=2, min_width=180)
        made["about"] = gr.Textbox(
            label="What it is for", placeholder="optional", max_lines=3, elem_id="anchor-about", scale=4, min_width=220
        )
    with gr.Accordion("Add clips of your own", open=False, elem_id="anchor-add-own"):
        made["caption"] = gr.Textbox(
            label="Caption",
            info="What the clips show. Left empty, each gets the words of its file's name. You can change it below.",
            placeholder="rain on a window",
            max_lines=1,
            elem_id="anchor-caption",
        )
        made["files"] = gr.File(label="Clips", file_count="multiple", height=110, elem_id="anchor-files")
        made["ideas_button"] = gr.Button("Ideas for clips to film", size="sm", elem_id="anchor-ideas-button")
        made["ideas"] = part(
            elem_id="anchor-ideas",
            js_on_load="element.addEventListener('click', event => { const idea = event.target.closest('[data-idea]');"
            " if (idea) trigger('click', {idea: idea.dataset.idea}); });",
        )
    with gr.Accordion("Suggest clips from a data set", open=False, elem_id="anchor-suggest-box"):
        with gr.Row():
            made["pool"] = gr.Dropdown(
                [],
                label="Choose from",
                info="Clips of your labels' own classes are never proposed.",
                elem_id="anchor-pool",
                scale=3,
                min_width=220,
            )
            made["count"] = gr.Number(
                8, label="How many", info="Irrelevant, and unlike each other.", minimum=1, maximum=100, precision=0,
                elem_id="anchor-count", scale=1, min_width=120,
            )  # fmt: skip
        made["suggest"] = gr.Button("Suggest clips", size="sm", elem_id="anchor-suggest")
    with gr.Accordion("Make anchors from clips", open=False, elem_id="anchor-make-box"):
        with gr.Row():
            made["make_from"] = gr.Dropdown(
                [], label="From the clips of", info="Spread evenly over its classes.", elem_id="anchor-make-from",
                scale=3, min_width=220,
            )  # fmt: skip
            made["make_count"] = gr.Number(
                6, label="How many clips", info="Each is used in every way.", minimum=1, maximum=100, precision=0,
                elem_id="anchor-make-count", scale=1, min_width=120,
            )  # fmt: skip
        made["kinds"] = gr.CheckboxGroup(
            KINDS,
            value=[AnchorKind.AWAY.value, AnchorKind.MEDIAN.value],
            label="Ways",
            info="A held frame of an action still looks like the action; crops away from the mover fare best.",
            elem_id="anchor-kinds",
        )
        made["make"] = gr.Button("Generate candidates", size="sm", elem_id="anchor-make")
    made["told"] = part(elem_id="anchor-told", js_on_load=LASTING_JS)
    made["proposals"] = part(elem_id="anchor-proposals", js_on_load=clip_cards.ROWS_JS)
    with gr.Row(elem_classes="actions toolbar"):
        made["measure"] = gr.Button("Measure irrelevance", variant="primary", size="sm", elem_id="anchor-measure")
        made["all_on"] = gr.Button("All on", size="sm", elem_id="anchor-all-on")
        made["all_off"] = gr.Button("All off", size="sm", elem_id="anchor-all-off")
        push = gr.Button("Push to the Hub", size="sm", elem_id="anchor-push")
        made["delete"] = gr.Button("Delete this set", size="sm", elem_id="anchor-delete")
        made["order"] = gr.Dropdown(
            ORDERS,
            value=ORDERS[0][1],
            label="Order of the clips",
            container=False,
            elem_id="anchor-order",
            min_width=190,
            filterable=False,
        )
    build_push(studio, AnchorGoods(studio), made["chosen"], push, "anchor-")
    made["rows"] = part(elem_id="anchor-rows", js_on_load=clip_cards.ROWS_JS)


def draw_clips(studio: Studio, room: ClipRoom, values: Sequence[Any]) -> Updates:
    """The whole room from the store; ``values`` are those of the room's and of the bar's inputs."""
    set_id, page, order, *bar = values
    row = clips.chosen_set(studio, set_id)
    updates: Updates = {
        room.sets: clip_cards.sets_html(studio.store.anchors.sets(), row.id if row else None),
        room.chosen: row.id if row else None,
        room.detail: gr.update(visible=row is not None),
    }
    if row is None:
        return updates
    html, place = clips.page_html(studio, row, page, order, questions(studio, *bar)[0])
    return updates | {room.rows: html, room.page: place, room.name: row.name, room.about: row.about}


def draw_pools(studio: Studio, room: ClipRoom, set_id: int | None, pool: str | None, source: str | None) -> Updates:
    """The lists to choose clips from, for the set that is chosen now. What was chosen stays where it is still there."""
    row = clips.chosen_set(studio, set_id)
    pools = adding.pool_choices(studio, row.id if row else None)
    names = [one.name for one in studio.store.datasets.list()]
    known = [value for _, value in pools]
    return {
        room.pool: gr.update(choices=pools, value=pool if pool in known else next(iter(known), None)),
        room.make_from: gr.update(choices=names, value=source if source in names else next(iter(names), None)),
    }
