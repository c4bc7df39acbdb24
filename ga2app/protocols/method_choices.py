"""What can be asked of the benchmark, by name. Nothing heavy is imported here: the command line lists it."""

from __future__ import annotations

SETTINGS = ("narrow", "wide")

POOLS = ("scenes", "random", "chosen", "video", "none")
"""All scenes · a random part of a mixed pool · the most irrelevant and diverse part of it · made from the training
clips · none at all."""

ABLATIONS = (
    "no-whitening",
    "no-residual",
    "no-keep",
    "no-vocabulary",
    "no-terms",
    "text-alone",
    "random-hard-prompt",
    "float32",
    "anchors-none",
    "anchors-random",
    "anchors-chosen",
    "anchors-video",
    "negatives-1",
    "negatives-3",
    "negatives-10",
)
"""``ga2`` with one part changed."""
