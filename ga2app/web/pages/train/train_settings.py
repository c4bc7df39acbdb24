"""The settings of a run as a person meets them: groups from few to many, each setting with its help and unit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ga2app.config import Precision


class Input(StrEnum):
    """How a setting is entered. ``one`` and ``several`` are lists that the store and the library fill."""

    WHOLE = "whole number"
    NUMBER = "number"
    SWITCH = "switch"
    CHOICE = "choice"
    TEXT = "text"
    ONE = "one of a list"
    SEVERAL = "several of a list"


@dataclass(frozen=True)
class Setting:
    """One field of the form: its dotted path, what it is called, help with the unit, and how it is entered."""

    path: str
    label: str
    help: str
    input: Input = Input.NUMBER
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Group:
    """Settings that are shown together."""

    title: str
    settings: tuple[Setting, ...]
    open: bool = False


BESIDE = {
    "dataset": "several data sets may be chosen at once, one run each",
    "backbone": "the presets and the lists of the form depend on it",
    "seed": "several seeds may be given at once, one run each",
}
"""Fields of a run that the screen asks for beside the form, and why."""

BESIDE_LABELS = {"dataset": "Data sets", "backbone": "Backbone", "seed": "Seeds"}

FIRST = Group(
    "Basics",
    (
        Setting("optimizer.epochs", "Epochs", "Passes over the training set.", Input.WHOLE),
        Setting("shots", "Shots", "Training clips taken from each base label.", Input.WHOLE),
        Setting("clips.num_frames", "Frames", "Frames looked at in each clip.", Input.WHOLE),
        Setting("optimizer.batch_size", "Batch size", "Clips at once. Lower it when memory runs out.", Input.WHOLE),
        Setting("optimizer.learning_rate", "Learning rate", "AdamW learning rate; try 0.004 first."),
    ),
    open=True,
)

BRAKES = Group(
    "Hard prompt, anchors and negatives: so that nothing is forgotten",
    (
        Setting(
            "prompts.coupled",
            "Coupled with a hard prompt",
            "A frozen prompt from other actions competes with the learned one: it forgets less.",
            Input.SWITCH,
        ),
        Setting(
            "prompts.hard_prompt",
            "Hard prompt",
            "Where the frozen prompt comes from: bundles of the library that fit backbone and prompt length.",
            Input.ONE,
        ),
        Setting("anchors", "Anchor set", "Irrelevant clips whose meaning must not change.", Input.ONE),
        Setting(
            "negatives",
            "Negative prompts",
            "Groups of texts for 'none of these'. Left empty: the data set's own.",
            Input.SEVERAL,
        ),
    ),
)

LEARNING = Group(
    "Optimizer",
    (
        Setting(
            "optimizer.accumulate",
            "Gradient accumulation",
            "2 × 4 clips trains like a batch of 8 with the memory of 4.",
            Input.WHOLE,
        ),
        Setting("optimizer.warmup_epochs", "Warm-up", "Epochs in which the learning rate rises from 0."),
        Setting("optimizer.weight_decay", "Weight decay", "Pull of the prompts toward 0, between 0 and 1."),
        Setting("optimizer.max_gradient_norm", "Gradient clipping", "Max gradient norm; 0 = off, 1 is typical."),
        Setting("optimizer.evaluate_every", "Evaluate every", "Epochs between two evaluations.", Input.WHOLE),
    ),
)

CLIPS = Group(
    "Augmentation",
    (
        Setting("clips.augment", "Random crops", "Show a clip a little differently each time.", Input.SWITCH),
        Setting(
            "clips.flip", "Mirror at random", "Turn it off where left and right are different labels.", Input.SWITCH
        ),
        Setting("clips.grayscale", "Grayscale", "Share of training clips shown without color, 0 to 1."),
    ),
)

PROMPTS = Group(
    "Prompts: what is learned",
    (
        Setting("prompts.length", "Prompt length", "Learned tokens in each prompted layer.", Input.WHOLE),
        Setting("prompts.visual_depth", "Visual depth", "Prompted layers of the image tower. 0 is off.", Input.WHOLE),
        Setting("prompts.text_depth", "Text depth", "Prompted layers of the text tower. 0 is off.", Input.WHOLE),
        Setting(
            "prompts.residual",
            "Residual",
            "Share of plain CLIP in what a frame looks like, after training: 0 to below 1. It forgets less.",
        ),
        Setting("prompts.dropout", "Dropout", "Share of the text prompt hidden in each step, 0 to below 1."),
    ),
)

TERMS = Group(
    "Regularization weights",
    (
        Setting("objective.vocabulary", "Vocabulary", "Weight: everyday words keep their meaning. 0 is off."),
        Setting("objective.twin", "Twin", "Weight: labels keep their relations as irrelevant clips see them."),
        Setting("objective.keep", "Keep", "Weight: irrelevant clips keep their relations to words."),
        Setting("objective.relate", "Relate", "Weight: training clips keep their relations to everyday words."),
        Setting("objective.stay", "Stay", "Weight: training clips stay where plain CLIP puts them."),
        Setting(
            "objective.attributes",
            "Wide vocabulary",
            "Count colors, places and the hard prompt's labels among the everyday words, not the captions alone.",
            Input.SWITCH,
        ),
        Setting("objective.reject", "Reject", "Weight: irrelevant clips prefer a negative prompt to any label."),
        Setting("objective.extra_class", "Extra class", "Weight: irrelevant clips are a class of their own."),
        Setting(
            "objective.released",
            "Released",
            "Weight: as in the published code, where it has no effect with one negative. For comparison only.",
        ),
        Setting("objective.margin", "Margin of reject", "By how much a negative has to win, in logits."),
        Setting("objective.anchors_per_step", "Anchor clips a step", "Irrelevant clips in each step.", Input.WHOLE),
    ),
)

WHITENING = Group(
    "Feature whitening",
    (
        Setting(
            "whitening.enabled",
            "Whitening",
            "Places, light and camera count for less: what varies among irrelevant clips, and within a label.",
            Input.SWITCH,
        ),
        Setting("whitening.anchors", "Share of the anchors", "0 asks the training clips alone, 1 the anchors."),
        Setting("whitening.shrinkage", "Shrinkage", "Much of it whitens little; 0.05 is a good start."),
        Setting("whitening.center", "Centering", "How much of the average clip is taken off each, 0 to 1."),
    ),
)

MACHINE = Group(
    "Hardware",
    (
        Setting("device", "Device", "auto, cpu, cuda, cuda:1 or mps.", Input.TEXT),
        Setting(
            "precision",
            "Precision",
            "Arithmetic of the towers; automatic takes bfloat16 where the device computes it natively.",
            Input.CHOICE,
            tuple(("automatic" if kind is Precision.AUTO else kind.value, kind.value) for kind in Precision),
        ),
    ),
)

GROUPS = (FIRST, BRAKES, LEARNING, CLIPS, PROMPTS, TERMS, WHITENING, MACHINE)
"""Few first: what a beginner may want to change, then what is better left to the preset."""

SETTINGS = tuple(setting for group in GROUPS for setting in group.settings)


def label_of(path: str) -> str:
    """What the screen calls the field at ``path``; the path itself where there is no such field."""
    if path in BESIDE_LABELS:
        return BESIDE_LABELS[path]
    return next((setting.label for setting in SETTINGS if setting.path == path), path)
