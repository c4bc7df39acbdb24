"""The settings of a run: one frozen dataclass a concern, each field with its rule."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from pathlib import PurePath
from typing import Any

from ga2app.config.reading import Checked, quoted, read, setting, written
from ga2app.errors import Fault

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


class Pooling(StrEnum):
    """What makes a clip feature of frame features: their ``mean``, or the mean and a learned term for their order."""

    MEAN = "mean"
    ORDERED = "ordered"


@dataclass(frozen=True)
class PromptConfig(Checked):
    """Which prompts are learned (paper, section 3).

    ``length`` is P. ``visual_depth`` and ``text_depth`` count prompted layers; 0 leaves that tower alone, and
    a visual depth of 0 is Quick mode. ``coupled`` joins the soft prompt to a frozen hard prompt. ``zero_shot_ratio``
    is the share of the frozen towers in frame and class features after training (weight-space
    ensembling of outputs): 0 as in the paper, 0.5 the mean of both, which costs a second pass of the vision tower.
    ``pooling`` is how a clip feature is made of frame features; see ``ga2app.method.pooling``.
    """

    length: int = setting(16, lambda tokens: tokens >= 1, "must be at least 1 token")
    visual_depth: int = setting(9, lambda layers: layers >= 0, "must be 0 (off) or more layers")
    text_depth: int = setting(9, lambda layers: layers >= 0, "must be 0 (off) or more layers")
    coupled: bool = True
    dropout: float = setting(0.5, lambda share: 0 <= share < 1, "must be at least 0 and below 1")
    hard_prompt: str = HARD_PROMPT_EMBEDDED
    zero_shot_ratio: float = setting(
        0.0, lambda share: 0 <= share < 1, "is a share: at least 0 and below 1", key="residual"
    )
    pooling: Pooling = Pooling.MEAN

    @property
    def ordered(self) -> bool:
        """Whether the order of the frames counts."""
        return self.pooling is Pooling.ORDERED

    @property
    def moves_clips(self) -> bool:
        """Whether clip features are other than those of zero-shot CLIP."""
        return bool(self.visual_depth) or self.ordered

    def between(self) -> list[Fault]:
        """A coupled text prompt needs a text prompt."""
        if self.coupled and self.text_depth < 1:
            return [Fault("coupled", "needs a text_depth of at least 1 (it is True)")]
        return []


ANCHOR_TERMS = ("released", "reject", "extra_class", "keep", "twin")
"""Terms that look at anchor clips."""

TERMS = (*ANCHOR_TERMS, "relate", "stay", "vocabulary")
"""All terms beside the cross-entropy."""


def _weight(key: str = "") -> Any:
    return setting(0.0, lambda weight: weight >= 0, "a weight must be 0 (off) or more", key=key)


@dataclass(frozen=True)
class LossConfig(Checked):
    """Weights of the losses beside the cross-entropy (paper, section 3.3); 0 switches one off.

    Files keep the short keys of ``TERMS``, which every version reads, and are read under both: ``keep`` is
    ``anchor_distillation``. ``released`` repeats the published code, whose anchor has no gradient with one negative:
    it is there for parity with published runs, not to be used. ``attributes`` widens the generic texts of the anchor,
    relation and text distillation from the anchors' captions and the negatives to general attributes and
    to the names of the classes that the hard prompt was learned on.
    """

    released: float = _weight()
    anchor_rejection: float = _weight("reject")
    background_class: float = _weight("extra_class")
    anchor_distillation: float = _weight("keep")
    relation_distillation: float = _weight("relate")
    feature_distillation: float = _weight("stay")
    text_distillation: float = _weight("vocabulary")
    class_relation_distillation: float = _weight("twin")
    attributes: bool = True
    margin: float = setting(0.0, lambda margin: True, "must be a number")
    anchors_per_step: int = setting(4, lambda clips: clips >= 1, "must be at least 1 clip")

    def weights(self) -> dict[str, float]:
        """Each term's key and weight, switched off ones too."""
        values = written(self)
        return {key: values[key] for key in TERMS}

    def uses_anchors(self) -> bool:
        """Whether any term is on, so that a run needs anchor clips, captions or negative prompts."""
        return any(self.weights().values())

    def anchors_drawn(self) -> int:
        """Anchor clips of a step: the published code reads one."""
        return 1 if self.released else self.anchors_per_step

    def needs_anchor_clips(self) -> bool:
        """Whether a term that is on looks at anchor clips in each step."""
        return any(self.weights()[name] > 0 for name in ANCHOR_TERMS)

    def needs_frozen_clips(self) -> bool:
        """Whether a term that is on compares training clips with what the frozen tower makes of them."""
        return bool(self.relation_distillation or self.feature_distillation)


