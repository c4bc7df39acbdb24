"""What tells one backbone from another: all of its weights, how it computes with them, and how it wants its pictures.

Hashing 600 MB takes a second, so that the hash of weights is kept, by the files that they came from.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ga2app.clip.files import ClipFolder
from ga2app.errors import StoreError
from ga2app.paths import default_home, write_whole
from ga2app.untrusted import stored_json
from ga2app.video.preprocessing import Preprocessing

KEPT_FROM_BYTES = 32_000_000
"""Weights smaller than this are hashed in less time than a file takes to be read and written."""

MOST_KEPT = 64

_FILE = "weight_hashes.json"
_COMPUTED_WITH = ("hidden_act", "layer_norm_eps", "num_attention_heads")
"""Settings of a tower that change its output and are in no shape."""

_log = logging.getLogger(__name__)


def fingerprint(weights: str, preprocessing: Preprocessing) -> str:
    """Of a backbone whose weights have the hash ``weights`` (16 hexadecimal digits)."""
    told = json.dumps(preprocessing.to_dict(), sort_keys=True)
    return _short(weights + told)


def hash_weights(clip: Any) -> str:
    """Hash of all weights of ``clip`` (a ``CLIPModel``) as float32, and of what it computes with them."""
    named = dict(clip.named_parameters())
    return hash_named(clip.config, named, named.__getitem__)


def hash_named(config: Any, names: Iterable[str], read: Callable[[str], Tensor]) -> str:
    """``hash_weights`` of a CLIP with that ``config``, whose weights ``read`` gives by name."""
    names = sorted(names)
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        digests = pool.map(lambda name: _digest(read(name)), names)
        rows = [f"{name} {digest}" for name, digest in zip(names, digests, strict=True)]
    for tower in (config.vision_config, config.text_config):
        rows += [f"{setting} {getattr(tower, setting)}" for setting in _COMPUTED_WITH]
    return _short("\n".join(rows))


def hash_of_files(clip: Any, files: ClipFolder) -> str:
    """``hash_weights`` of the ``clip`` that was loaded from ``files``, from memory where these have not changed."""
    if files.weight_bytes < KEPT_FROM_BYTES:
        return hash_weights(clip)
    try:
        key = _key(files)
        kept = _read_kept()
    except OSError as exc:
        _log.info("the hash of the weights in '%s' is not kept: %s", files.folder, exc)
        return hash_weights(clip)
    if key not in kept:
        kept = {**kept, key: hash_weights(clip)}
        _keep(kept)
    return kept[key]


SIX = (
    "logit_scale",
    "visual_projection.weight",
    "text_projection.weight",
    "vision_model.embeddings.class_embedding",
    "vision_model.encoder.layers.0.mlp.fc1.bias",
    "text_model.embeddings.position_embedding.weight",
)


def six_tensor_fingerprint(weights: Mapping[str, Tensor]) -> str:
    """The fingerprint in bundles of earlier versions, of six tensors through which everything passes.

    Those of ``weights`` that have other names have no part in it: earlier versions knew CLIP's alone.
    """
    digest = hashlib.sha256()
    for tensor in (weights[name] for name in SIX if name in weights):
        digest.update(str(tuple(tensor.shape)).encode())
        digest.update(_bytes(tensor))
    return digest.hexdigest()[:16]


def _digest(tensor: Tensor) -> str:
    digest = hashlib.sha256(str(tuple(tensor.shape)).encode())
    digest.update(_bytes(tensor))
    return digest.hexdigest()


def _bytes(tensor: Tensor) -> memoryview:
    """The numbers of ``tensor`` as float32, without a copy where they are that."""
    numbers: Any = tensor.detach().to("cpu", torch.float32).contiguous().numpy()
    return memoryview(numbers).cast("B")


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _key(files: ClipFolder) -> str:
    """Path, size and time of change of everything that the weights come from, the configuration too."""
    rows: Sequence[Path] = [path.resolve() for path in (files.config_file, *map(files.folder.joinpath, files.weights))]
    facts = [[str(path), path.stat().st_size, path.stat().st_mtime_ns] for path in rows]
    return _short(json.dumps(facts))


def _read_kept() -> dict[str, str]:
    try:
        data = stored_json((default_home().root / _FILE).read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as exc:
        _log.info("the kept hashes of weights cannot be read, and are made anew: %s", exc)
        return {}
    if not isinstance(data, dict):
        return {}
    return {key: value for key, value in data.items() if isinstance(key, str) and isinstance(value, str)}


def _keep(kept: dict[str, str]) -> None:
    """Write the newest of ``kept``, whole or not at all. Of two processes the last one counts: each can hash anew."""
    try:
        write_whole(default_home().root / _FILE, json.dumps(dict(list(kept.items())[-MOST_KEPT:]), indent=1))
    except StoreError as exc:
        _log.info("the hash of weights is not kept: %s", exc)
