"""``/review``: the clips of a data set one by one, those first that are worth a look; lists of suspects and copies.

The address says what is shown: ``?id=3&bundle=run-000007&order=uncertain``, with ``&clip=12`` one clip, with
``&find=words`` or ``&like=12`` what is like it, ``&show=copies`` near-copies, ``&show=waiting`` recognized clips.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gradio as gr

from ga2app.environment import OwnThread
from ga2app.errors import ClipError, DatasetError, StudioError, counted
from ga2app.services.clip_inspector import preview_of
from ga2app.services.review_service import Ranked
from ga2app.services.studio import Studio
from ga2app.store.clip_pages import ClipRow
from ga2app.store.row_guard import acting_as
from ga2app.types.dataset_types import Order
from ga2app.web import address
from ga2app.web.components.markup import notice, script, shortened
from ga2app.web.components.masthead import Page
from ga2app.web.events import attempt, fault_html, in_turn
from ga2app.web.pages.review import review_views as views
from ga2app.web.pages.review.review_views import COPIES, LISTED, WAITING, View
from ga2app.web.theme import part

FOLLOW_S = 1.0
_NEXT = 12
"""Clips that are shown below the one on the stage."""


def build_review(studio: Studio, page: Page) -> None:
    """Lay the page out and connect it."""
    parts = Parts()
    handlers = Handlers(studio, parts)
    turn = in_turn("review")
    inputs: set[Any] = {parts.view}
    page.on_open(handlers.open, None, parts.shown, **turn)
    for region in (parts.head, parts.stage, parts.listing):
        region.act(handlers.act, inputs, parts.shown, **turn)
    parts.clock.tick(handlers.tick, inputs, parts.shown, **turn)


class Parts:
    """The components of the page."""

    def __init__(self) -> None:
        self.head = part(elem_id="review-head", js_on_load=script("review_head.js"))
        self.told = part(elem_id="review-answer")
        self.stage = part(elem_id="review-stage", js_on_load=script("review_stage.js"))
        self.listing = part(elem_id="review-list", js_on_load=script("review_list.js"))
        self.view, self.clock = gr.State(View()), gr.Timer(FOLLOW_S, active=False)
        self.shown = [self.head, self.told, self.stage, self.listing, self.view, self.clock]


class Handlers:
    """What happens on this page. Each gives new values for the components that it changes."""

    def __init__(self, studio: Studio, parts: Parts) -> None:
        self._studio, self._parts, self._review = studio, parts, studio.review

    def open(self, request: gr.Request) -> dict[Any, Any]:
        """What the address names; of data sets else the newest."""
        asked, message = address.number(request, "id"), ""
        known = [row.id for row in self._studio.datasets.all()]
        if asked is not None and asked not in known:
            title = f"There is no data set '{shortened(address.text(request, 'id'))}'."
            message = notice("warning", "It was deleted, or the address is mistyped. Choose another above.", title)
            return self._drawn(View(), message)
        order = address.text(request, "order") or Order.UNCERTAIN.value
        view = View(
            asked if asked is not None or not known else known[-1],
            address.text(request, "bundle"),
            order if order in list(Order) else Order.UNCERTAIN.value,
            address.text(request, "find"),
            address.number(request, "like"),
            address.number(request, "clip"),
            address.text(request, "show"),
        )
        return self._drawn(view, fresh=True)

    def act(self, values: dict[Any, Any], event: gr.EventData) -> dict[Any, Any]:
        """What a button or its key does, and the page as it is then."""
        view, given = values[self._parts.view], event._data
        does, clip = str(given.get("do")), given.get("clip")
        number, label, of = clip if isinstance(clip, int) else 0, str(given.get("label") or ""), view.dataset_id or 0
        review, waiting, looks = self._review, self._studio.waiting, self._studio.looks
        actions: dict[str, Callable[[], str | None]] = {
            "confirm": lambda: review.confirm(number),
            "correct": lambda: review.correct(number, label),
            "skip": lambda: review.skip(number),
            "leave-out": lambda: review.leave_out(number),
            "undo": review.undo,
            "join": lambda: waiting.join(number, of, label),
            "dismiss": lambda: waiting.dismiss(number),
            "look": lambda: looks.start(of, view.bundle),
            "cancel": lambda: looks.cancel(of, view.bundle),
        }
        if does not in actions:
            return {}
        message = attempt(lambda: str(actions[does]() or ""))
        if does in ("confirm", "correct", "skip", "leave-out") and view.clip == number:
            view = View(view.dataset_id, view.bundle, view.order)  # on with the list that the clip came from
        return self._drawn(view, message)

    def tick(self, values: dict[Any, Any]) -> dict[Any, Any]:
        """How far a look is, and when it has ended the whole page; the list again while its pictures are made."""
        view, parts = values[self._parts.view], self._parts
        state = self._studio.looks.state(view.dataset_id or 0, view.bundle)
        if state.running:
            return {parts.head: views.head_html(self._studio, view, 0, state)}
        drawn = self._drawn(view, fresh=view.looking)
        shown = (parts.head, parts.stage, parts.listing, parts.view, parts.clock)
        return {part: drawn[part] for part in (shown if view.looking else shown[2:])}

    def _drawn(self, view: View, message: str = "", fresh: bool = False) -> dict[Any, Any]:
        """The page for ``view``; what cannot be shown is told above it."""
        parts, of = self._parts, view.dataset_id
        state, unseen, stage, listing = self._studio.looks.state(of or 0, view.bundle), 0, "", ""
        try:
            unseen = self._studio.looks.seen(of, view.bundle).unseen if of else 0
            stage, listing = self._shown(view, unseen, fresh) if of else (views.nothing_html(view, 0), "")
        except StudioError as exc:
            message += fault_html(exc)
        unread = 0 if state.faults else unseen
        return {
            parts.head: views.head_html(self._studio, view, unread, state),
            parts.told: message,
            parts.stage: stage,
            parts.listing: listing,
            parts.view: replace(view, looking=state.running),
            parts.clock: gr.Timer(FOLLOW_S, active=state.running or self._studio.datasets.pictures.busy),
        }

    def _shown(self, view: View, unseen: int, fresh: bool) -> tuple[str, str]:
        """Stage and list."""
        studio, review, of = self._studio, self._review, view.dataset_id or 0
        if view.show == WAITING:
            clips = studio.waiting.all()
            left = f"{counted(len(clips), 'clip')} to review, the least certain first"
            return views.waiting_html(studio, view, clips[0], left) if clips else views.nothing_html(view, 0), ""
        if self._studio.looks.seen(of, view.bundle).rows == ():
            return views.nothing_html(view, unseen), ""
        if view.show == COPIES:
            about = "The same content, stretches that overlap, or footage that was cut, scaled or encoded anew."
            return "", views.pairs_html(studio, view, review.copies(of, view.bundle, fresh=fresh), about)
        if view.find:
            found = review.search(of, view.find, view.bundle, count=LISTED)
            return "", views.list_html(studio, view, f"Nearest to '{shortened(view.find)}'", found)
        if view.like is not None:
            found = review.similar(of, view.like, view.bundle, count=LISTED)
            return "", views.list_html(studio, view, "Most similar clips", found)
        return self._queue(view, unseen, fresh)

    def _queue(self, view: View, unseen: int, fresh: bool) -> tuple[str, str]:
        studio, of = self._studio, view.dataset_id or 0
        many = LISTED if view.order == Order.SUSPECTED else _NEXT
        found = self._review.ranked(of, view.order, view.bundle, count=many + 1, fresh=fresh)
        count = self._review.remaining(of, view.order, view.bundle)
        if view.clip is not None:
            found = [self._one(view, found), *(one for one in found if one.clip.id != view.clip)]
        if not found:
            return views.nothing_html(view, unseen), ""
        self._prepare([one.clip for one in found[1:2]])
        stage = views.stage_html(studio, view, found[0], f"{counted(count, 'clip')} to review")
        return stage, views.list_html(studio, view, "Next", found[1:]) if found[1:] else ""

    def _one(self, view: View, found: list[Ranked]) -> Ranked:
        """The clip that the address names, with its answers. Raises DatasetError."""
        for one in found or []:
            if one.clip.id == view.clip:
                return one
        ranked = self._review.ranked(view.dataset_id or 0, Order.LISTED, view.bundle, count=10**6, done=True)
        for one in ranked:
            if one.clip.id == view.clip:
                return one
        raise DatasetError("this clip is not in the data set, or was not looked at yet; choose another")

    def _prepare(self, clips: list[ClipRow]) -> None:
        """Make what the next clip is played from meanwhile, so that nobody waits for it."""

        def make() -> None:
            for clip in clips:
                try:
                    preview_of(self._studio, clip)
                except ClipError:
                    return  # the stage says so

        OwnThread(target=acting_as(self._studio.store.actor())(make), daemon=True, name="next clip").start()
