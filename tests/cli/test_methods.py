"""``--method`` trains an ablation with the settings of a preset."""

from __future__ import annotations

import json

import pytest

from ga2app.cli.main import main


def printed(capsys: pytest.CaptureFixture[str], *options: str) -> dict:
    assert main(["train", "--preset", *options, "--print-config"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_rung_switches_parts_of_a_preset_off(capsys: pytest.CaptureFixture[str]) -> None:
    whole, rung = printed(capsys, "full"), printed(capsys, "full", "--method", "ivlp")
    assert whole["prompts"]["coupled"] and whole["prompts"]["residual"] and whole["objective"]["keep"]
    assert not rung["prompts"]["coupled"] and not rung["prompts"]["residual"] and not rung["objective"]["keep"]
    assert (
        rung["prompts"]["visual_depth"] == whole["prompts"]["visual_depth"] and rung["optimizer"] == whole["optimizer"]
    )


def test_a_rung_that_leaves_nothing_to_learn_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--preset", "quick", "--method", "vpt", "--print-config"]) == 1
    assert "nothing would be learned with both depths 0" in capsys.readouterr().err


def test_a_hard_prompt_for_a_rung_that_couples_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--preset", "full", "--method", "ivlp", "--hard-prompt", "random", "--print-config"]) == 1
    assert "leave --hard-prompt out" in capsys.readouterr().err
