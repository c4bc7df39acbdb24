"""One Space from its folder to its end: made by the command, started as the Hub starts one, on ZeroGPU hardware.

It comes up without network and without a GPU; then visitors, people who are signed in and the owner use it.
"""

from __future__ import annotations

import contextlib
import functools
import json
import re
import sqlite3
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import handle_file

from ga2app.paths import Home
from ga2app.services.space_folder import make_space
from tests.browser import go_to
from tests.demo import link_demo

from .hosting import AUTHOR, KEY, PATIENCE_S, Hosted, hosted, session_cookie
from .lending import calls

SECONDS = 8
LABELS = "chopping wood with an axe, climbing a ladder, rowing a boat"
RUN = {"dataset": "demo", "shots": 2, "optimizer": {"epochs": 400}}
RELOADED = re.compile(
    r"ERROR: +Exception in ASGI application\nTraceback(?:(?!Exception in ASGI).)*?in sse_stream\n"
    r"(?:(?!Exception in ASGI).)*?HTTPException: 404: Not Found\n.*?but response already started\.\n",
    re.DOTALL,
)
"""What Gradio says where a page is reloaded while its stream of answers is being looked for."""
CHANGES: dict[str, list[Any]] = {
    "queue_run": [RUN, "quick", "mine"],
    "stop_run": [1],
    "resume_run": [1],
    "restart_run": [1],
    "import_dataset": [None, "", "", "", None, "first", "skip", "words", "", "", None, []],
}


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory, drawn_demo: Path) -> Iterator[Hosted]:
    """The running Space. Its GPU calls are noted beside its log, and there no GPU is available at first."""
    folder = make_space(tmp_path_factory.mktemp("made") / "studio").folder
    work = tmp_path_factory.mktemp("space")
    (work / "no-gpu").touch()
    link_demo(drawn_demo, Home(work / "data" / "ga2"))
    lending = {"STAND_IN_LOG": str(work / "calls.jsonl"), "STAND_IN_REFUSE": str(work / "no-gpu")}
    hardware = {"SPACES_ZERO_GPU": "true", "GA2_GPU_SECONDS": str(SECONDS), "GA2_JOURNAL": "delete"}
    with hosted(folder, work, **hardware, **lending) as running:
        yield running
    log = running.log.read_text(errors="replace")
    assert "GA² Studio is at" in log
    log = RELOADED.sub("", log)
    assert not re.search(r"Traceback| ERROR ", log), log
    assert not re.search(f"hf_oauth_|{re.escape(KEY)}", log), "its log holds a token or the key"


def recognize(space: Hosted, clips: int) -> dict[str, Any]:
    """What a visitor is told of some of the drawn examples."""
    files = sorted(space.home.rglob("examples/*.mp4"), key=lambda path: "chopping" not in path.name)[:clips]
    given = [handle_file(str(file)) for file in files]
    answer: dict[str, Any] = space.client().predict(given, LABELS, api_name="/recognize")
    assert [clip["error"] for clip in answer["clips"]] == [None] * clips
    return answer


def test_at_a_cold_start_without_network_and_gpu_it_answers_with_the_embedded_backbone(space: Hosted) -> None:
    answer = recognize(space, 1)
    (seen,) = answer["clips"]
    assert answer["backbone"] == "sketch"
    assert {score["label"] for score in seen["plain"]} == set(LABELS.split(", "))
    assert sum(score["score"] for score in seen["plain"]) == pytest.approx(1, abs=1e-3)
    assert "the CPU answered, because no GPU was available" in answer["notes"][-1]
    assert calls(space.log.parent) == []


def test_its_data_lies_on_the_storage_that_was_mounted(space: Hosted) -> None:
    with (space.home / "studio.db").open("rb") as file:
        header = file.read(20)
    assert header.startswith(b"SQLite format 3") and header[18:20] == b"\x01\x01", "it keeps a rollback journal"
    assert not (space.folder / "prompts_db" / "live").exists()


def test_recognition_asks_for_the_gpu_once_for_several_clips(space: Hosted) -> None:
    (space.log.parent / "no-gpu").unlink()
    assert not recognize(space, 3)["notes"]
    assert calls(space.log.parent) == [{"task": "_recognize_on_gpu", "duration": SECONDS}]


@functools.cache
def config(address: str) -> dict[str, Any]:
    """Everything that the page tells a browser of its components and events."""
    told: dict[str, Any] = httpx.get(f"{address}/config", timeout=60).json()
    return told


