"""Windows become stretches by plain rules: a margin, gaps that are filled, and a shortest length."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ga2app.errors import ConfigError
from ga2app.types import StretchRules, TimedLabels

PLAIN = StretchRules(margin=0, gap_s=0, shortest_s=0)


def labeled(*shares: float, rules: StretchRules = PLAIN, none: Any = None, **more: Any) -> TimedLabels:
    """Windows of 2 s, one a second, in which "a" has these probabilities and "b" the rest."""
    rows = np.array([[share, 1 - share] for share in shares], np.float32)
    length = 1.0 + len(shares)
    asked: Any = {"start": 0.0, "end": length, "starts_s": np.arange(len(shares), dtype=float), **more}
    found = TimedLabels("a.mp4", "sketch", None, ("a", "b"), window_s=2, step_s=1, probabilities=rows,
                        none=None if none is None else np.array(none), **asked)  # fmt: skip
    return found.with_rules(rules)


def told(found: TimedLabels) -> list[tuple[float, float, str]]:
    return [(one.start, one.end, one.label) for one in found.stretches]


def test_a_window_speaks_for_the_step_round_its_middle_and_the_outer_ones_for_the_rest() -> None:
    found = labeled(0.9, 0.8, 0.1, 0.2)
    assert found.borders_s.tolist() == [0, 1.5, 2.5, 3.5, 5]
    assert told(found) == [(0, 2.5, "a"), (2.5, 5, "b")]
    assert [one.probability for one in found.stretches] == pytest.approx([0.85, 0.85])


def test_a_file_that_begins_later_has_its_own_times() -> None:
    found = labeled(0.9, 0.1, start=7.5, end=10.5, starts_s=np.array([7.5, 8.5]))
    assert told(found) == [(7.5, 9.0, "a"), (9.0, 10.5, "b")]


def test_a_label_stays_until_another_is_ahead_by_more_than_the_margin() -> None:
    assert told(labeled(0.9, 0.46, 0.9, rules=StretchRules(margin=0.1, gap_s=0, shortest_s=0))) == [(0, 4, "a")]
    assert len(told(labeled(0.9, 0.44, 0.9, rules=StretchRules(margin=0.1, gap_s=0, shortest_s=0)))) == 3


def test_below_the_threshold_nothing_is_said() -> None:
    assert told(labeled(0.9, 0.55, 0.9, rules=StretchRules(0.6, 0, 0, 0))) == [(0, 1.5, "a"), (2.5, 4, "a")]


def test_a_gap_between_two_stretches_of_one_label_is_filled_up_to_its_length() -> None:
    shares, none = (0.9, 0.9, 0.9), [False, True, False]
    assert told(labeled(*shares, none=none, rules=StretchRules(margin=0, gap_s=1, shortest_s=0))) == [(0, 4, "a")]
    assert len(told(labeled(*shares, none=none, rules=StretchRules(margin=0, gap_s=0.9, shortest_s=0)))) == 2
    other = labeled(0.9, 0.9, 0.1, none=none, rules=StretchRules(margin=0, gap_s=1, shortest_s=0))
    assert told(other) == [(0, 1.5, "a"), (2.5, 4, "b")]


def test_a_stretch_that_is_too_short_goes_to_the_longer_neighbor() -> None:
    found = labeled(0.9, 0.9, 0.9, 0.1, 0.9, rules=StretchRules(margin=0, gap_s=0, shortest_s=1.5))
    assert told(found) == [(0, 6, "a")]
    empty = labeled(0.9, 0.9, 0.9, none=[True, False, True], rules=StretchRules(margin=0, gap_s=0, shortest_s=1.5))
    assert told(empty) == []


def test_other_rules_need_no_other_answer() -> None:
    found = labeled(0.9, 0.4, 0.9)
    again = found.with_rules(StretchRules(margin=0.5))
    assert len(found.stretches) == 3 and len(again.stretches) == 1 and again.probabilities is found.probabilities


def test_ten_thousand_turns_are_settled() -> None:
    shares = np.random.default_rng(0).uniform(0, 1, 14_400)
    found = labeled(*shares, rules=StretchRules(margin=0, gap_s=0, shortest_s=3))
    assert all(one.end - one.start >= 3 for one in found.stretches)
    assert [one.start for one in found.stretches[1:]] == [one.end for one in found.stretches[:-1]]


def test_the_document_holds_stretches_and_the_best_label_of_each_window() -> None:
    document = labeled(0.75, 0.25, none=[False, True]).to_dict()
    assert document["stretches"] == [{"start": 0.0, "end": 1.5, "label": "a", "probability": 0.75}]
    assert [(one["start"], one["end"], one["label"]) for one in document["windows"]] == [
        (0, 2, "a"),
        (1, 3, "none of these"),
    ]


@pytest.mark.parametrize(("field", "value"), [("threshold", 1.5), ("margin", -0.1), ("gap_s", float("nan"))])
def test_rules_out_of_range_are_refused(field: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"{field}: must be between 0 and"):
        StretchRules(**{field: value})
