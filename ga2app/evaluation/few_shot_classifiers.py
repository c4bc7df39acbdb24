"""Few-shot classifiers on features of the frozen CLIP, each fitted on training clips in seconds.

Nearest class mean, k nearest neighbors, linear probe, and Tip-Adapter with its tuned form (Zhang and others, 2022),
whose rules and numbers are those of the published code, but for two: the last epoch counts instead of the one that
does best on the test clips, and the keys are of single views, since these are the features that are stored.

torch's own L-BFGS fits the probe: scikit-learn finds the same weights, and would bring 200 MB with scipy.

Notation: N training clips, M clips, C labels with training clips, K names that compete, D embedding width.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor
from torch.nn import functional

from ga2app.config import WhiteningConfig
from ga2app.labels import label_key
from ga2app.method.whitening import estimate

PARTS = 4
"""Each quarter of the training clips is held out once."""
PROBE_STRENGTHS = (0.1, 1.0, 10.0, 100.0, 1000.0)
NEIGHBORS = (1, 3, 5, 9, 17, 33)
_SCALE = tuple(0.1 * 500 ** (place / 19) for place in range(20))
TIP_SEARCH = tuple((beta, alpha) for beta in _SCALE for alpha in _SCALE)
"""β and α, each of 20 from 0.1 to 50: the ranges of the published code for all of its data sets together."""
TIP_START = (1.0, 1.17)
"""β and α while keys are tuned, and where there is nothing to choose them on, as in the published code for ImageNet."""
TIP_EPOCHS, TIP_BATCH, TIP_RATE = 20, 256, 1e-3
_ROWS = 1024
_HAIR = 1e-9

T = TypeVar("T")

Logits = Callable[[Tensor, Sequence[str]], Tensor | None]
"""From clips (M, D) and K names to logits (M, K); None where a name has no training clips and needs some."""


class Slice(NamedTuple):
    """Features and classes of clips to fit on, and of those held out."""

    features: Tensor
    targets: Tensor
    held: Tensor
    answers: Tensor


class Known(NamedTuple):
    """What a baseline is fitted on: features (N, D) and classes (N,) as places in ``labels``.

    ``quarters`` (N,) says in which of the quarters a clip is held out; -1 for the only clip of a label.
    """

    features: Tensor
    targets: Tensor
    labels: tuple[str, ...]
    quarters: Tensor
    texts: Callable[[Sequence[str]], Tensor]
    scale: float
    anchors: Tensor
    whitening: WhiteningConfig

    def slices(self) -> Iterator[Slice]:
        """The clips without one quarter, and that quarter; nothing where no label has two clips."""
        for quarter in range(int(self.quarters.max()) + 1):
            held = self.quarters == quarter
            fit = (self.features[~held], self.targets[~held])
            yield Slice(*fit, self.features[held], self.targets[held])

    def by_class(self, score: Callable[[Tensor], Tensor]) -> Logits:
        """The classifier whose ``score`` gives logits (M, C) of the labels that have training clips."""

        def logits(clips: Tensor, names: Sequence[str]) -> Tensor | None:
            places = places_of(self.labels, names)
            return None if None in places else score(clips)[:, [place for place in places if place is not None]]

        return logits


class Fitted(NamedTuple):
    """A classifier, and what was chosen for it, in words."""

    logits: Logits
    chosen: str


def quarters_of(targets: Tensor) -> Tensor:
    """In which quarter each clip is: those of a label are dealt in turn; -1 for the only clip of a label."""
    same = targets[:, None] == targets
    return torch.where(same.sum(dim=1) > 1, torch.tril(same, diagonal=-1).sum(dim=1) % PARTS, -1)


def places_of(labels: Sequence[str], names: Sequence[str]) -> list[int | None]:
    """Where each of ``names`` stands among ``labels``, in whatever spelling."""
    known = {label_key(label): place for place, label in enumerate(labels)}
    return [known.get(label_key(name)) for name in names]


def _one_hot(targets: Tensor, known: Known) -> Tensor:
    return functional.one_hot(targets, len(known.labels)).float()


def _chosen(known: Known, choices: Sequence[T], scores: Callable[[Slice], Iterable[Tensor]]) -> T | None:
    """Which of ``choices`` does best on the quarters held out, of equal ones that with the lower cross-entropy.

    ``scores`` gives logits (M, C) of the held-out clips for each choice. None where nothing can be held out.
    """
    right, loss = torch.zeros(len(choices)), torch.zeros(len(choices))
    for part in known.slices():
        for place, logits in enumerate(scores(part)):
            right[place] += (logits.argmax(dim=1) == part.answers).sum()
            loss[place] += functional.cross_entropy(logits, part.answers, reduction="sum")
    if not loss.any():
        return None
    return choices[min(range(len(choices)), key=lambda place: (-right[place], loss[place]))]


UNCHOSEN = " (not chosen: no label has two training clips, of which one could be held out)"


def _class_mean(known: Known) -> Fitted:
    sums = _one_hot(known.targets, known).T @ known.features  # (C, D)
    means = functional.normalize(sums, dim=-1)
    return Fitted(known.by_class(lambda clips: known.scale * clips @ means.T), "")


def _whitened(known: Known) -> Fitted:
    whitening = estimate(known.whitening, known.features, known.targets, known.anchors)

    def logits(clips: Tensor, names: Sequence[str]) -> Tensor:
        return known.scale * whitening.clips(clips) @ whitening.texts(known.texts(names)).T

    return Fitted(logits, "")


def neighbor_votes(clips: Tensor, keys: Tensor, targets: Tensor, classes: int, count: int) -> Tensor:
    """Log shares (M, C) of the votes of the ``count`` nearest of ``keys`` (N, D), each 1 / distance.

    All that are as near as the last of them vote, too, so that the order of the keys decides nothing; between labels
    of equal votes, none included, the nearest clip does. In double, where equal clips are at a distance of 0.
    """
    values = functional.one_hot(targets, classes).double()
    votes = []
    for part in torch.split(clips.double(), _ROWS):
        distances = (2 - 2 * part @ keys.double().T).clamp(min=0).sqrt()  # (M, N)
        last = distances.kthvalue(min(count, len(keys)), dim=1, keepdim=True).values
        weights = torch.where(distances <= last + _HAIR, 1 / distances.clamp(min=1e-6), 0.0)
        shares = weights @ values / weights.sum(dim=1, keepdim=True)
        index = targets.expand(len(part), -1)
        nearest = torch.full_like(shares, 2.0).scatter_reduce(1, index, distances, "amin")
        votes.append((shares + _HAIR * (3 - nearest)).log())
    return torch.cat(votes)


def _knn(known: Known) -> Fitted:
    classes = len(known.labels)
    counts = [count for count in NEIGHBORS if count <= len(known.targets)]

    def scores(part: Slice) -> Iterator[Tensor]:
        for count in counts:
            yield neighbor_votes(part.held, part.features, part.targets, classes, count)

    best = _chosen(known, counts, scores)
    count = best or 1

    def score(clips: Tensor) -> Tensor:
        return neighbor_votes(clips, known.features, known.targets, classes, count)

    return Fitted(known.by_class(score), f"k = {count}{'' if best else UNCHOSEN}")


def probe(features: Tensor, targets: Tensor, classes: int, strength: float, start: Tensor | None = None) -> Tensor:
    """Weights (D + 1, C), the intercept last, of the linear probe: least ½ |W|² + ``strength`` · Σ cross-entropy.

    The intercept is not shrunk, as in scikit-learn. ``start`` are the weights to begin from.
    """
    inputs = torch.cat([features, features.new_ones(len(features), 1)], dim=1)
    weights = features.new_zeros(inputs.shape[1], classes) if start is None else start.clone()
    weights.requires_grad_()
    steps = torch.optim.LBFGS(
        [weights], max_iter=200, tolerance_grad=1e-5, tolerance_change=1e-9, line_search_fn="strong_wolfe"
    )
    shrink = 1 / (2 * strength * len(targets))

    def loss() -> Tensor:
        steps.zero_grad()
        value = functional.cross_entropy(inputs @ weights, targets) + shrink * weights[:-1].square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    steps.step(loss)  # type: ignore[no-untyped-call]
    return weights.detach()


def _linear_probe(known: Known) -> Fitted:
    classes = len(known.labels)

    def scores(part: Slice) -> Iterator[Tensor]:
        weights = None
        for strength in PROBE_STRENGTHS:
            weights = probe(part.features, part.targets, classes, strength, weights)
            yield part.held @ weights[:-1] + weights[-1]

    best = _chosen(known, PROBE_STRENGTHS, scores)
    strength = best or 1.0
    weights = probe(known.features, known.targets, classes, strength)
    chosen = f"C = {strength:g}{'' if best else UNCHOSEN}"
    return Fitted(known.by_class(lambda clips: clips @ weights[:-1] + weights[-1]), chosen)


def cache_logits(cosines: Tensor, values: Tensor, beta: float) -> Tensor:
    """Tip-Adapter's cache (M, C): exp(-β (1 - cosine)) of ``cosines`` (M, N), summed by label, ``values`` (N, C)."""
    return (beta * (cosines - 1)).exp() @ values


