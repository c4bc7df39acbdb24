"""The Library page: the bundles of this home, and one of them in full. Everything is read anew from the store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gradio as gr
from gradio.blocks import Block

from ga2app.errors import StudioError
from ga2app.services.studio import Studio
from ga2app.store.bundle_records import MAX_TITLE
from ga2app.types import BundleCard
from ga2app.web import address
from ga2app.web.api.library_endpoints import zip_to_serve
from ga2app.web.components.hub_panels import build_pull, build_push, fault_html
from ga2app.web.components.markup import notice, shortened
from ga2app.web.components.masthead import Page
from ga2app.web.events import in_turn
from ga2app.web.pages.library.bundle_sharing import BundleGoods, BundleSupply
from ga2app.web.pages.library.library_view import ORDERS, ORIGINS, PAGE, Asked, library_view
from ga2app.web.templates import script
from ga2app.web.theme import part


def build_library(studio: Studio, page: Page) -> None:
    """Lay the page out and connect it."""
    chosen, first = gr.Textbox("", visible=False), gr.State(0)
    with gr.Row(elem_classes="library-bar"):
        text = gr.Textbox(
            label="Search",
            placeholder="name, label, data set, method",
            max_lines=1,
            min_width=180,
            elem_id="find-bundle",
        )
        backbone = gr.Dropdown([("All", "")], value="", label="Backbone", min_width=150, elem_id="bundle-backbone")
        origins = [("All", ""), *((word.capitalize(), origin) for origin, word in ORIGINS.items())]
        origin = gr.Dropdown(origins, value="", label="Origin", min_width=120, elem_id="bundle-origin")
        order = gr.Dropdown(ORDERS, value=ORDERS[0][1], label="Sorted by", min_width=170, elem_id="bundle-order")
    with gr.Row(elem_classes="actions"):
        add = gr.UploadButton("Upload a zip", file_types=[".zip"], size="sm", elem_id="upload-bundle")
        undo = gr.Button("Undo", size="sm", visible=False, elem_id="undo-library")
    pulling = gr.Column()
    told = part(elem_id="library-answer")
    with gr.Row(elem_classes="split"):
        with gr.Column(scale=5, min_width=300):
            listing = part(elem_id="bundles", js_on_load=script("library.js"))
        with gr.Column(scale=7, min_width=300, elem_classes="detail"):
            head = part(elem_id="bundle-head")
            with gr.Row(elem_classes="actions", visible=False) as actions:
                save = gr.Button("Download zip", size="sm", elem_id="download-bundle")
                push = gr.Button("Push to the Hub", size="sm", elem_id="push-bundle")
                rename = gr.Button("Rename", size="sm", elem_id="rename-bundle")
                delete = gr.Button("Delete", size="sm", elem_id="delete-bundle")
            with gr.Row(elem_classes="renaming", visible=False) as renaming:
                title = gr.Textbox(label="New name", max_lines=1, max_length=MAX_TITLE, elem_id="bundle-title")
                keep = gr.Button("Save the name", size="sm", variant="primary", elem_id="save-title")
                leave = gr.Button("Cancel", size="sm")
            build_push(studio, BundleGoods(studio), chosen, push)
            body = part(elem_id="bundle-body")
            packed = gr.File(visible=False)

    outputs = [told, chosen, first, listing, backbone, undo, head, actions, body, renaming, delete]
    given: set[Block] = {chosen, first, text, backbone, origin, order}

    def asked(values: dict[Any, Any]) -> Asked:
        return Asked(values[text], values[backbone], values[origin], values[order], values[first])

    def drawn(key: str, wanted: Asked, message: str = "", *, named: bool = True) -> list[Any]:
        """New values for ``outputs``; ``named`` is whether a person asked for ``key``."""
        view = library_view(studio, key, wanted)
        if view.fault:
            view = view if named else library_view(studio, "", wanted)
            message = message or (notice("error", view.fault) if named else "")
        return [
            message,
            view.key,
            view.first,
            view.listing,
            gr.update(choices=view.backbones),
            gr.update(visible=bool(view.undo), value=shortened(view.undo) or "Undo"),
            view.head,
            gr.update(visible=bool(view.key)),
            view.body,
            gr.update(visible=False),
            gr.update(visible=view.deletable),
        ]

    def act(action: Callable[[], tuple[str, str]], key: str, wanted: Asked) -> list[Any]:
        """Do something with a bundle, tell what came of it, and draw everything anew; gives the key to show next."""
        try:
            message, key = action()
        except Exception as exc:
            message = fault_html(exc)
        return drawn(key, wanted, message, named=False)

    def welcome(card: BundleCard, fresh: bool) -> list[Any]:
        redrawn = drawn(card.key, Asked(), welcome_html(card, fresh))
        return [value for value, output in zip(redrawn, outputs, strict=True) if output is not renaming]

    def open_page(values: dict[Any, Any], request: gr.Request) -> list[Any]:
        return drawn(address.text(request, "bundle"), asked(values))

    def refresh(values: dict[Any, Any]) -> list[Any]:
        return drawn(values[chosen], replace(asked(values), first=0), named=False)

    def choose(values: dict[Any, Any], event: gr.EventData) -> list[Any]:
        wanted = asked(values)
        step = max(-1, min(1, int(event.step)))
        return drawn(
            str(event.bundle) or values[chosen], replace(wanted, first=wanted.first + step * PAGE), named=not step
        )

    def upload(values: dict[Any, Any]) -> list[Any]:
        file = values[add]

        def take_in() -> tuple[str, str]:
            card, fresh = studio.library.import_bundle(file)
            return welcome_html(card, fresh), card.key

        return act(take_in, values[chosen], asked(values)) if file else [gr.skip()] * len(outputs)

    def discard(values: dict[Any, Any]) -> list[Any]:
        def drop() -> tuple[str, str]:
            card = studio.library.delete(values[chosen])
            return notice("success", "Undo brings it back, for a week.", f"'{card.title}' is deleted."), ""

        return act(drop, values[chosen], asked(values))

    def restore(values: dict[Any, Any]) -> list[Any]:
        return act(lambda: (notice("success", studio.library.undo()), values[chosen]), values[chosen], asked(values))

    def retitle(values: dict[Any, Any]) -> list[Any]:
        def call() -> tuple[str, str]:
            studio.library.rename(values[chosen], values[title])
            return "", values[chosen]

        redrawn = act(call, values[chosen], asked(values))
        if redrawn[0]:  # a fault: the field stays as it is, to be mended
            redrawn[outputs.index(renaming)] = gr.skip()
        return redrawn

    def begin_renaming(key: str) -> list[Any]:
        card = next((card for card in studio.store.bundles.list() if card.key == key), None)
        return [gr.update(visible=card is not None), card.title if card else ""]

    def download(key: str) -> list[Any]:
        try:
            return ["", zip_to_serve(studio, key, packed.GRADIO_CACHE)]
        except StudioError as exc:
            return [notice("error", str(exc)), None]

    quiet = in_turn("library")
    busy: dict[str, Any] = {"show_progress": "minimal", "api_visibility": "private", "show_progress_on": told}
    with pulling:
        build_pull(studio, BundleSupply(studio, welcome), [one for one in outputs if one is not renaming])
    page.on_open(open_page, given, outputs, **quiet)
    listing.click(
        choose,
        given,
        outputs,
        trigger_mode="multiple",
        **(quiet | {"show_progress": "minimal", "show_progress_on": body}),
    )
    asking = [text.change, backbone.input, origin.input, order.input]
    gr.on(asking, refresh, given, outputs, trigger_mode="always_last", **quiet)
    add.upload(upload, {add, *given}, outputs, **busy)
    delete.click(discard, given, outputs, **quiet)
    undo.click(restore, given, outputs, **quiet)
    rename.click(begin_renaming, chosen, [renaming, title], **quiet)
    leave.click(lambda: gr.update(visible=False), None, renaming, **quiet)
    gr.on([keep.click, title.submit], retitle, {title, *given}, outputs, **quiet)
    save.click(download, chosen, [told, packed], **busy).then(None, packed, None, js=script("save_file.js"), **quiet)
    address.tell("bundle => ({bundle})", [chosen])


def welcome_html(card: BundleCard, fresh: bool) -> str:
    """What is said of a bundle that came."""
    if not fresh:
        return notice("info", f"It is called '{card.title}'.", "This bundle is in the library already.")
    return notice("success", "It was checked and is kept in the library.", f"'{card.title}' is here.")
