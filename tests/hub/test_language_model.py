"""Proposals of a language model, asked through the real client over a real socket."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ga2app.errors import LanguageModelError
from ga2app.hub import propose
from ga2app.hub.language_model import MAX_CHARACTERS, parse, parse_descriptions
from ga2app.paths import PROJECT
from ga2app.types import ProposalKind
from tests.chat import ChatServer, chatting

TOKEN = "hf_aSecretThatNobodyMaySee"
LABELS = ["walking", "riding a bicycle"]


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chatting() as listening:
        yield listening


def ask(server: ChatServer, **options: Any) -> list[str]:
    return propose("tiny", LABELS, ProposalKind.NEGATIVE, 10, endpoint=server.url, **options)


def test_proposals_come_over_the_chat_completion_route(server: ChatServer) -> None:
    assert ask(server) == ["an empty room", "rain on a window"]
    assert server.paths == ["/v1/chat/completions"]
    (question,) = server.asked
    assert question["model"] == "tiny"
    (message,) = question["messages"]
    assert (
        '["walking", "riding a bicycle"]' in message["content"] and "Propose 10 negative prompts" in message["content"]
    )


def test_captions_are_asked_for_as_clips_to_film(server: ChatServer) -> None:
    propose("tiny", LABELS, ProposalKind.CAPTION, 3, endpoint=f"{server.url}/v1")
    assert server.paths == ["/v1/chat/completions"]
    assert "Propose 3 captions of short clips" in server.asked[0]["messages"][0]["content"]


def test_the_login_is_not_shown_to_a_server_that_is_not_the_hubs(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    ask(server)
    assert server.authorizations == ["Bearer none"]
    with pytest.raises(LanguageModelError, match="goes by its name"):
        propose(server.url, LABELS, ProposalKind.NEGATIVE, 10)
    assert len(server.asked) == 1


def run_beside(server: ChatServer, code: str, **environment: str) -> str:
    """What a fresh process prints that takes ``server`` for the Hub: stdout, and stderr with every log."""
    keep = {name: value for name, value in os.environ.items() if name not in ("HF_TOKEN", "HF_TOKEN_PATH")}
    script = f"""
