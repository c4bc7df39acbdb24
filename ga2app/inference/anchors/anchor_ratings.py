"""Pools of clips and lists of texts held against labels: what is irrelevant, what is too close, what to propose.

Nothing here changes a data set or the store. Notation: N clips, C labels, K texts, D embedding width.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import islice

import torch
from torch import Tensor

from ga2app.clip import Backbone
from ga2app.errors import ClipError, DatasetError, LabelError
from ga2app.evaluation import CLIPS_AT_ONCE
from ga2app.inference.anchors.anchor_choice import (
    DIVERSITY,
    TEMPLATE,
    diverse,
    generic_features,
    irrelevance,
    known,
    nearest_label,
    seed_captions,
    seed_negatives,
    unrelated,
)
from ga2app.labels import merge_labels, spoken, tidy
from ga2app.method.prompted_model import PromptedClip, plain_clip
from ga2app.types import (
    AnchorClip,
    ClipRating,
    ClipRatings,
    Progress,
    ProposalKind,
    TextProposal,
    TextRating,
    TextRatings,
)
from ga2app.video.clip_loader import SPARE_THREADS, ClipLoader
from ga2app.video.pixels import evaluation_pixels

NUM_FRAMES = 8
NO_CAPTION = "something else"
"""For a clip without a caption, under a backbone that understands none of the shipped ones."""


@dataclass(frozen=True)
class RatedPool:
    """The ``ratings`` of a pool's clips, in its order, and the ``features`` (N, D) of those that could be read."""

    ratings: ClipRatings
    features: Tensor

    def choose(self, count: int, diversity: float = DIVERSITY) -> ClipRatings:
        """The ``count`` clips that are most irrelevant yet unlike each other, in the order of the choice.

        Raises DatasetError when there are not so many.
        """
        clips = self.ratings.clips
        quality = torch.tensor([rated.irrelevance for rated in clips], dtype=torch.float64)
        chosen = tuple(clips[row] for row in diverse(quality, self.features, count, diversity))
        return ClipRatings(chosen, self.ratings.faults, self.ratings.comparable)


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
        ClipRating(
            clip.path,
            clip.caption or captions[row],
            figures[row],
            names[index[row]],
            round(cosine[row], 6),
            guessed=not clip.caption,
        )
        for row, clip in enumerate(readable)
    ]
    return RatedPool(ClipRatings(tuple(rated), tuple(faults), generic is not None), features)


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


@torch.no_grad()
def rate_texts(backbone: Backbone, texts: Sequence[str], labels: Sequence[str]) -> TextRatings:
    """How close each of ``texts`` comes to ``labels`` in the text space of ``backbone``.

    A text is too close if it contains a label, shares a word that matters with one, or is at least as near to one as
    the labels are to each other (see ``closeness_limit``): then it draws clips away from that label. Raises
    LabelError when there is no label or the backbone knows no word of them.
    """
    names = anchor_labels(backbone, labels)
    if not texts:
        return TextRatings(())
    classes = backbone.text_features([TEMPLATE.format(name) for name in names])
    said = backbone.text_features([TEMPLATE.format(spoken(text)) for text in texts])
    index, cosine = (part.tolist() for part in nearest_label(said, classes))
    limit, apart = closeness_limit(classes), set(unrelated(texts, names))
    rated = []
    for text, row, near in zip(texts, index, cosine, strict=True):
        unknown = tuple(dict.fromkeys(backbone.unknown_words(text)))
        # A text without a known word lies wherever unknown words lie: its cosine says nothing.
        close = text not in apart or (limit is not None and near >= limit and not unknown)
        rated.append(TextRating(text, round(near, 6), names[row], close, unknown))
    return TextRatings(tuple(rated), limit)


def closeness_limit(classes: Tensor) -> float | None:
    """The median cosine of a label to its nearest other label, of label features ``classes`` (C, D); None for one.

    Cosines lie elsewhere in each backbone, so that a fixed bound would mean nothing; how near the labels are to each
    other, and are still to be told apart, is a measure that the backbone itself gives.
    """
    if len(classes) < 2:
        return None
    likeness = classes @ classes.T  # (C, C)
    likeness.fill_diagonal_(-torch.inf)
    return float(likeness.max(dim=1).values.median())


def suggest(backbone: Backbone, labels: Sequence[str], count: int, diversity: float = DIVERSITY) -> list[TextProposal]:
    """``count`` negatives and ``count`` captions from the default prompts, far from ``labels`` and unlike each other.

    Fewer where the seeds do not give as many: a text counts only if the backbone knows its words and it shares none
    that matters with a label. Raises LabelError for labels that cannot be used, DatasetError for a count below 1.
    """
    if count < 1:
        raise DatasetError(f"{count} proposals were asked for; ask for at least 1")
    names = anchor_labels(backbone, labels)
    found: list[TextProposal] = []
    for kind, seeds in ((ProposalKind.NEGATIVE, seed_negatives()), (ProposalKind.CAPTION, seed_captions())):
        texts = known(unrelated(seeds, names), backbone)
        if texts:
            features, rated = _distances(backbone, texts, names, kind)
            distances = torch.tensor([proposal.distance for proposal in rated])
            found += [rated[row] for row in diverse(distances, features, min(count, len(texts)), diversity)]
    return found


def rate_proposals(
    backbone: Backbone, texts: Sequence[str], labels: Sequence[str], kind: ProposalKind
) -> list[TextProposal]:
    """Texts from elsewhere, such as a language model's, the farthest from ``labels`` first, those not known last.

    Those that contain a label or share a word that matters with one are left out.
    """
    names = anchor_labels(backbone, labels)
    kept = unrelated(texts, names)
    understood = known(kept, backbone)
    rated = _distances(backbone, understood, names, kind)[1] if understood else []
    strange = [TextProposal(text, kind, None, None) for text in kept if text not in understood]
    return sorted(rated, key=lambda proposal: -(proposal.distance or 0.0)) + strange


def _distances(
    backbone: Backbone, texts: Sequence[str], names: Sequence[str], kind: ProposalKind
) -> tuple[Tensor, list[TextProposal]]:
    """Features (K, D) of ``texts``, and each as a proposal, in their order."""
    features = backbone.text_features([TEMPLATE.format(text) for text in texts])
    index, cosine = nearest_label(features, backbone.text_features([TEMPLATE.format(spoken(name)) for name in names]))
    return features, [
        TextProposal(text, kind, round(1 - near, 6), names[row])
        for text, row, near in zip(texts, index.tolist(), cosine.tolist(), strict=True)
    ]


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
    loader, how = ClipLoader(), model.backbone.preprocessing
    jobs = (partial(evaluation_pixels, clip.path, num_frames, how, loader) for clip in pool)
    with closing(loader.ahead(jobs, spare=SPARE_THREADS)) as results:
        for first in range(0, len(pool), CLIPS_AT_ONCE):
            pixels = []
            for clip, result in zip(pool[first : first + CLIPS_AT_ONCE], islice(results, CLIPS_AT_ONCE), strict=True):
                if isinstance(result, ClipError):
                    faults.append(str(result))
                else:
                    readable.append(clip)
                    pixels.append(result)
            if pixels:
                features.append(model.encode_clips(torch.stack(pixels)))
            if progress:
                progress(min(first + CLIPS_AT_ONCE, len(pool)), len(pool))
    return readable, torch.cat(features) if features else torch.empty(0), faults