def call(space: Hosted, event: dict[str, Any], data: list[Any], cookie: str = "", **headers: str) -> str:
    """What the Space answers to a bare request for an event, whether it is listed as an endpoint or not."""
    headers |= {"Cookie": f"session={cookie}"} if cookie else {}
    asked = {"fn_index": event["id"], "data": data, "session_hash": uuid.uuid4().hex}
    with httpx.Client(base_url=f"{space.address}/gradio_api", timeout=120, headers=headers) as http:
        http.post("/queue/join", json=asked).raise_for_status()
        with http.stream("GET", "/queue/data", params={"session_hash": asked["session_hash"]}) as answer:
            for line in answer.iter_lines():
                if line.startswith("data:") and json.loads(line[5:])["msg"] == "process_completed":
                    return json.dumps(json.loads(line[5:]), ensure_ascii=False)
    pytest.fail("the event was never answered")


def endpoint(space: Hosted, name: str) -> dict[str, Any]:
    """The event that is listed as ``name``."""
    (event,) = [one for one in config(space.address)["dependencies"] if one["api_name"] == name]
    assert event["api_visibility"] == "public"
    return dict(event)


def press(space: Hosted, elem_id: str, typed: dict[str, Any], cookie: str = "") -> str:
    """What the page's own event at the button ``elem_id``, which no list of endpoints names, answers.

    Inputs hold what the page shows at first, but for what was ``typed`` into the components of these ids.
    """
    props = {one["id"]: one["props"] for one in config(space.address)["components"]}
    (button,) = [number for number, its in props.items() if its.get("elem_id") == elem_id]
    events = [one for one in config(space.address)["dependencies"] if one["backend_fn"]]
    (event,) = [one for one in events if [button, "click"] in one["targets"]]
    assert event["api_visibility"] == "private"
    data = [typed.get(props[one].get("elem_id"), props[one].get("value")) for one in event["inputs"]]
    return call(space, event, data, cookie)


def test_a_page_of_another_site_cannot_act_as_the_owner_who_is_signed_in(space: Hosted) -> None:
    cookie, elsewhere = session_cookie(AUTHOR), "https://another.example"
    with pytest.raises(httpx.HTTPStatusError, match="403"):
        call(space, endpoint(space, "queue_run"), CHANGES["queue_run"], cookie, Origin=elsewhere)
    assert "there is no run 1" in call(space, endpoint(space, "stop_run"), [1], cookie, Origin=space.address)
    shown = {"Origin": elsewhere, "X-GA2-Key": KEY}
    assert "there is no run 1" in call(space, endpoint(space, "stop_run"), [1], **shown)


def groups(space: Hosted) -> set[str]:
    """The groups of negative prompts in the Space's store."""
    with contextlib.closing(sqlite3.connect(f"file:{space.home / 'studio.db'}?mode=ro", uri=True)) as db:
        return {name for (name,) in db.execute("SELECT name FROM negative_groups")}


@pytest.mark.parametrize("name", CHANGES)
def test_an_endpoint_that_changes_something_is_the_owners(space: Hosted, name: str) -> None:
    event, data = endpoint(space, name), CHANGES[name]
    assert f"belong to its owner, {AUTHOR}: sign in at the top if that is you" in call(space, event, data)
    assert "you are signed in as bob; duplicate the Space" in call(space, event, data, session_cookie("bob"))
    assert "belong to its owner" in call(space, event, data, **{"X-GA2-Key": KEY[:-1]})


def test_a_space_sends_no_run_to_a_machine_that_somebody_pays_for(space: Hosted) -> None:
    assert "on: a Space does no" in call(space, endpoint(space, "queue_job"), [RUN, "quick", "mine", "", ""])


def test_a_visitor_may_look(space: Hosted) -> None:
    for name, data in {"list_datasets": [], "list_runs": ["", 50, 0], "list_bundles": ["", "", 50, 0]}.items():
        answer = json.loads(call(space, endpoint(space, name), data))
        assert answer["success"], answer
        assert isinstance(answer["output"]["data"][0], list)


def test_the_owner_trains_in_slices_and_a_program_with_the_key_stops_it(space: Hosted) -> None:
    def told(name: str, *data: Any, **way: str) -> Any:
        answer = json.loads(call(space, endpoint(space, name), [*data], **way))
        assert answer["success"], answer
        return answer["output"]["data"][0]

    run = told("queue_run", *CHANGES["queue_run"], cookie=session_cookie(AUTHOR))["run"]
    assert told("list_runs", "", 50, 0) == [], "it is the owner's until it is shared"
    deadline, slices, status = time.monotonic() + PATIENCE_S, 0, {"step": 0}
    while slices < 2 or not status["step"]:
        status = told("run_status", run, **{"X-GA2-Key": KEY})
        assert status["state"] in ("queued", "running") and time.monotonic() < deadline, status
        slices = sum(call["task"] == "run_slice" for call in calls(space.log.parent))
        time.sleep(0.2)
    told("stop_run", run, **{"X-GA2-Key": KEY})
    while (status := told("run_status", run, **{"X-GA2-Key": KEY}))["state"] != "stopped":
        assert status["error"] is None and time.monotonic() < deadline, status
        time.sleep(0.2)
    assert (space.home / "runs" / f"{run:06d}" / "checkpoint.safetensors").is_file()
    assert not (space.home / "worker.log").exists(), "the worker is a thread of the app"


