"""The room of the negative prompts on the page: the list of groups, and the prompts of the chosen one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from ga2app.services.studio import Studio
from ga2app.store.negative_prompts import NegativeOrder
from ga2app.web.components.list_scripts import LASTING_JS
from ga2app.web.pages.anchors import prompt_list as prompts
from ga2app.web.pages.anchors import prompt_rows
from ga2app.web.pages.anchors.anchor_messages import ABOUT_NEGATIVES
from ga2app.web.pages.anchors.bar import Updates
from ga2app.web.pages.anchors.clip_cards import ROWS_JS
from ga2app.web.pages.anchors.clip_room import PICKER_JS
from ga2app.web.pages.anchors.question import questions
from ga2app.web.theme import part

ORDERS = [
    ("sorted as added", NegativeOrder.ADDED.value),
    ("sorted by text", NegativeOrder.TEXT.value),
    ("closest to a label first", NegativeOrder.CLOSEST.value),
    ("farthest first", NegativeOrder.FARTHEST.value),
]
DEFAULT_MODEL = "Qwen/Qwen3-8B"


@dataclass(frozen=True)
class PromptRoom:
    """The components of the room. ``inputs`` is what drawing it anew depends on."""

    chosen: gr.State
    page: gr.State
    proposed: gr.State
    groups: gr.HTML
    new_name: gr.Textbox
    create: gr.Button
    upload: gr.UploadButton
    export: gr.Button
    exported: gr.HTML
    one_group: gr.Column
    name: gr.Textbox
    text: gr.Textbox
    add: gr.Button
    count: gr.Number
    ask_model: gr.Checkbox
    model: gr.Textbox
    suggest: gr.Button
    all_on: gr.Button
    all_off: gr.Button
    delete: gr.Button
    told: gr.HTML
    proposals: gr.HTML
    search: gr.Textbox
    order: gr.Dropdown
    measure: gr.Button
    rows: gr.HTML

    @property
    def inputs(self) -> list[Any]:
        return [self.chosen, self.page, self.order, self.search]

    @property
    def outputs(self) -> list[Any]:
        drawn = [self.chosen, self.page, self.groups, self.one_group, self.name, self.rows]
        return [*drawn, self.told, self.proposed, self.proposals, self.text, self.new_name, self.exported, self.search]


def lay_out_prompts(studio: Studio) -> PromptRoom:
    """The components, not connected yet."""
    made: dict[str, Any] = {"chosen": gr.State(None), "page": gr.State(0), "proposed": gr.State(())}
    with gr.Row(elem_classes="split"):
        with gr.Column(scale=4, min_width=300):
            made["groups"] = part(elem_id="negative-groups", js_on_load=PICKER_JS)
            with gr.Row(elem_classes="inline"):
                made["new_name"] = gr.Textbox(
                    label="New group", placeholder="name", max_lines=1, elem_id="negative-new-name", scale=3
                )
                made["create"] = gr.Button("Create", size="sm", elem_id="negative-create", scale=1, min_width=80)
            with gr.Row(elem_classes="actions"):
                made["upload"] = gr.UploadButton(
                    "Import CSV", file_types=[".csv", ".txt"], size="sm", elem_id="negative-import"
                )
                made["export"] = gr.Button("Export CSV", size="sm", elem_id="negative-export")
            made["exported"] = part(elem_id="negative-exported")
            with gr.Accordion("What negative prompts do", open=False):
                gr.Markdown(f"{ABOUT_NEGATIVES}\n\nA CSV file has the columns group, text and enabled (1 or 0).")
        with gr.Column(scale=8, min_width=300, elem_classes="detail"):
            with gr.Column(visible=False, elem_classes="detail") as one_group:
                made["one_group"] = one_group
                _lay_out_group(studio, made)
            made["told"] = part(elem_id="negative-told", js_on_load=LASTING_JS)
            made["proposals"] = part(elem_id="negative-proposals", js_on_load=ROWS_JS)
            with gr.Row(elem_classes="actions toolbar"):
                made["measure"] = gr.Button(
                    "Compute similarity", variant="primary", size="sm", elem_id="negative-measure"
                )
                made["search"] = gr.Textbox(
                    label="Search the prompts",
                    placeholder="search",
                    container=False,
                    max_lines=1,
                    elem_id="negative-search",
                    min_width=160,
                )
                made["order"] = gr.Dropdown(
                    ORDERS,
                    value=ORDERS[0][1],
                    label="Order of the prompts",
                    container=False,
                    elem_id="negative-order",
                    min_width=190,
                    filterable=False,
                )
            made["rows"] = part(elem_id="negative-rows", js_on_load=ROWS_JS)
    return PromptRoom(**made)


def _lay_out_group(studio: Studio, made: dict[str, Any]) -> None:
    with gr.Row(elem_classes="actions toolbar"):
        made["name"] = gr.Textbox(label="Name of the group", max_lines=1, elem_id="negative-name", min_width=180)
        made["all_on"] = gr.Button("All on", size="sm", elem_id="negative-all-on")
        made["all_off"] = gr.Button("All off", size="sm", elem_id="negative-all-off")
        made["delete"] = gr.Button("Delete this group", size="sm", elem_id="negative-delete")
    with gr.Accordion("Add prompts", open=False, elem_id="negative-add-box"):
        made["text"] = gr.Textbox(
            label="Prompts",
            info="One a line; paste as many as you like. Duplicates are skipped.",
            placeholder="an empty room\nsomething else",
            lines=3,
            max_lines=12,
            elem_id="negative-text",
        )
        made["add"] = gr.Button("Add to this group", size="sm", elem_id="negative-add")
    with gr.Accordion("Suggest prompts for my labels", open=False, elem_id="negative-suggest-box"):
        online = studio.advisor.login()
        made["count"] = gr.Number(
            10, label="How many", minimum=1, maximum=50, precision=0, elem_id="negative-count", min_width=120,
            info="From the texts that come with the studio: far from your labels, and unlike each other.",
        )  # fmt: skip
        made["ask_model"] = gr.Checkbox(
            False,
            label="Ask a language model on the Hub instead",
            info="With your own login; it is told your labels.",
            visible=online,
            elem_id="negative-ask-model",
        )
        made["model"] = gr.Textbox(
            DEFAULT_MODEL, label="Language model", max_lines=1, visible=False, elem_id="negative-model"
        )
        made["suggest"] = gr.Button("Suggest prompts", size="sm", elem_id="negative-suggest")


def draw_prompts(studio: Studio, room: PromptRoom, values: Sequence[Any]) -> Updates:
    """The whole room from the store; ``values`` are those of the room's and of the bar's inputs."""
    group_id, page, order, search, *bar = values
    group = prompts.chosen_group(studio, group_id)
    html, place = prompts.page_html(studio, group, page, order, search or "", questions(studio, *bar)[1])
    return {
        room.groups: prompt_rows.groups_html(studio.store.negatives.group_rows(), group.id if group else None),
        room.chosen: group.id if group else None,
        room.one_group: gr.update(visible=group is not None),
        room.name: group.name if group else "",
        room.rows: html,
        room.page: place,
    }