@dataclass(frozen=True)
class WhiteningConfig(Checked):
    """Whether, and by what, the joint space of clips and texts is whitened; see ``ga2app.method.whitening``.

    Directions in which irrelevant clips differ, and clips of one class, count for less. ``anchors`` is the share of
    the anchors' scatter beside that of the shots, ``shrinkage`` the share of the variance added to every direction
    (much of it: hardly whitened), ``center`` how much of the mean clip is taken off each clip.
    """

    enabled: bool = False
    anchors: float = setting(0.25, lambda share: 0 <= share <= 1, "is a share, between 0 and 1")
    shrinkage: float = setting(0.05, lambda share: share >= 1e-4, "must be at least 0.0001; 0.05 is a good start")
    center: float = setting(0.5, lambda share: 0 <= share <= 1, "is a share, between 0 and 1")


@dataclass(frozen=True)
class OptimizerConfig(Checked):
    """AdamW with linear warm-up from 0 and cosine decay to 0 (paper, section 3).

    Test clips are evaluated after every ``evaluate_every``-th epoch, and always after the last one.

    ``batch_size`` clips pass the towers at once, so it is what fills the memory. A step takes ``accumulate`` such
    batches, ``batch_size * accumulate`` clips, and equals one step over all of them. ``max_gradient_norm`` shortens
    the gradient of a step, all parameters taken together, to that length; 0 leaves it as it is. ``checkpointing``
    keeps the inputs of the vision tower's layers alone between the passes forward and back, and computes the rest
    twice: less memory, longer steps, the same gradients.
    """

    learning_rate: float = setting(
        4e-3, lambda rate: 0 < rate <= 1, "must be above 0 and at most 1; 0.004 is a good start"
    )
    weight_decay: float = setting(1e-3, lambda decay: 0 <= decay <= 1, "must be between 0 and 1")
    epochs: int = setting(12, lambda epochs: 1 <= epochs <= 1000, "must be between 1 and 1000")
    warmup_epochs: float = 2.0
    batch_size: int = setting(8, lambda clips: 1 <= clips <= 1024, "must be between 1 and 1024 clips")
    evaluate_every: int = setting(1, lambda epochs: epochs >= 1, "must be at least 1 epoch")
    max_gradient_norm: float = setting(0.0, lambda norm: norm >= 0, "must be 0 (off) or more; 1 is usual")
    accumulate: int = setting(1, lambda batches: 1 <= batches <= 1024, "must be between 1 and 1024 batches a step")
    checkpointing: bool = False

    def between(self) -> list[Fault]:
        """A warm-up that is not over before the last epoch."""
        if 0 <= self.warmup_epochs < self.epochs:
            return []
        return [Fault("warmup_epochs", f"must be 0 or more and below epochs (it is {quoted(self.warmup_epochs)})")]


@dataclass(frozen=True)
class ClipConfig(Checked):
    """How clips become pixels. ``num_frames`` is T; flip and grayscale apply in training only.

    ``decoders`` is how many processes decode at once, on each machine: those of a run on several share them. 0: what
    ``GA2_DECODERS`` says, else one for each core, at most 8.
    ``cache_bytes`` is what decoded frames may take on disk, so that a video is opened once and not once an epoch; 0
    keeps none. Neither changes what is learned.
    """

    num_frames: int = setting(32, lambda frames: 1 <= frames <= 256, "must be between 1 and 256 frames")
    flip: bool = True
    grayscale: float = setting(0.2, lambda share: 0 <= share <= 1, "is a probability, between 0 and 1")
    augment: bool = True
    decoders: int = setting(0, lambda count: 0 <= count <= 64, "must be 0 (as many as suit the machine) to 64")
    cache_bytes: int = setting(16 * 10**9, lambda size: size >= 0, "must be 0 (off) or more bytes")


def _is_device(name: str) -> bool:
    return name in ("auto", "cpu", "cuda", "mps") or name.startswith("cuda:")


AUTO = "auto"
"""Where a number of processes is set: as many as there are CUDA devices, one on a processor."""

TRACKERS = ("trackio", "tensorboard", "wandb")
"""Experiment trackers that a run can report to, by the names of their packages."""


def _is_number(count: int | str) -> bool:
    return count == AUTO or (isinstance(count, int) and 1 <= count <= 1024)


