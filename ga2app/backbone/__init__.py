"""A frozen CLIP with places for prompts in both towers. Any CLIP that ``transformers`` can load is a backbone."""

from ga2app.backbone.frozen import Backbone, BackboneId, TokenizedText, TowerSizes
from ga2app.backbone.loading import load_backbone

__all__ = ["Backbone", "BackboneId", "TokenizedText", "TowerSizes", "load_backbone"]
