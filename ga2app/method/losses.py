"""The loss: cross-entropy on base clips and the anchor terms that brake the narrowing (paper, section 3.3).

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

from ga2app.config import ObjectiveConfig
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


def loss(config: ObjectiveConfig, features: Features, targets: Tensor, scale: float) -> LossParts:
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


def released(cosines: Tensor, a: Tensor, n: Tensor, targets: Tensor, scale: float, alpha: float) -> Tensor:
    """Cross-entropy of τ (v wᵀ + α · a nᵀ), as the published code computes it, with v wᵀ given as ``cosines`` (B, C).

    A is 1, and M is 1 or C.

    With M = 1 the anchor adds one constant to every logit of a row. Softmax does not see it, so **the anchor has
    no gradient**: this mode exists for parity with published runs. A constant per row is taken off before the
    sum, which changes no softmax and makes that zero exact instead of a rounding error.
    """
    if len(a) != 1 or len(n) not in (1, cosines.shape[1]):
        raise TrainingError(
            f"the released anchor term takes 1 anchor clip a step and 1 negative or as many as there are classes; "
            f"it got {len(a)} clips, {len(n)} negatives and {cosines.shape[1]} classes"
        )
    added = a @ n.T  # (1, M)
    added = added - added[:, :1]
    return functional.cross_entropy(scale * (cosines + alpha * added), targets)


def reject(a: Tensor, w: Tensor, n: Tensor, scale: float, margin: float = 0.0) -> Tensor:
    """Each anchor prefers a negative to every base class: softplus of the difference of the log-sums, plus margin."""
    classes = torch.logsumexp(scale * a @ w.T, dim=1)  # (A,)
    negatives = torch.logsumexp(scale * a @ n.T, dim=1)  # (A,)
    return functional.softplus(classes - negatives + margin).mean()


def extra_class(v: Tensor, a: Tensor, w: Tensor, n: Tensor, targets: Tensor, scale: float) -> Tensor:
    """Cross-entropy over C + M names: clips against their class, anchors against the set of negatives."""
    names = torch.cat([w, n])  # (C + M, D)
    of_clips = functional.cross_entropy(scale * v @ names.T, targets, reduction="sum")
    anchor_logs = torch.log_softmax(scale * a @ names.T, dim=1)  # (A, C + M)
    of_anchors = -torch.logsumexp(anchor_logs[:, len(w) :], dim=1).sum()
    return (of_clips + of_anchors) / (len(v) + len(a))


def keep(a: Tensor, a0: Tensor, t0: Tensor, scale: float) -> Tensor:
    """Anchors keep their relations to generic texts, and themselves: KL over K texts plus 1 - cosine."""
    return relate(a, a0, t0, scale) + stay(a, a0)


def relate(v: Tensor, v0: Tensor, t0: Tensor, scale: float) -> Tensor:
    """Clips keep their relations to generic texts: KL over K texts (N rows)."""
    return _kl(scale * v0 @ t0.T, scale * v @ t0.T)


def stay(v: Tensor, v0: Tensor) -> Tensor:
    """Clips stay where the frozen tower puts them: mean of 1 - cosine."""
    return (1 - (v * v0).sum(dim=1)).mean()


def vocabulary(t: Tensor, t0: Tensor) -> Tensor:
    """The prompted text tower stays true to the frozen one on generic texts: mean of 1 - cosine."""
    return stay(t, t0)


def twin(a0: Tensor, w: Tensor, w0: Tensor, scale: float) -> Tensor:
    """Base classes keep their relations as seen by the anchors: KL over the C classes."""
    return _kl(scale * a0 @ w0.T, scale * a0 @ w.T)


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
            return released(cosines, a, n, targets, scale, weight) - plain
        case "reject":
            a, n = need(f.anchors, anchors), need(f.negatives, negatives)
            return weight * reject(a, f.classes, n, scale, margin)
        case "extra_class":
            a, n = need(f.anchors, anchors), need(f.negatives, negatives)
            return weight * extra_class(f.clips, a, f.classes, n, targets, scale)
        case "keep":
            a, a0 = need(f.anchors, anchors), need(f.frozen_anchors, anchors)
            return weight * keep(a, a0, need(f.frozen_generic, generic), scale)
        case "relate":
            v0 = need(f.frozen_clips, "clips")
            return weight * relate(f.clips, v0, need(f.frozen_generic, generic), scale)
        case "stay":
            return weight * stay(f.clips, need(f.frozen_clips, "clips"))
        case "vocabulary":
            return weight * vocabulary(need(f.generic, generic), need(f.frozen_generic, generic))
        case "twin":
            a0, w0 = need(f.frozen_anchors, anchors), need(f.frozen_classes, "base classes")
            return weight * twin(a0, f.classes, w0, scale)
    raise ValueError(f"no anchor term is called '{name}'")
