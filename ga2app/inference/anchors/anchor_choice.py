"""How irrelevant clips are to a set of labels, and which of a pool make good anchors.

Notation: N clips of the pool, C labels, K generic texts, D embedding width. All features have length 1.

An anchor has to have nothing to do with any label. Its highest zero-shot similarity to the labels says how far it
has, yet a bare cosine means something else in each backbone: pictures and texts lie apart in a CLIP, some pictures
are near to every text, and the spread differs. So it is read against the same clip's cosines to generic texts ("an
object", "water", "nothing"), which every clip has and which tell nothing about actions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from ga2app.clip import Backbone
from ga2app.errors import DatasetError
from ga2app.labels import spoken
from ga2app.paths import SEEDS
from ga2app.untrusted import row_dicts

DIVERSITY = 0.5
"""Share of diversity against irrelevance in the choice, unless told otherwise."""

NEGATIVE_FILES = ("negatives.csv", "attributes.csv")
CAPTION_FILE = "anchor_captions.csv"
TEMPLATE = "a video of {}."
"""Wording of a generic text for the text tower: that of the labels without the person."""

MINIMUM = 8
"""Generic texts of which a mean and a spread are worth computing."""

# Words that two texts may share and still have nothing to do with each other.
_SMALL_WORDS = frozenset(
    "a an the of in on at to from for with without and or no not is are it its by over up down into out off this that "
    "some any one someone somebody person people man woman doing video".split()
)


class NearestLabel(NamedTuple):
    """For each clip the number ``label`` (N,) of the one that is most like it, and their ``cosine`` (N,)."""

    label: Tensor
    cosine: Tensor


def nearest_label(features: Tensor, label_features: Tensor) -> NearestLabel:
    """The label most like each clip: ``features`` (N, D) against ``label_features`` (C, D)."""
    cosine, label = (features @ label_features.T).max(dim=1)
    return NearestLabel(label, cosine)


def irrelevance(features: Tensor, label_features: Tensor, generic_features: Tensor | None = None) -> Tensor:
    """Irrelevance (N,) of clips ``features`` (N, D) to the labels (C, D): from 0 to 1, more is a better anchor.

    With ``generic_features`` (K, D), K ≥ 2: the share of generic texts that may be expected to describe the clip better
    than its nearest label does, Φ((m − c) / s) for the highest cosine c to a label and the mean m and standard
    deviation s of the clip's cosines to the generic texts, taken as normally distributed. No offset and no scale of
    a backbone's cosines changes it, so figures of several backbones can be compared; 0.5 is a clip whose nearest
    label fits it as badly as any word. It falls as labels are added, because the nearest of many is nearer.

    Without them: (1 − c) / 2. This ranks the clips of one pool under one backbone and means nothing beside another's.
    """
    cosine = nearest_label(features, label_features).cosine
    if generic_features is None:
        return ((1 - cosine) / 2).clamp(0, 1)
    generic = features @ generic_features.T  # (N, K)
    spread = generic.std(dim=1).clamp_min(torch.finfo(generic.dtype).eps)
    share: Tensor = torch.special.ndtr((generic.mean(dim=1) - cosine) / spread)
    return share


def choose(
    features: Tensor,
    label_features: Tensor,
    count: int,
    diversity: float = DIVERSITY,
    generic_features: Tensor | None = None,
) -> list[int]:
    """Rows of the ``count`` clips of the pool ``features`` (N, D) that are most irrelevant yet unlike each other.

    ``diversity`` weighs the second against the first, see ``diverse``. Raises DatasetError when there are not so many
    clips, ValueError for a diversity that is not a share.
    """
    return diverse(irrelevance(features, label_features, generic_features), features, count, diversity)


def diverse(quality: Tensor, features: Tensor, count: int, diversity: float = DIVERSITY) -> list[int]:
    """Rows of the ``count`` best of N things by ``quality`` (N,) that are unlike each other by ``features`` (N, D).

    Greedy: the best first, then again and again the one with the largest u^(1−δ) · d^δ. u is its quality above that
    of the worst of all; d, between 0 and 1, is the sine of its angle to the nearest that is chosen already (1 beyond
    a right angle); δ is the ``diversity`` between 0 (quality alone) and 1 (difference alone, after the first). With
    δ = 0.5 the order is that of u² (1 − cos²), by which one more thing enlarges the determinant of a
    quality-weighted kernel, its nearest neighbor taken for all that are chosen. In a product neither virtue pays for
    the lack of the other: a copy of a chosen one and the worst of all score 0 and come last. Of equals the better
    comes first, then the earlier. Raises as ``choose`` does.
    """
    if not 1 <= count <= len(features):
        raise DatasetError(f"{count} cannot be chosen from a pool of {len(features)}; ask for 1 to {len(features)}")
    if not 0 <= diversity <= 1:
        raise ValueError(f"diversity is {diversity}; it must lie between 0 and 1")
    # In double precision on the CPU, so that every device chooses the same.
    pool, quality = features.double().cpu(), quality.double().cpu()
    quality = quality - quality.min()
    chosen = [_first_best(quality, quality)]
    likeness = torch.zeros_like(quality)
    while len(chosen) < count:
        likeness = torch.maximum(likeness, pool @ pool[chosen[-1]])
        score = quality ** (1 - diversity) * (1 - likeness**2).clamp_min(0) ** (diversity / 2)
        score[chosen] = -1
        chosen.append(_first_best(score, quality))
    return chosen


def _first_best(score: Tensor, quality: Tensor) -> int:
    """The row with the highest ``score``; of equals the one of highest ``quality``, of these the first."""
    best = (score == score.max()).nonzero().flatten()
    return int(best[(quality[best] == quality[best].max()).nonzero()[0]])


def seed_negatives(folder: Path = SEEDS) -> list[str]:
    """Shipped negative prompts and generic attributes, each once; raises DatasetError when they are not there."""
    return _texts(folder, NEGATIVE_FILES)


def seed_captions(folder: Path = SEEDS) -> list[str]:
    """Shipped captions of clips that make good anchors; raises DatasetError when they are not there."""
    return _texts(folder, (CAPTION_FILE,))


def unrelated(texts: Iterable[str], labels: Sequence[str]) -> list[str]:
    """Those of ``texts`` that contain no label and share no word with any but small ones; "dogs" counts as "dog"."""
    taken = set().union(*map(_words, labels))
    return [
        text
        for text in texts
        if not _words(text) & taken and not any(_spaced(label) in _spaced(text) for label in labels)
    ]


def known(texts: Iterable[str], backbone: Backbone) -> list[str]:
    """Those of ``texts`` whose words the backbone's tokenizer has all seen."""
    return [text for text in texts if not backbone.unknown_words(text)]


