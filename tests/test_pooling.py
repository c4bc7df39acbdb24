"""Order-aware pooling: it begins as the mean, sees the order of frames, and takes any number of them."""

from __future__ import annotations

import pytest
import torch

from ga2app.config import Pooling, PromptConfig
from ga2app.method.pooling import COUNT, OrderedPooling, moments
from ga2app.method.prompts import PromptLearner


def frames(count: int, width: int = 6) -> torch.Tensor:
    return torch.randn(3, count, width, generator=torch.Generator().manual_seed(count))


def trained(width: int = 6) -> OrderedPooling:
    """A pooling whose order term is not nothing."""
    generator = torch.Generator().manual_seed(5)
    pooling = OrderedPooling(width, generator)
    with torch.no_grad():
        pooling.gain.normal_(generator=generator)
        pooling.writes.normal_(generator=generator)
    return pooling


@pytest.mark.parametrize("count", [1, 2, 3, 4, 8, 33])
def test_it_begins_as_the_mean_to_the_bit(count: int) -> None:
    clips = frames(count)
    assert torch.equal(OrderedPooling(6)(moments(clips)), clips.mean(dim=-2))
    ordered = PromptLearner(PromptConfig(2, 0, 1, coupled=False, pooling=Pooling.ORDERED), 4, 4, 6)
    assert torch.equal(ordered.pool(clips), clips.mean(dim=-2))


@pytest.mark.parametrize("count", [2, 3, 4, 8, 33])
def test_a_clip_that_runs_backward_has_the_opposite_order_term(count: int) -> None:
    pooling, clips = trained(), frames(count)
    there, back = pooling(moments(clips)), pooling(moments(clips.flip(-2)))
    mean = clips.mean(dim=-2)
    torch.testing.assert_close(there - mean, mean - back, rtol=1e-4, atol=1e-5)
    assert float((there - back).detach().abs().max()) > 0.1


def test_a_clip_that_stands_still_and_a_single_frame_have_none() -> None:
    pooling, still = trained(), frames(1).expand(3, 7, 6)
    torch.testing.assert_close(pooling(moments(still)), still[:, 0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(pooling(moments(frames(1))), frames(1)[:, 0], rtol=1e-4, atol=1e-5)


def test_a_clip_shown_slower_has_the_moments_that_it_had_in_the_limit() -> None:
    """Each frame twice: what changes over the clip does so at the same share of it."""
    clips = frames(40)
    slower = clips.repeat_interleave(2, dim=-2)
    assert moments(clips).shape == (3, COUNT, 6)
    torch.testing.assert_close(moments(slower), moments(clips), rtol=0.0, atol=0.01)


def test_every_parameter_learns_from_the_second_step_on() -> None:
    pooling, clips = OrderedPooling(6, torch.Generator().manual_seed(1)), frames(4)
    adam = torch.optim.AdamW(pooling.parameters(), lr=0.1)
    for _ in range(2):
        adam.zero_grad()
        (pooling(moments(clips))[..., 0] - pooling(moments(clips.flip(-2)))[..., 0]).sum().backward()
        adam.step()
    assert all(bool(one.grad is not None and one.grad.abs().max() > 0) for one in pooling.parameters())


def test_a_seed_draws_the_same_prompts_with_and_without_it() -> None:
    plain = PromptConfig(2, 1, 2)
    one, other = (
        PromptLearner(config, 4, 4, 6, generator=torch.Generator().manual_seed(3)).tensors()
        for config in (plain, PromptConfig(2, 1, 2, pooling=Pooling.ORDERED))
    )
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert {name for name in other if name not in one} == {"pooling.gain", "pooling.reads", "pooling.writes"}
