"""Recognize clips: labels for a clip, by plain CLIP and by a bundle beside it.

Notation: B clips, T frames, C labels, D embedding width.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ga2app import bundle as bundles
from ga2app.backbone import Backbone, load_backbone
from ga2app.config import SKETCH, TEMPLATE, Precision
from ga2app.contracts import FrameScore, LabelKind, Recognition, RecognizedClip, Score
from ga2app.errors import ClipError, LabelError
from ga2app.labels import check_labels, spoken
from ga2app.model import PromptedClip, plain_clip
from ga2app.video import Evaluation, read_clip
from ga2app.video.pixels import frames_to_pixels, thumbnails
from ga2app.video.realism import looks_photographic
from ga2app.video.transforms import short_side_px

logger = logging.getLogger(__name__)

DEFAULT_FRAMES = 8


@dataclass(frozen=True)
class PromptBundle:
    """A trained bundle, ready to be attached to its backbone."""

    bundle: bundles.Bundle
    folder: str

    @property
    def manifest(self) -> bundles.Manifest:
        return self.bundle.manifest

    def attach(self, backbone: Backbone, labels: Sequence[str]) -> PromptedClip:
        """The prompted model over ``labels``, novel ones too, in eval mode.

        Raises BundleError when the bundle belongs to another backbone, LabelError for labels that do not fit.
        """
        self.bundle.check_backbone(backbone.identity.to_dict())
        return PromptedClip(backbone, self.bundle.learner(), labels, self.bundle.whitening()).eval()


def load_bundle(folder: str | os.PathLike[str]) -> PromptBundle:
    """Read the bundle in ``folder``; raises BundleError."""
    return PromptBundle(bundles.load_folder(folder), os.fspath(folder))


class Recognizer:
    """Recognizes clips with a backbone and, beside it, with a bundle. Safe to call from several threads."""

    def __init__(
        self,
        backbone: Backbone | str = SKETCH,
        bundle: PromptBundle | str | os.PathLike[str] | None = None,
        *,
        num_frames: int | None = None,
    ) -> None:
        self.backbone = load_backbone(backbone) if isinstance(backbone, str) else backbone
        self.bundle = bundle if bundle is None or isinstance(bundle, PromptBundle) else load_bundle(bundle)
        if self.bundle is not None:
            self.bundle.bundle.check_backbone(self.backbone.identity.to_dict())
        trained = self.bundle.manifest.run.clips.num_frames if self.bundle else DEFAULT_FRAMES
        self.num_frames = num_frames or trained
        self._lock = threading.Lock()

    def recognize(
        self,
        paths: Sequence[str | os.PathLike[str]],
        labels: Sequence[str],
        *,
        template: str | None = None,
        top_k: int | None = None,
    ) -> Recognition:
        """The labels of each clip, best first, at most ``top_k`` of them.

        ``template`` words the labels for plain CLIP and holds one "{}". A clip that cannot be read has its error
        set and costs nothing else. Raises LabelError, BundleError.
        """
        template = _check_template(template)
        names, notes = check_labels(labels)
        notes += self._vocabulary_notes(names)
        with self._lock, torch.no_grad():
            plain = plain_clip(self.backbone, names)
            classes = self.backbone.class_features(names, template)
            prompted = self.bundle.attach(self.backbone, names) if self.bundle else None
            clips = [self._recognize_clip(os.fspath(path), names, classes, plain, prompted, top_k) for path in paths]
        if self.backbone.name == SKETCH:
            notes += _footage_notes(clips)
        return Recognition(self.backbone.name, tuple(clips), tuple(notes))

    def _recognize_clip(
        self,
        path: str,
        names: list[str],
        classes: Tensor,
        plain: PromptedClip,
        prompted: PromptedClip | None,
        top_k: int | None,
    ) -> RecognizedClip:
        size = self.backbone.sizes.image_size
        try:
            clip = read_clip(path, Evaluation(self.num_frames), short_side_px=short_side_px(size))
        except ClipError as exc:
            return RecognizedClip(file=path, error=str(exc))
        pixels = frames_to_pixels(clip.frames, size)  # (T, 3, S, S)
        frames = plain.encode_frames(pixels[None])[0]  # (T, D)
        speaking = _shares(plain, frames, classes)
        plain_scores, bundle_scores = self._best(speaking[0], names, top_k), None
        if prompted is not None:
            if prompted.prompts.config.visual_depth:
                frames = prompted.encode_frames(pixels[None])[0]
            speaking = _shares(prompted, frames, prompted.encode_labels())
            bundle_scores = self._best(speaking[0], names, top_k)
        best = speaking[1].max(dim=1)
        return RecognizedClip(
            file=path,
            plain=plain_scores,
            bundle=bundle_scores,
            thumbnails=thumbnails(clip.frames),
            timeline=tuple(
                FrameScore(index, names[label], share)
                for index, label, share in zip(clip.indices, best.indices.tolist(), best.values.tolist(), strict=True)
            ),
        )

    def _best(self, shares: Tensor, names: list[str], top_k: int | None) -> tuple[Score, ...]:
        trained = {spoken(name).lower() for name in self.bundle.manifest.base} if self.bundle else set()
        best = shares.topk(min(top_k or len(names), len(names)))
        return tuple(
            Score(names[place], share, LabelKind.BASE if names[place].lower() in trained else LabelKind.NOVEL)
            for place, share in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        )

    def _vocabulary_notes(self, names: list[str]) -> list[str]:
        """A note on words that the tokenizer never saw; LabelError when no label has a known word."""
        unknown = {name: self.backbone.unknown_words(name) for name in names}
        if all(len(words) == len(name.split()) for name, words in unknown.items()):
            raise LabelError(
                f"backbone '{self.backbone.name}' knows none of the words in these labels ({names[0]}, …); "
                f"{self._known_words()}"
            )
        words = list(dict.fromkeys(word for some in unknown.values() for word in some))
        if not words:
            return []
        return [
            f"backbone '{self.backbone.name}' does not know: {', '.join(words[:20])}"
            f"{', …' if len(words) > 20 else ''}. Labels with these words are guesses; {self._known_words()}"
        ]

    def _known_words(self) -> str:
        words = sorted(word for word in self.backbone.tokenizer.get_vocab() if word.isalpha() and len(word) > 2)
        return f"it knows {len(words)} words, for example {', '.join(words[:: max(1, len(words) // 12)][:12])}"


class StudioRecognizer:
    """The recognizer that the screens call: keeps backbones and bundles loaded between requests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._backbones: dict[str, Backbone] = {}
        self._bundles: dict[tuple[str, float], PromptBundle] = {}

    def recognize(
        self,
        paths: Sequence[str],
        labels: Sequence[str],
        *,
        backbone: str,
        bundle: str | None = None,
        template: str | None = None,
        top_k: int = 5,
    ) -> Recognition:
        """See ``contracts.RecognizerService``."""
        loaded = self._backbone(backbone)
        prompts = None if bundle is None else self._bundle(bundle)
        return Recognizer(loaded, prompts).recognize(paths, labels, template=template, top_k=top_k)

    def warm(self, backbone: str) -> None:
        """Load ``backbone`` and compute once, so that the first request does not wait."""
        loaded = self._backbone(backbone)
        plain = plain_clip(loaded, ["something", "nothing"])
        side = loaded.sizes.image_size
        with torch.no_grad():
            plain(torch.zeros(1, 1, 3, side, side))

    def _backbone(self, name: str) -> Backbone:
        with self._lock:
            if name not in self._backbones:
                self._backbones[name] = load_backbone(name, precision=Precision.AUTO)
            return self._backbones[name]

    def _bundle(self, folder: str) -> PromptBundle:
        manifest = Path(folder) / "bundle.json"
        key = (folder, manifest.stat().st_mtime if manifest.exists() else 0.0)
        with self._lock:
            if key not in self._bundles:
                self._bundles[key] = load_bundle(folder)
            return self._bundles[key]


