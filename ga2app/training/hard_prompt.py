"""The frozen prompt that the soft one is coupled to."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from ga2app import bundles
from ga2app.clip import Backbone
from ga2app.config import HARD_PROMPT_EMBEDDED, HARD_PROMPT_RANDOM, SKETCH, RunConfig
from ga2app.errors import BundleError, ConfigError, ErrorCode, Fault
from ga2app.paths import SKETCH_HARD_PROMPT


class HardPrompt(NamedTuple):
    """Frozen ``tokens`` (P, Dt) and the names of the classes that they were learned on."""

    tokens: Tensor | None
    class_names: tuple[str, ...]


def hard_prompt(config: RunConfig, backbone: Backbone) -> HardPrompt:
    """The frozen hard prompt that the run names, without tokens for a random or no one. Raises StudioError."""
    named = config.prompts.hard_prompt
    if not config.prompts.coupled or named == HARD_PROMPT_RANDOM:
        return HardPrompt(None, ())
    if named == HARD_PROMPT_EMBEDDED and config.backbone != SKETCH:
        raise ConfigError(
            [
                Fault(
                    "prompts.hard_prompt",
                    f"the embedded hard prompt belongs to backbone '{SKETCH}', not to '{config.backbone}'; "
                    "choose 'random' or the folder of a bundle trained on this backbone",
                )
            ],
            code=ErrorCode.OTHER_BACKBONE,
        )
    bundle = bundles.load_folder(SKETCH_HARD_PROMPT if named == HARD_PROMPT_EMBEDDED else Path(named))
    bundle.check_backbone(backbone.identity.to_dict())
    if "soft" not in bundle.tensors:
        raise BundleError(
            f"bundle '{named}' has no text prompts and cannot be a hard prompt",
            hint="choose another one",
            code=ErrorCode.BUNDLE_UNUSABLE,
        )
    return HardPrompt(bundle.tensors["soft"], bundle.manifest.base)
