"""The settings of a run: one frozen dataclass a concern, with its rules."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import PurePath
from typing import Any

from ga2app.config.reading import check, read
from ga2app.errors import ConfigError, Fault

SKETCH = "sketch"
"""Name of the embedded backbone."""

DEMO = "demo"
"""Name of the drawn demo data set."""

HARD_PROMPT_EMBEDDED = "embedded"
HARD_PROMPT_RANDOM = "random"

NOTHING = "none"
"""Where anchors or negative prompts are named: none at all, not even the data set's own."""

TEMPLATE = "a video of a person {}."
"""Zero-shot and negative template (paper, section 3)."""


class Precision(StrEnum):
    """Arithmetic of the forward pass. ``auto`` takes bfloat16 where the device computes it natively.

    ``float16`` is for CUDA alone, with a scaled loss: for cards that are too old for bfloat16.
    """

    AUTO = "auto"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"


@dataclass(frozen=True)
class PromptConfig:
    """Which prompts are learned (paper, section 3).

    ``length`` is P. ``visual_depth`` and ``text_depth`` count prompted layers; 0 leaves that tower alone, and
    a visual depth of 0 is Quick mode. ``coupled`` joins the soft prompt to a frozen hard prompt. ``residual`` is the
    share of the frozen towers in frame and class features after training: 0 as in the paper, 0.5 the mean of both,
    which costs a second pass of the vision tower.
    """

    length: int = 16
    visual_depth: int = 9
    text_depth: int = 9
    coupled: bool = True
    dropout: float = 0.5
    hard_prompt: str = HARD_PROMPT_EMBEDDED
    residual: float = 0.0

    def __post_init__(self) -> None:
        check(
            self,
            ("length", self.length >= 1, "must be at least 1 token"),
            ("visual_depth", self.visual_depth >= 0, "must be 0 (off) or more layers"),
            ("text_depth", self.text_depth >= 0, "must be 0 (off) or more layers"),
            ("dropout", 0 <= self.dropout < 1, "must be at least 0 and below 1"),
            ("residual", 0 <= self.residual < 1, "is a share: at least 0 and below 1"),
            ("coupled", not self.coupled or self.text_depth > 0, "needs a text_depth of at least 1"),
        )


ANCHOR_TERMS = ("released", "reject", "extra_class", "keep", "twin")
"""Terms that look at anchor clips."""

TERMS = (*ANCHOR_TERMS, "relate", "stay", "vocabulary")
"""All terms beside the cross-entropy."""


@dataclass(frozen=True)
class ObjectiveConfig:
    """Weights of the anchor terms (paper, section 3.3); 0 switches a term off.

    ``released`` repeats the published code, whose anchor has no gradient with one negative: it is there for
    parity with published runs, not to be used. ``attributes`` widens the generic vocabulary of ``keep``, ``relate``
    and ``vocabulary`` from the anchors' captions and the negatives to general attributes and to the names of the
    classes that the hard prompt was learned on.
    """

    released: float = 0.0
    reject: float = 0.0
    extra_class: float = 0.0
    keep: float = 0.0
    relate: float = 0.0
    stay: float = 0.0
    vocabulary: float = 0.0
    twin: float = 0.0
    attributes: bool = True
    margin: float = 0.0
    anchors_per_step: int = 4

    def __post_init__(self) -> None:
        check(
            self,
            *(
                (name, math.isfinite(weight) and weight >= 0, "a weight must be 0 (off) or more")
                for name, weight in self.weights().items()
            ),
            ("margin", math.isfinite(self.margin), "must be a number"),
            ("anchors_per_step", self.anchors_per_step >= 1, "must be at least 1 clip"),
        )

    def weights(self) -> dict[str, float]:
        """Each term's name and weight, switched off ones too."""
        return {name: getattr(self, name) for name in TERMS}

    def uses_anchors(self) -> bool:
        """Whether any term is on, so that a run needs anchor clips, captions or negative prompts."""
        return any(self.weights().values())

    def needs_anchor_clips(self) -> bool:
        """Whether a term that is on looks at anchor clips in each step."""
        return any(self.weights()[name] > 0 for name in ANCHOR_TERMS)

    def needs_frozen_clips(self) -> bool:
        """Whether a term that is on compares training clips with what the frozen tower makes of them."""
        return bool(self.relate or self.stay)


@dataclass(frozen=True)
class WhiteningConfig:
    """Whether, and by what, the joint space of clips and texts is whitened; see ``ga2app.method.whitening``.

    Directions in which irrelevant clips differ, and clips of one class, count for less. ``anchors`` is the share of
    the anchors' scatter beside that of the shots, ``shrinkage`` the share of the variance added to every direction
    (much of it: hardly whitened), ``center`` how much of the mean clip is taken off each clip.
    """

    enabled: bool = False
    anchors: float = 0.25
    shrinkage: float = 0.05
    center: float = 0.5

    def __post_init__(self) -> None:
        check(
            self,
            ("anchors", 0 <= self.anchors <= 1, "is a share, between 0 and 1"),
            (
                "shrinkage",
                math.isfinite(self.shrinkage) and self.shrinkage >= 1e-4,
                "must be at least 0.0001; 0.05 is a good start",
            ),
            ("center", 0 <= self.center <= 1, "is a share, between 0 and 1"),
        )


