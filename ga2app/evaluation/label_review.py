"""Which clips of a data set a person should look at first, from stored features: all in time linear in their number,
but for near-copies, which compares each clip with each.

Notation: N clips, C labels, D embedding width, T pictures of a clip with P gray levels each.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from ga2app.types import Progress
from ga2app.types.dataset_types import Order

FOLDS = 5
SHRINKAGE = 0.2
"""Share of a sphere in the covariance of ``discriminant``: few clips say little about 512 directions."""
MOST_ASKED = 0.7
"""The largest threshold of a label in ``suspected_labels``."""
NEAR_COSINE = 0.9
NEAR_LEVELS = 3.0
"""Near-copies: at least this cosine, and at most so many of 256 gray levels apart in the pictures that fit best."""
_ROWS = 1024
_MOST_NEIGHBORS = 64
_COARSE, _ROUNDING = 16, 1e-3
_TINY = 1e-12


def uncertainty(probabilities: Tensor) -> Tensor:
    """Entropy (N,) of ``probabilities`` (N, C) as a share of the most there can be, 0: certain, 1: no idea."""
    return _entropy(probabilities) / math.log(probabilities.shape[1])


def margins(probabilities: Tensor) -> Tensor:
    """How far (N,) the best label is ahead of the second, from 0 to 1 (Settles, 2009, section 3.1)."""
    best, second = probabilities.topk(2, dim=1).values.unbind(dim=1)
    return best - second


def disagreement(one: Tensor, other: Tensor) -> Tensor:
    """Jensen-Shannon divergence (N,) of two classifiers' probabilities (N, C), in bits: 0 alike, 1 nothing shared."""
    more = _entropy((one + other) / 2) - (_entropy(one) + _entropy(other)) / 2
    return (more / math.log(2)).clamp(0, 1)


def _entropy(probabilities: Tensor) -> Tensor:
    found: Tensor = torch.special.entr(probabilities).sum(dim=1)
    return found


class Ranking(NamedTuple):
    """Rows in their order, and for every row a score, a reason in words, and the label that it is suspected to have."""

    rows: list[int]
    scores: list[float]
    whys: list[str]
    suspected: dict[int, str]


def ranking(
    order: Order,
    judged: Sequence[Tensor],
    names: Sequence[str],
    targets: Tensor,
    features: Tensor,
    content: Sequence[Hashable],
) -> Ranking:
    """Clips by ``order``, the one to look at first before all others; of suspected labels those that are suspected.

    ``judged`` are the probabilities (N, C) of zero-shot CLIP and, as the last, of the bundle, if there is one; the
    others are what ``suspected_labels`` takes.
    """
    zero_shot, judge = judged[0], judged[-1]
    scores = torch.zeros(len(targets))
    whys = [""] * len(targets)
    if order is Order.UNCERTAIN:
        scores = uncertainty(judge)
        whys = [f"{value:.0%} of the largest entropy" for value in scores.tolist()]
    elif order is Order.MARGIN:
        scores = 1 - margins(judge)
        whys = [f"the best label is {1 - value:.1%} ahead of the second" for value in scores.tolist()]
    elif order is Order.DISAGREE:
        said, other = judge.argmax(dim=1), zero_shot.argmax(dim=1)
        scores = disagreement(zero_shot, judge) + (said != other)
        pairs = zip(said.tolist(), other.tolist(), strict=True)
        whys = [f"bundle: {names[a]}, zero-shot CLIP: {names[b]}" if a != b else "both agree" for a, b in pairs]
    elif order is Order.LABEL:
        own = judge.gather(1, targets[:, None])[:, 0]
        scores = 1 - own
        whys = [f"its own label has {value:.1%}" for value in own.tolist()]
    elif order is Order.SUSPECTED:
        found = suspected_labels(features, zero_shot, targets, content)
        rows = found.rows.tolist()
        whys = [f"its own label has {value:.1%} as the other clips have it" for value in found.own.tolist()]
        return Ranking(rows, (1 - found.own).tolist(), whys, {row: names[int(found.likely[row])] for row in rows})
    return Ranking(scores.argsort(descending=True, stable=True).tolist(), scores.tolist(), whys, {})


class Suspects(NamedTuple):
    """Clips whose label is suspected: ``rows``, the most suspicious first, and for all clips ``likely`` (N,), the label
    that fits best, ``own`` (N,), how probable their own label is out of sample, and ``judged`` (N,)."""

    rows: Tensor
    likely: Tensor
    own: Tensor
    judged: Tensor


