"""Captions are true of their drawings, and the tokenizer knows all their words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from transformers import AutoTokenizer

from ga2app.config import TEMPLATE
from ga2app.synthetic.actions import ACTIONS
from ga2app.synthetic.appearance import Look, draw_look
from tools.captions import (
    REJECTIONS,
    Caption,
    Fact,
    action_template,
    compose,
    fact_of,
    scene_template,
    subject_names,
    with_articles,
)
from tools.word_tokenizer import TEXT_POSITIONS, build_tokenizer, vocabulary


def captions(count: int) -> list[tuple[str, Look, Caption]]:
    rng = np.random.default_rng(0)
    keys = list(subject_names())
    looks = [draw_look(rng) for _ in range(count)]
    return [(keys[i % len(keys)], look, compose(keys[i % len(keys)], look, rng)) for i, look in enumerate(looks)]


def test_a_caption_is_true_of_its_own_drawing():
    for key, look, caption in captions(800):
        assert caption.fact.holds_for(fact_of(key, look)), caption.text


def test_a_caption_is_false_of_a_drawing_that_differs_in_what_it_states():
    shown = Fact(person=True, subject="boxing", color="red", place="sand", size="small")
    assert Fact(person=True, color="red").holds_for(shown)
    assert not Fact(person=True, color="blue").holds_for(shown)
    assert not Fact(person=True, subject="boxing", place="snow").holds_for(shown)
    assert not Fact(person=False).holds_for(shown)


def test_what_is_said_of_scenes_is_never_said_of_a_person():
    said = {caption.text for key, _, caption in captions(800) if key in ACTIONS}
    assert not any(text.endswith(rejection) for text in said for rejection in REJECTIONS)


def test_the_evaluation_template_comes_up_often():
    rng = np.random.default_rng(0)
    templates = [action_template(rng) for _ in range(400)]
    assert templates.count(TEMPLATE) > 80
    assert all(template.count("{}") == 1 for template in [*templates, scene_template(rng)])


def test_articles_fit_the_next_word():
    assert with_articles("a image of a old clip of a boat") == "an image of an old clip of a boat"


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory):
    folder: Path = tmp_path_factory.mktemp("tokenizer")
    build_tokenizer().save_pretrained(folder)
    return AutoTokenizer.from_pretrained(folder, local_files_only=True)


def test_a_saved_tokenizer_adds_start_and_end_and_pads_behind(tokenizer):
    short, long = tokenizer(["boxing.", "A video of a person boxing."], padding=True).input_ids
    assert tokenizer.convert_ids_to_tokens(short) == ["<sos>", "boxing", ".", "<eos>"] + ["<pad>"] * 5
    assert tokenizer.convert_ids_to_tokens(long)[1:7] == ["a", "video", "of", "a", "person", "boxing"]


def test_no_caption_and_no_label_holds_an_unknown_word(tokenizer):
    texts = [caption.text for _, _, caption in captions(800)]
    texts += [TEMPLATE.format(name) for name in subject_names().values()]
    ids = tokenizer(texts).input_ids
    assert not any(tokenizer.unk_token_id in row for row in ids)
    lengths = [len(row) for row in ids]
    assert max(lengths) <= TEXT_POSITIONS
    assert np.percentile(lengths, 95) >= 22, "late positions would stay untrained"


def test_a_word_it_never_saw_is_unknown(tokenizer):
    ids = tokenizer("riding a zeppelin").input_ids
    assert tokenizer.convert_ids_to_tokens(ids) == ["<sos>", "riding", "a", "<unk>", "<eos>"]


def test_the_end_token_is_not_the_one_that_transformers_reads_as_legacy():
    assert vocabulary()["<eos>"] != 2
