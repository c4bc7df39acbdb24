from __future__ import annotations

import doctest
import math
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from ga2app.clip import load_backbone
from ga2app.config import LossConfig, PromptConfig
from ga2app.config.reading import read
from ga2app.errors import TrainingError
from ga2app.method import losses
from ga2app.method.losses import Features, extra_class, keep, loss, reject, relate, released, stay, twin, vocabulary
from ga2app.method.prompted_model import PromptedClip, plain_clip
from ga2app.method.prompts import PromptLearner
from tests.approx import same_record

X, Y = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
BOTH = torch.eye(2)


def test_reject_compares_the_log_sums_of_classes_and_negatives():
    # a = x, classes {x, y}, negative {y}, τ = 1: logsumexp(1, 0) - 0 + margin = 1.3133 + 0.5
    wanted = math.log1p(math.exp(math.log(math.e + 1) + 0.5))
    assert reject(X, BOTH, Y, 1.0, 0.5).item() == pytest.approx(wanted, rel=1e-4)


def test_extra_class_counts_clips_and_anchors_alike():
    # classes {x}, negatives {y}, τ = 1. Clip x for class 0: -log(e / (e + 1)). Anchor y for the negatives: the same.
    one = math.log(math.e + 1) - 1
    assert extra_class(X, Y, X, Y, torch.tensor([0]), 1.0).item() == pytest.approx(one, rel=1e-4)


def test_keep_is_zero_for_unmoved_anchors_and_counts_distribution_and_direction():
    assert keep(X, X, BOTH, 1.0).item() == pytest.approx(0, abs=1e-6)
    # From x to y: the shares (p, 1-p) with p = e/(e+1) swap, so KL = p·1 - (1-p)·1 = 2p - 1, and 1 - cos = 1.
    p = math.e / (math.e + 1)
    assert keep(Y, X, BOTH, 1.0).item() == pytest.approx(2 * p - 1 + 1, rel=1e-4)


def test_vocabulary_is_the_mean_of_one_minus_cosine():
    # first text unmoved: 0; second turned by 90 degrees: 1; mean 0.5
    assert vocabulary(torch.cat([X, X]), BOTH).item() == pytest.approx(0.5, rel=1e-4)


def test_twin_compares_the_classes_as_the_anchors_see_them():
    p = math.e / (math.e + 1)
    assert twin(X, BOTH, BOTH, 1.0).item() == pytest.approx(0, abs=1e-6)
    assert twin(X, BOTH.flip(0), BOTH, 1.0).item() == pytest.approx(2 * p - 1, rel=1e-4)


def test_released_adds_the_anchor_to_the_logits():
    # two classes, two negatives {x, y}, anchor x, τ = 1, α = 2: logits (1, 0) + 2 · (1, 0) = (3, 0)
    wanted = math.log1p(math.exp(-3.0))
    value = released(X @ BOTH.T, X, BOTH, torch.tensor([0]), 1.0, 2.0)
    assert value.item() == pytest.approx(wanted, rel=1e-4)


def test_released_needs_one_anchor_and_one_negative_or_one_a_class():
    with pytest.raises(TrainingError, match="it got 1 clips, 3 negatives and 2 classes"):
        released(X @ BOTH.T, X, torch.randn(3, 2), torch.tensor([0]), 1.0, 1.0)


def test_a_term_without_its_clips_is_named():
    with pytest.raises(TrainingError, match="the anchor term 'reject' needs anchor clips and the data set has none"):
        loss(LossConfig(anchor_rejection=1.0), Features(X, BOTH), torch.tensor([0]), 1.0)


def test_relate_is_the_divergence_of_a_clips_relations_to_generic_texts():
    # frozen clip X: shares e/(e+1), 1/(e+1) of texts X, Y; learned clip Y: the same turned round
    # KL = p log(p/q) + q log(q/p) with p = e/(e+1), q = 1/(e+1): (p - q) log(p/q) = p - q
    p = math.e / (math.e + 1)
    assert relate(Y, X, BOTH, 1.0).item() == pytest.approx(p - (1 - p), rel=1e-4)
    assert relate(X, X, BOTH, 1.0).item() == pytest.approx(0.0, abs=1e-6)


def test_stay_is_one_less_the_mean_cosine():
    # cosines 1 and 0
    assert stay(torch.cat([X, Y]), torch.cat([X, X])).item() == pytest.approx(0.5, rel=1e-4)