def suspected_labels(features: Tensor, zero_shot: Tensor, targets: Tensor, content: Sequence[Hashable]) -> Suspects:
    """Clips that are probably under a wrong label: confident learning (Northcutt and others, JAIR 2021, section 3.1).

    1. The probability of each label is estimated out of sample: a linear discriminant is fitted to the frozen features
       of four fifths of the clips and asked about the rest; ``content`` keeps copies on one side. Its logits and the
       logarithms of the zero-shot probabilities are added with two weights, those of the least cross-entropy.
    2. The threshold of a label is the mean probability that the clips under it have for it, but 0.7 at most: where
       labels are told apart easily that mean is almost 1, and would let a clip pass that has 0.98 for another label.
    3. A clip counts for the most probable of the labels whose thresholds it reaches. It is suspected where that is not
       its own. Those with the least p(own) - p(that one) come first.

    A label that has but one content is not judged. Linear in N.

    Args:
        features: clip features (N, D) of the frozen CLIP, of length 1.
        zero_shot: its probabilities (N, C) for the labels.
        targets: the labels (N,) that the clips are under.
        content: what tells clips of the same content, such as their digests.
    """
    classes = zero_shot.shape[1]
    folds = _folds(targets.tolist(), content)
    judged = folds >= 0
    logits = torch.full((len(targets), classes), -torch.inf)
    for fold in range(FOLDS):
        held = folds == fold
        if held.any():
            logits[held] = discriminant(features[~held], targets[~held], classes, features[held])
    probabilities = _stacked(logits, zero_shot.clamp(min=1e-6).log(), targets, judged)
    own = probabilities.gather(1, targets[:, None])[:, 0]
    sums = torch.zeros(classes).index_add_(0, targets[judged], own[judged])
    counts = torch.bincount(targets[judged], minlength=classes)
    thresholds = torch.where(counts > 0, (sums / counts.clamp(min=1)).clamp(max=MOST_ASKED), torch.inf)
    reached = torch.where(probabilities >= thresholds, probabilities, -1.0)
    best, likely = reached.max(dim=1)
    suspected = judged & (best >= 0) & (likely != targets)
    rows = suspected.nonzero()[:, 0]
    order = (own[rows] - best[rows]).argsort(stable=True)
    return Suspects(rows[order], torch.where(best >= 0, likely, targets), own, judged)


def discriminant(features: Tensor, targets: Tensor, classes: int, clips: Tensor) -> Tensor:
    """Logits (M, C) of ``clips`` (M, D): linear discriminant analysis of ``features`` (N, D), all labels alike likely.

    The covariance within labels is mixed with a sphere. A label without a clip has a logit of minus infinity.
    """
    features, clips = features.double(), clips.double()
    counts = torch.bincount(targets, minlength=classes)
    sums = features.new_zeros(classes, features.shape[1]).index_add_(0, targets, features)
    means = sums / counts.clamp(min=1)[:, None]
    within = features - means[targets]
    covariance = within.T @ within / max(len(features) - int((counts > 0).sum()), 1)
    spread = covariance.trace().clamp(min=_TINY) / len(covariance)
    mixed = torch.lerp(covariance, torch.eye(len(covariance), dtype=covariance.dtype) * spread, SHRINKAGE)
    weights = torch.linalg.solve(mixed, means.T)  # (D, C)
    logits: Tensor = clips @ weights - (means * weights.T).sum(dim=1) / 2
    return logits.masked_fill(counts == 0, -torch.inf).float()


def _stacked(logits: Tensor, zero_shot: Tensor, targets: Tensor, judged: Tensor) -> Tensor:
    """Probabilities (N, C) from a x ``logits`` + b x ``zero_shot``, with the a and b of the least cross-entropy."""
    known = torch.where(torch.isfinite(logits), logits, logits[torch.isfinite(logits)].min().nan_to_num(0.0))
    scale = torch.tensor([-3.0, -1.0], requires_grad=True)  # logarithms, so that no weight is negative
    steps = torch.optim.LBFGS([scale], max_iter=50, line_search_fn="strong_wolfe")

    def mixed(rows: Tensor) -> Tensor:
        return scale[0].exp() * known[rows] + scale[1].exp() * zero_shot[rows]

    def loss() -> Tensor:
        steps.zero_grad()
        value = functional.cross_entropy(mixed(judged), targets[judged])
        value.backward()  # type: ignore[no-untyped-call]
        return value

    if judged.any():
        steps.step(loss)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        return mixed(torch.ones_like(judged)).softmax(dim=1)


