"""The live page's cameras: frames come in at the route, each visitor's own, bounded, one answer at a time."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import httpx
import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from ga2app.errors import BusyError, ClipError, LabelError, LimitError, StoreError
from ga2app.services import live_recognition
from ga2app.services.live_recognition import CameraBegun
from ga2app.services.space import Access, Space
from ga2app.store.row_guard import Actor, acting_as
from ga2app.types import RecognitionRequest
from ga2app.web import Studio
from ga2app.web.access import guarded
from ga2app.web.live_route import live_routes
from ga2app.web.pages.live.live_view import camera_fault, live_html
from tests.space.hosting import finish

LABELS = ["riding a bicycle", "climbing a ladder", "waving <b>"]
WIDTH, HEIGHT = 96, 72
FRAME = np.full((HEIGHT, WIDTH, 3), 200, np.uint8).tobytes()


def begin(studio: Studio, labels: Any = LABELS, **asked: Any) -> CameraBegun:
    return studio.live.begin(RecognitionRequest((), labels, **asked))


def see(studio: Studio, key: str, frame: bytes = FRAME) -> Any:
    return studio.live.see(key, WIDTH, HEIGHT, frame)


def ask(studio: Studio, method: str, address: str, content: bytes = b"") -> httpx.Response:
    """What the route answers."""
    app = Starlette(routes=live_routes(guarded(studio)))

    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope | {"session": {}}, receive, send)

    async def send_it() -> httpx.Response:
        there: Any = httpx.ASGITransport(app=asked)
        async with httpx.AsyncClient(transport=there, base_url="http://127.0.0.1") as client:
            return await client.request(method, address, content=content)

    return finish(send_it())


def test_a_frame_is_answered_with_bars_in_the_order_of_the_labels_and_the_camera_ends_when_told(studio: Studio) -> None:
    begun = begin(studio)
    assert begun.every_ms == 500 and begun.side_px == 73
    address = f"/live/{begun.key}?width={WIDTH}&height={HEIGHT}"
    for count in (1, 2):
        answer = ask(studio, "POST", address, FRAME)
        told = answer.json()
        assert answer.status_code == 200 and not told["over"] and answer.headers["cache-control"] == "no-store"
        assert f"the last {count} frame" in told["html"]
        places = [told["html"].index(f">{label}<") for label in (*LABELS[:2], "waving &lt;b&gt;")]
        assert places == sorted(places) and "<b>" not in told["html"]
    assert ask(studio, "DELETE", f"/live/{begun.key}").status_code == 204
    gone = ask(studio, "POST", address, FRAME)
    assert gone.status_code == 410 and gone.json()["over"] and "press Start again" in gone.json()["html"]


@pytest.mark.parametrize(
    ("query", "content", "status"),
    [
        ("width=96&height=72", FRAME[:-1], 422),
        ("width=-1&height=72", FRAME, 422),
        ("width=96", FRAME, 422),
        ("width=1&height=1", b"abc", 422),
        ("width=99999&height=99999", FRAME, 422),
        ("width=96&height=72", bytes(live_recognition.MOST_FRAME_BYTES + 1), 413),
    ],
)
def test_what_is_no_picture_is_refused_in_a_sentence(studio: Studio, query: str, content: bytes, status: int) -> None:
    answer = ask(studio, "POST", f"/live/{begin(studio).key}?{query}", content)
    assert answer.status_code == status and answer.json()["over"]
    assert "picture" in answer.json()["html"] and len(answer.json()["html"]) < 400


def test_what_recognizing_refuses_is_refused_before_the_camera_is_followed(studio: Studio) -> None:
    with pytest.raises(LabelError, match="no labels"):
        begin(studio, "")
    studio.store.quotas = replace(studio.store.quotas, texts=2)
    with pytest.raises(LimitError, match="this asks for 3 texts"):
        begin(studio)
    assert not studio.live._cameras


def test_a_frame_that_comes_while_an_answer_is_under_way_is_dropped(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = begin(studio).key
    clip = studio.live._cameras[key].clip
    assert clip is not None
    under_way, go = threading.Event(), threading.Event()
    see_it = clip.see

    def slow(frame: Any) -> Any:
        under_way.set()
        go.wait(60)
        return see_it(frame)

    monkeypatch.setattr(clip, "see", slow)
    first: list[Any] = []
    thread = threading.Thread(target=lambda: first.append(see(studio, key)))
    thread.start()
    under_way.wait(60)
    assert see(studio, key) is None
    assert ask(studio, "POST", f"/live/{key}?width={WIDTH}&height={HEIGHT}", FRAME).status_code == 204
    other = begin(studio).key
    assert see(studio, other).frames == 1, "another visitor is answered meanwhile"
    go.set()
    thread.join(60)
    assert first[0].frames == 1 and see(studio, key).frames == 2


def test_so_many_cameras_are_followed_and_one_whose_page_is_silent_makes_room(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio.store.quotas = replace(studio.store.quotas, cameras=2)
    keys = [begin(studio).key for _ in range(2)]
    with pytest.raises(BusyError, match="2 cameras are being followed, the most at once; try again when somebody has"):
        begin(studio)
    monkeypatch.setattr(live_recognition, "IDLE_S", -1.0)
    third = begin(studio).key
    with pytest.raises(StoreError, match="not followed any more"):
        see(studio, keys[0])
    assert [*studio.live._cameras] == [third]


def test_cameras_that_begin_at_the_same_moment_are_no_more_than_may_be(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio.store.quotas = replace(studio.store.quotas, cameras=1)
    both, live = threading.Barrier(2, timeout=60), studio.recognizer.live

    def together(*given: Any) -> Any:
        both.wait()
        return live(*given)

    monkeypatch.setattr(studio.recognizer, "live", together)
    ends: list[str] = []

    def start() -> None:
        try:
            ends.append(begin(studio).key and "begun")
        except BusyError as exc:
            ends.append(str(exc))

    threads = [threading.Thread(target=start) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert len(studio.live._cameras) == 1
    assert [end.partition(",")[0] for end in sorted(ends)] == ["begun", "busy: 1 camera is being followed"]


def test_a_span_that_is_no_number_is_the_shortest(studio: Studio) -> None:
    asked = RecognitionRequest((), LABELS)
    assert studio.live.begin(asked, float("nan")).every_ms == studio.live.begin(asked, 0.0).every_ms


def test_one_too_many_recognitions_are_told_and_the_camera_goes_on(studio: Studio) -> None:
    key = begin(studio).key
    quotas = studio.store.quotas
    studio.store.quotas = replace(quotas, recognitions=1)
    with studio.recognition.admission.admitted():
        answer = ask(studio, "POST", f"/live/{key}?width={WIDTH}&height={HEIGHT}", FRAME)
    assert answer.status_code == 503 and not answer.json()["over"] and "busy: 1 recognition" in answer.json()["html"]
    assert see(studio, key).frames == 1


def test_a_camera_is_its_visitors_alone_and_pages_and_routes_follow_the_same_ones(studio: Studio) -> None:
    space = guarded(replace(studio, space=Space("alice/studio", "alice", access=Access.SIGNED_IN)))
    assert guarded(space).live is space.live
    with acting_as(Actor("bob")):
        key = begin(space).key
        assert see(space, key).frames == 1
    with acting_as(Actor("eve")):
        with pytest.raises(StoreError, match="not followed any more"):
            see(space, key)
        space.live.end(key)
    with acting_as(Actor("bob")):
        assert see(space, key).frames == 2


def test_many_labels_are_shown_best_first_and_an_answer_says_what_weakens_it(studio: Studio) -> None:
    key = begin(studio, [f"walking {number}" for number in range(30)]).key
    answer = see(studio, key)
    assert len(answer.answers[0].scores) == 5
    html = live_html(replace(answer, notes=("a note <i>",)))
    assert html.count("<li") == 5 and "a note &lt;i&gt;" in html


def test_a_bundle_that_has_changed_begins_the_clip_anew(studio: Studio) -> None:
    key = begin(studio).key
    assert [see(studio, key).frames for _ in range(2)] == [1, 2]
    studio.recognizer.models._recognizers.clear()
    assert [see(studio, key).frames for _ in range(2)] == [1, 2]


@pytest.mark.parametrize("said", ["insecure", "NotAllowedError", "NotFoundError", "NotReadableError", "x" * 500, ""])
def test_a_camera_that_is_not_there_is_told_with_what_to_do(said: str) -> None:
    told = camera_fault(said)
    assert told.endswith((".", "Start again.")) and "camera" in told.lower() and len(told) < 260
    assert camera_fault("ready") == ""


def test_pixels_are_looked_at_as_they_are() -> None:
    pixels = np.arange(16 * 20 * 3, dtype=np.uint32).astype(np.uint8)
    picture = live_recognition.picture_of(20, 16, pixels.tobytes())
    assert picture.shape == (16, 20, 3) and np.array_equal(picture.ravel(), pixels)
    with pytest.raises(ClipError, match="20x15"):
        live_recognition.picture_of(20, 15, pixels.tobytes())
