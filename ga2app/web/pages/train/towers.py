"""What a backbone's own configuration says of its towers, without loading it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ga2app.clip.files import find_clip
from ga2app.clip.files.clip_folder import CONFIG
from ga2app.errors import BackboneError

_LAYERS, _POSITIONS = 12, 77
"""What a CLIP has whose configuration does not say: transformers leaves out what is usual."""


@dataclass(frozen=True)
class Towers:
    """Layers of each tower, and how many tokens a text may have."""

    visual_layers: int
    text_layers: int
    text_positions: int


def towers_of(backbone: str) -> Towers | None:
    """The towers of ``backbone``; None where it is not on this machine or cannot be read."""
    try:
        folder = Path(backbone).expanduser()
        path = (folder if folder.is_dir() else find_clip(backbone).folder) / CONFIG
        return _read(path, path.stat().st_mtime)
    except (BackboneError, OSError, ValueError, TypeError, AttributeError):
        return None


@lru_cache(maxsize=32)
def _read(path: Path, changed_s: float) -> Towers:
    data = json.loads(path.read_text(encoding="utf-8"))
    vision, text = _part(data, "vision_config"), _part(data, "text_config")
    return Towers(
        int(vision.get("num_hidden_layers", _LAYERS)),
        int(text.get("num_hidden_layers", _LAYERS)),
        int(text.get("max_position_embeddings", _POSITIONS)),
    )


def _part(data: dict[str, Any], name: str) -> dict[str, Any]:
    """Older files say the same twice, and the second place counts."""
    return (data.get(name) or {}) | (data.get(f"{name}_dict") or {})