def generic_texts(backbone: Backbone, labels: Sequence[str]) -> list[str]:
    """Generic texts that ``backbone`` understands and that share no word with ``labels``."""
    return known(unrelated(seed_negatives(), labels), backbone)


def generic_features(backbone: Backbone, labels: Sequence[str]) -> Tensor | None:
    """Frozen features (K, D) of the generic texts, for ``irrelevance`` and ``choose``.

    None for a backbone that knows fewer than ``MINIMUM`` of them: then the bare cosine has to do.
    """
    texts = generic_texts(backbone, labels)
    if len(texts) < MINIMUM:
        return None
    return backbone.text_features([TEMPLATE.format(text) for text in texts])


def _spaced(text: str) -> str:
    """The words of ``text`` in small letters, a space around each."""
    return f" {' '.join(_split(text))} "


def _split(text: str) -> list[str]:
    return re.findall(r"\w+", spoken(text).lower())


def _words(text: str) -> set[str]:
    words = _split(text)
    return {word.removesuffix("s") for word in words if word not in _SMALL_WORDS}


def _texts(folder: Path, files: Iterable[str]) -> list[str]:
    found: dict[str, None] = {}
    for name in files:
        try:
            with (folder / name).open(encoding="utf-8", newline="") as lines:
                found |= dict.fromkeys(row["text"] for _, row in row_dicts(lines))
        except (OSError, ValueError, KeyError) as exc:
            raise DatasetError(
                f"the default prompts in '{folder / name}' cannot be read ({exc}); start from a checkout of "
                "the project, which has them in prompts_db"
            ) from exc
    return list(found)
