"""Generic attribute anchors by design: how irrelevant clips are, which of a pool to take, and making more of them.

from ga2app.inference.anchors import choose, generic_features, irrelevance

generic = generic_features(backbone, labels)
rows = choose(features, label_features, count=8, generic_features=generic)
"""

from ga2app.inference.anchors.anchor_choice import (
    DIVERSITY,
    NearestLabel,
    choose,
    diverse,
    generic_features,
    generic_texts,
    irrelevance,
    nearest_label,
)
from ga2app.inference.anchors.anchor_ratings import (
    RatedPool,
    closeness_limit,
    rate_clips,
    rate_proposals,
    rate_texts,
    suggest,
)
from ga2app.inference.anchors.synthetic_anchors import (
    CAPTIONS,
    Kind,
    away_from_mover,
    background,
    calm_window,
    held_frame,
    make_anchors,
    motion,
)

__all__ = [
    "CAPTIONS",
    "DIVERSITY",
    "Kind",
    "NearestLabel",
    "RatedPool",
    "away_from_mover",
    "background",
    "calm_window",
    "choose",
    "closeness_limit",
    "diverse",
    "generic_features",
    "generic_texts",
    "held_frame",
    "irrelevance",
    "make_anchors",
    "motion",
    "nearest_label",
    "rate_clips",
    "rate_proposals",
    "rate_texts",
    "suggest",
]
