"""``/datasets``: data sets in a list, one of them in full, and the way for clips to come in.

The address says what is shown: ``?id=3`` a data set, ``&label=7`` the clips of one of its labels, ``?new=1`` the form.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from ga2app.config import RunConfig
from ga2app.services.studio import Studio
from ga2app.web import address
from ga2app.web.components.list_scripts import TURN_JS, ticks_js
from ga2app.web.components.masthead import Page
from ga2app.web.events import QUIET, in_turn
from ga2app.web.pages.datasets.dataset_handlers import FOLLOW_S, Handlers, Parts
from ga2app.web.pages.datasets.dataset_views import View
from ga2app.web.pages.datasets.import_form import build_import_form
from ga2app.web.templates import script
from ga2app.web.theme import part

_IN_TURN = in_turn("datasets")
_FILTERS = "(label, part, find) => ({id: new URL(location.href).searchParams.get('id'), label, part, find})"


def build_datasets(studio: Studio, page: Page) -> None:
    """Lay the page out and connect it; it is read anew whenever it is opened."""
    parts = layout(studio)
    handlers = Handlers(studio, parts)
    page.on_open(handlers.open, None, [*parts.shown, parts.form.panel], **_IN_TURN)
    for region in (parts.told, parts.grid, parts.labels, parts.whole):
        region.act(handlers.act, {parts.view}, parts.shown, trigger_mode="multiple", **_IN_TURN)
    filters = {parts.view, parts.label, parts.subset, parts.text}
    changed = [parts.label.input, parts.subset.input, parts.text.submit]
    gr.on(changed, handlers.filter, filters, [parts.grid, parts.view, parts.clock], trigger_mode="multiple", **_IN_TURN)
    address.tell(_FILTERS, [parts.label, parts.subset, parts.text])
    parts.grid.play(handlers.play, None, parts.player, **QUIET)
    # In the browser alone: an answer from the server could close the next clip, which is open by then.
    parts.player.click(None, None, parts.player, js="() => ''", **QUIET)
    parts.whole.export(handlers.export, {parts.view}, parts.exported, **QUIET)
    split: set[Any] = {parts.view, parts.share, parts.split_seed, parts.novel_whole}
    parts.split.click(handlers.split, split, [*parts.shown, parts.drawn], **_IN_TURN)
    drawing: dict[str, Any] = {"show_progress": "minimal", "api_visibility": "private"}
    parts.draw.click(handlers.draw, {parts.view, parts.shots, parts.draw_seed}, parts.drawn, **drawing)
    form = parts.form
    started = [form.told, form.upload, form.panel, parts.clock]
    form.start.click(
        handlers.begin, form.fields, started, show_progress="minimal", show_progress_on=form.told,
        api_visibility="private",
    )  # fmt: skip
    form.panel.act(handlers.in_panel, None, [form.told, form.panel], **QUIET)
    followed = [parts.live, parts.listing, form.panel, parts.seen, parts.clock]
    parts.clock.tick(handlers.tick, {parts.view, parts.seen}, followed, trigger_mode="once", **_IN_TURN)


def layout(studio: Studio) -> Parts:
    """All components of the page."""
    actions = script("dataset_actions.js")
    live = part(elem_id="ds-live", html_template="<span hidden></span>", js_on_load=script("dataset_live.js"))
    with gr.Row(elem_classes="split"):
        with gr.Column(scale=3, min_width=260):
            listing = part(elem_id="ds-list", js_on_load=None)
        with gr.Column(scale=9, min_width=300, elem_classes="ds-side"):
            told = part(elem_id="ds-answer", js_on_load=actions)
            with gr.Column(visible=False, elem_id="ds-importing") as importing:
                form = build_import_form(studio)
            with gr.Column(visible=False, elem_id="ds-detail") as detail:
                head = part(elem_id="ds-head", js_on_load=script("dataset_head.js"))
                with gr.Tabs():
                    with gr.Tab("Clips"):
                        with gr.Row(elem_classes="ds-filters"):
                            label = gr.Dropdown([("All labels", 0)], value=0, label="Label", elem_id="ds-filter-label",
                                                min_width=140)  # fmt: skip
                            subset = gr.Dropdown(
                                [("Train and test", ""), ("Train", "train"), ("Test", "test")], value="", label="Part",
                                elem_id="ds-filter-subset", min_width=140,
                            )  # fmt: skip
                            text = gr.Textbox(
                                label="Search", placeholder="file or label, then Enter", max_lines=1, min_width=140,
                                elem_id="ds-filter-text",
                            )  # fmt: skip
                        ticks = ticks_js(".ds-clip input")
                        grid = part(elem_id="ds-clips", js_on_load=ticks + TURN_JS + actions + script("clip_grid.js"))
                    with gr.Tab("Labels"):
                        labels = part(elem_id="ds-labels", js_on_load=ticks_js("tbody input") + actions)
                    with gr.Tab("Split and draw"):
                        split = _layout_split()
                    with gr.Tab("More"):
                        whole = part(elem_id="ds-whole", js_on_load=actions)
                        exported = part(elem_id="ds-exported")
    player = part(elem_id="ds-player", js_on_load=script("clip_player.js"))
    return Parts(
        listing, told, importing, form, detail, head, label, subset, text, grid, labels, whole, exported, **split,
        player=player, live=live, view=gr.State(View()), seen=gr.State(None), clock=gr.Timer(FOLLOW_S, active=False),
    )  # fmt: skip


def _layout_split() -> dict[str, Any]:
    """The division into train and test, and the few-shot draw."""
    defaults = RunConfig()
    seeds: dict[str, Any] = {"precision": 0, "minimum": 0, "maximum": 2**32 - 1}
    part(
        "<h3>Train and test</h3>"
        '<p class="legend">Shots are drawn from the training clips; figures come from the test clips alone. '
        "Clips of one recording, or of the same content, stay on the same side. "
        "<b>Undo</b> brings the former split back.</p>"
    )
    with gr.Row():
        share = gr.Slider(
            5, 90, value=25, step=5, label="Test split (%)", elem_id="ds-share",
            info="Of each label, at least one clip where it has two.",
        )  # fmt: skip
        split_seed = gr.Number(
            0, label="Split seed", elem_id="ds-split-seed", info="The same seed gives the same split.", **seeds
        )
    novel_whole = gr.Checkbox(
        True, label="All clips of novel labels are for testing", info="They are never trained on anyway."
    )
    with gr.Row(elem_classes="actions"):
        split = gr.Button("Split anew", size="sm", elem_id="ds-split")
    part(
        "<h3>Few-shot sample</h3>"
        '<p class="legend">A run is trained on so many clips of each base label (shots), drawn with its seed. '
        "This shows the very clips that it will draw.</p>"
    )
    with gr.Row():
        shots = gr.Number(
            defaults.shots, label="Shots per label", precision=0, minimum=1, maximum=1000, elem_id="ds-shots"
        )
        draw_seed = gr.Number(defaults.seed, label="Run seed", elem_id="ds-draw-seed", **seeds)
    with gr.Row(elem_classes="actions"):
        draw = gr.Button("Preview few-shot sample", size="sm", elem_id="ds-draw")
    drawn = part(elem_id="ds-drawn")
    return {
        "share": share, "split_seed": split_seed, "novel_whole": novel_whole, "split": split, "shots": shots,
        "draw_seed": draw_seed, "draw": draw, "drawn": drawn,
    }  # fmt: skip
