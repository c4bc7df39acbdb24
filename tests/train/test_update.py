from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from ga2app.clip import Backbone
from ga2app.clip.compute import Compute
from ga2app.config import OptimizerConfig, Precision, PromptConfig, RunConfig
from ga2app.errors import TrainingError
from ga2app.method.prompts import PromptLearner
from ga2app.training import checkpoint as checkpoints
from ga2app.training.optimizer import Updater
from ga2app.types import TrainingData

DATA = TrainingData((), (), ())
CPU32, CPU16 = (Compute(torch.device("cpu"), dtype) for dtype in (torch.float32, torch.float16))


def learner() -> PromptLearner:
    """Three prompts of two tokens: soft (2, 4), visual (1, 2, 4)."""
    config = PromptConfig(length=2, visual_depth=1, text_depth=1, coupled=False)
    return PromptLearner(config, 4, 4, generator=torch.Generator().manual_seed(1))


def updater(prompts: PromptLearner, compute: Compute = CPU32, max_norm: float = 0.0) -> Updater:
    return Updater(prompts, OptimizerConfig(max_gradient_norm=max_norm), compute)


def of_gradients(prompts: PromptLearner, soft: float, visual: float) -> Tensor:
    """A loss whose gradient is ``soft`` and ``visual`` everywhere on the prompts of that name."""
    assert prompts.soft is not None and prompts.visual is not None
    return soft * prompts.soft.sum() + visual * prompts.visual.sum()


def lengths(prompts: PromptLearner) -> list[float]:
    return [one.grad.abs().max().item() for one in (prompts.soft, prompts.visual) if one.grad is not None]


@pytest.mark.parametrize(
    ("max_norm", "soft", "visual"),
    [
        # 8 numbers of 3 and 8 of 4: the norm is sqrt(8 * 9 + 8 * 16) = sqrt(200) = 14.14
        (0.0, 3, 4),
        (20.0, 3, 4),
        (math.sqrt(2), 0.3, 0.4),
    ],
    ids=["off", "long enough", "a tenth"],
)
def test_the_norm_of_all_gradients_together_is_limited(max_norm: float, soft: float, visual: float) -> None:
    prompts = learner()
    one = updater(prompts, max_norm=max_norm)
    one.backward(of_gradients(prompts, 3, 4))
    assert one.limit_gradients().item() == pytest.approx(math.sqrt(200), rel=1e-4)
    assert lengths(prompts) == pytest.approx([soft, visual], rel=1e-4)


def test_gradients_are_limited_after_the_scale_of_the_loss_is_taken_out() -> None:
    prompts = learner()
    one = updater(prompts, CPU16, math.sqrt(2))
    one.backward(of_gradients(prompts, 3, 4))
    assert lengths(prompts) == [3 * 65536, 4 * 65536]
    assert one.limit_gradients().item() == pytest.approx(math.sqrt(200), rel=1e-4)
    assert lengths(prompts) == pytest.approx([0.3, 0.4], rel=1e-4)


def test_float32_is_not_scaled() -> None:
    prompts = learner()
    one = updater(prompts)
    one.backward(of_gradients(prompts, 3, 4))
    assert lengths(prompts) == [3, 4] and one.scale == 1 and one.scaling() == {}


def test_an_overflow_moves_nothing_and_halves_the_scale() -> None:
    prompts = learner()
    one = updater(prompts, CPU16)
    before = {name: tensor.clone() for name, tensor in prompts.state_dict().items()}
    one.backward(of_gradients(prompts, float("inf"), 4))
    assert math.isinf(one.limit_gradients().item())
    assert not one.step(0.1)
    assert one.scale == 32768 and not one.adam.state
    assert all(torch.equal(tensor, before[name]) for name, tensor in prompts.state_dict().items())
    one.clear()
    one.backward(of_gradients(prompts, 3, 4))
    one.limit_gradients()
    assert one.step(0.1)
    # The first step of Adam has the length of the rate, whatever the gradient; the weight decay takes rate * 0.001.
    for name, tensor in prompts.state_dict().items():
        assert torch.allclose(tensor, before[name] * (1 - 0.1 * 1e-3) - 0.1, atol=1e-6)


def test_a_scale_that_had_to_fall_counts_on_where_it_stood() -> None:
    first, second = (updater(learner(), CPU16) for _ in range(2))
    first.load_scaling({**first.scaling(), "scale": 512.0, "_growth_tracker": 1999})
    second.load_scaling(first.scaling())
    prompts = learner()
    third = updater(prompts, CPU16)
    third.load_scaling(second.scaling())
    third.backward(of_gradients(prompts, 3, 4))
    third.limit_gradients()
    assert third.step(0.1) and third.scale == 1024  # the 2000th good step in a row doubles it


def test_a_checkpoint_of_float32_goes_on_in_float16_with_a_fresh_scale(backbone: Backbone, tmp_path: Path) -> None:
    checkpoint, prompts = tmp_path / "checkpoint", learner()
    checkpoints.write(
        checkpoint, 3, RunConfig(precision=Precision.FLOAT32), DATA, backbone.identity, prompts, updater(prompts)
    )
    scaled = updater(prompts, CPU16)
    assert checkpoints.read(checkpoint, prompts, scaled) == checkpoints.Resumed(3, True, "float32")
    assert scaled.scale == 65536


def test_a_checkpoint_without_the_loss_scaling_is_named(tmp_path: Path) -> None:
    checkpoint, prompts = tmp_path / "checkpoint", learner()
    tensors = {f"prompt.{name}": tensor for name, tensor in prompts.tensors().items()}
    save_file(tensors, checkpoint, metadata={"step": "3", "settings": "{}"})
    with pytest.raises(TrainingError, match=r"is damaged \('scaling'\); begin anew at step 0"):
        checkpoints.read(checkpoint, prompts, updater(prompts))


def test_the_scaling_of_another_precision_is_refused() -> None:
    with pytest.raises(ValueError, match="its loss scaling holds"):
        updater(learner(), CPU16).load_scaling({})