import logging
logging.basicConfig(level=logging.DEBUG)
from huggingface_hub.utils import logging as hub_logging
hub_logging.set_verbosity_debug()
from ga2app.types import ProposalKind
from ga2app.errors import LanguageModelError
from ga2app.hub import propose
try: print({code})
except LanguageModelError as exc: print("error:", exc)
"""
    answer = subprocess.run(
        [sys.executable, "-c", script],
        cwd=PROJECT,
        env=keep | {"HF_ENDPOINT": server.url} | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return answer.stdout + answer.stderr


QUESTION = "propose('tiny', ['walking'], ProposalKind.NEGATIVE, 5, endpoint='{}')"


def test_the_hub_is_asked_with_the_users_login_which_no_log_shows(server: ChatServer, tmp_path: Path) -> None:
    told = run_beside(server, QUESTION.format(server.url), HF_TOKEN=TOKEN, HF_HOME=str(tmp_path))
    assert "['an empty room', 'rain on a window']" in told
    assert server.authorizations == [f"Bearer {TOKEN}"]
    assert TOKEN not in told


def test_a_token_that_the_hub_refuses_is_told_without_showing_it(server: ChatServer, tmp_path: Path) -> None:
    server.status, server.body = 401, json.dumps({"error": f"Invalid token {TOKEN}"}).encode()
    told = run_beside(server, QUESTION.format(server.url), HF_TOKEN=TOKEN, HF_HOME=str(tmp_path))
    assert "did not accept your token; log in again with: hf auth login" in told
    server.status, server.body = 400, json.dumps({"error": f"Strange: Bearer {TOKEN}"}).encode()
    server.headers = {"Content-Type": "application/json"}
    again = run_beside(server, QUESTION.format(server.url), HF_TOKEN=TOKEN, HF_HOME=str(tmp_path))
    assert "refused the question (status 400: Strange: Bearer …)" in again
    assert TOKEN not in told + again


def test_without_a_login_nothing_is_sent(server: ChatServer, tmp_path: Path) -> None:
    told = run_beside(server, QUESTION.format(server.url), HF_HOME=str(tmp_path))
    assert "you are not logged in; log in with: hf auth login" in told
    assert server.asked == []


def test_a_token_of_another_house_is_told_before_anything_is_sent(server: ChatServer, tmp_path: Path) -> None:
    question = "propose('tiny', ['walking'], ProposalKind.NEGATIVE, 5)"
    told = run_beside(server, question, HF_TOKEN="sk-other", HF_HOME=str(tmp_path))
    assert "your token is not one of the Hub's; log in with: hf auth login" in told and "sk-other" not in told


def test_offline_mode_is_told_before_a_login_is_asked_for_or_anything_sent(server: ChatServer, tmp_path: Path) -> None:
    told = run_beside(server, QUESTION.format(server.url), HF_HUB_OFFLINE="1", HF_HOME=str(tmp_path))
    assert "cannot be asked because HF_HUB_OFFLINE is set; unset it" in told
    assert server.asked == []


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (400, {"error": {"message": "The requested model 'tiny' does not exist"}}, "is not served; choose one of"),
        (400, {"error": "max_tokens is too large for this model"}, r"status 400: max_tokens is too large for this m"),
        (401, {}, "wants a login; yours at the Hub is not shown to other servers"),
        (402, {"error": "You have exceeded your monthly credits"}, "your credit for language models is used up"),
        (403, {}, "wants a login"),
        (404, {}, "is not served"),
        (418, {}, r"refused the question \(status 418\); choose another model"),
        (429, {}, "was asked too often; wait a minute, then ask again"),
        (503, {}, r"is not available now \(status 503\); try again in a few minutes"),
    ],
)
def test_each_refusal_has_its_own_plain_message(
    server: ChatServer, status: int, body: dict[str, Any], message: str
) -> None:
    server.status, server.body, server.headers = status, json.dumps(body).encode(), {"Content-Type": "application/json"}
    with pytest.raises(LanguageModelError, match=message) as caught:
        ask(server)
    assert str(caught.value).startswith("language model 'tiny' at 127.0.0.1:")


def test_a_server_that_takes_too_long_and_one_that_is_not_there_are_told(server: ChatServer) -> None:
    server.delay_s = 0.5
    with pytest.raises(LanguageModelError, match="took too long to answer; try again, or choose a smaller model"):
        ask(server, timeout_s=0.1)
    with pytest.raises(LanguageModelError, match=r"cannot be reached \(ConnectError\); check the network"):
        propose("tiny", LABELS, ProposalKind.NEGATIVE, 10, endpoint="http://127.0.0.1:1")


@pytest.mark.parametrize(
    "body", [b"", b"<html>hello</html>", b"[]", b"{}", b'{"choices": []}', b'{"choices": null}', b'{"choices": [{}]}']
)
def test_an_answer_that_is_not_of_a_chat_model_is_told(server: ChatServer, body: bytes) -> None:
    server.body = body
    with pytest.raises(LanguageModelError, match="did not answer as a chat model does"):
        ask(server)


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "Sure! Here are some: an empty room, a wall",
        'Sure! ["an empty room"]',
        '["an empty room"',
        '{"negatives": ["an empty room"]}',
        '["an empty room", 5]',
        '["an empty room", ["a wall"]]',
        '"an empty room"',
        "[" * 100_000,
        json.dumps(["a wall"] * 5000),
    ],
)
def test_nonsense_is_refused(server: ChatServer, content: str | None) -> None:
    server.content = content
    with pytest.raises(LanguageModelError, match="did not answer with a list of texts; ask again, or choose another"):
        ask(server)


@pytest.mark.parametrize(
    "content", ["[]", '["", "  ", "..."]', '["Walking", "riding_a_bicycle"]', json.dumps(["a" * 61])]
)
def test_a_list_with_nothing_in_it_that_can_be_used_is_refused(content: str) -> None:
    with pytest.raises(LanguageModelError, match="proposed nothing that can be used"):
        parse(content, LABELS, 10)


def test_texts_are_cleaned_and_given_once_without_labels_and_long_ones() -> None:
    long_text, many_words = "x" * (MAX_CHARACTERS + 1), "a b c d e f g h i"
    texts = [
        "  an  empty\nroom. ",
        "An empty room",
        "WALKING",
        '"a wall"',
        "\x1b[31mred\x07",
        long_text,
        many_words,
        "- fog",
    ]
    assert parse(json.dumps(texts), LABELS, 10) == ["an empty room", "a wall", "[31mred", "fog"]
    assert parse(json.dumps(texts), LABELS, 2) == ["an empty room", "a wall"]


@pytest.mark.parametrize("wrapped", ["```json\n{}\n```", "```\n{}```", "<think>\nhm, [\n</think>\n\n{}", " \n{}\n"])
def test_a_fence_and_thoughts_around_the_list_are_no_nonsense(wrapped: str) -> None:
    assert parse(wrapped.replace("{}", '["a wall"]'), LABELS, 10) == ["a wall"]


@pytest.mark.parametrize("endpoint", ["", "ftp://127.0.0.1", "127.0.0.1:80", "http://", "http://[::1", "http://a:b"])
def test_an_address_that_is_none_is_told(endpoint: str) -> None:
    with pytest.raises(LanguageModelError, match="address cannot be read; write it like http://127.0.0.1:8080/v1"):
        propose("tiny", LABELS, ProposalKind.NEGATIVE, 10, endpoint=endpoint)


def test_the_secret_part_of_an_address_is_not_shown() -> None:
    with pytest.raises(LanguageModelError, match="at 127.0.0.1:1 cannot be reached") as caught:
        propose("tiny", LABELS, ProposalKind.NEGATIVE, 10, endpoint="http://me:secret@127.0.0.1:1/v1?key=secret")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("count", "labels"), [(0, LABELS), (51, LABELS), (5, []), (5, ["a"] * 501)])
def test_counts_out_of_bounds_are_refused_before_anybody_is_asked(
    server: ChatServer, count: int, labels: list[str]
) -> None:
    with pytest.raises(LanguageModelError, match="ask for 1 to 50 proposals for 1 to 500 labels"):
        propose("tiny", labels, ProposalKind.NEGATIVE, count, endpoint=server.url)
    assert server.asked == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"Jumping": ["a person leaves the ground"]}', {"jumping": ("a person leaves the ground",)}),
        ('```json\n{"jumping": "up", "flying": "x"}\n```', {"jumping": ("up",)}),
        ('{"jumping": ["up\\u0007 and\\n down", 3, "", "Up and down", "high"]}', {"jumping": ("up and down", "high")}),
        ('{"jumping": ["' + "long " * 31 + '", "short"]}', {"jumping": ("short",)}),
    ],
)
def test_proposed_descriptions_are_cleaned_and_only_of_labels_that_were_asked(
    text: str, found: dict[str, tuple[str, ...]]
):
    assert parse_descriptions(text, ["jumping", "climbing"], 2) == found


@pytest.mark.parametrize("text", ["[]", '["up"]', "sure! {}", '{"jumping": 3}', '{"flying": "x"}', '{"jumping": [""]}'])
def test_an_answer_that_holds_no_description_is_refused(text: str):
    with pytest.raises(LanguageModelError, match="ask again, or choose another model"):
        parse_descriptions(text, ["jumping"], 2)
