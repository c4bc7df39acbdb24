"""Which form of attention is the faster one on this machine: timed once a backbone's shape, and kept in the home.

Both give the same features up to rounding: one fused kernel ("sdpa"), or a product, a softmax and a product ("eager").
"""

from __future__ import annotations

import json
import logging
import os
import platform
import time
from typing import TYPE_CHECKING, Any

import torch

from ga2app.paths import default_home

if TYPE_CHECKING:
    from ga2app.clip.frozen_clip import Backbone

FILE = "attention_choices.json"
LEAST_WIDTH = 512
"""Of a vision tower that is worth timing; below, the default for device and precision holds."""
FRAMES, ROUNDS = 4, 5

_log = logging.getLogger(__name__)


def faster_attention(backbone: Backbone) -> str:
    """Name of the faster form for ``backbone``, as it was timed before on this machine or as it is timed now.

    A home that cannot be written is no fault: the choice holds for this process, then.
    """
    sizes, compute = backbone.sizes, backbone.compute
    if sizes.visual_width < LEAST_WIDTH:
        return compute.attention
    key = _key(backbone)
    kept = kept_choices()
    if key not in kept:
        kept[key] = _timed(backbone)
        _keep(kept)
    return kept[key]


def kept_choices() -> dict[str, str]:
    """The forms chosen so far, by machine, torch, shape and precision; those that cannot be read are timed anew."""
    try:
        data = json.loads((default_home().root / FILE).read_text(encoding="utf-8"))
        return {str(key): value for key, value in data.items() if value in ("sdpa", "eager")}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError) as exc:
        _log.info("the kept choices of attention cannot be read: %s", exc)
        return {}


def _key(backbone: Backbone) -> str:
    compute, sizes = backbone.compute, backbone.sizes
    gpu = torch.cuda.get_device_name(compute.device) if compute.device.type == "cuda" else ""
    machine = gpu or f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    shape = f"{sizes.visual_width}x{_positions(backbone)}"
    return (
        f"{machine}, {torch.get_num_threads()} threads, torch {torch.__version__}, {shape}, {compute.precision.value}"
    )


def _positions(backbone: Backbone) -> int:
    return int(backbone.clip.vision_model.embeddings.num_positions)


@torch.no_grad()
def _timed(backbone: Backbone) -> str:
    """The form whose quickest pass through a layer of the vision tower was quicker, both taking turns."""
    compute, layer = backbone.compute, backbone.clip.vision_model.encoder.layers[0]
    hidden = torch.zeros(FRAMES, _positions(backbone), backbone.sizes.visual_width, device=compute.device)
    quickest = {"sdpa": float("inf"), "eager": float("inf")}
    for _ in range(ROUNDS):
        for name in quickest:
            layer.self_attn.eager = name == "eager"
            began_s = time.perf_counter()
            layer(hidden)
            if compute.device.type == "cuda":
                torch.cuda.synchronize(compute.device)
            quickest[name] = min(quickest[name], time.perf_counter() - began_s)
    return min(quickest, key=lambda name: quickest[name])


def _keep(kept: dict[str, Any]) -> None:
    """Write ``kept``, whole or not at all."""
    file = default_home().root / FILE
    fresh = file.with_name(f".{FILE}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        os.replace(fresh, file)
    except OSError as exc:
        _log.info("the choice of attention is not kept: %s", exc)
