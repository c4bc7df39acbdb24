"""Curves and bars."""

import math
import re

import pytest

from ga2app.web.components.charts import Line, compare_bars, line_chart, nice_ticks, smooth, thin


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(0.0, 1.0, [0.0, 0.25, 0.5, 0.75, 1.0]), (58.0, 89.0, [50, 60, 70, 80, 90]), (0.1, 2.9, [0, 1, 2, 3])],
)
def test_ticks_are_round_and_enclose_the_values(low: float, high: float, ticks: list[float]) -> None:
    assert nice_ticks(low, high) == ticks


def test_ticks_of_a_constant_and_of_zero_have_a_width() -> None:
    for value in (0.0, 5.0, -3.0, 1e-12):
        ticks = nice_ticks(value, value)
        assert ticks[0] < ticks[-1]


def test_nothing_measured_is_no_chart() -> None:
    assert line_chart("Loss", [], x_name="step") == ""
    assert line_chart("Loss", [Line("total", "t", [], 3.0)], x_name="step") == ""


def test_a_chart_says_in_words_what_it_shows() -> None:
    html = line_chart("Accuracy", [Line("HM", "hm", [(1, 60.0), (2, 66.06)], 54.5)], x_name="epoch", unit="%")
    assert 'role="img"' in html
    assert "HM now 66.1%, zero-shot CLIP 54.5%" in html
    assert "<title>Accuracy</title>" in html
    assert "dashed" in html


def test_names_are_escaped() -> None:
    html = line_chart("<b>", [Line("<i>", "t", [(0, 1.0), (1, 2.0)])], x_name="<u>")
    assert not re.search(r"<[biu]>(?!\d)", html.replace("<b>2.0</b>", ""))


def test_values_that_are_no_numbers_are_left_out() -> None:
    html = line_chart("Loss", [Line("total", "t", [(0, 1.0), (1, math.nan), (2, math.inf), (3, 2.0)])], x_name="step")
    assert "nan" not in html and "inf" not in html
    assert html.count(" L") == 1 + html.count('class="grid"')


def test_all_points_lie_in_the_plot() -> None:
    html = line_chart("Loss", [Line("total", "t", [(i, math.sin(i) * 3) for i in range(50)], 4.0)], x_name="step")
    for x, y in re.findall(r"[ML](-?[\d.]+),(-?[\d.]+)", html):
        assert 0 <= float(x) <= 1000
        assert 0 <= float(y) <= 400


def test_one_point_is_a_dot() -> None:
    assert 'class="dot' in line_chart("Loss", [Line("total", "t", [(1, 1.0)])], x_name="step")


def test_thinning_keeps_the_last_point_and_the_mean() -> None:
    points = [(float(i), float(i)) for i in range(10_000)]
    thinned = thin(points)
    assert len(thinned) <= 301
    assert thinned[-1] == points[-1]
    assert thinned[0] == (16.5, 16.5)  # the mean of 0 … 33: 34 neighbors make one of 299 groups


def test_smoothing_weighs_the_past_less_and_starts_without_bias() -> None:
    assert smooth([(0, 4.0), (1, 2.0)], 1) == [(0, 4.0), (1, 2.0)]
    # span 2 halves the past: (4/2 + 1) / (1/2 + 1) = 2
    assert smooth([(0, 4.0), (1, 1.0)], 2) == [(0, 4.0), (1, 2.0)]
    assert smooth([(0, 4.0), (1, math.nan), (2, 1.0)], 2)[-1] == (2, 2.0)


def test_bars_show_before_after_and_the_change() -> None:
    html = compare_bars(
        "After", [("Base", "base", 58.3, 88.9), ("Novel", "novel", 61.2, 58.1), ("HM", "hm", None, None)]
    )
    assert "+30.6" in html and 'class="change up"' in html
    assert "\u22123.1" in html and 'class="change down"' in html
    assert "HM" not in html
    assert compare_bars("After", []) == ""
