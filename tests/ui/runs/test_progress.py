"""A run in HTML, from what the store holds."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from ga2app.config import preset
from ga2app.errors import StoreError
from ga2app.paths import last_lines
from ga2app.services.run_curves import RunCurve
from ga2app.services.studio import Studio
from ga2app.store.run_claims import WorkerPlace
from ga2app.types import Event, EventKind, RunRecord, RunState
from ga2app.web.address import NOBODY
from ga2app.web.pages.runs import run_views, runs_page
from ga2app.web.pages.runs.runs_page import Look, RunsPage, act, parts_of
from tests.space.hosting import finish

from ..studios import add_run


def parts_for(studio: Studio, run_id: int | None = None, view: str = run_views.PROGRESS) -> dict[str, Any]:
    parts = parts_of(studio, Look(run_id, view))[1]
    return parts | {"cards": "".join(card for _, card in parts["list"]["rows"])}


def test_no_runs_yet_says_what_to_do(studio: Studio) -> None:
    parts = parts_for(studio)
    assert "No runs yet" in parts["list"]["empty"] and "Open Train" in parts["list"]["empty"]
    assert parts["head"] == parts["body"] == ""


def test_the_address_of_a_run_that_is_not_there_opens_no_other(studio: Studio) -> None:
    add_run(studio, RunState.RUNNING)
    look, parts = parts_of(studio, Look(999))
    assert "There is no run 999." in parts["head"] and look.run_id == 999
    assert parts["body"] == "" and 'data-id="999"' in parts["actions"] and "<button" not in parts["actions"]
    assert "The address names no run." in parts_of(studio, Look(NOBODY))[1]["head"]


def test_a_running_run_shows_step_time_left_and_curves(studio: Studio) -> None:
    view = parts_for(studio, add_run(studio, RunState.RUNNING))
    assert "step 20 of 40, about 10 s left" in view["head"]
    assert 'aria-valuenow="50"' in view["head"]
    assert "sketch (embedded)" in view["head"]
    assert "Total now 0.600; Cross-entropy now 0.100; Anchor now 0.500" in view["body"]
    assert "Base now 80.0%, zero-shot CLIP 50.0%" in view["body"]
    assert "After training" not in view["body"]


def test_runs_of_several_workers_show_each_its_device_and_how_far_it_is(studio: Studio) -> None:
    first = add_run(studio, RunState.RUNNING)
    second = studio.store.runs.queue(preset("quick"))
    assert studio.store.runs.claim(2, 2.0, WorkerPlace("cuda:1", ("cuda:0", "cuda:1"))) is not None
    cards = dict(parts_for(studio)["list"]["rows"])
    assert "50%" in cards[first] and "0%<small>cuda:1</small>" in cards[second]
    assert "cuda:1" in parts_for(studio, second)["head"]
    assert studio.runs.status(second)["device"] == "cuda:1" and studio.runs.status(first)["device"] is None


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"seconds_per_step": 0.5}, "step 20 of 40, about 10 s left"),
        ({"seconds_per_step": 0.5, "seconds_left": 90.0}, "step 20 of 40, about 1 min 30 s left"),
        ({"seconds_per_step": 0.5, "seconds_left": float("nan")}, "step 20 of 40"),
    ],
)
def test_the_time_left_is_what_the_run_tells_with_its_measuring(values: dict[str, float], told: str) -> None:
    record = RunRecord(1, "", "", RunState.RUNNING, {}, 0.0)
    assert run_views.pace(record, 40, Event(EventKind.STEP, 20, values)) == told


def test_after_the_last_step_test_clips_are_measured(studio: Studio) -> None:
    record = RunRecord(1, "", "", RunState.RUNNING, {}, 0.0)
    step = Event(EventKind.STEP, 40, {"seconds_per_step": 0.5, "seconds_left": 12.0})
    assert run_views.pace(record, 40, step) == "step 40 of 40, measuring test clips, about 12 s left"


@pytest.mark.parametrize("state", list(RunState))
def test_a_run_can_start_over_where_it_has_ended_before_its_time_and_something_is_saved(
    studio: Studio, state: RunState
) -> None:
    run = studio.runs.get(add_run(studio, state))
    assert "restart" not in studio.runs.possible(run)
    saved = studio.home.checkpoint(run.id)
    saved.parent.mkdir(parents=True, exist_ok=True)
    saved.write_bytes(b"learned")
    assert ("restart" in studio.runs.possible(run)) is (state in (RunState.STOPPED, RunState.FAILED))


def test_actions_change_the_run_that_is_looked_at(studio: Studio) -> None:
    first, second = (add_run(studio, RunState.QUEUED) for _ in range(2))
    look = Look(second)
    assert studio.runs.possible(studio.runs.get(second)) == {"stop", "front", "up", "delete"}
    act(studio, look, "front")
    assert studio.store.runs.waiting() == [second, first]
    act(studio, look, "rename", " the  better one ")
    assert "Run 2: the better one" in parts_for(studio, second)["head"]
    act(studio, look, "stop")
    act(studio, look, "resume")
    assert studio.store.runs.waiting() == [first, second]
    message, after, gone = act(studio, look, "delete")
    assert (message, after.run_id, gone) == ("", None, second)
    assert parts_for(studio)["list"]["undo"] == "Undo: bring back run 2: the better one"
    message, after, _ = act(studio, after, "undo")
    assert "Brought back: run 2" in message and after.run_id == second
    with pytest.raises(StoreError, match="there is nothing to undo"):
        act(studio, after, "undo")


def test_a_failed_run_says_why_with_a_hint_and_its_last_log_lines(studio: Studio) -> None:
    run_id = add_run(studio, RunState.RUNNING)
    error = "the loss is nan at step <20>; lower the learning rate"
    studio.store.runs.finish(run_id, RunState.FAILED, exit_code=1, error=error, error_code="diverged")
    view = parts_for(studio, run_id)
    assert "the loss is nan at step &lt;20&gt;; lower the learning rate" in view["head"]
    assert "the loss is nan at step &lt;20&gt;" in view["cards"]
    assert "The training diverged." in view["head"] and "learning rate from 0.004 to 0.0004" in view["head"]
    assert "Why it failed" in view["head"] and "it went &lt;b&gt;wrong&lt;/b&gt;" in view["head"]
    assert "<b>wrong" not in view["head"] + parts_for(studio, run_id, run_views.LOG_VIEW)["body"]


def test_a_finished_run_stands_beside_plain_clip(studio: Studio) -> None:
    view = parts_for(studio, add_run(studio, RunState.DONE, steps=40, bundle=str(studio.home.bundles / "x")))
    assert "+50.0" in view["body"] and "\u22122.0" in view["body"]
    assert "62.0<small>HM" in view["cards"]
    assert 'aria-valuenow="100"' in view["head"]


def test_stopping_and_stopped_say_what_happens(studio: Studio) -> None:
    run_id = add_run(studio, RunState.STOPPING)
    assert "step 20 of 40, saving and stopping" in parts_for(studio, run_id)["head"]
    studio.store.runs.finish(run_id, RunState.STOPPED, exit_code=0)
    assert "Resume goes on from the last saved step" in parts_for(studio, run_id)["head"]


async def laid_out(studio: Studio) -> RunsPage:
    """The page alone. Gradio asks for an event loop, so this is a coroutine."""
    with gr.Blocks():
        return RunsPage(studio)


def test_a_run_that_ends_while_the_page_is_drawn_is_on_it_the_next_time(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = add_run(studio, RunState.STOPPING)
    page = finish(laid_out(studio))
    draw_body = runs_page.views.body_html

    def end_meanwhile(*args: Any) -> Any:
        studio.store.runs.finish(run_id, RunState.STOPPED, exit_code=0)
        return draw_body(*args)

    monkeypatch.setattr(runs_page.views, "body_html", end_meanwhile)
    drawn = page.draw(Look(run_id))
    assert "saving and stopping" in drawn[page.head] and drawn[page.clock].active
    monkeypatch.undo()
    drawn = page.draw(drawn[page.look])
    assert "Resume goes on" in drawn[page.head] and not drawn[page.clock].active


def test_what_was_said_stays_while_time_passes(studio: Studio) -> None:
    add_run(studio, RunState.RUNNING)
    page = finish(laid_out(studio))
    assert page.told not in page.draw(Look(), None)
    drawn = page.answered(Look(999), "stop")
    assert "there is no run 999" in drawn[page.told]


@pytest.mark.parametrize("alive", [True, False])
def test_a_queued_run_without_a_worker_says_so(studio: Studio, alive: bool) -> None:
    waited = replace(studio, worker_alive=lambda: alive)
    run = studio.runs.get(add_run(studio, RunState.QUEUED))
    html = run_views.head_html(waited, run, RunCurve())
    assert "waiting for the worker" in html
    assert ("No worker is running" in html) is not alive


def test_a_run_whose_worker_is_silent_says_so_and_what_comes_of_it(studio: Studio) -> None:
    run = studio.runs.get(add_run(studio, RunState.RUNNING))
    assert "has not answered" not in run_views.head_html(studio, replace(run, heartbeat_s=time.time() - 5), RunCurve())
    html = run_views.head_html(studio, replace(run, heartbeat_s=time.time() - 80), RunCurve())
    assert "Its worker has not answered for 1 min 20 s." in html and "another goes on from the last checkpoint" in html
    done = replace(run, state=RunState.DONE, heartbeat_s=1.0)
    assert "has not answered" not in run_views.head_html(studio, done, RunCurve())


def test_without_anchor_terms_there_is_one_loss_curve() -> None:
    points = [(float(i), 1.0 / i) for i in (1, 2)]
    plan = Event(EventKind.PLAN, 0, {"total_steps": 10})
    html = run_views.loss_html(RunCurve(plan=plan, losses={"total": points, "ce": points, "anchor": [(1.0, 0.0)]}))
    assert html.count('class="line') == 1
    assert "Cross-entropy now 0.500" in html and "Total" not in html


def test_a_thinned_loss_is_smoothed_over_the_same_steps() -> None:
    plan = Event(EventKind.PLAN, 0, {"total_steps": 3000})
    fine = RunCurve(plan=plan, losses={"total": [(float(x), float(x % 2)) for x in range(3000)]})
    coarse = RunCurve(plan=plan, losses={"total": [(x * 10 + 4.5, 0.5) for x in range(300)]}, steps_a_point=10)
    assert run_views.smooth_loss(fine, "total")[-1][1] == pytest.approx(0.5, abs=0.01)
    assert run_views.smooth_loss(coarse, "total")[-1] == (2994.5, 0.5)


def test_names_are_escaped_and_a_missing_name_is_made_up(studio: Studio) -> None:
    studio.store.runs.queue(preset("full"), name="<script>")
    studio.store.runs.queue(preset("quick"))
    html = parts_for(studio, 1)["cards"]
    assert "<script>" not in html and "&lt;script&gt;" in html
    assert "demo on sketch" in html
    assert "Full" in html and "Quick" in html


def test_the_tail_of_a_long_log_is_read_without_reading_all_of_it(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_text("".join(f"line {number}\n" for number in range(100_000)))
    assert last_lines(log, 2) == ["line 99998", "line 99999"]
    assert last_lines(tmp_path / "none.txt", 5) == []


def test_curves_are_saved_once_there_are_some(studio: Studio) -> None:
    waiting = studio.store.runs.queue(preset("quick"))
    studio.store.runs.claim(1, 1.0)
    assert '<div class="actions" hidden>' in parts_for(studio, waiting)["body"]
    assert '<div class="actions" >' in parts_for(studio, add_run(studio, RunState.RUNNING))["body"]
