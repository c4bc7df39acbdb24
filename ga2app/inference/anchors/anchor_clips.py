"""Pools of clip files: how irrelevant each is to the labels, and which to take as anchors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ga2app.clip import Backbone
from ga2app.errors import ClipError, DatasetError, LabelError
from ga2app.evaluation import CLIPS_AT_ONCE
from ga2app.inference.anchors.anchor_choice import DIVERSITY, diverse, irrelevance, nearest_label
from ga2app.inference.anchors.candidate_words import TEMPLATE, generic_features, known, seed_captions, unrelated
from ga2app.labels import merge_labels, tidy
from ga2app.method.prompted_model import PromptedClip, plain_clip
from ga2app.types import AnchorClip, Progress
from ga2app.video.pixels import evaluation_pixels

NUM_FRAMES = 8
NO_CAPTION = "something else"
"""For a clip without a caption, under a backbone that understands none of the shipped ones."""


@dataclass(frozen=True)
class RatedClip:
    """A clip of the pool: its ``irrelevance`` from 0 to 1, and the label that is most like it with their cosine.

    ``guessed`` says that the clip had no caption and has got the shipped one that is most like it.
    """

    clip: AnchorClip
    irrelevance: float
    nearest: str
    cosine: float
    guessed: bool = False


@dataclass(frozen=True)
class RatedPool:
    """The clips of a pool that could be read, in its order, their ``features`` (N, D), and what was wrong with others.

    ``comparable`` says whether irrelevance was measured against generic texts, so that another backbone's figures may
    stand beside it.
    """

    clips: tuple[RatedClip, ...]
    features: Tensor
    faults: tuple[str, ...]
    comparable: bool

    def ranked(self) -> list[RatedClip]:
        """All clips, the most irrelevant first."""
        return sorted(self.clips, key=lambda rated: -rated.irrelevance)

    def choose(self, count: int, diversity: float = DIVERSITY) -> list[RatedClip]:
        """The ``count`` clips that are most irrelevant yet unlike each other, in the order of the choice.

        Raises DatasetError when there are not so many.
        """
        quality = torch.tensor([rated.irrelevance for rated in self.clips], dtype=torch.float64)
        return [self.clips[row] for row in diverse(quality, self.features, count, diversity)]


@torch.no_grad()
def rate_clips(
    backbone: Backbone,
    clips: Iterable[AnchorClip],
    labels: Sequence[str],
    num_frames: int = NUM_FRAMES,
    progress: Progress | None = None,
) -> RatedPool:
    """How irrelevant each of ``clips`` is to ``labels`` in the eyes of ``backbone``; a file named twice counts once.

    A clip that cannot be read is left out and told in ``faults``; ``progress`` hears of each batch. Raises
    DatasetError when none is left, LabelError when there is no label or the backbone knows no word of them.
    """
    names = anchor_labels(backbone, labels)
    model = plain_clip(backbone, names)
    pool = list({clip.path: clip for clip in clips}.values())
    readable, features, faults = _encode(model, pool, num_frames, progress)
    if not readable:
        why = f": {faults[0]}" if faults else ""
        raise DatasetError(f"none of the {len(pool)} clips of the pool can be read{why}. Name a pool with clips in it")
    classes, generic = model.encode_labels(), generic_features(backbone, names)
    figures = irrelevance(features, classes, generic).tolist()
    index, cosine = (part.tolist() for part in nearest_label(features, classes))
    captions = _captions(backbone, features, names)
    rated = [
        RatedClip(
            replace(clip, caption=clip.caption or captions[row]),
            figures[row],
            names[index[row]],
            round(cosine[row], 6),
            guessed=not clip.caption,
        )
        for row, clip in enumerate(readable)
    ]
    return RatedPool(tuple(rated), features, tuple(faults), generic is not None)


def anchor_labels(backbone: Backbone, labels: Sequence[str]) -> list[str]:
    """Labels as class names, each once; one is enough. Raises LabelError for none, and for unknown words alone."""
    names = list(merge_labels(map(tidy, labels)).names.values())
    if not names:
        raise LabelError("no labels were given; name the classes that the anchors have to be irrelevant to")
    if all(len(backbone.unknown_words(name)) >= len(name.split()) for name in names):
        raise LabelError(
            f"backbone '{backbone.name}' knows none of the words in these labels ({names[0]}, …); "
            "use other words, or a backbone that knows more"
        )
    return names


def _captions(backbone: Backbone, features: Tensor, labels: Sequence[str]) -> list[str]:
    """For each of ``features`` (N, D) the shipped caption that is most like it."""
    texts = known(unrelated(seed_captions(), labels), backbone)
    if not texts:
        return [NO_CAPTION] * len(features)
    said = backbone.text_features([TEMPLATE.format(text) for text in texts])
    return [texts[row] for row in nearest_label(features, said).label.tolist()]


def _encode(
    model: PromptedClip, pool: Sequence[AnchorClip], num_frames: int, progress: Progress | None
) -> tuple[list[AnchorClip], Tensor, list[str]]:
    """The clips that can be read, their features (N, D), and the faults of the others."""
    readable: list[AnchorClip] = []
    features: list[Tensor] = []
    faults: list[str] = []
    for first in range(0, len(pool), CLIPS_AT_ONCE):
        pixels = []
        for clip in pool[first : first + CLIPS_AT_ONCE]:
            try:
                pixels.append(evaluation_pixels(clip.path, num_frames, model.backbone.preprocessing))
            except ClipError as exc:
                faults.append(str(exc))
            else:
                readable.append(clip)
        if pixels:
            features.append(model.encode_clips(torch.stack(pixels)))
        if progress:
            progress(min(first + CLIPS_AT_ONCE, len(pool)), len(pool))
    return readable, torch.cat(features) if features else torch.empty(0), faults
