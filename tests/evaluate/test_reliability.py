"""Calibration, temperature and open-set rejection, against cases worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from ga2app.errors import DatasetError
from ga2app.evaluation.reliability import (
    Labelled,
    auroc,
    calibration,
    fit_temperature,
    rejection,
    threshold_of,
)
from ga2app.types import Temperature
from ga2app.types.reliability_types import BINS, LEAST_TEMPERATURE, read_temperature


def approx(value: float) -> object:
    return pytest.approx(value, rel=1e-4, abs=1e-6)


def sure(*percentages: float) -> Tensor:
    """Logits (N, 2) whose first label has these shares, 0.5 to 1; a share of 1 is 1 in floats, too."""
    shares = torch.tensor(percentages, dtype=torch.double)
    return torch.stack([shares.log(), (1 - shares).log().clamp(min=-800.0)], dim=1)


def test_calibration_error_is_the_gap_of_each_bin_weighed_by_its_clips() -> None:
    # Bin (11/15, 12/15]: 0.75 and 0.79, one of two right: |0.77 - 0.5|. Bin (8/15, 9/15]: 0.55, right: |0.55 - 1|.
    found = calibration(sure(0.75, 0.79, 0.55), torch.tensor([0, 1, 0]))
    assert found.ece == approx(100 * (2 * 0.27 + 0.45) / 3)
    assert (found.confidence, found.accuracy) == (approx(100 * 2.09 / 3), approx(100 * 2 / 3))
    assert found.bins[11] == (2, approx(77.0), approx(50.0)) and found.bins[8] == (1, approx(55.0), approx(100.0))
    assert len(found.bins) == BINS and sum(clips for clips, _, _ in found.bins) == 3


def test_a_percentage_of_100_is_in_the_last_bin_with_its_neighbors() -> None:
    # In one bin: |mean(1, 0.95) - 1/2| = 0.475. With a bin of its own for 1.0 it would be (|1 - 0| + |0.95 - 1|) / 2.
    found = calibration(sure(1.0, 0.95), torch.tensor([1, 0]))
    assert found.ece == approx(47.5)
    assert found.bins[-1] == (2, approx(97.5), approx(50.0))


def test_a_percentage_on_an_edge_is_in_the_bin_below() -> None:
    for edge in range(8, BINS):
        found = calibration(sure(edge / BINS), torch.tensor([0]), 1.0)
        place = next(number for number, (clips, _, _) in enumerate(found.bins) if clips)
        # Rounding of log and softmax may carry a share over its edge by one unit; what lies on it stays below.
        share = float(sure(edge / BINS).softmax(dim=1)[0, 0])
        assert place == (edge - 1 if share <= edge / BINS else edge)


def test_a_temperature_makes_answers_less_sure_and_changes_none() -> None:
    generator = torch.Generator().manual_seed(3)
    logits = 9 * torch.randn(300, 7, generator=generator)
    targets = torch.where(torch.rand(300, generator=generator) < 0.6, logits.argmax(dim=1), 0)
    value = fit_temperature(Labelled(logits, targets))
    before, after = calibration(logits, targets), calibration(logits, targets, value)
    assert value > 1 and after.ece < before.ece and after.confidence < before.confidence
    assert after.accuracy == before.accuracy


def test_the_temperature_is_the_one_with_the_least_cross_entropy() -> None:
    # 100 clips of two labels, logits (2, 0), 80 right: the share of the first is 0.8 where 2 / T = log 4.
    logits = torch.tensor([[2.0, 0.0]]).repeat(100, 1)
    targets = (torch.arange(100) >= 80).long()
    assert fit_temperature(Labelled(logits, targets)) == approx(2 / math.log(4))


def test_slices_of_different_labels_and_labels_without_a_clip_are_fitted_together() -> None:
    logits, none = torch.tensor([[2.0, 0.0, -50.0]]).repeat(100, 1), torch.tensor([[2.0, 0.0]]).repeat(50, 1)
    slices = Labelled(logits, (torch.arange(100) >= 80).long()), Labelled(none, (torch.arange(50) >= 40).long())
    assert fit_temperature(*slices, Labelled(none[:0], torch.empty(0, dtype=torch.long))) == approx(2 / math.log(4))


@pytest.mark.parametrize(
    ("logits", "targets", "says"),
    [
        (torch.zeros(0, 3), torch.empty(0, dtype=torch.long), "there are no clips to fit"),
        (torch.eye(3)[:1], torch.tensor([0]), "all 1 clips are right"),
        (torch.ones(20, 3), torch.zeros(20, dtype=torch.long), "all labels score alike"),
        (torch.eye(3).repeat(4, 1), torch.arange(12) % 3, "all 12 clips are right"),
        (torch.full((20, 3), math.nan), torch.zeros(20, dtype=torch.long), "some scores are not numbers"),
    ],
)
def test_where_no_temperature_can_be_fitted_it_says_why(logits: Tensor, targets: Tensor, says: str) -> None:
    with pytest.raises(DatasetError, match=says):
        fit_temperature(Labelled(logits, targets))


def test_auroc_counts_pairs_and_ties_half() -> None:
    assert auroc(torch.tensor([0.9, 0.4]), torch.tensor([0.4, 0.1])) == approx(100 * 3.5 / 4)
    assert auroc(torch.ones(5), torch.ones(9)) == approx(50.0)


def test_fpr95_is_the_share_of_unknown_clips_let_in_where_95_percent_of_the_known_are_kept() -> None:
    known = torch.linspace(0.05, 1.0, 20)
    unknown = torch.cat([torch.full((52,), 0.5), torch.full((48,), 0.02)])
    found = rejection("anchors", "best", known, unknown)
    # The lowest of 20 known clips is given up; 52 of 100 unknown ones are above the next. The other way round, at 95%
    # of the unknown found, the threshold would be 0.5 and 45% of the known clips flagged.
    assert (found.threshold, found.fpr95) == (approx(0.1), approx(52.0))
    assert (known >= found.threshold).float().mean().item() == approx(0.95)
    assert threshold_of(torch.tensor([0.3])) == approx(0.3)


@pytest.mark.parametrize(("known", "unknown", "says"), [(0, 3, "test clips of base labels"), (3, 0, "anchor clips")])
def test_rejection_without_clips_of_a_kind_says_which(known: int, unknown: int, says: str) -> None:
    with pytest.raises(DatasetError, match=f"there are no {says}"):
        rejection("anchors", "best", torch.ones(known), torch.ones(unknown))


def test_a_stored_temperature_is_read_back_and_nonsense_is_refused() -> None:
    whole = Temperature(1.7, "fitted on 40 clips", 0.6, "it keeps 95%")
    assert read_temperature(whole.to_dict()) == whole
    assert read_temperature({}) == Temperature() and Temperature().used == 1.0
    for odd in ({"value": 0}, {"value": True}, {"value": math.nan}, {"threshold": 2}, {"fitted": 7}, {"heat": 1}):
        with pytest.raises(ValueError, match=r"."):
            read_temperature(odd)
    assert read_temperature({"value": LEAST_TEMPERATURE}).used == LEAST_TEMPERATURE
