"""The presets of the Train screen, among them those of the paper."""

from __future__ import annotations

import pytest

from ga2app.config import PRESETS, preset
from ga2app.errors import ConfigError
from ga2app.web import Studio
from ga2app.web.pages.train.train_settings import PRESET_HELP, PRESET_TITLES, preset_choices

from ..studios import add_dataset


def test_every_preset_has_a_title_and_help() -> None:
    assert PRESET_TITLES.keys() == PRESET_HELP.keys() == set(PRESETS)
    assert all(text.endswith(".") for text in PRESET_HELP.values())


def test_a_paper_preset_is_not_queued_before_its_hard_prompt_is_named(studio: Studio) -> None:
    add_dataset(studio, "hmdb51")
    with pytest.raises(ConfigError, match="prompts.hard_prompt: name the folder of a bundle trained on Kinetics-400"):
        studio.training.queue_config(preset("paper-hmdb"))
    assert studio.store.runs.list() == []


def test_a_preset_that_the_backbone_is_too_small_for_says_what_it_needs() -> None:
    titles = {name: title for title, name in preset_choices("sketch")}
    assert titles["paper-hmdb"] == "Paper HMDB-51 (needs 9 image layers)" and titles["full"] == "Full"
