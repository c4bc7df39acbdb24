"""The losses: cross-entropy on base clips, and the regularizers that hold the prompted CLIP near the frozen one (paper,
section 3.3).

Notation: B clips, A anchor clips, C class names, M negative prompts, K generic texts, D the embedding width,
τ = exp(logit_scale). All features have length 1: ``v`` (B, D) clips, ``w`` (C, D) classes, ``w0`` (C, D) frozen
classes, ``a`` (A, D) anchors through the prompted tower, ``a0`` (A, D) through the frozen one, ``n`` (M, D) frozen
negatives, ``t`` (K, D) prompted and ``t0`` (K, D) frozen generic texts, ``v0`` (B, D) the clips through the frozen
tower.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from ga2app.config import LossConfig
from ga2app.errors import TrainingError


@dataclass(frozen=True)
class Features:
    """What a step has computed. The optional ones are needed by the terms that are switched on."""

    clips: Tensor
    classes: Tensor
    anchors: Tensor | None = None
    frozen_anchors: Tensor | None = None
    negatives: Tensor | None = None
    frozen_classes: Tensor | None = None
    generic: Tensor | None = None
    frozen_generic: Tensor | None = None
    frozen_clips: Tensor | None = None


@dataclass(frozen=True)
class LossParts:
    """``total`` = ``ce`` + ``anchor``; ``terms`` holds each weighted anchor term by name. All scalars."""

    total: Tensor
    ce: Tensor
    anchor: Tensor
    terms: dict[str, Tensor] = field(default_factory=dict)


def loss(config: LossConfig, features: Features, targets: Tensor, scale: float) -> LossParts:
    """Cross-entropy against ``targets`` (B,) and every anchor term whose weight is not 0.

    Raises TrainingError when a term lacks its clips or texts.
    """
    cosines = features.clips @ features.classes.T  # (B, C)
    ce = functional.cross_entropy(scale * cosines, targets)
    terms = {
        name: _term(name, weight, config.margin, features, cosines, targets, scale)
        for name, weight in config.weights().items()
        if weight
    }
    anchor = torch.stack(list(terms.values())).sum() if terms else torch.zeros_like(ce)
    return LossParts(ce + anchor, ce, anchor, terms)


def released_anchor(cosines: Tensor, a: Tensor, n: Tensor, targets: Tensor, scale: float, alpha: float) -> Tensor:
    """Cross-entropy with the anchor in the logits, as the published code computes it (paper, section 3.3).

    With M = 1 the anchor adds one constant to every logit of a row. Softmax does not see it, so **the anchor has
    no gradient**: this loss exists for parity with published runs. A constant per row is taken off before the
    sum, which changes no softmax and makes that zero exact instead of a rounding error.

    Args:
        cosines: clips by classes, v wᵀ: (B, C).
        a: the anchor, (1, D).
        n: the negatives, (M, D), M being 1 or C.
        targets: each clip's class, (B,).
        scale: τ.
        alpha: the anchor's weight in the logits τ (v wᵀ + α · a nᵀ).

    Returns:
        A scalar.

    Raises:
        TrainingError: there is another number of anchors or negatives.
    """
    if len(a) != 1 or len(n) not in (1, cosines.shape[1]):
        raise TrainingError(
            f"the released anchor term takes 1 anchor clip a step and 1 negative or as many as there are classes; "
            f"it got {len(a)} clips, {len(n)} negatives and {cosines.shape[1]} classes"
        )
    added = a @ n.T  # (1, M)
    added = added - added[:, :1]
    return functional.cross_entropy(scale * (cosines + alpha * added), targets)


def anchor_rejection(a: Tensor, w: Tensor, n: Tensor, scale: float, margin: float = 0.0) -> Tensor:
    """Each anchor prefers a negative prompt to every base class: softplus of the difference of the log-sums.

    Args:
        a: anchors through the prompted tower, (A, D).
        w: classes, (C, D).
        n: negatives, (M, D).
        scale: τ.
        margin: by how much the negatives have to win, in logits.

    Returns:
        The mean over the anchors, a scalar.

    Example:
        >>> x, y = torch.eye(2).split(1)
        >>> anchor_rejection(a=y, w=x, n=y, scale=1.0)  # log(1 + exp(0 - 1))
        tensor(0.3133)
    """
    classes = torch.logsumexp(scale * a @ w.T, dim=1)  # (A,)
    negatives = torch.logsumexp(scale * a @ n.T, dim=1)  # (A,)
    return functional.softplus(classes - negatives + margin).mean()


def background_class(v: Tensor, a: Tensor, w: Tensor, n: Tensor, targets: Tensor, scale: float) -> Tensor:
    """Cross-entropy over classes and negatives together: clips are of their class, anchors of any negative.

    Args:
        v: clips, (B, D).
        a: anchors through the prompted tower, (A, D).
        w: classes, (C, D).
        n: negatives, (M, D).
        targets: each clip's class, (B,).
        scale: τ.

    Returns:
        The mean over clips and anchors, a scalar.

    Example:
        >>> x, y = torch.eye(2).split(1)
        >>> background_class(v=x, a=y, w=x, n=y, targets=torch.tensor([0]), scale=1.0)
        tensor(0.3133)
    """
    names = torch.cat([w, n])  # (C + M, D)
    of_clips = functional.cross_entropy(scale * v @ names.T, targets, reduction="sum")
    anchor_logs = torch.log_softmax(scale * a @ names.T, dim=1)  # (A, C + M)
    of_anchors = -torch.logsumexp(anchor_logs[:, len(w) :], dim=1).sum()
    return (of_clips + of_anchors) / (len(v) + len(a))


def anchor_distillation(a: Tensor, a0: Tensor, t0: Tensor, scale: float) -> Tensor:
    """Anchors keep their relations to generic texts, and themselves: relation and feature distillation of anchors.

    Args:
        a: anchors through the prompted tower, (A, D).
        a0: the same through the frozen one, (A, D).
        t0: frozen generic texts, (K, D).
        scale: τ.

    Returns:
        KL over the texts plus 1 - cosine, a scalar.
    """
    return relation_distillation(a, a0, t0, scale) + feature_distillation(a, a0)


def relation_distillation(v: Tensor, v0: Tensor, t0: Tensor, scale: float) -> Tensor:
    """Clips keep their relations to generic texts: KL of the frozen tower's probabilities from the prompted one's.

    Args:
        v: clips through the prompted tower, (B, D).
        v0: the same through the frozen one, (B, D).
        t0: frozen generic texts, (K, D).
        scale: τ.

    Returns:
        The mean over the clips, a scalar.

    Example:
        >>> x, y = torch.eye(2).split(1)
        >>> relation_distillation(v=y, v0=x, t0=torch.eye(2), scale=1.0)  # 2 p - 1 with p = e / (e + 1)
        tensor(0.4621)
    """
    return _kl(scale * v0 @ t0.T, scale * v @ t0.T)


def feature_distillation(v: Tensor, v0: Tensor) -> Tensor:
    """Features stay where the frozen tower puts them.

    Args:
        v: features of the prompted tower, (N, D).
        v0: the same of the frozen one, (N, D).

    Returns:
        The mean of 1 - cosine, a scalar.

    Example:
        >>> feature_distillation(torch.eye(2), torch.eye(2)[:1])
        tensor(0.5000)
    """
    return (1 - (v * v0).sum(dim=1)).mean()


def text_distillation(t: Tensor, t0: Tensor) -> Tensor:
    """The prompted text tower stays true to the frozen one: feature distillation of generic texts t, t0 (K, D)."""
    return feature_distillation(t, t0)


def class_relation_distillation(a0: Tensor, w: Tensor, w0: Tensor, scale: float) -> Tensor:
    """Base classes keep their relations as the anchors see them.

    Args:
        a0: anchors through the frozen tower, (A, D).
        w: classes, (C, D).
        w0: frozen classes, (C, D).
        scale: τ.

    Returns:
        KL over the classes, the mean over the anchors, a scalar.
    """
    return _kl(scale * a0 @ w0.T, scale * a0 @ w.T)


# The names of earlier versions.
released, reject, extra_class = released_anchor, anchor_rejection, background_class
keep, relate, stay = anchor_distillation, relation_distillation, feature_distillation
vocabulary, twin = text_distillation, class_relation_distillation


def _kl(frozen_logits: Tensor, logits: Tensor) -> Tensor:
    """KL(softmax(frozen) ‖ softmax(learned)), averaged over the rows."""
    return functional.kl_div(
        torch.log_softmax(logits, dim=1),
        torch.log_softmax(frozen_logits, dim=1),
        log_target=True,
        reduction="batchmean",
    )


def _term(
    name: str, weight: float, margin: float, f: Features, cosines: Tensor, targets: Tensor, scale: float
) -> Tensor:
    """The weighted term called ``name``."""

    def need(value: Tensor | None, what: str) -> Tensor:
        if value is None or not len(value):
            raise TrainingError(
                f"the anchor term '{name}' needs {what} and the data set has none; add some, or set its weight to 0"
            )
        return value

    anchors, negatives, generic = (
        "anchor clips",
        "negative prompts",
        "generic texts (negative prompts or anchor captions)",
    )
    match name:
        case "released":
            a, n = need(f.anchors, anchors), need(f.negatives, negatives)
            plain = functional.cross_entropy(scale * cosines, targets)
            return released_anchor(cosines, a, n, targets, scale, weight) - plain
        case "reject":
            a, n = need(f.anchors, anchors), need(f.negatives, negatives)
            return weight * anchor_rejection(a, f.classes, n, scale, margin)
        case "extra_class":
            a, n = need(f.anchors, anchors), need(f.negatives, negatives)
            return weight * background_class(f.clips, a, f.classes, n, targets, scale)
        case "keep":
            a, a0 = need(f.anchors, anchors), need(f.frozen_anchors, anchors)
            return weight * anchor_distillation(a, a0, need(f.frozen_generic, generic), scale)
        case "relate":
            v0 = need(f.frozen_clips, "clips")
            return weight * relation_distillation(f.clips, v0, need(f.frozen_generic, generic), scale)
        case "stay":
            return weight * feature_distillation(f.clips, need(f.frozen_clips, "clips"))
        case "vocabulary":
            return weight * text_distillation(need(f.generic, generic), need(f.frozen_generic, generic))
        case "twin":
            a0, w0 = need(f.frozen_anchors, anchors), need(f.frozen_classes, "base classes")
            return weight * class_relation_distillation(a0, f.classes, w0, scale)
    raise ValueError(f"no anchor term is called '{name}'")
