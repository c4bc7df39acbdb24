"""What the Anchors page answers to an address, and to edits of what a run needs; no browser."""

from __future__ import annotations

from typing import Any

import gradio as gr
import pytest

from ga2app.services.studio import Studio
from ga2app.web.pages.anchors.anchor_room import Bar, ClipView
from ga2app.web.pages.anchors.clip_room import ClipRoom
from ga2app.web.pages.anchors.prompt_room import PromptRoom, PromptView
from tests.space.hosting import finish


def values(room: Any, **given: Any) -> dict[Any, Any]:
    """What a browser sends for a room: each component as it was laid out, but for what is ``given`` by name."""
    parts = {one: one.value for one in (*room.inputs, *room.outputs) if isinstance(one, gr.components.Component)}
    return parts | {getattr(room, name): value for name, value in given.items()}


@pytest.fixture
def rooms(studio: Studio) -> tuple[ClipRoom, PromptRoom]:
    studio.store.anchors.create("mine")
    studio.store.negatives.create_group("plain")

    async def build() -> tuple[ClipRoom, PromptRoom]:
        """In an event loop: without one Gradio makes its own, and leaves it open."""
        with gr.Blocks():
            bar = Bar(studio)
            return ClipRoom(studio, bar), PromptRoom(studio, bar)

    return finish(build())


def test_a_set_or_a_group_that_the_address_names_and_nobody_has_is_told_and_never_replaced(
    studio: Studio, rooms: tuple[ClipRoom, PromptRoom]
) -> None:
    clips, prompts = rooms
    drawn = clips.open_address(values(clips), 999, "<b>999</b>")
    assert "There is no anchor set &#x27;&lt;b&gt;999&lt;/b&gt;&#x27;." in drawn[clips.sets]
    assert drawn[clips.view].set_id is None and "aria-current" not in drawn[clips.sets]
    assert clips.name not in drawn and drawn[clips.detail]["visible"] is False
    drawn = prompts.open_address(values(prompts), -1, "things")
    assert "no group of negative prompts" in drawn[prompts.groups] and drawn[prompts.rows] == ""
    assert "aria-current" not in drawn[prompts.groups]


def test_an_address_opens_its_set_and_its_group(studio: Studio, rooms: tuple[ClipRoom, PromptRoom]) -> None:
    clips, prompts = rooms
    other, group = studio.store.anchors.create("other"), studio.store.negatives.create_group("moods")
    drawn = clips.open_address(values(clips), other, str(other))
    assert drawn[clips.name] == "other" and drawn[clips.view] == ClipView(other)
    drawn = prompts.open_address(values(prompts), group, str(group))
    assert drawn[prompts.name] == "moods" and drawn[prompts.view] == PromptView(group)


def test_no_event_of_the_page_changes_more_than_a_dozen_parts(rooms: tuple[ClipRoom, PromptRoom]) -> None:
    assert max(len(room.outputs) for room in rooms) <= 12


def test_what_goes_wrong_is_told_and_the_room_stays_as_it_is_kept(
    studio: Studio, rooms: tuple[ClipRoom, PromptRoom]
) -> None:
    clips, prompts = rooms
    set_id = studio.store.anchors.sets()[-1].id
    drawn = clips.safely(clips._rename)(values(clips, view=ClipView(set_id), name="  "))
    assert "needs a name" in drawn[clips.told] and drawn[clips.name] == "mine"
    group_id = studio.store.negatives.group_rows()[-1].id
    drawn = prompts.safely(prompts._add)(values(prompts, view=PromptView(group_id), text=" "))
    assert "no prompt was typed" in drawn[prompts.told] and prompts.text not in drawn
