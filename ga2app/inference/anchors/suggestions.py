"""Proposals for a label list: negative prompts, and captions of clips that would make good anchors.

Nothing here changes a data set or the store: a proposal is a text to accept or to leave. Notation: C labels, K texts,
D embedding width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from ga2app.clip import Backbone
from ga2app.errors import DatasetError
from ga2app.inference.anchors.anchor_choice import DIVERSITY, diverse, nearest_label
from ga2app.inference.anchors.anchor_clips import anchor_labels
from ga2app.inference.anchors.candidate_words import TEMPLATE, known, seed_captions, seed_negatives, unrelated
from ga2app.labels import spoken
from ga2app.types import ProposalKind


@dataclass(frozen=True)
class Proposal:
    """A text to accept or to leave: its ``distance`` 1 − cosine to the ``nearest`` label in the text space.

    Both are None for a text with words that the backbone does not know.
    """

    text: str
    kind: ProposalKind
    distance: float | None
    nearest: str | None


def suggest(backbone: Backbone, labels: Sequence[str], count: int, diversity: float = DIVERSITY) -> list[Proposal]:
    """``count`` negatives and ``count`` captions from the shipped seeds, far from ``labels`` and unlike each other.

    Fewer where the seeds do not give as many: a text counts only if the backbone knows its words and it shares none
    that matters with a label. Raises LabelError for labels that cannot be used, DatasetError for a count below 1.
    """
    if count < 1:
        raise DatasetError(f"{count} proposals were asked for; ask for at least 1")
    names = anchor_labels(backbone, labels)
    found: list[Proposal] = []
    for kind, seeds in ((ProposalKind.NEGATIVE, seed_negatives()), (ProposalKind.CAPTION, seed_captions())):
        texts = known(unrelated(seeds, names), backbone)
        if texts:
            features, rated = _rate(backbone, texts, names, kind)
            distances = torch.tensor([proposal.distance for proposal in rated])
            found += [rated[row] for row in diverse(distances, features, min(count, len(texts)), diversity)]
    return found


def rate_proposals(
    backbone: Backbone, texts: Sequence[str], labels: Sequence[str], kind: ProposalKind
) -> list[Proposal]:
    """Texts from elsewhere, such as a language model's, the farthest from ``labels`` first, those not known last.

    Those that contain a label or share a word that matters with one are left out.
    """
    names = anchor_labels(backbone, labels)
    kept = unrelated(texts, names)
    understood = known(kept, backbone)
    rated = _rate(backbone, understood, names, kind)[1] if understood else []
    strange = [Proposal(text, kind, None, None) for text in kept if text not in understood]
    return sorted(rated, key=lambda proposal: -(proposal.distance or 0.0)) + strange


def _rate(
    backbone: Backbone, texts: Sequence[str], names: Sequence[str], kind: ProposalKind
) -> tuple[torch.Tensor, list[Proposal]]:
    """Features (K, D) of ``texts``, and each as a proposal, in their order."""
    features = backbone.text_features([TEMPLATE.format(text) for text in texts])
    index, cosine = nearest_label(features, backbone.text_features([TEMPLATE.format(spoken(name)) for name in names]))
    return features, [
        Proposal(text, kind, round(1 - near, 6), names[row])
        for text, row, near in zip(texts, index.tolist(), cosine.tolist(), strict=True)
    ]
