"""``/datasets``: data sets in a list, one of them in full, and the way for clips to come in.

The address says what is shown: ``?id=3`` a data set, ``&label=7&part=test&find=run`` which of its clips, ``?new=1`` the
form.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr

from ga2app.config import RunConfig
from ga2app.services.studio import Studio
from ga2app.web import address
from ga2app.web.components.form_fields import line, pick, small, whole
from ga2app.web.components.markup import render, script, ticks_js
from ga2app.web.components.masthead import Page
from ga2app.web.events import QUIET, in_turn, waited_for
from ga2app.web.pages.datasets.dataset_handlers import FOLLOW_S, Handlers
from ga2app.web.pages.datasets.dataset_views import DESCRIPTIONS, LABELS, MORE, View
from ga2app.web.pages.datasets.import_form import ImportForm
from ga2app.web.theme import comes_with, part

_IN_TURN = in_turn("datasets")
_FILTERS = (
    "(label, part, find) => ({id: new URL(location.href).searchParams.get('id'), label: label || '', part, find})"
)


def build_datasets(studio: Studio, page: Page) -> None:
    """Lay the page out and connect it; it is read anew whenever it is opened."""
    parts = Parts(studio)
    form, handlers = parts.form, Handlers(studio, parts)
    filters = [parts.label, parts.subset, parts.text]
    tabbed: list[Any] = [parts.view, parts.labels, parts.whole, parts.described, parts.told_described]
    in_tab: Any = {"fn": handlers.draw_tab, "inputs": {parts.view}, "outputs": tabbed, **_IN_TURN}
    opened = [*parts.shown, parts.subset, parts.text, form.panel]
    page.on_open(handlers.open, {parts.view}, opened, **_IN_TURN).then(**in_tab)
    for region in (parts.told, parts.grid, parts.labels, parts.whole):
        region.act(handlers.act, {parts.view}, parts.shown, **_IN_TURN).then(**in_tab)
    for tab in parts.tabs:
        tab.select(partial(handlers.draw_tab, tab=tab.id), {parts.view}, tabbed, **_IN_TURN)
    changed, drawn = [parts.label.input, parts.subset.input, parts.text.submit], [parts.grid, parts.view, parts.clock]
    gr.on(changed, handlers.filter, {parts.view, *filters}, drawn, **_IN_TURN)
    address.tell(_FILTERS, filters)
    parts.grid.play(handlers.play, None, parts.player, **QUIET)
    # In the browser alone: an answer from the server could close the next clip, which is open by then.
    parts.player.click(None, None, parts.player, js="() => ''", **QUIET)
    parts.whole.export(handlers.export, {parts.view}, parts.exported, **QUIET)
    split: set[Any] = {parts.view, parts.share, parts.split_seed, parts.novel_whole}
    parts.split.click(handlers.split, split, [*parts.shown, parts.drawn], **_IN_TURN).then(
        trigger_mode="multiple", **in_tab
    )
    parts.draw.click(handlers.draw, {parts.view, parts.shots, parts.draw_seed}, parts.drawn, **waited_for(parts.drawn))
    texts: list[Any] = [parts.described, parts.told_described]
    typed: set[Any] = {parts.view, parts.described}
    parts.save_described.click(handlers.save_descriptions, typed, [*parts.shown, *texts], **_IN_TURN)
    read: set[Any] = typed | {parts.read_described}
    parts.read_described.upload(handlers.read_descriptions, read, texts, **waited_for(parts.told_described))
    asked: set[Any] = typed | {parts.model}
    parts.propose.click(handlers.propose_descriptions, asked, texts, **waited_for(parts.told_described))
    started = [form.told, form.upload, form.panel, parts.clock]
    form.start.click(handlers.begin, form.fields, started, **waited_for(form.told))
    form.preview.click(form.show_preview, form.fields, form.found, **waited_for(form.found))
    form.panel.act(handlers.in_panel, None, [form.told, form.panel], **_IN_TURN)
    followed = [parts.live, parts.listing, form.panel, parts.seen, parts.clock]
    parts.clock.tick(handlers.tick, {parts.view, parts.seen}, followed, **_IN_TURN)


class Parts:
    """The components of the page."""

    def __init__(self, studio: Studio) -> None:
        actions = script("dataset_actions.js")
        self.live = part(elem_id="ds-live", html_template="<span hidden></span>", js_on_load=script("dataset_live.js"))
        with gr.Row(elem_classes="split"):
            with gr.Column(scale=3, min_width=260):
                self.listing = part(elem_id="ds-list", js_on_load=None)
            with gr.Column(scale=9, min_width=300, elem_classes="ds-side"):
                self.told = part(elem_id="ds-answer", js_on_load=actions)
                with gr.Column(visible=False, elem_id="ds-importing") as self.importing:
                    self.form = ImportForm(studio)
                with gr.Column(visible=False, elem_id="ds-detail") as self.detail:
                    self.head = part(elem_id="ds-head", js_on_load=script("dataset_head.js"))
                    with gr.Tabs():
                        self._lay_out_tabs(studio, actions)
        self.player = part(elem_id="ds-player", js_on_load=script("clip_player.js"))
        self.view, self.seen, self.clock = gr.State(View()), gr.State(None), gr.Timer(FOLLOW_S, active=False)
        regions = [self.told, self.listing, self.head, self.grid]
        self.shown: list[Any] = [*regions, self.importing, self.detail, self.label, self.view, self.clock]

    def _lay_out_tabs(self, studio: Studio, actions: str) -> None:
        with gr.Tab("Clips", id="clips") as clips:
            self._lay_out_clips(actions)
        with gr.Tab("Labels", id=LABELS) as labels:
            self.labels = part(elem_id="ds-labels", js_on_load=ticks_js("tbody input") + actions)
        with gr.Tab("Descriptions", id=DESCRIPTIONS) as descriptions:
            self._lay_out_descriptions(studio)
        with gr.Tab("Split", id="split") as split:
            self._lay_out_split()
        with gr.Tab("More", id=MORE) as more:
            self.whole = part(elem_id="ds-whole", js_on_load=actions)
            self.exported = part(elem_id="ds-exported")
        self.tabs = [clips, labels, descriptions, split, more]
        for tab in (descriptions, split):
            comes_with(tab.select, tab)

    def _lay_out_clips(self, actions: str) -> None:
        with gr.Row(elem_classes="ds-filters"):
            self.label = pick("ds-filter-label", "Label", [("All labels", 0)], 0, min_width=140)
            subsets = [("Train and test", ""), ("Train", "train"), ("Test", "test")]
            self.subset = pick("ds-filter-subset", "Part", subsets, "", min_width=140)
            self.text = line("ds-filter-text", "Search", placeholder="file or label, then Enter", min_width=140)
        turning = ticks_js(".ds-clip input") + script("turned_pages.js")
        self.grid = part(elem_id="ds-clips", js_on_load=turning + actions + script("clip_grid.js"))

    def _lay_out_descriptions(self, studio: Studio) -> None:
        """The sentences of all labels, to be written, read from a file or proposed, and saved."""
        about = (
            "One sentence per line behind its label; a label may have several. They say what the label looks like, "
            "and can be averaged with its name when clips are recognized or measured."
        )
        example = "brush hair: a person pulls a brush through long hair"
        lines: dict[str, Any] = {"lines": 8, "max_lines": 30, "placeholder": example}
        self.described = line("ds-descriptions", "Descriptions of labels", about, **lines)
        with gr.Row(elem_classes="actions changes"):
            self.save_described = small("ds-save-descriptions", "Save descriptions")
            files: Any = {"file_types": [".json", ".csv", ".tsv"], "elem_id": "ds-descriptions-file"}
            self.read_described = gr.UploadButton("Read a JSON or CSV", size="sm", **files)
        with gr.Row(visible=studio.descriptions.can_ask(), elem_classes="changes"):
            told = "On the Hub, with your own login; it is told the labels. You read and save what it proposes."
            self.model = line("ds-language-model", "Language model", told, placeholder="Qwen/Qwen3-8B")
            self.propose = small("ds-propose-descriptions", "Propose descriptions")
        self.told_described = part(elem_id="ds-descriptions-answer")

    def _lay_out_split(self) -> None:
        """The division into train and test, and the few-shot draw."""
        defaults = RunConfig()
        seeds: Any = {"minimum": 0, "maximum": 2**32 - 1}
        with gr.Column(elem_classes="changes"):
            part(str(render("split_help.html", what="split")))
            with gr.Row():
                least, same = (
                    "Of each label, at least one clip where it has two.",
                    "The same seed gives the same split.",
                )
                self.share = gr.Slider(5, 90, value=25, step=5, label="Test split (%)", elem_id="ds-share", info=least)
                self.split_seed = whole("ds-split-seed", "Split seed", 0, same, **seeds)
            never = "They are never trained on anyway."
            self.novel_whole = gr.Checkbox(True, label="All clips of novel labels are for testing", info=never)
            with gr.Row(elem_classes="actions"):
                self.split = small("ds-split", "Split anew")
        part(str(render("split_help.html", what="draw")))
        with gr.Row():
            self.shots = whole("ds-shots", "Shots per label", defaults.shots, minimum=1, maximum=1000)
            self.draw_seed = whole("ds-draw-seed", "Run seed", defaults.seed, **seeds)
        with gr.Row(elem_classes="actions"):
            self.draw = small("ds-draw", "Preview few-shot sample")
        self.drawn = part(elem_id="ds-drawn")
