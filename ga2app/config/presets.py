"""Settings by name: presets of ours and of the paper, and the method with some parts switched off (ablations)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ga2app.config.sections import (
    HARD_PROMPT_RANDOM,
    SKETCH,
    ClipConfig,
    LossConfig,
    OptimizerConfig,
    Pooling,
    PromptConfig,
    RunConfig,
    WhiteningConfig,
)
from ga2app.errors import ConfigError, Fault

PAPER_BACKBONE = "openai/clip-vit-base-patch16"
"""ViT-B/16, of all published figures."""

HARD_PROMPT_TO_NAME = "<folder of a bundle trained on Kinetics-400>"
"""Stands where a paper preset needs a hard prompt that only the user can name: no such folder exists."""


@dataclass(frozen=True)
class PaperRun:
    """What sets the published run on a data set apart from the others (paper, implementation details)."""

    dataset: str
    learning_rate: float = 4e-2
    batch_size: int = 8
    flip: bool = True
    hard_prompt: str = HARD_PROMPT_TO_NAME


PAPER_RUNS = {
    "paper-hmdb": PaperRun("hmdb51", learning_rate=4e-3),
    "paper-ucf": PaperRun("ucf101"),
    # Left and right are classes there, so that a mirrored clip may show another class.
    "paper-ssv2": PaperRun("ssv2", batch_size=4, flip=False),
    # The hard prompt of the others comes from here; nothing is trained before.
    "paper-k400": PaperRun("k400", hard_prompt=HARD_PROMPT_RANDOM),
}

GA2, GA2_PLUS = "ga2", "ga2-plus"
PRESETS = ("quick", "full", GA2, *PAPER_RUNS)


def preset(name: str, backbone: str = SKETCH) -> RunConfig:
    """The settings behind a preset's name, fitted to the size of ``backbone``.

    ``quick`` learns text prompts over stored clip features; ``full`` prompts both towers, and ``ga2`` does so with the
    parts of the paper's method alone. ``paper-hmdb``,
    ``paper-ucf``, ``paper-ssv2`` and ``paper-k400`` repeat the published runs: see ``paper_preset``.
    """
    if name not in PRESETS:
        known = ", ".join(PRESETS)
        raise ConfigError([Fault("preset", f"'{name}' is not a preset; choose one of {known}")])
    if name in PAPER_RUNS:
        return paper_preset(PAPER_RUNS[name], backbone)
    if name == GA2:
        return ablation(GA2, preset("full", backbone))
    small = backbone == SKETCH
    config = RunConfig(
        backbone=backbone,
        prompts=(
            PromptConfig(8, 4, 3, zero_shot_ratio=0.3)
            if small
            else PromptConfig(16, 9, 9, hard_prompt=HARD_PROMPT_RANDOM, zero_shot_ratio=0.3)
        ),
        # What won on the choosing seeds of the benchmark: docs/experiments.md.
        losses=LossConfig(anchor_distillation=0.3, text_distillation=4.0),
        whitening=WhiteningConfig(enabled=True),
        clips=ClipConfig(num_frames=8 if small else 16),
        optimizer=OptimizerConfig(epochs=20),
    )
    if name == "quick":
        # The text side alone: clips do not move, so that there is nothing for ``keep`` and the residual to hold.
        return replace(
            config,
            prompts=replace(config.prompts, visual_depth=0, zero_shot_ratio=0.0),
            losses=LossConfig(text_distillation=16.0),
            optimizer=replace(config.optimizer, epochs=30),
        )
    return config


def paper_preset(run: PaperRun, backbone: str = PAPER_BACKBONE) -> RunConfig:
    """Every setting of a published run; the sketch backbone, which is too small for them, gives way to ViT-B/16.

    The anchor term is ``released`` with weight 1, as published: it takes one negative prompt ("else") or one a class,
    and with one it has no gradient. Test sets are large, so that they are measured once, after the last epoch.
    """
    return RunConfig(
        dataset=run.dataset,
        backbone=PAPER_BACKBONE if backbone == SKETCH else backbone,
        shots=16,
        seed=1024,
        prompts=PromptConfig(
            length=16,
            visual_depth=9,
            text_depth=9,
            coupled=True,
            dropout=0.5,
            hard_prompt=run.hard_prompt,
            zero_shot_ratio=0.0,
        ),
        losses=LossConfig(released=1.0, anchors_per_step=1),
        optimizer=OptimizerConfig(
            learning_rate=run.learning_rate,
            weight_decay=1e-3,
            epochs=12,
            warmup_epochs=2.0,
            batch_size=run.batch_size,
            evaluate_every=12,
        ),
        clips=ClipConfig(num_frames=32, flip=run.flip, grayscale=0.2, augment=True),
    )


def with_shorter_warmup(settings: dict[str, Any], epochs: object) -> dict[str, Any]:
    """A preset's ``settings`` (as ``to_dict`` gives them) for another number of ``epochs``.

    Its warm-up belongs to its own number of epochs: it takes at most a sixth of fewer ones.
    """
    optimizer = settings.get("optimizer")
    if not isinstance(optimizer, dict) or not isinstance(epochs, int) or isinstance(epochs, bool):
        return settings  # what is wrong with them is told when they are read
    shorter = min(optimizer["warmup_epochs"], max(epochs, 0) / 6)
    return {**settings, "optimizer": {**optimizer, "warmup_epochs": shorter}}


def left_to_name(config: RunConfig) -> list[Fault]:
    """What a preset leaves to the user and is still open in ``config``, as faults; empty when a run can start."""
    if not config.prompts.coupled or config.prompts.hard_prompt != HARD_PROMPT_TO_NAME:
        return []
    rule = (
        "name the folder of a bundle trained on Kinetics-400 with the same backbone, as the published runs have it "
        "(train --preset paper-k400 makes one, import-checkpoint another), or 'random'"
    )
    return [Fault("prompts.hard_prompt", rule)]


ZERO_SHOT = "zero-shot"
METHODS = (ZERO_SHOT, "coop", "vpt", "ivlp", "coupled", "ga2-released", GA2, GA2_PLUS)
"""From frozen CLIP over the paper's method, ``ga2``, to ours, ``ga2-plus``. Version 0.1.0 called ours ``ga2``."""

