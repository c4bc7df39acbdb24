"""How far one model's percentages can be believed: measured on test clips, with a temperature fitted on others.

Notation: N clips, W views of each, A anchor clips, C class names, M negative prompts, D embedding width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from ga2app.errors import DatasetError
from ga2app.evaluation.clip_features import encode_clips, test_clips
from ga2app.evaluation.reliability import MOST_ANCHORS, Labelled, calibration, fit_temperature, rejection
from ga2app.method.prompted_model import PromptedClip
from ga2app.types import Confidence, Dataset, LabelledClip, Rejection, Temperature
from ga2app.types.reliability_types import LEAST_CLIPS, UNKNOWN


@dataclass(frozen=True)
class Seen:
    """What a model makes of the clips that its percentages are judged by.

    ``clips`` (N, D) are its features of the test clips, ``base`` and ``novel`` (C, D) those of the names, ``negatives``
    (M, D) those of the negative prompts, ``anchors`` (A, D) those of anchor clips, and ``held_out`` those of the
    ``spare`` training clips, which the shots left over. All but the first three may be empty.
    """

    model: PromptedClip
    clips: Tensor
    base: Tensor
    novel: Tensor
    negatives: Tensor
    anchors: Tensor
    held_out: Tensor
    spare: Sequence[LabelledClip]


def seen_by(
    model: PromptedClip,
    dataset: Dataset,
    clips: Tensor,
    anchors: Tensor,
    held_out: Tensor | None = None,
    spare: Sequence[LabelledClip] = (),
) -> Seen:
    """What ``model`` makes of ``clips`` (N, D), ``anchors`` (A, D) and the names of ``dataset``; see ``Seen``."""
    none = clips.new_empty(0, clips.shape[-1])
    with torch.no_grad():
        texts = [
            model.encode_names(names) if names else none for names in (dataset.base, dataset.novel, dataset.negatives)
        ]
    base, novel, negatives = texts
    return Seen(model, clips, base, novel, negatives, anchors, none if held_out is None else held_out, spare)


@torch.no_grad()
def validation_of(seen: Seen, dataset: Dataset) -> dict[str, float]:
    """Accuracy in percent and cross-entropy (``ce``) on the ``spare`` training clips, among the base names.

    What settings may be chosen by: no test clip takes part, nor does any novel label. Empty without such clips, and
    where the model gives no numbers.
    """
    if not seen.spare:
        return {}
    place = {label: number for number, label in enumerate(dataset.base)}
    targets = torch.tensor([place[clip.label] for clip in seen.spare], device=seen.base.device)
    logits = _logits(seen.model, seen.held_out, seen.base)
    ce = float(functional.cross_entropy(logits, targets))
    accuracy = 100 * float((logits.argmax(dim=-1) == targets).double().mean())
    return {"accuracy": accuracy, "ce": ce, "clips": len(seen.spare)} if math.isfinite(ce) else {}


def measured_confidence(
    model: PromptedClip, dataset: Dataset, num_frames: int, clips: Tensor, temperature: Temperature | None = None
) -> Confidence:
    """The figures of ``model``, which makes ``clips`` (N, W, D) of the test clips of ``dataset``, anchors encoded anew.

    ``temperature`` is the bundle's own, see ``confidence_of``. Anchors that cannot be read are left out, with a note.
    """
    fault, anchors = "", clips.new_empty(0, clips.shape[-1])
    try:
        paths = [anchor.path for anchor in dataset.anchors[:MOST_ANCHORS]]
        anchors = encode_clips(model, paths, num_frames) if paths else anchors
    except DatasetError as exc:
        fault = f"anchors: {exc.message}"
    features = clips[:, 0] if clips.shape[1] == 1 else clips
    seen = seen_by(model, dataset, features, anchors)
    found = confidence_of(seen, dataset, test_clips(dataset), temperature)
    return replace(found, notes=(*found.notes, fault)) if fault else found


CROSSWISE = (
    "base: the test clips are what the temperature is fitted on, so that each half of them is measured with the "
    "temperature of the other half"
)


class _Group(NamedTuple):
    """Clips of one group, as places among all test clips, and what they are told apart by."""

    rows: list[int]
    scored: Labelled


@torch.no_grad()
def confidence_of(
    seen: Seen, dataset: Dataset, clips: Sequence[LabelledClip], temperature: Temperature | None = None
) -> Confidence:
    """The figures of one model on the test ``clips`` of ``dataset``.

    A ``temperature`` that a bundle brings is used as it is; None has one fitted: on the training clips that the shots
    left over, else on the test clips of base labels, and then those are measured by the temperature of the other half.
    What cannot be measured is left out, and a note says why; nothing is raised.
    """
    notes: list[str] = []
    groups = _groups(seen, dataset, clips, notes)
    found, of_clips = _temperature(seen, dataset, clips, temperature)
    if not found.value:
        notes += [f"no temperature: {found.fitted}"] if found.fitted else []
    if found.on_test_clips and temperature is None:
        notes.append(CROSSWISE)
    before, after = {}, {}
    for name, group in groups.items():
        try:
            before[name] = calibration(*group.scored)
            if found.value:
                after[name] = calibration(*group.scored, of_clips[group.rows])
        except DatasetError as exc:
            notes.append(f"{name}: {exc.message}")
    rejections = _rejections(seen, dataset, clips, found.used, notes)
    chosen = temperature or _with_threshold(found, rejections)
    return Confidence(before, after, chosen, tuple(rejections), tuple(dict.fromkeys(notes)))


def _groups(seen: Seen, dataset: Dataset, clips: Sequence[LabelledClip], notes: list[str]) -> dict[str, _Group]:
    """Base clips among base names, novel clips among novel names, all among all; those that say anything."""
    sides = {"base": (dataset.base, seen.base), "novel": (dataset.novel, seen.novel)}
    if dataset.base and dataset.novel:
        sides["joint"] = ((*dataset.base, *dataset.novel), torch.cat([seen.base, seen.novel]))
    groups = {}
    for name, (labels, texts) in sides.items():
        place = {label: number for number, label in enumerate(labels)}
        rows = [row for row, clip in enumerate(clips) if clip.label in place]
        if len(labels) < 2 or not rows:
            if labels:
                lacks = "only one label, which every clip gets with 100%" if rows else "no test clips"
                notes.append(f"{name}: not measured, because it has {lacks}")
            continue
        targets = torch.tensor([place[clips[row].label] for row in rows], device=texts.device)
        groups[name] = _Group(rows, Labelled(_logits(seen.model, seen.clips[rows], texts), targets))
    return groups


def _logits(model: PromptedClip, clips: Tensor, texts: Tensor) -> Tensor:
    """Logits (N, C) of clip features (N, D), or of (N, W, D): then the logarithms of the means over the views."""
    logits = model.backbone.scale * clips.double() @ texts.double().T
    return logits if logits.dim() == 2 else logits.softmax(dim=-1).mean(dim=1).log()


def _temperature(
    seen: Seen, dataset: Dataset, clips: Sequence[LabelledClip], given: Temperature | None
) -> tuple[Temperature, Tensor]:
    """The temperature, and the one (N,) that each of the test ``clips`` is measured with."""
    if given is not None:
        return given, seen.clips.new_full((len(clips),), given.used, dtype=torch.double)
    tested = [row for row, clip in enumerate(clips) if clip.label in dataset.base]
    spare = bool(len(seen.spare) >= LEAST_CLIPS)
    features = seen.held_out if spare else seen.clips[tested]
    labels = [clip.label for clip in (seen.spare if spare else [clips[row] for row in tested])]
    each = seen.clips.new_ones(len(clips), dtype=torch.double)
    if len(labels) < LEAST_CLIPS:
        lacks = (
            f"there are {len(labels)} clips of base labels that training did not use, and {LEAST_CLIPS} are the least"
        )
        return Temperature(fitted=lacks), each
    # Half of each label's clips in either half: the clips come label by label.
    halves = [[place for place in range(len(labels)) if place % 2 != half] for half in range(2)]
    try:
        value = fit_temperature(*_slices(seen, dataset, features, labels, range(len(labels))))
        each[:] = value
        if not spare:
            for half, others in enumerate(halves):
                measured = torch.tensor(tested, device=each.device)[half::2]
                each[measured] = fit_temperature(*_slices(seen, dataset, features, labels, others))
    except DatasetError as exc:
        return Temperature(fitted=exc.message), torch.ones_like(each)
    told = _told(len(labels), spare=spare, anchors=len(seen.anchors) if len(seen.negatives) else 0)
    return Temperature(value, told, on_test_clips=not spare), each


def _slices(
    seen: Seen, dataset: Dataset, features: Tensor, labels: Sequence[str], rows: Sequence[int]
) -> tuple[Labelled, Labelled]:
    """Base clips, the ``rows`` of ``features`` with ``labels``, and anchors, as a temperature is fitted on them.

    All names compete, the novel ones too, whose clips nobody looks at: among the few base names alone clips are told
    apart so easily that the temperature suits no other labels. Where there are negative prompts the nearest of them is
    one more label, as on Recognize: right for an anchor clip.
    """
    names = torch.cat([seen.base, seen.novel])
    targets = torch.tensor([dataset.base.index(labels[row]) for row in rows], dtype=torch.long, device=names.device)
    anchors = seen.anchors if len(seen.negatives) else seen.anchors[:0]
    none = targets.new_full((len(anchors),), len(names))
    scored = (_with_none(seen, clips, names) for clips in (features[list(rows)], anchors))
    return Labelled(next(scored), targets), Labelled(next(scored), none)


def _with_none(seen: Seen, clips: Tensor, names: Tensor) -> Tensor:
    """Logits over ``names`` (C, D) and, where there are negatives, the nearest of them: (N, C) or (N, C + 1)."""
    logits = _logits(seen.model, clips, torch.cat([names, seen.negatives]))
    labels, negatives = logits[:, : len(names)], logits[:, len(names) :]
    return torch.cat([labels, negatives.amax(dim=1, keepdim=True)], dim=1) if len(seen.negatives) else labels


def _told(clips: int, *, spare: bool, anchors: int) -> str:
    """What a temperature was fitted on, in words."""
    beside = f", and {anchors} anchor clips, whose right answer is the nearest negative prompt" if anchors else ""
    if spare:
        return f"{clips} training clips of base labels that the shots left over{beside}"
    return f"{clips} test clips of base labels, because the shots left no training clips over{beside}"


def _rejections(
    seen: Seen, dataset: Dataset, clips: Sequence[LabelledClip], temperature: float, notes: list[str]
) -> list[Rejection]:
    """Test clips of base labels against anchors, and against those of novel labels, among the base names."""
    known = seen.clips[[row for row, clip in enumerate(clips) if clip.label in dataset.base]]
    novel = seen.clips[[row for row, clip in enumerate(clips) if clip.label in dataset.novel]]
    found = []
    for unknown, others in (("anchors", seen.anchors), ("novel", novel)):
        for score in ("against", "best") if len(seen.negatives) else ("best",):
            try:
                scores = (_score(seen, score, features, temperature) for features in (known, others))
                found.append(rejection(unknown, score, *scores))
            except DatasetError as exc:
                notes.append(f"open-set rejection: {exc.message}")
    return found


def _score(seen: Seen, score: str, clips: Tensor, temperature: float) -> Tensor:
    """What the best label of each clip (N,) has, from 0 to 1: its probability, or that against the nearest negative."""
    logits = _with_none(seen, clips, seen.base) / temperature
    labels = logits[:, : len(seen.base)]
    if score == "best":
        return labels.softmax(dim=-1).amax(dim=-1)
    return (labels.amax(dim=-1) - logits[:, -1]).sigmoid()


def _with_threshold(found: Temperature, rejections: Sequence[Rejection]) -> Temperature:
    """``found`` with the threshold that keeps 95% of the known clips, where negative prompts took part."""
    for one in rejections:
        if one.score == "against":
            what = f"it keeps 95% of {one.known_clips} test clips of base labels, and lets in {one.fpr95:.0f}% of "
            return replace(found, threshold=one.threshold, chosen=what + f"{one.unknown_clips} {UNKNOWN[one.unknown]}")
    return found
