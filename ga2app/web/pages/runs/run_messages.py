"""What the screens call a setting, and its value, for a person."""

from __future__ import annotations

from typing import Any

from ga2app.web.pages.train.train_settings import SETTINGS

_PATH_LABELS = {setting.path: setting.label for setting in SETTINGS} | {
    "dataset": "Data set",
    "backbone": "Backbone",
    "seed": "Seed",
    "device": "Device",
    "precision": "Precision",
    "anchors": "Anchor set",
    "negatives": "Negative prompts",
}
_LEFT_OPEN = "those of the data set, or borrowed where it has none"
"""Anchors and negative prompts that nobody named."""


def label_of(path: str) -> str:
    """What the screens call a setting."""
    return _PATH_LABELS.get(path) or path.rpartition(".")[2].replace("_", " ").capitalize()


def spoken(value: Any, path: str = "") -> str:
    """The value for a person of the setting ``path``."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value) or _LEFT_OPEN
    return str(value) if value != "" else _LEFT_OPEN
