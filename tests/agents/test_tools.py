"""What the tools answer, called as functions."""

from __future__ import annotations

import time
from dataclasses import replace

import gradio as gr
import pytest

from ga2app.errors import ConfigError, StoreError, StudioError
from ga2app.types import RunState
from ga2app.web import Studio
from tests.agents.conftest import tools_of
from tests.ui.studios import LABELS, add_bundle, add_negatives, add_run


def test_plain_clip_and_each_bundle_answer_side_by_side(studio: Studio):
    add_bundle(studio)
    add_negatives(studio)
    clips = [example.path for example in studio.examples[:2]]
    told = tools_of(studio).recognize(clips, list(LABELS), bundles=["tuned"], top_k=2, none_of_these="compete")
    assert told["backbone"] == "sketch" and [clip["file"] for clip in told["clips"]] == clips
    for clip in told["clips"]:
        assert clip["error"] is None and clip["none_of_these"] is not None
        (bundle,) = clip["bundles"]
        assert bundle["bundle"] == "tuned"
        assert {score["label"] for score in clip["plain"]} <= {*LABELS, "none of these"}


def test_a_clip_that_cannot_be_had_costs_the_others_nothing(studio: Studio):
    told = tools_of(studio).recognize(["/nowhere.mp4", studio.examples[0].path], list(LABELS))
    lost, good = told["clips"]
    assert "there is no such file" in lost["error"] and lost["plain"] == []
    assert good["error"] is None and good["plain"]


def test_where_no_clip_can_be_had_the_call_fails_with_every_reason(studio: Studio):
    with pytest.raises(StudioError, match=r"'/a.mp4': there is no such file .*; clip '/b.mp4': there is no such file"):
        tools_of(studio).recognize(["/a.mp4", "/b.mp4"], list(LABELS))
    with pytest.raises(ConfigError, match="clips: is empty; give at least one video file"):
        tools_of(studio).recognize([], list(LABELS))


def test_the_errors_that_are_told_of_recognize_are_its_errors(studio: Studio):
    clips, tools = [studio.examples[0].path], tools_of(studio)
    with pytest.raises(gr.Error, match="is the only label"):
        tools.recognize(clips, ["waving"])
    with pytest.raises(gr.Error, match="no group of negative prompts 'nobody'"):
        tools.recognize(clips, list(LABELS), none_of_these="threshold", negatives="nobody")
    with pytest.raises(gr.Error, match="there is no bundle 'lost' in the library"):
        tools.recognize(clips, list(LABELS), bundles=["lost"])
    with pytest.raises(gr.Error, match="backbone 'mine' is not on this machine; choose one of: sketch, real"):
        tools.recognize(clips, list(LABELS), backbone="mine")


def test_bundles_are_listed_page_by_page_with_their_number(studio: Studio):
    for folder in ("first", "second", "third"):
        add_bundle(studio, folder, name=folder)
    told = tools_of(studio).list_bundles(limit=2, offset=1)
    assert [one["bundle"] for one in told["bundles"]] == ["second", "first"] and told["total"] == 3
    assert told["bundles"][0]["metrics"] == {"base": 90.0, "novel": 60.0, "hm": 72.0}
    assert tools_of(studio).list_bundles(search="third")["total"] == 1


def test_a_run_is_queued_by_preset_and_by_what_differs_from_it(studio: Studio):
    told = tools_of(studio).queue_run({"optimizer": {"epochs": 3}}, name="mine")
    run = studio.store.runs.get(told["run"])
    assert (run.name, run.config["optimizer"]["epochs"], run.config["prompts"]["visual_depth"]) == ("mine", 3, 0)
    assert told["warning"] is None and tools_of(studio).run_status(told["run"])["state"] == "queued"


def test_all_faults_of_a_run_are_told_at_once_and_nothing_is_queued(studio: Studio):
    wrong = {"dataset": "nobody", "optimizer": {"epochs": 0}, "colour": 1}
    with pytest.raises(gr.Error, match="(?=.*colour: is not a setting).*optimizer.epochs: must be between 1 and 1000"):
        tools_of(studio).queue_run(wrong)
    with pytest.raises(gr.Error, match="there is no data set 'nobody'; choose one of: 'demo'"):
        tools_of(studio).queue_run({"dataset": "nobody"})
    assert studio.store.runs.count() == 0


def test_a_studio_that_is_open_to_all_lets_no_agent_train(studio: Studio):
    with pytest.raises(StudioError, match="an agent has not signed in.*ask a person to queue it on the page"):
        tools_of(replace(studio, server_paths=False)).queue_run()
    assert studio.store.runs.count() == 0


def test_the_status_has_the_figures_and_waits_only_while_the_run_goes_on(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
):
    tools, running = tools_of(studio), add_run(studio, RunState.RUNNING)
    began_s = time.monotonic()
    told = tools.run_status(running, wait_s=0.6)
    assert time.monotonic() - began_s >= 0.6
    assert (told["state"], told["step"], told["total_steps"]) == ("running", 20, 40)
    assert told["metrics"]["base"] == 80.0 and told["zero_shot"]["hm"] == 54.5
    studio.store.runs.finish(running, RunState.FAILED, exit_code=1, error="the disk is full; free some space")
    with monkeypatch.context() as patched:
        patched.setattr(time, "sleep", lambda seconds: pytest.fail("it waits for a run that has ended"))
        assert tools.run_status(running, wait_s=50)["error"] == "the disk is full; free some space"
    with pytest.raises(StoreError, match="there is no run 99"):
        tools.run_status(99)
