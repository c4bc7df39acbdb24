"""A backbone folder as ``save_pretrained`` writes it, with weights that came out of a checkpoint."""

from __future__ import annotations

import copy
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import Tensor
from transformers import CLIPModel

from ga2app.clip import Backbone, BackboneId, load_backbone
from ga2app.errors import BackboneError
from ga2app.video.preprocessing import PREPROCESSOR

QUICK_GELU = "quick_gelu"
"""The activation of OpenAI's code, and so of every published checkpoint: x · sigmoid(1.702 x)."""


def activations(backbone: Backbone) -> set[str]:
    """Names of the activations in both towers."""
    config = backbone.clip.config
    return {config.vision_config.hidden_act, config.text_config.hidden_act}


def write_backbone(backbone: Backbone, weights: Mapping[str, Tensor], folder: Path) -> BackboneId:
    """Write ``backbone`` with ``weights`` in place of its own, and OpenAI's activation, to the new ``folder``.

    Shape and tokenizer are those of ``backbone``. Atomic: written beside it, loaded once to see that it is well, then
    renamed. Raises BackboneError.
    """
    config = copy.deepcopy(backbone.clip.config)
    config.vision_config.hidden_act = config.text_config.hidden_act = QUICK_GELU
    with torch.device("meta"):
        clip = CLIPModel(config)
    clip.load_state_dict({**backbone.clip.state_dict(), **weights}, assign=True)
    tokenizer = copy.deepcopy(backbone.tokenizer)
    tokenizer.model_max_length = backbone.sizes.text_positions
    fresh = folder.with_name(f".{folder.name}.new-{os.getpid()}")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        fresh.mkdir(parents=True)
        clip.save_pretrained(fresh)
        tokenizer.save_pretrained(fresh)
        told = json.dumps(backbone.preprocessing.to_config(), indent=2)
        (fresh / PREPROCESSOR).write_text(told + "\n", encoding="utf-8")
        identity = load_backbone(fresh, device="cpu").identity
        for path in fresh.iterdir():
            with path.open("rb") as written:
                os.fsync(written.fileno())
        os.replace(fresh, folder)
    except (OSError, SafetensorError) as exc:
        raise BackboneError(
            f"backbone folder '{folder}' could not be written ({exc}); free some space or choose another folder"
        ) from exc
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return replace(identity, name=str(folder.resolve()))
