"""The negative prompts on the page: the list of groups, and the prompts of the chosen one."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from pathlib import Path

import gradio as gr

from ga2app.services.negatives import chosen
from ga2app.services.studio import Studio
from ga2app.store.negative_prompts import NegativeGroupRow, NegativeOrder
from ga2app.types import TextProposal
from ga2app.web.components.list_scripts import LASTING_JS
from ga2app.web.components.markup import count_of, lasting, notice, notices
from ga2app.web.events import QUIET, REVEAL_JS
from ga2app.web.pages.anchors import anchor_html as html
from ga2app.web.pages.anchors.anchor_room import IN_TURN, PICKER_JS, ROWS_JS, Bar, Page, Room, Updates, Values
from ga2app.web.templates import render
from ga2app.web.theme import part

PAGE = 50
SHIPPED = "the shipped texts"
DEFAULT_MODEL = "Qwen/Qwen3-8B"
DOWNLOAD_JS = "() => document.getElementById('negatives-download')?.click()"
ORDERS = [
    ("sorted as added", NegativeOrder.ADDED.value),
    ("sorted by text", NegativeOrder.TEXT.value),
    ("closest to a label first", NegativeOrder.CLOSEST.value),
    ("farthest first", NegativeOrder.FARTHEST.value),
]


@dataclass(frozen=True)
class PromptView:
    """What is shown: a group or all prompts together, the page, and what is proposed.

    ``missing`` is the group that the address names and nobody has: then no prompt is shown.
    """

    group_id: int | None = None
    page: int = 0
    proposed: tuple[TextProposal, ...] = ()
    missing: str = ""


class PromptRoom(Room):
    """The room of the negative prompts."""

    def __init__(self, studio: Studio, bar: Bar) -> None:
        super().__init__(studio, bar)
        self._store = studio.store.negatives
        self.view = gr.State(PromptView())
        with gr.Row(elem_classes="split"):
            with gr.Column(scale=4, min_width=300):
                self.groups = part(elem_id="negative-groups", js_on_load=PICKER_JS)
                with gr.Row(elem_classes="inline"):
                    self.new_name = gr.Textbox(
                        label="New group", placeholder="name", max_lines=1, elem_id="negative-new-name", scale=3
                    )
                    create = gr.Button("Create", size="sm", elem_id="negative-create", scale=1, min_width=80)
                with gr.Row(elem_classes="actions"):
                    self.upload = gr.UploadButton(
                        "Import CSV", file_types=[".csv", ".txt"], size="sm", elem_id="negative-import"
                    )
                    export = gr.Button("Export CSV", size="sm", elem_id="negative-export")
                with gr.Accordion("What negative prompts do", open=False):
                    columns = "A CSV file has the columns group, text and enabled (1 or 0)."
                    gr.Markdown(f"{html.ABOUT_NEGATIVES}\n\n{columns}")
            with gr.Column(scale=8, min_width=300, elem_classes="detail"):
                with gr.Column(visible=False, elem_classes="detail") as self.one_group:
                    self._lay_out_group()
                self._lay_out_list()
        self.inputs = {self.view, self.order, self.search, *bar.inputs}
        drawn = [self.view, self.groups, self.one_group, self.name, self.rows, bar.undo]
        self.outputs = [*drawn, self.told, self.proposals, self.text, self.new_name, self.search]
        self._connect(create, export)

    def _lay_out_group(self) -> None:
        with gr.Row(elem_classes="actions toolbar"):
            self.name = gr.Textbox(label="Name of the group", max_lines=1, elem_id="negative-name", min_width=180)
            self.all_on = gr.Button("All on", size="sm", elem_id="negative-all-on")
            self.all_off = gr.Button("All off", size="sm", elem_id="negative-all-off")
            self.delete = gr.Button("Delete this group", size="sm", elem_id="negative-delete")
        with gr.Accordion("Add prompts", open=False, elem_id="negative-add-box"):
            self.text = gr.Textbox(
                label="Prompts",
                info="One a line; paste as many as you like. Duplicates are skipped.",
                placeholder="an empty room\nsomething else",
                lines=3,
                max_lines=12,
                elem_id="negative-text",
            )
            self.add = gr.Button("Add to this group", size="sm", elem_id="negative-add")
        with gr.Accordion("Suggest prompts for my labels", open=False, elem_id="negative-suggest-box"):
            self.count = gr.Number(
                10, label="How many", minimum=1, maximum=50, precision=0, elem_id="negative-count", min_width=120,
                info="From the texts that come with the studio: far from your labels, and unlike each other.",
            )  # fmt: skip
            self.ask_model = gr.Checkbox(
                False,
                label="Ask a language model on the Hub instead",
                info="With your own login; it is told your labels.",
                visible=self._studio.advisor.login(),
                elem_id="negative-ask-model",
            )
            self.model = gr.Textbox(
                DEFAULT_MODEL, label="Language model", max_lines=1, visible=False, elem_id="negative-model"
            )
            self.suggest = gr.Button("Suggest prompts", size="sm", elem_id="negative-suggest")

    def _lay_out_list(self) -> None:
        self.told = part(elem_id="negative-told", js_on_load=LASTING_JS)
        self.proposals = part(elem_id="negative-proposals", js_on_load=ROWS_JS)
        with gr.Row(elem_classes="actions toolbar"):
            self.measure = gr.Button("Compute similarity", variant="primary", size="sm", elem_id="negative-measure")
            self.search = gr.Textbox(
                label="Search the prompts",
                placeholder="search",
                container=False,
                max_lines=1,
                elem_id="negative-search",
                min_width=160,
            )
            self.order = gr.Dropdown(
                ORDERS,
                value=ORDERS[0][1],
                label="Order of the prompts",
                container=False,
                elem_id="negative-order",
                min_width=190,
                filterable=False,
            )
        self.rows = part(elem_id="negative-rows", js_on_load=ROWS_JS)

    def _connect(self, create: gr.Button, export: gr.Button) -> None:
        opened = self.on(self.groups.click, self._choose, trigger_mode="multiple")
        opened.then(None, None, None, js=REVEAL_JS % "negative-rows", **IN_TURN)
        self.on([create.click, self.new_name.submit], self._create, self.new_name)
        self.on([self.name.submit, self.name.blur], self._rename, self.name)
        self.on(self.delete.click, self._delete_group)
        self.on(self.all_on.click, self._all_on)
        self.on(self.all_off.click, self._all_off)
        self.on(self.add.click, self._add, self.text)
        # Each edit is a message of its own: none may be dropped because the one before is still on its way.
        self.on(self.rows.select, self._act, trigger_mode="multiple")
        self.on(self.order.input, self._sort)
        self.on(self.search.change, self._sort, trigger_mode="always_last")
        self.wait(self.measure.click, self._measure, "Reading the prompts…")
        self.ask_model.input(lambda on: gr.update(visible=on), self.ask_model, self.model, **IN_TURN)
        asking = (self.count, self.ask_model, self.model)
        self.wait(self.suggest.click, self._suggest, "Looking for prompts…", *asking)
        self.on(self.proposals.select, self._decide)
        self.on(self.upload.upload, self._import, self.upload)
        self.on(export.click, self._export).then(None, None, None, js=DOWNLOAD_JS, **QUIET)

    def shown(self, view: PromptView) -> NegativeGroupRow | None:
        """The group that is shown; None for all prompts together, and where the group is gone."""
        return next((row for row in self._store.group_rows() if row.id == view.group_id), None)

    def draw(self, values: Values, view: PromptView | None = None, told: str | None = None) -> Updates:
        """See ``Room``."""
        view = values[self.view] if view is None else view
        group, search = self.shown(view), values[self.search] or ""
        listed = html.groups_html(self._store.group_rows(), group.id if group else None, none=bool(view.missing))
        updates: Updates = {self._bar.undo: self._bar.undo_html()} | ({} if told is None else {self.told: told})
        if view.missing:
            why = "It was deleted, or the address is mistyped. Choose a group from the list."
            missing = notice("warning", why, f"There is no group of negative prompts '{view.missing}'.")
            updates |= {self.groups: missing + listed, self.one_group: gr.update(visible=False), self.rows: ""}
            return updates | {self.view: view, self.name: ""}
        group_id = group.id if group else None
        place = Page.of(view.page, PAGE, self._store.count(group_id, search=search))
        rows = self._store.rows(
            group_id,
            search=search,
            question=self._anchors.questions(*self._bar.given(values))[1],
            order=NegativeOrder(values[self.order]),
            limit=PAGE,
            offset=place.first,
        )
        return updates | {
            self.view: replace(view, group_id=group_id, page=place.number),
            self.groups: listed,
            self.one_group: gr.update(visible=group is not None),
            self.name: group.name if group else "",
            self.rows: html.prompts_html(rows, place, searched=search.strip(), show_group=group is None),
        }

    def open(self, values: Values, view: PromptView, told: str = "") -> Updates:
        """Another group: from its first page, without what was searched and proposed in the one before."""
        return self.draw(values | {self.search: ""}, view, told) | {self.search: "", self.proposals: ""}

    def open_address(self, values: Values, wanted: int | None, named: str) -> Updates:
        """The group that the address names; where it names none, what was shown."""
        if wanted is None:
            return self.draw(values)
        known = {row.id for row in self._store.group_rows()}
        return self.open(values, PromptView(wanted) if wanted in known else PromptView(missing=named))

    def _choose(self, values: Values, event: gr.EventData) -> Updates:
        return self.open(values, PromptView(int(event.chosen) if event.chosen else None))

    def _create(self, values: Values) -> Updates:
        view = PromptView(self._store.create_group(values[self.new_name]))
        made = notice("success", "The group is made. Add prompts to it, or let some be suggested.")
        return self.open(values, view, made) | {self.new_name: ""}

    def _rename(self, values: Values) -> Updates:
        group = self.shown(values[self.view])
        if group is None or group.name == values[self.name]:
            return {self.told: gr.skip()}
        name = self._store.rename_group(group.id, values[self.name])
        return self.draw(values, told=notice("success", f"The group is called '{name}' now."))

    def _delete_group(self, values: Values) -> Updates:
        self._store.delete_group(chosen(values[self.view].group_id, "group"))
        return self.open(values, PromptView(), notice("info", "The group is deleted. 'Undo' above brings it back."))

    def _all_on(self, values: Values) -> Updates:
        return self._switch_all(values, True)

    def _all_off(self, values: Values) -> Updates:
        return self._switch_all(values, False)

    def _switch_all(self, values: Values, on: bool) -> Updates:
        count = self._store.enable_all(chosen(values[self.view].group_id, "group"), on)
        return self.draw(values, told=html.switched_html(count, "prompt", on))

    def _add(self, values: Values) -> Updates:
        added = self._anchors.add_prompts(values[self.view].group_id, values[self.text])
        return self.draw(values, told=html.added_html(added)) | {self.text: ""}

    def _act(self, values: Values, event: gr.EventData) -> Updates:
        """What was done to a row of the list, or to those that are ticked.

        An edit does not draw the list anew: somebody may be typing in the next row already.
        """
        view = values[self.view]
        if event.action == "page":
            return self.draw(values, replace(view, page=int(event.value)))
        if event.action == "delete":
            return self.draw(values, told=html.deleted_html(self._store.delete(event.ids), "prompt"))
        if event.action == "enable":
            self._store.enable(int(event.id), bool(event.on))
        elif event.action == "text":
            self._store.set_text(int(event.id), str(event.text))
        listed = html.groups_html(self._store.group_rows(), view.group_id)
        return {self.groups: listed, self.told: "", self._bar.undo: self._bar.undo_html()}

    def _sort(self, values: Values) -> Updates:
        return self.draw(values, replace(values[self.view], page=0))

    def _measure(self, values: Values) -> Updates:
        now = self._anchors.asked(*self._bar.given(values))
        rated = self._anchors.measure_prompts(values[self.view].group_id, now)
        return self.draw(values, told=html.rated_prompts_html(rated, len(now.every)))

    def _suggest(self, values: Values) -> Updates:
        view, named = values[self.view], values[self.model].strip()
        model = named if values[self.ask_model] and self._studio.advisor.login() else ""
        now = self._anchors.asked(*self._bar.given(values))
        fresh, left = self._anchors.suggest_prompts(view.group_id, now, values[self.count], model or None)
        text = f"{count_of(left, 'proposal')} left out: in the group already." if left else ""
        if not fresh:
            text = text or "Nothing is left to propose: every text shares a word with a label."
        return {
            self.told: notice("info", text),
            self.view: replace(view, proposed=tuple(fresh)),
            self.proposals: html.proposed_prompts_html(fresh, model or SHIPPED),
        }

    def _decide(self, values: Values, event: gr.EventData) -> Updates:
        view = values[self.view]
        left = replace(view, proposed=())
        if event.action != "accept":
            return {self.view: left, self.proposals: "", self.told: ""}
        picked = [int(number) for number in event.ids]
        added = self._anchors.accept_prompts(view.group_id, view.proposed, picked)
        return self.draw(values, left, html.added_html(added)) | {self.proposals: ""}

    def _import(self, values: Values) -> Updates:
        done, faults = self._anchors.import_prompts(values[self.upload])
        name = Path(values[self.upload]).name
        parts = [f"{count_of(done.added, 'prompt')} added"]
        if done.switched:
            parts.append(f"{done.switched:,} switched on or off as the file says")
        if done.same:
            parts.append(f"{done.same:,} there already")
        tone = "success" if done.added + done.switched + done.same else "info"
        left_out = notices("warning", faults, f"{count_of(len(faults), 'line')} of {name} left out:")
        return self.draw(values, told=notice(tone, "; ".join(parts) + ".", name) + lasting(left_out))

    def _export(self, values: Values) -> Updates:
        content, count = self._anchors.export_prompts()
        data = base64.b64encode(content.encode()).decode()
        return {self.told: render("prompts_export.html", data=data, count=count_of(count, "prompt"))}
