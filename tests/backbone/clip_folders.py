"""Copies of a small CLIP, each with something of its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")


def copy_of(folder: Path, place: Path, without: tuple[str, ...] = ()) -> Path:
    """A copy of the CLIP in ``folder``."""
    shutil.copytree(folder, place, ignore=shutil.ignore_patterns(*without))
    return place


def say(place: Path, name: str, **settings: Any) -> Path:
    """The folder, whose JSON file ``name`` says ``settings``, too."""
    file = place / name
    data = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps(data | settings))
    return place


def pickled(place: Path) -> Path:
    """The folder with its weights as torch.save writes them, and no others."""
    import torch
    from safetensors.torch import load_file

    torch.save(load_file(place / "model.safetensors"), place / "pytorch_model.bin")
    (place / "model.safetensors").unlink()
    return place


def cached(folder: Path, cache: Path, name: str = "user/clip", ref: str | None = None, commit: str = COMMIT) -> Path:
    """The CLIP in ``folder`` as the cache holds it that was fetched by its commit, or by ``ref``."""
    root = cache / f"models--{name.replace('/', '--')}"
    place = root / "snapshots" / commit
    place.parent.mkdir(parents=True, exist_ok=True)
    (root / "blobs").mkdir(exist_ok=True)
    shutil.copytree(folder, place)
    if ref:
        (root / "refs").mkdir(exist_ok=True)
        (root / "refs" / ref).write_text(commit)
    return place
