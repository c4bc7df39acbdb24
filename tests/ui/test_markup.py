"""Small pieces of HTML and figures in words."""

import pytest

from ga2app.types import LabelKind, RunState
from ga2app.web.components.markup import (
    ago,
    badge,
    chips,
    duration,
    kind_mark,
    notice,
    notices,
    percent,
    size,
)

EVIL = "<img src=x onerror=\"alert('x')\">"


def test_text_is_escaped_for_attributes_too() -> None:
    assert "&lt;img src=x onerror=&#34;alert(&#39;x&#39;)&#34;&gt;" in notice("error", EVIL)


def test_notices_escape_what_they_are_told() -> None:
    for html in (notice("error", EVIL, EVIL), notices("warning", [EVIL, EVIL], EVIL), chips([EVIL], LabelKind.BASE)):
        assert "<img" not in html
        assert "&lt;img" in html


def test_no_text_is_no_notice() -> None:
    assert notice("error", "") == notices("warning", []) == ""


def test_an_error_is_announced_at_once() -> None:
    assert 'role="alert"' in notice("error", "no")
    assert 'role="status"' in notice("info", "yes")


def test_states_differ_in_class_icon_and_word() -> None:
    badges = [badge(state) for state in RunState]
    icons = {html.split("<svg")[1].split("</svg>")[0] for html in badges}
    assert len(icons) == len(RunState)
    assert all(
        f">{state.value}</span>" in html.replace("</svg>", ">") for state, html in zip(RunState, badges, strict=True)
    )


def test_a_mark_explains_itself() -> None:
    assert 'title="novel: ' in kind_mark(LabelKind.NOVEL)


def test_many_chips_are_cut_with_their_number() -> None:
    html = chips([f"label {place}" for place in range(70)], LabelKind.NOVEL)
    assert html.count("<li") == 61
    assert "and 10 more" in html


@pytest.mark.parametrize(
    ("share", "text"),
    [(1.0, "100%"), (0.4567, "46%"), (0.0996, "10%"), (0.031, "3.1%"), (0.0004, "<0.1%"), (0.0, "0.0%")],
)
def test_shares_in_percent(share: float, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0 s"), (59.4, "59 s"), (61, "1 min 01 s"), (3600, "1 h 00 min"), (9000, "2 h 30 min")]
)
def test_spans_of_time(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("then_s", "text"), [(1000.0, "just now"), (880.0, "2 minutes ago"), (-3000.0, "1 hour ago"), (2000.0, "just now")]
)
def test_how_long_ago(then_s: float, text: str) -> None:
    assert ago(then_s, now_s=1000.0) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 bytes"), (2048, "2.0 KiB"), (20 << 20, "20 MiB"), (3 << 30, "3.0 GiB")]
)
def test_sizes_are_told_in_the_unit_that_suits_them(count: int, text: str) -> None:
    assert size(count) == text
