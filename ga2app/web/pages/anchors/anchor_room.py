"""What the two halves of the page share: the bar above them, and how an event of theirs is answered."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import gradio as gr

from ga2app.errors import StudioError
from ga2app.services.anchor_service import Proposed
from ga2app.services.negatives import TYPED
from ga2app.services.studio import Studio
from ga2app.types import Progress
from ga2app.web.components.backbone_field import FOLDER_HINT, backbone_field, choices, settle_choice
from ga2app.web.components.list_scripts import TURN_JS, ticks_js
from ga2app.web.components.markup import UNEXPECTED, busy, count_of, escape, notice, shortened
from ga2app.web.events import in_turn
from ga2app.web.templates import script
from ga2app.web.theme import part

log = logging.getLogger(__name__)

Values = dict[Any, Any]
"""What the components hold that an event reads, by component."""

Updates = dict[Any, Any]
"""What an event changes, by component; all others stay as they are."""

IN_TURN = in_turn("anchors")
UNDO_JS = """
element.addEventListener('click', event => {
  if (event.target.closest('#anchor-undo')) trigger('click');
});
"""


def rows_script() -> str:
    """Defines what ``ROWS_JS`` begins; to stand once on the page, in the ``js_on_load`` of some part of it.

    It sends what is done to a row, with the row's own number, and nothing about any other row.
    """
    lines = (ticks_js("[data-pick]"), TURN_JS, script("anchor_rows.js"))
    return f"window.ga2AnchorRows = (element, trigger, watch) => {{\n{''.join(lines)}}};\n"


ROWS_JS = """
const begin = () => window.ga2AnchorRows ? window.ga2AnchorRows(element, trigger, watch) : setTimeout(begin, 20);
begin();
"""
PICKER_JS = """
element.addEventListener('click', event => {
  const card = event.target.closest('[data-choose]');
  if (card) trigger('click', {chosen: card.dataset.choose});
});
"""


@dataclass(frozen=True)
class Page:
    """A part of a list: the number of the page from 0, its size, and how many rows there are in all."""

    number: int
    size: int
    total: int

    @classmethod
    def of(cls, wanted: int, size: int, total: int) -> Page:
        """The page that was wanted, or the last one if there are not so many."""
        return cls(min(max(wanted, 0), max(0, (total - 1) // size)), size, total)

    @property
    def first(self) -> int:
        return self.number * self.size

    @property
    def last(self) -> int:
        return (self.total - 1) // self.size

    @property
    def shown(self) -> str:
        return f"{self.first + 1:,}–{min(self.first + self.size, self.total):,} of {self.total:,}"


@dataclass(frozen=True)
class ClipView:
    """What is shown of anchor clips: a set, the page of its clips, and what is proposed for it.

    ``missing`` is the set that the address names and nobody has: then none is shown.
    """

    set_id: int | None = None
    page: int = 0
    proposed: Proposed = Proposed()
    missing: str = ""


class Bar:
    """What is measured against, and the undo of the last deletion or edit of the page."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        source, typed, backbone = studio.anchors.start_values()
        with gr.Row(elem_classes="anchor-bar"):
            self.source = gr.Dropdown(
                self._sources(),
                value=source,
                label="Measured against the labels of",
                info="Anchors and negative prompts have to keep away from these.",
                elem_id="anchor-labels-of",
                min_width=220,
            )
            self.typed = gr.Textbox(
                value=typed,
                label="Labels",
                info="Your actions, separated by commas.",
                placeholder="riding a bicycle, walking a dog",
                max_lines=3,
                visible=source == TYPED,
                elem_id="anchor-typed",
                min_width=220,
            )
            self.backbone = backbone_field(studio, backbone, self._help(), "anchor-backbone", min_width=220)
        self.undo = part(self.undo_html(), elem_id="anchor-undo-box", js_on_load=rows_script() + UNDO_JS)
        self.inputs = {self.source, self.typed, self.backbone}

    def given(self, values: Values) -> tuple[str | None, str | None, str | None]:
        """Data set, typed labels and backbone among ``values``."""
        return values[self.source], values[self.typed], values[self.backbone]

    def refresh(self, values: Values) -> Updates:
        """The lists anew. What is chosen stays, unless it is gone.

        A backbone that stays is not put in again: another may have been typed while this was on its way.
        """
        listed, (source, typed, backbone) = self._sources(), self.given(values)
        if source not in {value for _, value in listed} or (source == TYPED and not (typed or "").strip()):
            source, typed, backbone = self._studio.anchors.start_values()
        backbones: Any = gr.update(choices=choices(self._studio))
        if backbone != values[self.backbone]:
            backbones["value"] = backbone
        return {
            self.source: gr.update(choices=listed, value=source),
            self.typed: gr.update(value=typed, visible=source == TYPED),
            self.backbone: backbones,
            self.undo: self.undo_html(),
        }

    def ask(self, values: Values) -> Updates:
        """Other labels, or another backbone; what is wrong with it is said."""
        listed, fault = settle_choice(self._studio, values[self.backbone], self._help())
        told = notice("error", fault) if fault else ""
        return {
            self.typed: gr.update(visible=not values[self.source]),
            self.backbone: listed,
            self.undo: self.undo_html(told),
        }

    def undo_last(self) -> Updates:
        """Undo. What was undone is said beside the button: it may belong to the room that is not open."""
        try:
            told = notice("success", self._studio.anchors.undo())
        except StudioError as exc:
            told = notice("error", str(exc))
        return {self.undo: self.undo_html(told)}

    def undo_html(self, told: str = "") -> str:
        """The button, which says what comes back, where there is anything; and what was undone last."""
        offer = shortened(self._studio.anchors.to_undo())
        button = f'<button type="button" class="small" id="anchor-undo">{escape(offer)}</button>' if offer else ""
        return f'{button}<div id="anchor-undone">{told}</div>'

    def _help(self) -> str:
        help_text = "Used to compute similarity. Use the backbone you will train with."
        return f"{help_text} {FOLDER_HINT}" if self._studio.server_paths else help_text

    def _sources(self) -> list[tuple[str, str]]:
        """The data sets whose labels can be taken, and labels typed by hand."""
        rows = self._studio.store.datasets.list()
        named = ((f"{row.name}: {count_of(len(row.base), 'base label')}", row.name) for row in rows)
        return [*named, ("Labels that I type", TYPED)]


