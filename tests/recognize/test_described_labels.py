"""Descriptions at recognition: one mean of text features for zero-shot CLIP, bundles and negatives, computed once."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional

from ga2app import Recognizer, load_backbone
from ga2app.bundles import Bundle, PromptBundle, load_bundle, save
from ga2app.clip import Backbone
from ga2app.clip.described_texts import class_features, usable_descriptions
from ga2app.config import TEMPLATE, PromptConfig
from ga2app.inference.explanations import Ways, explain_clip
from ga2app.method.prompts import PromptLearner
from ga2app.types import NoneOfThese, NoneWay
from tests.approx import REL
from tests.bundle.manifests import manifest
from tests.clips import write_color_clip

approx = partial(pytest.approx, rel=REL)
NAMES = ["walking", "running", "reading a book"]
TOLD = {"walking": ["a person walking .", "something red walking"], "Reading_a book": ["a person reading ."]}


@pytest.fixture(scope="module")
def backbone(tiny_clip_folder: Path) -> Backbone:
    return load_backbone(tiny_clip_folder, precision="float32")


@pytest.fixture
def clip(tmp_path: Path) -> str:
    return write_color_clip(tmp_path / "a.mp4", (200, 60, 60), seed=1)


def bundle_for(backbone: Backbone, folder: Path, **changes: Any) -> PromptBundle:
    """A bundle with drawn text prompts that nobody trained."""
    prompts = PromptConfig(length=2, visual_depth=0, text_depth=2, coupled=False, hard_prompt="random")
    sizes = backbone.sizes
    learner = PromptLearner(prompts, sizes.visual_width, sizes.text_width, generator=torch.Generator().manual_seed(3))
    made = manifest(backbone="tiny", base=("walking",), novel=("running",), **changes)
    config = {**made.config, "prompts": {**made.config["prompts"], **vars(prompts), "residual": 0.0}}
    config["prompts"].pop("zero_shot_ratio")
    fields = {**vars(made), "config": config, "backbone": backbone.identity.to_dict()}
    save(Bundle(type(made)(**fields), learner.tensors()), folder)
    return load_bundle(folder)


def test_the_feature_of_a_described_label_is_the_mean_of_name_and_sentences_of_length_one(backbone: Backbone):
    found = class_features(backbone, NAMES, descriptions=TOLD)
    plain = backbone.class_features(NAMES)
    texts = [TEMPLATE.format("walking"), *TOLD["walking"]]
    mean = functional.normalize(backbone.text_features(texts).mean(dim=0), dim=-1)
    torch.testing.assert_close(found[0], mean)
    torch.testing.assert_close(found[1], plain[1], rtol=0, atol=0)  # without sentences nothing changes
    assert not torch.allclose(found[2], plain[2])  # found in another spelling
    assert found.norm(dim=-1).tolist() == approx([1, 1, 1])


def test_a_bundle_averages_its_prompted_name_with_the_frozen_sentences(backbone: Backbone, tmp_path: Path):
    bundle = bundle_for(backbone, tmp_path / "bundle")
    bare, told = bundle.attach(backbone, NAMES), bundle.attach(backbone, NAMES, TOLD)
    with torch.no_grad():
        named, found = bare.encode_labels(), told.encode_labels()
        frozen = backbone.text_features(TOLD["walking"])
    expected = functional.normalize(torch.cat([named[:1], frozen]).mean(dim=0), dim=-1)
    torch.testing.assert_close(found[0], expected)
    torch.testing.assert_close(found[1], named[1])
    with torch.no_grad():
        torch.testing.assert_close(told.encode_names(["walking"])[0], expected)  # as reports ask
        torch.testing.assert_close(told.train().encode_labels(), bare.train().encode_labels())  # training has names


def passes(backbone: Backbone, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many texts each later call of the text tower takes."""
    taken: list[int] = []
    encode = backbone.encode_text

    def counted(text: Any, *rest: Any) -> torch.Tensor:
        taken.append(len(text.ids))
        return encode(text, *rest)

    monkeypatch.setattr(backbone, "encode_text", counted)
    return taken