def _tip(known: Known, keys: Tensor, keys_of: Callable[[Tensor, Tensor], Tensor]) -> Fitted:
    """The classifier of a cache with ``keys``; ``keys_of`` makes those of a part of the clips, to choose α and β by.

    Names without training clips have the zero-shot part alone.
    """

    def scores(part: Slice) -> Iterator[Tensor]:
        cosines, values = part.held @ keys_of(part.features, part.targets).T, _one_hot(part.targets, known)
        text = known.scale * part.held @ known.texts(known.labels).T
        cache, before = text, 0.0
        for beta, alpha in TIP_SEARCH:
            if beta != before:
                cache, before = cache_logits(cosines, values, beta), beta
            yield text + alpha * cache

    best = _chosen(known, TIP_SEARCH, scores)
    beta, alpha = best or TIP_START

    def logits(clips: Tensor, names: Sequence[str]) -> Tensor:
        found = known.scale * clips @ known.texts(names).T
        cache = cache_logits(clips @ keys.T, _one_hot(known.targets, known), beta)
        for column, place in enumerate(places_of(known.labels, names)):
            if place is not None:
                found[:, column] += alpha * cache[:, place]
        return found

    return Fitted(logits, f"α = {alpha:.2f}, β = {beta:.2f}{'' if best else UNCHOSEN}")


