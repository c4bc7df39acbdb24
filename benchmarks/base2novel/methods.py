"""What the benchmark compares: settings, methods, and ga2-plus with one part changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ga2app.config import (
    HARD_PROMPT_RANDOM,
    ClipConfig,
    LossConfig,
    Pooling,
    Precision,
    RunConfig,
    WhiteningConfig,
    preset,
)
from ga2app.config.presets import GA2_PLUS, WHITENED, ZERO_SHOT, ablation
from ga2app.types import BASELINES

SETTINGS = ("narrow", "wide", "pairs")
"""Few base actions · half of them · half of the pairs of an action and its reverse, which differ in the order of frames
alone."""

POOLS = ("scenes", "random", "chosen", "video", "none")
"""All scenes · a random part of a mixed pool · the most irrelevant and diverse part of it · made from the training
clips · none at all."""

EPOCHS = {"narrow": 15, "wide": 4, "pairs": 15}
"""As many that ten seeds of a setting end within 45 minutes on two cores: about 190 steps in the first two."""

FRAMES = 4

QUICKER = 3
"""A quick look takes so many times fewer epochs."""


def settings(setting: str, *, quick: bool = False) -> RunConfig:
    """The Full preset of the sketch backbone on fewer frames and epochs, evaluated once, at the end."""
    config, epochs = preset("full"), EPOCHS[setting]
    if quick:
        epochs = -(-epochs // QUICKER)
    return replace(
        config,
        clips=ClipConfig(num_frames=FRAMES),
        optimizer=replace(config.optimizer, epochs=epochs, warmup_epochs=epochs / 6, evaluate_every=epochs),
    )


@dataclass(frozen=True)
class Variant:
    """Settings, and the anchors and the number of negatives that they are trained with."""

    config: RunConfig
    pool: str
    negatives: int


def variant(name: str, whole: Variant) -> Variant:
    """What ``name`` stands for, where ``whole`` is ``ga2-plus``; raises ConfigError for a name that means nothing."""
    if name == ZERO_SHOT or name in BASELINES:
        return whole
    if name in _CHANGES:
        return _CHANGES[name](whole)
    return _fitting(replace(whole, config=ablation(name, whole.config)))


def _fitting(found: Variant) -> Variant:
    """Without anchor clips there is nothing for ``keep`` to look at."""
    if found.pool != "none":
        return found
    return replace(found, config=replace(found.config, losses=replace(found.config.losses, anchor_distillation=0.0)))


def _section(section: str, **changes: object) -> Callable[[Variant], Variant]:
    """``whole`` with other values in one section of its settings."""

    def change(whole: Variant) -> Variant:
        values: Any = getattr(whole.config, section)
        return replace(whole, config=replace(whole.config, **{section: replace(values, **changes)}))

    return change


def _pool(name: str) -> Callable[[Variant], Variant]:
    return lambda whole: _fitting(replace(whole, pool=name))


def _negatives(count: int) -> Callable[[Variant], Variant]:
    return lambda whole: replace(whole, negatives=count)


def _text_alone(whole: Variant) -> Variant:
    return _section("prompts", visual_depth=0, zero_shot_ratio=0.0)(
        _section("losses", anchor_distillation=0.0, relation_distillation=0.0, feature_distillation=0.0)(whole)
    )


_ordered = _section("prompts", pooling=Pooling.ORDERED)

_CHANGES: dict[str, Callable[[Variant], Variant]] = {
    "no-whitening": lambda whole: replace(whole, config=replace(whole.config, whitening=WhiteningConfig())),
    "no-residual": _section("prompts", zero_shot_ratio=0.0),
    "no-keep": _section("losses", anchor_distillation=0.0),
    "no-vocabulary": _section("losses", text_distillation=0.0),
    "no-terms": lambda whole: replace(whole, config=replace(whole.config, losses=LossConfig())),
    "text-alone": _text_alone,
    "random-hard-prompt": _section("prompts", hard_prompt=HARD_PROMPT_RANDOM),
    "ordered-pooling": _ordered,
    "ordered-kept": lambda whole: _section("losses", anchor_distillation=0.3)(_ordered(whole)),
    "float32": lambda whole: replace(whole, config=replace(whole.config, precision=Precision.FLOAT32)),
    "anchors-none": _pool("none"),
    "anchors-random": _pool("random"),
    "anchors-chosen": _pool("chosen"),
    "anchors-video": _pool("video"),
    "negatives-1": _negatives(1),
    "negatives-3": _negatives(3),
    "negatives-10": _negatives(10),
}

ABLATIONS = tuple(_CHANGES)
"""``ga2-plus`` with one part changed."""

KINDS = ("descriptions", "captions")
DESCRIBED = tuple(f"{method}+{kind}" for method in (ZERO_SHOT, WHITENED, GA2_PLUS) for kind in KINDS)
"""A method and what its labels are described by; that of the bundle has to be trained first."""


def undescribed(method: str) -> str:
    """The method whose model ``method`` measures; itself where it has no descriptions."""
    return method.partition("+")[0] if method in DESCRIBED else method
