"""The settings of a run as a person meets them: groups from few to many, each setting with its help and unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ga2app.config import PRESETS, Precision, RunConfig, preset
from ga2app.errors import Fault
from ga2app.services.prompt_fit import too_small_for


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

REGULARIZERS = Group(
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
        Setting("anchors", "Anchor set", "Anchor clips: irrelevant footage whose features must not change.", Input.ONE),
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
        Setting("clips.grayscale", "Grayscale", "Probability that a training clip is shown without color, 0 to 1."),
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
            "Zero-shot ratio",
            "Share of zero-shot CLIP in the outputs after training (output ensembling), 0 to below 1. It forgets less.",
        ),
        Setting("prompts.dropout", "Dropout", "Share of the text prompt hidden in each step, 0 to below 1."),
    ),
)

LOSSES = Group(
    "Losses: regularization weights",
    (
        Setting("objective.vocabulary", "Text distillation", "Weight: generic texts keep their features. 0 is off."),
        Setting(
            "objective.twin",
            "Class-relation distillation",
            "Weight: labels keep their relations as anchor clips see them.",
        ),
        Setting(
            "objective.keep",
            "Anchor distillation",
            "Weight: anchor clips keep their features and their relations to generic texts.",
        ),
        Setting(
            "objective.relate", "Relation distillation", "Weight: training clips keep their relations to generic texts."
        ),
        Setting(
            "objective.stay", "Feature distillation", "Weight: training clips keep their features of zero-shot CLIP."
        ),
        Setting(
            "objective.attributes",
            "Wide vocabulary",
            "Count colors, places and the hard prompt's labels among the generic texts, not the captions alone.",
            Input.SWITCH,
        ),
        Setting("objective.reject", "Anchor rejection", "Weight: anchor clips prefer a negative prompt to any label."),
        Setting("objective.extra_class", "Background class", "Weight: anchor clips are a class of their own."),
        Setting(
            "objective.released",
            "Released anchor term",
            "Weight: as in the published code, where it has no effect with one negative. For comparison only.",
        ),
        Setting("objective.margin", "Rejection margin", "By how much a negative prompt has to win, in logits."),
        Setting(
            "objective.anchors_per_step",
            "Anchor clips a step",
            "Anchor clips seen in each optimizer step.",
            Input.WHOLE,
        ),
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
        Setting("processes", "Processes", "That share the run: auto is one for each CUDA device.", Input.TEXT),
    ),
)

GROUPS = (FIRST, REGULARIZERS, LEARNING, CLIPS, PROMPTS, LOSSES, WHITENING, MACHINE)
"""Few first: what a beginner may want to change, then what is better left to the preset."""

SETTINGS = tuple(setting for group in GROUPS for setting in group.settings)


def label_of(path: str) -> str:
    """What the screen calls the field at ``path``; the path itself where there is no such field."""
    if path in BESIDE_LABELS:
        return BESIDE_LABELS[path]
    return next((setting.label for setting in SETTINGS if setting.path == path), path)


PRESET_TITLES = {
    "quick": "Quick",
    "full": "Full",
    "paper-hmdb": "Paper HMDB-51",
    "paper-ucf": "Paper UCF-101",
    "paper-ssv2": "Paper SSv2",
    "paper-k400": "Paper K400",
}
_PAPER_HELP = "The published run, setting by setting, for that data set on CLIP ViT-B/16: hours on a GPU. {}"
_TO_NAME = _PAPER_HELP.format("Choose its hard prompt below: a bundle trained on Kinetics-400.")
PRESET_HELP = {
    "quick": "Learns text prompts only. Each clip is looked at once: seconds to a minute, even without a GPU.",
    "full": "Learns prompts in both towers: adapts to how your clips look, and takes minutes to hours.",
    "paper-hmdb": _TO_NAME,
    "paper-ucf": _TO_NAME,
    "paper-ssv2": _TO_NAME,
    "paper-k400": _PAPER_HELP.format("The bundle that it makes is the hard prompt of the other three."),
}
NEEDS = " (needs "
"""Marks a title that cannot be chosen; ``accessible_controls.js`` looks for it."""


def preset_choices(backbone: str) -> list[tuple[str, str]]:
    """Titles and names for the list; a preset that ``backbone`` is too small for says so, and the page closes it."""
    lacking = {name: too_small_for(backbone, preset(name, backbone).prompts) for name in PRESETS}
    return [(PRESET_TITLES[name] + (f"{NEEDS}{lacking[name]})" if lacking[name] else ""), name) for name in PRESETS]


def preset_info(name: str, backbone: str) -> str:
    """The help of the preset ``name``, and what to do about those that are closed."""
    closed = any(NEEDS in title for title, _ in preset_choices(backbone))
    return PRESET_HELP[name] + (" The gray ones need a larger backbone, such as CLIP ViT-B/16." if closed else "")


def values_of(config: RunConfig) -> dict[str, Any]:
    """What the form shows for ``config``: the value of each setting by its path."""
    data, values = config.to_dict(), {}
    for setting in SETTINGS:
        section, _, name = setting.path.rpartition(".")
        value = (data[section] if section else data)[name]
        values[setting.path] = str(value) if setting.input is Input.TEXT else value
    return values


def entered(values: object) -> dict[str, Any]:
    """The settings in what a browser sent, by path: whole numbers as such, and nothing that is no setting."""
    given = values if isinstance(values, Mapping) else {}
    found: dict[str, Any] = {}
    for setting in SETTINGS:
        value = given.get(setting.path)
        if setting.input is Input.WHOLE and isinstance(value, float) and value.is_integer():
            value = int(value)
        found[setting.path] = list(value or ()) if setting.input is Input.SEVERAL else value
    return found


def fits(setting: Setting, value: object) -> bool:
    """Whether ``value``, as a browser kept it, is of the kind that ``setting`` takes."""
    match setting.input:
        case Input.WHOLE | Input.NUMBER:
            return value is None or (isinstance(value, int | float) and not isinstance(value, bool))
        case Input.SWITCH:
            return isinstance(value, bool)
        case Input.CHOICE:
            return value in {one for _, one in setting.choices}
        case Input.SEVERAL:
            return isinstance(value, list) and all(isinstance(one, str) for one in value)
        case Input.ONE | Input.TEXT:
            return isinstance(value, str)


def by_field(faults: Sequence[Fault]) -> dict[str, str]:
    """What is wrong with each field."""
    told: dict[str, list[str]] = {}
    for fault in faults:
        told.setdefault(fault.field, []).append(fault.message)
    return {path: "⚠ " + "; ".join(messages) for path, messages in told.items()}
