"""Why a clip got its label, by plain CLIP and by a bundle beside it.

Notation: T frames, S side in pixels, C class names, D embedding width.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ga2app.bundles import Bundle
from ga2app.clip import Backbone
from ga2app.config import SKETCH, TEMPLATE
from ga2app.errors import LabelError
from ga2app.inference.explanations.explanation_records import ClipExplanation, FrameShare, ModelExplanation, SaliencyMap
from ga2app.inference.explanations.nearest_anchors import nearest_relatives
from ga2app.inference.explanations.patch_importance import Method, saliency
from ga2app.inference.explanations.score_parts import ScoreKind, best_rival, clip_score, leave_one_out
from ga2app.labels import check_labels, label_key
from ga2app.method.prompted_model import PromptedClip, plain_clip
from ga2app.types import AnchorClip
from ga2app.video import Evaluation, read_clip
from ga2app.video.domain_check import looks_photographic
from ga2app.video.pixels import denormalize, frames_to_pixels
from ga2app.video.preprocessing import Preprocessing

DEFAULT_FRAMES = 8


@dataclass(frozen=True)
class Ways:
    """How to explain: which score, by which method, how fine (None: the method's own), against which relatives.

    ``templates`` are the sentences in which plain CLIP reads the labels.
    """

    score: ScoreKind = ScoreKind.MARGIN
    method: Method = Method.GRADIENT
    cells: int | None = None
    anchors: tuple[AnchorClip, ...] = ()
    negatives: tuple[str, ...] = ()
    templates: tuple[str, ...] = (TEMPLATE,)


def explain_clip(
    backbone: Backbone,
    path: str | os.PathLike[str],
    labels: Sequence[str],
    *,
    bundle: Bundle | None = None,
    label: str | None = None,
    num_frames: int = DEFAULT_FRAMES,
    ways: Ways | None = None,
) -> ClipExplanation:
    """Explain the score of ``label`` among ``labels`` for the clip in ``path``, by plain CLIP and by ``bundle``.

    Without ``label`` it is the best one of the bundle, or of plain CLIP where there is no bundle; both models explain
    the same one. Raises ClipError, LabelError, BundleError, and DatasetError for anchors that cannot be read.
    """
    ways = ways or Ways()
    names, notes = check_labels(labels)
    notes += _unknown_words(backbone, names)
    models = {"plain": plain_clip(backbone, names, templates=ways.templates)}
    if bundle is not None:
        bundle.check_backbone(backbone.identity.to_dict())
        models["bundle"] = PromptedClip(backbone, bundle.learner(), names, bundle.whitening()).eval()
    how = backbone.preprocessing
    clip = read_clip(path, Evaluation(num_frames), short_side_px=how.read_px)
    notes += clip.notes
    if backbone.name == SKETCH and looks_photographic(clip.frames):
        notes.append(
            "this looks like real footage, and the sketch backbone knows drawings only, so its reasons mean little; "
            "choose a real CLIP as backbone"
        )
    pixels = frames_to_pixels(clip.frames, how)  # (T, 3, S, S)
    place = _place(label, names) if label is not None else best_label(list(models.values())[-1], pixels)
    parts = {
        title: explain_pixels(model, pixels, place, ways=ways, indices=clip.indices, num_frames=num_frames)
        for title, model in models.items()
    }
    return ClipExplanation(
        file=os.fspath(path),
        backbone=backbone.name,
        label=names[place],
        kind=ways.score.value,
        pictures=pictures(pixels, how),
        plain=parts["plain"],
        bundle=parts.get("bundle"),
        notes=tuple(notes),
    )


@torch.no_grad()
def best_label(model: PromptedClip, pixels: Tensor) -> int:
    """The place of the label that ``model`` gives the clip ``pixels`` (T, 3, S, S)."""
    return int(model(pixels[None]).logits[0].argmax())


def explain_pixels(
    model: PromptedClip,
    pixels: Tensor,
    label: int,
    *,
    ways: Ways,
    indices: Sequence[int] | None = None,
    num_frames: int = DEFAULT_FRAMES,
) -> ModelExplanation:
    """Explain the score that ``model``, in eval mode, gives its label number ``label`` for ``pixels`` (T, 3, S, S).

    ``indices`` are the frames' numbers in their clip; ``num_frames`` of each anchor clip are looked at.
    """
    with torch.no_grad():
        frames = model.encode_frames(pixels[None])[0]  # (T, D)
        classes = model.encode_labels()  # (C, D)
        clip = model.clip_features(frames)  # (D,)
        logits = model.backbone.scale * classes @ clip  # (C,)
        rival = best_rival(logits, label) if ways.score is ScoreKind.MARGIN else None
        score = clip_score(classes, model.backbone.scale, label, rival, model.whiten_clips)
        lost = leave_one_out(frames, score).tolist()
        alone = score(frames[:, None]).tolist()
        cosine = float(classes[label] @ clip)
        relatives = nearest_relatives(model, clip, cosine, ways.anchors, ways.negatives, num_frames)
    found = saliency(model, pixels, score, ways.method, ways.cells)
    numbers = range(len(pixels)) if indices is None else indices
    return ModelExplanation(
        share=float(logits.softmax(dim=-1)[label]),
        score=float(score(frames)),
        rival=None if rival is None else model.labels[rival],
        frames=tuple(FrameShare(*one) for one in zip(numbers, lost, alone, strict=True)),
        saliency=SaliencyMap(ways.method.value, found.cells.cpu().numpy(), found.places.cpu().numpy()),
        relatives=relatives if ways.anchors or ways.negatives else None,
    )


def pictures(pixels: Tensor, how: Preprocessing) -> NDArray[np.uint8]:
    """Normalized ``pixels`` (T, 3, S, S) as pictures, uint8 (T, S, S, 3)."""
    seen = (denormalize(pixels, how) * 255).round().clamp(0, 255).byte()
    picture: NDArray[np.uint8] = seen.permute(0, 2, 3, 1).cpu().numpy()
    return picture


def _place(label: str, names: Sequence[str]) -> int:
    """The place of ``label`` among ``names``, however it is spelled; raises LabelError."""
    keys = [label_key(name) for name in names]
    if label_key(label) not in keys:
        raise LabelError(
            f"label '{label}' is not among the labels ({', '.join(names[:8])}); add it, or name one of them"
        )
    return keys.index(label_key(label))


def _unknown_words(backbone: Backbone, names: Sequence[str]) -> list[str]:
    """A note on words that the tokenizer never saw; LabelError when no label has a known word."""
    unknown = {name: backbone.unknown_words(name) for name in names}
    if all(len(words) >= len(name.split()) for name, words in unknown.items()):
        raise LabelError(
            f"backbone '{backbone.name}' knows none of the words in these labels ({names[0]}, …); "
            "use other words, or a backbone that knows more"
        )
    words = list(dict.fromkeys(word for some in unknown.values() for word in some))
    return [f"backbone '{backbone.name}' does not know: {', '.join(words[:20])}"] if words else []
