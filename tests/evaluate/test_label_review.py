"""Which clips are looked at first, by rules on features that the tests make up."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from ga2app.evaluation.label_review import (
    disagreement,
    discriminant,
    margins,
    near_copies,
    ranking,
    suspected_labels,
    uncertainty,
)
from ga2app.types.dataset_types import Order

NAMES = ["walking", "running", "waving"]


def clouds(classes: int, each: int, spread: float, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Features (N, 32) of length 1 round one center a class, and the classes."""
    drawn = torch.Generator().manual_seed(seed)
    centers = functional.normalize(torch.randn(classes, 32, generator=drawn), dim=-1)
    targets = torch.arange(classes).repeat_interleave(each)
    noise = torch.randn(classes * each, 32, generator=drawn) * spread
    return functional.normalize(centers[targets] + noise, dim=-1), targets


def test_uncertainty_goes_from_none_to_all_and_margins_the_other_way():
    certain, even = torch.tensor([[1.0, 0.0, 0.0]]), torch.full((1, 3), 1 / 3)
    assert [*map(float, (uncertainty(certain), uncertainty(even)))] == pytest.approx([0.0, 1.0], rel=1e-4, abs=1e-6)
    assert [*map(float, (margins(certain), margins(even)))] == pytest.approx([1.0, 0.0], rel=1e-4, abs=1e-6)


def test_classifiers_disagree_by_nothing_where_they_are_alike_and_by_one_bit_where_they_share_nothing():
    one, other = torch.tensor([[1.0, 0.0], [0.3, 0.7]]), torch.tensor([[0.0, 1.0], [0.3, 0.7]])
    assert disagreement(one, other).tolist() == pytest.approx([1.0, 0.0], rel=1e-4, abs=1e-6)


def test_each_order_puts_the_clip_first_that_it_is_about():
    zero_shot = torch.tensor([[0.9, 0.05, 0.05], [0.34, 0.33, 0.33], [0.8, 0.1, 0.1], [0.6, 0.2, 0.2]])
    bundle = torch.tensor([[0.9, 0.05, 0.05], [0.34, 0.33, 0.33], [0.02, 0.96, 0.02], [0.49, 0.48, 0.03]])
    targets, features = torch.tensor([0, 0, 1, 2]), torch.eye(4)
    first = {
        order: ranking(order, [zero_shot, bundle], NAMES, targets, features, "abcd").rows[0]
        for order in Order
        if order is not Order.SUSPECTED
    }
    assert first == {Order.UNCERTAIN: 1, Order.MARGIN: 1, Order.DISAGREE: 2, Order.LABEL: 3, Order.LISTED: 0}


def test_labels_that_were_swapped_are_found_with_the_label_that_they_had():
    features, right = clouds(classes=6, each=20, spread=0.12)
    zero_shot = torch.full((120, 6), 1 / 6)
    wrong = torch.arange(3, 120, 10)
    given = right.clone()
    given[wrong] = (right[wrong] + 1) % 6
    found = suspected_labels(features, zero_shot, given, range(120))
    assert set(found.rows.tolist()) == set(wrong.tolist())
    assert found.likely[wrong].tolist() == right[wrong].tolist()


def test_one_wrong_label_among_few_clips_that_are_easily_told_apart_is_found():
    features, right = clouds(classes=3, each=8, spread=0.05)
    zero_shot = functional.one_hot(right, 3).float() * 0.97 + 0.01
    zero_shot[3] = torch.tensor([0.9, 0.05, 0.05])
    given = right.clone()
    given[3] = 2
    assert suspected_labels(features, zero_shot, given, range(24)).rows.tolist() == [3]


def test_a_right_label_is_not_suspected_and_one_of_a_single_clip_is_not_judged():
    features, targets = clouds(classes=5, each=12, spread=0.1)
    targets[0] = 5
    found = suspected_labels(features, torch.full((60, 6), 1 / 6), targets, range(60))
    assert found.rows.tolist() == [] and not found.judged[0] and found.judged[1:].all()