def test_the_parts_add_up():
    features = Features(X, BOTH, anchors=X, frozen_anchors=X, negatives=Y, frozen_classes=BOTH.flip(0))
    parts = loss(LossConfig(anchor_rejection=0.5, class_relation_distillation=2.0), features, torch.tensor([0]), 1.0)
    p = math.e / (math.e + 1)
    assert parts.ce.item() == pytest.approx(-math.log(p), rel=1e-4)
    assert parts.terms["twin"].item() == pytest.approx(2.0 * (2 * p - 1), rel=1e-4)
    assert parts.anchor.item() == pytest.approx(sum(term.item() for term in parts.terms.values()), rel=1e-4)
    assert parts.total.item() == pytest.approx(parts.ce.item() + parts.anchor.item(), rel=1e-4)


def gradients(folder: Path, only_anchor: bool = False, **weights: float) -> dict[str, Tensor]:
    """Gradients of every learned prompt with the given anchor terms on; of the anchor part alone if asked."""
    backbone = load_backbone(folder, precision="float32")
    generator = torch.Generator().manual_seed(3)
    config = PromptConfig(length=2, visual_depth=3, text_depth=3, dropout=0.0)
    model = PromptedClip(backbone, PromptLearner(config, 32, 24, generator=generator), ["walking", "reading"]).train()
    plain = plain_clip(backbone, ["walking", "reading"])
    clips, anchors = (torch.randn(n, 2, 3, 32, 32, generator=generator) for n in (4, 1))
    with torch.no_grad():
        frozen = {
            "frozen_clips": plain.encode_clips(clips),
            "frozen_anchors": plain.encode_clips(anchors),
            "negatives": plain.encode_names(["else"]),
            "frozen_classes": plain.encode_labels(),
            "frozen_generic": plain.encode_names(["nothing", "a red wall"]),
        }
    features = Features(
        clips=model.encode_clips(clips),
        classes=model.encode_labels(),
        anchors=model.encode_clips(anchors),
        generic=model.encode_names(["nothing", "a red wall"]),
        **frozen,
    )
    parts = loss(read(LossConfig, weights), features, torch.tensor([0, 1, 0, 1]), backbone.scale)
    (parts.anchor if only_anchor else parts.total).backward()
    return {
        name: torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        for name, parameter in model.prompts.named_parameters()
    }


def test_released_with_one_negative_has_exactly_no_anchor_gradient(tiny_clip_folder: Path):
    plain = gradients(tiny_clip_folder)
    assert all(gradient.abs().sum() > 0 for gradient in plain.values())
    for alpha in (1.0, 10.0):
        alone = gradients(tiny_clip_folder, only_anchor=True, released=alpha)
        assert all(not gradient.any() for gradient in alone.values())
        whole = gradients(tiny_clip_folder, released=alpha)
        assert same_record(whole, plain)


@pytest.mark.parametrize("term", ["reject", "extra_class", "keep", "relate", "stay", "vocabulary", "twin"])
def test_every_other_term_moves_the_prompts(tiny_clip_folder: Path, term: str):
    alone = gradients(tiny_clip_folder, only_anchor=True, **{term: 1.0})
    assert any(gradient.abs().sum() > 1e-6 for gradient in alone.values())


def test_with_as_many_negatives_as_classes_the_released_anchor_does_move():
    anchor = functional.normalize(torch.tensor([[0.6, 0.8]]), dim=1).requires_grad_()
    released(X @ BOTH.T, anchor, BOTH, torch.tensor([0]), 1.0, 1.0).backward()
    assert anchor.grad is not None and anchor.grad.abs().sum() > 0


def test_the_examples_of_the_losses_give_what_they_show():
    found = doctest.testmod(losses)
    assert found.attempted >= 7 and not found.failed


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("released", "released_anchor"),
        ("reject", "anchor_rejection"),
        ("extra_class", "background_class"),
        ("keep", "anchor_distillation"),
        ("relate", "relation_distillation"),
        ("stay", "feature_distillation"),
        ("vocabulary", "text_distillation"),
        ("twin", "class_relation_distillation"),
    ],
)
def test_a_loss_has_its_earlier_name_too(old: str, new: str):
    assert getattr(losses, old) is getattr(losses, new)