@dataclass(frozen=True)
class OptimizerConfig:
    """AdamW with linear warm-up from 0 and cosine decay to 0 (paper, section 3).

    Test clips are evaluated after every ``evaluate_every``-th epoch, and always after the last one.

    ``batch_size`` clips pass the towers at once, so it is what fills the memory. A step takes ``accumulate`` such
    batches, ``batch_size * accumulate`` clips, and equals one step over all of them. ``max_gradient_norm`` shortens
    the gradient of a step, all parameters taken together, to that length; 0 leaves it as it is.
    """

    learning_rate: float = 4e-3
    weight_decay: float = 1e-3
    epochs: int = 12
    warmup_epochs: float = 2.0
    batch_size: int = 8
    evaluate_every: int = 1
    max_gradient_norm: float = 0.0
    accumulate: int = 1

    def __post_init__(self) -> None:
        check(
            self,
            (
                "learning_rate",
                math.isfinite(self.learning_rate) and 0 < self.learning_rate <= 1,
                "must be above 0 and at most 1; 0.004 is a good start",
            ),
            (
                "weight_decay",
                math.isfinite(self.weight_decay) and 0 <= self.weight_decay <= 1,
                "must be between 0 and 1",
            ),
            ("epochs", 1 <= self.epochs <= 1000, "must be between 1 and 1000"),
            ("warmup_epochs", 0 <= self.warmup_epochs < self.epochs, "must be 0 or more and below epochs"),
            ("batch_size", 1 <= self.batch_size <= 1024, "must be between 1 and 1024 clips"),
            ("evaluate_every", self.evaluate_every >= 1, "must be at least 1 epoch"),
            (
                "max_gradient_norm",
                math.isfinite(self.max_gradient_norm) and self.max_gradient_norm >= 0,
                "must be 0 (off) or more; 1 is usual",
            ),
            ("accumulate", 1 <= self.accumulate <= 1024, "must be between 1 and 1024 batches a step"),
        )


@dataclass(frozen=True)
class ClipConfig:
    """How clips become pixels. ``num_frames`` is T; flip and grayscale apply in training only."""

    num_frames: int = 32
    flip: bool = True
    grayscale: float = 0.2
    augment: bool = True

    def __post_init__(self) -> None:
        check(
            self,
            ("num_frames", 1 <= self.num_frames <= 256, "must be between 1 and 256 frames"),
            ("grayscale", 0 <= self.grayscale <= 1, "is a probability, between 0 and 1"),
        )


@dataclass(frozen=True)
class RunConfig:
    """One run, whole: what is trained on what, and how.

    ``anchors`` names an anchor set and ``negatives`` groups of negative prompts. Empty, they are the data set's own
    or, where it has none, those of the drawn demo; "none" is none at all.
    """

    dataset: str = DEMO
    backbone: str = SKETCH
    shots: int = 16
    seed: int = 1024
    device: str = "auto"
    precision: Precision = Precision.AUTO
    prompts: PromptConfig = field(default_factory=PromptConfig)
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    whitening: WhiteningConfig = field(default_factory=WhiteningConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    clips: ClipConfig = field(default_factory=ClipConfig)
    anchors: str = ""
    negatives: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check(
            self,
            ("dataset", bool(self.dataset.strip()), "name a data set, for example 'demo'"),
            ("backbone", bool(self.backbone.strip()), "name a backbone, for example 'sketch'"),
            ("shots", self.shots >= 1, "must be at least 1 clip a base class"),
            ("seed", 0 <= self.seed < 2**32, "must be between 0 and 4294967295"),
            (
                "device",
                self.device in ("auto", "cpu", "cuda", "mps") or self.device.startswith("cuda:"),
                "must be auto, cpu, cuda, cuda:N or mps",
            ),
            (
                "negatives",
                NOTHING not in self.negatives or len(self.negatives) == 1,
                f"names groups or '{NOTHING}', not both",
            ),
        )
        prompts, objective = self.prompts, self.objective
        faults = []
        if not (prompts.visual_depth or prompts.text_depth):
            rule = "nothing would be learned with both depths 0; set one of them to 1 or more"
            faults.append(Fault("prompts.text_depth", rule))
        for name in ("keep", "relate", "stay"):
            if getattr(objective, name) and not prompts.visual_depth:
                rule = (
                    "needs visual prompts: without them no clip can move; set it to 0 or prompts.visual_depth above 0"
                )
                faults.append(Fault(f"objective.{name}", rule))
        if (objective.vocabulary or objective.twin) and not prompts.text_depth:
            rule = "needs text prompts: without them no text can move; set it to 0 or prompts.text_depth above 0"
            faults.append(Fault("objective.vocabulary" if objective.vocabulary else "objective.twin", rule))
        if faults:
            raise ConfigError(faults)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RunConfig:
        """The configuration that ``to_dict`` wrote; raises ConfigError with every fault found."""
        return read(cls, data, "")

    def passed_on(self) -> RunConfig:
        """The same settings as a bundle tells them: the folder of a hard prompt by its name alone."""
        return replace(self, prompts=replace(self.prompts, hard_prompt=PurePath(self.prompts.hard_prompt).name))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; ``from_dict`` gives back an equal configuration."""
        return {**asdict(self), "negatives": list(self.negatives)}
