"""Generic attribute anchors by design: how irrelevant clips are, and which of a pool to take."""

from ga2app.anchors.choosing import DIVERSITY, NearestLabel, choose, irrelevance, nearest_label

__all__ = ["DIVERSITY", "NearestLabel", "choose", "irrelevance", "nearest_label"]
