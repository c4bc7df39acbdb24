"""The negative prompts on the page: the list of groups, and the prompts of the chosen one."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from ga2app.services.studio import Studio
from ga2app.store.anchor_rows import NegativeGroupRow, NegativeOrder
from ga2app.web.components.form_fields import line, small, tick, whole
from ga2app.web.components.markup import count_of, lasting, notice, notices, render, script
from ga2app.web.events import QUIET
from ga2app.web.pages.anchors import anchor_html as html
from ga2app.web.pages.anchors.anchor_room import CHOOSE_JS, IN_TURN, ROWS_JS, Bar, PromptView, Room, Updates, Values
from ga2app.web.theme import folded, part

PAGE = 50
SHIPPED = "the default prompts"
DEFAULT_MODEL = "Qwen/Qwen3-8B"
DOWNLOAD_JS = "() => document.getElementById('negatives-download')?.click()"
ORDERS = [
    ("sorted as added", NegativeOrder.ADDED.value),
    ("sorted by text", NegativeOrder.TEXT.value),
    ("closest to a label first", NegativeOrder.CLOSEST.value),
    ("farthest first", NegativeOrder.FARTHEST.value),
]


class PromptRoom(Room):
    """The room of the negative prompts."""

    word, what, full = "prompt", "group", "group"
    kind, nothing = "negative_group", PromptView()
    filled = "Add prompts to it, or let some be suggested."

    def __init__(self, studio: Studio, bar: Bar) -> None:
        super().__init__(studio, bar)
        self.store = store = studio.store.negatives
        self.edits = {"create": store.create_group, "rename": store.rename_group, "delete": store.delete_group}
        self.edits |= {"delete rows": store.delete, "text": store.set_text}
        self.view = gr.State(self.nothing)
        with gr.Row(elem_classes="split"):
            with gr.Column(scale=4, min_width=300):
                self.groups = self.listing = part(elem_id="negative-groups", js_on_load=CHOOSE_JS)
                self._lay_out_new("negative")
                with gr.Row(elem_classes="actions"):
                    kinds: Any = {"file_types": [".csv", ".txt"], "size": "sm"}
                    self.upload = gr.UploadButton("Import CSV", elem_id="negative-import", **kinds)
                    self.export = small("negative-export", "Export CSV")
                with folded("What negative prompts do"):
                    gr.Markdown(str(render("anchor_help.html", topic="negatives")))
            with gr.Column(scale=8, min_width=300, elem_classes="detail"):
                with gr.Column(visible=False, elem_classes="detail") as self.one_group:
                    self._lay_out_group()
                self._lay_out_list()
        self.inputs = {self.view, self.order, self.search, *bar.inputs}
        drawn = [self.view, self.groups, self.one_group, self.name, self.rows, bar.undo]
        self.outputs = [
            *drawn,
            self.told,
            self.proposals,
            self.text,
            self.new_name,
            self.search,
            *self.sharing,
            *self.locked,
        ]
        self._connect()

    def _lay_out_group(self) -> None:
        mine: Any = {"elem_classes": "changes"}
        self.locked = [part(elem_id="negative-locked")] if self._studio.space else []
        with gr.Row(elem_classes="actions toolbar"):
            self.name = line("negative-name", "Name of the group", min_width=180, **mine)
            self._lay_out_switches("negative")
            self.delete = small("negative-delete", "Delete this group", **mine)
        with folded("Add prompts", elem_id="negative-add-box", **mine):
            several: Any = {"placeholder": "an empty room\nsomething else", "lines": 3, "max_lines": 12}
            about = "One a line; paste as many as you like. Duplicates are skipped."
            self.text = line("negative-text", "Prompts", about, **several)
            self.add = small("negative-add", "Add to this group")
        with folded("Suggest prompts for my labels", elem_id="negative-suggest-box", **mine):
            shipped = "From the texts that come with the studio: far from your labels, and unlike each other."
            most: Any = {"minimum": 1, "maximum": 50, "min_width": 120}
            self.count = whole("negative-count", "How many", 10, shipped, **most)
            ask, login = "Ask a language model on the Hub instead", self._studio.advisor.login()
            told = "With your own login; it is told your labels."
            self.ask_model = tick("negative-ask-model", ask, told, visible=login)
            self.model = line("negative-model", "Language model", value=DEFAULT_MODEL, visible=False)
            self.suggest = small("negative-suggest", "Suggest prompts")

    def _lay_out_list(self) -> None:
        self.told = part(elem_id="negative-told", js_on_load=script("lasting_messages.js"))
        self.proposals = part(elem_id="negative-proposals", js_on_load=ROWS_JS)
        with gr.Row(elem_classes="actions toolbar"):
            self.measure = small("negative-measure", "Compute similarity", variant="primary")
            box: Any = {"placeholder": "search", "container": False, "min_width": 160}
            self.search = line("negative-search", "Search the prompts", **box)
            self._lay_out_order("negative", ORDERS)
        self.rows = part(elem_id="negative-rows", js_on_load=ROWS_JS)

    def _connect(self) -> None:
        self._connect_shared("negative-rows")
        self.on(self.add.click, self._add, self.text)
        self.on(self.search.change, self._sort, trigger_mode="always_last")
        self.wait(self.measure.click, self._measure, "Reading the prompts…")
        self.ask_model.input(lambda on: gr.update(visible=on), self.ask_model, self.model, **IN_TURN)
        asking = (self.count, self.ask_model, self.model)
        self.wait(self.suggest.click, self._suggest, "Looking for prompts…", *asking)
        self.on(self.upload.upload, self._import, self.upload)
        self.on(self.export.click, self._export).then(None, None, None, js=DOWNLOAD_JS, **QUIET)

    def shown(self, view: PromptView) -> NegativeGroupRow | None:
        """The group that is shown; None for all prompts together, and where the group is gone."""
        return next((row for row in self.store.group_rows() if row.id == view.key), None)

    def listing_html(self, key: int | None, none: bool = False) -> str:
        """See ``Room``; with ``none`` no entry is marked."""
        return html.groups_html(self.store.group_rows(), key, self._studio.ownership.whose, none=none)

    def draw(self, values: Values, view: PromptView | None = None, told: str | None = None) -> Updates:
        view = values[self.view] if view is None else view
        group, search = self.shown(view), values[self.search] or ""
        updates: Updates = {self._bar.undo: self._bar.undo_html()} | ({} if told is None else {self.told: told})
        if view.missing:
            listed = self.missing_html(view, "group of negative prompts") + self.listing_html(None, none=True)
            updates |= {self.groups: listed, self.one_group: gr.update(visible=False), self.rows: ""}
            return updates | {self.view: view, self.name: ""}
        group_id = group.id if group else None
        place = html.Page.of(view.page, PAGE, self.store.count(group_id, search=search))
        question, order = self._anchors.questions(*self._bar.given(values))[1], NegativeOrder(values[self.order])
        asked: Any = {"search": search, "question": question, "order": order, "limit": PAGE, "offset": place.first}
        rows = self.store.rows(group_id, **asked)
        updates |= self.draw_sharing(group) if group else dict.fromkeys(self.locked, "")
        ownership = self._studio.ownership
        locked = {one.id for one in ([group] if group else self.store.group_rows()) if ownership.locked(one)}
        return updates | {
            self.view: replace(view, key=group_id, page=place.number),
            self.groups: self.listing_html(group_id),
            self.one_group: gr.update(visible=group is not None),
            self.name: group.name if group else "",
            self.rows: html.prompts_html(rows, place, searched=search.strip(), show_group=group is None, locked=locked),
        }

    def open(self, values: Values, view: PromptView, told: str | None = "") -> Updates:
        """Another group: from its first page, without what was searched and proposed in the one before."""
        return self.draw(values | {self.search: ""}, view, told) | {self.search: "", self.proposals: ""}

    def open_address(self, values: Values, wanted: int | None, named: str) -> Updates:
        """The group that the address names; where it names none, what was shown, with what was searched."""
        return self.draw(values) if wanted is None else super().open_address(values, wanted, named)

    def _add(self, values: Values) -> Updates:
        added = self._anchors.add_prompts(values[self.view].key, values[self.text])
        return self.draw(values, told=html.added_html(added)) | {self.text: ""}

    def _measure(self, values: Values) -> Updates:
        now = self._anchors.asked(*self._bar.given(values))
        rated = self._anchors.measure_prompts(values[self.view].key, now)
        return self.draw(values, told=html.rated_prompts_html(rated, len(now.every)))

    def _suggest(self, values: Values) -> Updates:
        view, named = values[self.view], values[self.model].strip()
        model = named if values[self.ask_model] and self._studio.advisor.login() else ""
        now = self._anchors.asked(*self._bar.given(values))
        fresh, left = self._anchors.suggest_prompts(view.key, now, values[self.count], model or None)
        text = f"{count_of(left, 'proposal')} left out: in the group already." if left else ""
        if not fresh:
            text = text or "Nothing is left to propose: every text shares a word with a label."
        return {
            self.told: notice("info", text),
            self.view: replace(view, proposed=tuple(fresh)),
            self.proposals: html.proposed_prompts_html(fresh, model or SHIPPED),
        }

    def accept(self, view: PromptView, picked: list[int]) -> str:
        return html.added_html(self._anchors.accept_prompts(view.key, view.proposed, picked))

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
