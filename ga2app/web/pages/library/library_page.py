"""The Library page: the bundles of this home, and one of them in full. Everything is read anew from the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from ga2app.errors import StudioError
from ga2app.paths import safe_name
from ga2app.services.studio import Studio
from ga2app.services.uploads import export_folder
from ga2app.store.bundle_records import MAX_TITLE
from ga2app.types import LICENSES, BundleCard, Pushed, PushOptions
from ga2app.web import address
from ga2app.web.components.form_fields import line, pick, small, tick
from ga2app.web.components.hub_panels import Goods, Supply, build_pull, build_push
from ga2app.web.components.markup import SHARE, notice, script, shortened
from ga2app.web.components.masthead import Page
from ga2app.web.events import QUIET, SAVE_JS, fault_html, in_turn, waited_for
from ga2app.web.pages.library.library_view import ORDERS, ORIGINS, PAGE, Asked, library_view
from ga2app.web.theme import part

_IN_TURN = in_turn("library")
Values = dict[Any, Any]


def build_library(studio: Studio, page: Page) -> None:
    """Lay the page out and connect it."""
    LibraryPage(studio).connect(page)


class LibraryPage:
    """The page: its handlers take values by component, and give new ones alike."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.chosen, self.first = gr.Textbox("", visible=False), gr.State(0)
        with gr.Row(elem_classes="library-bar"):
            what = "name, label, data set, method"
            self.text = line("find-bundle", "Search", placeholder=what, min_width=180)
            self.backbone = pick("bundle-backbone", "Backbone", [("All", "")], "", min_width=150)
            origins = [("All", ""), *((word.capitalize(), origin) for origin, word in ORIGINS.items())]
            self.origin = pick("bundle-origin", "Origin", origins, "", min_width=120)
            self.order = pick("bundle-order", "Sorted by", ORDERS, ORDERS[0][1], min_width=170)
        with gr.Row(elem_classes="actions"):
            self.add = gr.UploadButton("Upload a zip", file_types=[".zip"], size="sm", elem_id="upload-bundle")
            self.undo = small("undo-library", "Undo", visible=False)
        pulling = gr.Column()
        self.told = part(elem_id="library-answer")
        with gr.Row(elem_classes="split"):
            with gr.Column(scale=5, min_width=300):
                self.listing = part(elem_id="bundles", js_on_load=script("library.js"))
            with gr.Column(scale=7, min_width=300, elem_classes="detail"):
                self._lay_out_bundle()
        shown = [self.told, self.chosen, self.first, self.listing, self.backbone, self.undo, self.head, self.actions]
        self.outputs = [*shown, self.body, self.renaming, *self.sharing, self.delete]
        self.given = {self.chosen, self.first, self.text, self.backbone, self.origin, self.order}
        with pulling:
            welcomed = [one for one in self.outputs if one is not self.renaming]
            build_pull(studio, bundle_supply(studio, self.welcome), welcomed)

    def _lay_out_bundle(self) -> None:
        self.head = part(elem_id="bundle-head")
        with gr.Row(elem_classes="actions", visible=False) as self.actions:
            mine: Any = {"elem_classes": "changes"}
            self.save = small("download-bundle", "Download zip", **mine)
            push = small("push-bundle", "Push to the Hub", **mine)
            self.rename = small("rename-bundle", "Rename", **mine)
            self.sharing = [small("share-bundle", SHARE[False])] if self.studio.space else []
            self.delete = small("delete-bundle", "Delete", **mine)
        with gr.Row(elem_classes="renaming", visible=False) as self.renaming:
            self.title = line("bundle-title", "New name", max_length=MAX_TITLE)
            self.keep = small("save-title", "Save the name", variant="primary")
            self.leave = gr.Button("Cancel", size="sm")
        build_push(self.studio, bundle_goods(self.studio), self.chosen, push)
        self.body, self.packed = part(elem_id="bundle-body"), gr.JSON(visible=False)

    def connect(self, page: Page) -> None:
        """Let the page answer."""
        asked: Any = {"inputs": self.given, "outputs": self.outputs, **_IN_TURN}
        page.on_open(self.open, **asked)
        self.listing.click(self.choose, **(asked | waited_for(self.body)))
        asking = [self.text.change, self.backbone.input, self.origin.input, self.order.input]
        gr.on(asking, self.refresh, trigger_mode="always_last", **asked)
        self.add.upload(self.upload, {self.add, *self.given}, self.outputs, **waited_for(self.told))
        for button in self.sharing:
            button.click(self.share, **(asked | {"inputs": {button, *self.given}}))
        self.delete.click(self.discard, **asked)
        self.undo.click(self.restore, trigger_mode="multiple", **asked)
        self.rename.click(self.begin_renaming, {self.chosen}, [self.renaming, self.title], **_IN_TURN)
        self.leave.click(lambda: gr.update(visible=False), None, self.renaming, **_IN_TURN)
        gr.on([self.keep.click, self.title.submit], self.retitle, **(asked | {"inputs": {self.title, *self.given}}))
        saved = self.save.click(self.download, {self.chosen}, [self.told, self.packed], **waited_for(self.told))
        saved.then(None, self.packed, None, js=SAVE_JS, **_IN_TURN)
        address.tell("bundle => ({bundle})", [self.chosen])

    def asked(self, values: Values) -> Asked:
        """What the list is asked for."""
        fields = (self.text, self.backbone, self.origin, self.order, self.first)
        return Asked(*(values[field] for field in fields))

    def draw(self, key: str, wanted: Asked, message: str = "", *, named: bool = True) -> Values:
        """The page anew; ``named`` is whether a person asked for ``key``."""
        view = library_view(self.studio, key, wanted)
        if view.fault:
            view = view if named else library_view(self.studio, "", wanted)
            message = message or (notice("error", view.fault) if named else "")
        return {
            self.told: message,
            self.chosen: view.key,
            self.first: view.first,
            self.listing: view.listing,
            self.backbone: gr.update(choices=view.backbones),
            self.undo: gr.update(visible=bool(view.undo), value=shortened(view.undo) or "Undo"),
            self.head: view.head,
            self.actions: gr.update(visible=bool(view.key)),
            self.body: view.body,
            self.renaming: gr.update(visible=False),
            self.delete: gr.update(visible=view.deletable),
        } | {one: gr.update(visible=bool(view.sharing), value=view.sharing) for one in self.sharing}

    def act(self, values: Values, action: Callable[[], tuple[str, str]]) -> Values:
        """Do something with a bundle, tell what came of it, and draw the bundle under the key that it gives."""
        key = values[self.chosen]
        try:
            message, key = action()
        except Exception as exc:
            message = fault_html(exc)
        return self.draw(key, self.asked(values), message, named=False)

    def welcome(self, pulled: tuple[BundleCard, bool]) -> Values:
        """The bundle that came from the Hub, new or not."""
        drawn = self.draw(pulled[0].key, Asked(), welcome_html(*pulled))
        return {component: value for component, value in drawn.items() if component is not self.renaming}

    def open(self, values: Values, request: gr.Request) -> Values:
        """The bundle that the address names."""
        return self.draw(address.text(request, "bundle"), self.asked(values))

    def refresh(self, values: Values) -> Values:
        """The first page of what the filters leave."""
        return self.draw(values[self.chosen], replace(self.asked(values), first=0), named=False)

    def choose(self, values: Values, event: gr.EventData) -> Values:
        """Another bundle, or another page of the list."""
        wanted, step = self.asked(values), max(-1, min(1, int(event.step)))
        turned = replace(wanted, first=wanted.first + step * PAGE)
        return self.draw(str(event.bundle) or values[self.chosen], turned, named=not step)

    def upload(self, values: Values) -> Values:
        """A zip taken in."""
        file = values[self.add]

        def take_in() -> tuple[str, str]:
            card, fresh = self.studio.library.import_bundle(file)
            return welcome_html(card, fresh), card.key

        return self.act(values, take_in) if file else {}

    def share(self, values: Values) -> Values:
        """The bundle shared, or not any more, as the button says."""
        on, key = values[self.sharing[0]] == SHARE[False], values[self.chosen]
        return self.act(values, lambda: (notice("success", self.studio.ownership.share("bundle", key, on)), key))

    def discard(self, values: Values) -> Values:
        """The bundle deleted."""

        def drop() -> tuple[str, str]:
            card = self.studio.library.delete(values[self.chosen])
            return notice("success", "Undo brings it back, for a week.", f"'{card.title}' is deleted."), ""

        return self.act(values, drop)

    def restore(self, values: Values) -> Values:
        """The last deletion or new name undone."""
        return self.act(values, lambda: (notice("success", self.studio.library.undo()), values[self.chosen]))

    def retitle(self, values: Values) -> Values:
        """Another name for the bundle."""

        def call() -> tuple[str, str]:
            self.studio.library.rename(values[self.chosen], values[self.title])
            return "", values[self.chosen]

        drawn = self.act(values, call)
        # After a fault the field stays as it is, to be mended.
        return drawn | ({self.renaming: gr.skip()} if drawn[self.told] else {})

    def begin_renaming(self, values: Values) -> Values:
        """The field for another name, with the one that there is."""
        cards = self.studio.store.bundles.list()
        card = next((card for card in cards if card.key == values[self.chosen]), None)
        return {self.renaming: gr.update(visible=card is not None), self.title: card.title if card else ""}

    def download(self, values: Values) -> Values:
        """The bundle as a zip, which the browser saves."""
        try:
            card = self.studio.library.bundle(values[self.chosen])
            folder = export_folder(self.studio.home, f"bundle-{card.key}", card.size_bytes)
            file = self.studio.library.export_zip(card.folder, folder / f"{safe_name(card.title or card.name)}.zip")
            return {self.told: "", self.packed: {"url": self.studio.files.address(file), "orig_name": file.name}}
        except StudioError as exc:
            return {self.told: notice("error", str(exc)), self.packed: None}


