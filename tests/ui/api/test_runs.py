"""The endpoints of the queue, called by a client on a live server."""

from __future__ import annotations

from typing import Any

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from ga2app.types import Dataset, LabelledClip, RunState, TrainingData

from ..studios import Served, add_run


def test_a_run_is_queued_and_its_status_told(client: Client, served: Served) -> None:
    answer = client.predict({"optimizer": {"epochs": 3}}, "quick", "mine", api_name="/queue_run")
    run = served.studio.store.runs.get(answer["run"])
    assert (run.name, run.config["optimizer"]["epochs"], run.config["prompts"]["visual_depth"]) == ("mine", 3, 0)
    assert served.woken
    status = client.predict(answer["run"], api_name="/run_status")
    assert (status["state"], status["step"], status["metrics"]) == ("queued", 0, None)


def test_a_sweep_is_queued_told_and_stopped(client: Client, served: Served) -> None:
    lines = ["optimizer.learning_rate=0.001,0.004", "shots=2..3"]
    answer = client.predict({"dataset": "demo"}, lines, "quick", "tried", api_name="/queue_sweep")
    assert answer["runs"] == [answer["sweep"] + number for number in range(4)]
    told = client.predict(answer["sweep"], api_name="/sweep_status")
    assert [run["values"] for run in told["runs"]][1] == {"optimizer.learning_rate": 0.001, "shots": 3}
    stopped = client.predict(answer["sweep"], api_name="/stop_sweep")
    assert {run["state"] for run in stopped["runs"]} == {"stopped"} and stopped["told"].startswith("4 runs")
    with pytest.raises(AppError, match="1,000,000 points"):
        lines = ["shots=1..1000", "prompts.length=1..1000"]
        client.predict({}, lines, "quick", api_name="/queue_sweep")


def test_the_status_of_a_run_that_goes_on_has_its_figures(client: Client, served: Served) -> None:
    status = client.predict(add_run(served.studio, RunState.RUNNING), api_name="/run_status")
    assert (status["step"], status["total_steps"], status["metrics"]["base"]) == (20, 40, 80.0)
    assert status["zero_shot"]["hm"] == 54.5
    with pytest.raises(AppError, match="there is no run 99"):
        client.predict(99, api_name="/run_status")


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"optimizer": {"learning_rate": 1e6}}, "optimizer.learning_rate: must be above 0 and at most 1"),
        ({"colour": 1}, "colour: is not a setting"),
        ({"dataset": "nobody"}, "there is no data set 'nobody'"),
        ({"backbone": "/etc"}, "backbone '/etc' is not on this machine"),
    ],
)
def test_a_run_with_faults_is_refused(client: Client, served: Served, config: dict[str, Any], told: str) -> None:
    before = served.studio.store.runs.count()
    with pytest.raises(AppError, match=told):
        client.predict(config, "quick", api_name="/queue_run")
    assert served.studio.store.runs.count() == before


def test_runs_are_listed_newest_first_by_state_and_page_by_page(client: Client, served: Served) -> None:
    stopped = [add_run(served.studio, RunState.QUEUED) for _ in range(3)]
    for run in stopped:
        served.studio.store.runs.request_stop(run)
    listed = client.predict("stopped", 2, 0, api_name="/list_runs")
    assert [run["run"] for run in listed] == stopped[:0:-1]
    assert (listed[0]["state"], listed[0]["dataset"], listed[0]["bundle"]) == ("stopped", "demo", None)
    assert client.predict("stopped", 1, 2, api_name="/list_runs")[0]["run"] == stopped[0]
    with pytest.raises(AppError, match="'asleep' is not a state of a run; choose one of queued, running"):
        client.predict("asleep", api_name="/list_runs")


def test_a_run_is_stopped_and_resumed(client: Client, served: Served) -> None:
    run = add_run(served.studio, RunState.QUEUED)
    assert client.predict(run, api_name="/stop_run")["state"] == "stopped"
    answer = client.predict(run, api_name="/resume_run")
    assert (answer["state"], answer["warning"]) == ("queued", None)
    with pytest.raises(AppError, match="is queued; only a stopped or failed run can be queued again"):
        client.predict(run, api_name="/resume_run")
    served.studio.store.runs.request_stop(run)


def test_the_warm_up_of_a_preset_fits_fewer_epochs(client: Client, served: Served) -> None:
    """As the command line takes it; a warm-up that is given counts as it is."""
    answer = client.predict({"optimizer": {"epochs": 2}}, "quick", api_name="/queue_run")
    optimizer = served.studio.store.runs.get(answer["run"]).config["optimizer"]
    assert (optimizer["epochs"], optimizer["warmup_epochs"]) == (2, pytest.approx(1 / 3, rel=1e-4))
    answer = client.predict({"optimizer": {"epochs": 2, "warmup_epochs": 1.5}}, "quick", api_name="/queue_run")
    assert served.studio.store.runs.get(answer["run"]).config["optimizer"]["warmup_epochs"] == 1.5


def test_a_stopped_run_begins_anew_where_that_is_asked_for(client: Client, served: Served) -> None:
    store = served.studio.store
    run = add_run(served.studio, RunState.STOPPED)
    saved = served.studio.home.checkpoint(run)
    saved.parent.mkdir(parents=True, exist_ok=True)
    saved.write_bytes(b"learned")
    store.datasets.add(Dataset("demo", ("jump",), (), (LabelledClip("/a/b.mp4", "jump"),)), origin="test")
    store.runs.keep_data(run, TrainingData(("gone", "too"), (), ()).to_dict())
    with pytest.raises(AppError, match="have changed since run .* labels 'gone', 'too' removed"):
        client.predict(run, api_name="/resume_run")
    assert saved.exists()
    assert client.predict(run, api_name="/restart_run")["state"] == "queued"
    assert not saved.exists()
