"""The command suggest, as a user calls it, with a language model on this computer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ga2app.cli.main import main
from ga2app.paths import PROJECT
from tests.chat import ChatServer, chatting
from tests.commands import document, lines_of, refused

LABELS = "riding a bicycle, walking a dog"


@pytest.fixture
def chat_server() -> Iterator[ChatServer]:
    with chatting() as listening:
        yield listening


def ask(server: ChatServer, *more: str) -> list[str]:
    return ["suggest", "--labels", LABELS, "--language-model", "tiny", "--endpoint", server.url, *more]


def test_negatives_and_captions_are_proposed_from_the_seeds(capsys: pytest.CaptureFixture[str]):
    answer = document(capsys, "suggest", "--labels", LABELS, "--count", "4")
    assert answer["source"] == "the default prompts" and answer["backbone"] == "sketch" and answer["out"] is None
    assert [one["kind"] for one in answer["proposals"]] == ["negative"] * 4 + ["caption"] * 4
    assert all(0 < one["distance"] < 2 for one in answer["proposals"])
    assert main(["suggest", "--labels", LABELS, "--count", "4"]) == 0
    shown = capsys.readouterr().out
    assert "to accept or to leave" in shown and "captions of clips to look for or to film" in shown
    assert all(one["text"] in shown for one in answer["proposals"])


def test_a_data_sets_novel_labels_count_too(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    (tmp_path / "mine.csv").write_text("path,label,subset,group\na.mp4,snow,train,base\nb.mp4,clouds,test,novel\n")
    answer = document(capsys, "suggest", "--dataset", str(tmp_path / "mine.csv"), "--count", "50")
    assert answer["labels"] == ["snow", "clouds"]
    assert not any("snow" in one["text"] or "cloud" in one["text"] for one in answer["proposals"])


def test_out_writes_the_negatives_as_lines_for_a_data_set(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    answer = document(capsys, "suggest", "--labels", LABELS, "--count", "3", "--out", str(tmp_path / "n.csv"))
    negatives = [one["text"] for one in answer["proposals"] if one["kind"] == "negative"]
    assert [tuple(row.values()) for row in lines_of(tmp_path / "n.csv")] == [
        ("", text, "", "negative") for text in negatives
    ]


def test_a_language_model_proposes_and_the_backbone_ranks(capsys: pytest.CaptureFixture[str], chat_server: ChatServer):
    chat_server.content = '["snow", "a dog", "a bicycle bell", "a zeppelin", "a street", "Walking a dog"]'
    answer = document(capsys, *ask(chat_server, "--kind", "negative"))
    texts = [one["text"] for one in answer["proposals"]]
    assert answer["source"] == "tiny" and set(texts) == {"snow", "a street", "a zeppelin"} and texts[-1] == "a zeppelin"
    assert answer["proposals"][-1]["distance"] is None
    assert main(ask(chat_server)) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("proposals from tiny, to accept or to leave")
    assert "(the backbone does not know all of its words)" in shown
    assert len(chat_server.asked) == 3


def test_proposals_are_added_to_nothing(chat_server: ChatServer, tmp_path: Path):
    assert main(ask(chat_server)) == 0
    assert not Path(os.environ["GA2_HOME"]).exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"status": 429}, "was asked too often"),
        ({"content": "I would rather not."}, "did not answer with a list of texts"),
        ({"content": '["a dog", "a bicycle"]'}, "nothing is left to propose"),
    ],
)
def test_a_model_that_is_of_no_use_is_explained_in_one_line(
    capsys: pytest.CaptureFixture[str], chat_server: ChatServer, changes: dict[str, Any], message: str
):
    for name, value in changes.items():
        setattr(chat_server, name, value)
    assert message in refused(capsys, *ask(chat_server))


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--labels", ""], "no labels were given"),
        (["--labels", "walking", "--count", "0"], "--count: 0 proposals are too few"),
        (
            ["--labels", "walking", "--count", "99", "--language-model", "m", "--endpoint", "http://x"],
            "ask for 1 to 50",
        ),
        (
            ["--labels", "walking", "--endpoint", "http://127.0.0.1:1"],
            "--endpoint: a server needs the name of its model",
        ),
        (["--labels", "walking", "--kind", "caption", "--out", "n.csv"], "--out: it takes negatives"),
        (["--labels", "walking", "--language-model", "http://127.0.0.1:1"], "a language model goes by its name"),
        (["--labels", "walking", "--language-model", "m", "--endpoint", "nonsense"], "address cannot be read"),
    ],
)
def test_what_cannot_be_done_is_explained(capsys: pytest.CaptureFixture[str], argv: list[str], message: str):
    assert message in refused(capsys, "suggest", *argv)


def test_without_a_login_the_hub_is_not_asked(tmp_path: Path):
    keep = {name: value for name, value in os.environ.items() if name not in ("HF_TOKEN", "HF_TOKEN_PATH")}
    answer = subprocess.run(
        [sys.executable, "-m", "ga2app", "suggest", "--labels", LABELS, "--language-model", "some/model", "--json"],
        cwd=PROJECT,
        env=keep | {"HF_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert answer.returncode == 1 and answer.stdout == ""
    assert "you are not logged in; log in with: hf auth login" in answer.stderr and answer.stderr.count("\n") == 1


def test_a_reply_is_one_json_document_with_everything_in_it(
    capsys: pytest.CaptureFixture[str], chat_server: ChatServer
):
    capsys.readouterr()
    assert main(ask(chat_server, "--json")) == 0
    parsed = json.loads(capsys.readouterr().out)
    assert parsed.keys() == {"backbone", "labels", "source", "proposals", "out"}
