"""Second screen: data sets in a list, one of them in full, and the way for clips to come in."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ga2app.services.studio import Studio
from ga2app.store.import_records import ImportState
from ga2app.web import address
from ga2app.web.components.markup import notice, shortened
from ga2app.web.components.masthead import Page
from ga2app.web.pages.datasets.dataset_cards import PLAYER_JS
from ga2app.web.pages.datasets.dataset_view import FOLLOW_S, NEW, Parts, SetPage, Wanted
from ga2app.web.pages.datasets.importing import ImportPart, build_import
from ga2app.web.pages.datasets.media import Pictures
from ga2app.web.pages.datasets.overview import LIST_JS
from ga2app.web.pages.datasets.panels import build_clips, build_labels, build_more, build_split
from ga2app.web.pages.datasets.wiring import (
    IN_TURN,
    Wires,
    wire_browsing,
    wire_clips,
    wire_labels,
    wire_more,
    wire_split,
)
from ga2app.web.pages.recognize.recognize_page import REVEAL_JS
from ga2app.web.theme import part

_LIVE = ("listing", "head", "grid", "undo")
"""What the timer draws anew."""


def build_datasets(studio: Studio, page: Page) -> None:
    """Lay the page out and connect it; it is read anew whenever it is opened."""
    pictures = Pictures(studio)
    clock = gr.Timer(FOLLOW_S, active=False)
    chosen = gr.Number(None, visible=False, precision=0)
    ticked = gr.Textbox("", visible=False)
    with gr.Row(elem_classes="split"):
        with gr.Column(scale=3, min_width=260):
            listing = part(elem_id="ds-list", js_on_load=LIST_JS)
        with gr.Column(scale=9, min_width=300, elem_classes="ds-side"):
            told = part(elem_id="ds-answer")
            with gr.Row(elem_classes="actions"):
                undo = gr.Button("Undo", size="sm", visible=False, elem_id="ds-undo")
            with gr.Column(visible=False, elem_id="ds-importing") as importing:
                form = build_import(studio, clock)
            with gr.Column(visible=False, elem_id="ds-detail") as detail:
                head = part(elem_id="ds-head")
                with gr.Row(elem_classes="actions"):
                    train_on = gr.Button("Train on this", variant="primary", size="sm", elem_id="ds-train-on")
                with gr.Tabs():
                    with gr.Tab("Clips"):
                        clips = build_clips()
                    with gr.Tab("Labels"):
                        labels = build_labels()
                    with gr.Tab("Split and draw"):
                        split = build_split()
                    with gr.Tab("More"):
                        more = build_more()
    player = part(elem_id="ds-player", js_on_load=PLAYER_JS)
    parts = Parts(
        listing=listing,
        chosen=chosen,
        importing=importing,
        detail=detail,
        head=head,
        undo=undo,
        label=clips.label,
        subset=clips.subset,
        text=clips.text,
        page=clips.page,
        grid=clips.grid,
        labels=labels.labels,
        move_to=clips.move_to,
        merge_into=labels.merge_into,
        new_name=more.name,
        clock=clock,
    )
    shown = SetPage(studio, pictures)
    wires = Wires(studio, shown, parts, ticked, told)
    wire_browsing(wires, clips, labels, player)
    wire_clips(wires, clips)
    wire_labels(wires, labels)
    wire_split(wires, split)
    wire_more(wires, more, undo)
    _wire_list(studio, shown, parts, form, told)

    def open_page(request: gr.Request) -> list[Any]:
        asked = address.number(request, "id")
        message, wanted = "", Wanted(asked)
        if asked is not None and asked not in {row.id for row in studio.store.clips.sets()}:
            title = f"There is no data set '{shortened(address.text(request, 'id'))}'."
            text = "It was deleted, or the address is mistyped. Choose a data set from the list."
            message, wanted = notice("warning", text, title), Wanted(NEW)
        return [message, *shown.show(wanted), *form.follow(None)]

    page.on_open(open_page, None, [told, *parts.outputs, *form.followed], **IN_TURN)
    address.go(train_on, "id => `./train?dataset=${id}`", chosen)
    address.tell("id => ({id: id || ''})", [chosen])


def _wire_list(studio: Studio, page: SetPage, parts: Parts, form: ImportPart, told: gr.HTML) -> None:
    """The list, the report's button, and the timer that follows imports and pictures."""
    seen = gr.State({})

    def choose(event: gr.EventData) -> list[Any]:
        wanted = Wanted(int(event.set))
        return ["", *page.show(wanted), *form.follow(None)]

    def tick(seen: dict[str, Any], *asked: Any) -> list[Any]:
        newest = next(iter(studio.store.imports.latest(1)), None)
        now: dict[str, Any] = {"import": f"{newest.id} {newest.state}" if newest else ""}
        importing = newest is not None and newest.state is ImportState.RUNNING
        moved = importing or now["import"] != seen.get("import", "")
        drawn = page.show(Wanted.of(*asked))
        for place, name in enumerate(vars(parts)):
            # What a person is just typing or choosing stays as it is, and what has not changed is not drawn again.
            if name in _LIVE:
                now[name] = drawn[place]
            if name != "clock" and (name not in _LIVE or seen.get(name) == drawn[place]):
                drawn[place] = gr.skip()
        # Once more after all is quiet: an answer that was on its way while another data set was chosen is put right.
        now["quiet"] = not page.busy()
        if now["quiet"] and not seen.get("quiet"):
            drawn[-1] = gr.Timer(FOLLOW_S, active=True)
        return [now, *drawn, *(form.follow(None) if moved else [gr.skip()] * len(form.followed))]

    outputs = [told, *parts.outputs, *form.followed]
    parts.listing.click(choose, None, outputs, trigger_mode="multiple", **IN_TURN)
    parts.listing.click(None, None, None, js=REVEAL_JS % "ds-answer", **IN_TURN)
    form.report.click(choose, None, outputs, **IN_TURN)
    parts.clock.tick(tick, [seen, *parts.asked], [seen, *parts.outputs, *form.followed], trigger_mode="once", **IN_TURN)
