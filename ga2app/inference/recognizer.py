"""Recognize clips: labels for a clip, by zero-shot CLIP and by bundles beside it.

Notation: T frames, S side in pixels, D embedding width.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from itertools import islice
from typing import NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from ga2app.bundles import PromptBundle, load_bundle
from ga2app.clip import Backbone, load_backbone
from ga2app.clip.described_texts import class_features
from ga2app.clip.turns import Turns, let_others_in
from ga2app.config import SKETCH
from ga2app.errors import ClipError
from ga2app.inference.answer_notes import Asked, check_top_k, checked, footage_notes, reading_notes
from ga2app.inference.classifiers import Classifier, frame_features, taking_part
from ga2app.inference.sliding_windows import sweep, swept
from ga2app.labels import label_key, merge_labels
from ga2app.method.prompted_model import FRAMES_AT_ONCE, PromptedClip, plain_clip
from ga2app.types import Answer, NoneOfThese, Recognition, RecognizedClip, Sliding, StretchRules, TimedLabels
from ga2app.video import Evaluation, read_clip
from ga2app.video.clip_loader import ClipLoader
from ga2app.video.pixels import frames_to_pixels, thumbnails

DEFAULT_FRAMES = 8
CLIPS_AT_ONCE = 16
"""Clips that pass the tower together, as long as their pixels take no more than ``PIXEL_BYTES``."""
PIXEL_BYTES = 256 << 20

BundleLike: TypeAlias = PromptBundle | str | os.PathLike[str]
_Told: TypeAlias = dict[str, tuple[str, ...]]


class Recognizer:
    """Recognizes clips with zero-shot CLIP and, beside it, with prompt bundles. Several threads may share one.

    A clip's frames pass the frozen CLIP once, and once more for each bundle with visual prompts. The clip feature is
    the mean of the T frame features, to which a bundle may have learned a term for their order. The probabilities are
    the softmax of τ · v·wᵀ (paper, section 3), divided by the bundle's temperature where it has one; that changes no
    answer.

    Args:
        backbone: the frozen CLIP: what ``load_backbone`` gave, or a name for it.
        bundle: a bundle, or several that are compared: what ``load_bundle`` gave, or folders. None: zero-shot CLIP
            alone.
        num_frames: T, the frames sampled from each clip. None: as many as the bundle was trained on (the most, of
            several), 8 without a bundle.
        labels: class names that ``recognize`` takes when it is given none. None: the bundles' own, base and novel.
        negatives: negative prompts, such as "nothing": with them a clip may show none of the labels.

    Raises:
        BackboneError: there is no such backbone on this machine.
        BundleError: a bundle cannot be read, or was trained on another backbone.

    Example:
        >>> from ga2app import Recognizer
        >>> recognizer = Recognizer("sketch", "bundle", num_frames=8)
        >>> answer = recognizer.recognize(["clip.mp4"], ["jumping", "dancing"])
        >>> answer.clips[0].bundle[0].label
        'jumping'
    """

    def __init__(
        self,
        backbone: Backbone | str = SKETCH,
        bundle: BundleLike | Sequence[BundleLike] | None = None,
        *,
        num_frames: int | None = None,
        labels: Sequence[str] | None = None,
        negatives: Sequence[str] = (),
    ) -> None:
        self.backbone = load_backbone(backbone) if isinstance(backbone, str) else backbone
        self.bundles = _loaded(bundle)
        for one in self.bundles:
            one.bundle.check_backbone(self.backbone.identity.to_dict())
        trained = [one.manifest.run.clips.num_frames for one in self.bundles]
        self.num_frames = num_frames or max(trained, default=DEFAULT_FRAMES)
        own = (label for one in self.bundles for label in (*one.manifest.base, *one.manifest.novel))
        self.labels = tuple(merge_labels(own).names.values() if labels is None else labels)
        self.none_of_these = NoneOfThese(tuple(negatives)) if negatives else None
        self.turns = Turns()  # whose turn it is to compute; recognizers of one process share it
        self._attached: tuple[tuple[list[str], _Told], list[PromptedClip]] = ([], {}), []

    @property
    def bundle(self) -> PromptBundle | None:
        """The first bundle."""
        return self.bundles[0] if self.bundles else None

    def recognize(
        self,
        paths: Sequence[str | os.PathLike[str]],
        labels: Sequence[str] | None = None,
        *,
        template: str | Sequence[str] | None = None,
        top_k: int | None = None,
        none_of_these: NoneOfThese | None = None,
        descriptions: Mapping[str, str | Sequence[str]] | None = None,
    ) -> Recognition:
        """Rank the labels for each clip.

        Args:
            paths: video files, in any order and number.
            labels: C class names, at least two. None: the recognizer's own.
            template: the sentence around a label for zero-shot CLIP, with one "{}"; of several the mean text feature
                counts. None: "a video of a person {}." as in the paper. Bundles have learned theirs.
            top_k: how many labels to answer for each clip. None: all.
            none_of_these: negative prompts, how they take part, and the threshold; see ``types.NoneOfThese``. None:
                the recognizer's own negatives, if it has any.
            descriptions: sentences by label, or by negative prompt, whose text features are averaged with its own;
                beside them those that the bundles know, so that an empty mapping asks for these alone. None: names
                alone.

        Returns:
            One entry a clip, in the order of ``paths``, and notes on what weakens the answer. A clip that cannot be
            read has its ``error`` set; the others are answered.

        Raises:
            LabelError: fewer than two different labels, a label that is too long for the text tower, a template
                without one "{}", or no negative prompt that the backbone knows.
            ConfigError: a ``top_k`` below 1.

        Example:
            >>> from ga2app import Recognizer
            >>> answer = Recognizer("sketch").recognize(["clip.mp4", "gone.mp4"], ["jumping", "dancing"], top_k=1)
            >>> [score.label for score in answer.clips[0].plain]
            ['jumping']
            >>> answer.clips[1].error
            "clip 'gone.mp4': there is no such file; check the path for a typing error or a moved file"
        """
        check_top_k(top_k)
        asked = self._asked(labels, template, none_of_these, descriptions)
        answered = [*self._clips([os.fspath(path) for path in paths], asked, top_k)]
        clips = [clip for clip, _ in answered]
        notes = [*asked.notes, *reading_notes({clip.file: told for clip, told in answered})]
        if self.backbone.name == SKETCH:
            notes += footage_notes(clips)
        return Recognition(self.backbone.name, tuple(clips), tuple(notes), asked.told)

    def over_time(
        self,
        path: str | os.PathLike[str],
        labels: Sequence[str] | None = None,
        *,
        window_s: float = Sliding.window_s,
        step_s: float = Sliding.step_s,
        template: str | Sequence[str] | None = None,
        none_of_these: NoneOfThese | None = None,
        descriptions: Mapping[str, str | Sequence[str]] | None = None,
        rules: StretchRules | None = None,
        progress: Callable[[float], object] | None = None,
    ) -> TimedLabels:
        """Label a long video over time, by the bundle or else by zero-shot CLIP; each frame is encoded at most once.

        A window gets what ``recognize`` answers for that stretch of the video.

        Args:
            path: a video of any length, or a stretch of it.
            labels: C class names, at least two. None: the recognizer's own.
            window_s: length of a window in seconds, of which T frames are looked at.
            step_s: seconds from the start of one window to that of the next.
            template: as in ``recognize``.
            none_of_these: as in ``recognize``: such windows are in no stretch.
            descriptions: as in ``recognize``.
            rules: how windows become stretches; see ``types.StretchRules``.
            progress: is told now and then which share of the video is done, 0 to 1. What it raises ends the work.

        Returns:
            The probabilities of each window, and the stretches that they make.

        Raises:
            ClipError: the video cannot be read, or does not tell when its frames are shown.
            LabelError: as in ``recognize``.
            ConfigError: a window, step or rule out of its range, or several bundles.

        Example:
            >>> from ga2app import Recognizer
            >>> answer = Recognizer("sketch").over_time("clip.mp4", ["jumping", "dancing"], window_s=0.5, step_s=0.25)
            >>> answer.stretches[0].label, answer.address(answer.stretches[0])
            ('jumping', 'clip.mp4#t=0,1.5')
        """
        how = Sliding(window_s, step_s, rules or StretchRules())
        return swept(sweep(self, path, labels, how, template, none_of_these, descriptions), progress)

    def _asked(
        self,
        labels: Sequence[str] | None,
        template: str | Sequence[str] | None = None,
        none_of_these: NoneOfThese | None = None,
        descriptions: Mapping[str, str | Sequence[str]] | None = None,
    ) -> Asked:
        """What is asked for, checked; raises LabelError."""
        own = [one.manifest.descriptions for one in self.bundles]
        names, none = self.labels if labels is None else labels, none_of_these or self.none_of_these
        return checked(self.backbone, names, template, none, descriptions, self._trained(), own)

    def _clips(
        self, files: Sequence[str], asked: Asked, top_k: int | None
    ) -> Iterator[tuple[RecognizedClip, tuple[str, ...]]]:
        """What is answered to each of ``files``, and what reading it said."""
        at_once, classifiers = self._clips_at_once(), list[Classifier]()
        with closing(ClipLoader().ahead(partial(self._read, path) for path in files)) as results:
            for first in range(0, len(files), at_once):
                read = list(islice(results, at_once))
                with self.turns.turn(), torch.no_grad():
                    classifiers = classifiers or self._classifiers(asked)
                    let_others_in()
                    answers = self._answers([one for one in read if not isinstance(one, ClipError)], classifiers, top_k)
                for path, one in zip(files[first : first + at_once], read, strict=True):
                    if isinstance(one, ClipError):
                        yield RecognizedClip(file=path, error=str(one)), ()
                    else:
                        yield RecognizedClip(file=path, answers=next(answers), thumbnails=one.thumbnails), one.notes

    def _read(self, path: str) -> _Read:
        """The clip at ``path``; raises ClipError."""
        how = self.backbone.preprocessing
        clip = read_clip(path, Evaluation(self.num_frames), short_side_px=how.read_px)
        return _Read(frames_to_pixels(clip.frames, how), clip.indices, thumbnails(clip.frames), clip.notes)

    def _clips_at_once(self) -> int:
        """Clips that pass the tower together.

        A processor takes but so many frames at once, and the next clips are decoded while these pass.
        """
        bytes_a_clip = 12 * self.num_frames * self.backbone.sizes.image_size**2
        most = min(CLIPS_AT_ONCE, PIXEL_BYTES // bytes_a_clip)
        if frames := FRAMES_AT_ONCE.get(self.backbone.compute.device.type):
            most = min(most, 2 * frames // self.num_frames)
        return max(1, most)

    def _answers(
        self, clips: Sequence[_Read], classifiers: Sequence[Classifier], top_k: int | None
    ) -> Iterator[tuple[Answer, ...]]:
        """What each classifier says of each of ``clips``."""
        if not clips:
            return iter(())
        pixels = torch.stack([clip.pixels for clip in clips])  # (B, T, 3, S, S)
        said = [
            [classifier.answer(frames, clip.indices, top_k) for frames, clip in zip(features, clips, strict=True)]
            for classifier, features in zip(classifiers, frame_features(pixels, classifiers), strict=True)
        ]
        return zip(*said, strict=True)

    def _classifiers(self, asked: Asked) -> list[Classifier]:
        """Zero-shot CLIP and each bundle; its labels are marked by what the first bundle was trained on."""
        names, templates, none, negatives, known, told, _ = asked
        plain, *tuned = self._models(names, told)
        trained = self._trained()
        masks = [taking_part(names, some, self.backbone.compute.device) for some in known]
        frozen = class_features(self.backbone, negatives, templates, told) if negatives else None
        classes = class_features(self.backbone, names, templates, told)
        first = trained[0] if trained else ()
        classifiers = [Classifier(plain, names, classes, first, None, none, negatives, frozen, masks[0])]
        for one, model, own, mask in zip(self.bundles, tuned, trained, masks[1:], strict=True):
            read = model.encode_names(negatives) if negatives else None
            chosen = one.manifest.calibrated.threshold
            classifiers.append(
                Classifier(model, names, model.encode_labels(), own, one.folder, none, negatives, read, mask, chosen)
            )
        return classifiers

    def _trained(self) -> list[set[str]]:
        """The ``label_key`` of what each bundle was trained on."""
        return [{label_key(name) for name in one.manifest.base} for one in self.bundles]

    def _models(self, names: list[str], told: _Told) -> list[PromptedClip]:
        """Zero-shot CLIP and the bundles over ``names``; kept while labels and descriptions stay the same."""
        known, models = self._attached
        if known != (names, told):
            tuned = (one.attach(self.backbone, names, told) for one in self.bundles)
            models = [plain_clip(self.backbone, names, descriptions=told), *tuned]
            self._attached = (names, told), models
        return models


class _Read(NamedTuple):
    """What is known of a clip before it passes the tower: ``pixels`` (T, 3, S, S), the numbers of its frames, small
    pictures of them, and what reading it said."""

    pixels: torch.Tensor
    indices: tuple[int, ...]
    thumbnails: tuple[NDArray[np.uint8], ...]
    notes: tuple[str, ...]


def _loaded(bundle: BundleLike | Sequence[BundleLike] | None) -> tuple[PromptBundle, ...]:
    several = [bundle] if isinstance(bundle, PromptBundle | str | os.PathLike) else bundle or ()
    return tuple(one if isinstance(one, PromptBundle) else load_bundle(one) for one in several)
