"""Generic attribute anchors by design: how irrelevant clips are, which of a pool to take, and making more of them.

from ga2app.inference.anchors import choose, generic_features, irrelevance

generic = generic_features(backbone, labels)
rows = choose(features, label_features, count=8, generic_features=generic)
"""

from ga2app.inference.anchors.anchor_choice import choose, generic_features, irrelevance, nearest_label
from ga2app.inference.anchors.anchor_ratings import rate_clips, rate_proposals, rate_texts, suggest

from ga2app.inference.anchors.synthetic_anchors import (  # isort: skip
    Kind, away_from_mover, background, calm_window, held_frame, make_anchors, motion,
)  # fmt: skip

__all__ = [
    "Kind", "away_from_mover", "background", "calm_window", "choose", "generic_features", "held_frame",
    "irrelevance", "make_anchors", "motion", "nearest_label", "rate_clips", "rate_proposals", "rate_texts",
    "suggest",
]  # fmt: skip
