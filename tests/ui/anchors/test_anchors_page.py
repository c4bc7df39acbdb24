"""What the Anchors page answers to an address, and to edits of what a run needs; no browser."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from ga2app.services.studio import Studio
from ga2app.store.anchor_sets import AnchorFile
from ga2app.web.pages.anchors.anchor_room import Bar, ClipView, PromptView
from ga2app.web.pages.anchors.clip_room import ClipRoom
from ga2app.web.pages.anchors.prompt_room import PromptRoom
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
    assert "There is no anchor set &#39;&lt;b&gt;999&lt;/b&gt;&#39;." in drawn[clips.sets]
    assert drawn[clips.view].key is None and "aria-current" not in drawn[clips.sets]
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


def done(**told: Any) -> Any:
    """An event of a list, as its script sends it."""
    return SimpleNamespace(**told)


def test_a_set_is_made_renamed_and_deleted_and_comes_back(studio: Studio, rooms: tuple[ClipRoom, PromptRoom]) -> None:
    clips, _ = rooms
    drawn = clips._create(values(clips, new_name=" street  scenes "))
    view = drawn[clips.view]
    assert drawn[clips.name] == "street scenes" and drawn[clips.new_name] == ""
    drawn = clips.safely(clips._rename)(values(clips, view=view, name="mine"))
    assert "there is an anchor set &#39;mine&#39; already" in drawn[clips.told]
    assert "called &#39;roads&#39; now" in clips._rename(values(clips, view=view, name="roads"))[clips.told]
    drawn = clips._delete(values(clips, view=view))
    assert "roads" not in drawn[clips.sets]
    assert "Undo: bring back the anchor set &#39;roads&#39;" in drawn[clips._bar.undo]
    told = clips._bar.undo_last()[clips._bar.undo]
    assert "Brought back: the anchor set &#39;roads&#39;." in told
    assert "roads" in clips.draw(values(clips))[clips.sets]


def test_five_hundred_clips_and_prompts_are_paged(studio: Studio, rooms: tuple[ClipRoom, PromptRoom]) -> None:
    clips, prompts = rooms
    set_id, group = studio.store.anchors.sets()[-1].id, studio.store.negatives.group_rows()[-1].id
    files = [AnchorFile(f"/clips/{number}.mp4", f"scene {number}", f"digest-{number}") for number in range(500)]
    studio.store.anchors.add(set_id, files)
    drawn = clips._act(values(clips, view=ClipView(set_id)), done(action="page", value="1"))
    assert "25–48 of 500" in drawn[clips.rows] and drawn[clips.rows].count("data-row=") == 24
    assert 'value="scene 24"' in drawn[clips.rows]
    assert clips.draw(values(clips, view=ClipView(set_id, 99)))[clips.view].page == 20
    studio.anchors.add_prompts(group, "\n".join(f"prompt {number}" for number in range(500)))
    drawn = prompts.draw(values(prompts, view=PromptView(group, 99)))
    assert "451–500 of 500" in drawn[prompts.rows] and drawn[prompts.rows].count("data-row=") == 50
    drawn = prompts.draw(values(prompts, view=PromptView(group), search="prompt 49"))
    assert drawn[prompts.rows].count("data-row=") == 11


def test_proposed_prompts_are_added_on_demand_and_no_language_model_is_offered_without_a_login(
    studio: Studio, rooms: tuple[ClipRoom, PromptRoom]
) -> None:
    _, prompts = rooms
    group = studio.store.negatives.group_rows()[-1].id
    assert prompts.ask_model.visible is False
    given = values(prompts, view=PromptView(group), count=3, ask_model=False, model="some/model")
    given[prompts._bar.source], given[prompts._bar.typed] = "", "climbing a ladder"
    drawn = prompts._suggest(given)
    assert drawn[prompts.proposals].count("<li>") == 3 and studio.store.negatives.count(group) == 0
    given = values(prompts, view=drawn[prompts.view])
    drawn = prompts._decide(given, done(action="accept", ids=[1, 2]))
    assert "2 prompts added" in drawn[prompts.told] and drawn[prompts.proposals] == ""
    assert studio.store.negatives.count(group) == 2
