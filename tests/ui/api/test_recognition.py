"""``/recognize``, called by a client on a live server."""

from __future__ import annotations

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from ..studios import LABELS, Served, add_bundle


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
