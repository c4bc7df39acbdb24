"""``--method`` trains an ablation with the settings of a preset."""

from __future__ import annotations

import json

import pytest

from ga2app.cli.main import main
from ga2app.config import RunConfig
from ga2app.config.presets import PAPER_LOSSES, method_of


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


def test_ga2_is_the_papers_method_and_those_who_know_it_as_ours_are_told(capsys: pytest.CaptureFixture[str]):
    assert main(["train", "--preset", "full", "--method", "ga2", "--print-config"]) == 0
    said = capsys.readouterr()
    config = RunConfig.from_dict(json.loads(said.out))
    assert method_of(config) == "ga2" and config.losses == PAPER_LOSSES and not config.whitening.enabled
    assert said.err.endswith("note: ga2 is the paper's method; what was called ga2 up to version 0.1.0 is ga2-plus\n")


def test_ga2_plus_is_the_preset_as_it_is_and_needs_no_word(capsys: pytest.CaptureFixture[str]):
    assert printed(capsys, "full", "--method", "ga2-plus") == printed(capsys, "full")
    assert "note" not in capsys.readouterr().err


def test_ga2_of_the_quick_preset_says_what_to_name_instead(capsys: pytest.CaptureFixture[str]):
    assert main(["train", "--preset", "quick", "--method", "ga2", "--print-config"]) == 1
    assert "the method 'coupled' or 'ga2-plus'" in capsys.readouterr().err
