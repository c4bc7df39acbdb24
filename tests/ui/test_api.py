"""The named endpoints, called by a client on a live server."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from ga2app.contracts import RunState

from .studios import LABELS, Served, add_bundle, add_run


@pytest.fixture
def client(served: Served) -> Client:
    return Client(served.address, verbose=False, analytics_enabled=False)


def test_three_endpoints_are_named_and_explained_and_no_other_can_be_called(client: Client) -> None:
    info: dict[str, Any] = client.view_api(return_format="dict", print_info=False)  # type: ignore[assignment]
    assert set(info["named_endpoints"]) == {"/recognize", "/queue_run", "/run_status"}
    assert info["unnamed_endpoints"] == {}
    asked = [parameter["parameter_name"] for parameter in info["named_endpoints"]["/recognize"]["parameters"]]
    assert asked == ["clips", "labels", "bundle", "backbone", "template", "top_k"]
    assert "Queue a training run" in info["named_endpoints"]["/queue_run"]["description"]


def test_recognize_answers_with_and_without_a_bundle(client: Client, served: Served) -> None:
    add_bundle(served.studio)
    clips = [handle_file(served.studio.examples[1].path)]
    plain = client.predict(clips, ", ".join(LABELS), api_name="/recognize")
    assert plain["backbone"] == "sketch"
    (clip,) = plain["clips"]
    assert clip["file"] == "rowing-a-boat.mp4" and clip["error"] is None and clip["bundle"] is None
    assert clip["plain"][0] == {"label": LABELS[0], "score": pytest.approx(8 / 15), "kind": "base"}
    tuned = client.predict(clips, ", ".join(LABELS), bundle="tuned", top_k=2, api_name="/recognize")
    assert [score["label"] for score in tuned["clips"][0]["bundle"]] == [LABELS[1], LABELS[0]]


def test_a_request_that_cannot_be_answered_says_why(client: Client, served: Served) -> None:
    clips = [handle_file(served.studio.examples[1].path)]
    with pytest.raises(AppError, match="is the only label"):
        client.predict(clips, "walking", api_name="/recognize")
    with pytest.raises(AppError, match="there is no bundle '/etc'"):
        client.predict(clips, "a, b", bundle="/etc", api_name="/recognize")


def test_a_file_of_the_server_cannot_be_read_through_recognize(served: Served) -> None:
    secret = served.studio.home.root / "secret.mp4"
    secret.write_bytes(b"private")
    stolen = {"path": str(secret), "meta": {"_type": "gradio.FileData"}}
    call = f"{served.address}/gradio_api/call/recognize"
    asked = httpx.post(call, json={"data": [[stolen], "a, b", "", "", "", 5]}).json()
    answer = httpx.get(f"{call}/{asked['event_id']}", timeout=20).text
    assert "event: error" in answer
    assert "secret" not in answer.replace(str(secret), "")


def test_a_run_is_queued_and_its_status_told(client: Client, served: Served) -> None:
    answer = client.predict({"optimizer": {"epochs": 3}}, "quick", "mine", api_name="/queue_run")
    run = served.studio.store.runs.get(answer["run"])
    assert (run.name, run.config["optimizer"]["epochs"], run.config["prompts"]["visual_depth"]) == ("mine", 3, 0)
    assert served.woken
    status = client.predict(answer["run"], api_name="/run_status")
    assert (status["state"], status["step"], status["metrics"]) == ("queued", 0, None)


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
