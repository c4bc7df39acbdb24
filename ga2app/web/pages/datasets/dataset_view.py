"""The page of a data set, read anew from the store: one function answers every change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from ga2app.config import DEMO
from ga2app.services.studio import Studio
from ga2app.store.clip_pages import ClipFilter, LabelRow, SetSummary
from ga2app.store.dataset_edits import ROOM
from ga2app.types import Subset
from ga2app.web.components.markup import shortened
from ga2app.web.pages.datasets.dataset_cards import PAGE, grid_html
from ga2app.web.pages.datasets.media import Pictures
from ga2app.web.pages.datasets.overview import head_html, labels_html, list_html

NEW = 0
"""What is chosen while clips are being imported, instead of a data set."""

ALL = 0
"""The label filter that rules nothing out."""

EITHER = "either"

FOLLOW_S, WAIT_S = 1.0, 3.0
"""How often the page looks at an import or at pictures being made, and at whether the demo has been drawn."""


@dataclass(frozen=True)
class Wanted:
    """What the page is to show: a data set, and which of its clips.

    ``as_typed``: the page's fields say so themselves. They are not told again, for this answer may come when something
    else has been typed.
    """

    dataset_id: int | None = None
    label_id: int = ALL
    subset: str = EITHER
    text: str = ""
    page: int = 0
    as_typed: bool = False

    @classmethod
    def of(cls, chosen: Any, label: Any, subset: Any, text: Any, page: Any) -> Wanted:
        """From the values of the page's fields, whatever a browser sends."""
        known = subset if subset in list(Subset) else EITHER
        dataset_id = None if chosen is None else int(chosen)
        return cls(dataset_id, int(label or ALL), known, str(text or ""), max(0, int(page or 0)), as_typed=True)

    @property
    def filter(self) -> ClipFilter:
        return ClipFilter(self.label_id or None, Subset(self.subset) if self.subset != EITHER else None, self.text)


@dataclass(frozen=True)
class Parts:
    """The components that ``SetPage.show`` fills, in the order of ``outputs``."""

    listing: gr.HTML
    chosen: gr.Number
    importing: gr.Column
    detail: gr.Column
    head: gr.HTML
    undo: gr.Button
    label: gr.Dropdown
    subset: gr.Dropdown
    text: gr.Textbox
    page: gr.Number
    grid: gr.HTML
    labels: gr.HTML
    move_to: gr.Dropdown
    merge_into: gr.Dropdown
    new_name: gr.Textbox
    clock: gr.Timer

    @property
    def outputs(self) -> list[Any]:
        return list(vars(self).values())

    @property
    def asked(self) -> list[Any]:
        """The fields that ``Wanted.of`` is made from."""
        return [self.chosen, self.label, self.subset, self.text, self.page]


class SetPage:
    """Draws the screen from the store."""

    def __init__(self, studio: Studio, pictures: Pictures) -> None:
        self._studio, self._pictures = studio, pictures

    def show(self, wanted: Wanted) -> list[Any]:
        """New values for ``Parts.outputs``."""
        store = self._studio.store
        sets = store.clips.sets()
        row = self._choose(sets, wanted.dataset_id)
        waiting = DEMO not in {one.name for one in sets}
        listing = list_html(sets, row.id if row else NEW, waiting=waiting)
        last = store.trash.last(ROOM)
        undo = gr.update(visible=last is not None, value=shortened(last.offer) if last else "Undo")
        if row is None:
            shut = [gr.update(visible=True), gr.update(visible=False)]
            rest = [gr.skip()] * 9
            return [listing, NEW, *shut, "", undo, *rest, self.clock(waiting)]
        if row.id != wanted.dataset_id:
            wanted = Wanted(row.id)
        labels = store.clips.labels(row.id)
        return [
            listing,
            row.id,
            gr.update(visible=False),
            gr.update(visible=True),
            head_html(row, labels, store.clips.copies(row.id)),
            undo,
            *self._clips(wanted, labels),
            labels_html(labels),
            gr.update(choices=[label.name for label in labels], value=None),
            gr.update(choices=[(label.name, label.id) for label in labels], value=None),
            gr.skip() if wanted.as_typed else row.name,
            self.clock(waiting),
        ]

    def clock(self, waiting: bool | None = None) -> gr.Timer:
        """The page's timer: it runs while something is going on that the page should follow."""
        store = self._studio.store
        if waiting is None:
            waiting = DEMO not in {one.name for one in store.clips.sets()}
        followed = self.busy()
        return gr.Timer(FOLLOW_S if followed else WAIT_S, active=followed or waiting)

    def busy(self) -> bool:
        """Whether an import is running or pictures are being made."""
        return self._pictures.busy or self._studio.store.imports.running() is not None

    def grid(self, wanted: Wanted) -> str:
        """The clips alone, as they are when pictures have come in."""
        count = self._studio.store.clips.count(wanted.dataset_id or NEW, wanted.filter)
        return self._grid(wanted, count)

    def _choose(self, sets: list[SetSummary], dataset_id: int | None) -> SetSummary | None:
        """The data set to show: the one asked for, else the newest; none while clips are being imported."""
        if dataset_id == NEW or (dataset_id is None and self._studio.store.imports.running()):
            return None
        return next((row for row in sets if row.id == dataset_id), sets[-1] if sets else None)

    def _clips(self, wanted: Wanted, labels: list[LabelRow]) -> list[Any]:
        """Filters, page number and the clips."""
        known = wanted.label_id in {ALL, *(label.id for label in labels)}
        if not known:
            wanted = replace(wanted, label_id=ALL)
        count = self._studio.store.clips.count(wanted.dataset_id or NEW, wanted.filter)
        page = min(wanted.page, max(0, (count - 1) // PAGE))
        wanted = replace(wanted, page=page)
        choices = [("All labels", ALL), *((f"{label.name} ({label.clips})", label.id) for label in labels)]
        told: dict[str, Any] = {} if wanted.as_typed and known else {"value": wanted.label_id}
        return [
            gr.update(choices=choices, **told),
            *([gr.skip(), gr.skip()] if wanted.as_typed else [wanted.subset, wanted.text]),
            page,
            self._grid(wanted, count),
        ]

    def _grid(self, wanted: Wanted, count: int) -> str:
        clips = self._studio.store.clips.page(
            wanted.dataset_id or NEW, wanted.filter, limit=PAGE, offset=wanted.page * PAGE
        )
        self._pictures.ask(clips)
        faults = {clip.id: self._pictures.fault(clip.id) for clip in clips}
        filtered = wanted.filter != ClipFilter()
        return grid_html(self._studio, clips, faults, count=count, page=wanted.page, filtered=filtered)
