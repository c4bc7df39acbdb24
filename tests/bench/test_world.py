"""Classes of the benchmark: disjoint, and drawn by the seed."""

from __future__ import annotations

import pytest

from benchmarks.base2novel import drawn_data as world
from benchmarks.base2novel.methods import SETTINGS
from ga2app.synthetic.actions import ACTIONS, HARD_PROMPT_ACTIONS


@pytest.mark.parametrize(("setting", "base"), [("narrow", 6), ("wide", 24)])
def test_base_and_novel_share_no_action_and_none_of_the_hard_prompts(setting: str, base: int) -> None:
    chosen, novel = world.classes(setting, 3)
    assert len(chosen) == base and len(chosen) + len(novel) == len(ACTIONS) - len(HARD_PROMPT_ACTIONS) == 47
    assert not set(chosen) & set(novel)
    assert not (set(chosen) | set(novel)) & set(HARD_PROMPT_ACTIONS)


def test_classes_change_with_the_seed_and_with_nothing_else() -> None:
    assert world.classes("narrow", 3) == world.classes("narrow", 3)
    assert len({world.classes("narrow", seed)[0] for seed in range(10)}) == 10


def test_the_command_offers_the_settings_that_there_are() -> None:
    assert tuple(world.BASE_CLASSES) == SETTINGS