def test_a_private_event_obeys_the_rule_too(space: Hosted) -> None:
    before = groups(space)
    typed = {"negative-new-name": "a group of mine"}
    for cookie in ("", session_cookie("bob")):
        assert "of this Space belong to its owner" in press(space, "negative-create", typed, cookie)
    assert groups(space) == before
    press(space, "negative-create", typed, session_cookie(AUTHOR))
    assert groups(space) - before == {"a group of mine"}


@pytest.mark.parametrize(
    "cookie",
    [
        session_cookie(AUTHOR, secret="a guess"),
        session_cookie(AUTHOR, expires_in_s=-1),
        session_cookie(AUTHOR)[:-1],
        "alice",
    ],
    ids=["forged", "expired", "damaged", "made up"],
)
def test_a_cookie_that_the_space_did_not_sign_or_that_is_too_old_makes_nobody_the_owner(
    space: Hosted, cookie: str
) -> None:
    before = groups(space)
    assert "sign in at the top" in press(space, "negative-create", {"negative-new-name": "not to be"}, cookie)
    assert groups(space) == before


def make_group(tab: Any, name: str) -> None:
    """Type a name for a new group of negative prompts and press Create."""
    go_to(tab, "Anchors")
    tab.get_by_role("tab", name="Negative prompts").click()
    tab.locator("#negative-new-name input").fill(name)
    tab.locator("#negative-create").click()


@pytest.mark.browser
def test_a_stranger_is_told_what_to_do_and_the_owner_does_it(space: Hosted, tab: Any) -> None:
    # Gradio's page asks the Hub about the Space that it is, and for fonts; there is no network here.
    about = {"id": f"{AUTHOR}/studio", "author": AUTHOR, "likes": 0}
    tab.route(re.compile("^https://"), lambda route: route.fulfill(json=about))
    expect = pytest.importorskip("playwright.sync_api").expect
    tab.goto(space.address)
    told = tab.locator("#account-told")
    expect(told).to_contain_text(f"belong to its owner, {AUTHOR}: sign in at the top if that is you")
    expect(tab.locator("#sign-in")).to_have_text("Sign in with Hugging Face")
    make_group(tab, "mine")
    expect(tab.locator("#negative-told")).to_contain_text("sign in at the top if that is you")
    expect(tab.locator(".toast-body")).to_have_count(0)

    tab.context.add_cookies([{"name": "session", "value": session_cookie(AUTHOR), "url": space.address}])
    tab.reload()
    expect(told).to_have_text(f"Signed in as {AUTHOR}: this Space is yours.")
    expect(tab.locator("#sign-in")).to_have_text(f"Sign out ({AUTHOR})")
    make_group(tab, "the owner's")
    expect(tab.locator("#negative-groups")).to_contain_text("the owner's")
    tab.locator("#negative-groups").get_by_text("the owner's").click()
    expect(tab.locator("#negative-delete")).to_be_visible()
    tab.locator("#negative-share").click()
    expect(tab.locator("#negative-told")).to_contain_text("Everybody who opens this Space sees")
    tab.context.add_cookies([{"name": "session", "value": session_cookie("eve"), "url": space.address}])
    tab.reload()
    tab.get_by_role("tab", name="Negative prompts").click()
    tab.locator("#negative-groups").get_by_text("the owner's").click()
    expect(tab.locator("#negative-locked")).to_contain_text(f"its owner, {AUTHOR}, and you are signed in as eve")
    for button in ("delete", "all-on", "share", "add-box"):
        expect(tab.locator(f"#negative-{button}")).not_to_be_visible()
    tab.context.add_cookies([{"name": "session", "value": session_cookie(AUTHOR), "url": space.address}])
    tab.reload()
    go_to(tab, "Train")
    film = tab.locator(".pictures video").first
    tab.wait_for_function("document.querySelector('.pictures video')?.videoWidth > 0")
    address = str(film.get_attribute("src")).partition("#")[0]
    assert httpx.get(f"{space.address}/{address}").status_code == 404, "it was made for the owner who is signed in"
