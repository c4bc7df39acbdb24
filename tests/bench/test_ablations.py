"""Each rung is a few switches on the settings of the whole method."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from benchmarks.base2novel.methods import settings
from ga2app.config import LossConfig, RunConfig, WhiteningConfig, preset
from ga2app.config.presets import METHOD_TITLES, METHODS, ablation, method_of
from ga2app.errors import ConfigError
from ga2app.method.losses import Features, loss

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
    assert parts("ga2") == parts("ga2-plus") == (True, True, deep, True)


def test_the_released_rung_is_the_published_term_alone() -> None:
    assert ablation("ga2-released", WHOLE).losses == LossConfig(released=1.0)


def test_only_the_whole_method_is_whitened_and_has_a_residual() -> None:
    for name in METHODS[1:-1]:
        assert not ablation(name, WHOLE).whitening.enabled and not ablation(name, WHOLE).prompts.zero_shot_ratio
    assert WHOLE.whitening.enabled and WHOLE.prompts.zero_shot_ratio


def test_the_last_rung_is_the_whole_method_untouched() -> None:
    assert ablation("ga2-plus", WHOLE) == WHOLE


def test_ga2_is_coupled_prompts_and_the_papers_anchor_term_and_nothing_else() -> None:
    ga2, coupled = ablation("ga2", WHOLE), ablation("coupled", WHOLE)
    assert ga2.losses == LossConfig(anchor_distillation=1.0, attributes=False, anchors_per_step=1)
    assert replace(ga2, losses=coupled.losses) == coupled


def test_the_anchor_of_ga2_has_a_gradient_and_that_of_ga2_released_has_none() -> None:
    torch.manual_seed(0)
    v, w, a0, n = (functional.normalize(torch.randn(rows, 5), dim=1) for rows in (3, 4, 1, 1))
    found = {}
    for name in ("ga2-released", "ga2"):
        a = functional.normalize(a0 + torch.full_like(a0, 0.3), dim=1).requires_grad_()
        features = Features(v, w, anchors=a, frozen_anchors=a0, negatives=n, frozen_generic=torch.cat([n, w]))
        loss(ablation(name, WHOLE).losses, features, torch.tensor([0, 1, 2]), 10.0).anchor.backward()
        found[name] = float(a.grad.abs().max())
    assert found["ga2-released"] == 0 and found["ga2"] > 0.1


def test_the_preset_ga2_is_full_with_the_parts_of_the_papers_method_alone() -> None:
    for backbone in ("sketch", "openai/clip-vit-base-patch16"):
        full, ga2 = preset("full", backbone), preset("ga2", backbone)
        assert ga2 == ablation("ga2", full) and method_of(ga2) == "ga2" and method_of(full) == "ga2-plus"


@pytest.mark.parametrize("name", METHODS[1:])
def test_the_settings_of_a_method_are_called_by_its_name(name: str) -> None:
    config = ablation(name, WHOLE)
    assert method_of(config) == name and METHOD_TITLES[name]
    assert method_of(RunConfig.from_dict(config.to_dict())) == name


def test_settings_of_before_are_called_what_they_are() -> None:
    """The presets of version 0.1.0, which said ``ga2``, and each of their parts alone."""
    wide = ablation("ga2", WHOLE)
    for config in (
        preset("full"),
        preset("quick"),
        replace(wide, losses=replace(wide.losses, attributes=True)),
        replace(wide, losses=LossConfig(anchor_distillation=0.3, text_distillation=4.0)),
        replace(wide, losses=LossConfig(), whitening=WhiteningConfig(enabled=True)),
        replace(wide, prompts=replace(wide.prompts, zero_shot_ratio=0.3)),
    ):
        assert method_of(config) == "ga2-plus"
    assert method_of(preset("paper-hmdb")) == "ga2-released"


def test_ga2_of_settings_in_which_no_clip_moves_is_refused_with_what_to_do() -> None:
    with pytest.raises(ConfigError, match="without visual prompts no clip moves; take .* or the method 'coupled'"):
        ablation("ga2", preset("quick"))


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