def _tip_adapter(known: Known) -> Fitted:
    return _tip(known, known.features, lambda features, targets: features)


def tuned_keys(known: Known, features: Tensor, targets: Tensor) -> Tensor:
    """Tip-Adapter-F's keys (N, D): those of the cache, tuned at the first β and α on the clips that they are of."""
    beta, alpha = TIP_START
    keys = features.clone().requires_grad_()
    adam = torch.optim.AdamW([keys], lr=TIP_RATE, eps=1e-4)
    batches = -(-len(targets) // TIP_BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, TIP_EPOCHS * batches)
    drawn = torch.Generator().manual_seed(0)
    text, values = known.scale * features @ known.texts(known.labels).T, _one_hot(targets, known)
    for _ in range(TIP_EPOCHS):
        for rows in torch.split(torch.randperm(len(targets), generator=drawn), TIP_BATCH):
            cache = cache_logits(features[rows] @ keys.T, values, beta)
            adam.zero_grad()
            functional.cross_entropy(text[rows] + alpha * cache, targets[rows]).backward()  # type: ignore[no-untyped-call]
            adam.step()
            schedule.step()
    return keys.detach()


def _tip_adapter_f(known: Known) -> Fitted:
    keys = tuned_keys(known, known.features, known.targets)
    return _tip(known, keys, lambda features, targets: tuned_keys(known, features, targets))


FITS: dict[str, Callable[[Known], Fitted]] = {
    "whitened": _whitened,
    "class-mean": _class_mean,
    "knn": _knn,
    "linear-probe": _linear_probe,
    "tip-adapter": _tip_adapter,
    "tip-adapter-f": _tip_adapter_f,
}
