"""Reviewing clips: in which order they are looked at, and what was said of each."""

from __future__ import annotations

from enum import StrEnum


class Order(StrEnum):
    """Which clips come first; ``ORDERS`` says what each means."""

    UNCERTAIN = "uncertain"
    MARGIN = "margin"
    DISAGREE = "disagree"
    LABEL = "label"
    SUSPECTED = "suspected"
    LISTED = "listed"


ORDERS = {
    Order.UNCERTAIN: "Least certain first (entropy)",
    Order.MARGIN: "Closest between two labels first",
    Order.DISAGREE: "Bundle and zero-shot CLIP disagree",
    Order.LABEL: "The answer is not the clip's label",
    Order.SUSPECTED: "Suspected wrong labels only",
    Order.LISTED: "As in the data set",
}


class Reviewed(StrEnum):
    """What a person said of a clip."""

    NOT_YET = ""
    CONFIRMED = "confirmed"
    CORRECTED = "corrected"
    SKIPPED = "skipped"
