from __future__ import annotations

import pytest
import torch

from ga2app.config import PromptConfig
from ga2app.errors import BundleError, ConfigError
from ga2app.method.prompts import PromptLearner


def learner(**changes: object) -> PromptLearner:
    config = PromptConfig(**{"length": 2, "visual_depth": 2, "text_depth": 3, "dropout": 0.0, **changes})
    return PromptLearner(config, 5, 3, generator=torch.Generator().manual_seed(0))


def test_each_depth_has_its_own_prompts_and_the_hard_prompt_is_no_parameter():
    shapes = {name: tuple(parameter.shape) for name, parameter in learner().named_parameters()}
    assert shapes == {
        "visual": (2, 2, 5),
        "soft": (2, 3),
        "text": (2, 2, 3),
        "coupling.weight": (3, 6),
        "coupling.bias": (3,),
    }
    assert "hard" in learner().tensors()


def test_switched_off_parts_have_no_parameters():
    assert set(dict(learner(text_depth=0, coupled=False).named_parameters())) == {"visual"}
    assert set(dict(learner(visual_depth=0, text_depth=1, coupled=False).named_parameters())) == {"soft"}
    assert not list(learner(visual_depth=0, text_depth=0, coupled=False).parameters())


def test_the_context_is_relu_of_a_linear_of_hard_beside_soft():
    prompts = learner(length=1)
    with torch.no_grad():
        prompts.hard.copy_(torch.tensor([[1.0, 0.0, 0.0]]))
        prompts.soft.copy_(torch.tensor([[0.0, 2.0, 0.0]]))
        prompts.coupling.weight.zero_()
        prompts.coupling.weight[0, 0] = 3.0  # output 0 = 3 · hard[0] = 3
        prompts.coupling.weight[1, 4] = 0.5  # output 1 = 0.5 · soft[1] = 1
        prompts.coupling.weight[2, 4] = -1.0  # output 2 = -2 + bias 1 = -1, and ReLU makes it 0
        prompts.coupling.bias.copy_(torch.tensor([0.0, 0.0, 1.0]))
    assert prompts.context().tolist() == [[3.0, 1.0, 0.0]]


def test_dropout_works_in_training_only():
    prompts = learner(dropout=0.9, length=50)
    kept = (prompts.eval().context() != 0).sum()
    assert (prompts.train().context() != 0).sum() < kept / 2


def test_the_seed_fixes_the_fresh_prompts():
    first, second = learner().tensors(), learner().tensors()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_hard_prompt_of_another_length_is_a_fault_of_its_field():
    config = PromptConfig(length=2, visual_depth=0, text_depth=1)
    with pytest.raises(ConfigError, match=r"prompts.hard_prompt: the hard prompt has shape \(4, 3\) .* needs \(2, 3\)"):
        PromptLearner(config, 5, 3, hard_prompt=torch.zeros(4, 3))


def test_tensors_that_do_not_fit_are_all_named():
    tensors = learner().tensors()
    del tensors["soft"]
    tensors["extra"] = torch.zeros(1)
    tensors["visual"] = torch.zeros(1, 2, 5)
    with pytest.raises(BundleError, match=r"soft is missing; extra is not expected; visual has shape \(1, 2, 5\)"):
        learner().load_tensors(tensors)
