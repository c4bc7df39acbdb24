"""What happens on the page of data sets: each handler gives new values for the components that it changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from ga2app.config import DEMO
from ga2app.datasets import Half
from ga2app.services.dataset_service import DatasetService
from ga2app.services.studio import Studio
from ga2app.store.clip_pages import ClipRow, LabelRow
from ga2app.types import LabelKind, Subset
from ga2app.web import address
from ga2app.web.components.markup import busy, notice, render, shortened
from ga2app.web.events import attempt, fault_html
from ga2app.web.pages.datasets import dataset_views as views
from ga2app.web.pages.datasets.dataset_views import DESCRIPTIONS, LABELS, MORE, View

if TYPE_CHECKING:
    from ga2app.web.pages.datasets.datasets_page import Parts

FOLLOW_S, WAIT_S = 1.0, 3.0
"""How often the page looks at an import or at pictures being made, and at whether the demo has been drawn."""

Values = dict[Any, Any]
Edit = Callable[[DatasetService, int, list[int], Mapping[str, Any]], str]
EDITS: dict[str, Edit] = {
    "label": lambda sets, of, ids, given: sets.label_clips(of, ids, _said(given, "label")),
    "train": lambda sets, of, ids, given: sets.move_clips(ids, Subset.TRAIN),
    "test": lambda sets, of, ids, given: sets.move_clips(ids, Subset.TEST),
    "delete-clips": lambda sets, of, ids, given: sets.delete_clips(ids),
    "base": lambda sets, of, ids, given: sets.set_kind(of, ids, LabelKind.BASE),
    "novel": lambda sets, of, ids, given: sets.set_kind(of, ids, LabelKind.NOVEL),
    "rename-label": lambda sets, of, ids, given: sets.rename_label(ids, _said(given, "name")),
    "merge": lambda sets, of, ids, given: sets.merge_labels(ids, next(iter(_numbers([given.get("keep")])), None)),
    "delete-labels": lambda sets, of, ids, given: sets.delete_labels(of, ids),
    "half-list": lambda sets, of, ids, given: sets.divide_by_half(of, Half.LIST),
    "half-frequency": lambda sets, of, ids, given: sets.divide_by_half(of, Half.FREQUENCY),
    "these-base": lambda sets, of, ids, given: sets.divide_by_list(of, _said(given, "pasted"), LabelKind.BASE),
    "these-novel": lambda sets, of, ids, given: sets.divide_by_list(of, _said(given, "pasted"), LabelKind.NOVEL),
    "rename": lambda sets, of, ids, given: sets.rename(of, _said(given, "name")),
    "delete": lambda sets, of, ids, given: _delete(sets, of),
    "share": lambda sets, of, ids, given: sets.share(of, True),
    "unshare": lambda sets, of, ids, given: sets.share(of, False),
    "undo": lambda sets, of, ids, given: sets.undo(),
}
"""What the buttons of the page do, by the names that its templates give them."""


class Handlers:
    """What happens on this page. Each gives new values for the components that it changes."""

    def __init__(self, studio: Studio, parts: Parts) -> None:
        self._studio, self._parts, self._sets = studio, parts, studio.datasets

    def open(self, values: Values, request: gr.Request) -> Values:
        """The data set that the address names, else the newest, or the form while clips come in."""
        asked, message, known = address.number(request, "id"), "", [row.id for row in self._sets.all()]
        if asked is not None and asked not in known:
            title = f"There is no data set '{shortened(address.text(request, 'id'))}'."
            text = "It was deleted, or the address is mistyped. Choose a data set from the list."
            asked, message = None, notice("warning", text, title)
        elif asked is None and known and not address.text(request, "new") and not self._studio.store.imports.running():
            asked = known[-1]
        part, text = address.text(request, "part"), address.text(request, "find")
        named = {"label_id": address.number(request, "label"), "subset": part if part in list(Subset) else ""}
        view = replace(values[self._parts.view] or View(), dataset_id=asked, text=text, page=0, **named)
        filters = {self._parts.subset: view.subset, self._parts.text: view.text}
        return self.show(view, message) | filters | {self._parts.form.panel: views.panel_html(self._studio)}

    def show(self, view: View, message: str = "") -> Values:
        """The page but for its tabs, read anew from the store; without a data set, the form that clips come in by."""
        followed = self._followed()  # read first: what ends while the page is drawn is on it at the next tick
        parts, sets = self._parts, self._sets.all()
        row = next((row for row in sets if row.id == view.dataset_id), None)
        view = view if row else View(drawn=view.drawn)
        drawn: Values = {
            parts.told: views.answer_html(self._studio, message),
            parts.listing: views.list_html(self._studio, sets, view.dataset_id),
            parts.importing: gr.Column(visible=row is None),
            parts.detail: gr.Column(visible=row is not None),
            parts.head: "",
        }
        if row is not None:
            labels = self._studio.store.clips.labels(row.id)
            choices = [("All labels", 0), *((f"{label.name} ({label.clips})", label.id) for label in labels)]
            if view.label_id not in {label.id for label in labels}:
                view = replace(view, label_id=None)
            drawn |= {
                parts.head: views.head_html(self._studio, row, labels),
                parts.label: gr.Dropdown(choices=choices, value=view.label_id or 0),
            }
            drawn |= self._grid(view, labels)
        return {parts.view: view} | followed | drawn

    def draw_tab(self, values: Values, tab: str = "") -> Values:
        """What the chosen ``tab`` shows, or that of the view, read anew.

        What is there already is not drawn again: ticks, and what is being typed there, stay.
        """
        parts, view = self._parts, values[self._parts.view] or View()
        view = replace(view, tab=tab or view.tab)
        row = next((row for row in self._sets.all() if row.id == view.dataset_id), None)
        region = {LABELS: parts.labels, DESCRIPTIONS: parts.described, MORE: parts.whole}.get(view.tab)
        if row is None or region is None:
            return {parts.view: view}
        content = views.tab_content(self._studio, view.tab, row, self._studio.store.clips.labels(row.id))
        digest = sha256(f"{row.id} {content}".encode()).hexdigest()
        before, view = dict(view.drawn), replace(view, drawn=(*(dict(view.drawn) | {view.tab: digest}).items(),))
        drawn = {} if before.get(view.tab) == digest else {region: content}
        return {parts.view: view} | drawn | ({parts.told_described: ""} if parts.described in drawn else {})

    def _grid(self, view: View, labels: Sequence[LabelRow]) -> Values:
        """The clips of ``view``, on a page that there is; pictures that are being made are followed from here on."""
        store, of = self._studio.store.clips, view.dataset_id or 0
        count = store.count(of, view.filter)
        view = replace(view, page=max(0, min(view.page, (count - 1) // views.PAGE)))
        clips = self._clips(view)
        self._sets.pictures.ask(clips)
        followed = {self._parts.clock: gr.Timer(FOLLOW_S, active=True)} if self._sets.pictures.busy else {}
        grid = views.grid_html(self._studio, view, labels, clips, count)
        return {self._parts.grid: grid, self._parts.view: view} | followed

    def _clips(self, view: View) -> list[ClipRow]:
        offset = view.page * views.PAGE
        return self._studio.store.clips.page(view.dataset_id or 0, view.filter, limit=views.PAGE, offset=offset)

    def _clock(self) -> gr.Timer:
        """It runs while something is going on that the page should follow."""
        busy_now = self._sets.pictures.busy or self._studio.store.imports.running() is not None
        waiting = DEMO not in self._studio.store.datasets.names().values()
        return gr.Timer(FOLLOW_S if busy_now else WAIT_S, active=busy_now or waiting)

    def _followed(self) -> Values:
        """The clock started where something is going on. Only a tick, which draws all of that, may stop it."""
        clock = self._clock()
        return {self._parts.clock: clock} if clock.active else {}

    def act(self, values: Values, event: gr.EventData) -> Values:
        """What a button of a template does, and the page as it is then."""
        view, given = values[self._parts.view], event._data
        action, of = str(given.get("do")), view.dataset_id or 0
        if action == "page":
            view = replace(view, page=next(iter(_numbers([given.get("page")])), 0))
            return self._grid(view, self._studio.store.clips.labels(of))
        if action not in EDITS:
            return {}
        before = {row.id for row in self._sets.all()}
        message = attempt(lambda: EDITS[action](self._sets, of, _numbers(given.get("ids")), given))
        sets = [row.id for row in self._sets.all()]
        returned = [one for one in sets if one not in before]
        if returned:
            view = View(returned[-1], tab=view.tab, drawn=view.drawn)
        elif view.dataset_id not in sets:
            view = View(sets[-1] if sets and view.dataset_id else None, tab=view.tab, drawn=view.drawn)
        return self.show(view, message)

    def filter(self, values: Values) -> Values:
        """The first page of the clips that the filters leave."""
        parts = self._parts
        label, subset, text = values[parts.label], values[parts.subset], values[parts.text]
        known = subset if subset in list(Subset) else ""
        view = replace(
            values[parts.view], label_id=int(label) if label else None, subset=known, text=str(text or ""), page=0
        )
        labels = self._studio.store.clips.labels(view.dataset_id or 0)
        return self._grid(view, labels)

    def play(self, event: gr.EventData) -> Iterator[str]:
        """The player with a clip in it."""
        yield views.waiting_player_html()
        yield views.player_html(self._studio, next(iter(_numbers([event._data.get("clip")])), 0))

    def export(self, values: Values, event: gr.EventData) -> Iterator[str]:
        """A link to the data set as a list, as a zip, or for a labeling tool."""
        given, of = event._data, values[self._parts.view].dataset_id or 0
        way, asked = given.get("as"), {"frame_rate": given.get("rate"), "video": _said(given, "video").strip()}
        yield busy("Packing the clips…" if way in ("zip", "videofolder") else "Writing the list…")
        try:
            tools = self._studio.annotations
            file = tools.export(of, _said(given, "form"), **asked) if way == "tool" else None
            yield self._link(file or self._sets.export(of, packed=way == "zip", videofolder=way == "videofolder"))
        except Exception as exc:
            yield fault_html(exc)

    def split(self, values: Values) -> Values:
        """All clips divided into train and test anew."""
        parts, view = self._parts, values[self._parts.view]
        share, seed = float(values[parts.share] or 25) / 100, int(values[parts.split_seed] or 0)
        whole = bool(values[parts.novel_whole])
        message = attempt(lambda: self._sets.split(view.dataset_id or 0, share=share, seed=seed, novel_whole=whole))
        # What was drawn from the clips as they were is no draw of those that are there now.
        return self.show(view, message) | {parts.drawn: ""}

    def save_descriptions(self, values: Values) -> Values:
        """The sentences of all labels as they stand in the box; what cannot be saved stays there, with the reason."""
        parts, view = self._parts, values[self._parts.view]
        try:
            said = self._studio.descriptions.save(view.dataset_id or 0, values[parts.described] or "")
        except Exception as exc:
            return {parts.told_described: fault_html(exc)}
        drawn = self.show(view)
        read = self.draw_tab(drawn, DESCRIPTIONS)
        return drawn | read | {parts.told_described: notice("success", said)}

    def read_descriptions(self, values: Values) -> Values:
        """A file's sentences in the box, beside those that are there."""
        file = Path(values[self._parts.read_described])
        return self._proposed(values, lambda of, text: self._studio.descriptions.read(of, file, text))

    def propose_descriptions(self, values: Values) -> Values:
        """A language model's sentences in the box, for labels that have none; nothing is kept before it is saved."""
        model = str(values[self._parts.model] or "")
        return self._proposed(values, lambda of, text: self._studio.descriptions.propose(of, text, model))

    def _proposed(self, values: Values, fill: Callable[[int, str], tuple[str, str]]) -> Values:
        parts = self._parts
        try:
            text, said = fill(values[parts.view].dataset_id or 0, values[parts.described] or "")
        except Exception as exc:
            return {parts.told_described: fault_html(exc)}
        return {parts.described: text, parts.told_described: notice("info", said)}

    def draw(self, values: Values) -> str:
        """The few-shot draw of a run."""
        parts = self._parts
        shots, seed = int(values[parts.shots] or 1), int(values[parts.draw_seed] or 0)
        try:
            sample = self._sets.sample(values[parts.view].dataset_id or 0, shots, seed)
            return views.sample_html(self._studio, sample, shots, seed)
        except Exception as exc:
            return fault_html(exc)

    def begin(self, values: Values) -> Values:
        """An import begun, or what the form lacks."""
        form = self._parts.form
        if failed := attempt(lambda: form.begin(self._studio, values)):
            return {form.told: failed}
        panel = views.panel_html(self._studio)
        return {form.told: "", form.upload: None, form.panel: panel, self._parts.clock: gr.Timer(FOLLOW_S, active=True)}

    def in_panel(self, event: gr.EventData) -> Values:
        """The import under way cancelled, another report or page of it, or a link to the whole of one."""
        form, given, imports = self._parts.form, event._data, self._studio.imports
        chosen, page = (next(iter(_numbers([given.get(name)])), None) for name in ("import", "page"))
        if given.get("do") == "download":
            try:
                return {form.told: self._link(imports.report_file(chosen or 0))}
            except Exception as exc:
                return {form.told: fault_html(exc)}
        failed = attempt(self._cancel) if given.get("do") == "cancel" else ""
        return {form.told: failed, form.panel: views.panel_html(self._studio, chosen, page or 0)}

    def _link(self, file: Path) -> str:
        """A link to a file that was made to be downloaded."""
        address = self._studio.files.address(file)
        return str(render("exported_file.html", file=file, address=address, bytes=file.stat().st_size))

    def _cancel(self) -> str:
        self._studio.imports.cancel()
        return ""

    def tick(self, values: Values) -> Values:
        """What has grown since: numbers and pictures as data; list and report anew only when they have changed."""
        parts, view = self._parts, values[self._parts.view] or View()
        clock = self._clock()  # read first, as in show
        running = self._studio.store.imports.running()
        newest, sets = next(iter(self._studio.store.imports.latest(1)), None), self._sets.all()
        clips = self._clips(view) if view.dataset_id else []
        live = {"pictures": views.pictures_made(self._studio, clips), "progress": views.progress_of(running)}
        told: Values = {parts.live: live, parts.clock: clock}
        listed = [(row.id, row.name, row.clips, len(row.base), len(row.novel), row.shared) for row in sets]
        now = (newest and (newest.id, newest.state.value, newest.cancelled), listed)
        if now != values[parts.seen]:
            told |= {parts.seen: now, parts.listing: views.list_html(self._studio, sets, view.dataset_id)}
            told[parts.form.panel] = views.panel_html(self._studio)
        return told


def _delete(sets: DatasetService, dataset_id: int) -> str:
    demo = sets.summary(dataset_id).name == DEMO
    what = sets.delete(dataset_id)
    returns = "The demo is drawn again when the studio starts." if demo else "'Undo' brings it back."
    return f"Deleted: {what}. {returns}"


def _said(given: Mapping[str, Any], name: str) -> str:
    return str(given.get(name) or "")


def _numbers(given: Any) -> list[int]:
    """The numbers among what a browser sends."""
    listed = given if isinstance(given, list) else []
    return [int(one) for one in map(str, listed) if one.isascii() and one.isdigit()]
