"""``/recognize``, called by a client on a live server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from ..studios import LABELS, Served, add_bundle, add_negatives


def test_recognize_answers_with_and_without_a_bundle(client: Client, served: Served) -> None:
    add_bundle(served.studio)
    clips = [handle_file(served.studio.examples[1].path)]
    plain = client.predict(clips, ", ".join(LABELS), api_name="/recognize")
    assert plain["backbone"] == "sketch"
    (clip,) = plain["clips"]
    assert clip["file"] == "rowing-a-boat.mp4" and clip["error"] is None and clip["bundle"] is None
    assert clip["plain"][0] == {"label": LABELS[0], "score": pytest.approx(8 / 15, rel=1e-4), "kind": "base"}
    tuned = client.predict(clips, ", ".join(LABELS), bundle="tuned", top_k=2, api_name="/recognize")
    assert [score["label"] for score in tuned["clips"][0]["bundle"]] == [LABELS[1], LABELS[0]]


def test_a_label_that_holds_a_comma_is_quoted_or_stands_in_a_list(client: Client, served: Served) -> None:
    clips = [handle_file(served.studio.examples[1].path)]
    label = "lifting up one end, then letting it drop"
    for labels in ([label, "walking"], f'"{label}", walking', f'walking\n"{label}"'):
        (clip,) = client.predict(clips, labels, api_name="/recognize")["clips"]
        assert {score["label"] for score in clip["plain"]} == {label, "walking"}
    with pytest.raises(AppError, match="labels: must be a list of texts"):
        client.predict(clips, [1, 2], api_name="/recognize")


def test_a_request_that_cannot_be_answered_says_why(client: Client, served: Served) -> None:
    clips = [handle_file(served.studio.examples[1].path)]
    with pytest.raises(AppError, match="is the only label"):
        client.predict(clips, "walking", api_name="/recognize")
    for top_k in (0, -5):
        with pytest.raises(AppError, match=rf"top_k: must be 1 or more \(it is {top_k}\)"):
            client.predict(clips, "a, b", top_k=top_k, api_name="/recognize")
    with pytest.raises(AppError, match="has 1,048,576 characters, 1,000 are the most; use fewer words") as caught:
        client.predict(clips, ["walking", "a" * (1 << 20)], api_name="/recognize")
    assert len(str(caught.value)) < 300
    with pytest.raises(AppError, match="there is no bundle '/etc'"):
        client.predict(clips, "a, b", bundle="/etc", api_name="/recognize")


def test_a_file_of_the_server_cannot_be_read_through_recognize(served: Served) -> None:
    secret = served.studio.home.root / "secret.mp4"
    secret.write_bytes(b"private")
    stolen = {"path": str(secret), "meta": {"_type": "gradio.FileData"}}
    call = f"{served.address}/gradio_api/call/recognize"
    asked = httpx.post(call, json={"data": [[stolen], "a, b", "", "", "", 5, [], [], "off", None, ""]}).json()
    answer = httpx.get(f"{call}/{asked['event_id']}", timeout=20).text
    assert "event: error" in answer
    assert "secret" not in answer.replace(str(secret), "")


@pytest.mark.parametrize("count", [2, 3, 6, 8, 12, 13])
def test_a_call_written_for_an_older_version_leaves_out_what_came_later(served: Served, count: int) -> None:
    """Those of the first version had 6 values; 8, 12 and 13 came with sentences, with descriptions and stretches."""
    values = [[served.studio.examples[1].path], ", ".join(LABELS), "", "", "", 2, [], [], "off", None, "", "off", ""]
    upload = httpx.post(f"{served.address}/gradio_api/upload", files={"files": Path(values[0][0]).read_bytes()}).json()
    values[0] = [{"path": upload[0], "meta": {"_type": "gradio.FileData"}}]
    answer = over_http(served, "recognize", values[:count])
    assert answer["backbone"] == "sketch" and len(answer["clips"][0]["plain"]) == (2 if count > 5 else 4)


def test_a_call_without_what_has_no_default_is_told_what_lacks(served: Served) -> None:
    with pytest.raises(AssertionError, match="recognize: labels must be given; the data are 1 values"):
        over_http(served, "recognize", [[]])
    with pytest.raises(AssertionError, match="recognize: clips and labels must be given; the data are 0 values"):
        over_http(served, "recognize", [])


def test_an_import_written_for_an_older_version_leaves_out_what_came_later(served: Served) -> None:
    folder = str(served.studio.home.examples)
    for count in range(3, 11):
        values = [None, folder, f"older {count}", "", None, "first", "skip", "words", "", ""]
        with pytest.raises(AssertionError, match="no class folder|class"):
            over_http(served, "import_dataset", values[:count])


def over_http(served: Served, name: str, data: list[Any]) -> Any:
    """What an endpoint answers to a plain call; fails with its error."""
    call = f"{served.address}/gradio_api/call/{name}"
    asked = httpx.post(call, json={"data": data}).json()
    event, told = httpx.get(f"{call}/{asked['event_id']}", timeout=60).text.strip().split("\ndata: ", 1)
    assert event == "event: complete", told
    return json.loads(told)[0]


def test_several_bundles_sentences_and_none_of_these_are_asked_by_name(client: Client, served: Served) -> None:
    add_negatives(served.studio)
    add_bundle(served.studio)
    add_bundle(served.studio, "second", name="other prompts")
    answer = client.predict(
        [handle_file(served.studio.examples[1].path)],
        ", ".join(LABELS),
        bundle="tuned",
        bundles=["second", "tuned"],
        template="a {}.",
        templates=["the {}."],
        none_of_these="compete",
        threshold=0.8,
        api_name="/recognize",
    )
    (clip,) = answer["clips"]
    assert [one["bundle"] for one in clip["bundles"]] == ["tuned", "second"]
    assert clip["bundles"][0]["scores"] == clip["bundle"]
    assert clip["bundles"][1]["none_of_these"]["none"] is True
    assert clip["none_of_these"]["threshold"] == 0.8 and 0 <= clip["none_of_these"]["reached"] < 0.8
    assert {"none of these": "negative"}.items() <= {one["label"]: one["kind"] for one in clip["plain"]}.items()
    assert str(served.studio.home.root) not in str(answer)
    usual = client.predict([handle_file(served.studio.examples[1].path)], ", ".join(LABELS), api_name="/recognize")
    assert usual["clips"][0]["none_of_these"] is None and usual["clips"][0]["bundles"] == []


def test_options_that_make_no_sense_are_named(client: Client, served: Served) -> None:
    clips = [handle_file(served.studio.examples[1].path)]
    with pytest.raises(AppError, match="threshold: must be between 0 and 1, not 7"):
        client.predict(clips, "a, b", none_of_these="compete", threshold=7, api_name="/recognize")
    with pytest.raises(AppError, match="bundles: must be a list of texts"):
        client.predict(clips, "a, b", bundles={"a": 1}, api_name="/recognize")
    with pytest.raises(AppError, match="there is no group of negative prompts 'nobody'"):
        client.predict(clips, "a, b", none_of_these="threshold", negatives="nobody", api_name="/recognize")


def test_a_part_of_each_clip_can_be_asked_for(client: Client, served: Served) -> None:
    clips = [handle_file(served.studio.examples[1].path)]
    (clip,) = client.predict(clips, ", ".join(LABELS), stretch="0,0.3", api_name="/recognize")["clips"]
    assert clip["error"] is None
    (clip,) = client.predict(clips, ", ".join(LABELS), stretch="3,2", api_name="/recognize")["clips"]
    assert "the stretch from 3 s to 2 s does not end after its start" in clip["error"]
