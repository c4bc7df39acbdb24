"""Whitening of the joint space: what it is computed from, what it does, what a bundle keeps of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from ga2app.config import WhiteningConfig
from ga2app.errors import BundleError, DatasetError
from ga2app.method.whitening import Whitening, estimate, read_whitening
from tests.approx import same_record

CONFIG = WhiteningConfig(enabled=True)


def drawn(count: int, seed: int, width: int = 6) -> Tensor:
    points = torch.randn(count, width, generator=torch.Generator().manual_seed(seed))
    return functional.normalize(points, dim=-1)


def test_it_is_the_formula_of_its_docstring():
    """Against NumPy, with a matrix square root by another road: the root squared, times Σ + ε I, is the identity."""
    shots, targets, anchors = drawn(7, 0), torch.tensor([2, 0, 0, 2, 2, 0, 2]), drawn(5, 1)
    config = WhiteningConfig(enabled=True, anchors=0.3, shrinkage=0.1, center=0.8)
    found = estimate(config, shots, targets, anchors)
    x, a = shots.double().numpy(), anchors.double().numpy()
    means = {label: x[targets.numpy() == label].mean(0) for label in (0, 2)}
    within = sum(
        np.outer(row - means[int(label)], row - means[int(label)]) for row, label in zip(x, targets, strict=True)
    )
    among = sum(np.outer(row - a.mean(0), row - a.mean(0)) for row in a)
    sigma = 0.7 * within / np.trace(within) + 0.3 * among / np.trace(among)
    root = found.root.double().numpy()
    assert same_record(root @ root @ (sigma + 0.1 * np.eye(6)), np.eye(6))
    assert same_record(root, root.T) and np.linalg.eigvalsh(root).min() > 0
    assert same_record(found.center, 0.8 * ((means[0] + means[2]) / 2 + a.mean(0)) / 2)


def test_what_varies_among_anchors_stops_to_decide():
    """Axis 0 tells the labels apart, axis 1 is the place, which misleads; labels 2 and 3 were never trained on."""
    texts = functional.normalize(
        torch.tensor([[1.0, 0.5, 0, 0], [-1, -0.5, 0, 0], [0, 0.5, 1, 0], [0, -0.5, -1, 0]]), dim=1
    )
    place = torch.linspace(-2, 2, 9)[:, None] * torch.tensor([0, 1.0, 0, 0])
    anchors = functional.normalize(place + torch.tensor([0, 0, 0, 1.0]), dim=1)
    clips = functional.normalize(
        texts.repeat_interleave(9, 0) * torch.tensor([1.0, 0, 1, 1]) + place.repeat(4, 1), dim=1
    )
    labels = torch.arange(4).repeat_interleave(9)
    before = (clips @ texts.T).argmax(1)
    found = estimate(WhiteningConfig(True, anchors=1.0, center=0.0), clips[:1], torch.zeros(1), anchors)
    after = (found.clips(clips) @ found.texts(texts).T).argmax(1)
    assert (before == labels).float().mean() < 0.7 and (after == labels).float().mean() > 0.9


def test_features_keep_length_1_and_a_strong_shrinkage_changes_nothing():
    found = estimate(
        WhiteningConfig(True, shrinkage=1e6, center=0.0), drawn(6, 0), torch.tensor([0, 0, 0, 1, 1, 1]), drawn(4, 1)
    )
    points = drawn(5, 2)
    assert torch.allclose(found.clips(points), points, atol=1e-5) and torch.allclose(
        found.texts(points), points, atol=1e-5
    )
    strong = estimate(CONFIG, drawn(6, 0), torch.tensor([0, 0, 0, 1, 1, 1]), drawn(4, 1))
    for features in (strong.clips(points[None]), strong.texts(points)):
        assert torch.allclose(features.norm(dim=-1), torch.ones(5)) and not torch.allclose(features, points, atol=0.01)


def test_the_share_of_the_anchors_is_theirs_and_nothing_else():
    shots, targets = drawn(6, 0), torch.tensor([0, 0, 0, 1, 1, 1])
    alone = estimate(CONFIG, shots, targets, drawn(0, 0))
    without = estimate(WhiteningConfig(True, anchors=0.0), shots, targets, drawn(4, 1))
    assert same_record(alone.root, without.root) and same_record(alone.center, without.center)
    assert not torch.allclose(alone.root, estimate(CONFIG, shots, targets, drawn(4, 1)).root, atol=0.01)


def test_with_one_shot_a_class_the_anchors_stand_alone():
    shots, anchors = drawn(2, 0), drawn(4, 1)
    found = estimate(CONFIG, shots, torch.tensor([0, 1]), anchors)
    wholly = estimate(WhiteningConfig(True, anchors=1.0), drawn(6, 3), torch.tensor([0, 0, 0, 1, 1, 1]), anchors)
    assert same_record(found.root, wholly.root)
    for few in (drawn(0, 0), drawn(1, 0)):
        with pytest.raises(DatasetError, match="two shots of a class, or two anchor clips"):
            estimate(CONFIG, shots, torch.tensor([0, 1]), few)


def test_what_a_bundle_keeps_of_it_is_checked():
    found = estimate(CONFIG, drawn(6, 0), torch.tensor([0, 0, 0, 1, 1, 1]), drawn(4, 1))
    again = read_whitening(CONFIG, found.tensors(), 6)
    assert again is not None and torch.equal(again.root, found.root) and torch.equal(again.center, found.center)
    assert read_whitening(WhiteningConfig(), {}, 6) is None
    for config, tensors, width, said in (
        (WhiteningConfig(), found.tensors(), 6, "have no whitening, and there are tensors"),
        (CONFIG, {}, 6, "incomplete: whitening.center, whitening.root is missing"),
        (CONFIG, found.tensors(), 8, r"shapes \(6,\) and \(6, 6\) instead of \(8,\) and \(8, 8\)"),
    ):
        with pytest.raises(BundleError, match=said):
            read_whitening(config, tensors, width)
    assert isinstance(found, Whitening)
