"""Checkpoints as the public code of other prompt methods saves them, and what that code computes with them.

States have its keys, files its entries, with objects of its classes among them: a scheduler, a configuration, numbers
of numpy. ``forward`` is each method's own: written once more from the public code, on top of ``openai_layout``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from tests.published import openai_layout as theirs
from tests.published.openai_layout import LENGTH, TEXT, VISION, World

DEPTH = 3
State = dict[str, Tensor]
LEARNER = "prompt_learner."


def coop(world: World, names: Sequence[str]) -> State:
    """The bare prompt learner."""
    buffers = {key.removeprefix(LEARNER): rows for key, rows in embedded(world, names).items()}
    return {"ctx": fresh(5)(LENGTH, TEXT["width"]), **buffers}


def ivlp(world: World, names: Sequence[str]) -> State:
    """The whole model, with prompts of its own in each tower."""
    prompts = theirs.random_prompts(6, coupled=False)
    prompts[f"{LEARNER}ctx"] = prompts.pop(f"{LEARNER}ctx_VPT")
    return {**prompts, **theirs.published_weights(world.weights), **embedded(world, names)}


def promptsrc(world: World, names: Sequence[str]) -> State:
    """As ``ivlp``, with the frozen copy of the vision tower; all of it a mean over five epochs, added in float16."""
    weights = theirs.published_weights(world.weights)
    copy = {f"{LEARNER}ZS_{key}": weight for key, weight in weights.items() if key.startswith("image_encoder.")}
    whole = {key: tensor.half() for key, tensor in {**ivlp(world, names), **copy}.items()}
    shares = torch.softmax(torch.tensor([0.1, 0.9, 1.3, 0.8, 0.2], dtype=torch.float64), dim=0).tolist()
    averaged = {key: tensor * shares[0] for key, tensor in whole.items()}
    for share in shares[1:]:
        averaged = {key: averaged[key] + tensor * share for key, tensor in whole.items()}
    return averaged


def vificlip(world: World, names: Sequence[str]) -> State:
    """As ``ivlp``, saved by parallel training."""
    return {f"module.{key}": tensor for key, tensor in ivlp(world, names).items()}


def maple(world: World, names: Sequence[str]) -> State:
    """The whole model in float16; the visual prompts are not there, but the maps that make them."""
    new, width = fresh(8), TEXT["width"]
    prompts = {f"{LEARNER}ctx": new(LENGTH, width)}
    places = [f"{LEARNER}proj."]
    for number in range(DEPTH - 1):
        prompts[f"{LEARNER}compound_prompts_text.{number}"] = new(LENGTH, width)
        places.append(f"{LEARNER}compound_prompt_projections.{number}.")
    for place in places:
        prompts |= {f"{place}weight": 0.4 * new(VISION["width"], width), f"{place}bias": new(VISION["width"])}
    whole = {**prompts, **theirs.published_weights(world.weights), **embedded(world, names)}
    return {key: tensor.half() for key, tensor in whole.items()}


def embedded(world: World, names: Sequence[str]) -> State:
    return theirs.embedded_names(world.weights, world.folder, names)


def fresh(seed: int) -> Callable[..., Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return lambda *shape: 0.5 * torch.randn(*shape, generator=generator)


def forward(state: Mapping[str, Tensor], world: World, pixels: Tensor, names: Sequence[str]) -> Tensor:
    """τ · cosine (B, C), as the method's own code computes it from its ``state``, here in float32."""
    state = {key.removeprefix("module."): tensor.float() for key, tensor in state.items()}
    prompts = {key: tensor for key, tensor in state.items() if "VPT" in key}
    context = state.get("ctx", state.get(f"{LEARNER}ctx"))
    assert context is not None
    if f"{LEARNER}proj.weight" in state:  # MultiModalPromptLearner.forward
        prompts["image_encoder.VPT"] = linear(state, f"{LEARNER}proj.", context)
        for number in range(DEPTH - 1):
            deep, block = state[f"{LEARNER}compound_prompts_text.{number}"], f"transformer.resblocks.{number + 1}"
            prompts[f"text_encoder.{block}.VPT_shallow"] = deep
            place = f"{LEARNER}compound_prompt_projections.{number}."
            prompts[f"image_encoder.{block}.VPT_shallow"] = linear(state, place, deep)
    weights = {**world.weights}
    for key in world.weights:
        place = next(iter(theirs.published_weights({key: torch.zeros(1)})), key)
        weights[key] = state.get(place, world.weights[key])
    return theirs.logits(weights, world.folder, pixels, names, {**prompts, f"{LEARNER}ctx_VPT": context})


