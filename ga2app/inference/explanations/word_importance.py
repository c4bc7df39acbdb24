"""The words that learned tokens are near to, beside what chance gets.

Notation: W words, Dt the width of the text tower, P prompt tokens.

A nearest word always exists, so its name proves nothing. Three figures stand beside it: how near a word is to its own
nearest word; how near the same token comes when its numbers are shuffled, which is a random token of the same length;
and how near a random blend of words comes, which lies where words lie and means none of them.

What cannot be read this way. Deep text prompts take the place of hidden states behind a layer and visual prompts stand
among patches: no word of the embedding table lies there. (The states of single words behind a layer of the sketch
backbone are some 200 times as long as its deep prompts and have cosines of 0.99 among themselves, so no nearest one
can be told.) The soft prompt of a coupled bundle never enters the text tower; its context tokens do.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ga2app.clip import Backbone
from ga2app.clip.turns import let_others_in
from ga2app.inference.explanations.explanation_records import Reading, TokenKind, TokenWords, Word, WordReport
from ga2app.method.prompts import PromptLearner

END_OF_WORD = "</w>"
"""How byte-level vocabularies such as CLIP's mark a token that ends a word."""


@dataclass(frozen=True)
class WordTable:
    """``words`` as they are read, whether each is a ``whole`` word, and their embeddings ``vectors`` (W, Dt)."""

    words: tuple[str, ...]
    whole: tuple[bool, ...]
    vectors: Tensor


def word_table(backbone: Backbone) -> WordTable:
    """Every token of ``backbone`` that can be read as text, in the order of the vocabulary.

    Left out are the special tokens and those that are no text by themselves: blanks, control characters, and single
    bytes of a longer character. In a byte-level vocabulary a token without the mark of a word's end is the beginning
    or the middle of words, so ``whole`` is false; a vocabulary without marks has whole words only.
    """
    tokenizer = backbone.tokenizer
    special = set(tokenizer.all_special_ids)
    marked = any(token.endswith(END_OF_WORD) for token in tokenizer.get_vocab())
    table = backbone.clip.text_model.embeddings.token_embedding.weight.detach()
    words, whole, rows = [], [], []
    for token, row in sorted(tokenizer.get_vocab().items(), key=lambda entry: entry[1]):
        text = tokenizer.decode([row]).strip()
        if row in special or row >= len(table) or not text or not text.isprintable() or "\ufffd" in text:
            continue
        words.append(text)
        whole.append(not marked or token.endswith(END_OF_WORD))
        rows.append(row)
    return WordTable(tuple(words), tuple(whole), table[torch.tensor(rows, device=table.device)].float())


DRAWS = 200
"""Shuffles of each token, and random blends of words."""

SHARE_BELOW = 0.99
"""The share of draws that a token has to beat to count as nearer than them."""

SAMPLE = 500
"""Words whose nearest other word is looked up."""


@torch.no_grad()
def explain_words(backbone: Backbone, prompts: PromptLearner, count: int = 5, seed: int = 0) -> WordReport:
    """The ``count`` nearest words of each soft token and, where ``prompts`` are coupled, of each context token.

    Without text prompts the report has no tokens. ``seed`` fixes the random draws.
    """
    table = word_table(backbone)
    generator = torch.Generator().manual_seed(seed)
    kinds: dict[TokenKind, Tensor | None] = {TokenKind.SOFT: prompts.soft}
    if prompts.coupling is not None:
        kinds[TokenKind.CONTEXT] = _settled_context(prompts)
    blend = _blend_cosine(table, generator)
    tokens = [
        _nearest(kind, place, token.to(table.vectors), table, blend, count, generator)
        for kind, rows in kinds.items()
        if rows is not None
        for place, token in enumerate(rows, start=1)
    ]
    cosine, distance = _word_to_word(table, generator)
    return WordReport(
        backbone=backbone.name,
        words=len(table.words),
        word_norm=float(table.vectors.norm(dim=1).median()),
        word_cosine=cosine,
        word_distance=distance,
        blend_cosine=blend,
        tokens=tuple(tokens),
    )


def _settled_context(prompts: PromptLearner) -> Tensor | None:
    """The context tokens (P, Dt) without dropout; the prompts stay in the mode in which they are."""
    training = prompts.training
    try:
        return prompts.eval().context()
    finally:
        prompts.train(training)


def _nearest(
    kind: TokenKind, place: int, token: Tensor, table: WordTable, blend: float, count: int, generator: torch.Generator
) -> TokenWords:
    """The words nearest to ``token`` (Dt,), and what its shuffles get."""
    cosines = functional.normalize(table.vectors, dim=1) @ functional.normalize(token, dim=0)  # (W,)
    distances = (table.vectors - token).norm(dim=1)  # (W,)

    let_others_in()

    def word(row: int) -> Word:
        return Word(table.words[row], table.whole[row], float(cosines[row]), float(distances[row]))

    shuffled = torch.stack([token[torch.randperm(len(token), generator=generator)] for _ in range(DRAWS)])
    noise = float(_nearest_cosines(shuffled, table).quantile(SHARE_BELOW))
    best = cosines.topk(min(count, len(table.words))).indices.tolist()
    return TokenWords(
        kind=kind,
        place=place,
        norm=float(token.norm()),
        words=tuple(word(row) for row in best),
        nearest_by_distance=word(int(distances.argmin())),
        noise_cosine=noise,
        reading=_reading(float(cosines.max()), noise, blend),
    )


def _reading(cosine: float, noise: float, blend: float) -> Reading:
    if cosine <= noise:
        return Reading.NOISE
    return Reading.WORD if cosine > max(noise, blend) else Reading.BLEND


def _nearest_cosines(tokens: Tensor, table: WordTable) -> Tensor:
    """The cosine (N,) of each of ``tokens`` (N, Dt) to its nearest word; a token of zeros has 0."""
    cosines = functional.normalize(tokens, dim=1) @ functional.normalize(table.vectors, dim=1).T  # (N, W)
    return cosines.max(dim=1).values


def _blend_cosine(table: WordTable, generator: torch.Generator) -> float:
    """What ``SHARE_BELOW`` of random blends of all words stay below: tokens with the words' own mean and covariance."""
    mean = table.vectors.mean(dim=0)
    weights = torch.randn(DRAWS, len(table.words), generator=generator).to(mean)
    blends = mean + weights @ (table.vectors - mean) / len(table.words) ** 0.5  # (draws, Dt)
    return float(_nearest_cosines(blends, table).quantile(SHARE_BELOW))


def _word_to_word(table: WordTable, generator: torch.Generator) -> tuple[float, float]:
    """Cosine and distance of a word to its nearest other word: the medians over a sample of words."""
    rows = torch.randperm(len(table.words), generator=generator)[:SAMPLE].to(table.vectors.device)
    own = torch.arange(len(rows), device=rows.device)
    unit = functional.normalize(table.vectors, dim=1)
    cosines = unit[rows] @ unit.T  # (sample, W)
    distances = torch.cdist(table.vectors[rows], table.vectors)
    cosines[own, rows], distances[own, rows] = -1.0, torch.inf
    return float(cosines.max(dim=1).values.median()), float(distances.min(dim=1).values.median())
