"""What a run computes once: the model, the shots, and every frozen feature that the steps need."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ga2app import bundles
from ga2app import evaluation as evaluate
from ga2app.clip import Backbone, TokenizedText, ranks
from ga2app.config import RunConfig
from ga2app.config.effective_config import conditions_of, effective
from ga2app.datasets.clip_files import clip_marks, clips_identity
from ga2app.datasets.label_descriptions import given_descriptions, matched
from ga2app.evaluation import PlainFeatures
from ga2app.method.losses import Features
from ga2app.method.prompted_model import PromptedClip, plain_clip
from ga2app.method.prompts import GenericText, PromptLearner, generic_texts
from ga2app.method.whitening import Whitening, estimate
from ga2app.training.training_batches import AnchorSource, ClipSource, FeatureSource, PixelSource, draw_shots, loader_of
from ga2app.training.training_batches import spare_clips as spare_clips
from ga2app.training.training_checks import check_anchors, check_depths, check_steps, hard_prompt, whitening_anchors
from ga2app.types import AnchorClip, Conditions, Dataset, LabelledClip, Temperature
from ga2app.video.clip_loader import ClipLoader

logger = logging.getLogger(__name__)


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Setup:
    """All that the loop works with.

    ``targets`` (N,) are the classes of ``shots``, in the order of ``source``. ``texts`` holds the class names and,
    behind them, the generic texts: one pass through the text tower serves both. None where no generic text is needed.
    The whitening of ``model``, and of the frozen features, is that of zero-shot CLIP; ``test_features`` are not.
    ``anchor_moments`` (A, 1 + K, D) are those of zero-shot CLIP, which Quick pools in each step.
    ``spare`` are training clips that the shots left over: percentages are calibrated on them.
    ``clip_s`` is what reading a clip and its pass through the vision tower took, 0 where all were known already.
    """

    config: RunConfig
    dataset: Dataset
    model: PromptedClip
    source: ClipSource
    shots: tuple[str, ...]
    targets: Tensor
    test: list[LabelledClip]
    test_features: Tensor
    zero_shot: dict[str, float]
    anchors: tuple[AnchorClip, ...]
    anchor_source: AnchorSource
    loader: ClipLoader
    frozen_anchors: Tensor
    anchor_moments: Tensor
    frozen_classes: Tensor
    negatives: Tensor
    texts: TokenizedText | None
    frozen_generic: Tensor
    frozen_clips: Tensor
    plain: PlainFeatures
    conditions: Conditions
    clip_s: float = 0.0
    spare: tuple[LabelledClip, ...] = ()

    @property
    def looked_at(self) -> int:
        """Clips that pass the learned vision tower each time the test clips are measured."""
        if not self.config.prompts.visual_depth:
            return 0
        whitened = len(self.shots) + len(whitening_anchors(self.config, self.dataset))
        return len(self.test) + (whitened if self.config.whitening.enabled else 0)

    def features(self, clips: Tensor, rows: Sequence[int], step: int) -> Features:
        """Everything that the objective looks at in ``step``, whose shots are ``rows``.

        ``clips`` are those that pass the tower now: all of them, or the last micro-batch; none of a rank that has no
        part in the step. In Quick they are the moments of all of them. Of the anchor clips, too, a rank has its part.
        What is frozen is of all.
        """
        model, objective = self.model, self.config.losses
        chosen = self.anchor_source.chosen(step)
        quick = not self.config.prompts.visual_depth
        frozen_anchors = self.frozen_anchors[chosen]
        anchors = model.of_moments(self.anchor_moments[chosen]) if quick else frozen_anchors
        if not quick and chosen:
            own = self.anchor_source.pixels(step)
            anchors = model.encode_clips(own) if len(own) else frozen_anchors[:0]
        texts = model.encode_labels() if self.texts is None else model.encode_tokens(self.texts)
        base = len(self.dataset.base)
        return Features(
            clips=model.of_moments(clips) if quick else model.encode_clips(clips) if len(clips) else frozen_anchors[:0],
            classes=texts[:base],
            anchors=anchors,
            frozen_anchors=frozen_anchors,
            negatives=self.negatives,
            frozen_classes=self.frozen_classes,
            generic=texts[base:],
            frozen_generic=self.frozen_generic,
            frozen_clips=self.frozen_clips[list(rows)] if objective.needs_frozen_clips() else None,
        )

    def learned(self, should_stop: Callable[[], bool] = _never) -> PromptedClip:
        """The model as it is now, in eval mode, whitened by what its own vision tower makes of shots and anchors.

        Raises InterruptedError when asked to stop.
        """
        model, whitening = self.model, self.config.whitening
        if not (whitening.enabled and self.config.prompts.moves_clips):
            return model.eval()
        model = PromptedClip(model.backbone, model.prompts, self.dataset.base).eval()
        shots, anchors = (
            self.encode(model, paths, should_stop)
            for paths in (self.shots, whitening_anchors(self.config, self.dataset))
        )
        own = estimate(whitening, shots, self.targets, anchors)
        return PromptedClip(model.backbone, model.prompts, self.dataset.base, own).eval()

    def encode(self, model: PromptedClip, paths: Sequence[str], should_stop: Callable[[], bool] = _never) -> Tensor:
        """Clip features (N, D) of ``paths`` by ``model``, whose frozen share is what zero-shot CLIP is known to make.

        Without visual prompts, and so in Quick, all is known. ``should_stop`` is asked between two clips; raises
        InterruptedError then.
        """
        prompts = self.config.prompts
        if not prompts.visual_depth:
            return model.of_moments(self.plain.moments(paths, should_stop))
        frozen = self.plain.moments(paths) if prompts.zero_shot_ratio else None
        return evaluate.encode_clips(model, paths, self.config.clips.num_frames, should_stop, frozen, self.loader)

    def bundle(
        self,
        model: PromptedClip,
        config: RunConfig,
        name: str,
        steps: int,
        metrics: Any,
        temperature: Temperature | None = None,
    ) -> bundles.Bundle:
        """What was learned, with everything needed to use it and to know where it comes from."""
        backbone = model.backbone
        # Also of a run that looks at the captions alone and at no anchor clip.
        captions = [anchor.caption for anchor in self.dataset.anchors if config.losses.uses_anchors()]
        manifest = bundles.Manifest(
            format_version=bundles.FORMAT_VERSION,
            name=name,
            backbone=backbone.identity.to_dict(),
            config=effective(config, self.dataset)[0].passed_on().to_dict(),
            base=self.dataset.base,
            novel=self.dataset.novel,
            dataset_hash=bundles.dataset_hash(self.dataset),
            anchor_captions=tuple(dict.fromkeys(caption for caption in captions if caption)),
            negatives=self.dataset.negatives,
            preprocessing=backbone.preprocessing.to_dict()
            | {"image_size": backbone.sizes.image_size, "num_frames": config.clips.num_frames},
            steps=steps,
            metrics=dict(metrics),
            zero_shot=self.zero_shot,
            packages=bundles.package_versions(),
            conditions=self.conditions.to_dict(),
            trained=clip_marks(self.shots),
            descriptions=matched(given_descriptions(self.dataset.descriptions), self.dataset.descriptions).sentences,
            temperature=(temperature or Temperature()).to_dict(),
        )
        whitening = {} if model.whitening is None else model.whitening.tensors()
        return bundles.Bundle(manifest, model.prompts.tensors() | whitening)


def prepare(
    config: RunConfig,
    dataset: Dataset,
    backbone: Backbone,
    should_stop: Callable[[], bool],
    known: PlainFeatures | None = None,
    asked: RunConfig | None = None,
) -> Setup:
    """Draw the shots, build the model, compute the frozen features; raises StudioError, InterruptedError on a stop.

    ``known`` holds features of zero-shot CLIP from earlier runs on the same backbone and number of frames.
    """
    shots, hard, generic = _chosen(config, dataset, backbone)
    paths, quick, losses = [clip.path for clip in shots], not config.prompts.visual_depth, config.losses
    plain = known or PlainFeatures(backbone, config.clips.num_frames)
    plain.loader = loader = loader_of(config.clips, keep=not quick)
    targets = torch.tensor([dataset.base.index(clip.label) for clip in shots], device=backbone.compute.device)
    began_s, known_before = time.perf_counter(), plain.count
    looked_at = quick or config.whitening.enabled or losses.needs_frozen_clips()
    frozen_clips = plain.of(paths if looked_at else (), should_stop)
    around = plain.of(whitening_anchors(config, dataset) if config.whitening.enabled else (), should_stop)
    whitening = estimate(config.whitening, frozen_clips, targets, around) if config.whitening.enabled else None
    model = _model(config, dataset, backbone, hard, whitening)
    frozen_clips = model.whiten_clips(frozen_clips)
    anchors = dataset.anchors if losses.needs_anchor_clips() else ()
    anchor_paths, test = [anchor.path for anchor in anchors], evaluate.test_clips(dataset)
    test_features = plain.of([clip.path for clip in test], should_stop)
    took_s, fresh = time.perf_counter() - began_s, plain.count - known_before
    read: Any = {"how": backbone.preprocessing, "seed": config.seed, "loader": loader, "pinned": targets.is_cuda}
    pixels = PixelSource(paths, config.clips, epochs=config.optimizer.epochs, **read)

    def whitened(texts: Sequence[str], features: Callable[[Sequence[str]], Tensor]) -> Tensor:
        return model.whiten_texts(features(texts)) if texts else test_features[:0]

    frozen, identity = plain_clip(backbone, dataset.base), ranks.current().from_first(lambda: clips_identity(dataset))
    with torch.no_grad():
        return Setup(
            config=config,
            dataset=dataset,
            model=model,
            source=FeatureSource(plain.moments(paths)) if quick else pixels,
            shots=tuple(paths),
            targets=targets,
            test=test,
            test_features=test_features,
            zero_shot=evaluate.evaluate_features(frozen, dataset, test, test_features).metrics(),
            anchors=anchors,
            anchor_source=AnchorSource(anchor_paths, config.clips.num_frames, losses.anchors_drawn(), **read),
            loader=loader,
            frozen_anchors=model.whiten_clips(plain.of(anchor_paths, should_stop)),
            anchor_moments=plain.moments(anchor_paths),
            frozen_classes=whitened(dataset.base, backbone.class_features),
            negatives=whitened(dataset.negatives, backbone.class_features),
            texts=model.tokenize([*dataset.base, *(one.name for one in generic)]) if losses.text_distillation else None,
            frozen_generic=whitened([one.text for one in generic], backbone.text_features),
            frozen_clips=frozen_clips,
            plain=plain,
            conditions=conditions_of(asked or config, dataset, identity),
            clip_s=took_s / fresh if fresh else 0.0,
            spare=tuple(spare_clips(config, dataset)),
        )


def _chosen(
    config: RunConfig, dataset: Dataset, backbone: Backbone
) -> tuple[list[LabelledClip], Tensor | None, list[GenericText]]:
    """The shots, the hard prompt and the generic texts of the run; raises StudioError where they do not do."""
    check_depths(config, backbone)
    hard = hard_prompt(config, backbone)
    generic = _generic_texts(config, dataset, backbone, hard.class_names)
    check_anchors(config, dataset, generic)
    shots = draw_shots(dataset, config.shots, config.seed)
    check_steps(config, len(shots))
    if len(shots) < config.shots * len(dataset.base):
        logger.warning("%d clips in all: some classes have fewer than %d", len(shots), config.shots)
    return shots, hard.tokens, generic


def _model(
    config: RunConfig, dataset: Dataset, backbone: Backbone, hard: Tensor | None, whitening: Whitening | None
) -> PromptedClip:
    """The prompted CLIP as it begins: prompts drawn by the run's seed, around the ``hard`` one where there is one."""
    prompts = PromptLearner(
        config.prompts,
        backbone.sizes.visual_width,
        backbone.sizes.text_width,
        backbone.sizes.embedding_width,
        hard_prompt=hard,
        generator=torch.Generator().manual_seed(config.seed),
    )
    model = PromptedClip(backbone, prompts, dataset.base, whitening)
    model.recompute = config.optimizer.checkpointing
    return model


def _generic_texts(
    config: RunConfig, dataset: Dataset, backbone: Backbone, class_names: Sequence[str]
) -> list[GenericText]:
    """The generic attribute vocabulary of the run; attributes and class names only in words that the backbone knows."""
    wider = config.losses.attributes
    return generic_texts(
        [*(anchor.caption for anchor in dataset.anchors), *dataset.negatives],
        class_names if wider else (),
        (*dataset.base, *dataset.novel),
        attributes=wider,
        known=lambda text: not backbone.unknown_words(text),
    )
