"""The components of the anchor clips: the list of sets, the chosen set, and ways to fill it."""

from __future__ import annotations

import gradio as gr

from ga2app.services.studio import Studio
from ga2app.store.anchor_sets import AnchorOrder
from ga2app.types import AnchorKind
from ga2app.web.components.hub_panels import build_pull, build_push
from ga2app.web.components.list_scripts import LASTING_JS
from ga2app.web.pages.anchors.anchor_html import ABOUT_HELD_FRAMES, ABOUT_IRRELEVANCE
from ga2app.web.pages.anchors.anchor_room import PICKER_JS, ROWS_JS, Bar, ClipView, Room
from ga2app.web.pages.anchors.anchor_sharing import AnchorGoods, AnchorSupply
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
IDEAS_JS = """
element.addEventListener('click', event => {
  const idea = event.target.closest('[data-idea]');
  if (idea) trigger('click', {idea: idea.dataset.idea});
});
"""


class ClipParts(Room):
    """The room of the anchor clips, not connected yet."""

    def __init__(self, studio: Studio, bar: Bar) -> None:
        super().__init__(studio, bar)
        self.view, self.pictures = gr.State(ClipView()), gr.State(0.0)
        with gr.Row(elem_classes="split"):
            with gr.Column(scale=4, min_width=300):
                self.sets = part(elem_id="anchor-sets", js_on_load=PICKER_JS)
                with gr.Row(elem_classes="inline"):
                    self.new_name = gr.Textbox(
                        label="New anchor set", placeholder="name", max_lines=1, elem_id="anchor-new-name", scale=3
                    )
                    self.create = gr.Button("Create", size="sm", elem_id="anchor-create", scale=1, min_width=80)
                from_hub = gr.Column()
                with gr.Accordion("What irrelevance means", open=False):
                    gr.Markdown(f"{ABOUT_IRRELEVANCE}\n\n{ABOUT_HELD_FRAMES}")
            with gr.Column(scale=8, min_width=300, elem_classes="detail", visible=False) as self.detail:
                self._lay_out_set()
        self.inputs = {self.view, self.order, *bar.inputs}
        drawn = [self.view, self.sets, self.detail, self.name, self.about, self.rows, bar.undo]
        self.outputs = [*drawn, self.told, self.proposals, self.pool, self.make_from, self.new_name]
        with from_hub:
            self.pulled = build_pull(studio, AnchorSupply(studio), [self.view, self.told], "anchor-")

    def _lay_out_set(self) -> None:
        with gr.Row():
            self.name = gr.Textbox(label="Name of the set", max_lines=1, elem_id="anchor-name", scale=2, min_width=180)
            self.about = gr.Textbox(
                label="What it is for", placeholder="optional", max_lines=3, elem_id="anchor-about", scale=4,
                min_width=220,
            )  # fmt: skip
        with gr.Accordion("Add clips of your own", open=False, elem_id="anchor-add-own"):
            self.caption = gr.Textbox(
                label="Caption",
                info="What the clips show. Left empty, each gets the words of its file's name.",
                placeholder="rain on a window",
                max_lines=1,
                elem_id="anchor-caption",
            )
            self.files = gr.File(label="Clips", file_count="multiple", height=110, elem_id="anchor-files")
            self.ideas_button = gr.Button("Ideas for clips to film", size="sm", elem_id="anchor-ideas-button")
            self.ideas = part(elem_id="anchor-ideas", js_on_load=IDEAS_JS)
        with gr.Accordion("Suggest clips from a data set", open=False, elem_id="anchor-suggest-box"):
            with gr.Row():
                self.pool = gr.Dropdown(
                    [],
                    label="Choose from",
                    info="Clips of your labels' own classes are never proposed.",
                    elem_id="anchor-pool",
                    scale=3,
                    min_width=220,
                )
                self.count = gr.Number(
                    8, label="How many", info="Irrelevant, and unlike each other.", minimum=1, maximum=100,
                    precision=0, elem_id="anchor-count", scale=1, min_width=120,
                )  # fmt: skip
            self.suggest = gr.Button("Suggest clips", size="sm", elem_id="anchor-suggest")
        with gr.Accordion("Make anchors from clips", open=False, elem_id="anchor-make-box"):
            with gr.Row():
                self.make_from = gr.Dropdown(
                    [], label="From the clips of", info="Spread evenly over its classes.",
                    elem_id="anchor-make-from", scale=3, min_width=220,
                )  # fmt: skip
                self.make_count = gr.Number(
                    6, label="How many clips", info="Each is used in every way.", minimum=1, maximum=100, precision=0,
                    elem_id="anchor-make-count", scale=1, min_width=120,
                )  # fmt: skip
            self.kinds = gr.CheckboxGroup(
                KINDS,
                value=[AnchorKind.AWAY.value, AnchorKind.MEDIAN.value],
                label="Ways",
                info="A held frame of an action still looks like the action; crops away from the mover fare best.",
                elem_id="anchor-kinds",
            )
            self.make = gr.Button("Generate candidates", size="sm", elem_id="anchor-make")
        self.told = part(elem_id="anchor-told", js_on_load=LASTING_JS)
        self.proposals = part(elem_id="anchor-proposals", js_on_load=ROWS_JS)
        with gr.Row(elem_classes="actions toolbar"):
            self.measure = gr.Button("Measure irrelevance", variant="primary", size="sm", elem_id="anchor-measure")
            self.all_on = gr.Button("All on", size="sm", elem_id="anchor-all-on")
            self.all_off = gr.Button("All off", size="sm", elem_id="anchor-all-off")
            push = gr.Button("Push to the Hub", size="sm", elem_id="anchor-push")
            self.delete = gr.Button("Delete this set", size="sm", elem_id="anchor-delete")
            self.order = gr.Dropdown(
                ORDERS,
                value=ORDERS[0][1],
                label="Order of the clips",
                container=False,
                elem_id="anchor-order",
                min_width=190,
                filterable=False,
            )
        build_push(self._studio, AnchorGoods(self._studio), self.view, push, "anchor-")
        self.rows = part(elem_id="anchor-rows", js_on_load=ROWS_JS)
