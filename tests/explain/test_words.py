from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, CLIPConfig, CLIPModel

from ga2app.bundles import load_folder
from ga2app.clip import Backbone, load_backbone
from ga2app.clip.compute import settle
from ga2app.config import PromptConfig
from ga2app.inference.explanations import Reading, TokenKind, WordReport, explain_words, word_table
from ga2app.method.prompts import PromptLearner
from ga2app.paths import SKETCH_HARD_PROMPT
from tests.conftest import WORDS


@pytest.fixture(scope="module")
def backbone(tiny_clip_folder: Path) -> Backbone:
    return load_backbone(tiny_clip_folder, precision="float32")


def embedding(backbone: Backbone, token: str) -> torch.Tensor:
    row = backbone.tokenizer.get_vocab()[token]
    return backbone.clip.text_model.embeddings.token_embedding.weight[row].detach().clone()


def soft_prompts(rows: torch.Tensor) -> PromptLearner:
    prompts = PromptLearner(PromptConfig(length=len(rows), visual_depth=0, text_depth=1, coupled=False), 32, 24)
    prompts.load_tensors({"soft": rows})
    return prompts


@pytest.fixture(scope="module")
def report(backbone: Backbone) -> WordReport:
    """Of four tokens: a word, three times that word, random numbers, and the end token."""
    word = embedding(backbone, "jumping")
    noise = torch.randn(24, generator=torch.Generator().manual_seed(3)) * 0.02
    return explain_words(backbone, soft_prompts(torch.stack([word, 3 * word, noise, embedding(backbone, "</s>")])))


def test_a_token_that_is_a_word_is_read_as_that_word(report: WordReport):
    token = report.tokens[0]
    assert (token.kind, token.place, token.reading) == (TokenKind.SOFT, 1, Reading.WORD)
    assert token.words[0].text == token.nearest_by_distance.text == "jumping"
    assert token.words[0].cosine == pytest.approx(1, abs=1e-5) and token.words[0].distance < 1e-5


def test_a_longer_token_has_the_same_cosine_and_is_further_away(report: WordReport):
    once, thrice = report.tokens[:2]
    assert thrice.words[0].cosine == pytest.approx(1, abs=1e-5) and thrice.norm == pytest.approx(
        3 * once.norm, rel=1e-4
    )
    assert thrice.words[0].distance == pytest.approx(2 * once.norm, rel=1e-4)


def test_random_numbers_are_told_from_a_word_although_some_word_is_nearest(report: WordReport):
    noise = report.tokens[2]
    assert noise.reading is Reading.NOISE and noise.words[0].cosine <= noise.noise_cosine


def test_words_come_nearest_first_and_special_tokens_never(report: WordReport):
    for token in report.tokens:
        cosines = [word.cosine for word in token.words]
        assert len(cosines) == 5 and cosines == sorted(cosines, reverse=True)
        assert all(word.text in WORDS and word.whole for word in token.words)
    assert report.words == len(WORDS)


def test_the_vocabularys_own_neighbors_are_those_of_a_direct_count(backbone: Backbone, report: WordReport):
    vectors = word_table(backbone).vectors
    nearest = [
        min(float((one - other).norm()) for place, other in enumerate(vectors) if place != own)
        for own, one in enumerate(vectors)
    ]
    assert report.word_distance == pytest.approx(float(torch.tensor(nearest).median()), rel=1e-4)
    assert report.word_norm == pytest.approx(float(vectors.norm(dim=1).median()), rel=1e-4)
    assert 0 < report.word_cosine < 1 and 0 < report.blend_cosine < 1


def test_coupled_prompts_show_their_context_tokens_too(backbone: Backbone):
    prompts = PromptLearner(
        PromptConfig(length=2, visual_depth=2, text_depth=3, hard_prompt="random"),
        32,
        24,
        generator=torch.Generator().manual_seed(0),
    )
    found = explain_words(backbone, prompts.train())
    assert prompts.training
    assert [(token.kind.value, token.place) for token in found.tokens] == [
        ("soft", 1),
        ("soft", 2),
        ("context", 1),
        ("context", 2),
    ]
    context = prompts.eval().context()
    assert context is not None
    assert [token.norm for token in found.tokens[2:]] == pytest.approx(context.norm(dim=1).tolist(), rel=1e-4)


def test_without_text_prompts_there_is_nothing_to_read(backbone: Backbone):
    prompts = PromptLearner(PromptConfig(length=2, visual_depth=2, text_depth=0, coupled=False), 32, 24)
    assert explain_words(backbone, prompts).tokens == ()


def test_the_same_tokens_get_the_same_report(backbone: Backbone, report: WordReport):
    rows = torch.stack([embedding(backbone, word) for word in ("walking", "red")])
    first, again = (explain_words(backbone, soft_prompts(rows)) for _ in range(2))
    assert first == again and first != report
    assert json.loads(json.dumps(first.to_dict()))["tokens"][1]["reading"] == "word"


def test_no_token_of_the_shipped_hard_prompt_means_a_word():
    """Some of its tokens are nearer to a word than random numbers are, none is nearer than random blends of words."""
    found = explain_words(load_backbone(), load_folder(SKETCH_HARD_PROMPT).learner())
    readings = {token.reading for token in found.tokens}
    assert len(found.tokens) == 8 and Reading.WORD not in readings and Reading.BLEND in readings


def test_marks_of_clips_own_vocabulary_are_cleaned_away(clip_tokenizer: Path):
    tokenizer = AutoTokenizer.from_pretrained(clip_tokenizer)
    tower = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    vision = {**tower, "image_size": 16, "patch_size": 8}
    clip = CLIPModel(CLIPConfig(text_config=tower, vision_config=vision, projection_dim=8))
    table = word_table(Backbone(clip, tokenizer, "clip", None, settle("cpu", "float32")))
    whole = {word for word, is_whole in zip(table.words, table.whole, strict=True) if is_whole}
    parts = {word for word, is_whole in zip(table.words, table.whole, strict=True) if not is_whole}
    assert {"cat", "bicycle", "riding"} <= whole and "sel" in parts
    assert not any("</w>" in word or "<|" in word or "\ufffd" in word or word != word.strip() for word in table.words)
    assert len(table.vectors) == len(table.words) == len(table.whole) > 48_000
    row = tokenizer.get_vocab()["bicycle</w>"]
    own = clip.text_model.embeddings.token_embedding.weight[row]
    assert torch.equal(table.vectors[[*zip(table.words, table.whole, strict=True)].index(("bicycle", True))], own)
