"""Ablations: methods that are the full one with some parts switched off."""

from __future__ import annotations

from dataclasses import replace

from ga2app.config.sections import ObjectiveConfig, PromptConfig, RunConfig, WhiteningConfig
from ga2app.errors import ConfigError, Fault

ZERO_SHOT = "zero-shot"
METHODS = (ZERO_SHOT, "coop", "vpt", "ivlp", "coupled", "ga2-released", "ga2")
"""From frozen CLIP to the whole method, each with more parts than the one before."""

WHITENED = "whitened"
"""Beside them: frozen CLIP in the whitened space of ``ga2``, so what it gains without any prompt."""

COMPARED = (ZERO_SHOT, WHITENED, *METHODS[1:])
"""What the benchmark compares."""


def ablation(name: str, config: RunConfig) -> RunConfig:
    """The settings of the method ``name``, where ``config`` are those of the whole method, ``ga2``.

    ``coop``: a soft text prompt in the first layer · ``vpt``: deep visual prompts · ``ivlp``: deep prompts in both
    towers · ``coupled``: ivlp and the hard prompt · ``ga2-released``: coupled and the published anchor term ·
    ``ga2``: coupled, the anchor terms, the zero-shot ratio and the whitening of ``config``. Raises ConfigError for
    another name, and for ``zero-shot``, which learns nothing.
    """
    off = ObjectiveConfig()
    prompts = replace(config.prompts, residual=0.0)
    uncoupled = replace(prompts, coupled=False)
    parts: dict[str, tuple[PromptConfig, ObjectiveConfig]] = {
        "coop": (replace(uncoupled, visual_depth=0, text_depth=1), off),
        "vpt": (replace(uncoupled, text_depth=0), off),
        "ivlp": (uncoupled, off),
        "coupled": (prompts, off),
        "ga2-released": (prompts, ObjectiveConfig(released=1.0)),
        "ga2": (config.prompts, config.objective),
    }
    if name not in parts:
        known = ", ".join(parts)
        raise ConfigError([Fault("method", f"'{name}' is not a method that learns something; choose one of {known}")])
    switched, objective = parts[name]
    whitening = config.whitening if name == "ga2" else WhiteningConfig()
    return replace(config, prompts=switched, objective=objective, whitening=whitening)


def method_parts(config: RunConfig) -> list[str]:
    """What of the method is switched on in ``config``, in words: of a run's effective settings, what it did."""
    prompts = config.prompts
    both = bool(prompts.visual_depth and prompts.text_depth)
    where = "both towers" if both else "the vision tower" if prompts.visual_depth else "the text tower"
    named = {
        f"prompts in {where}": True,
        "coupled to a hard prompt": prompts.coupled,
        "anchor terms": config.objective.uses_anchors(),
        "zero-shot ratio": bool(prompts.residual),
        "whitening": config.whitening.enabled,
    }
    return [part for part, on in named.items() if on]


def method_of(config: RunConfig) -> str:
    """The method that the settings ``config`` amount to; ``custom`` where they are none of them.

    Text prompts alone count as ``coop``, however deep.
    """
    prompts = config.prompts
    plain = not (prompts.residual or config.objective.uses_anchors() or config.whitening.enabled)
    if prompts.coupled:
        if plain:
            return "coupled"
        more = prompts.residual or config.whitening.enabled or replace(config.objective, released=0.0).uses_anchors()
        return "ga2" if more else "ga2-released"
    if not plain:
        return "custom"
    if not prompts.visual_depth:
        return "coop"
    return "ivlp" if prompts.text_depth else "vpt"
