"""The presets of the Train screen, among them those of the paper."""

from __future__ import annotations

from typing import Any

import pytest

from ga2app.config import HARD_PROMPT_TO_NAME, PRESETS, preset
from ga2app.errors import ConfigError
from ga2app.web import Studio
from ga2app.web.pages.train.preset_choice import PRESET_HELP, PRESET_TITLES, preset_choices
from ga2app.web.pages.train.queueing import queue_config

from ..studios import Served, add_dataset


def test_every_preset_has_a_title_and_help() -> None:
    assert PRESET_TITLES.keys() == PRESET_HELP.keys() == set(PRESETS)
    assert all(text.endswith(".") for text in PRESET_HELP.values())


def test_a_paper_preset_is_not_queued_before_its_hard_prompt_is_named(studio: Studio) -> None:
    add_dataset(studio, "hmdb51")
    with pytest.raises(ConfigError, match="prompts.hard_prompt: name the folder of a bundle trained on Kinetics-400"):
        queue_config(studio, preset("paper-hmdb"))
    assert studio.store.runs.list() == []


@pytest.mark.browser
def test_a_paper_preset_fills_the_form_and_asks_for_its_hard_prompt(tab: Any, served: Served) -> None:
    expect = pytest.importorskip("playwright.sync_api").expect
    tab.goto(f"{served.address}/train")
    paper = tab.get_by_label("Paper HMDB-51 (needs 9 image layers)")
    expect(paper).to_be_disabled()
    expect(tab.locator("#preset")).to_contain_text("The gray ones need a larger backbone")
    tab.locator("#train-backbone input").click()
    tab.get_by_role("option", name="A real CLIP").click()
    tab.get_by_label("Paper HMDB-51").check()
    expect(tab.locator("#preset")).to_contain_text("The published run")
    expect(tab.locator("#set-optimizer-epochs input")).to_have_value("12")
    tab.locator("#queue").click()
    answer = tab.locator("#queue-answer")
    expect(answer).to_contain_text("1 setting needs a change")
    hard_prompt = tab.locator("#set-prompts-hard-prompt input")
    expect(hard_prompt).to_have_value(HARD_PROMPT_TO_NAME)
    hard_prompt.fill("bundles/k400")
    hard_prompt.press("Enter")
    expect(answer).to_contain_text("'bundles/k400' is not the folder of a prompt bundle")
    expect(tab.locator("#set-prompts-hard-prompt")).to_contain_text("choose one of the list, or 'random'")
    assert served.studio.store.runs.count() == 0


def test_a_preset_that_the_backbone_is_too_small_for_says_what_it_needs() -> None:
    titles = {name: title for title, name in preset_choices("sketch")}
    assert titles["quick"] == "Quick" and titles["full"] == "Full"
    assert titles["paper-k400"] == "Paper K400 (needs 9 image layers)"
    assert {title for title, _ in preset_choices("a backbone whose layers nobody knows")} == set(PRESET_TITLES.values())