def linear(state: Mapping[str, Tensor], place: str, tokens: Tensor) -> Tensor:
    return functional.linear(tokens, state[f"{place}weight"], state[f"{place}bias"])


@dataclass(frozen=True)
class Method:
    """``state`` makes what is saved, under ``entry`` of the file ``name``; ``depths`` are visual and text depth."""

    title: str
    state: Callable[[World, Sequence[str]], State]
    entry: str
    name: str
    depths: tuple[int, int]


METHODS = (
    Method("CoOp, generic context", coop, "state_dict", "model.pth.tar-50", (0, 1)),
    Method("IVLP", ivlp, "state_dict", "model.pth.tar-5", (theirs.VISUAL_DEPTH, theirs.TEXT_DEPTH)),
    Method("PromptSRC", promptsrc, "state_dict", "model.pth.tar-20", (theirs.VISUAL_DEPTH, theirs.TEXT_DEPTH)),
    Method("ViFi-CLIP prompting", vificlip, "model", "best.pth", (theirs.VISUAL_DEPTH, theirs.TEXT_DEPTH)),
    Method("MaPLe", maple, "state_dict", "model.pth.tar-2", (DEPTH, DEPTH)),
)

REFUSED: dict[str, tuple[State, str]] = {
    "CoOp, class-specific context": ({"ctx": torch.zeros(2, 4, 24)}, "a context for each of its 2 classes"),
    "CoCoOp": (
        {"ctx": torch.zeros(4, 24), "meta_net.linear1.weight": torch.zeros(2, 24)},
        "its context depends on each picture",
    ),
    "Vita-CLIP": (
        {"visual.global_prompts": torch.zeros(5, 4, 32), f"{LEARNER}ctx": torch.zeros(2, 4, 24)},
        "its visual prompts are computed from each clip",
    ),
    "TC-CLIP": (
        {f"{LEARNER}ctx": torch.zeros(4, 24), "text_encoder.prompt_generation_layer.0.ln.weight": torch.zeros(24)},
        "its prompts depend on each video",
    ),
    "T2L, EZ-CLIP": ({"visual.transformer.T_prompt_embeddings": torch.zeros(4, 32)}, "it has adapters in the layers"),
    "VPT, visual prompts alone": (
        {"image_encoder.VPT": torch.zeros(4, 32)},
        "the texts of its run are not in the file",
    ),
}


def save(path: Path, entry: str, state: Mapping[str, Tensor], **how: Any) -> None:
    """Write ``state`` as a trainer does, beside its optimizer, its scheduler and its settings.

    The classes of the latter two are gone afterwards, as on a machine without that code.
    """
    modules = {name: ModuleType(name) for name in ("yacs", "yacs.config", "dassl", "dassl.optim")}
    node: Any = type("CfgNode", (dict,), {"__module__": "yacs.config"})
    scheduler: Any = type("ConstantWarmupScheduler", (), {"__module__": "dassl.optim"})
    modules["yacs.config"].CfgNode, modules["dassl.optim"].ConstantWarmupScheduler = node, scheduler  # type: ignore[attr-defined]
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = torch.optim.SGD([weight], lr=0.1, momentum=0.9)
    weight.sum().backward()
    optimizer.step()
    warming, config = scheduler(), node(TRAINER=node(NAME="x"), SIZE=(224, 224))
    warming.optimizer, warming.successor, config.frozen = optimizer, torch.nn.Linear(2, 2), True
    values = {"val_result": np.float64(71.5), "max_accuracy": np.array([71.5])}
    sys.modules.update(modules)
    try:
        rest = {"epoch": 5, "optimizer": optimizer.state_dict(), "lr_scheduler": {"successor": warming}}
        torch.save({entry: dict(state), **rest, "config": config, **values}, path, **how)
    finally:
        for name in modules:
            del sys.modules[name]