def test_copies_of_a_clip_under_a_wrong_label_do_not_vouch_for_each_other():
    features, targets = clouds(classes=4, each=15, spread=0.1)
    features[[1, 2, 3]], targets[[0, 1, 2, 3]] = features[0].clone(), 2
    content = ["copied"] * 4 + [str(row) for row in range(4, 60)]
    assert set(suspected_labels(features, torch.full((60, 4), 0.25), targets, content).rows.tolist()) == {0, 1, 2, 3}


def test_zero_shot_probabilities_help_where_features_say_little():
    features, right = clouds(classes=4, each=20, spread=0.6, seed=3)
    zero_shot = functional.one_hot(right, 4).float() * 0.7 + 0.075
    given = right.clone()
    given[::10] = (right[::10] + 1) % 4
    without = suspected_labels(features, torch.full((80, 4), 0.25), given, range(80))
    found = suspected_labels(features, zero_shot, given, range(80))

    def right_ones(rows: Tensor) -> float:
        return float((given[rows] != right[rows]).float().mean())

    assert right_ones(found.rows) > right_ones(without.rows)


def test_a_label_without_a_clip_is_never_the_answer_of_the_discriminant():
    features, targets = clouds(classes=3, each=5, spread=0.1)
    logits = discriminant(features, targets, 4, features)
    assert logits.argmax(dim=1).tolist() == targets.tolist() and torch.isinf(logits[:, 3]).all()


def pictures(seed: int) -> Tensor:
    """Pictures (8, 256) of a clip that changes from one to the next."""
    return torch.randint(0, 256, (8, 256), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


def test_a_copy_that_is_shifted_in_time_and_brighter_is_found_and_a_like_feature_alone_is_none():
    feature = functional.normalize(torch.randn(1, 16, generator=torch.Generator().manual_seed(1)), dim=-1)
    one = (pictures(1) // 2).to(torch.uint8)
    shifted = torch.cat([one[2:], pictures(5)[:2]]) + 20
    found = near_copies(feature.expand(3, -1), torch.stack([one, shifted, pictures(2)]))
    assert found.pairs.tolist() == [[0, 1]] and float(found.levels[0]) == pytest.approx(0.0, abs=1e-4)


def test_near_copies_are_found_across_blocks_and_the_search_can_be_stopped():
    features, _ = clouds(classes=1500, each=1, spread=0.0)
    features[1400] = features[3]
    shown = torch.stack([pictures(7)] * 1500)
    told: list[int] = []
    found = near_copies(features, shown, cosine=0.999, progress=lambda done, total: told.append(done))
    assert found.pairs.tolist() == [[3, 1400]] and told == [1024, 1500]
    assert len(near_copies(features, shown, should_stop=lambda: True).pairs) == 0


def test_near_copies_are_those_pairs_whose_pictures_all_compared_whole_are_near():
    drawn = torch.Generator().manual_seed(3)
    scenes = torch.randint(0, 200, (3, 4, 256), generator=drawn)[torch.arange(60) % 3]
    change = torch.randint(0, 14, (60, 1, 1), generator=drawn) * torch.rand(60, 4, 256, generator=drawn)
    shown = (scenes + change).round().to(torch.uint8)
    features = functional.normalize(
        torch.randn(1, 16, generator=drawn) + torch.randn(60, 16, generator=drawn) / 9, dim=-1
    )
    levels = shown.float() - shown.float().mean(dim=-1, keepdim=True)
    expected = {}
    for one, other in itertools.combinations(range(60), 2):
        apart = (levels[one][:, None] - levels[other][None]).abs().mean(dim=-1)
        typical = float(torch.cat([apart.amin(dim=1), apart.amin(dim=0)]).median())
        if float(features[one] @ features[other]) >= 0.9 and typical <= 3.0:
            expected[one, other] = typical
    found = near_copies(features, shown)
    assert {(a, b): level for (a, b), level in zip(found.pairs.tolist(), found.levels.tolist(), strict=True)} == (
        pytest.approx(expected, abs=1e-3)
    )
    assert 50 < len(expected) < 500 and found.levels.tolist() == sorted(found.levels.tolist())


@pytest.mark.parametrize("count", [0, 1])
def test_few_clips_have_no_near_copies(count: int):
    assert len(near_copies(torch.ones(count, 4), torch.zeros(count, 2, 256, dtype=torch.uint8)).pairs) == 0
