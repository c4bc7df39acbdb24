"""The CLIP backbones that can be chosen on this machine, and the default among them."""

from __future__ import annotations

import os
from pathlib import Path

from ga2app.clip.files import FAVORITE, ClipFolder, cached_clips, download, download_size, explain
from ga2app.config import SKETCH
from ga2app.types import BackboneChoice

__all__ = [
    "FAVORITE",
    "TOY_BYTES",
    "cached_backbones",
    "default_backbone",
    "download",
    "download_size",
    "explain",
]

TOY_BYTES = 20_000_000
"""Weights smaller than this are a toy made for tests. They can be chosen, but are nobody's default."""


def cached_backbones(cache: Path | None = None) -> list[BackboneChoice]:
    """The CLIPs that can be loaded from the local cache, the best default first.

    ``cache`` is the cache's folder if not the usual one. A cache that is absent or partly broken offers less, and
    raises nothing.
    """
    return [
        BackboneChoice(name, f"{name} ({clip.weight_bytes / 1e6:,.0f} MB, on this computer)")
        for name, clip in _best_first(cache)
    ]


def default_backbone(cache: Path | None = None) -> str:
    """What ``GA2_BACKBONE`` names, else a real CLIP from the local cache, else "sketch"."""
    named = os.environ.get("GA2_BACKBONE", "").strip()
    if named:
        return named
    return next((name for name, clip in _best_first(cache) if clip.weight_bytes >= TOY_BYTES), SKETCH)


def _best_first(cache: Path | None) -> list[tuple[str, ClipFolder]]:
    found = cached_clips(cache).items()
    return sorted(found, key=lambda item: (item[0] != FAVORITE, item[1].weight_bytes < TOY_BYTES, item[0]))