def _shares(model: PromptedClip, frames: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
    """Softmax over the labels (C,) for the clip and (T, C) for each frame alone, from ``frames`` (T, D)."""
    clip, each = model.clip_features(frames), model.clip_features(frames[:, None])
    scale = model.backbone.scale
    return (scale * clip @ classes.T).softmax(dim=-1), (scale * each @ classes.T).softmax(dim=-1)


def _footage_notes(clips: Sequence[RecognizedClip]) -> list[str]:
    """A note on clips that look like real footage, which the sketch backbone does not know."""
    real = [Path(clip.file).name for clip in clips if clip.thumbnails and looks_photographic(np.stack(clip.thumbnails))]
    if not real:
        return []
    return [
        f"{', '.join(real[:5])}{', …' if len(real) > 5 else ''}: this looks like real footage, and the sketch "
        "backbone knows drawings only, so its answer means little; choose a real CLIP as backbone"
    ]


def _check_template(template: str | None) -> str:
    """The template, stripped; the paper's one where none is given. Raises LabelError unless it holds one {}."""
    if template is None or not template.strip():
        return TEMPLATE
    if template.count("{}") != 1 or template.replace("{}", "").count("{") or template.replace("{}", "").count("}"):
        raise LabelError(
            f"template '{template}' must hold one pair of braces, {{}}, where the label goes; for example '{TEMPLATE}'"
        )
    return template.strip()
