from __future__ import annotations

import math

import pytest

from ga2app.training.optimizer import learning_rate


def test_the_rate_rises_linearly_from_zero_and_falls_along_a_cosine_to_zero():
    rates = [learning_rate(step, 12, 4, 1.0) for step in range(13)]
    assert rates[:5] == [0.0, 0.25, 0.5, 0.75, 1.0]
    # 8 steps of cosine after the warm-up: step 8 is half-way, step 6 a quarter of the way
    assert rates[8] == pytest.approx(0.5, rel=1e-4)
    assert rates[6] == pytest.approx(0.5 * (1 + math.cos(math.pi / 4)), rel=1e-4)
    assert rates[12] == pytest.approx(0, abs=1e-12)


def test_without_warm_up_the_first_step_has_the_full_rate():
    assert learning_rate(0, 10, 0, 0.3) == 0.3
