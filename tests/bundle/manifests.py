"""Manifests of bundles that nobody trained."""

from __future__ import annotations

from typing import Any

from ga2app.bundles import FORMAT_VERSION, Manifest
from ga2app.config import PromptConfig, RunConfig

CLIP = "openai/clip-vit-base-patch16"
SIZES = {"visual_width": 768, "text_width": 512, "embedding_width": 512, "image_size": 224}


def manifest(config: RunConfig | None = None, backbone: str = CLIP, **changes: Any) -> Manifest:
    """A manifest of a run on a real CLIP, with ``changes``."""
    config = config or RunConfig(dataset="hmdb51", backbone=backbone, prompts=PromptConfig(hard_prompt="random"))
    fields: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "name": "hmdb run 3",
        "backbone": {"name": backbone, "revision": "57c2164", "fingerprint": "0123456789abcdef", "sizes": SIZES},
        "config": config.to_dict(),
        "base": ("brush hair", "cartwheel"),
        "novel": ("kick ball", "wave"),
        "dataset_hash": "fedcba9876543210",
        "anchor_captions": ("a red wall",),
        "negatives": ("nothing", "something else"),
        "preprocessing": {"image_size": 224, "num_frames": 32},
        "steps": 480,
        "metrics": {"base": 78.125, "novel": 58.9, "hm": 67.1662, "all": 50.0},
        "zero_shot": {"base": 61.0, "novel": 55.5, "hm": 58.1},
        "packages": {"torch": "2.13.0"},
    }
    return Manifest(**(fields | changes))
