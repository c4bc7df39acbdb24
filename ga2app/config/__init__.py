"""What a run is told: frozen dataclasses, one a concern, read from and written to plain JSON.

``RunConfig.from_dict`` is strict: an unknown key, a wrong type and a broken rule are faults, and all of
them are reported at once, each with the dotted path of its field. Nobody below this room reads a dict.
"""

from ga2app.config.presets import (
    HARD_PROMPT_TO_NAME,
    PAPER_BACKBONE,
    PRESETS,
    left_to_name,
    preset,
    with_shorter_warmup,
)
from ga2app.config.sections import (
    ANCHOR_TERMS,
    ATTENTIONS,
    AUTO,
    DEMO,
    HARD_PROMPT_EMBEDDED,
    HARD_PROMPT_RANDOM,
    NOTHING,
    SKETCH,
    TEMPLATE,
    TRACKERS,
    ClipConfig,
    LossConfig,
    OptimizerConfig,
    Pooling,
    Precision,
    PromptConfig,
    RunConfig,
    WhiteningConfig,
)

__all__ = [
    "ANCHOR_TERMS", "ATTENTIONS", "AUTO", "DEMO", "HARD_PROMPT_EMBEDDED", "HARD_PROMPT_RANDOM", "HARD_PROMPT_TO_NAME",
    "NOTHING", "PAPER_BACKBONE", "PRESETS", "SKETCH", "TEMPLATE", "TRACKERS", "ClipConfig", "LossConfig",
    "OptimizerConfig", "Pooling", "Precision", "PromptConfig", "RunConfig", "WhiteningConfig", "left_to_name",
    "preset", "with_shorter_warmup",
]  # fmt: skip