def welcome_html(card: BundleCard, fresh: bool) -> str:
    """What is said of a bundle that came."""
    if not fresh:
        return notice("info", f"It is called '{card.title}'.", "This bundle is in the library already.")
    return notice("success", "It was checked and is kept in the library.", f"'{card.title}' is here.")


def bundle_goods(studio: Studio) -> Goods:
    """The bundle under a key, with its run's report and example clips if ticked."""

    def bundle(key: str) -> BundleCard:
        return studio.library.bundle(key)

    def ticks() -> Sequence[Any]:
        licenses = [("As its model card says", ""), *((name, name) for name in LICENSES)]
        about = "The card names none (unknown) until you choose one."
        license_id = pick("push-license", "License of the prompts", licenses, "", about)
        license_name = line("push-license-name", "Name of the license", visible=False)
        license_id.change(lambda chosen: gr.update(visible=chosen == "other"), license_id, license_name, **QUIET)
        holds = "Figures, labels and a map of the clips, by file names alone."
        report = tick("push-report", "With the report of its run", holds)
        settings: Any = {"file_count": "multiple", "file_types": ["video"], "height": 110}
        examples = gr.File(label="Example clips, if you like", elem_id="push-examples", **settings)
        return license_id, license_name, report, examples

    def push(key: str, options: PushOptions, along: Sequence[Any], **how: Any) -> Pushed:
        license_id, license_name, report, examples = along
        licensed = replace(options, license=license_id or "", license_name=license_name or "")
        clips = [Path(clip) for clip in examples or ()]
        return studio.sharing.push_bundle(bundle(key).folder, licensed, report=bool(report), examples=clips, **how)

    return Goods(
        title=lambda key: studio.bundle_title(bundle(key)),
        place=lambda key, account: studio.sharing.repo_of_bundle(bundle(key).folder, account),
        push=push,
        ticks=ticks,
    )


def bundle_supply(studio: Studio, welcome: Callable[[tuple[BundleCard, bool]], Values]) -> Supply:
    """Bundles of the Hub; ``welcome`` shows the one that came, new or not."""
    return Supply(
        example="user/bundle",
        about="Its prompts and their description are fetched, nothing else: numbers and text, no code.",
        find=lambda repo, **asked: studio.sharing.find_bundle(repo, **asked),
        pull=lambda offer, along, **how: studio.sharing.pull_bundle(offer, **how),
        welcome=welcome,
    )
