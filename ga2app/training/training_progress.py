"""How long a run still takes, and the report of one that has come to its end."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from statistics import fmean

from torch import Tensor

from ga2app import bundles
from ga2app import evaluation as evaluate
from ga2app.clip import ranks
from ga2app.config import OptimizerConfig
from ga2app.config.effective_config import Steps, whitening_anchors
from ga2app.method.prompted_model import PromptedClip, plain_clip
from ga2app.training.training_state import Setup
from ga2app.types import Report

_REMEMBERED = 50
"""Steps whose mean is a step's time: enough for a smooth figure, few enough to follow a machine that gets busy."""


class TimeLeft:
    """Counts what steps and measurements have taken, waiting for clips included.

    ``measure_s`` is what one measurement is expected to take until the first has been made, ``ending_s`` what comes
    after the last.
    """

    def __init__(self, optimizer: OptimizerConfig, steps: Steps, measure_s: float, ending_s: float = 0.0) -> None:
        self._optimizer, self._steps = optimizer, steps
        self._measure_s, self._ending_s = measure_s, ending_s
        self._took: deque[float] = deque(maxlen=_REMEMBERED)
        self._since = time.perf_counter()

    def begin(self) -> None:
        """What follows is a step, after something that was none."""
        self._since = time.perf_counter()

    def stepped(self) -> None:
        """A step has ended."""
        now = time.perf_counter()
        self._took.append(now - self._since)
        self._since = now

    def measured(self, seconds: float) -> None:
        """A measurement has taken so long."""
        self._measure_s = seconds

    def after(self, step: int) -> float:
        """Seconds from the end of ``step`` to the end of the run. The measurement that follows the step counts."""
        every, epochs, per_epoch = self._optimizer.evaluate_every, self._optimizer.epochs, self._steps.per_epoch
        coming = range(max(-(-step // per_epoch), 1), epochs + 1)
        measurements = sum(epoch % every == 0 or epoch == epochs for epoch in coming)
        a_step = fmean(self._took) if self._took else 0.0
        return (self._steps.total - step) * a_step + measurements * self._measure_s + self._ending_s


MAP_ANCHORS = 24
"""Anchor clips on the map. With visual prompts these are encoded anew; test clips never are."""

logger = logging.getLogger(__name__)


def report_of(
    setup: Setup, model: PromptedClip, features: Tensor, steps: int, should_stop: Callable[[], bool]
) -> Report | None:
    """The report of ``model``, which makes ``features`` (N, D) of the test clips.

    None without test clips, and where it cannot be made: the run and its bundle are whole all the same. Raises
    InterruptedError when asked to stop.
    """
    if not setup.test:
        return None
    try:
        return _report(setup, model, features, steps, should_stop)
    except InterruptedError:
        raise
    except Exception:
        logger.exception("the report could not be made; the bundle is not touched by that")
        return None


def _report(
    setup: Setup, model: PromptedClip, features: Tensor, steps: int, should_stop: Callable[[], bool]
) -> Report | None:
    """The report, on rank 0; the others have their part in encoding the anchors."""
    config, dataset = setup.config, setup.dataset
    used = config.losses.uses_anchors() or bool(whitening_anchors(config, dataset))
    anchors = dataset.anchors[:MAP_ANCHORS] if used else ()
    paths = [anchor.path for anchor in anchors]
    frozen = setup.plain.of(paths, should_stop)
    if paths and config.prompts.visual_depth:
        moved = setup.encode(model, paths, should_stop)
    else:
        moved = model.whiten_clips(frozen)
    if not ranks.current().first:
        return None
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