ATTENTIONS = (AUTO, "sdpa", "eager")
"""Forms of attention, the same but for rounding. ``auto`` is the one that was faster when this machine timed both."""


@dataclass(frozen=True)
class RunConfig(Checked):
    """One run, whole: what is trained on what, and how.

    ``anchors`` names an anchor set and ``negatives`` groups of negative prompts. Empty, they are the data set's own
    or, where it has none, those of the drawn demo; "none" is none at all. ``processes`` share the clips of each step
    and of each measurement, one a CUDA device where it is ``auto``; how many they are changes nothing but the time.
    ``threads`` of a processor are those of all these processes together; ``auto`` is what was timed and faster.
    ``report_to`` names experiment trackers, which file the run under ``project``; ``trackio_space_id`` is the Space
    that Trackio sends it to, empty for this machine. They change nothing that is learned.
    """

    dataset: str = setting(DEMO, lambda name: bool(name.strip()), "name a data set, for example 'demo'")
    backbone: str = setting(SKETCH, lambda name: bool(name.strip()), "name a backbone, for example 'sketch'")
    shots: int = setting(16, lambda clips: clips >= 1, "must be at least 1 clip a base class")
    seed: int = setting(1024, lambda seed: 0 <= seed < 2**32, "must be between 0 and 4294967295")
    device: str = setting("auto", _is_device, "must be auto, cpu, cuda, cuda:N or mps")
    precision: Precision = Precision.AUTO
    attention: str = setting(AUTO, lambda name: name in ATTENTIONS, f"must be one of {', '.join(ATTENTIONS)}")
    processes: int | str = setting(AUTO, _is_number, "must be auto or a number of processes from 1 to 1024")
    threads: int | str = setting(AUTO, _is_number, "must be auto or a number of threads from 1 to 1024")
    prompts: PromptConfig = field(default_factory=PromptConfig)
    losses: LossConfig = field(default_factory=LossConfig, metadata={"key": "objective"})
    whitening: WhiteningConfig = field(default_factory=WhiteningConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    clips: ClipConfig = field(default_factory=ClipConfig)
    anchors: str = ""
    negatives: tuple[str, ...] = setting(
        (), lambda groups: NOTHING not in groups or len(groups) == 1, f"names groups or '{NOTHING}', not both"
    )

    report_to: tuple[str, ...] = setting((), set(TRACKERS).issuperset, f"names any of {', '.join(TRACKERS)}")
    project: str = setting("ga2-studio", partial(re.fullmatch, r"[\w-]{1,80}"), "must be letters, digits, - and _")
    trackio_space_id: str = setting("", partial(re.fullmatch, r"([\w-]+/[\w.-]+)?"), "names a Space as user/name")

    def between(self) -> list[Fault]:
        """Terms that could not act, since what they hold in place cannot move."""
        prompts, weights, faults = self.prompts, self.losses.weights(), []
        if not (prompts.moves_clips or prompts.text_depth):
            rule = "nothing would be learned with both depths 0; set one of them to 1 or more"
            faults.append(Fault("prompts.text_depth", rule))
        for moves, tower, moved, terms in (
            (prompts.moves_clips, "visual", "clip", ("keep", "relate", "stay")),
            (prompts.text_depth, "text", "text", ("vocabulary", "twin")),
        ):
            rule = (
                f"needs {tower} prompts: without them no {moved} can move; set it to 0 or prompts.{tower}_depth above 0"
            )
            faults += [Fault(f"objective.{name}", rule) for name in terms if weights[name] and not moves]
        return faults

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RunConfig:
        """The configuration that ``to_dict`` wrote; raises ConfigError with every fault found."""
        return read(cls, data)

    def passed_on(self) -> RunConfig:
        """The same settings as a bundle tells them: the folder of a hard prompt by its name alone, and nothing of how
        many processes shared the work, how clips were read, what was computed twice, who was told: it changes nothing.
        """
        prompts = replace(self.prompts, hard_prompt=PurePath(self.prompts.hard_prompt).name)
        clips = replace(self.clips, decoders=ClipConfig.decoders, cache_bytes=ClipConfig.cache_bytes)
        optimizer = replace(self.optimizer, checkpointing=False)
        alike = replace(self, processes=AUTO, attention=AUTO, threads=AUTO, report_to=())
        alike = replace(alike, project=RunConfig.project, trackio_space_id="")
        return replace(alike, prompts=prompts, clips=clips, optimizer=optimizer)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; ``from_dict`` gives back an equal configuration."""
        return {**written(self), "negatives": list(self.negatives), "report_to": list(self.report_to)}
