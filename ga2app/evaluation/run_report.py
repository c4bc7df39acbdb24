"""The report of a run: what it got right and wrong, clip by clip, and a map of its features.

Notation: N clips, A anchor clips, D embedding width, K texts.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ga2app.clip.described_texts import usable_descriptions
from ga2app.config import RunConfig
from ga2app.errors import ClipError
from ga2app.evaluation.baselines import TrainingClips, measure_baselines
from ga2app.evaluation.metrics import GroupAccuracy
from ga2app.evaluation.scoring import evaluate_features, evaluate_texts
from ga2app.method.prompted_model import PromptedClip
from ga2app.types import (
    ChangedClip,
    Conditions,
    Confidence,
    Dataset,
    GroupReport,
    LabelKind,
    LabelledClip,
    MapPoint,
    ModelReport,
    Report,
)
from ga2app.video import sample_frames
from ga2app.video.pixels import THUMBNAIL_PX, thumbnails
from ga2app.video.writer import jpeg

MAP_CLIPS = 400
MAP_NEGATIVES = 24
CHANGED_SHOWN = 100
"""Clips of either direction that the report names; all of them are counted."""
PICTURED = 24
"""Clips of either direction with a picture: each costs a look into its file."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Side:
    """One model, what it makes of the test clips (N, D) and of the anchors (A, D), and how sure it is of that."""

    model: PromptedClip
    clips: Tensor
    anchors: Tensor
    confidence: Confidence | None = None


class _Texts(NamedTuple):
    """Text features of the names, each (·, D). Negative prompts are never prompted: they are frozen texts."""

    base: Tensor
    novel: Tensor
    negatives: Tensor


@torch.no_grad()
def make_report(
    config: RunConfig,
    dataset: Dataset,
    clips: Sequence[LabelledClip],
    plain: Side,
    bundle: Side,
    *,
    anchors: Sequence[str] = (),
    steps: int = 0,
    packages: Mapping[str, str] | None = None,
    conditions: Conditions | None = None,
    training: TrainingClips | None = None,
) -> Report:
    """The report of a run on the test ``clips`` of ``dataset``, of which there is at least one.

    ``anchors`` are captions, one for each row of the sides' anchors; ``conditions`` are what the run really used,
    ``training`` what baselines are fitted on. No clip is encoded anew.
    """
    plain_texts, bundle_texts = _texts(plain, dataset), _texts(bundle, dataset)
    answers = [_answers(side, texts, dataset, clips) for side, texts in ((plain, plain_texts), (bundle, bundle_texts))]
    changed = [
        ChangedClip(clip.path, clip.label, _kind(dataset, clip.label), before, after)
        for clip, before, after in zip(clips, *answers, strict=True)
        if (before == clip.label) != (after == clip.label)
    ]
    gained, lost = ([clip for clip in changed if clip.gained is better] for better in (True, False))
    mapped = spread_over_classes(clips, MAP_CLIPS)
    points, shares = _map(dataset, clips, mapped, anchors, (plain, plain_texts), (bundle, bundle_texts))
    both = bool(dataset.base and dataset.novel)
    beside = measure_baselines(plain.model, training, dataset, clips, plain.clips, joint=both) if training else []
    return Report(
        dataset=dataset.name,
        backbone=config.backbone,
        seed=config.seed,
        shots=config.shots,
        steps=steps,
        base=dataset.base,
        novel=dataset.novel,
        plain=_figures(plain, plain_texts, dataset, clips),
        bundle=_figures(bundle, bundle_texts, dataset, clips),
        gained=len(gained),
        lost=len(lost),
        changed=tuple(shown for part in (gained, lost) for shown in _with_pictures(part[:CHANGED_SHOWN])),
        points=points,
        map_share=shares,
        clips_mapped=len(mapped),
        anchor_captions=tuple(dict.fromkeys(caption for caption in anchors if caption)),
        negatives=dataset.negatives,
        packages=dict(packages or {}),
        conditions=conditions or Conditions(),
        confidence={
            name: side.confidence.to_dict()
            for name, side in (("plain", plain), ("bundle", bundle))
            if side.confidence is not None
        },
        baselines=tuple(one.report() for one in beside),
        described=_described(dataset, clips, {"plain": plain, "bundle": bundle}),
    )


