"""Labels with descriptions: the text features of a label's name and of its sentences, averaged.

Prompts written by a language model as in CuPL (Pratt et al., ICCV 2023), here beside the name and for video.
Notation: C labels, K sentences, D embedding width.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from ga2app.clip.frozen_clip import KEPT_TEXTS, Backbone
from ga2app.config import TEMPLATE
from ga2app.datasets.label_descriptions import in_short_list, sentences_of
from ga2app.labels import spoken

Descriptions = Mapping[str, Sequence[str]]
NONE: Descriptions = {}


def described(backbone: Backbone, names: Sequence[str], features: Tensor, descriptions: Descriptions) -> Tensor:
    """Text features (C, D) of ``names`` with their descriptions, from the ``features`` (C, D) of the bare names.

    The mean of the feature of the name and of those of its sentences, all of length 1, made of length 1 again; the
    sentences pass the frozen text tower, without prompts. A name without sentences keeps its feature as it is.
    """
    told = sentences_of(names, descriptions)
    once = list(dict.fromkeys(sentence for sentences in told for sentence in sentences))
    if not once:
        return features
    known = dict(zip(once, sentence_features(backbone, once), strict=True))
    rows = [
        functional.normalize(torch.stack([row, *(known[one] for one in sentences)]).mean(dim=0), dim=-1)
        if sentences
        else row
        for row, sentences in zip(features, told, strict=True)
    ]
    return torch.stack(rows)


def sentence_features(backbone: Backbone, sentences: Sequence[str]) -> Tensor:
    """Frozen text features (K, D) of ``sentences``, of length 1; each passes the tower once while they are kept."""
    kept = backbone.sentences
    if len(kept) + len(sentences) > KEPT_TEXTS:
        kept.clear()
    fresh = [one for one in dict.fromkeys(sentences) if one not in kept]
    if fresh:
        kept.update(zip(fresh, backbone.text_features([spoken(one) for one in fresh]), strict=True))
    return torch.stack([kept[one] for one in sentences])


def class_features(
    backbone: Backbone,
    names: Sequence[str],
    templates: Sequence[str] = (TEMPLATE,),
    descriptions: Descriptions = NONE,
) -> Tensor:
    """Frozen text features (C, D) of ``names`` under ``templates``, with their ``descriptions``: zero-shot CLIP's."""
    return described(backbone, names, backbone.class_features(names, templates), descriptions)


def usable_descriptions(
    backbone: Backbone, names: Iterable[str], descriptions: Descriptions
) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """The sentences of ``names`` that the text tower can read, and notes on those that it cannot.

    Left out whole, never cut: a sentence of more tokens than the tower has positions, and one with words that the
    tokenizer never saw.
    """
    room = backbone.sizes.text_positions - len(backbone.start) - 1
    usable: dict[str, tuple[str, ...]] = {}
    faults: list[str] = []
    listed = list(names)
    for name, sentences in zip(listed, sentences_of(listed, descriptions), strict=True):
        kept = []
        for number, sentence in enumerate(sentences, 1):
            length = len(backbone.tokenizer(spoken(sentence), add_special_tokens=False)["input_ids"])
            unknown = backbone.unknown_words(spoken(sentence))
            if length > room:
                fault = f"has {length} tokens and backbone '{backbone.name}' has room for {room}; left out, shorten it"
            elif unknown:
                fault = f"has words that backbone '{backbone.name}' does not know ({', '.join(unknown[:5])}); left out"
            else:
                kept.append(sentence)
                continue
            faults.append(f"label '{name[:60]}': sentence {number} {fault}")
        if kept:
            usable[name] = tuple(kept)
    return usable, in_short_list(faults)
