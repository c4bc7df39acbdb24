"""From a model and a data set to accuracies, also on a data set that has changed since the training.

Notation: N clips, W views of each, C class names, D embedding width, τ = exp(logit_scale).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ga2app.datasets.clip_files import among, clips_identity
from ga2app.errors import DatasetError, ErrorCode, TrainingError
from ga2app.evaluation.clip_features import SINGLE_VIEW, encode_views, test_clips
from ga2app.evaluation.metrics import Evaluation, GroupAccuracy, group_accuracy
from ga2app.labels import in_words, label_key
from ga2app.method.prompted_model import PromptedClip
from ga2app.types import Dataset, LabelledClip, Subset
from ga2app.video.sampling import MultiView


@torch.no_grad()
def evaluate_features(
    model: PromptedClip, dataset: Dataset, clips: Sequence[LabelledClip], features: Tensor, *, joint: bool = False
) -> Evaluation:
    """Accuracy of ``features``, a row for each of ``clips``, against the model's text features.

    ``features`` is (N, D), or (N, W, D): then the softmax over the names is averaged over the views, as the field
    does it (X-CLIP, ViFi-CLIP), so that a view which is sure of itself counts more than one which is not.
    ``joint`` lets base and novel names compete together, too.
    """
    none = features.new_empty(0, features.shape[-1])
    base, novel = (model.encode_names(names) if names else none for names in (dataset.base, dataset.novel))
    return evaluate_texts(model, dataset, clips, features, base, novel, joint=joint)


def evaluate_texts(
    model: PromptedClip,
    dataset: Dataset,
    clips: Sequence[LabelledClip],
    features: Tensor,
    base: Tensor,
    novel: Tensor,
    *,
    joint: bool = False,
) -> Evaluation:
    """``evaluate_features`` where the text features ``base`` and ``novel`` (C, D) of the names are known already."""
    known = {tuple(dataset.base): base, tuple(dataset.novel): novel}
    scale = model.backbone.scale if features.dim() == 3 else 1  # of one view the order is all that counts

    def score(rows: Tensor, names: Sequence[str]) -> Tensor:
        texts = known.get(tuple(names))
        return scale * (rows @ (torch.cat([base, novel]) if texts is None else texts).T)

    return evaluate_scores(score, dataset, clips, features, joint=joint)


def evaluate_scores(
    score: Callable[[Tensor, Sequence[str]], Tensor | None],
    dataset: Dataset,
    clips: Sequence[LabelledClip],
    features: Tensor,
    *,
    joint: bool = False,
) -> Evaluation:
    """``evaluate_features`` of any classifier: ``score`` gives logits (M, K) of clips (M, D) for K names.

    A group for whose names it gives None has no figure.
    """
    return Evaluation(
        base=_group(score, dataset.base, clips, features),
        novel=_group(score, dataset.novel, clips, features),
        joint=_group(score, (*dataset.base, *dataset.novel), clips, features) if joint else None,
    )


def evaluate(
    model: PromptedClip,
    dataset: Dataset,
    num_frames: int,
    views: MultiView = SINGLE_VIEW,
    *,
    joint: bool = False,
    features: Tensor | None = None,
) -> Evaluation:
    """Evaluate ``model`` on the test clips of ``dataset``.

    ``features`` (N, W, D) of the test clips spare their encoding; see ``encode_test_clips``. Raises DatasetError when
    there are no test clips, TrainingError when the model gives no numbers.
    """
    if features is None:
        features = encode_test_clips(model, dataset, num_frames, views)
    if views.count == 1:
        features = features[:, 0]
    if not (features.isfinite().all() and model.encode_labels().isfinite().all()):
        raise TrainingError(
            "the model's features are not numbers: its training diverged, or its backbone is damaged",
            hint="train again with a lower learning rate",
            code=ErrorCode.DIVERGED,
        )
    return evaluate_features(model, dataset, test_clips(dataset), features, joint=joint)


def no_test_clips(dataset: Dataset) -> DatasetError:
    """The error for a data set on which nothing can be measured."""
    return DatasetError(
        f"data set '{dataset.name}' has no test clips",
        hint="mark some clips of its classes as test",
        code=ErrorCode.NO_TEST_CLIPS,
    )


def encode_test_clips(
    model: PromptedClip,
    dataset: Dataset,
    num_frames: int,
    views: MultiView = SINGLE_VIEW,
    should_stop: Callable[[], bool] = lambda: False,
) -> Tensor:
    """Features (N, W, D) of ``test_clips(dataset)``; raises DatasetError when there are none or some are unreadable."""
    clips = test_clips(dataset)
    if not clips:
        raise no_test_clips(dataset)
    return encode_views(model, [clip.path for clip in clips], num_frames, views, should_stop)


def pooled(dataset: Dataset) -> Dataset:
    """``dataset`` with all of its labels in one group, so that they compete together and none is novel."""
    return replace(dataset, base=(*dataset.base, *dataset.novel), novel=())


def shared_labels(trained: Iterable[str], dataset: Dataset) -> tuple[str, ...]:
    """The labels of ``dataset`` that are among the ``trained`` ones, in whatever spelling, CamelCase or words."""
    known = {label_key(in_words(label)) for label in trained}
    return tuple(label for label in (*dataset.base, *dataset.novel) if label_key(in_words(label)) in known)


def _group(
    score: Callable[[Tensor, Sequence[str]], Tensor | None],
    names: Sequence[str],
    clips: Sequence[LabelledClip],
    features: Tensor,
) -> GroupAccuracy | None:
    """Accuracy over those of ``clips`` that show one of ``names``, as ``score`` answers."""
    rows = [row for row, clip in enumerate(clips) if clip.label in names]
    if not rows:
        return None
    targets = torch.tensor([names.index(clips[row].label) for row in rows])
    chosen = features[rows]
    logits = score(chosen.flatten(0, -2), names)  # (N · W, C)
    if logits is None:
        return None
    if chosen.dim() == 3:
        logits = torch.unflatten(logits, 0, chosen.shape[:2]).softmax(dim=-1).mean(dim=1)
    return group_accuracy(logits.cpu(), targets, names)


@dataclass(frozen=True)
class Trained:
    """What a bundle says of its training: the ``name`` of its data set, its labels, and what identifies the clips.

    ``data`` and ``marks`` are empty where it does not say it.
    """

    name: str
    base: tuple[str, ...]
    novel: tuple[str, ...]
    data: str
    marks: Sequence[str]


@dataclass(frozen=True)
class Remeasured:
    """The ``dataset`` without the ``seen`` test clips that were trained on, of ``tested`` in all; ``notes`` say so."""

    dataset: Dataset
    seen: int
    tested: int
    changed: bool
    notes: tuple[str, ...]


def to_measure_again(dataset: Dataset, trained: Trained) -> Remeasured:
    """``dataset`` as the bundle can be measured on it, and what has changed since its training.

    A data set of another name is not the one that it was trained on, and its labels are none of the changes.
    """
    clips = test_clips(dataset)
    seen = among([clip.path for clip in clips], trained.marks)
    own = dataset.name == trained.name
    changed = own and bool(trained.data) and clips_identity(dataset) != trained.data
    notes = []
    if changed:
        notes.append(
            f"data set '{dataset.name}' has changed since the bundle was trained: {_changes(dataset, trained)}"
        )
    if seen:
        left = len(clips) - len(seen)
        notes.append(
            f"{len(seen)} of {len(clips)} test clips were trained on and do not count; the figures are of the other "
            f"{left}"
        )
    elif own and not trained.marks and (changed or not trained.data):
        notes.append(
            "the bundle does not say which clips it was trained on: if the data set was split anew since, the figures "
            "are too good"
        )
    kept = tuple(clip for clip in dataset.clips if clip.subset is not Subset.TEST or clip.path not in seen)
    return Remeasured(replace(dataset, clips=kept), len(seen), len(clips), changed, tuple(notes))


def _changes(dataset: Dataset, trained: Trained) -> str:
    """What of the labels is not as it was; else the clips or their split are."""
    before, now = {*trained.base, *trained.novel}, {*dataset.base, *dataset.novel}
    turned = sorted(set(trained.base) & set(dataset.novel) | set(trained.novel) & set(dataset.base))
    parts = [
        f"{what} {', '.join(sorted(names))}"
        for what, names in (("new labels:", now - before), ("labels gone:", before - now), ("base or novel:", turned))
        if names
    ]
    return "; ".join(parts) or "other clips, or another split into training and test clips"
