"""What would otherwise come up in the middle of a run: settings that fit neither backbone nor data set."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from ga2app.clip import Backbone
from ga2app.config import ANCHOR_TERMS, RunConfig
from ga2app.config.effective_config import changed_settings, effective, warmup_faults, without_needless
from ga2app.config.effective_config import whitening_anchors as whitening_anchors
from ga2app.errors import ConfigError, DatasetError, ErrorCode, Fault
from ga2app.method.generic_texts import GenericText
from ga2app.types import Dataset

logger = logging.getLogger(__name__)


def check_depths(config: RunConfig, backbone: Backbone) -> None:
    """Raises ConfigError for depths and lengths that the towers do not have."""
    sizes, prompts = backbone.sizes, config.prompts
    faults = [
        Fault(f"prompts.{name}", f"must be at most {layers}, the layers of that tower (it is {depth})")
        for name, depth, layers in (
            ("visual_depth", prompts.visual_depth, sizes.visual_layers),
            ("text_depth", prompts.text_depth, sizes.text_layers),
        )
        if depth > layers
    ]
    if prompts.text_depth and prompts.length > sizes.text_positions // 2:
        rule = f"must be at most {sizes.text_positions // 2}, half of the text positions (it is {prompts.length})"
        faults.append(Fault("prompts.length", rule))
    if faults:
        raise ConfigError(faults)


def check_anchors(config: RunConfig, dataset: Dataset, generic: Sequence[GenericText]) -> None:
    """Raises DatasetError for a term that is on and lacks its clips or texts, or the released one's odd numbers."""
    objective = config.objective
    on = [name for name, weight in objective.weights().items() if weight]
    texts = [name for name in on if name in ("released", "reject", "extra_class") and not dataset.negatives]
    clips = [name for name in on if name in ANCHOR_TERMS and not dataset.anchors]
    silent = [name for name in on if name in ("keep", "relate", "vocabulary") and not generic]
    for terms, what in ((clips, "anchor clips"), (texts, "negative prompts"), (silent, "captions or negatives")):
        if terms:
            of = f"the anchor term {terms[0]} needs" if len(terms) == 1 else f"the anchor terms {', '.join(terms)} need"
            weights = "this weight" if len(terms) == 1 else "these weights"
            raise DatasetError(
                f"data set '{dataset.name}' has no {what}, which {of}",
                hint=f"add some, or set {weights} to 0",
                code=ErrorCode.ANCHORS_MISSING,
            )
    if objective.released and len(dataset.negatives) not in (1, len(dataset.base)):
        raise DatasetError(
            f"the released anchor term takes 1 negative prompt or one a class ({len(dataset.base)}); "
            f"data set '{dataset.name}' has {len(dataset.negatives)}: import it with --negatives else, the only one "
            "of the published runs, or set objective.released to 0",
            code=ErrorCode.ANCHORS_MISSING,
        )


def check_steps(config: RunConfig, clips: int) -> None:
    """Raises ConfigError for a warm-up as long as the run over ``clips`` training clips."""
    if faults := warmup_faults(config.optimizer, clips):
        raise ConfigError(faults)


def without_needless_whitening(config: RunConfig, dataset: Dataset) -> RunConfig:
    """``config``, its whitening off where there is nothing to whiten by: one shot a class, no anchors of its own."""
    used, adjustments = effective(config, dataset)
    if off := changed_settings(adjustments).get("whitening.enabled"):
        # No warning: whoever starts a run is told before (run_warnings), and the run records it in its conditions.
        logger.info("whitening is off: %s", off.reason)
    return without_needless(config, used)
