"""The sketch backbone's tokenizer: whole words of the trained captions, in Hugging Face format."""

from __future__ import annotations

import re
from typing import Any

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from tools.captions import vocabulary_texts

TEXT_POSITIONS = 48
PAD, SOS, EOS, UNKNOWN = "<pad>", "<sos>", "<eos>", "<unk>"


def vocabulary() -> dict[str, int]:
    """Every known word with its id: special tokens first, then the words of all captions, sorted.

    No token that ends a text may have the id 2: transformers reads that as a mark of old CLIP configurations.
    """
    words = sorted({word for text in vocabulary_texts() for word in re.findall(r"\w+|[^\w\s]", text.lower())})
    tokens = [PAD, SOS, UNKNOWN, EOS, *words]
    return {token: index for index, token in enumerate(tokens)}


def build_tokenizer() -> PreTrainedTokenizerFast:
    """A fast tokenizer that lowercases, splits at spaces and punctuation, and adds SOS and EOS as CLIP's does."""
    words = vocabulary()
    tokenizer = Tokenizer(models.WordLevel(words, unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation()])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{SOS} $A {EOS}", special_tokens=[(SOS, words[SOS]), (EOS, words[EOS])]
    )
    build: Any = PreTrainedTokenizerFast  # its constructor has no annotations
    fast: PreTrainedTokenizerFast = build(
        tokenizer_object=tokenizer,
        bos_token=SOS,
        eos_token=EOS,
        unk_token=UNKNOWN,
        pad_token=PAD,
        model_max_length=TEXT_POSITIONS,
        padding_side="right",
    )
    return fast