def _described(dataset: Dataset, clips: Sequence[LabelledClip], sides: Mapping[str, Side]) -> dict[str, Any]:
    """Base, novel and HM of each side where labels are averaged with their sentences; empty where none has any."""
    if not dataset.descriptions:
        return {}
    backbone, labels = sides["plain"].model.backbone, (*dataset.base, *dataset.novel)
    told, notes = usable_descriptions(backbone, labels, dataset.descriptions)
    found: dict[str, Any] = {"labels": len(told), "notes": notes}
    for name, side in sides.items() if told else ():
        found[name] = evaluate_features(side.model.with_descriptions(told), dataset, clips, side.clips).metrics()
    return found


def spread_over_classes(clips: Sequence[LabelledClip], limit: int) -> list[int]:
    """Places of at most ``limit`` of ``clips``, in their order: the first of each class, then the second of each, …"""
    seen: dict[str, int] = {}
    ranked = []
    for place, clip in enumerate(clips):
        seen[clip.label] = seen.get(clip.label, 0) + 1
        ranked.append((seen[clip.label], place))
    return sorted(place for _, place in sorted(ranked)[:limit])


def _kind(dataset: Dataset, label: str) -> LabelKind:
    return LabelKind.BASE if label in dataset.base else LabelKind.NOVEL


def _texts(side: Side, dataset: Dataset) -> _Texts:
    model, none = side.model, side.clips.new_empty(0, side.clips.shape[-1])
    base, novel = (model.encode_names(names) if names else none for names in (dataset.base, dataset.novel))
    negatives = dataset.negatives[:MAP_NEGATIVES]
    frozen = model.whiten_texts(model.backbone.class_features(negatives)) if negatives else none
    return _Texts(base, novel, frozen)


def _answers(side: Side, texts: _Texts, dataset: Dataset, clips: Sequence[LabelledClip]) -> list[str]:
    """What the model takes each clip for, base clips among base names and novel clips among novel ones."""
    found = [""] * len(clips)
    for names, features in ((dataset.base, texts.base), (dataset.novel, texts.novel)):
        rows = [row for row, clip in enumerate(clips) if clip.label in names]
        if rows:
            best = (side.clips[rows] @ features.T).argmax(dim=1).tolist()
            for row, place in zip(rows, best, strict=True):
                found[row] = names[place]
    return found


def _figures(side: Side, texts: _Texts, dataset: Dataset, clips: Sequence[LabelledClip]) -> ModelReport:
    both = bool(dataset.base and dataset.novel)
    found = evaluate_texts(side.model, dataset, clips, side.clips, texts.base, texts.novel, joint=both)
    groups = {"base": found.base, "novel": found.novel, "joint": found.joint}
    return ModelReport(
        metrics=found.metrics(),
        joint_metrics=found.joint_metrics(),
        groups={name: _group(group) for name, group in groups.items() if group is not None},
    )


def _group(found: GroupAccuracy) -> GroupReport:
    cells = tuple(
        (row, column, count)
        for row, counts in enumerate(found.confusion)
        for column, count in enumerate(counts)
        if count
    )
    return GroupReport(found.top1, found.top5, found.mean_class, found.clips, found.per_class, cells)


