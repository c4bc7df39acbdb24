"""How close negative prompts come to labels. Notation: C labels, K texts, D embedding width."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ga2app.clip import Backbone
from ga2app.inference.anchors.anchor_choice import nearest_label
from ga2app.inference.anchors.anchor_clips import anchor_labels
from ga2app.inference.anchors.candidate_words import TEMPLATE, unrelated
from ga2app.labels import spoken
from ga2app.types import TextRating, TextRatings


@torch.no_grad()
def rate_texts(backbone: Backbone, texts: Sequence[str], labels: Sequence[str]) -> TextRatings:
    """How close each of ``texts`` comes to ``labels`` in the text space of ``backbone``.

    A text is too close if it contains a label, shares a word that matters with one, or is at least as near to one as
    the labels are to each other (see ``closeness_limit``): then it draws clips away from that label. Raises
    LabelError when there is no label or the backbone knows no word of them.
    """
    names = anchor_labels(backbone, labels)
    if not texts:
        return TextRatings(())
    classes = backbone.text_features([TEMPLATE.format(name) for name in names])
    said = backbone.text_features([TEMPLATE.format(spoken(text)) for text in texts])
    index, cosine = (part.tolist() for part in nearest_label(said, classes))
    limit, apart = closeness_limit(classes), set(unrelated(texts, names))
    rated = []
    for text, row, near in zip(texts, index, cosine, strict=True):
        unknown = tuple(dict.fromkeys(backbone.unknown_words(text)))
        # A text without a known word lies wherever unknown words lie: its cosine says nothing.
        close = text not in apart or (limit is not None and near >= limit and not unknown)
        rated.append(TextRating(text, round(near, 6), names[row], close, unknown))
    return TextRatings(tuple(rated), limit)


def closeness_limit(classes: Tensor) -> float | None:
    """The median cosine of a label to its nearest other label, of label features ``classes`` (C, D); None for one.

    Cosines lie elsewhere in each backbone, so that a fixed bound would mean nothing; how near the labels are to each
    other, and are still to be told apart, is a measure that the backbone itself gives.
    """
    if len(classes) < 2:
        return None
    likeness = classes @ classes.T  # (C, C)
    likeness.fill_diagonal_(-torch.inf)
    return float(likeness.max(dim=1).values.median())
