"""What is the faster way to compute on this machine: timed once for a backbone's shape, and kept in the data directory.

Attention and threads change nothing but rounding. ``precision`` "auto" takes bfloat16 where that is native and the
faster one. Compiled layers are for those who ask for them. Each can be named instead, and then nothing is timed.
"""

from __future__ import annotations

import json
import logging
import platform
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from ga2app.clip.compute import Compute
from ga2app.clip.prompt_layers import FrozenLayer, hold
from ga2app.errors import BackboneError, StoreError
from ga2app.paths import default_home, write_whole
from ga2app.untrusted import stored_json

if TYPE_CHECKING:
    from ga2app.clip.frozen_clip import Backbone

FILE = "measured_choices.json"
KINDS = ("attention", "precision", "threads", "compile")
LEAST_WIDTH = 512
"""Of a vision tower that is worth timing; below, the default for device and precision holds."""
FRAMES, ROUNDS = 4, 5
CLEARLY = 0.9
"""Share of the time that fewer threads may take to be chosen: a moment in which others compute must not decide it."""

_log = logging.getLogger(__name__)
Kept = dict[str, dict[str, str]]


def faster_attention(backbone: Backbone) -> str:
    """Name of the faster form for ``backbone``, as it was timed before on this machine or as it is timed now.

    Both give the same features up to rounding: one fused kernel ("sdpa"), or a product, a softmax and a product
    ("eager"). A data directory that cannot be written is no fault: the choice holds for this process, then.
    """
    layer, compute = backbone.clip.vision_model.encoder.layers[0], backbone.compute
    if backbone.sizes.visual_width < LEAST_WIDTH:
        return compute.attention
    states = _states(backbone.clip, compute)

    def run(name: str) -> None:
        layer.self_attn.eager = name == "eager"
        layer(states)

    return _chosen("attention", backbone.clip, compute, ("sdpa", "eager"), run)


def faster_threads(clip: Any, compute: Compute) -> int:
    """How many threads of a processor the towers of ``clip`` take: torch's own number, or clearly faster half of it.

    Cores that share their units may be slower together. On other devices it is 0, torch's own number.
    """
    most = torch.get_num_threads()
    if compute.device.type != "cpu" or most < 2 or clip.config.vision_config.hidden_size < LEAST_WIDTH:
        return 0
    layer, states = _held_layer(clip, compute), _states(clip, compute)

    def run(name: str) -> None:
        torch.set_num_threads(int(name))
        layer(states)

    try:
        chosen = int(_chosen("threads", clip, compute, (str(most), str(most // 2)), run, CLEARLY))
    finally:
        torch.set_num_threads(most)
    return 0 if chosen >= most else chosen


def faster_precision(clip: Any, compute: Compute) -> Compute:
    """``compute``, for which nobody has named a precision, in float32 where its bfloat16 is native but not faster.

    Small towers spend their time elsewhere: they keep float32, and so give the same answers on every machine.
    """
    if compute.dtype != torch.bfloat16:
        return compute
    if clip.config.vision_config.hidden_size < LEAST_WIDTH:
        return replace(compute, dtype=torch.float32)
    either = {name: replace(compute, dtype=getattr(torch, name)) for name in ("bfloat16", "float32")}
    layers = {name: _held_layer(clip, one) for name, one in either.items()}
    states = _states(clip, compute)
    return either[_chosen("precision", clip, compute, tuple(either), lambda name: layers[name](states))]


def gain_of_compiling(backbone: Backbone) -> float:
    """How many times as fast a layer of the vision tower is when torch compiles it, which takes a minute at first.

    Raises BackboneError where torch cannot.
    """
    compute, layer = backbone.compute, backbone.clip.vision_model.encoder.layers[0]
    key, kept, states = _key(backbone.clip, compute), kept_choices()["compile"], _states(backbone.clip, compute)
    calls = {"off": layer.forward, "on": lambda states: backbone.compiled_layer(layer, states, None)}
    try:
        with torch.no_grad():
            calls["on"](states)
    except (RuntimeError, OSError) as exc:
        why = (str(exc).strip().splitlines() or [type(exc).__name__])[0][:200]
        raise BackboneError(
            f"torch cannot compile the layers of '{backbone.name}' here ({why}); leave --compile out, or install what "
            "is missing: on a processor that is a C++ compiler"
        ) from exc
    if key not in kept:
        took = _quickest(tuple(calls), lambda name: calls[name](states), compute.device)
        kept[key] = f"{took['off'] / took['on']:.2f}"
        _keep("compile", key, kept[key])
    return float(kept[key])


def kept_choices() -> Kept:
    """What was chosen so far, by kind, then by machine, torch, shape and precision; an unreadable file is made anew."""
    found: Any = {}
    try:
        found = stored_json((default_home().root / FILE).read_bytes())
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as exc:
        _log.info("the measured choices cannot be read: %s", exc)
    kinds = found if isinstance(found, dict) else {}
    return {kind: dict(kinds[kind]) if isinstance(kinds.get(kind), dict) else {} for kind in KINDS}


def _key(clip: Any, compute: Compute) -> str:
    gpu = torch.cuda.get_device_name(compute.device) if compute.device.type == "cuda" else ""
    machine = gpu or f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    shape = f"{clip.config.vision_config.hidden_size}x{_positions(clip)}"
    threads = compute.threads or torch.get_num_threads()
    return f"{machine}, {threads} threads, torch {torch.__version__}, {shape}, {compute.precision.value}"


def _positions(clip: Any) -> int:
    return int(clip.vision_model.embeddings.num_positions)


def _states(clip: Any, compute: Compute) -> torch.Tensor:
    return torch.zeros(FRAMES, _positions(clip), clip.config.vision_config.hidden_size, device=compute.device)


def _held_layer(clip: Any, compute: Compute) -> FrozenLayer:
    """A copy of the first layer of the vision tower as ``compute`` holds it."""
    layer = FrozenLayer(deepcopy(clip.vision_model.encoder.layers[0]), quick=True).eval().requires_grad_(False)
    layer.self_attn.eager = compute.attention == "eager"
    hold(layer, compute.dtype)
    return layer.to(compute.device)


def _chosen(
    kind: str, clip: Any, compute: Compute, names: tuple[str, ...], run: Callable[[str], object], share: float = 1.0
) -> str:
    """The quickest of ``names``, kept or timed now; but the first may take its time by ``share``."""
    key, kept = _key(clip, compute), kept_choices()[kind]
    if kept.get(key) in names:
        return kept[key]
    took = _quickest(names, run, compute.device)
    best = min(names, key=lambda name: took[name])
    chosen = best if took[best] <= share * took[names[0]] else names[0]
    _keep(kind, key, chosen)
    return chosen


@torch.no_grad()
def _quickest(names: tuple[str, ...], run: Callable[[str], object], device: torch.device) -> Mapping[str, float]:
    """Seconds of the quickest ``run`` of each of ``names``, all taking turns, after one that does not count."""
    took = dict.fromkeys(names, float("inf"))
    for number in range(ROUNDS + 1):
        for name in names:
            began_s = time.perf_counter()
            run(name)
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            took[name] = min(took[name], time.perf_counter() - began_s) if number else took[name]
    return took


def _keep(kind: str, key: str, value: str) -> None:
    """Write the choice beside those that are kept, whole or not at all."""
    file, kept = default_home().root / FILE, kept_choices()
    kept[kind][key] = value
    try:
        write_whole(file, json.dumps(kept, indent=1))
    except StoreError as exc:
        _log.info("the choice of %s is not kept: %s", kind, exc)