def _map(
    dataset: Dataset,
    clips: Sequence[LabelledClip],
    mapped: Sequence[int],
    anchors: Sequence[str],
    plain: tuple[Side, _Texts],
    bundle: tuple[Side, _Texts],
) -> tuple[tuple[MapPoint, ...], tuple[float, float]]:
    """The points of the map, and how much of the spread it holds before and after."""
    rows = list(mapped)
    names = [*dataset.base, *dataset.novel]
    negatives = dataset.negatives[:MAP_NEGATIVES]
    clouds = [
        Cloud(
            torch.cat([side.clips[rows], side.anchors]), torch.cat([texts.base, texts.novel, texts.negatives])
        ).centered(leading=(len(rows), len(names)))
        for side, texts in (plain, bundle)
    ]
    axes = axes_of(*clouds)
    before, after = ([*axes.place(cloud.clips).tolist(), *axes.place(cloud.texts).tolist()] for cloud in clouds)
    what = [
        *(("clip", clips[row].path.replace("\\", "/").rpartition("/")[2], clips[row].label) for row in rows),
        *(("anchor", caption or "irrelevant clip", "") for caption in anchors),
        *(("class", name, name) for name in names),
        *(("negative", text, "") for text in negatives),
    ]
    points = tuple(
        MapPoint(kind, name, label, _kind(dataset, label) if label else LabelKind.NEGATIVE, _rounded(x), _rounded(y))
        for (kind, name, label), x, y in zip(what, before, after, strict=True)
    )
    shares = [round(axes.share(cloud), 1) for cloud in clouds]
    return points, (shares[0], shares[1])


def _rounded(place: Sequence[float]) -> tuple[float, float]:
    return round(place[0], 4), round(place[1], 4)


def _with_pictures(clips: Sequence[ChangedClip]) -> list[ChangedClip]:
    pictures = [_picture(clip.path) for clip in clips[:PICTURED]]
    pictured = zip(clips, pictures, strict=False)
    return [*(replace(clip, thumbnail=picture) for clip, picture in pictured), *clips[PICTURED:]]


def _picture(path: str) -> str:
    """The clip's middle as a small JPEG in base64; empty for a clip that cannot be read any more."""
    try:
        frames = sample_frames(path, 3, short_side_px=THUMBNAIL_PX)
    except ClipError as exc:
        _log.info("no picture in the report: %s", exc)
        return ""
    return base64.b64encode(jpeg(thumbnails(frames[1:2])[0])).decode()


@dataclass(frozen=True)
class Cloud:
    """Features of one side of the map: ``clips`` (N, D) and ``texts`` (K, D)."""

    clips: Tensor
    texts: Tensor

    def centered(self, leading: tuple[int, int]) -> Cloud:
        """Clips and texts, each about the mean of the ``leading`` ones: anchors and negatives may lie far off.

        In CLIP's space all clips lie in one corner and all texts in another, far away. Without this the first
        direction of the map would tell that, and nothing else.
        """
        parts = zip((self.clips.double().cpu(), self.texts.double().cpu()), leading, strict=True)
        return Cloud(*(part - part[:count].mean(dim=0) for part, count in parts))

    def rows(self) -> Tensor:
        """All points (N + K, D), clips and texts with a spread of 1 each."""
        return torch.cat([part / part.square().sum().clamp(min=1e-12).sqrt() for part in (self.clips, self.texts)])


@dataclass(frozen=True)
class Axes:
    """Two ``directions`` (D, 2) in which clips and texts differ most."""

    directions: Tensor

    def place(self, features: Tensor) -> Tensor:
        """Places (N, 2) of centered ``features`` (N, D)."""
        return features @ self.directions

    def share(self, cloud: Cloud) -> float:
        """How much of the spread of a centered cloud the map holds, in percent."""
        rows = cloud.rows()
        return float(100 * self.place(rows).square().sum() / rows.square().sum().clamp(min=1e-12))


def axes_of(*clouds: Cloud) -> Axes:
    """The two principal directions of centered ``clouds``, all counting alike.

    Each points to where it is largest, so that two calls give the same map and not its mirror image.
    """
    _, _, directions = torch.linalg.svd(torch.cat([cloud.rows() for cloud in clouds]), full_matrices=False)
    chosen = directions[:2].T  # (D, 2)
    if chosen.shape[1] < 2:
        chosen = torch.cat([chosen, chosen.new_zeros(len(chosen), 2 - chosen.shape[1])], dim=1)
    largest = chosen.gather(0, chosen.abs().argmax(dim=0, keepdim=True))
    return Axes(chosen * torch.where(largest < 0, -1.0, 1.0))
