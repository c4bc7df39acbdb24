"""The anchors and the negative prompts nearest to a clip.

Notation: A anchor clips, M negative prompts, D embedding width. All features have length 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ga2app.evaluation import encode_clips
from ga2app.inference.explanations.explanation_records import Relative, Relatives
from ga2app.method.prompted_model import PromptedClip
from ga2app.types import AnchorClip

NEAREST = 3


@torch.no_grad()
def nearest_relatives(
    model: PromptedClip,
    clip: Tensor,
    label_cosine: float,
    anchors: Sequence[AnchorClip],
    negatives: Sequence[str],
    num_frames: int,
    count: int = NEAREST,
) -> Relatives:
    """The ``count`` of ``anchors`` and of ``negatives`` nearest to ``clip`` (D,), all as ``model`` sees them.

    A bundle's model sees anchors through its prompted vision tower and reads negatives behind its own context, as it
    would read them were they labels: so they can be compared with the label. Raises DatasetError for anchor clips that
    cannot be read.
    """
    clips, texts = [], []
    if anchors:
        features = encode_clips(model, [anchor.path for anchor in anchors], num_frames)  # (A, D)
        nearest = _nearest(features @ clip, count)
        clips = [
            Relative(anchors[row].caption or anchors[row].path, cosine, anchors[row].path) for row, cosine in nearest
        ]
    if negatives:
        nearest = _nearest(model.encode_names(negatives) @ clip, count)
        texts = [Relative(negatives[row], cosine) for row, cosine in nearest]
    return Relatives(tuple(clips), tuple(texts), label_cosine)


def _nearest(cosines: Tensor, count: int) -> list[tuple[int, float]]:
    """Place and cosine of the ``count`` highest of ``cosines`` (N,), highest first."""
    best = cosines.topk(min(count, len(cosines)))
    return list(zip(best.indices.tolist(), best.values.tolist(), strict=True))