WHITENED = "whitened"
"""Beside them: frozen CLIP in the whitened space of ``ga2-plus``, so what it gains without any prompt."""

COMPARED = (ZERO_SHOT, WHITENED, *METHODS[1:])
"""What the benchmark compares."""

METHOD_TITLES = {
    "coop": "text prompts alone (CoOp)",
    "vpt": "visual prompts alone (VPT)",
    "ivlp": "prompts in both towers, not coupled (ViFi-CLIP's prompting)",
    "coupled": "prompts coupled to a hard prompt",
    "ga2-released": "GA²-CLIP as its authors released it (ga2-released)",
    GA2: "GA²-CLIP as in the paper (ga2)",
    GA2_PLUS: "GA²-CLIP, extended (ga2-plus)",
    "custom": "a combination of its own",
}
"""What ``method_of`` gives, in words."""

RENAMED = "ga2 is the paper's method; what was called ga2 up to version 0.1.0 is ga2-plus"
"""Said to those who name ``ga2``, who may know it by its former meaning."""

PAPER_LOSSES = LossConfig(anchor_distillation=1.0, attributes=False, anchors_per_step=1)
"""The paper's anchor: its clips keep their relations to their captions and the negatives as the frozen CLIP has them.

The abstract's "maintain the generic relevance of the attributes in the pre-trained semantic space", with the paper's
weight (α = 1) and one anchor clip a step. The released code adds the anchor to every logit instead, where it has no
gradient: see ``released_anchor``.
"""


