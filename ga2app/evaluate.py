"""Base-to-novel evaluation: how well clips of trained and of never-trained classes are recognized.

Base clips compete among the base names, novel clips among the novel names; HM = 2bn / (b + n) (paper, section 4).
All figures are percent. Notation: N clips, C class names, D embedding width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ga2app.contracts import Dataset, LabelledClip, Subset
from ga2app.errors import ClipError, DatasetError
from ga2app.model import PromptedClip
from ga2app.video.pixels import evaluation_pixels

CLIPS_AT_ONCE = 16


@dataclass(frozen=True)
class GroupAccuracy:
    """Accuracy over the clips of one group of classes: top-1, top-5, and top-1 of each class."""

    top1: float
    top5: float
    per_class: dict[str, float]
    clips: int


@dataclass(frozen=True)
class Evaluation:
    """Base and novel accuracy; None where the data set has no test clips of that kind."""

    base: GroupAccuracy | None
    novel: GroupAccuracy | None

    def metrics(self) -> dict[str, float]:
        """``base``, ``novel`` and ``hm`` (top-1, percent), without those that could not be measured."""
        metrics = {}
        if self.base is not None:
            metrics["base"] = self.base.top1
        if self.novel is not None:
            metrics["novel"] = self.novel.top1
        if len(metrics) == 2:
            metrics["hm"] = harmonic_mean(metrics["base"], metrics["novel"])
        return metrics


def harmonic_mean(base: float, novel: float) -> float:
    """2bn / (b + n), and 0 where both are 0."""
    return 2 * base * novel / (base + novel) if base + novel else 0.0


@torch.no_grad()
def encode_clips(
    model: PromptedClip, paths: Sequence[str], num_frames: int, should_stop: Callable[[], bool] = lambda: False
) -> Tensor:
    """Clip features (N, D) of ``paths`` under evaluation sampling, through the model's vision tower.

    Raises DatasetError that names the clips that cannot be read, and InterruptedError when asked to stop.
    """
    size = model.backbone.sizes.image_size
    features, faults = [], []
    for first in range(0, len(paths), CLIPS_AT_ONCE):
        if should_stop():
            raise InterruptedError
        pixels = []
        for path in paths[first : first + CLIPS_AT_ONCE]:
            try:
                pixels.append(evaluation_pixels(path, num_frames, size))
            except ClipError as exc:
                faults.append(str(exc))
        if pixels and not faults:
            features.append(model.encode_clips(torch.stack(pixels)))
    if faults:
        shown = "; ".join(faults[:5]) + ("; …" if len(faults) > 5 else "")
        raise DatasetError(
            f"{len(faults)} of {len(paths)} clips cannot be read: {shown}. Remove or re-encode them, then start again"
        )
    if not features:
        return torch.empty(0, model.backbone.sizes.embedding_width, device=model.backbone.compute.device)
    return torch.cat(features)


def test_clips(dataset: Dataset) -> list[LabelledClip]:
    """The test clips of ``dataset`` in a fixed order: base classes first, then novel ones."""
    order = {label: place for place, label in enumerate((*dataset.base, *dataset.novel))}
    chosen = [clip for clip in dataset.clips if clip.subset is Subset.TEST and clip.label in order]
    return sorted(chosen, key=lambda clip: (order[clip.label], clip.path))


@torch.no_grad()
def evaluate_features(
    model: PromptedClip, dataset: Dataset, clips: Sequence[LabelledClip], features: Tensor
) -> Evaluation:
    """Accuracy of ``features`` (N, D), one row for each of ``clips``, against the model's text features."""
    groups: list[GroupAccuracy | None] = []
    for names in (dataset.base, dataset.novel):
        rows = [row for row, clip in enumerate(clips) if clip.label in names]
        if not rows or not names:
            groups.append(None)
            continue
        targets = torch.tensor([names.index(clips[row].label) for row in rows])
        logits = (features[rows] @ model.encode_names(names).T).cpu()
        groups.append(_accuracy(logits, targets, names))
    return Evaluation(*groups)


def evaluate(model: PromptedClip, dataset: Dataset, num_frames: int) -> Evaluation:
    """Evaluate ``model`` on the test clips of ``dataset``; raises DatasetError when there are none."""
    clips = test_clips(dataset)
    if not clips:
        raise DatasetError(f"data set '{dataset.name}' has no test clips; mark some clips of its classes as test")
    features = encode_clips(model, [clip.path for clip in clips], num_frames)
    return evaluate_features(model, dataset, clips, features)


def _accuracy(logits: Tensor, targets: Tensor, names: Sequence[str]) -> GroupAccuracy:
    """Accuracies of ``logits`` (N, C) against ``targets`` (N,)."""
    right = logits.argmax(dim=1) == targets  # (N,)
    best = logits.topk(min(5, len(names)), dim=1).indices  # (N, 5)
    counts = functional.one_hot(targets, len(names)).double()  # (N, C)
    per_class = (counts * right[:, None]).sum(0) / counts.sum(0)
    return GroupAccuracy(
        top1=100 * right.double().mean().item(),
        top5=100 * (best == targets[:, None]).any(dim=1).double().mean().item(),
        per_class={name: 100 * share for name, share in zip(names, per_class.tolist(), strict=True) if share == share},
        clips=len(targets),
    )
