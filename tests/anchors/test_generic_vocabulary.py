"""The shipped texts, and which of them serve beside given labels."""

from __future__ import annotations

from pathlib import Path

import pytest

from ga2app.clip import load_backbone
from ga2app.errors import DatasetError
from ga2app.inference.anchors.anchor_choice import (
    generic_features,
    generic_texts,
    known,
    seed_captions,
    seed_negatives,
    unrelated,
)
from ga2app.synthetic.actions import ACTIONS


def test_the_seeds_are_many_short_texts_each_once():
    for seeds, least in ((seed_negatives(), 100), (seed_captions(), 40)):
        assert len(seeds) >= least
        assert len({text.lower() for text in seeds}) == len(seeds)
        assert all(text == " ".join(text.split()) and len(text.split()) <= 8 for text in seeds)


@pytest.mark.parametrize(
    ("text", "labels", "kept"),
    [
        ("a ball", ["kicking a ball"], False),
        ("dogs", ["walking a dog"], False),
        ("a red car", ["RED"], False),
        ("playing cards", ["playing_the_piano"], False),
        ("an object", ["walking a dog"], True),
        ("something on the wall", ["sitting on the floor"], True),
        ("doing nothing", ["doing yoga"], True),
        ("not doing it", ["doing"], False),
        ("a car", ["ca"], True),
    ],
)
def test_a_text_is_unrelated_unless_it_contains_a_label_or_shares_a_word_that_matters(
    text: str, labels: list[str], kept: bool
):
    assert unrelated([text], labels) == ([text] if kept else [])


def test_every_sketch_action_leaves_plenty_of_generic_texts_that_the_sketch_backbone_knows():
    backbone = load_backbone("sketch")
    for action in list(ACTIONS.values())[::8]:
        texts = generic_texts(backbone, [action.name])
        assert len(texts) >= 60
        assert known(texts, backbone) == texts
    features = generic_features(backbone, ["walking"])
    assert features is not None and features.shape[1] == backbone.sizes.embedding_width


def test_a_backbone_that_knows_hardly_any_generic_text_gives_none(tiny_clip_folder: Path):
    backbone = load_backbone(tiny_clip_folder)
    assert 0 < len(generic_texts(backbone, ["walking"])) < 8
    assert generic_features(backbone, ["walking"]) is None


def test_seeds_that_are_not_there_are_told(tmp_path: Path):
    with pytest.raises(DatasetError, match="start from a checkout of the project"):
        seed_captions(tmp_path)
    (tmp_path / "anchor_captions.csv").write_text("group;text\na;b\n")
    with pytest.raises(DatasetError, match="cannot be read"):
        seed_captions(tmp_path)
