"""Means, deviations and intervals, with the arithmetic written out."""

from __future__ import annotations

import math

import pytest

from benchmarks.base2novel.report import paired_difference
from ga2app.evaluation import spread


def test_a_spread_is_mean_and_sample_deviation() -> None:
    # mean of 1, 2, 6 is 3; squares 4 + 1 + 9 = 14, by n - 1 = 2
    found = spread([1.0, 2.0, 6.0])
    assert found.mean == 3.0 and found.std == pytest.approx(math.sqrt(7), rel=1e-4)
    assert str(found) == "3.0 ± 2.6"


def test_a_single_figure_has_no_deviation() -> None:
    assert spread([4.0]).std is None and str(spread([4.0])) == "4.0"


def test_the_interval_of_a_paired_difference_uses_students_t() -> None:
    # differences 1, 3: mean 2, deviation sqrt(2), standard error 1, t(1 degree of freedom) = 12.706
    found = paired_difference([5.0, 8.0], [4.0, 5.0])
    assert (found.mean, found.low, found.high) == pytest.approx((2.0, 2.0 - 12.706, 2.0 + 12.706), rel=1e-4)
    assert not found.clear


def test_pairs_count_not_the_spread_over_seeds() -> None:
    # the seeds differ by tens, each pair by about 2: ten differences of 1.9 or 2.1
    others = [10.0 * seed for seed in range(10)]
    ours = [other + 2 + (0.1 if seed % 2 else -0.1) for seed, other in enumerate(others)]
    found = paired_difference(ours, others)
    # deviation 0.1 · sqrt(10/9), by sqrt(10), times t(9) = 2.262
    half = 2.262 * 0.1 * math.sqrt(10 / 9) / math.sqrt(10)
    assert (
        found.clear
        and found.low == pytest.approx(2 - half, rel=1e-4)
        and found.high == pytest.approx(2 + half, rel=1e-4)
    )


def test_one_pair_has_no_interval_and_is_never_clear() -> None:
    found = paired_difference([5.0], [4.0])
    assert (found.mean, found.low, found.clear, str(found)) == (1.0, None, False, "+1.0")


def test_pairs_have_to_match() -> None:
    with pytest.raises(ValueError):
        paired_difference([1.0, 2.0], [1.0])
