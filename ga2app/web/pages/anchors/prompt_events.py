"""What happens in the room of the negative prompts. Every answer is drawn anew from the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from ga2app.errors import StoreError
from ga2app.services.studio import Studio
from ga2app.types import TextProposal
from ga2app.web.components.markup import busy, notice
from ga2app.web.events import QUIET
from ga2app.web.pages.anchors import prompt_list as prompts
from ga2app.web.pages.anchors import prompt_rows
from ga2app.web.pages.anchors.bar import IN_TURN, Bar, Updates, attempt, counted, delete_ticked, edit_row, undo_update
from ga2app.web.pages.anchors.prompt_room import PromptRoom, draw_prompts
from ga2app.web.pages.anchors.question import asked
from ga2app.web.pages.recognize.recognize_page import REVEAL_JS

DOWNLOAD_JS = "() => document.getElementById('negatives-download')?.click()"


class PromptEvents:
    """The events of the room. ``values`` are always those of ``inputs``: the room's, then the bar's."""

    def __init__(self, studio: Studio, bar: Bar, room: PromptRoom) -> None:
        self._studio, self._bar, self._room = studio, bar, room
        self._negatives = studio.store.negatives
        self.inputs = [*room.inputs, *bar.inputs]
        self.outputs = [*room.outputs, bar.undo, bar.told]

    def connect(self) -> None:
        """Connect everything that happens within the room."""
        room, inputs, outputs = self._room, self.inputs, self.outputs
        room.groups.click(self._choose, inputs, outputs, trigger_mode="multiple", **IN_TURN).then(
            None, None, None, js=REVEAL_JS % "negative-rows", **IN_TURN
        )
        gr.on([room.create.click, room.new_name.submit], self._create, [room.new_name, *inputs], outputs, **IN_TURN)
        gr.on([room.name.submit, room.name.blur], self._rename, [room.name, *inputs], outputs, **IN_TURN)
        room.delete.click(self._delete_group, inputs, outputs, **IN_TURN)
        room.all_on.click(self._all_on, inputs, outputs, **IN_TURN)
        room.all_off.click(self._all_off, inputs, outputs, **IN_TURN)
        room.add.click(self._add, [room.text, *inputs], outputs, **IN_TURN)
        # Each edit is a message of its own: none may be dropped because the one before is still on its way.
        room.rows.select(self._act, inputs, outputs, trigger_mode="multiple", **IN_TURN)
        room.order.input(self._sort, inputs, outputs, **IN_TURN)
        room.search.change(self._sort, inputs, outputs, trigger_mode="always_last", **IN_TURN)
        room.measure.click(lambda: busy("Reading the prompts…"), None, room.told, **IN_TURN).then(
            self._measure, inputs, outputs, **QUIET
        )
        room.ask_model.input(lambda on: gr.update(visible=on), room.ask_model, room.model, **IN_TURN)
        asking = [room.count, room.ask_model, room.model, *inputs]
        room.suggest.click(lambda: busy("Looking for prompts…"), None, room.told, **IN_TURN).then(
            self._suggest, asking, outputs, **QUIET
        )
        room.proposals.select(self._decide, [room.proposed, *inputs], outputs, **IN_TURN)
        room.upload.upload(self._import, [room.upload, *inputs], outputs, **IN_TURN)
        room.export.click(self._export, None, room.exported, **QUIET).then(None, None, None, js=DOWNLOAD_JS, **QUIET)

    def draw(self, values: Sequence[Any], message: str | None = None) -> Updates:
        """The room anew, with a message where there is one."""
        told: Updates = {} if message is None else {self._room.told: message, self._bar.told: ""}
        return draw_prompts(self._studio, self._room, values) | told | {self._bar.undo: undo_update(self._studio)}

    def open(self, group_id: int | None, values: Sequence[Any]) -> Updates:
        """Another group: from its first page, without what was searched and proposed in the one before."""
        room, values = self._room, (group_id, 0, values[2], "", *values[4:])
        return self.draw(values, "") | {room.search: "", room.proposed: (), room.proposals: "", room.exported: ""}

    def _choose(self, event: gr.EventData, *values: Any) -> Updates:
        return self.open(int(event.chosen) if event.chosen else None, values)

    def _create(self, name: str, *values: Any) -> Updates:
        fresh: list[int] = []

        def create() -> str:
            fresh.append(self._negatives.create_group(name))
            return notice("success", "The group is made. Add prompts to it, or let some be suggested.")

        message = attempt(create)
        if not fresh:
            return {self._room.told: message}
        return self.open(fresh[0], values) | {self._room.told: message, self._room.new_name: ""}

    def _rename(self, name: str, *values: Any) -> Updates:
        group = prompts.chosen_group(self._studio, values[0])
        if group is None or group.name == name:
            return {self._room.told: gr.skip()}

        def rename() -> str:
            return notice("success", f"The group is called '{self._negatives.rename_group(group.id, name)}' now.")

        return self.draw(values, attempt(rename))

    def _delete_group(self, *values: Any) -> Updates:
        def delete() -> str:
            self._negatives.delete_group(prompts.needed(values[0]))
            return notice("info", "The group is deleted. 'Undo' above brings it back.")

        message = attempt(delete)
        return self.open(None, values) | {self._room.told: message}

    def _all_on(self, *values: Any) -> Updates:
        return self._switch_all(True, values)

    def _all_off(self, *values: Any) -> Updates:
        return self._switch_all(False, values)

    def _switch_all(self, on: bool, values: Sequence[Any]) -> Updates:
        def switch() -> str:
            count = self._negatives.enable_all(prompts.needed(values[0]), on)
            return notice("success", f"{counted(count, 'prompt')} switched {'on' if on else 'off'}.")

        return self.draw(values, attempt(switch))

    def _add(self, text: str, *values: Any) -> Updates:
        added = False

        def add() -> str:
            nonlocal added
            message = prompts.add(self._studio, prompts.needed(values[0]), text)
            added = True
            return message

        message = attempt(add)
        return self.draw(values, message) | ({self._room.text: ""} if added else {})

    def _act(self, event: gr.EventData, *values: Any) -> Updates:
        """What was done to a row of the list, or to those that are ticked.

        An edit does not draw the list anew: somebody may be typing in the next row already.
        """
        room, action = self._room, event.action
        if action == "page":
            return self.draw((values[0], int(event.value), *values[2:]))
        if action == "delete":
            return self.draw(values, delete_ticked(event, self._negatives.delete, "prompt"))
        message = edit_row(event, self._negatives.enable, self._negatives.set_text)
        if message:
            return self.draw(values, message)
        listed = {room.groups: prompt_rows.groups_html(self._negatives.group_rows(), values[0])}
        return listed | {room.told: "", self._bar.told: "", self._bar.undo: undo_update(self._studio)}

    def _sort(self, *values: Any) -> Updates:
        return self.draw((values[0], 0, *values[2:]))

    def _measure(self, *values: Any) -> Updates:
        def measure() -> str:
            return prompts.measure(self._studio, values[0], asked(self._studio, *values[4:]))

        return self.draw(values, attempt(measure))

    def _suggest(self, count: float | None, ask_model: bool, model: str, *values: Any) -> Updates:
        room = self._room
        found: list[TextProposal] = []
        named = model.strip() if ask_model and self._studio.advisor.login() else ""

        def suggest() -> str:
            if not count or count < 1:
                raise StoreError("type how many prompts you want, at least 1")
            now, group_id = asked(self._studio, *values[4:]), prompts.needed(values[0])
            fresh, message = prompts.suggest(self._studio, now, int(count), named or None, group_id)
            found.extend(fresh)
            return message

        message = attempt(suggest)
        shown = prompt_rows.proposals_html(found, named or prompts.SEEDS)
        return {room.told: message, room.proposed: tuple(found), room.proposals: shown}

    def _decide(self, event: gr.EventData, proposed: Sequence[TextProposal], *values: Any) -> Updates:
        room = self._room
        cleared: Updates = {room.proposed: (), room.proposals: ""}
        if event.action != "accept":
            return cleared | {room.told: ""}
        accepted = False

        def accept() -> str:
            nonlocal accepted
            picked = [int(number) for number in event.ids]
            message = prompts.accept(self._studio, prompts.needed(values[0]), proposed, picked)
            accepted = True
            return message

        message = attempt(accept)
        return self.draw(values, message) | (cleared if accepted else {})

    def _import(self, path: str | None, *values: Any) -> Updates:
        def put() -> str:
            if not path:
                raise StoreError("no file was given; choose a CSV file")
            return prompts.put_file(self._studio, path)

        return self.draw(values, attempt(put)) | {self._room.exported: ""}

    def _export(self) -> str:
        return attempt(lambda: prompts.export(self._studio))
