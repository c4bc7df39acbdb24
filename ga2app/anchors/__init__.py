"""Generic attribute anchors by design: how irrelevant clips are, which of a pool to take, and making more of them.

from ga2app.anchors import choose, generic_features, irrelevance

generic = generic_features(backbone, labels)
rows = choose(features, label_features, count=8, generic_features=generic)
"""

from ga2app.anchors.choosing import DIVERSITY, NearestLabel, choose, diverse, irrelevance, nearest_label
from ga2app.anchors.clips import RatedClip, RatedPool, rate_clips
from ga2app.anchors.making import CAPTIONS, Kind, away_from_mover, background, calm_window, held_frame, motion
from ga2app.anchors.suggesting import Proposal, rate_proposals, suggest
from ga2app.anchors.texts import closeness_limit, rate_texts
from ga2app.anchors.vocabulary import generic_features, generic_texts
from ga2app.anchors.writing import MadeAnchor, MadeAnchors, make_anchors

__all__ = [
    "CAPTIONS",
    "DIVERSITY",
    "Kind",
    "MadeAnchor",
    "MadeAnchors",
    "NearestLabel",
    "Proposal",
    "RatedClip",
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
