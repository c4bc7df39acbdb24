"""The report of a run that has come to its end, from what the loop has at hand."""

from __future__ import annotations

import logging

from torch import Tensor

from ga2app import bundles
from ga2app import evaluation as evaluate
from ga2app.config.effective_config import whitening_anchors
from ga2app.method.prompted_model import PromptedClip, plain_clip
from ga2app.training.training_state import Setup
from ga2app.types import Report

MAP_ANCHORS = 24
"""Anchor clips on the map. With visual prompts these are encoded anew; test clips never are."""

logger = logging.getLogger(__name__)


def report_of(setup: Setup, model: PromptedClip, features: Tensor, steps: int) -> Report | None:
    """The report of ``model``, which makes ``features`` (N, D) of the test clips.

    None without test clips, and where it cannot be made: the run and its bundle are whole all the same.
    """
    if not setup.test:
        return None
    try:
        return _report(setup, model, features, steps)
    except Exception:
        logger.exception("the report could not be made; the bundle is not touched by that")
        return None


def _report(setup: Setup, model: PromptedClip, features: Tensor, steps: int) -> Report:
    config, dataset = setup.config, setup.dataset
    used = config.objective.uses_anchors() or bool(whitening_anchors(config, dataset))
    anchors = dataset.anchors[:MAP_ANCHORS] if used else ()
    paths = [anchor.path for anchor in anchors]
    frozen = setup.plain.of(paths)
    if paths and config.prompts.visual_depth:
        moved = setup.encode(model, paths)
    else:
        moved = model.whiten_clips(frozen)
    plain = plain_clip(model.backbone, dataset.base)
    return evaluate.make_report(
        config,
        dataset,
        setup.test,
        evaluate.Side(plain, setup.test_features, frozen),
        evaluate.Side(model, features, moved),
        anchors=[anchor.caption for anchor in anchors],
        steps=steps,
        packages=bundles.package_versions(),
        conditions=setup.conditions,
    )