def test_each_sentence_passes_the_tower_once_and_never_at_a_further_recognition(
    tiny_clip_folder: Path, clip: str, monkeypatch: pytest.MonkeyPatch
):
    fresh = load_backbone(tiny_clip_folder, precision="float32")
    recognizer, taken = Recognizer(fresh, num_frames=2), passes(fresh, monkeypatch)
    recognizer.recognize([clip], NAMES, descriptions=TOLD)
    assert sum(taken) == len(NAMES) + 3
    recognizer.recognize([clip], NAMES, descriptions=TOLD)
    assert sum(taken) == len(NAMES) + 3  # nothing at recognition
    recognizer.recognize([clip], ["walking", "jumping"], descriptions=TOLD)
    assert sum(taken) == len(NAMES) + 3 + 2  # other labels, fewer of them described: sentences are known by their text


def scores(answer: Any) -> dict[str, float]:
    return {score.label: score.score for score in answer.clips[0].answers[-1].scores}


def test_known_labels_keep_the_sentences_of_their_bundle_and_new_ones_take_those_that_are_given(
    backbone: Backbone, tmp_path: Path, clip: str
):
    bundle = bundle_for(backbone, tmp_path / "bundle", descriptions={"walking": TOLD["walking"]})
    assert list(bundle.manifest.descriptions["walking"]) == TOLD["walking"]
    ask = Recognizer(backbone, bundle, num_frames=2).recognize
    off, own = ask([clip], NAMES), ask([clip], NAMES, descriptions={})
    both = ask([clip], NAMES, descriptions={"reading a book": "a person reading ."})
    explicit = Recognizer(backbone, bundle_for(backbone, tmp_path / "bare"), num_frames=2).recognize
    assert scores(off) == approx(scores(explicit([clip], NAMES)))
    assert scores(own) == approx(scores(explicit([clip], NAMES, descriptions={"walking": TOLD["walking"]})))
    assert scores(both) == approx(scores(explicit([clip], NAMES, descriptions=TOLD)))
    assert scores(off) != approx(scores(own)) != approx(scores(both))


def test_a_negative_prompt_may_be_described_too(backbone: Backbone, clip: str):
    def against(**more: Any) -> float:
        none = NoneOfThese(("nothing",), NoneWay.COMPETE)
        verdict = Recognizer(backbone, num_frames=2).recognize([clip], NAMES, none_of_these=none, **more)
        found = verdict.clips[0].answers[0].verdict
        assert found
        return found.against

    assert against(descriptions={"nothing": ["a red wall .", "nothing else"]}) != approx(against())


def test_what_the_tower_cannot_read_is_left_out_whole_and_told_with_label_and_number(backbone: Backbone, clip: str):
    room = backbone.sizes.text_positions - 2
    told = {"walking": ["a person walking", "walking " * (room + 1)], "running": ["a zebra running"], "flying": ["a"]}
    usable, faults = usable_descriptions(backbone, NAMES, told)
    assert usable == {"walking": ("a person walking",)}
    assert f"label 'walking': sentence 2 has {room + 1} tokens" in faults[0] and f"has room for {room}" in faults[0]
    answer = Recognizer(backbone, num_frames=2).recognize([clip], NAMES, descriptions=told)
    notes = " | ".join(answer.notes)
    assert f"label 'walking': sentence 2 has {room + 1} tokens" in notes
    assert "label 'running': sentence 1 has words that backbone" in notes and "(zebra)" in notes
    assert "no label here is called 'flying'" in notes


def test_an_explanation_explains_the_score_that_was_given_with_descriptions(backbone: Backbone, clip: str):
    answer = Recognizer(backbone, num_frames=2).recognize([clip], NAMES, descriptions=TOLD)
    assert {label: list(texts) for label, texts in answer.descriptions.items()} == {
        "walking": TOLD["walking"],
        "reading a book": TOLD["Reading_a book"],
    }
    ways = Ways(descriptions=answer.descriptions)
    found = explain_clip(backbone, clip, NAMES, label="walking", num_frames=2, ways=ways)
    given = {score.label: score.score for score in answer.clips[0].plain}
    assert found.plain.share == approx(given["walking"])
    assert found.plain.share != approx(explain_clip(backbone, clip, NAMES, label="walking", num_frames=2).plain.share)