def ablation(name: str, config: RunConfig) -> RunConfig:
    """The settings of the method ``name``, where ``config`` are those of the whole method, ``ga2-plus``.

    ``coop``: a soft text prompt in the first layer · ``vpt``: deep visual prompts · ``ivlp``: deep prompts in both
    towers · ``coupled``: ivlp and the hard prompt · ``ga2-released``: coupled and the anchor term as published, which
    has no gradient · ``ga2``: coupled and the paper's anchor term with one, see ``PAPER_LOSSES`` · ``ga2-plus``:
    coupled, the loss terms, the zero-shot ratio, the whitening and the pooling of ``config``. Raises ConfigError for
    another name, for ``zero-shot``, which learns nothing, and for ``ga2`` where no clip can move.
    """
    off = LossConfig()
    prompts = replace(config.prompts, zero_shot_ratio=0.0, pooling=Pooling.MEAN)
    uncoupled = replace(prompts, coupled=False)
    parts: dict[str, tuple[PromptConfig, LossConfig]] = {
        "coop": (replace(uncoupled, visual_depth=0, text_depth=1), off),
        "vpt": (replace(uncoupled, text_depth=0), off),
        "ivlp": (uncoupled, off),
        "coupled": (prompts, off),
        "ga2-released": (prompts, LossConfig(released=1.0)),
        GA2: (prompts, PAPER_LOSSES),
        GA2_PLUS: (config.prompts, config.losses),
    }
    if name not in parts:
        known = ", ".join(parts)
        raise ConfigError([Fault("method", f"'{name}' is not a method that learns something; choose one of {known}")])
    if name == GA2 and not prompts.visual_depth:
        rule = (
            "'ga2' keeps the anchor clips where they are, and without visual prompts no clip moves; take settings with "
            "a visual_depth, as those of the Full preset, or the method 'coupled' or 'ga2-plus'"
        )
        raise ConfigError([Fault("method", rule)])
    switched, objective = parts[name]
    whitening = config.whitening if name == GA2_PLUS else WhiteningConfig()
    return replace(config, prompts=switched, losses=objective, whitening=whitening)


def method_parts(config: RunConfig) -> list[str]:
    """What of the method is switched on in ``config``, in words: of a run's effective settings, what it did."""
    prompts = config.prompts
    both = bool(prompts.visual_depth and prompts.text_depth)
    where = "both towers" if both else "the vision tower" if prompts.visual_depth else "the text tower"
    named = {
        f"prompts in {where}": bool(prompts.visual_depth or prompts.text_depth),
        "coupled to a hard prompt": prompts.coupled,
        "anchor terms": config.losses.uses_anchors(),
        "zero-shot ratio": bool(prompts.zero_shot_ratio),
        "whitening": config.whitening.enabled,
        "order-aware pooling": prompts.ordered,
    }
    return [part for part, on in named.items() if on]


def method_of(config: RunConfig) -> str:
    """The method that the settings ``config`` amount to; ``custom`` where they are none of them.

    Decided by the parts alone, whatever a stored word says, so that a bundle which an earlier version called ``ga2``
    is ``ga2-plus``. Text prompts alone count as ``coop``, however deep. With order-aware pooling it is ``custom``.
    """
    prompts = config.prompts
    if prompts.ordered:
        return "custom"
    plain = not (prompts.zero_shot_ratio or config.losses.uses_anchors() or config.whitening.enabled)
    if prompts.coupled:
        if plain:
            return "coupled"
        if prompts.zero_shot_ratio or config.whitening.enabled:
            return GA2_PLUS
        terms = {name for name, weight in config.losses.weights().items() if weight}
        if terms == {"released"}:
            return "ga2-released"
        return GA2 if terms == {"keep"} and not config.losses.attributes else GA2_PLUS
    if not plain:
        return "custom"
    if not prompts.visual_depth:
        return "coop"
    return "ivlp" if prompts.text_depth else "vpt"
