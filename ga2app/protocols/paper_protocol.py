"""Bundles on the test clips of one data set, beside plain CLIP."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple

from torch import Tensor

from ga2app import evaluation as evaluate
from ga2app.bundles import Bundle
from ga2app.config.effective_config import tested_on
from ga2app.datasets.clip_files import among
from ga2app.evaluation import Evaluation
from ga2app.method.prompted_model import PromptedClip, plain_clip
from ga2app.protocols.few_shot_draws import Session
from ga2app.types import Dataset


class Measured(NamedTuple):
    """Figures in percent, and the record with per-class figures and confusion matrix that they come from.

    ``seen`` are how many of the test clips the model was trained on. A figure that is so by construction is None.
    """

    figures: Mapping[str, float | None]
    details: Mapping[str, Any]
    seen: int = 0


class Measure:
    """Measures models on the test clips of ``dataset``; plain CLIP is measured once, and not before it is asked for.

    Figures of a data set with novel labels: ``base``, ``novel`` and ``hm``, with ``joint`` also ``joint_base``,
    ``joint_novel`` and ``joint_hm``. Of one without: ``top1``, ``top5``, ``mean_class``. ``tested`` is what they rest
    on. Raises DatasetError when there are no test clips, InterruptedError when the session is to stop.
    """

    def __init__(self, dataset: Dataset, num_frames: int, session: Session, *, joint: bool = False) -> None:
        self._dataset, self._num_frames, self._session, self._joint = dataset, num_frames, session, joint
        self._plain = plain_clip(session.backbone, dataset.base)
        self.tested = tested_on(dataset)

    @cached_property
    def plain(self) -> Measured:
        """Figures of plain CLIP."""
        return self._measured(self._plain, self._plain_features)

    def bundle(self, bundle: Bundle) -> Measured:
        """Figures of ``bundle``. Where it learned no visual prompts plain CLIP's features serve."""
        backbone, base = self._session.backbone, self._dataset.base
        model = PromptedClip(backbone, bundle.learner(), base, bundle.whitening()).eval()
        moved = model.prompts.config.visual_depth > 0
        measured = self._measured(model, self._encoded(model) if moved else model.whiten_clips(self._plain_features))
        paths = [clip.path for clip in evaluate.test_clips(self._dataset)]
        return measured._replace(seen=len(among(paths, bundle.manifest.trained)))

    @cached_property
    def _plain_features(self) -> Tensor:
        return self._encoded(self._plain)

    def _encoded(self, model: PromptedClip) -> Tensor:
        session = self._session
        session.say(f"looking at the test clips of {self._dataset.name}")
        return evaluate.encode_test_clips(
            model, self._dataset, self._num_frames, session.views, session.should_stop
        )  # (N, W, D)

    def _measured(self, model: PromptedClip, features: Tensor) -> Measured:
        views = self._session.views
        found = evaluate.evaluate(model, self._dataset, self._num_frames, views, joint=self._joint, features=features)
        return Measured(self._figures(found), found.to_dict())

    def _figures(self, found: Evaluation) -> dict[str, float | None]:
        if found.base is not None and not self._dataset.novel:
            return found.base.figures()
        together = {f"joint_{name}": value for name, value in found.joint_metrics().items() if name != "all"}
        return {**found.metrics(), **together}
