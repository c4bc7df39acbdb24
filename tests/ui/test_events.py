"""What one session has begun keeps no other one waiting, and its own clicks come after it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import gradio as gr
import pytest

from ga2app.services.studio import Studio
from ga2app.web.events import MOST_PRESSES, QUIET, OneAfterAnother, settle_modes

from .test_static_assets import built


async def listed(states: AsyncIterator[tuple[str, ...]]) -> list[tuple[str, ...]]:
    return [one async for one in states]


def test_clicks_of_one_session_follow_each_other_and_those_of_another_do_not_wait() -> None:
    turns, go = OneAfterAnother(), threading.Event()

    def slow(state: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        yield (*state, "begun")
        go.wait()
        yield (*state, "done")

    async def scene() -> None:
        before: tuple[str, ...] = ("page",)
        first = asyncio.create_task(listed(turns.run("eve", before, slow)))
        second = asyncio.create_task(listed(turns.run("eve", before, lambda state: iter([(*state, "closed")]))))
        assert await listed(turns.run("bob", before, lambda state: iter([(*state, "mine")]))) == [("page", "mine")]
        assert not first.done() and not second.done()
        go.set()
        assert await first == [("page", "begun"), ("page", "done")]
        assert await second == [("page", "done", "closed")]  # from what the first one made
        fresh = ("another answer",)
        assert await listed(turns.run("eve", fresh, lambda state: iter([state]))) == [fresh]

    ThreadPoolExecutor(1).submit(asyncio.run, scene()).result()  # a browser's test leaves a loop running in this thread


def test_one_session_has_so_many_clicks_waiting_and_no_more() -> None:
    turns, go = OneAfterAnother(), threading.Event()

    def slow(state: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        go.wait()
        yield state

    async def scene() -> None:
        tasks = [asyncio.create_task(listed(turns.run("eve", (), slow))) for _ in range(MOST_PRESSES + 1)]
        await asyncio.sleep(0)
        with pytest.raises(gr.Error, match="17 clicks of yours wait before this one; try again"):
            await listed(turns.run("eve", (), slow))
        go.set()
        assert await asyncio.gather(*tasks) == [[()]] * (MOST_PRESSES + 1)

    ThreadPoolExecutor(1).submit(asyncio.run, scene()).result()  # a browser's test leaves a loop running in this thread


def test_of_acts_in_a_row_none_is_dropped_and_a_button_pressed_twice_is_pressed_once() -> None:
    def with_data(event: gr.EventData) -> None:
        pass

    def act(*_: object) -> None:
        pass

    async def modes() -> tuple[list[tuple[str, object]], ...]:  # with a loop that runs, which Gradio asks for
        with gr.Blocks() as page:
            button, box, told = gr.Button(), gr.Textbox(), gr.HTML()
            box.input(act, box, **QUIET).then(act, **QUIET).then(act, **QUIET)
            told.click(with_data, **QUIET).success(act, **QUIET)
            button.click(act, **QUIET).then(act, **QUIET)
            gr.Timer().tick(act, **QUIET)
            gr.on([button.click, box.submit], act, **QUIET)
            box.submit(act, box, trigger_mode="always_last", **QUIET).then(act, **QUIET)
            box.submit(act, box, concurrency_limit=None, **QUIET)
            box.submit(act, box, api_name="said")
        settle_modes(page)
        return tuple((one.trigger_mode, one.concurrency_limit) for one in page.fns.values())  # type: ignore[misc]

    each, once = ("multiple", 1), ("once", "default")
    expected = (each, each, each, each, each, once, once, once, once)
    last, open_to_all, for_programs = ("always_last", "default"), ("multiple", None), ("once", "default")
    found = ThreadPoolExecutor(1).submit(asyncio.run, modes()).result()
    assert found == (*expected, last, each, open_to_all, for_programs)


def test_of_what_is_chosen_on_the_pages_nothing_is_dropped(studio: Studio) -> None:
    own = [one for one in built(studio).fns.values() if one.api_visibility == "private" and one.fn]
    dropped = {one.name for one in own if one.trigger_mode == "once" and one.collects_event_data}
    dropped |= {
        one.name for one in own if one.trigger_mode == "once" and {"input", "select"} & {k for _, k in one.targets}
    }
    assert len(own) > 100 and not dropped


def test_a_panel_is_closed_by_another_choice_at_once_in_the_browser(studio: Studio) -> None:
    panels = {"push-panel", "anchor-push-panel", "set-push-panel"}
    closing = [
        one
        for one in built(studio).fns.values()
        if [getattr(out, "elem_id", None) in panels for out in one.outputs] == [True] and one.js
    ]
    assert {str(one.outputs[0].elem_id) for one in closing} == panels
    assert all(one.fn is None and "visible: false" in str(one.js) for one in closing)
