"""Why a clip got its label: frames, patches, and the nearest anchors, with a picture.

Notation: T frames, S side in pixels, C class names, D embedding width, A anchor clips, M negative prompts, G cells a
side. All features have length 1.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ga2app.bundles import Bundle
from ga2app.clip import Backbone
from ga2app.clip.turns import turn_set_aside
from ga2app.config import SKETCH, TEMPLATE
from ga2app.errors import LabelError
from ga2app.evaluation import encode_clips
from ga2app.inference.explanations.clip_importance import (
    Method,
    ScoreKind,
    best_rival,
    clip_score,
    leave_one_out,
    saliency,
)
from ga2app.inference.explanations.explanation_records import (
    ClipExplanation,
    FrameShare,
    ModelExplanation,
    Relative,
    Relatives,
    SaliencyMap,
)
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

    ``templates`` are the sentences in which zero-shot CLIP reads the labels, ``descriptions`` those that were averaged
    with labels and negatives.
    """

    score: ScoreKind = ScoreKind.MARGIN
    method: Method = Method.GRADIENT
    cells: int | None = None
    anchors: tuple[AnchorClip, ...] = ()
    negatives: tuple[str, ...] = ()
    templates: tuple[str, ...] = (TEMPLATE,)
    descriptions: Mapping[str, Sequence[str]] = field(default_factory=dict)


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
    """Explain the score of ``label`` among ``labels`` for the clip in ``path``, by zero-shot CLIP and by ``bundle``.

    Without ``label`` it is the best one of the bundle, or of zero-shot CLIP where there is no bundle; both models
    explain the same one. Raises ClipError, LabelError, BundleError, and DatasetError for anchors that cannot be read.
    """
    ways = ways or Ways()
    names, notes = check_labels(labels)
    notes += _unknown_words(backbone, names)
    models = {"plain": plain_clip(backbone, names, templates=ways.templates, descriptions=ways.descriptions)}
    if bundle is not None:
        bundle.check_backbone(backbone.identity.to_dict())
        learned = PromptedClip(backbone, bundle.learner(), names, bundle.whitening(), descriptions=ways.descriptions)
        models["bundle"] = learned.eval()
    how = backbone.preprocessing
    with turn_set_aside():
        clip = read_clip(path, Evaluation(num_frames), short_side_px=how.read_px)
    notes += clip.notes
    if backbone.name == SKETCH and looks_photographic(clip.frames):
        notes.append(
            "this looks like real footage, and the sketch backbone knows drawings only, so its reasons mean little; "
            "choose a real CLIP as backbone"
        )
    pixels = frames_to_pixels(clip.frames, how)  # (T, 3, S, S)
    with torch.no_grad():
        best = [*models.values()][-1](pixels[None]).logits[0].argmax() if label is None else 0
    place = int(best) if label is None else _place(label, names)
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
        score = clip_score(classes, model.backbone.scale, label, rival, model.of_moments)
        lost = leave_one_out(frames, score).tolist()
        alone = score(frames[:, None]).tolist()
        cosine = float(classes[label] @ clip)
        relatives = nearest_relatives(model, clip, cosine, ways.anchors, ways.negatives, num_frames)
    found = saliency(model, pixels, score, ways.method, ways.cells)
    numbers = range(len(pixels)) if indices is None else indices
    return ModelExplanation(
        share=float((logits / model.temperature).softmax(dim=-1)[label]),
        score=float(score(frames)),
        rival=None if rival is None else model.labels[rival],
        frames=tuple(FrameShare(*one) for one in zip(numbers, lost, alone, strict=True)),
        saliency=SaliencyMap(ways.method.value, found.cells.cpu().numpy(), found.places.cpu().numpy()),
        relatives=relatives if ways.anchors or ways.negatives else None,
        ordered=model.prompts.config.ordered,
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


NEAREST = 3


@torch.no_grad()
def nearest_relatives(
    model: PromptedClip,
    clip: Tensor,
    label_cosine: float,
    anchors: Sequence[AnchorClip],
    negatives: Sequence[str],
    num_frames: int,
    count: int = NEAREST,
) -> Relatives:
    """The ``count`` of ``anchors`` and of ``negatives`` nearest to ``clip`` (D,), all as ``model`` sees them.

    A bundle's model sees anchors through its prompted vision tower and reads negatives behind its own context, as it
    would read them were they labels: so they can be compared with the label. Raises DatasetError for anchor clips that
    cannot be read.
    """
    clips, texts = [], []
    if anchors:
        features = encode_clips(model, [anchor.path for anchor in anchors], num_frames)  # (A, D)
        nearest = _nearest(features @ clip, count)
        clips = [
            Relative(anchors[row].caption or anchors[row].path, cosine, anchors[row].path) for row, cosine in nearest
        ]
    if negatives:
        nearest = _nearest(model.encode_names(negatives) @ clip, count)
        texts = [Relative(negatives[row], cosine) for row, cosine in nearest]
    return Relatives(tuple(clips), tuple(texts), label_cosine)


def _nearest(cosines: Tensor, count: int) -> list[tuple[int, float]]:
    """Place and cosine of the ``count`` highest of ``cosines`` (N,), highest first."""
    best = cosines.topk(min(count, len(cosines)))
    return list(zip(best.indices.tolist(), best.values.tolist(), strict=True))


WARM = (255, 120, 0)
COLD = (0, 110, 255)
STRONGEST = 0.75
"""How much of the frame the strongest cell covers."""


def overlay(frames: NDArray[np.uint8], cells: NDArray[np.floating]) -> NDArray[np.uint8]:
    """``frames`` (T, S, S, 3) under ``cells`` (T, G, G), uint8 (T, S, S, 3).

    The value that is largest, of either sign, has the full color. The frames are grayed, so that no color of theirs is
    taken for one of the map's.
    """
    strength = cells / max(float(np.abs(cells).max()), 1e-12)  # (T, G, G), from -1 to 1
    side = frames.shape[1]
    rows = np.arange(side) * cells.shape[1] // side  # the cell of each pixel
    strength = strength[:, rows][:, :, rows][..., None]  # (T, S, S, 1)
    gray = 0.35 * frames + 0.65 * frames.mean(axis=-1, keepdims=True)
    color = np.where(strength > 0, np.array(WARM), np.array(COLD))
    cover = STRONGEST * np.abs(strength)
    picture: NDArray[np.uint8] = (gray * (1 - cover) + color * cover).round().astype(np.uint8)
    return picture
