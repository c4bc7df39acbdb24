"""The comparison that other tests rely on: rounding passes, everything else is told with its place."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from tests.approx import same_record


@dataclass(frozen=True)
class Answer:
    label: str
    score: float
    curve: tuple[float, ...]
    more: dict[str, object]


ONE = Answer("walking", 0.5, (0.25, 0.75), {"clips": 3, "features": torch.tensor([1.0, 1e-9])})


def test_rounding_anywhere_in_a_record_is_no_difference():
    other = Answer("walking", 0.50001, (0.25, 0.75001), {"clips": 3, "features": torch.tensor([1.00001, 0.0])})
    assert same_record(ONE, other) and same_record([ONE], [other]) and same_record({"a": ONE}, {"a": other})
    assert same_record(float("nan"), float("nan")) and same_record(np.array([np.nan, 1]), np.array([np.nan, 1.00001]))
    assert same_record(0.0, 1e-7) and same_record(3.0, 3) and same_record(3, 3.0)


@pytest.mark.parametrize(
    ("other", "place"),
    [
        (replace(ONE, label="running"), r"\.label: 'walking' is not 'running'"),
        (replace(ONE, score=0.501), r"\.score: 0.5 is not 0.501"),
        (replace(ONE, curve=(0.25,)), r"\.curve: 2 entries instead of 1"),
        (replace(ONE, curve=(0.25, 0.76)), r"\.curve\[1\]: 0.75 is not 0.76"),
        (replace(ONE, more={"clips": 4, "features": torch.tensor([1.0, 0.0])}), r"\.more\['clips'\]: 3 is not 4"),
        (replace(ONE, more={"clips": 3}), r"keys \['features'\] are on one side only"),
        (replace(ONE, more={"clips": 3, "features": torch.tensor([1.0, 0.01])}), "entries up to 0.01 apart"),
        (replace(ONE, more={"clips": 3, "features": torch.ones(3)}), r"shape \(2,\) instead of \(3,\)"),
        (replace(ONE, score=float("nan")), r"\.score: 0.5 is not nan"),
    ],
)
def test_every_other_difference_is_told_with_its_place(other: Answer, place: str):
    with pytest.raises(AssertionError, match=place):
        same_record(ONE, other)


def test_whole_numbers_flags_and_pictures_have_to_be_equal():
    for found, wanted in ((100_000, 100_001), (True, False), (np.array([200, 1], np.uint8), np.array([201, 1]))):
        with pytest.raises(AssertionError):
            same_record(found, wanted)
