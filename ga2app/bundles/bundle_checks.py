"""Whether a manifest holds what its reader will take it for: a bundle may come from anybody."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ga2app.bundles.manifest import Manifest

WIDTHS = ("visual_width", "text_width", "embedding_width")
MAX_WIDTH = 1 << 16
MAX_NAME = 200


def check_types(manifest: Manifest) -> list[str]:
    """What is of the wrong kind in ``manifest``, all of it; empty where everything is as it should be."""
    faults = []
    if not (isinstance(manifest.name, str) and 0 < len(manifest.name.strip()) <= MAX_NAME):
        faults.append(f"name must be a text of at most {MAX_NAME} characters")
    for field in ("base", "novel", "anchor_captions", "negatives", "trained"):
        if not _texts(getattr(manifest, field)):
            faults.append(f"{field} must be a list of texts")
    for field in ("metrics", "zero_shot"):
        if not _figures(getattr(manifest, field)):
            faults.append(f"{field} must be numbers by name")
    if not (isinstance(manifest.packages, Mapping) and _texts(tuple(manifest.packages.values()))):
        faults.append("packages must be versions by name")
    if not (_whole(manifest.steps) and manifest.steps >= 0):
        faults.append("steps must be a whole number")
    if not isinstance(manifest.dataset_hash, str):
        faults.append("dataset_hash must be a text")
    for field in ("conditions", "preprocessing"):
        if not isinstance(getattr(manifest, field), Mapping):
            faults.append(f"{field} must be an object")
    if not _backbone(manifest.backbone):
        faults.append("it does not say which backbone it is for")
    return faults


def _texts(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(item, str) for item in value)


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _figures(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(figure, int | float) and not isinstance(figure, bool) and math.isfinite(figure)
        for figure in value.values()
    )


def _backbone(value: Any) -> bool:
    """Whether it has a name, a fingerprint and sizes that a CLIP can have."""
    if not isinstance(value, Mapping) or not isinstance(value.get("sizes"), Mapping):
        return False
    sizes = value["sizes"]
    named = all(isinstance(value.get(key), str) and value[key] for key in ("name", "fingerprint"))
    return named and all(_whole(sizes.get(width)) and 0 < sizes[width] <= MAX_WIDTH for width in WIDTHS)
