"""Baselines on features of the frozen CLIP: what a reviewer asks for before any prompt is trained.

Linear probe, k nearest neighbors, nearest class mean, Tip-Adapter and its tuned form, and whitening alone, fitted on
the training clips of a run and measured on test clips as a bundle is. A label without training clips is unknown to the
first three; of Tip-Adapter the zero-shot part answers for it. ``BASELINES`` has each rule in words.

Notation: N training clips, A anchor clips, M test clips, W views of each, D embedding width.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from ga2app.config import WhiteningConfig
from ga2app.datasets.clip_files import among
from ga2app.datasets.train_test import draw_shots
from ga2app.errors import DatasetError, StudioError, counted
from ga2app.evaluation.clip_features import PlainFeatures
from ga2app.evaluation.few_shot_classifiers import FITS, Known, places_of, quarters_of
from ga2app.evaluation.metrics import Evaluation
from ga2app.evaluation.scoring import evaluate_scores
from ga2app.method.prompted_model import PromptedClip
from ga2app.types import BASELINES, BaselineReport, Dataset, LabelledClip, Subset

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingClips:
    """Features (N, D) of the training clips by the frozen CLIP, their ``labels``, and features (A, D) of anchors.

    ``whitening`` says by how much of either is whitened, ``fault`` why there are none where there should be some.
    """

    features: Tensor
    labels: tuple[str, ...]
    anchors: Tensor
    whitening: WhiteningConfig
    fault: str = ""

    @classmethod
    def of(
        cls,
        known: PlainFeatures,
        paths: Sequence[str],
        labels: Sequence[str],
        anchors: Sequence[str],
        whitening: WhiteningConfig,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> TrainingClips:
        """Those of the clips at ``paths``, encoded where ``known`` does not have them yet, and of the ``anchors``.

        Where clips cannot be read there are none. Raises InterruptedError when asked to stop.
        """
        on, nothing = replace(whitening, enabled=True), torch.empty(0, known.backbone.sizes.embedding_width)
        try:
            found = known.of([*paths, *anchors], should_stop)
        except StudioError as exc:
            return cls(nothing, (), nothing, on, str(exc))
        return cls(found[: len(paths)], tuple(labels), found[len(paths) :], on)


class MeasuredBaseline(NamedTuple):
    """A baseline's figures, None where it failed; what was chosen; why a figure is missing."""

    name: str
    found: Evaluation | None
    chosen: str
    note: str
    seconds: float

    def report(self) -> BaselineReport:
        """As a report keeps it."""
        metrics, joint = (self.found.metrics(), self.found.joint_metrics()) if self.found else ({}, {})
        return BaselineReport(self.name, metrics, joint, self.chosen, self.note, round(self.seconds, 3))


def measure_baselines(
    plain: PromptedClip,
    training: TrainingClips,
    dataset: Dataset,
    clips: Sequence[LabelledClip],
    features: Tensor,
    *,
    names: Collection[str] = tuple(BASELINES),
    joint: bool = False,
) -> list[MeasuredBaseline]:
    """Those of the baselines that ``names`` has, measured on test ``clips`` of ``dataset``.

    ``features`` (M, D), or (M, W, D) of W views, are those of ``plain``, zero-shot CLIP, as are the training clips'.
    One that fails has no figures, and its ``note`` says why; the others are not touched by that. All of it runs on one
    thread of a processor.
    """
    known, notes = _known(plain, training)
    rows = features.detach().float().cpu()
    if wrong := int((~rows.flatten(1).isfinite().all(dim=1)).sum()):
        notes.append(f"{counted(wrong, 'test clip')} with features that are not numbers count as wrong")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # many small products: on a busy machine several threads wait for each other
    try:
        chosen = [name for name in BASELINES if name in names]
        return [_measured(name, known, training.fault, dataset, clips, rows, notes, joint) for name in chosen]
    finally:
        torch.set_num_threads(threads)


