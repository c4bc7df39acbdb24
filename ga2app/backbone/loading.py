"""Finding and loading a CLIP: the embedded one, a folder that transformers saved, or a repository of the Hub."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from ga2app.backbone.frozen import Backbone
from ga2app.backbone.layers import fuse_activations
from ga2app.compute import settle
from ga2app.config import SKETCH, Precision
from ga2app.errors import BackboneError
from ga2app.paths import SKETCH_CLIP


def load_backbone(
    name: str | os.PathLike[str] = SKETCH,
    *,
    device: str = "auto",
    precision: Precision | str = Precision.FLOAT32,
    revision: str | None = None,
    allow_download: bool = False,
) -> Backbone:
    """A frozen CLIP by ``name``: "sketch", a folder that transformers saved, or a Hub repository id.

    ``precision`` "auto" is faster where bfloat16 is native, and as good for a look; float32 gives CLIP's own figures.
    Nothing is downloaded unless ``allow_download``. Raises BackboneError when there is no CLIP under that name.
    """
    from transformers import AutoConfig, AutoTokenizer, CLIPModel
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    compute = settle(device, precision)
    name = os.fspath(name)
    source = str(SKETCH_CLIP) if name == SKETCH else name
    local = Path(source).is_dir()
    options: dict[str, Any] = {"local_files_only": local or not allow_download, "revision": revision}
    try:
        config = AutoConfig.from_pretrained(source, **options)
        if config.model_type != "clip":
            raise BackboneError(
                f"'{name}' is a {config.model_type} model, not a CLIP; choose one such as openai/clip-vit-base-patch16"
            )
        clip = CLIPModel.from_pretrained(
            source,
            dtype=torch.float32,
            use_safetensors=None if local else True,
            attn_implementation=compute.attention,
            **options,
        )
        tokenizer = AutoTokenizer.from_pretrained(source, **options)
    except (OSError, ValueError, KeyError, RuntimeError) as exc:
        raise BackboneError(_why_not_loaded(name, local, allow_download, exc)) from exc
    fuse_activations(clip)
    commit = None if local else getattr(config, "_commit_hash", None)
    return Backbone(clip, tokenizer, name, commit, compute)


def _why_not_loaded(name: str, local: bool, allow_download: bool, exc: Exception) -> str:
    if local:
        return (
            f"folder '{name}' does not hold a CLIP that transformers can load ({_first_line(exc)}); "
            "it needs config.json, model.safetensors and the tokenizer's files, as save_pretrained writes them"
        )
    if not allow_download:
        return (
            f"backbone '{name}' is neither a folder nor in the local Hugging Face cache; check the name, "
            f"or fetch it first with: hf download {name}"
        )
    return f"backbone '{name}' could not be downloaded ({_first_line(exc)}); check the name and the network"


def _first_line(exc: Exception) -> str:
    return (str(exc).strip().splitlines() or [type(exc).__name__])[0][:200]
