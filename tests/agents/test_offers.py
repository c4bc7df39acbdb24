"""What a tool tells of its arguments, and how it refuses wrong ones."""

from __future__ import annotations

import jsonschema
import pytest

from ga2app.errors import ConfigError
from ga2app.web import Studio
from ga2app.web.mcp_agents import Tool, Tools
from tests.ui.studios import LABELS


@pytest.fixture
def offers(tools: Tools) -> dict[str, Tool]:
    return {name: Tool(tools, name) for name in Tools.NAMES}


def test_every_argument_and_every_field_of_the_answer_is_described_in_a_valid_schema(offers: dict[str, Tool]):
    for offer in offers.values():
        for schema in (offer.listed.input_schema, offer.listed.output_schema or {}):
            jsonschema.Draft202012Validator.check_schema(schema)
            assert schema["type"] == "object" and schema["properties"]
            assert all(one["description"] for one in schema["properties"].values())


def test_all_faults_of_the_arguments_are_told_at_once_each_with_what_is_right(offers: dict[str, Tool]):
    with pytest.raises(ConfigError) as refused:
        offers["recognize"].call({"top_k": 0, "none_of_these": "maybe", "colour": 1, "clips": ["a.mp4"]})
    told = {fault.field: fault.message for fault in refused.value.faults}
    assert told["labels"].startswith("is missing: what the clips may show, in plain words")
    assert told["top_k"].startswith("must be greater than or equal to 1 (it is 0): how many ")
    assert "'off', 'compete' or 'threshold' (it is \"maybe\")" in told["none_of_these"]
    assert told["colour"].startswith("is no argument of recognize, which takes: clips, labels, bundles")


def test_a_list_that_a_client_writes_as_json_text_is_read(offers: dict[str, Tool], studio: Studio):
    clips = f'["{studio.examples[0].path}"]'
    answer = offers["recognize"].call({"clips": clips, "labels": '["rowing a boat", "waving"]'})
    assert [one["label"] for one in answer["clips"][0]["plain"]] == ["rowing a boat", "waving"]
    jsonschema.validate(answer, offers["recognize"].listed.output_schema)


def test_a_text_that_only_looks_like_json_stays_a_text(offers: dict[str, Tool]):
    assert offers["list_bundles"].call({"search": "[draft]"}) == {"bundles": [], "total": 0}
    with pytest.raises(ConfigError, match="labels: must be a valid list"):
        offers["recognize"].call({"clips": ["a.mp4"], "labels": "[rowing, waving"})


def test_shares_are_short_and_add_up(offers: dict[str, Tool], studio: Studio):
    answer = offers["recognize"].call({"clips": [studio.examples[0].path], "labels": list(LABELS)})
    scores = [one["score"] for one in answer["clips"][0]["plain"]]
    assert scores == [round(score, 4) for score in scores]
    assert sum(scores) == pytest.approx(1, abs=1e-3)
