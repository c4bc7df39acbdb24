"""The anchor clips: the list of sets, the chosen set, and ways to fill it. Each answer is drawn anew from the store."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from ga2app.errors import StudioError
from ga2app.services.anchor_service import Proposed, Taken
from ga2app.services.studio import Studio
from ga2app.store.anchor_rows import AnchorOrder, AnchorRow, AnchorSetRow
from ga2app.types import AnchorKind, Progress, Pushed, PushOptions
from ga2app.web.components.form_fields import line, pick, small, tick, whole
from ga2app.web.components.hub_panels import Goods, Supply, build_pull, build_push
from ga2app.web.components.markup import busy, notice, notices, render, script
from ga2app.web.events import QUIET
from ga2app.web.pages.anchors import anchor_html as html
from ga2app.web.pages.anchors.anchor_room import CHOOSE_JS, IN_TURN, ROWS_JS, Bar, ClipView, Room, Updates, Values
from ga2app.web.theme import folded, part

PAGE = 24
PROGRESS = gr.Progress()
KINDS = [
    ("a crop away from the motion", AnchorKind.AWAY.value),
    ("the background (median over time)", AnchorKind.MEDIAN.value),
    ("one frame, held", AnchorKind.HELD_FRAME.value),
]
ORDERS = [
    ("sorted as added", AnchorOrder.ADDED.value),
    ("most irrelevant first", AnchorOrder.BEST.value),
    ("most relevant first", AnchorOrder.WORST.value),
]


class ClipRoom(Room):
    """The room of the anchor clips."""

    kind, nothing = "anchor_set", ClipView()
    filled = "Fill it in one of the three ways above."

    def __init__(self, studio: Studio, bar: Bar) -> None:
        super().__init__(studio, bar)
        self.store = store = studio.store.anchors
        self.edits = {"create": store.create, "rename": store.rename, "delete": store.delete_set}
        self.edits |= {"delete rows": store.delete_clips, "text": store.set_caption}
        self.view, self.pictures = gr.State(self.nothing), gr.State(0.0)
        with gr.Row(elem_classes="split"):
            with gr.Column(scale=4, min_width=300):
                self.sets = self.listing = part(elem_id="anchor-sets", js_on_load=CHOOSE_JS)
                self._lay_out_new("anchor")
                from_hub = gr.Column()
                with folded("What irrelevance means"):
                    gr.Markdown(str(render("anchor_help.html", topic="irrelevance")))
            with gr.Column(scale=8, min_width=300, elem_classes="detail", visible=False) as self.detail:
                self._lay_out_set()
        self.inputs = {self.view, self.order, *bar.inputs}
        drawn = [self.view, self.sets, self.detail, self.name, self.about, self.rows, bar.undo]
        self.outputs = [
            *drawn,
            self.told,
            self.proposals,
            self.pool,
            self.make_from,
            self.new_name,
            *self.sharing,
            *self.locked,
        ]
        with from_hub:
            self.pulled = build_pull(studio, self._supply(), [self.view, self.told], "anchor-")
        self._connect()

    def _lay_out_set(self) -> None:
        mine: Any = {"elem_classes": "changes"}
        self.locked = [part(elem_id="anchor-locked")] if self._studio.space else []
        with gr.Row(**mine):
            self.name = line("anchor-name", "Name of the set", scale=2, min_width=180)
            purpose: Any = {"placeholder": "optional", "max_lines": 3}
            self.about = line("anchor-about", "What it is for", scale=4, min_width=220, **purpose)
        with folded("Add clips of your own", elem_id="anchor-add-own", **mine):
            shows = "What the clips show. Left empty, each gets the words of its file's name."
            self.caption = line("anchor-caption", "Caption", shows, placeholder="rain on a window")
            self.files = gr.File(label="Clips", file_count="multiple", height=110, elem_id="anchor-files")
            self.ideas_button = small("anchor-ideas-button", "Ideas for clips to film")
            self.ideas = part(elem_id="anchor-ideas", js_on_load=CHOOSE_JS)
        choice: Any = {"scale": 3, "min_width": 220}
        number: Any = {"minimum": 1, "maximum": 100, "scale": 1, "min_width": 120}
        with folded("Suggest clips from a data set", elem_id="anchor-suggest-box", **mine):
            with gr.Row():
                never = "Clips of your labels' own classes are never proposed."
                self.pool = pick("anchor-pool", "Choose from", [], info=never, **choice)
                self.count = whole("anchor-count", "How many", 8, "Irrelevant, and unlike each other.", **number)
            self.suggest = small("anchor-suggest", "Suggest clips")
        with folded("Make anchors from clips", elem_id="anchor-make-box", **mine):
            with gr.Row():
                spread, each = "Spread evenly over its classes.", "Each is used in every way."
                self.make_from = pick("anchor-make-from", "From the clips of", [], info=spread, **choice)
                self.make_count = whole("anchor-make-count", "How many clips", 6, each, **number)
            about = "A held frame of an action still looks like the action; crops away from the motion fare best."
            ways: Any = {"value": [AnchorKind.AWAY.value, AnchorKind.MEDIAN.value], "elem_id": "anchor-kinds"}
            self.kinds = gr.CheckboxGroup(KINDS, label="Ways", info=about, **ways)
            self.make = small("anchor-make", "Generate candidates")
        self.told = part(elem_id="anchor-told", js_on_load=script("lasting_messages.js"))
        self.proposals = part(elem_id="anchor-proposals", js_on_load=ROWS_JS)
        with gr.Row(elem_classes="actions toolbar"):
            self.measure = small("anchor-measure", "Measure irrelevance", variant="primary")
            self._lay_out_switches("anchor")
            push = small("anchor-push", "Push to the Hub", **mine)
            self.delete = small("anchor-delete", "Delete this set", **mine)
            self._lay_out_order("anchor", ORDERS)
        build_push(self._studio, self._goods(), self.view, push, "anchor-")
        self.rows = part(elem_id="anchor-rows", js_on_load=ROWS_JS)

    def _connect(self) -> None:
        lists = (self.pool, self.make_from)
        self._connect_shared("anchor-name", *lists)
        came = self.safely(lambda values: self.open(values, values[self.view], None))  # what is said of it stays
        self.pulled.then(came, {*self.inputs, *lists}, self.outputs, **IN_TURN)
        self.on([self.about.submit, self.about.blur], self._describe, self.about)
        self.rows.change(self._draw_missing, self.inputs, self.pictures, **QUIET)
        self.pictures.change(self._show_pictures, self.inputs, self.rows, **IN_TURN)
        self.ideas_button.click(lambda: busy("Looking for ideas…"), None, self.ideas, **IN_TURN).then(
            self._ideas, self._bar.inputs, [self.ideas, self.told], **QUIET
        )
        self.ideas.click(_idea, None, self.caption, **IN_TURN)
        sent = self.wait(self.files.upload, self._upload, "Copying and opening clips…", self.files, self.caption)
        sent.then(lambda: None, None, self.files, **IN_TURN)
        self.wait(self.suggest.click, self._suggest, "Looking at clips…", self.pool, self.count)
        making = (self.make_from, self.kinds, self.make_count)
        self.wait(self.make.click, self._make, "Making clips and looking at them…", *making)
        self.wait(self.measure.click, self._measure, "Looking at clips…")

    def shown(self, view: ClipView) -> AnchorSetRow | None:
        """The set that is shown; the first one where it is gone, none where the address names none that there is."""
        rows = [] if view.missing else self.store.sets()
        return next((row for row in rows if row.id == view.key), rows[0] if rows else None)

    def listing_html(self, key: int | None) -> str:
        return html.sets_html(self.store.sets(), key, self._studio.ownership.whose)

    def draw(self, values: Values, view: ClipView | None = None, told: str | None = None) -> Updates:
        view = values[self.view] if view is None else view
        row = self.shown(view)
        updates: Updates = {
            self.view: replace(view, key=row.id if row else None),
            self.sets: self.missing_html(view, "anchor set") if view.missing else "",
            self.detail: gr.update(visible=row is not None),
            self._bar.undo: self._bar.undo_html(),
        } | ({} if told is None else {self.told: told})
        updates[self.sets] += self.listing_html(row.id if row else None)
        if row is None:
            return updates
        rows, place = self._page(values, row, view.page)
        updates[self.view] = replace(view, key=row.id, page=place.number)
        return updates | {self.rows: rows, self.name: row.name, self.about: row.about} | self.draw_sharing(row)

    def open(self, values: Values, view: ClipView, told: str | None = "") -> Updates:
        """Another set: from its first page, without the proposals for the one before, and with its pools."""
        row = self.shown(view)
        pools = self._anchors.pools(row.id if row else None)
        names = [one.name for one in self._studio.store.datasets.list()]
        pool, source, known = values[self.pool], values[self.make_from], [value for _, value in pools]
        return self.draw(values, view, told) | {
            self.proposals: "",
            self.pool: gr.update(choices=pools, value=pool if pool in known else next(iter(known), None)),
            self.make_from: gr.update(choices=names, value=source if source in names else next(iter(names), None)),
        }

    def _rows(self, values: Values, row: AnchorSetRow, place: html.Page) -> tuple[list[AnchorRow], bool]:
        """The clips of a page, and whether their irrelevance says something by itself."""
        question = self._anchors.questions(*self._bar.given(values))[0]
        order = AnchorOrder(values[self.order])
        rows = self.store.rows(row.id, question=question, order=order, limit=PAGE, offset=place.first)
        kept = self._studio.store.ratings.get(question) if question else None
        return rows, kept is None or kept.comparable is not False

    def _page(self, values: Values, row: AnchorSetRow, page: int) -> tuple[str, html.Page]:
        place = html.Page.of(page, PAGE, row.clips)
        rows, comparable = self._rows(values, row, place)
        locked = bool(self._studio.ownership.locked(row))
        return html.clips_html(self._studio, rows, place, comparable, locked), place

    def _describe(self, values: Values) -> Updates:
        row = self.shown(values[self.view])
        if row is None or row.about == values[self.about].strip():
            return {self.told: gr.skip()}
        self.store.describe(row.id, values[self.about])
        return self.draw(values, told=notice("success", "The description is kept."))

    def _draw_missing(self, values: Values) -> Any:
        """Pictures of clips that have none yet, after the page is there without them. Gives when they were done.

        This takes its time, in which another set may have been chosen: it shows nothing itself.
        """
        row = self.shown(values[self.view])
        if row is None:
            return gr.skip()
        rows, _ = self._rows(values, row, html.Page.of(values[self.view].page, PAGE, row.clips))
        drawn = self._anchors.draw_pictures((one.path, one.digest) for one in rows)
        return time.monotonic() if drawn else gr.skip()

    def _show_pictures(self, values: Values) -> Any:
        """The list that is open now, with the pictures that there are now."""
        row = self.shown(values[self.view])
        return self._page(values, row, values[self.view].page)[0] if row else gr.skip()

    def _ideas(self, values: Values) -> Updates:
        try:
            ideas = self._anchors.ideas(self._anchors.asked(*self._bar.given(values)))
        except StudioError as exc:
            return {self.ideas: "", self.told: notice("error", str(exc))}
        return {self.ideas: html.ideas_html(ideas), self.told: ""}

    def _upload(self, values: Values, progress: gr.Progress = PROGRESS) -> Updates:
        told = teller(progress, "Opening clips")
        taken = self._anchors.upload(values[self.view].key, values[self.files] or [], values[self.caption], told)
        return self.draw(values, told=self._taken(values[self.view], taken))

    def _taken(self, view: ClipView, taken: Taken) -> str:
        row = self.shown(view)
        return html.taken_html(row.name if row else "", taken)

    def _suggest(self, values: Values, progress: gr.Progress = PROGRESS) -> Updates:
        told, now = teller(progress, "Looking at clips"), self._anchors.asked(*self._bar.given(values))
        set_id = values[self.view].key
        found = self._anchors.suggest_clips(set_id, values[self.pool], now, values[self.count], progress=told)
        return self._propose(values, found)

    def _make(self, values: Values, progress: gr.Progress = PROGRESS) -> Updates:
        told = teller(progress, "Making clips and looking at them")
        now, kinds = self._anchors.asked(*self._bar.given(values)), [AnchorKind(one) for one in values[self.kinds]]
        found = self._anchors.make_clips(values[self.make_from], kinds, values[self.make_count], now, told)
        return self._propose(values, found)

    def _propose(self, values: Values, found: Proposed) -> Updates:
        self._anchors.draw_pictures((one.path, one.digest) for one in found.clips)
        return {
            self.told: notices("info", found.notes),
            self.view: replace(values[self.view], proposed=found),
            self.proposals: html.proposals_html(self._studio, found),
        }

    def accept(self, view: ClipView, picked: list[int]) -> str:
        return self._taken(view, self._anchors.accept(view.key, view.proposed.clips, picked))

    def _measure(self, values: Values, progress: gr.Progress = PROGRESS) -> Updates:
        told, now = teller(progress, "Looking at clips"), self._anchors.asked(*self._bar.given(values))
        done = self._anchors.measure_clips(values[self.view].key, now, told)
        return self.draw(values, told=html.measured_html(done))

    def _goods(self) -> Goods:
        """The set that is shown: captions and negative prompts, clips only if ticked."""
        studio = self._studio

        def key(view: ClipView) -> int:
            return self.chosen({self.view: view})

        def ticks() -> Sequence[Any]:
            groups = "All groups; whoever pulls the set gets them as groups of their own."
            films = "Otherwise captions alone: whoever has clips with the same content finds them again."
            negatives = tick("anchor-push-negatives", "With the negative prompts", groups, on=True)
            return negatives, tick("anchor-push-clips", "With the clips themselves", films)

        def push(view: ClipView, options: PushOptions, along: Sequence[Any], **how: Any) -> Pushed:
            groups = None if along[0] else ()
            return studio.sharing.push_anchors(key(view), options, groups=groups, clips=bool(along[1]), **how)

        return Goods(
            title=lambda view: html.set_title(self.store.sets(), key(view)),
            place=lambda view, account: studio.sharing.repo_of_anchors(key(view), account),
            push=push,
            ticks=ticks,
        )

    def _supply(self) -> Supply:
        studio = self._studio
        return Supply(
            example="user/anchors",
            about="A set of anchor clips with its negative prompts: captions, and clips where the repository has them.",
            find=lambda repo, **asked: studio.sharing.find_anchors(repo, **asked),
            pull=lambda offer, along, **how: studio.sharing.pull_anchors(offer, clips=bool(along[0]), **how),
            welcome=lambda pulled: {
                self.view: replace(self.nothing, key=pulled.set_id),
                self.told: html.pulled_html(pulled),
            },
            ticks=lambda: (tick("anchor-pull-clips", "With the clips", on=True),),
        )


def _idea(event: gr.EventData) -> str:
    return str(event.idea)


def teller(progress: gr.Progress, what: str) -> Progress:
    """Tells a bar on the page how many clips are done."""
    return lambda done, total: progress((done, total), desc=what, unit="clips")
