"""What happens in the room of the anchor clips. Every answer is drawn anew from the store."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from ga2app.errors import StoreError
from ga2app.services.studio import Studio
from ga2app.types import AnchorKind, Progress, ProposalKind
from ga2app.web.components.markup import busy, notice, notices
from ga2app.web.events import QUIET
from ga2app.web.pages.anchors import adding, clip_cards, pictures
from ga2app.web.pages.anchors import anchor_clip_list as clips
from ga2app.web.pages.anchors.adding import Proposed
from ga2app.web.pages.anchors.bar import IN_TURN, Bar, Updates, attempt, counted, delete_ticked, edit_row, undo_update
from ga2app.web.pages.anchors.clip_room import NOTHING, ClipRoom, draw_clips, draw_pools
from ga2app.web.pages.anchors.prompt_rows import ideas_html
from ga2app.web.pages.anchors.question import asked, questions
from ga2app.web.pages.recognize.recognize_page import REVEAL_JS

PROGRESS = gr.Progress()
_IDEAS = 12


class ClipEvents:
    """The events of the room. ``values`` are always those of ``inputs``: the room's, then the bar's.

    Gradio fills in a leading ``event`` or ``progress`` by itself.
    """

    def __init__(self, studio: Studio, bar: Bar, room: ClipRoom) -> None:
        self._studio, self._bar, self._room = studio, bar, room
        self._anchors = studio.store.anchors
        self.inputs = [*room.inputs, *bar.inputs]
        self.outputs = [*room.outputs, bar.undo, bar.told]

    def connect(self) -> None:
        """Connect everything that happens within the room."""
        room, inputs, outputs = self._room, self.inputs, self.outputs
        opening = [room.pool, room.make_from, *inputs]
        opened = [*outputs, room.pool, room.make_from]
        room.sets.click(self._choose, opening, opened, trigger_mode="multiple", **IN_TURN).then(
            None, None, None, js=REVEAL_JS % "anchor-name", **IN_TURN
        )
        room.pulled.then(self._open_pulled, opening, opened, **IN_TURN)
        gr.on([room.create.click, room.new_name.submit], self._create, [room.new_name, *opening], opened, **IN_TURN)
        gr.on([room.name.submit, room.name.blur], self._rename, [room.name, *inputs], outputs, **IN_TURN)
        gr.on([room.about.submit, room.about.blur], self._describe, [room.about, *inputs], outputs, **IN_TURN)
        room.delete.click(self._delete_set, inputs, outputs, **IN_TURN)
        # Each edit is a message of its own: none may be dropped because the one before is still on its way.
        room.rows.select(self._act, inputs, outputs, trigger_mode="multiple", **IN_TURN)
        room.rows.change(self._draw_missing, inputs, room.pictures, **QUIET)
        room.pictures.change(self._show_pictures, inputs, room.rows, **IN_TURN)
        room.order.input(self._sort, inputs, outputs, **IN_TURN)
        room.all_on.click(self._all_on, inputs, outputs, **IN_TURN)
        room.all_off.click(self._all_off, inputs, outputs, **IN_TURN)
        room.ideas_button.click(lambda: busy("Looking for ideas…"), None, room.ideas, **IN_TURN).then(
            self._ideas, self._bar.inputs, [room.ideas, room.told], **QUIET
        )
        room.ideas.click(self._take_idea, None, room.caption, **IN_TURN)
        room.proposals.select(self._decide, [room.proposed, *inputs], outputs, **IN_TURN)
        self._wait(room.files.upload, self._upload, [room.files, room.caption, *inputs], "Copying and opening clips…")
        self._wait(room.suggest.click, self._suggest, [room.pool, room.count, *inputs], "Looking at clips…")
        making = [room.make_from, room.kinds, room.make_count, *inputs]
        self._wait(room.make.click, self._make, making, "Making clips and looking at them…")
        self._wait(room.measure.click, self._measure, inputs, "Looking at clips…")

    def draw(self, values: Sequence[Any], message: str | None = None) -> Updates:
        """The room anew, with a message where there is one."""
        told: Updates = {} if message is None else {self._room.told: message, self._bar.told: ""}
        return draw_clips(self._studio, self._room, values) | told | {self._bar.undo: undo_update(self._studio)}

    def open(self, set_id: int | None, pool: str | None, make_from: str | None, values: Sequence[Any]) -> Updates:
        """Another set: from its first page, without the proposals for the one before."""
        room, values = self._room, (set_id, 0, *values[2:])
        lists = draw_pools(self._studio, room, set_id, pool, make_from)
        return self.draw(values, "") | lists | {room.proposed: NOTHING, room.proposals: ""}

    def _open_pulled(self, pool: str | None, make_from: str | None, *values: Any) -> Updates:
        """The set that has just come, below what is said of it; the one that was open where none came."""
        updates = self.open(values[0], pool, make_from, values)
        updates.pop(self._room.told)
        return updates

    def _choose(self, event: gr.EventData, pool: str | None, make_from: str | None, *values: Any) -> Updates:
        return self.open(int(event.chosen), pool, make_from, values)

    def _create(self, name: str, pool: str | None, make_from: str | None, *values: Any) -> Updates:
        fresh: list[int] = []

        def create() -> str:
            fresh.append(self._anchors.create(name))
            return notice("success", "The set is made. Fill it in one of the three ways above.")

        message = attempt(create)
        if not fresh:
            return {self._room.told: message}
        return self.open(fresh[0], pool, make_from, values) | {self._room.told: message, self._room.new_name: ""}

    def _rename(self, name: str, *values: Any) -> Updates:
        row = clips.chosen_set(self._studio, values[0])
        if row is None or row.name == name:
            return {self._room.told: gr.skip()}

        def rename() -> str:
            return notice("success", f"The set is called '{self._anchors.rename(row.id, name)}' now.")

        return self.draw(values, attempt(rename))

    def _describe(self, about: str, *values: Any) -> Updates:
        row = clips.chosen_set(self._studio, values[0])
        if row is None or row.about == about.strip():
            return {self._room.told: gr.skip()}

        def describe() -> str:
            self._anchors.describe(row.id, about)
            return notice("success", "The description is kept.")

        return self.draw(values, attempt(describe))

    def _delete_set(self, *values: Any) -> Updates:
        room = self._room

        def delete() -> str:
            self._anchors.delete_set(clips.needed(values[0]))
            return notice("info", "The set is deleted. 'Undo' above brings it back.")

        message = attempt(delete)
        return self.draw((None, 0, *values[2:]), message) | {room.proposed: NOTHING, room.proposals: ""}

    def _act(self, event: gr.EventData, *values: Any) -> Updates:
        """What was done to a row of the list, or to those that are ticked.

        An edit does not draw the list anew: somebody may be typing in the next row already.
        """
        room, action = self._room, event.action
        if action == "page":
            return self.draw((values[0], int(event.value), *values[2:]))
        if action == "delete":
            return self.draw(values, delete_ticked(event, self._anchors.delete_clips, "clip"))
        message = edit_row(event, self._anchors.enable, self._anchors.set_caption)
        if message:
            return self.draw(values, message)
        listed = {room.sets: clip_cards.sets_html(self._anchors.sets(), values[0])}
        return listed | {room.told: "", self._bar.told: "", self._bar.undo: undo_update(self._studio)}

    def _draw_missing(self, *values: Any) -> Any:
        """Pictures of clips that have none yet, after the page is there without them. Gives when they were done.

        This takes its time, in which another set may have been chosen: it shows nothing itself.
        """
        set_id, page, order, *bar = values
        row = clips.chosen_set(self._studio, set_id)
        if row is None or not clips.draw_missing(self._studio, row.id, page, order, self._question(bar)):
            return gr.skip()
        return time.monotonic()

    def _show_pictures(self, *values: Any) -> Any:
        """The list that is open now, with the pictures that there are now."""
        set_id, page, order, *bar = values
        row = clips.chosen_set(self._studio, set_id)
        return clips.page_html(self._studio, row, page, order, self._question(bar))[0] if row else gr.skip()

    def _question(self, bar: Sequence[Any]) -> int | None:
        return questions(self._studio, *bar)[0]

    def _sort(self, *values: Any) -> Updates:
        return self.draw((values[0], 0, *values[2:]), "")

    def _all_on(self, *values: Any) -> Updates:
        return self._switch_all(True, values)

    def _all_off(self, *values: Any) -> Updates:
        return self._switch_all(False, values)

    def _switch_all(self, on: bool, values: Sequence[Any]) -> Updates:
        def switch() -> str:
            count = self._anchors.enable_all(clips.needed(values[0]), on)
            return notice("success", f"{counted(count, 'clip')} switched {'on' if on else 'off'}.")

        return self.draw(values, attempt(switch))

    def _ideas(self, *bar: Any) -> Updates:
        found: list[str] = []

        def ask() -> str:
            now = asked(self._studio, *bar)
            advisor = self._studio.advisor
            texts = advisor.suggest(now.every, backbone=now.backbone, count=_IDEAS, kind=ProposalKind.CAPTION)
            found.append(ideas_html(texts))
            return ""

        message = attempt(ask)
        return {self._room.ideas: "".join(found), self._room.told: message}

    def _take_idea(self, event: gr.EventData) -> str:
        return str(event.idea)

    def _upload(self, files: list[str] | None, caption: str, progress: gr.Progress = PROGRESS, *values: Any) -> Updates:
        def take() -> str:
            if not files:
                raise StoreError("no clip was given; choose one or several files")
            told = _teller(progress, "Opening clips")
            return clips.upload(self._studio, clips.needed(values[0]), files, caption, told)

        return self.draw(values, attempt(take)) | {self._room.files: None}

    def _suggest(
        self, pool: str | None, count: float | None, progress: gr.Progress = PROGRESS, *values: Any
    ) -> Updates:
        def find() -> Proposed:
            told = _teller(progress, "Looking at clips")
            now = asked(self._studio, *values[3:])
            wanted = _number(count)
            return adding.suggest(self._studio, clips.needed(values[0]), pool, now, wanted, progress=told)

        return self._propose(find)

    def _make(
        self,
        dataset: str | None,
        kinds: list[str],
        count: float | None,
        progress: gr.Progress = PROGRESS,
        *values: Any,
    ) -> Updates:
        def make() -> Proposed:
            told, now = _teller(progress, "Making clips and looking at them"), asked(self._studio, *values[3:])
            ways = [AnchorKind(kind) for kind in kinds]
            return adding.make(self._studio, dataset, ways, _number(count), now, progress=told)

        return self._propose(make)

    def _propose(self, find: Callable[[], Proposed]) -> Updates:
        room, found = self._room, NOTHING

        def propose() -> str:
            nonlocal found
            found = find()
            pictures.draw(self._studio, pictures.missing(self._studio, ((one.path, None) for one in found.clips)))
            return notices("info", found.notes)

        message = attempt(propose)
        shown = clip_cards.proposals_html(self._studio, found.clips, found.comparable)
        return {room.told: message, room.proposed: found, room.proposals: shown}

    def _decide(self, event: gr.EventData, proposed: Proposed, *values: Any) -> Updates:
        room = self._room
        cleared: Updates = {room.proposed: NOTHING, room.proposals: ""}
        if event.action != "accept":
            return cleared | {room.told: ""}
        accepted = False

        def accept() -> str:
            nonlocal accepted
            picked = [int(number) for number in event.ids]
            message = clips.accept(self._studio, clips.needed(values[0]), proposed.clips, picked)
            accepted = True
            return message

        message = attempt(accept)
        return self.draw(values, message) | (cleared if accepted else {})

    def _measure(self, progress: gr.Progress = PROGRESS, *values: Any) -> Updates:
        def measure() -> str:
            told = _teller(progress, "Looking at clips")
            return clips.measure(self._studio, clips.needed(values[0]), asked(self._studio, *values[3:]), told)

        return self.draw(values, attempt(measure))

    def _wait(self, event: Callable[..., Any], action: Callable[..., Updates], inputs: list[Any], text: str) -> None:
        """Run ``action`` on ``event``; meanwhile the message says what is going on and how far it is."""
        told = self._room.told
        event(lambda: busy(text), None, told, **IN_TURN).then(
            action, inputs, self.outputs, show_progress="minimal", show_progress_on=told, api_visibility="private"
        )


def _teller(progress: gr.Progress, what: str) -> Progress:
    return lambda done, total: progress((done, total), desc=what, unit="clips")


def _number(count: float | None) -> int:
    if not count or count < 1:
        raise StoreError("type how many clips you want, at least 1")
    return int(count)
