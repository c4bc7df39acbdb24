"""Each rung is a few switches on the settings of the whole method."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ga2app.config import LossConfig
from ga2app.config.presets import METHODS, ablation
from ga2app.errors import ConfigError
from ga2app.protocols.benchmark_methods import settings

WHOLE = settings("narrow")


def parts(name: str) -> tuple[bool, bool, int, bool]:
    """Whether there are visual prompts, coupling, how deep the text prompts go, and whether an anchor term is on."""
    config = ablation(name, WHOLE)
    prompts = config.prompts
    return bool(prompts.visual_depth), prompts.coupled, prompts.text_depth, config.losses.uses_anchors()


def test_each_rung_has_the_parts_of_its_name() -> None:
    deep = WHOLE.prompts.text_depth
    assert parts("coop") == (False, False, 1, False)
    assert parts("vpt") == (True, False, 0, False)
    assert parts("ivlp") == (True, False, deep, False)
    assert parts("coupled") == (True, True, deep, False)
    assert parts("ga2-released") == (True, True, deep, True)
    assert parts("ga2") == (True, True, deep, True)


def test_the_released_rung_is_the_published_term_alone() -> None:
    assert ablation("ga2-released", WHOLE).losses == LossConfig(released=1.0)


def test_only_the_whole_method_is_whitened_and_has_a_residual() -> None:
    for name in METHODS[1:-1]:
        assert not ablation(name, WHOLE).whitening.enabled and not ablation(name, WHOLE).prompts.zero_shot_ratio
    assert WHOLE.whitening.enabled and WHOLE.prompts.zero_shot_ratio


def test_the_last_rung_is_the_whole_method_untouched() -> None:
    assert ablation("ga2", WHOLE) == WHOLE


def test_everything_else_stays_the_same_on_every_rung() -> None:
    for name in METHODS[1:]:
        config = ablation(name, WHOLE)
        assert (config.optimizer, config.clips, config.seed) == (WHOLE.optimizer, WHOLE.clips, WHOLE.seed)
        assert config.prompts.length == WHOLE.prompts.length


@pytest.mark.parametrize("name", ["zero-shot", "ga3"])
def test_a_name_that_learns_nothing_or_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="choose one of coop, vpt, ivlp"):
        ablation(name, WHOLE)


def test_a_quick_look_trains_a_third_as_long_with_the_same_settings_otherwise() -> None:
    quick = settings("narrow", quick=True)
    assert (quick.optimizer.epochs, WHOLE.optimizer.epochs) == (5, 15)
    assert quick.optimizer.warmup_epochs / quick.optimizer.epochs == pytest.approx(1 / 6, rel=1e-4)
    assert replace(quick, optimizer=WHOLE.optimizer) == WHOLE
