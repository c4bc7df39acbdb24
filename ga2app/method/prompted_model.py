"""The prompted CLIP: a frozen backbone, learned prompts and class names make a classifier of clips.

Notation: B clips, T frames, S side in pixels, C class names, D embedding width, τ = exp(logit_scale).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ga2app.clip import Backbone, TokenizedText
from ga2app.clip.described_texts import NONE, Descriptions, class_features, described
from ga2app.clip.frozen_clip import TEXT_CHUNK
from ga2app.clip.turns import let_others_in
from ga2app.config import TEMPLATE, PromptConfig
from ga2app.labels import spoken
from ga2app.method.pooling import moments
from ga2app.method.prompts import PromptLearner
from ga2app.method.whitening import Whitening

FRAMES_AT_ONCE = {"cpu": 16}
"""Frames that pass the vision tower at once, outside training, by device: few stay in a processor's cache."""

FRAMES_ELSEWHERE = 256


class ModelOutput(NamedTuple):
    """``logits`` (B, C) = τ · cosine, ``clip_features`` (B, D) and ``class_features`` (C, D) of length 1."""

    logits: Tensor
    clip_features: Tensor
    class_features: Tensor


class PromptedClip(nn.Module):
    """A frozen backbone with prompts, classifying clips into ``labels``.

    With a text depth of 0 the class features are the frozen zero-shot ones, with a visual depth of 0 the clip
    features are the frozen ones; with both 0, and no ``whitening``, the model is zero-shot CLIP. Clip and text features
    are whitened where there is a ``whitening``, frame features never; ``prompts`` may have a pooling of their own for
    the latter. ``templates`` word the labels where there are no
    text prompts, and nowhere else. Outside training the features of ``descriptions`` are averaged with their label's.
    """

    def __init__(
        self,
        backbone: Backbone,
        prompts: PromptLearner,
        labels: Sequence[str],
        whitening: Whitening | None = None,
        templates: Sequence[str] = (TEMPLATE,),
        descriptions: Descriptions = NONE,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.prompts = prompts.to(backbone.compute.device)
        self.whitening = whitening and whitening.to(backbone.compute.device)
        self.labels, self.templates, self.descriptions = tuple(labels), tuple(templates), descriptions
        self.recompute = False  # gradient checkpointing in the vision tower
        self.temperature = 1.0  # what logits are divided by before they become percentages; it changes no answer
        self._tokens = self.tokenize(labels)
        self._class_features: Tensor | None = None

    def with_descriptions(self, descriptions: Descriptions) -> PromptedClip:
        """The same model with other descriptions."""
        how = (self.labels, self.whitening, self.templates, descriptions)
        return PromptedClip(self.backbone, self.prompts, *how).train(self.training)

    def train(self, mode: bool = True) -> PromptedClip:
        self._class_features = None
        super().train(mode)
        return self

    def forward(self, pixels: Tensor) -> ModelOutput:
        """Classify CLIP-normalized ``pixels`` (B, T, 3, S, S)."""
        return self.classify(self.encode_clips(pixels))

    def classify(self, clip_features: Tensor) -> ModelOutput:
        """Classify clips whose features (B, D) are known already."""
        classes = self.encode_labels()
        return ModelOutput(self.backbone.scale * clip_features @ classes.T, clip_features, classes)

    def encode_clips(self, pixels: Tensor, frozen: Tensor | None = None) -> Tensor:
        """Clip features (B, D) of length 1 of CLIP-normalized ``pixels`` (B, T, 3, S, S).

        ``frozen`` (B, 1 + K, D) are the moments of zero-shot CLIP's frame features, where they are known: they spare
        the pass through the frozen tower.
        """
        if frozen is None or not self._mixed():
            return self.clip_features(self.encode_frames(pixels))
        own = moments(self._passed(pixels, [self.prompts.visual_prompts()])[0])
        return self.of_moments(torch.lerp(own, frozen, self.prompts.config.zero_shot_ratio))

    def clip_features(self, frames: Tensor) -> Tensor:
        """Clip features (…, D) of frame features (…, T, D), in the order of time: pooled, of length 1, whitened."""
        return self.whiten_clips(functional.normalize(self.prompts.pool(frames), dim=-1))

    def of_moments(self, moments: Tensor) -> Tensor:
        """``clip_features`` of the moments (…, 1 + K, D) of frame features, which are all that counts of them."""
        return self.whiten_clips(functional.normalize(self.prompts.pool_moments(moments), dim=-1))

    def whiten_clips(self, features: Tensor) -> Tensor:
        """Clip features (…, D) as this model wants them, from those of zero-shot CLIP's space."""
        return features if self.whitening is None else self.whitening.clips(features)

    def whiten_texts(self, features: Tensor) -> Tensor:
        """Text features (K, D) as this model wants them, from those of zero-shot CLIP's space."""
        return features if self.whitening is None else self.whitening.texts(features)

    def encode_frames(self, pixels: Tensor, frozen: Tensor | None = None) -> Tensor:
        """Frame features (B, T, D), not normalized, of ``pixels`` (B, T, 3, S, S).

        Outside training the frozen tower has its ``residual`` share in them; while prompts learn they stand alone.
        ``frozen`` (B, T, D) are its features of these frames, where they are known: they spare the pass through the
        frozen tower.
        """
        prompts, mixed = self.prompts.visual_prompts(), self._mixed()
        features, *unprompted = self._passed(pixels, [prompts, ()] if mixed and frozen is None else [prompts])
        if not mixed:
            return features
        return torch.lerp(features, unprompted[0] if frozen is None else frozen, self.prompts.config.zero_shot_ratio)

    def _mixed(self) -> bool:
        """Whether the frozen tower has a share in frame features."""
        return bool(self.prompts.config.zero_shot_ratio and self.prompts.visual is not None and not self.training)

    def _passed(self, pixels: Tensor, towers: Sequence[Sequence[Tensor]]) -> list[Tensor]:
        """Frame features (B, T, D) of ``pixels`` by the vision tower under each of these prompts."""
        device = self.backbone.compute.device
        flat = pixels.flatten(0, 1).to(device, non_blocking=device.type == "cuda")  # (B·T, 3, S, S)
        at_once = FRAMES_AT_ONCE.get(flat.device.type, FRAMES_ELSEWHERE)
        chunks = [flat] if self._learning() else torch.split(flat, at_once)
        with self.backbone.compute.autocast():
            encoded = [torch.cat([self._encoded(chunk, one) for chunk in chunks]) for one in towers]
        return [torch.unflatten(one, 0, pixels.shape[:2]) for one in encoded]

    def _encoded(self, chunk: Tensor, prompts: Sequence[Tensor]) -> Tensor:
        """Frame features (N, D) of one chunk of frames."""
        let_others_in()
        return self.backbone.encode_frames(chunk, prompts, recompute=self.recompute)

    def encode_labels(self) -> Tensor:
        """Class features (C, D) of length 1; kept between calls while nothing is being learned."""
        if self._learning():
            return self.encode_tokens(self._tokens)
        if self._class_features is None:
            self._class_features = self._with_residual(self._tokens, self.labels)
        return self._class_features

    def encode_names(self, names: Sequence[str]) -> Tensor:
        """Text features (K, D) of length 1 of other names than the labels under the same prompts."""
        return self._with_residual(self.tokenize(names), names)

    def encode_tokens(self, tokens: TokenizedText) -> Tensor:
        """Prompted text features (K, D) of length 1, without any residual."""
        return self.whiten_texts(self._prompted(tokens))

    def _with_residual(self, tokens: TokenizedText, names: Sequence[str]) -> Tensor:
        """Features (K, D) of ``tokens``, outside training with the share of the zero-shot features of ``names``."""
        if not self.prompts.config.text_depth:
            return self.whiten_texts(class_features(self.backbone, names, self.templates, self.descriptions))
        learned, share = self._prompted_in_slices(tokens), self.prompts.config.zero_shot_ratio
        if share and not self.training:
            learned = functional.normalize(torch.lerp(learned, self.backbone.class_features(names), share), dim=-1)
        if not self.training:
            learned = described(self.backbone, names, learned, self.descriptions)
        return self.whiten_texts(learned)

    def _prompted(self, tokens: TokenizedText) -> Tensor:
        with self.backbone.compute.autocast():
            return self.backbone.encode_text(tokens, self.prompts.context(), self.prompts.text_prompts())

    def _prompted_in_slices(self, tokens: TokenizedText) -> Tensor:
        """``_prompted`` outside training, so many texts at a time as the frozen tower takes."""
        parts: list[Tensor] = []
        for ids, ends in zip(*(torch.split(one, TEXT_CHUNK) for one in (tokens.ids, tokens.ends)), strict=True):
            if parts:
                let_others_in()
            parts.append(self._prompted(tokens if len(ids) == len(tokens.ids) else TokenizedText(ids, ends)))
        return torch.cat(parts)

    def _learning(self) -> bool:
        prompts_move = any(parameter.requires_grad for parameter in self.prompts.parameters())
        return self.training or (prompts_move and torch.is_grad_enabled())

    def tokenize(self, names: Sequence[str]) -> TokenizedText:
        """Names behind P filler positions for the context; in the zero-shot template without text prompts."""
        if not self.prompts.config.text_depth:
            return self.backbone.tokenize([TEMPLATE.format(spoken(name)) for name in names])
        return self.backbone.tokenize([f"{spoken(name)}." for name in names], self.prompts.config.length)


def plain_clip(
    backbone: Backbone,
    labels: Sequence[str],
    whitening: Whitening | None = None,
    templates: Sequence[str] = (TEMPLATE,),
    descriptions: Descriptions = NONE,
) -> PromptedClip:
    """The backbone without any prompt: the zero-shot classifier, in a whitened space where there is one."""
    config = PromptConfig(length=1, visual_depth=0, text_depth=0, coupled=False)
    sizes = backbone.sizes
    prompts = PromptLearner(config, sizes.visual_width, sizes.text_width)
    return PromptedClip(backbone, prompts, labels, whitening, templates, descriptions).eval()
