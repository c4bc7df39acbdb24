"""What the two halves of the page share: the bar above them, and how an event of theirs is answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial, wraps
from typing import Any

import gradio as gr
from markupsafe import escape

from ga2app.services.anchor_service import Proposed
from ga2app.services.negatives import TYPED, chosen
from ga2app.services.space import Owned
from ga2app.services.studio import Studio
from ga2app.web.components.form_fields import FOLDER_HINT, backbone_field, choices, line, pick, settle_choice, small
from ga2app.web.components.markup import SHARE, busy, count_of, locked, notice, script, shortened, ticks_js
from ga2app.web.events import REVEAL_JS, attempt, fault_html, in_turn, waited_for
from ga2app.web.theme import part

Values = dict[Any, Any]
Updates = dict[Any, Any]
"""What the components hold that an event reads, and what it changes, by component; all others stay as they are."""

IN_TURN = in_turn("anchors")
ROWS_JS, CHOOSE_JS = script("anchor_shared_rows.js"), script("anchor_choose.js")


def rows_script() -> str:
    """Defines what ``ROWS_JS`` begins; to stand once on the page, in the ``js_on_load`` of some part of it."""
    lines = ticks_js("[data-pick]") + script("turned_pages.js", "anchor_rows.js")
    return f"window.ga2AnchorRows = (element, trigger, watch) => {{\n{lines}}};\n"


@dataclass(frozen=True)
class View:
    """What a room shows: the number of a set or a group, the page of its rows, and what is proposed for it.

    ``missing`` is what the address names and nobody has: then none is shown.
    """

    key: int | None = None
    page: int = 0
    proposed: Any = ()
    missing: str = ""


@dataclass(frozen=True)
class ClipView(View):
    """A set of anchor clips."""

    proposed: Any = Proposed()


class PromptView(View):
    """A group of negative prompts, or all prompts together."""


class Bar:
    """What is measured against, and the undo of the last deletion or edit of the page."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        source, typed, backbone = studio.anchors.start_values()
        away, width = "Anchors and negative prompts have to keep away from these.", {"min_width": 220}
        with gr.Row(elem_classes="anchor-bar"):
            title = "Measured against the labels of"
            self.source = pick("anchor-labels-of", title, self._sources(), source, away, **width)
            own: Any = {"value": typed, "placeholder": "riding a bicycle, walking a dog", "visible": source == TYPED}
            actions = "Your actions, separated by commas."
            self.typed = line("anchor-typed", "Labels", actions, max_lines=3, **own, **width)
            self.backbone = backbone_field(studio, backbone, self._help(), "anchor-backbone", **width)
        self.undo = part(self.undo_html(), elem_id="anchor-undo-box", js_on_load=rows_script() + CHOOSE_JS)
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
        typed, told = gr.update(visible=not values[self.source]), self.undo_html(notice("error", fault))
        return {self.typed: typed, self.backbone: listed, self.undo: told}

    def undo_last(self) -> Updates:
        """Undo. What was undone is said beside the button: it may belong to the room that is not open."""
        return {self.undo: self.undo_html(attempt(self._studio.anchors.undo))}

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

    An event's handler takes the values by component and gives updates by component; what it raises is told. ``word``
    is what it calls a row, ``what`` and ``full`` what holds rows; ``listing`` has all of these.
    """

    word, what, full = "clip", "set", "anchor set"
    kind: str  # what ``OwnershipService.share`` calls it
    nothing: View
    filled = ""  # said of a new one: how it is filled
    store: Any
    edits: dict[str, Callable[..., Any]]
    """What changes the store: create, rename, delete; of rows "delete rows" and "text"."""
    name: gr.Textbox
    delete: gr.Button
    view: gr.State
    listing: gr.HTML
    rows: gr.HTML
    told: gr.HTML
    proposals: gr.HTML
    draw: Callable[..., Updates]  # the room anew, with another view, or a message, where these are given
    open: Callable[..., Updates]  # another set or group, from its first page
    shown: Callable[[Any], Any]  # the row of the set or the group that a view is of, if any
    listing_html: Callable[[int | None], str]  # the list of all, with the one under a key marked
    accept: Callable[[Any, list[int]], str]  # adds what was proposed and ticked; gives what is said of it
    sharing: list[gr.Button]  # of a Space alone: the one that says who sees it
    locked: list[gr.HTML]  # likewise: why it may not be changed
    inputs: set[Any]
    outputs: list[Any]

    def __init__(self, studio: Studio, bar: Bar) -> None:
        self._studio, self._bar, self._anchors = studio, bar, studio.anchors

    def _lay_out_new(self, prefix: str) -> None:
        with gr.Row(elem_classes="inline"):
            self.new_name = line(f"{prefix}-new-name", f"New {self.full}", placeholder="name", scale=3)
            self.create = small(f"{prefix}-create", "Create", scale=1, min_width=80)

    def _lay_out_switches(self, prefix: str) -> None:
        self.all_on = small(f"{prefix}-all-on", "All on", elem_classes="changes")
        self.all_off = small(f"{prefix}-all-off", "All off", elem_classes="changes")
        self.sharing = [small(f"{prefix}-share", SHARE[False])] if self._studio.space else []

    def _lay_out_order(self, prefix: str, orders: list[tuple[str, str]]) -> None:
        shown: Any = {"container": False, "min_width": 190, "filterable": False}
        self.order = pick(f"{prefix}-order", f"Order of the {self.word}s", orders, orders[0][1], **shown)

    def _connect_shared(self, revealed: str, *lists: Any) -> None:
        """What both rooms do alike; ``lists`` are fields that another set fills anew."""
        opened = self.on(self.listing.click, self._choose, *lists)
        opened.then(None, None, None, js=REVEAL_JS % revealed, **IN_TURN)
        self.on([self.create.click, self.new_name.submit], self._create, self.new_name, *lists)
        self.on([self.name.submit, self.name.blur], self._rename, self.name)
        self.on(self.delete.click, self._delete, *lists)
        for button in self.sharing:
            self.on(button.click, self._share, button)
        self.on(self.rows.select, self._act)
        self.on(self.order.input, self._sort)
        self.on(self.all_on.click, partial(self._switch_all, on=True), trigger_mode="multiple")
        self.on(self.all_off.click, partial(self._switch_all, on=False), trigger_mode="multiple")
        self.on(self.proposals.select, self._decide)

    def _choose(self, values: Values, event: gr.EventData) -> Updates:
        return self.open(values, replace(self.nothing, key=int(event.chosen) if event.chosen else None))

    def _create(self, values: Values) -> Updates:
        view = replace(self.nothing, key=self.edits["create"](values[self.new_name]))
        return self.open(values, view, notice("success", f"The {self.what} is made. {self.filled}")) | {
            self.new_name: ""
        }

    def _rename(self, values: Values) -> Updates:
        row = self.shown(values[self.view])
        if row is None or row.name == values[self.name]:
            return {self.told: gr.skip()}
        name = self.edits["rename"](row.id, values[self.name])
        return self.draw(values, told=notice("success", f"The {self.what} is called '{name}' now."))

    def _delete(self, values: Values) -> Updates:
        self.edits["delete"](self.chosen(values))
        said = f"The {self.what} is deleted. 'Undo' above brings it back."
        return self.open(values, self.nothing, notice("info", said))

    def _share(self, values: Values) -> Updates:
        on = values[self.sharing[0]] == SHARE[False]
        told = self._studio.ownership.share(self.kind, self.chosen(values), on)
        return self.draw(values, told=notice("success", told))

    def draw_sharing(self, row: Owned) -> Updates:
        """The button that says who sees the set or the group, and why it may not be changed."""
        may, why = self._studio.ownership.may_share(row), locked(self._studio.ownership.locked(row))
        shown: Updates = {one: gr.update(value=SHARE[bool(row.shared)], visible=may) for one in self.sharing}
        return shown | dict.fromkeys(self.locked, why)

    def chosen(self, values: Values) -> int:
        """The set or group that is shown; raises StoreError where none is."""
        return chosen(values[self.view].key, self.full)

    def _switch_all(self, values: Values, on: bool) -> Updates:
        count = count_of(self.store.enable_all(self.chosen(values), on), self.word)
        return self.draw(values, told=notice("success", f"{count} switched {'on' if on else 'off'}."))

    def _sort(self, values: Values) -> Updates:
        return self.draw(values, replace(values[self.view], page=0))

    def _act(self, values: Values, event: gr.EventData) -> Updates:
        """What was done to a row of the list, or to those that are ticked.

        An edit does not draw the list anew: somebody may be typing in the next row already.
        """
        view = values[self.view]
        if event.action == "page":
            return self.draw(values, replace(view, page=int(event.value)))
        if event.action == "delete":
            count = self.edits["delete rows"](event.ids)
            said = f"{count_of(count, self.word)} deleted. 'Undo' above brings {'it' if count == 1 else 'them'} back."
            return self.draw(values, told=notice("info", said))
        if event.action == "enable":
            self.store.enable(int(event.id), bool(event.on))
        elif event.action == "text":
            self.edits["text"](int(event.id), str(event.text))
        return {self.listing: self.listing_html(view.key), self.told: "", self._bar.undo: self._bar.undo_html()}

    def _decide(self, values: Values, event: gr.EventData) -> Updates:
        """What was proposed is added, or discarded."""
        view = values[self.view]
        left = replace(view, proposed=self.nothing.proposed)
        if event.action != "accept":
            return {self.view: left, self.proposals: "", self.told: ""}
        told = self.accept(view, [int(number) for number in event.ids])
        return self.draw(values, left, told) | {self.proposals: ""}

    def open_address(self, values: Values, wanted: int | None, named: str) -> Updates:
        """What the address names; where it names nothing, what was shown."""
        view = values[self.view]
        if wanted is not None:
            there = self.shown(replace(self.nothing, key=wanted))
            found = there is not None and there.id == wanted
            view = replace(self.nothing, key=wanted) if found else replace(self.nothing, missing=named)
        return self.open(values, view, None)

    def missing_html(self, view: View, called: str) -> str:
        """What is said where the address names what nobody has."""
        why = f"It was deleted, or the address is mistyped. Choose a {self.what} from the list."
        return notice("warning", why, f"There is no {called} '{view.missing}'.")

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
            self.safely(handler), {*self.inputs, *more}, self.outputs, **waited_for(self.told)
        )

    def safely(self, handler: Callable[..., Updates]) -> Callable[..., Updates]:
        """``handler``; where it raises, the room is drawn as it is kept, with what went wrong."""

        @wraps(handler)
        def answered(values: Values, *more: Any) -> Updates:
            try:
                return handler(values, *more)
            except Exception as exc:
                return self.draw(values, told=fault_html(exc))

        return answered
