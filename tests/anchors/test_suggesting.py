"""Proposals for a label list, ranked in the backbone's text space."""

from __future__ import annotations

from pathlib import Path

import pytest

from ga2app.clip import Backbone, load_backbone
from ga2app.errors import DatasetError, LabelError
from ga2app.inference.anchors import rate_proposals, suggest
from ga2app.inference.anchors.anchor_choice import TEMPLATE, seed_captions, seed_negatives, unrelated
from ga2app.types import ProposalKind

LABELS = ["riding a bicycle", "walking_a_dog", "flying a kite"]


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return load_backbone("sketch")


def test_negatives_and_captions_come_from_the_seeds_and_have_nothing_to_do_with_the_labels(backbone: Backbone):
    found = suggest(backbone, LABELS, 10)
    for kind, seeds in ((ProposalKind.NEGATIVE, seed_negatives()), (ProposalKind.CAPTION, seed_captions())):
        texts = [one.text for one in found if one.kind is kind]
        assert len(texts) == len(set(texts)) == 10 and set(texts) <= set(seeds)
        assert unrelated(texts, LABELS) == texts
        assert not any(backbone.unknown_words(text) for text in texts)


def test_without_diversity_they_are_the_farthest_and_distance_is_one_less_the_cosine(backbone: Backbone):
    found = [one for one in suggest(backbone, LABELS, 5, diversity=0.0) if one.kind is ProposalKind.NEGATIVE]
    distances = [one.distance or 0.0 for one in found]
    assert distances == sorted(distances, reverse=True)
    first = found[0]
    both = backbone.text_features(
        [TEMPLATE.format(first.text), TEMPLATE.format((first.nearest or "").replace("_", " "))]
    )
    assert first.distance == pytest.approx(1 - (both[0] @ both[1]).item(), abs=1e-5)
    others = [one for one in suggest(backbone, LABELS, 60, diversity=0.0) if one.kind is ProposalKind.NEGATIVE]
    assert max(one.distance or 0.0 for one in others[5:]) <= min(distances)


def test_with_diversity_they_are_less_alike(backbone: Backbone):
    def likeness(diversity: float) -> float:
        texts = [one.text for one in suggest(backbone, LABELS, 8, diversity) if one.kind is ProposalKind.NEGATIVE]
        features = backbone.text_features([TEMPLATE.format(text) for text in texts])
        return float((features @ features.T).fill_diagonal_(-1).max())

    assert likeness(0.5) < likeness(0.0) - 0.1


def test_fewer_are_proposed_where_the_seeds_give_no_more(backbone: Backbone):
    found = suggest(backbone, LABELS, 10_000)
    assert 0 < len(found) < len(seed_negatives()) + len(seed_captions())


def test_counts_and_labels_that_cannot_be_used_are_refused(backbone: Backbone):
    with pytest.raises(DatasetError, match="ask for at least 1"):
        suggest(backbone, LABELS, 0)
    with pytest.raises(LabelError, match="no labels were given"):
        suggest(backbone, [], 5)


def test_texts_from_elsewhere_are_ranked_without_those_of_the_labels_and_unknown_ones_come_last(backbone: Backbone):
    texts = ["a zeppelin", "a bicycle", "a dog", "snow", "a street", "flying a kite at night"]
    found = rate_proposals(backbone, texts, LABELS, ProposalKind.CAPTION)
    assert {one.text for one in found[:-1]} == {"snow", "a street"}
    assert (found[0].distance or 0) >= (found[1].distance or 0) and found[0].nearest in [
        label.replace("_", " ") for label in LABELS
    ]
    assert (found[-1].text, found[-1].distance, found[-1].nearest) == ("a zeppelin", None, None)
    assert rate_proposals(backbone, ["a dog"], LABELS, ProposalKind.CAPTION) == []


def test_a_backbone_that_knows_few_words_proposes_few(tiny_clip_folder: Path):
    found = suggest(load_backbone(tiny_clip_folder), ["walking", "running"], 10)
    assert {one.text for one in found} <= {"nothing", "something", "something else", "else", "a wall", "red", "a book"}
