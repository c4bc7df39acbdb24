"""A frozen CLIP with places for prompts in both towers. Any CLIP that ``transformers`` can load is a backbone.

The names below load torch at their first use: ``ga2app.clip.files`` looks into folders without it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ga2app.clip.frozen_clip import Backbone, BackboneId, TokenizedText, TowerSizes
    from ga2app.clip.loading import load_backbone

__all__ = ["Backbone", "BackboneId", "TokenizedText", "TowerSizes", "load_backbone"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'ga2app.clip' has no attribute '{name}'")
    home = "loading" if name == "load_backbone" else "frozen_clip"
    return getattr(importlib.import_module(f"ga2app.clip.{home}"), name)