def clips_to_learn_from(
    dataset: Dataset, marks: Sequence[str], shots: int, seed: int
) -> tuple[list[LabelledClip], str]:
    """The clips of ``dataset`` that a bundle was trained on, which ``marks`` identify, and a sentence about them.

    Where none of them is in it, as in another data set, as many are drawn as the bundle had: at most ``shots`` of each
    base label, with ``seed``; labels without training clips have none.
    """
    known = among([clip.path for clip in dataset.clips], marks)
    names = {*dataset.base, *dataset.novel}
    if found := [clip for clip in dataset.clips if clip.path in known and clip.label in names]:
        fewer = f", of {len(marks)} in all: the others are not in it any more" if len(found) < len(marks) else ""
        return found, f"on {counted(len(found), 'clip')} that the bundle was trained on{fewer}"
    able = {clip.label for clip in dataset.clips if clip.subset is Subset.TRAIN}
    labels = tuple(label for label in dataset.base if label in able)
    drawn = draw_shots(replace(dataset, base=labels), shots, seed) if len(labels) > 1 else []
    clips = f"on {counted(len(drawn), 'training clip')} of '{dataset.name}'"
    return drawn, f"{clips}, drawn with {counted(shots, 'shot')} and seed {seed}; the bundle was not trained on these"


def _measured(
    name: str,
    known: Known,
    fault: str,
    dataset: Dataset,
    clips: Sequence[LabelledClip],
    features: Tensor,
    notes: Sequence[str],
    joint: bool,
) -> MeasuredBaseline:
    began_s = time.perf_counter()
    try:
        if not len(known.targets):
            raise DatasetError(fault or "there are no training clips to learn from")
        with torch.enable_grad():
            fitted = FITS[name](known)
        with torch.no_grad():
            found = evaluate_scores(fitted.logits, dataset, clips, features, joint=joint)
    except StudioError as exc:
        return MeasuredBaseline(name, None, "", "; ".join([*notes, str(exc)]), time.perf_counter() - began_s)
    except Exception as exc:
        logger.exception("the baseline %s failed; the other figures are not touched by that", name)
        told = f"it failed ({type(exc).__name__}: {exc}); the log has more"
        return MeasuredBaseline(name, None, "", "; ".join([*notes, told]), time.perf_counter() - began_s)
    missing = [] if BASELINES[name].answers_novel else _without_clips(known.labels, dataset)
    return MeasuredBaseline(name, found, fitted.chosen, "; ".join([*notes, *missing]), time.perf_counter() - began_s)


def _known(plain: PromptedClip, training: TrainingClips) -> tuple[Known, list[str]]:
    """The training clips in float32 on the CPU, without those whose features are not numbers, which is told."""
    features, notes = training.features.detach().float().cpu().clone(), []
    good = features.isfinite().all(dim=1)
    if wrong := int((~good).sum()):
        notes.append(f"{counted(wrong, 'training clip')} with features that are not numbers are left out")
    kept = [label for label, fine in zip(training.labels, good.tolist(), strict=True) if fine]
    labels = tuple(dict.fromkeys(kept))
    targets = torch.tensor([labels.index(label) for label in kept], dtype=torch.long)

    def texts(names: Sequence[str]) -> Tensor:
        with torch.no_grad():
            return plain.encode_names(names).detach().float().cpu()

    anchors = training.anchors.detach().float().cpu()
    anchors = anchors[anchors.isfinite().all(dim=1)]
    scale = float(plain.backbone.scale)
    return Known(
        features[good], targets, labels, quarters_of(targets), texts, scale, anchors, training.whitening
    ), notes


def _without_clips(labels: Sequence[str], dataset: Dataset) -> list[str]:
    """Why base, or novel labels have no figure."""
    told = []
    for side, names in (("base", dataset.base), ("novel", dataset.novel)):
        lacking = [name for name, place in zip(names, places_of(labels, names), strict=True) if place is None]
        if lacking:
            shown = "no novel label has" if len(lacking) == len(names) and side == "novel" else f"{lacking[0]} has no"
            told.append(f"{shown} training clips" + (", so that it has no figure" if side == "base" else ""))
    return told
