"""Settings by name."""

from __future__ import annotations

from dataclasses import replace

from ga2app.config.sections import (
    HARD_PROMPT_RANDOM,
    SKETCH,
    ClipConfig,
    ObjectiveConfig,
    OptimizerConfig,
    PromptConfig,
    RunConfig,
)
from ga2app.errors import ConfigError, Fault

PRESETS = ("quick", "full")


def preset(name: str, backbone: str = SKETCH) -> RunConfig:
    """The settings behind a preset's name, fitted to the size of ``backbone``.

    ``quick`` learns text prompts over stored clip features; ``full`` prompts both towers.
    """
    if name not in PRESETS:
        known = ", ".join(PRESETS)
        raise ConfigError([Fault("preset", f"'{name}' is not a preset; choose one of {known}")])
    small = backbone == SKETCH
    config = RunConfig(
        backbone=backbone,
        prompts=PromptConfig(8, 4, 3) if small else PromptConfig(16, 9, 9, hard_prompt=HARD_PROMPT_RANDOM),
        clips=ClipConfig(num_frames=8 if small else 16),
        optimizer=OptimizerConfig(epochs=20),
    )
    if name == "quick":
        # The terms of the text side: with them Quick mode kept its novel accuracy in every try, without them not.
        return replace(
            config,
            prompts=replace(config.prompts, visual_depth=0),
            objective=ObjectiveConfig(vocabulary=1.0, twin=0.1),
            optimizer=replace(config.optimizer, epochs=30),
        )
    return config
