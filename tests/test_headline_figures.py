"""Figures with what they rest on: intervals with their arithmetic, what is so by construction, what is said."""

from __future__ import annotations

import numpy as np
import pytest

from ga2app.types import (
    SampleSize,
    cautions,
    defined,
    figure_text,
    harmonic_interval,
    harmonic_mean,
    intervals,
    read_tested,
    rests_on,
    to_counts,
    wilson,
    with_nulls,
)

MANY = {"base": SampleSize(80, 8), "novel": SampleSize(96, 16)}


@pytest.mark.parametrize(
    ("right", "clips", "low", "high"),
    # Newcombe, 1998, table I: the score method without continuity correction.
    [(81, 263, 25.53, 36.62), (15, 148, 6.24, 16.05), (0, 20, 0.0, 16.11), (1, 29, 0.61, 17.18)],
)
def test_the_interval_of_an_accuracy_is_the_published_one(right: int, clips: int, low: float, high: float) -> None:
    assert wilson(100 * right / clips, clips) == pytest.approx((low, high), abs=0.006)


def test_an_accuracy_of_100_percent_is_not_sure_either() -> None:
    # Of 5 clips all right: 5 / (5 + 1.96²) = 56.6
    assert wilson(100, 5) == pytest.approx((100 * 5 / (5 + 3.8415), 100), abs=0.01)


def test_the_interval_of_hm_follows_the_limits_of_both_sides() -> None:
    # b = n = 50: both derivatives of HM are 1/2, so that its half width is the sides' over √2.
    side = wilson(50, 40)
    found = harmonic_interval(50, 50, 40, 40)
    half = (side.high - 50) / 2**0.5
    assert found == pytest.approx((50 - half, 50 + half), rel=1e-4)
    assert harmonic_interval(0, 0, 10, 10).low == 0 and 0 < harmonic_interval(0, 0, 10, 10).high < 40
    assert harmonic_interval(100, 100, 5, 5) == pytest.approx(
        (100 - 0.5**0.5 * (100 - wilson(100, 5).low), 100), rel=1e-4
    )


@pytest.mark.parametrize(
    ("base", "novel", "clips"), [(0.8, 0.7, (80, 96)), (0.9, 0.3, (24, 12)), (0.5, 0.95, (10, 30))]
)
def test_the_interval_of_hm_holds_the_true_one_in_about_95_of_100_tests(
    base: float, novel: float, clips: tuple[int, int]
) -> None:
    rng = np.random.default_rng(0)
    truth, held = harmonic_mean(100 * base, 100 * novel), 0
    for right in zip(rng.binomial(clips[0], base, 2000), rng.binomial(clips[1], novel, 2000), strict=True):
        found = [100 * int(one) / count for one, count in zip(right, clips, strict=True)]
        interval = harmonic_interval(found[0], found[1], *clips)
        held += interval.low <= truth <= interval.high
    assert 0.93 <= held / 2000 <= 0.985


def test_with_one_label_on_a_side_there_is_no_figure_of_it_and_no_hm() -> None:
    metrics = {"base": 60.0, "novel": 100.0, "hm": 75.0, "all": 70.0}
    assert defined(metrics, {"base": 3, "novel": 1}) == {"base": 60.0, "all": 70.0}
    assert defined(metrics, {"base": 1, "novel": 4}) == {"novel": 100.0, "all": 70.0}
    assert defined(metrics, {"base": 3, "novel": 2}) == metrics == defined(metrics, {"base": 3, "novel": 0})
    assert with_nulls({"base": 60.0}) == {"base": 60.0, "novel": None, "hm": None}


def test_figures_are_told_with_their_intervals_and_what_they_rest_on() -> None:
    metrics = {"base": 87.5, "novel": 81.25, "hm": 84.26}
    assert figure_text("base", metrics, MANY) == "87.5 (78–93)"
    assert figure_text("base", metrics, {}) == "87.5" and figure_text("hm", {"base": 1.0}, MANY) == "–"
    assert rests_on(MANY) == "In parentheses: 95% interval, over 80 base test clips and 96 novel test clips."
    assert rests_on({"base": SampleSize(1, 2)}) == "In parentheses: 95% interval, over 1 base test clip."
    assert figure_text("base", {"base": 1e300}, {}).startswith("1") and not intervals({"base": 101.0}, MANY)
    assert intervals(metrics, MANY).keys() == {"base", "novel", "hm"} and intervals({"base": 50.0}, {}) == {}


def test_one_label_few_labels_and_few_clips_are_each_said() -> None:
    assert cautions(MANY) == []
    one, few, short = (
        cautions({"base": SampleSize(80, 8), "novel": tested})
        for tested in (SampleSize(96, 1), SampleSize(96, 3), SampleSize(5, 5))
    )
    assert len(one) == len(few) == len(short) == 1
    assert "only 1 novel label" in one[0] and "novel accuracy and HM are not given" in one[0]
    assert "only 3 novel labels: guessing alone is right in 33%" in few[0]
    assert "only 5 novel test clips: one clip more or less is 20 points" in short[0]


def test_counts_come_back_from_json_and_records_of_before_have_none() -> None:
    assert read_tested(to_counts(MANY)) == MANY
    for odd in (
        None,
        {},
        {"base": 3},
        {"base": {"clips": "4", "labels": 2}},
        {"base": {"clips": -1, "labels": 2}},
        [1],
    ):
        assert read_tested(odd) == {}
