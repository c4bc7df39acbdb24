"""How long a run still takes, and the report of one that has come to its end."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from torch import Tensor

from ga2app import bundles
from ga2app import evaluation as evaluate
from ga2app.clip import ranks
from ga2app.config import OptimizerConfig
from ga2app.config.effective_config import Steps, whitening_anchors
from ga2app.errors import StudioError
from ga2app.method.prompted_model import PromptedClip, plain_clip
from ga2app.training.training_state import Setup
from ga2app.types import AnchorClip, Confidence, LabelledClip, Report

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
"""Anchor clips on the map."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Judged:
    """What both models make of anchors (A, D) at the end of a run, and how far their percentages can be believed.

    ``validation`` is that of the bundle: see ``evaluation.validation_of``.
    """

    anchors: tuple[AnchorClip, ...]
    frozen: Tensor
    moved: Tensor
    plain: Confidence
    bundle: Confidence
    validation: Mapping[str, float]


def judged(setup: Setup, model: PromptedClip, features: Tensor, should_stop: Callable[[], bool]) -> Judged:
    """The calibration of zero-shot CLIP and of ``model``, which makes ``features`` (N, D) of the test clips.

    Clips that cannot be read cost the run nothing but these figures. Raises InterruptedError when asked to stop.
    """
    anchors, spare = setup.dataset.anchors[: evaluate.MOST_ANCHORS], setup.spare
    try:
        frozen, moved = _both(setup, model, [anchor.path for anchor in anchors], should_stop)
    except StudioError as exc:
        logger.warning("anchors take no part in what percentages are judged by: %s", exc)
        anchors, frozen, moved = (), features[:0], features[:0]
    try:
        held_out = _both(setup, model, [clip.path for clip in spare], should_stop)
    except StudioError as exc:
        logger.warning("training clips left over take no part in the temperature: %s", exc)
        spare, held_out = (), (features[:0], features[:0])
    plain = plain_clip(model.backbone, setup.dataset.base)
    found = [
        _confidence(setup, one, clips, spare)
        for one, clips in (
            (plain, (setup.test_features, frozen, held_out[0])),
            (model, (features, moved, held_out[1])),
        )
    ]
    seen = evaluate.seen_by(model, setup.dataset, features, moved, held_out[1], spare)
    return Judged(anchors, frozen, moved, found[0], found[1], evaluate.validation_of(seen, setup.dataset))


def _confidence(
    setup: Setup, model: PromptedClip, clips: tuple[Tensor, Tensor, Tensor], spare: Sequence[LabelledClip]
) -> Confidence:
    """The figures of ``model``, which makes ``clips`` of test clips, anchors and ``spare`` ones; none after a fault."""
    try:
        return evaluate.confidence_of(evaluate.seen_by(model, setup.dataset, *clips, spare), setup.dataset, setup.test)
    except Exception:
        logger.exception("how far percentages can be believed could not be measured; the bundle has no temperature")
        return Confidence()


def _both(
    setup: Setup, model: PromptedClip, paths: Sequence[str], should_stop: Callable[[], bool]
) -> tuple[Tensor, Tensor]:
    """Features (N, D) of ``paths`` by zero-shot CLIP, and by ``model``; raises DatasetError, InterruptedError."""
    return setup.plain.of(paths, should_stop), setup.encode(model, paths, should_stop)


def report_of(
    setup: Setup,
    model: PromptedClip,
    features: Tensor,
    steps: int,
    looked: Judged,
    should_stop: Callable[[], bool],
) -> Report | None:
    """The report of ``model``, which makes ``features`` (N, D) of the test clips.

    None without test clips, and where it cannot be made: the run and its bundle are whole all the same. Raises
    InterruptedError when asked to stop.
    """
    if not setup.test:
        return None
    training = _training_clips(setup, should_stop)
    if not ranks.current().first:
        return None
    config, dataset = setup.config, setup.dataset
    used = config.losses.uses_anchors() or bool(whitening_anchors(config, dataset))
    shown = MAP_ANCHORS if used else 0
    plain = plain_clip(model.backbone, dataset.base)
    try:
        return evaluate.make_report(
            config,
            dataset,
            setup.test,
            evaluate.Side(plain, setup.test_features, looked.frozen[:shown], looked.plain),
            evaluate.Side(model, features, looked.moved[:shown], looked.bundle),
            anchors=[anchor.caption for anchor in looked.anchors[:shown]],
            steps=steps,
            packages=bundles.package_versions(),
            conditions=setup.conditions,
            training=training,
        )
    except Exception:
        logger.exception("the report could not be made; the bundle is not touched by that")
        return None


def looked_at_by_baselines(setup: Setup) -> list[str]:
    """The clips whose frozen features the baselines of a report are made from."""
    return [*setup.shots, *whitening_anchors(setup.config, setup.dataset)]


def _training_clips(setup: Setup, should_stop: Callable[[], bool]) -> evaluate.TrainingClips:
    """The frozen features of the training clips, and of the anchors: known already in Quick, read once in Full."""
    labels = [setup.dataset.base[place] for place in setup.targets.tolist()]
    anchors, whitening = whitening_anchors(setup.config, setup.dataset), setup.config.whitening
    return evaluate.TrainingClips.of(setup.plain, setup.shots, labels, anchors, whitening, should_stop)
