"""The tools over MCP: a real client on a real socket."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import httpx
import pytest
from mcp import Client
from mcp.types import CallToolResult, Tool

from ga2app.web.mcp_agents import PATH

from ..studios import LABELS, Served, add_bundle


def spoken(served: Served, talk: Callable[[Client], Awaitable[Any]], mode: str = "auto") -> Any:
    """What ``talk`` has of a client that is connected: on a thread of its own, for Playwright keeps a loop in this."""

    async def connected() -> Any:
        async with Client(served.address + PATH, mode=mode) as client:
            return await talk(client)

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(anyio.run, connected).result()


def call(served: Served, tool: str, **arguments: Any) -> CallToolResult:
    answer = spoken(served, lambda client: client.call_tool(tool, arguments))
    assert isinstance(answer, CallToolResult)
    return answer


def answered(served: Served, tool: str, **arguments: Any) -> dict[str, Any]:
    """The answer of a call that must succeed."""
    answer = call(served, tool, **arguments)
    assert not answer.is_error, text(answer)
    assert json.loads(text(answer)) == answer.structured_content
    told: dict[str, Any] = answer.structured_content
    return told


def text(answer: CallToolResult) -> str:
    (block,) = answer.content
    return block.text  # type: ignore[union-attr]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_four_tools_are_offered_and_nothing_else_of_the_studio(served: Served, mode: str) -> None:
    tools: list[Tool] = spoken(served, lambda client: client.list_tools(), mode).tools
    assert [tool.name for tool in tools] == ["recognize", "list_bundles", "queue_run", "run_status"]
    recognize, _, queue_run, run_status = tools
    assert (recognize.description or "").startswith("Recognize clips with")
    assert "from 0 to 1" in recognize.input_schema["properties"]["threshold"]["description"]
    assert "in percent" in (run_status.output_schema or {})["properties"]["metrics"]["description"]
    assert "settings that cannot be used" in (queue_run.description or "")
    assert [tool.name for tool in tools if tool.annotations and not tool.annotations.read_only_hint] == ["queue_run"]


def test_an_answer_comes_as_an_object_and_as_the_same_in_json(served: Served) -> None:
    add_bundle(served.studio)
    assert answered(served, "list_bundles")["total"] == 1
    clips = [served.studio.examples[1].path]
    (seen,) = answered(served, "recognize", clips=clips, labels=list(LABELS), bundles=["tuned"])["clips"]
    assert seen["file"] == clips[0] and seen["bundles"][0]["bundle"] == "tuned"
    listed = [f"{LABELS[0]}, slowly", LABELS[1]]
    (seen,) = answered(served, "recognize", clips=clips, labels=listed)["clips"]
    assert [one["label"] for one in seen["plain"]] == listed
    queued = answered(served, "queue_run", config={"optimizer": {"epochs": 3}}, name="by an agent")
    status = answered(served, "run_status", run=queued["run"])
    assert (status["state"], status["name"]) == ("queued", "by an agent") and served.woken


@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        ("run_status", {"run": 99}, "there is no run 99; it may have been deleted"),
        ("run_status", {"run": "first"}, "run: must be a valid integer"),
        ("run_status", {}, "run: is missing: the number that queue_run gave"),
        ("recognize", {"clips": ["/no.mp4"], "labels": ["a", "b"]}, "'/no.mp4': there is no such file on the studio's"),
        (
            "queue_run",
            {"config": {"backbone": "/etc"}},
            "backbone '/etc' is not on this machine; choose one of: sketch",
        ),
        ("stop_run", {"run": 1}, "there is no tool 'stop_run'; there are: recognize, list_bundles, queue_run"),
    ],
)
def test_an_error_arrives_as_its_message(served: Served, tool: str, arguments: dict[str, Any], told: str) -> None:
    answer = call(served, tool, **arguments)
    assert answer.is_error and told in text(answer) and answer.structured_content is None


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"top_k": 0}, "top_k: must be greater than or equal to 1 (it is 0)"),
        ({"top_k": -5}, "top_k: must be greater than or equal to 1 (it is -5)"),
        ({"labels": ["walking", "a" * (1 << 20)]}, "has 1,048,576 characters, 1,000 are the most; use fewer words"),
        ({"templates": ["a {}."] * 10_000}, "there are 10,000 sentences; 100 are the most, use fewer"),
    ],
)
def test_an_agent_that_asks_for_too_much_is_told_in_a_short_sentence(
    served: Served, asked: dict[str, Any], told: str
) -> None:
    clips = [served.studio.examples[0].path]
    answer = call(served, "recognize", **{"clips": clips, "labels": ["walking", "running"], **asked})
    assert answer.is_error and told in text(answer) and len(text(answer)) < 300


def test_a_fault_of_the_program_is_told_as_one_without_its_insides(served: Served) -> None:
    answer = call(served, "recognize", clips=[served.studio.examples[0].path], labels=["boom", "run"])
    assert answer.is_error and "recognize failed because of a fault of the program (ZeroDivisionError;" in text(answer)
    assert "a bug" not in text(answer)


def test_a_web_page_under_another_name_cannot_reach_the_tools(served: Served) -> None:
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    accept = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}

    def status(path: str, **headers: str) -> int:
        return httpx.post(served.address + path, json=asked, headers=accept | headers).status_code

    for path in (PATH, f"{PATH}/"):
        assert status(path) == 200
        assert status(path, Host="evil.example") == 421
        assert status(path, Origin="http://evil.example") == 403


def test_a_browser_is_told_what_this_address_is_for(served: Served) -> None:
    answer = httpx.get(served.address + PATH)
    assert answer.status_code == 405 and "Here agents speak MCP" in answer.text
