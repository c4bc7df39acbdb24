"""What a run computes once: the model, the shots, and every frozen feature that the steps need."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ga2app import bundle as bundles
from ga2app import evaluate
from ga2app.backbone import Backbone, TokenizedText
from ga2app.config import ANCHOR_TERMS, HARD_PROMPT_EMBEDDED, HARD_PROMPT_RANDOM, SKETCH, RunConfig
from ga2app.contracts import AnchorClip, Dataset, LabelledClip
from ga2app.errors import BundleError, ConfigError, DatasetError, Fault
from ga2app.model import PromptedClip, plain_clip
from ga2app.objective import Features
from ga2app.paths import SKETCH_HARD_PROMPT
from ga2app.prompts import PromptLearner
from ga2app.train.data import ClipSource, FeatureSource, PixelSource, anchor_choice, draw_shots
from ga2app.video.pixels import evaluation_pixels
from ga2app.vocabulary import GenericText, generic_texts

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Setup:
    """All that the loop works with.

    ``targets`` (N,) are the shots' classes, in the order of ``source``. ``texts`` holds the class names and, behind
    them, the generic texts: one pass through the text tower serves both. None where no generic text is needed.
    """

    config: RunConfig
    dataset: Dataset
    model: PromptedClip
    source: ClipSource
    targets: Tensor
    test: list[LabelledClip]
    test_features: Tensor
    zero_shot: dict[str, float]
    anchors: tuple[AnchorClip, ...]
    frozen_anchors: Tensor
    frozen_classes: Tensor
    negatives: Tensor
    texts: TokenizedText | None
    frozen_generic: Tensor
    frozen_clips: Tensor

    def features(self, clips: Tensor, rows: Sequence[int], step: int) -> Features:
        """Everything that the objective looks at in ``step``, whose shots are ``rows``.

        ``clips`` are those that pass the tower now: all of them, or the last micro-batch. What is frozen is of all.
        """
        model, objective = self.model, self.config.objective
        chosen: list[int] = []
        if objective.needs_anchor_clips() and self.anchors:
            wanted = 1 if objective.released else objective.anchors_per_step
            chosen = anchor_choice(len(self.anchors), wanted, self.config.seed, step)
        quick = not self.config.prompts.visual_depth
        frozen_anchors = self.frozen_anchors[chosen]
        texts = model.encode_labels() if self.texts is None else model.encode_tokens(self.texts)
        base = len(self.dataset.base)
        return Features(
            clips=clips if quick else model.encode_clips(clips),
            classes=texts[:base],
            anchors=frozen_anchors if quick or not chosen else model.encode_clips(self._anchor_pixels(chosen)),
            frozen_anchors=frozen_anchors,
            negatives=self.negatives,
            frozen_classes=self.frozen_classes,
            generic=texts[base:],
            frozen_generic=self.frozen_generic,
            frozen_clips=self.frozen_clips[list(rows)] if len(self.frozen_clips) else None,
        )

    def bundle(self, config: RunConfig, name: str, steps: int, metrics: Any) -> bundles.Bundle:
        """What was learned, with everything needed to use it and to know where it comes from."""
        backbone = self.model.backbone
        # Also of a run that looks at the captions alone and at no anchor clip.
        captions = [anchor.caption for anchor in self.dataset.anchors if config.objective.uses_anchors()]
        manifest = bundles.Manifest(
            format_version=bundles.FORMAT_VERSION,
            name=name,
            backbone=backbone.identity.to_dict(),
            config=config.to_dict(),
            base=self.dataset.base,
            novel=self.dataset.novel,
            dataset_hash=bundles.dataset_hash(self.dataset),
            anchor_captions=tuple(dict.fromkeys(caption for caption in captions if caption)),
            negatives=self.dataset.negatives,
            preprocessing={"image_size": backbone.sizes.image_size, "num_frames": config.clips.num_frames},
            steps=steps,
            metrics=dict(metrics),
            zero_shot=self.zero_shot,
            packages=bundles.package_versions(),
        )
        return bundles.Bundle(manifest, self.model.prompts.tensors())

    def _anchor_pixels(self, chosen: Sequence[int]) -> Tensor:
        """Pixels (A, T, 3, S, S), sampled as for the frozen anchor features."""
        frames, size = self.config.clips.num_frames, self.model.backbone.sizes.image_size
        return torch.stack([evaluation_pixels(self.anchors[number].path, frames, size) for number in chosen])


def prepare(config: RunConfig, dataset: Dataset, backbone: Backbone, should_stop: Callable[[], bool]) -> Setup:
    """Draw the shots, build the model, compute the frozen features; raises StudioError, InterruptedError on a stop."""
    _check_depths(config, backbone)
    hard = hard_prompt(config, backbone)
    generic = _generic_texts(config, dataset, backbone, hard.class_names)
    _check_anchors(config, dataset, generic)
    shots = draw_shots(dataset, config.shots, config.seed)
    if len(shots) < config.shots * len(dataset.base):
        logger.warning("%d clips in all: some classes have fewer than %d", len(shots), config.shots)
    prompts = PromptLearner(
        config.prompts,
        backbone.sizes.visual_width,
        backbone.sizes.text_width,
        hard_prompt=hard.tokens,
        generator=torch.Generator().manual_seed(config.seed),
    )
    model = PromptedClip(backbone, prompts, dataset.base)
    plain = plain_clip(backbone, dataset.base)
    frames, device = config.clips.num_frames, backbone.compute.device

    def encode(paths: Sequence[str]) -> Tensor:
        return evaluate.encode_clips(plain, paths, frames, should_stop)

    paths = [clip.path for clip in shots]
    source: ClipSource = (
        PixelSource(paths, config.clips, backbone.sizes.image_size, config.seed)
        if config.prompts.visual_depth
        else FeatureSource(encode(paths))
    )
    test = evaluate.test_clips(dataset)
    test_features = encode([clip.path for clip in test])
    anchors = dataset.anchors if config.objective.needs_anchor_clips() else ()
    with torch.no_grad():
        return Setup(
            config=config,
            dataset=dataset,
            model=model,
            source=source,
            targets=torch.tensor([dataset.base.index(clip.label) for clip in shots], device=device),
            test=test,
            test_features=test_features,
            zero_shot=evaluate.evaluate_features(plain, dataset, test, test_features).metrics(),
            anchors=anchors,
            frozen_anchors=encode([anchor.path for anchor in anchors]),
            frozen_classes=plain.encode_labels(),
            negatives=plain.encode_names(dataset.negatives) if dataset.negatives else test_features[:0],
            texts=(
                model.tokenize([*dataset.base, *(one.name for one in generic)]) if config.objective.vocabulary else None
            ),
            frozen_generic=backbone.text_features([one.text for one in generic]) if generic else test_features[:0],
            frozen_clips=encode(paths) if config.objective.needs_frozen_clips() else test_features[:0],
        )


class HardPrompt(NamedTuple):
    """Frozen ``tokens`` (P, Dt) and the names of the classes that they were learned on."""

    tokens: Tensor | None
    class_names: tuple[str, ...]


def hard_prompt(config: RunConfig, backbone: Backbone) -> HardPrompt:
    """The frozen hard prompt that the run names, without tokens for a random or no one. Raises StudioError."""
    named = config.prompts.hard_prompt
    if not config.prompts.coupled or named == HARD_PROMPT_RANDOM:
        return HardPrompt(None, ())
    if named == HARD_PROMPT_EMBEDDED and config.backbone != SKETCH:
        raise ConfigError(
            [
                Fault(
                    "prompts.hard_prompt",
                    f"the embedded hard prompt belongs to backbone '{SKETCH}', not to '{config.backbone}'; "
                    "choose 'random' or the folder of a bundle trained on this backbone",
                )
            ]
        )
    bundle = bundles.load_folder(SKETCH_HARD_PROMPT if named == HARD_PROMPT_EMBEDDED else Path(named))
    bundle.check_backbone(backbone.identity.to_dict())
    if "soft" not in bundle.tensors:
        raise BundleError(f"bundle '{named}' has no text prompts and cannot be a hard prompt; choose another one")
    return HardPrompt(bundle.tensors["soft"], bundle.manifest.base)


def _generic_texts(
    config: RunConfig, dataset: Dataset, backbone: Backbone, class_names: Sequence[str]
) -> list[GenericText]:
    """The generic attribute vocabulary of the run; attributes and class names only in words that the backbone knows."""
    wider = config.objective.attributes
    return generic_texts(
        [*(anchor.caption for anchor in dataset.anchors), *dataset.negatives],
        class_names if wider else (),
        (*dataset.base, *dataset.novel),
        attributes=wider,
        known=lambda text: not backbone.unknown_words(text),
    )


def _check_depths(config: RunConfig, backbone: Backbone) -> None:
    sizes, prompts = backbone.sizes, config.prompts
    faults = [
        Fault(f"prompts.{name}", f"must be at most {layers}, the layers of that tower (it is {depth})")
        for name, depth, layers in (
            ("visual_depth", prompts.visual_depth, sizes.visual_layers),
            ("text_depth", prompts.text_depth, sizes.text_layers),
        )
        if depth > layers
    ]
    if prompts.text_depth and prompts.length > sizes.text_positions // 2:
        rule = f"must be at most {sizes.text_positions // 2}, half of the text positions (it is {prompts.length})"
        faults.append(Fault("prompts.length", rule))
    if faults:
        raise ConfigError(faults)


def _check_anchors(config: RunConfig, dataset: Dataset, generic: Sequence[GenericText]) -> None:
    """Every term that is on finds its clips and texts, and the released one its odd numbers."""
    objective = config.objective
    on = [name for name, weight in objective.weights().items() if weight]
    texts = [name for name in on if name in ("released", "reject", "extra_class") and not dataset.negatives]
    clips = [name for name in on if name in ANCHOR_TERMS and not dataset.anchors]
    silent = [name for name in on if name in ("keep", "relate", "vocabulary") and not generic]
    for terms, what in ((clips, "anchor clips"), (texts, "negative prompts"), (silent, "captions or negatives")):
        if terms:
            raise DatasetError(
                f"data set '{dataset.name}' has no {what}, which the anchor term(s) {', '.join(terms)} need; "
                "add some, or set these weights to 0"
            )
    if objective.released and len(dataset.negatives) not in (1, len(dataset.base)):
        raise DatasetError(
            f"the released anchor term takes 1 negative prompt or one a class ({len(dataset.base)}); "
            f"data set '{dataset.name}' has {len(dataset.negatives)}: import it with --negatives else, the only one "
            "of the published runs, or set objective.released to 0"
        )
