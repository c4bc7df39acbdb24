"""A classifier of clips: zero-shot CLIP, or a bundle attached to it.

Notation: T frames, C labels, M negative prompts, D embedding width.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ga2app.errors import BackboneError, BundleError, StudioError
from ga2app.labels import label_key
from ga2app.method.prompted_model import PromptedClip
from ga2app.types import NONE_OF_THESE, Answer, Curve, FrameScore, LabelKind, NoneOfThese, NoneWay, Score, Verdict

CURVES = 4
"""Labels whose probabilities are given frame by frame."""


@dataclass(frozen=True)
class Probabilities:
    """What a clip's labels and the negative prompt nearest to it get, between 0 and 1.

    ``labels`` (…, C) and, where negatives compete, ``negative`` (…); ``nearest`` (…) is that negative's place and
    ``lead`` (…) how far the best label is ahead of it, in logits. The last three are None without negatives. The order
    is that of ``logits`` (…, C): probabilities of very sure answers are alike in floats.
    """

    logits: Tensor
    labels: Tensor
    negative: Tensor | None = None
    nearest: Tensor | None = None
    lead: Tensor | None = None


@dataclass(frozen=True)
class Classifier:
    """``model`` with the features ``classes`` (C, D) of the labels ``names`` and those of negatives (M, D), if any.

    ``trained`` are the labels that the bundle was trained on, each as its ``label_key``. ``understood`` (C,) says which
    labels take part; None: all. ``threshold`` is the one that the bundle's run chose from data, for whoever names none.
    """

    model: PromptedClip
    names: Sequence[str]
    classes: Tensor
    trained: Collection[str] = ()
    bundle: str | None = None
    asked: NoneOfThese | None = None
    negatives: Sequence[str] = ()
    negative_features: Tensor | None = None
    understood: Tensor | None = None
    threshold: float | None = None

    @property
    def looks_for_itself(self) -> bool:
        """Whether frames have to pass the vision tower with this classifier's own prompts."""
        return bool(self.model.prompts.config.visual_depth)

    def answer(self, frames: Tensor, indices: Sequence[int], top_k: int | None) -> Answer:
        """The prediction for the frames with the numbers ``indices`` and the features ``frames`` (T, D)."""
        clip, each = self._probabilities(frames), self._probabilities(frames[:, None])
        scores = self._scores(clip, top_k)
        labels = [score.label for score in scores if score.kind is not LabelKind.NEGATIVE and score.understood]
        places = [self.names.index(label) for label in labels[:CURVES]]
        curves = [Curve(self.names[place], tuple(each.labels[:, place].tolist())) for place in places]
        if each.negative is not None:
            curves.append(Curve(NONE_OF_THESE, tuple(each.negative.tolist())))
        return Answer(
            scores=scores,
            bundle=self.bundle,
            timeline=self._timeline(each, indices),
            curves=tuple(curves),
            verdict=self._verdict(clip),
            temperature=self.model.temperature,
        )

    def over_time(self, windows: Tensor) -> tuple[Tensor, Tensor | None]:
        """Probabilities (W, C) of windows with the frame features (W, T, D), and which are none of these (W,), if that
        was asked. Raises StudioError where the model computes no number."""
        found = self._probabilities(windows)
        if not bool(found.labels.isfinite().all()):
            raise self._no_number()
        if self.asked is None or found.lead is None:
            return found.labels, None
        reached = (found.lead / self.model.temperature).sigmoid()
        if found.negative is not None:
            reached = found.labels.max(dim=-1).values
        none = reached < self.asked.least_of(self.threshold)
        return found.labels, none | (found.lead < 0) if self.asked.way is NoneWay.COMPETE else none

    def _probabilities(self, frames: Tensor) -> Probabilities:
        """The probabilities for the clip or the clips given by frame features (…, T, D).

        The model's temperature is in the probabilities alone; what is nearest, and by how much, is told without it.
        """
        features, scale, heat = self.model.clip_features(frames), self.model.backbone.scale, self.model.temperature
        logits = scale * features @ self.classes.T  # (…, C)
        if self.understood is not None:
            logits = logits.masked_fill(~self.understood, -torch.inf)
        if self.asked is None or self.negative_features is None:
            return Probabilities(logits, (logits / heat).softmax(dim=-1))
        against = scale * features @ self.negative_features.T  # (…, M)
        strongest, nearest = against.max(dim=-1)
        lead = logits.max(dim=-1).values - strongest
        if self.asked.way is NoneWay.THRESHOLD:
            return Probabilities(logits, (logits / heat).softmax(dim=-1), None, nearest, lead)
        # Only the nearest takes part: however many negatives there are, they dilute no label.
        competing = (torch.cat([logits, strongest[..., None]], dim=-1) / heat).softmax(dim=-1)
        return Probabilities(logits, competing[..., :-1], competing[..., -1], nearest, lead)

    def _scores(self, found: Probabilities, top_k: int | None) -> tuple[Score, ...]:
        best = found.logits.topk(min(top_k or len(self.names), len(self.names))).indices
        probabilities = found.labels[best].tolist()
        if not all(map(math.isfinite, probabilities)):
            raise self._no_number()
        scores = []
        for place, probability in zip(best.tolist(), probabilities, strict=True):
            name = self.names[place]
            kind = LabelKind.BASE if label_key(name) in self.trained else LabelKind.NOVEL
            scores.append(Score(name, probability, kind, self.understood is None or bool(self.understood[place])))
        if found.negative is not None:
            scores.append(Score(NONE_OF_THESE, float(found.negative), LabelKind.NEGATIVE))
            scores.sort(key=lambda score: -score.score)
        return tuple(scores)

    def _no_number(self) -> StudioError:
        who = f"bundle '{self.bundle}'" if self.bundle else f"backbone '{self.model.backbone.name}'"
        told = f"{who} computes no number for a clip: its weights are damaged, or too large for its arithmetic"
        hint = "get a fresh copy, or compute in float32"
        return (BundleError if self.bundle else BackboneError)(told, hint=hint)

    def _timeline(self, found: Probabilities, indices: Sequence[int]) -> tuple[FrameScore, ...]:
        best = found.logits.argmax(dim=-1)
        shares = found.labels.gather(-1, best[:, None])[:, 0].tolist()
        moments = [
            FrameScore(index, self.names[place], probability)
            for index, place, probability in zip(indices, best.tolist(), shares, strict=True)
        ]
        if found.negative is None:
            return tuple(moments)
        return tuple(
            moment if negative <= moment.score else FrameScore(moment.index, NONE_OF_THESE, negative)
            for moment, negative in zip(moments, found.negative.tolist(), strict=True)
        )

    def _verdict(self, found: Probabilities) -> Verdict | None:
        if self.asked is None or found.nearest is None or found.lead is None:
            return None
        reached = float((found.lead / self.model.temperature).sigmoid())
        against = 1 - reached
        if found.negative is not None:
            reached, against = float(found.labels.max()), float(found.negative)
        return Verdict(
            way=self.asked.way,
            threshold=self.asked.least_of(self.threshold),
            reached=reached,
            negative=self.negatives[int(found.nearest)],
            against=against,
            wins=float(found.lead) < 0,
        )


def taking_part(names: Sequence[str], known: Collection[str], device: torch.device) -> Tensor | None:
    """Which of ``names`` (C,) are among the ``known`` ones; None where all are."""
    if all(name in known for name in names):
        return None
    return torch.tensor([name in known for name in names], device=device)


def frame_features(pixels: Tensor, classifiers: Sequence[Classifier]) -> list[Tensor]:
    """Frame features (B, T, D) of ``pixels`` (B, T, 3, S, S) for each classifier; zero-shot CLIP is the first."""
    seen = classifiers[0].model.encode_frames(pixels)
    return [one.model.encode_frames(pixels, seen) if one.looks_for_itself else seen for one in classifiers]
