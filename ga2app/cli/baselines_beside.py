"""The baselines of ``evaluate``: fitted on the clips that a bundle was trained on, beside the bundle's own figures."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from ga2app.cli import common
from ga2app.config.effective_config import tested_on, whitening_anchors
from ga2app.errors import StudioError
from ga2app.types import Dataset, wilson

if TYPE_CHECKING:
    from torch import Tensor

    from ga2app.bundles import Manifest
    from ga2app.evaluation import MeasuredBaseline
    from ga2app.method.prompted_model import PromptedClip


def baselines_beside(
    manifest: Manifest, whole: Dataset, plain: PromptedClip, dataset: Dataset, seen: Tensor, *, joint: bool
) -> tuple[list[MeasuredBaseline], str]:
    """The baselines on the test clips of ``dataset``, whose features are ``seen``, and what they were fitted on.

    ``whole`` is the data set with all of its clips. Clips that cannot be read cost the baselines alone.
    """
    from ga2app import evaluation as evaluate

    config, anchors = manifest.run, list[str]()
    clips, learned_from = evaluate.clips_to_learn_from(whole, manifest.trained, config.shots, config.seed)
    with contextlib.suppress(StudioError):  # the anchor set may be gone: then training clips alone are whitened by
        anchors = whitening_anchors(config, common.with_named_anchors(config, whole))
    known, labels = evaluate.PlainFeatures(plain.backbone, config.clips.num_frames), [clip.label for clip in clips]
    paths = [clip.path for clip in clips]
    training = evaluate.TrainingClips.of(known, paths, labels, anchors, config.whitening)
    tested = evaluate.test_clips(dataset)
    seen = seen[:, 0] if seen.shape[1] == 1 else seen
    return evaluate.measure_baselines(plain, training, dataset, tested, seen, joint=joint), learned_from


def baselines_document(rows: list[MeasuredBaseline], learned_from: str, dataset: Dataset) -> dict[str, Any]:
    """Plain JSON values of the baselines on ``dataset``, by name."""
    tested = tested_on(dataset)
    found = {row.name: row.report().to_document(tested) for row in rows}
    if not dataset.novel:  # every label competes with every other: top-1 says more than "base"
        for row in rows:
            base = row.found.base if row.found else None
            found[row.name]["metrics"] = base.figures() if base else dict.fromkeys(("top1", "top5", "mean_class"))
            found[row.name]["intervals"] = {"top1": list(wilson(base.top1, base.clips))} if base else {}
    return {"baselines": found, "baselines_learned_from": learned_from}
