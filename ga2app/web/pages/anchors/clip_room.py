"""What happens in the room of the anchor clips. Every answer is drawn anew from the store."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import gradio as gr

from ga2app.errors import StudioError
from ga2app.services.anchor_service import Proposed, Taken
from ga2app.services.negatives import chosen
from ga2app.services.studio import Studio
from ga2app.store.anchor_sets import AnchorOrder, AnchorRow, AnchorSetRow
from ga2app.types import AnchorKind
from ga2app.web.components.markup import busy, notice, notices
from ga2app.web.events import QUIET, REVEAL_JS
from ga2app.web.pages.anchors import anchor_html as html
from ga2app.web.pages.anchors.anchor_room import IN_TURN, Bar, ClipView, Page, Updates, Values, teller
from ga2app.web.pages.anchors.clip_layout import ClipParts

PAGE = 24
PROGRESS = gr.Progress()


class ClipRoom(ClipParts):
    """The room of the anchor clips."""

    def __init__(self, studio: Studio, bar: Bar) -> None:
        super().__init__(studio, bar)
        self._store = studio.store.anchors
        self._connect()

    def _connect(self) -> None:
        lists = (self.pool, self.make_from)
        opened = self.on(self.sets.click, self._choose, *lists, trigger_mode="multiple")
        opened.then(None, None, None, js=REVEAL_JS % "anchor-name", **IN_TURN)
        self.pulled.then(self.safely(self._open_pulled), {*self.inputs, *lists}, self.outputs, **IN_TURN)
        self.on([self.create.click, self.new_name.submit], self._create, self.new_name, *lists)
        self.on([self.name.submit, self.name.blur], self._rename, self.name)
        self.on([self.about.submit, self.about.blur], self._describe, self.about)
        self.on(self.delete.click, self._delete_set, *lists)
        # Each edit is a message of its own: none may be dropped because the one before is still on its way.
        self.on(self.rows.select, self._act, trigger_mode="multiple")
        self.rows.change(self._draw_missing, self.inputs, self.pictures, **QUIET)
        self.pictures.change(self._show_pictures, self.inputs, self.rows, **IN_TURN)
        self.on(self.order.input, self._sort)
        self.on(self.all_on.click, self._all_on)
        self.on(self.all_off.click, self._all_off)
        self.ideas_button.click(lambda: busy("Looking for ideas…"), None, self.ideas, **IN_TURN).then(
            self._ideas, self._bar.inputs, [self.ideas, self.told], **QUIET
        )
        self.ideas.click(_idea, None, self.caption, **IN_TURN)
        self.on(self.proposals.select, self._decide)
        sent = self.wait(self.files.upload, self._upload, "Copying and opening clips…", self.files, self.caption)
        sent.then(lambda: None, None, self.files, **IN_TURN)
        self.wait(self.suggest.click, self._suggest, "Looking at clips…", self.pool, self.count)
        making = (self.make_from, self.kinds, self.make_count)
        self.wait(self.make.click, self._make, "Making clips and looking at them…", *making)
        self.wait(self.measure.click, self._measure, "Looking at clips…")

    def shown(self, view: ClipView) -> AnchorSetRow | None:
        """The set that is shown; the first one where it is gone, none where the address names none that there is."""
        rows = [] if view.missing else self._store.sets()
        return next((row for row in rows if row.id == view.set_id), rows[0] if rows else None)

    def draw(self, values: Values, view: ClipView | None = None, told: str | None = None) -> Updates:
        """See ``Room``."""
        view = values[self.view] if view is None else view
        row = self.shown(view)
        listed = html.sets_html(self._store.sets(), row.id if row else None)
        if view.missing:
            why = "It was deleted, or the address is mistyped. Choose a set from the list."
            listed = notice("warning", why, f"There is no anchor set '{view.missing}'.") + listed
        updates: Updates = {
            self.view: replace(view, set_id=row.id if row else None),
            self.sets: listed,
            self.detail: gr.update(visible=row is not None),
            self._bar.undo: self._bar.undo_html(),
        } | ({} if told is None else {self.told: told})
        if row is None:
            return updates
        rows, place = self._page(values, row, view.page)
        updates[self.view] = replace(view, set_id=row.id, page=place.number)
        return updates | {self.rows: rows, self.name: row.name, self.about: row.about}

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

    def open_address(self, values: Values, wanted: int | None, named: str) -> Updates:
        """The set that the address names; where it names none, the one that was shown."""
        view = values[self.view]
        if wanted is not None:
            known = {row.id for row in self._store.sets()}
            view = ClipView(wanted) if wanted in known else ClipView(missing=named)
        return self.open(values, view, None)

    def _rows(self, values: Values, row: AnchorSetRow, place: Page) -> tuple[list[AnchorRow], bool]:
        """The clips of a page, and whether their irrelevance says something by itself."""
        question = self._anchors.questions(*self._bar.given(values))[0]
        order = AnchorOrder(values[self.order])
        rows = self._store.rows(row.id, question=question, order=order, limit=PAGE, offset=place.first)
        kept = self._studio.store.ratings.get(question) if question else None
        return rows, kept is None or kept.comparable is not False

    def _page(self, values: Values, row: AnchorSetRow, page: int) -> tuple[str, Page]:
        place = Page.of(page, PAGE, row.clips)
        rows, comparable = self._rows(values, row, place)
        return html.clips_html(self._studio, rows, place, comparable), place

    def _open_pulled(self, values: Values) -> Updates:
        """The set that has just come, below what is said of it; the one that was open where none came."""
        return self.open(values, values[self.view], None)

    def _choose(self, values: Values, event: gr.EventData) -> Updates:
        return self.open(values, ClipView(int(event.chosen)))

    def _create(self, values: Values) -> Updates:
        view = ClipView(self._store.create(values[self.new_name]))
        made = notice("success", "The set is made. Fill it in one of the three ways above.")
        return self.open(values, view, made) | {self.new_name: ""}

    def _rename(self, values: Values) -> Updates:
        row = self.shown(values[self.view])
        if row is None or row.name == values[self.name]:
            return {self.told: gr.skip()}
        name = self._store.rename(row.id, values[self.name])
        return self.draw(values, told=notice("success", f"The set is called '{name}' now."))

    def _describe(self, values: Values) -> Updates:
        row = self.shown(values[self.view])
        if row is None or row.about == values[self.about].strip():
            return {self.told: gr.skip()}
        self._store.describe(row.id, values[self.about])
        return self.draw(values, told=notice("success", "The description is kept."))

    def _delete_set(self, values: Values) -> Updates:
        self._store.delete_set(chosen(values[self.view].set_id))
        return self.open(values, ClipView(), notice("info", "The set is deleted. 'Undo' above brings it back."))

    def _act(self, values: Values, event: gr.EventData) -> Updates:
        """What was done to a row of the list, or to those that are ticked.

        An edit does not draw the list anew: somebody may be typing in the next row already.
        """
        view = values[self.view]
        if event.action == "page":
            return self.draw(values, replace(view, page=int(event.value)))
        if event.action == "delete":
            return self.draw(values, told=html.deleted_html(self._store.delete_clips(event.ids), "clip"))
        if event.action == "enable":
            self._store.enable(int(event.id), bool(event.on))
        elif event.action == "text":
            self._store.set_caption(int(event.id), str(event.text))
        listed = html.sets_html(self._store.sets(), view.set_id)
        return {self.sets: listed, self.told: "", self._bar.undo: self._bar.undo_html()}

    def _draw_missing(self, values: Values) -> Any:
        """Pictures of clips that have none yet, after the page is there without them. Gives when they were done.

        This takes its time, in which another set may have been chosen: it shows nothing itself.
        """
        row = self.shown(values[self.view])
        if row is None:
            return gr.skip()
        rows, _ = self._rows(values, row, Page.of(values[self.view].page, PAGE, row.clips))
        drawn = self._anchors.draw_pictures((one.path, one.digest) for one in rows)
        return time.monotonic() if drawn else gr.skip()

    def _show_pictures(self, values: Values) -> Any:
        """The list that is open now, with the pictures that there are now."""
        row = self.shown(values[self.view])
        return self._page(values, row, values[self.view].page)[0] if row else gr.skip()

    def _sort(self, values: Values) -> Updates:
        return self.draw(values, replace(values[self.view], page=0), "")

    def _all_on(self, values: Values) -> Updates:
        return self._switch_all(values, True)

    def _all_off(self, values: Values) -> Updates:
        return self._switch_all(values, False)

    def _switch_all(self, values: Values, on: bool) -> Updates:
        count = self._store.enable_all(chosen(values[self.view].set_id), on)
        return self.draw(values, told=html.switched_html(count, "clip", on))

    def _ideas(self, values: Values) -> Updates:
        try:
            ideas = self._anchors.ideas(self._anchors.asked(*self._bar.given(values)))
        except StudioError as exc:
            return {self.ideas: "", self.told: notice("error", str(exc))}
        return {self.ideas: html.ideas_html(ideas), self.told: ""}

    def _upload(self, values: Values, progress: gr.Progress = PROGRESS) -> Updates:
        told = teller(progress, "Opening clips")
        taken = self._anchors.upload(values[self.view].set_id, values[self.files] or [], values[self.caption], told)
        return self.draw(values, told=self._taken(values, taken))

    def _taken(self, values: Values, taken: Taken) -> str:
        row = self.shown(values[self.view])
        return html.taken_html(row.name if row else "", taken)

    def _suggest(self, values: Values, progress: gr.Progress = PROGRESS) -> Updates:
        told, now = teller(progress, "Looking at clips"), self._anchors.asked(*self._bar.given(values))
        set_id = values[self.view].set_id
        found = self._anchors.suggest_clips(set_id, values[self.pool], now, values[self.count], progress=told)
        return self._propose(values, found)

    def _make(self, values: Values, progress: gr.Progress = PROGRESS) -> Updates:
        told = teller(progress, "Making clips and looking at them")
        now, kinds = self._anchors.asked(*self._bar.given(values)), [AnchorKind(one) for one in values[self.kinds]]
        found = self._anchors.make_clips(values[self.make_from], kinds, values[self.make_count], now, told)
        return self._propose(values, found)

    def _propose(self, values: Values, found: Proposed) -> Updates:
        self._anchors.draw_pictures((one.path, None) for one in found.clips)
        return {
            self.told: notices("info", found.notes),
            self.view: replace(values[self.view], proposed=found),
            self.proposals: html.proposals_html(self._studio, found),
        }

    def _decide(self, values: Values, event: gr.EventData) -> Updates:
        view = values[self.view]
        left = replace(view, proposed=Proposed())
        if event.action != "accept":
            return {self.view: left, self.proposals: "", self.told: ""}
        taken = self._anchors.accept(view.set_id, view.proposed.clips, [int(number) for number in event.ids])
        return self.draw(values, left, self._taken(values, taken)) | {self.proposals: ""}

    def _measure(self, values: Values, progress: gr.Progress = PROGRESS) -> Updates:
        told, now = teller(progress, "Looking at clips"), self._anchors.asked(*self._bar.given(values))
        done = self._anchors.measure_clips(values[self.view].set_id, now, told)
        return self.draw(values, told=html.measured_html(done))


def _idea(event: gr.EventData) -> str:
    return str(event.idea)