def _folds(targets: Sequence[int], content: Sequence[Hashable]) -> Tensor:
    """In which fold each clip is held out (N,): those of a label are dealt in turn, clips of one content together.

    -1 for the clips of a label that has no second content.
    """
    dealt: dict[int, int] = {}
    fold_of: dict[Hashable, int] = {}
    for target, one in zip(targets, content, strict=True):
        if one not in fold_of:
            fold_of[one] = dealt.get(target, 0) % FOLDS
            dealt[target] = dealt.get(target, 0) + 1
    sides: dict[int, set[int]] = {}
    for target, one in zip(targets, content, strict=True):
        sides.setdefault(target, set()).add(fold_of[one])
    told = [fold_of[one] if len(sides[t]) > 1 else -1 for t, one in zip(targets, content, strict=True)]
    return torch.tensor(told, dtype=torch.long)


class NearCopies(NamedTuple):
    """Pairs of rows (K, 2), the most alike first, with their cosines (K,) and how far apart their pictures are (K,)."""

    pairs: Tensor
    cosines: Tensor
    levels: Tensor


def near_copies(
    features: Tensor,
    pictures: Tensor,
    cosine: float = NEAR_COSINE,
    levels: float = NEAR_LEVELS,
    progress: Progress = lambda done, total: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> NearCopies:
    """Pairs of clips that show the same footage: features (N, D) of length 1 with at least that ``cosine``, and
    ``pictures`` (N, T, P) at most ``levels`` of 256 apart on the average.

    For each picture of one clip the picture of the other counts that fits best, and of these the median: a clip that
    was cut, scaled, brightened or encoded anew is found, and a stretch that overlaps by half or more. Each clip is
    compared with each, 1,024 at a time: N² · D products, and of one clip its 64 nearest neighbors at most. Pictures
    are compared coarsely before they are compared whole.
    """
    found: list[tuple[Tensor, Tensor, Tensor]] = []
    coarse = torch.cat([_coarse(part) for part in torch.split(pictures, _ROWS)])
    for first in range(0, len(features), _ROWS):
        if should_stop():
            break
        rows = features[first : first + _ROWS]
        cosines = rows @ features[first:].T
        cosines[:, : len(rows)] += torch.full((len(rows), len(rows)), -torch.inf).tril()  # each pair once
        likely = (cosines.amax(dim=1) >= cosine).nonzero()[:, 0]
        best = cosines[likely].topk(min(_MOST_NEIGHBORS, cosines.shape[1]), dim=1)
        row, place = (best.values >= cosine).nonzero(as_tuple=True)
        pairs = torch.stack([likely[row] + first, best.indices[row, place] + first], dim=1)
        for some, near in zip(torch.split(pairs, _ROWS), torch.split(best.values[row, place], _ROWS), strict=True):
            close = _apart(*coarse[some.T]) <= levels + _ROUNDING
            some, near = some[close], near[close]
            apart = _apart(*map(_even, pictures[some.T]))
            close = apart <= levels
            found.append((some[close], near[close], apart[close]))
        progress(min(first + _ROWS, len(features)), len(features))
    if not found:
        return NearCopies(torch.empty(0, 2, dtype=torch.long), torch.empty(0), torch.empty(0))
    pairs, cosines, levels_apart = (torch.cat(parts) for parts in zip(*found, strict=True))
    order = levels_apart.argsort(stable=True)
    return NearCopies(pairs[order], cosines[order], levels_apart[order])


def _even(pictures: Tensor) -> Tensor:
    """``pictures`` (N, T, P) whatever their brightness: each has a mean of 0."""
    levels = pictures.float()
    return levels - levels.mean(dim=-1, keepdim=True)


def _coarse(pictures: Tensor) -> Tensor:
    """``pictures`` (N, T, P), even, with one level (N, T, P / 16) for 16: they are no farther apart than whole ones."""
    return functional.avg_pool1d(_even(pictures), _COARSE)


def _apart(one: Tensor, other: Tensor) -> Tensor:
    """How many gray levels (K,) the even pictures (K, T, P) of pairs of clips are apart."""
    distances = torch.cdist(one, other, p=1) / one.shape[-1]  # (K, T, T)
    both = torch.cat([distances.min(dim=2).values, distances.min(dim=1).values], dim=1)
    return both.median(dim=1).values


def nearest(features: Tensor, wanted: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Rows and cosines of the ``count`` clips of ``features`` (N, D) nearest to ``wanted`` (D,), the nearest first."""
    best = (features @ functional.normalize(wanted, dim=-1)).topk(min(count, len(features)))
    return best.indices, best.values
