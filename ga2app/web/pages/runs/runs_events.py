"""What happens on the screen: each event ends with the page read anew from the store."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import gradio as gr

from ga2app.errors import StoreError, StudioError
from ga2app.services.studio import Studio
from ga2app.store import Place
from ga2app.store.resuming import resume
from ga2app.store.run_queue import ROOM
from ga2app.types import RunRecord
from ga2app.web import address
from ga2app.web.components.markup import notice
from ga2app.web.events import in_turn
from ga2app.web.pages.recognize.recognize_page import REVEAL_JS, UNEXPECTED
from ga2app.web.pages.runs import files
from ga2app.web.pages.runs.listing import run_title
from ga2app.web.pages.runs.run_view import Viewer, find_run, numbers
from ga2app.web.pages.runs.runs_layout import Parts
from ga2app.web.pages.train.queueing import wake

log = logging.getLogger(__name__)

_IN_TURN = in_turn("runs")
_BUSY: dict[str, Any] = {"show_progress": "minimal", "api_visibility": "private"}


def connect_list(parts: Parts, asked: list[Any], outputs: list[Any], refresh: Callable[..., list[Any]]) -> None:
    """Choosing, ticking, filtering, turning pages."""

    def on_card(event: gr.EventData, *given: Any) -> list[Any]:
        return ["", *refresh(int(event.run), *given[1:])]

    def pick(event: gr.EventData, *given: Any) -> list[Any]:
        ticked = {int(run): bool(on) for run, on in event.ticks}
        kept = [number for number in numbers(given[3]) if ticked.get(number, True)]
        picked = [*kept, *(run for run, on in ticked.items() if on and run not in kept)]
        return refresh(*given[:3], ",".join(map(str, picked)), *given[4:])

    def untick(*given: Any) -> list[Any]:
        return refresh(*given[:3], "", *given[4:])

    def turn(by: int) -> Callable[..., list[Any]]:
        return lambda *given: refresh(*given[:4], max(0, int(given[4] or 0) + by), *given[5:])

    def open_section(name: str) -> Callable[..., list[Any]]:
        def opened(*given: Any) -> list[Any]:
            # The first section tells that it is open before the page knows its run: nothing may come of that.
            return [gr.skip()] * len(outputs) if given[0] is None else refresh(*given[:2], name, *given[3:])

        return opened

    buttons = parts.buttons
    parts.pieces["runs"].click(_with_event(on_card), asked, [parts.told, *outputs], trigger_mode="multiple", **_IN_TURN)
    parts.pieces["runs"].click(None, None, None, js=REVEAL_JS % "run-head", **_IN_TURN)
    parts.pieces["runs"].select(_with_event(pick), asked, outputs, trigger_mode="multiple", **_IN_TURN)
    filters = [parts.text.input, parts.state.input, parts.dataset.input, parts.backbone.input]
    found = {"fn": lambda *given: refresh(*given[:4], 0, *given[5:]), "inputs": asked, "outputs": outputs}
    gr.on(filters, **found, trigger_mode="always_last", **_IN_TURN)
    buttons["newer"].click(turn(-1), asked, outputs, **_IN_TURN)
    buttons["older"].click(turn(1), asked, outputs, **_IN_TURN)
    address.go(buttons["compare"], "ids => ids.includes(',') ? `./compare?ids=${ids}` : null", parts.compared)
    buttons["clear"].click(untick, asked, outputs, **_IN_TURN)
    for name, tab in parts.sections.items():
        tab.select(open_section(name), asked, outputs, trigger_mode="multiple", **_IN_TURN)


def connect_actions(
    studio: Studio, parts: Parts, asked: list[Any], outputs: list[Any], refresh: Callable[..., list[Any]]
) -> None:
    """What changes a run: each answers in words, and the page is read anew."""
    runs = studio.store.runs

    def acting(action: Callable[[RunRecord], str]) -> Callable[..., list[Any]]:
        def act(run_id: int | None, *given: Any) -> list[Any]:
            try:
                if run_id is None:
                    raise StoreError("no run is chosen; choose one from the list")
                message = notice("warning", action(runs.get(int(run_id))))
            except StudioError as exc:
                message = notice("error", str(exc))
            except Exception:
                log.exception("changing a run failed")
                message = notice("error", UNEXPECTED)
            # A deleted run gives way to the newest one: its address is nobody's any more.
            return [message, *refresh(run_id if find_run(studio, run_id) else None, *given)]

        return act

    def stop(run: RunRecord) -> str:
        runs.request_stop(run.id)
        return ""

    def go_on(run: RunRecord) -> str:
        resume(studio.store, run.id)
        return wake(studio)

    def restart(run: RunRecord) -> str:
        resume(studio.store, run.id, restart=True)
        return wake(studio)

    def delete(run: RunRecord) -> str:
        runs.delete(run.id, what=f"run {run.id}: {run_title(run)}")
        return ""

    def moving(to: Place) -> Callable[[RunRecord], str]:
        def move(run: RunRecord) -> str:
            runs.move(run.id, to)
            return ""

        return move

    def restore(run_id: int | None, *given: Any) -> list[Any]:
        try:
            last = studio.store.trash.last(ROOM)
            if last is None:
                raise StoreError("there is nothing to undo")
            message = notice("success", studio.store.trash.restore(last.id).told)
            numbered = numbers(last.what)
            return [message, *refresh(numbered[0] if numbered else run_id, *given)]
        except StudioError as exc:
            return [notice("error", str(exc)), *refresh(run_id, *given)]

    def begin_renaming(run_id: int | None) -> list[Any]:
        run = find_run(studio, run_id)
        return [gr.update(visible=run is not None), run.name if run else ""]

    def rename(name: str, *given: Any) -> list[Any]:
        def keep(run: RunRecord) -> str:
            runs.rename(run.id, name or "")
            return ""

        redrawn = acting(keep)(*given)
        redrawn[answered.index(buttons["renaming"])] = gr.update(visible="notice error" in redrawn[0])
        return redrawn

    buttons, answered = parts.buttons, [parts.told, *outputs]
    actions: dict[str, Callable[[RunRecord], str]] = {
        "stop": stop,
        "resume": go_on,
        "restart": restart,
        "delete": delete,
    }
    actions |= {name: moving(to) for name, to in (("up", Place.UP), ("down", Place.DOWN), ("front", Place.FRONT))}
    for name, action in actions.items():
        buttons[name].click(acting(action), asked, answered, **_IN_TURN)
    buttons["undo"].click(restore, asked, answered, **_IN_TURN)
    buttons["rename"].click(begin_renaming, parts.chosen, [buttons["renaming"], parts.new_name], **_IN_TURN)
    buttons["drop_name"].click(lambda: gr.update(visible=False), None, buttons["renaming"], **_IN_TURN)
    named = [buttons["keep_name"].click, parts.new_name.submit]
    gr.on(named, rename, [parts.new_name, *asked], answered, **_IN_TURN)


def connect_files(studio: Studio, parts: Parts, viewer: Viewer) -> None:
    """Downloads: the file is made when it is asked for."""
    cache = parts.packed.GRADIO_CACHE

    def giving(make: Callable[[RunRecord], str]) -> Callable[[int | None], list[Any]]:
        def give(run_id: int | None) -> list[Any]:
            try:
                run = find_run(studio, run_id)
                if run is None:
                    raise StoreError("no run is chosen; choose one from the list")
                return ["", make(run)]
            except StudioError as exc:
                return [notice("error", str(exc)), None]

        return give

    makers: dict[str, Callable[[RunRecord], str]] = {
        "csv": lambda run: files.curves_file(studio, [run], "csv", cache),
        "json": lambda run: files.curves_file(studio, [run], "json", cache),
        "save_report": lambda run: files.report_as_file(studio, viewer, run, cache),
        "save_log": lambda run: files.log_as_file(studio, run, cache),
    }
    for name, make in makers.items():
        made = parts.buttons[name].click(
            giving(make), parts.chosen, [parts.told, parts.packed], **_BUSY, show_progress_on=parts.told
        )
        made.then(None, parts.packed, None, js=files.SAVE_JS, **_IN_TURN)


def _with_event(answer: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    """Gradio passes the event to a parameter of its type, in its place: ``*given`` has none."""

    def answered(
        run_id: int | None,
        shown: dict[str, Any],
        section: str,
        compared: str,
        page: int,
        text: str,
        state: str,
        dataset: str,
        backbone: str,
        event: gr.EventData,
    ) -> list[Any]:
        return answer(event, run_id, shown, section, compared, page, text, state, dataset, backbone)

    return answered
