"""The words of a backbone with their token embeddings.

Notation: W words, Dt the width of the text tower.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ga2app.clip import Backbone

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
