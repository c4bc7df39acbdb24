"""The timeline of a video: bars on lanes by label, bounded in number, and a table for whoever cannot see them."""

from __future__ import annotations

import re

import pytest

from ga2app.web.components.timeline import MOST_BARS, MOST_LANES, MOST_ROWS, Bar, clock, timeline_html


def bars_of(html: str) -> list[tuple[str, float, float]]:
    """State, left and width in percent of each bar in a lane."""
    found = re.findall(r'class="bar (\w+)" style="left:([\d.]+)%;width:([\d.]+)%', html)
    return [(state, float(left), float(width)) for state, left, width in found]


def test_a_stretch_is_a_bar_where_it_lies_in_the_lane_of_its_label():
    some = [Bar(0, 5, "run"), Bar(5, 10, "run"), Bar(2, 4, "jump", 0.5)]
    html = str(timeline_html("a.mp4", some, 10.0))
    assert bars_of(html) == [("in", 0, 50), ("in", 50, 50), ("in", 20, 20)]
    assert [name.strip() for name in re.findall(r'aria-label="(\w+): ', html)] == ["run", "jump"]
    assert 'title="jump: 2 s to 4 s, 50%"' in html and 'aria-label="run: 0 s to 5 s, 5 s to 10 s"' in html
    assert "3 stretches of 2 labels in 10 s" in html


def test_a_video_that_does_not_begin_at_zero_has_the_axis_of_its_own_clock():
    html = str(timeline_html("a.ts", [Bar(3605, 3607.5, "run")], 3610.0, 3600.0))
    assert bars_of(html) == [("in", 50, 25)]
    assert '<span style="left:0.00%">1:00:00</span>' in html


def test_what_is_cut_or_left_out_has_its_color_its_reason_and_a_legend():
    some = [Bar(0, 4, "run", state="cut", note="was 0 to 9 s"), Bar(6, 4, "run", state="out", note="is reversed"),
            Bar(9, 99, "run", state="out", note="lies outside")]  # fmt: skip
    html = str(timeline_html("a.mp4", some, 8.0))
    assert bars_of(html) == [("cut", 0, 40), ("out", 40, 20), ("out", 90, 10)]
    assert "cut to the video" in html and "<td>left out: is reversed</td>" in html
    assert 'class="past" style="left:80.00%"' in html


def test_ten_thousand_stretches_are_few_bars_that_say_how_many_they_are():
    many = [Bar(at * 0.7, at * 0.7 + 0.5, f"label {at % 50}", 0.4) for at in range(10_000)]
    html = str(timeline_html("day.mp4", many, 7000.0))
    assert 0 < len(bars_of(html)) <= MOST_BARS and html.count('class="lane"') == MOST_LANES
    assert "21 other labels" in html and "10,000 stretches of 50 labels" in html
    assert re.search(r"[\d,]+ stretches share bars: they overlap, or lie closer than 1:40", html)
    assert html.count("<tr><td>") == MOST_ROWS and "and 9,500 stretches more" in html
    assert len(html) < 1_000_000


def test_labels_and_names_are_text_and_no_markup():
    html = str(timeline_html("<img src=x>", [Bar(0, 1, '"><script>alert(1)</script>', note="<b>")], 2.0))
    assert "<script" not in html and "<img" not in html and "<b>" not in html


@pytest.mark.parametrize(
    "time_s, told",
    [(0, "0 s"), (4.25, "4.25 s"), (59.9996, "1:00"), (62.5, "1:02.5"), (119.9999, "2:00"), (3602, "1:00:02")],
)
def test_a_time_is_told_in_minutes_from_the_first_minute_on(time_s: float, told: str):
    assert clock(time_s) == told


def test_a_timeline_without_stretches_or_length_is_still_one():
    assert "0 stretches of 0 labels" in str(timeline_html("a.mp4", [], 0.0))