class Room:
    """One half of the page. Its events read ``inputs`` and more, and change ``outputs`` from the store.

    An event's handler takes the values by component and gives updates by component; what it raises is told.
    """

    told: gr.HTML
    inputs: set[Any]
    outputs: list[Any]

    def __init__(self, studio: Studio, bar: Bar) -> None:
        self._studio, self._bar, self._anchors = studio, bar, studio.anchors

    def draw(self, values: Values, view: Any = None, told: str | None = None) -> Updates:
        """The room anew, with ``view`` in the place of what was shown, and a message where there is one."""
        raise NotImplementedError

    def on(self, events: Any, handler: Callable[..., Updates], *more: Any, **settings: Any) -> gr.events.Dependency:
        """Answer ``events`` by ``handler``, which reads the components ``more``, too."""
        listed = events if isinstance(events, list) else [events]
        answered: gr.events.Dependency = gr.on(
            listed, self.safely(handler), {*self.inputs, *more}, self.outputs, **(IN_TURN | settings)
        )
        return answered

    def wait(self, event: Callable[..., Any], handler: Callable[..., Updates], text: str, *more: Any) -> Any:
        """The same for what takes its time: meanwhile the message says what is going on and how far it is."""
        return event(lambda: busy(text), None, self.told, **IN_TURN).then(
            self.safely(handler),
            {*self.inputs, *more},
            self.outputs,
            show_progress="minimal",
            show_progress_on=self.told,
            api_visibility="private",
        )

    def safely(self, handler: Callable[..., Updates]) -> Callable[..., Updates]:
        """``handler``; where it raises, the room is drawn as it is kept, with what went wrong."""

        @wraps(handler)
        def answered(values: Values, *more: Any) -> Updates:
            try:
                return handler(values, *more)
            except StudioError as exc:
                return self.draw(values, told=notice("error", str(exc)))
            except Exception:
                log.exception("an action on the Anchors page failed")
                return self.draw(values, told=notice("error", UNEXPECTED))

        return answered


def teller(progress: gr.Progress, what: str) -> Progress:
    """Tells a bar on the page how many clips are done."""
    return lambda done, total: progress((done, total), desc=what, unit="clips")
