"""The settings of a run as a form: one entry for each field of ``RunConfig``, by its dotted path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import gradio as gr

from ga2app.config import HARD_PROMPT_EMBEDDED, HARD_PROMPT_RANDOM, Precision, RunConfig
from ga2app.errors import Fault


class Input(StrEnum):
    """How a setting is entered."""

    WHOLE = "whole number"
    NUMBER = "number"
    SWITCH = "switch"
    CHOICE = "choice"
    TEXT = "text"


@dataclass(frozen=True)
class Setting:
    """One field of the form: its dotted path, what it is called, help with the unit, and how it is entered.

    A setting that is ``open`` takes other values than its choices, too.
    """

    path: str
    label: str
    help: str
    input: Input = Input.NUMBER
    choices: tuple[tuple[str, str], ...] = ()
    open: bool = False


@dataclass(frozen=True)
class Group:
    """Settings that are shown together."""

    title: str
    settings: tuple[Setting, ...]
    open: bool = False


PLACED_ELSEWHERE = ("dataset", "backbone", "anchors", "negatives")
"""Fields that the Train screen asks for beside the form."""

GROUPS = (
    Group(
        "How long, how fast",
        (
            Setting("optimizer.epochs", "Epochs", "Rounds through all training clips.", Input.WHOLE),
            Setting("optimizer.learning_rate", "Learning rate", "Size of a step; 0.004 is a good start."),
            Setting("optimizer.batch_size", "Batch size", "Clips at once. Lower it when memory runs out.", Input.WHOLE),
            Setting(
                "optimizer.accumulate",
                "Batches a step",
                "2 batches of 4 clips learn like 1 of 8, in the memory of 4.",
                Input.WHOLE,
            ),
            Setting("optimizer.warmup_epochs", "Warm-up", "Epochs in which the learning rate rises from 0."),
            Setting("optimizer.weight_decay", "Weight decay", "Pull of the prompts toward 0, between 0 and 1."),
            Setting("optimizer.max_gradient_norm", "Gradient limit", "Longest gradient of a step; 0 is off, 1 usual."),
            Setting("optimizer.evaluate_every", "Evaluate every", "Epochs between two evaluations.", Input.WHOLE),
        ),
        open=True,
    ),
    Group(
        "Clips",
        (
            Setting("shots", "Shots", "Training clips taken from each base class.", Input.WHOLE),
            Setting("clips.num_frames", "Frames", "Frames sampled from each clip.", Input.WHOLE),
            Setting("clips.augment", "Random crops", "Show a clip a little differently each time.", Input.SWITCH),
            Setting(
                "clips.flip", "Mirror at random", "Turn it off where left and right are different labels.", Input.SWITCH
            ),
            Setting("clips.grayscale", "Grayscale", "Share of training clips shown without color, 0 to 1."),
        ),
    ),
    Group(
        "Prompts",
        (
            Setting("prompts.length", "Prompt length", "Learned tokens in each prompted layer.", Input.WHOLE),
            Setting("prompts.visual_depth", "Visual depth", "Prompted layers, image tower. 0 is off.", Input.WHOLE),
            Setting("prompts.text_depth", "Text depth", "Prompted layers, text tower. 0 is off.", Input.WHOLE),
            Setting(
                "prompts.residual",
                "Residual",
                "Share of plain CLIP in what a frame looks like, after training: 0 to below 1. It forgets less.",
            ),
            Setting("prompts.dropout", "Dropout", "Share of the text prompt hidden in each step, 0 to below 1."),
            Setting(
                "prompts.coupled",
                "Coupled with a hard prompt",
                "A frozen prompt from other actions competes with the learned one: it forgets less.",
                Input.SWITCH,
            ),
            Setting(
                "prompts.hard_prompt",
                "Hard prompt",
                "Where the frozen prompt comes from; the folder of a bundle may be typed.",
                Input.CHOICE,
                (
                    ("Embedded: learned on other drawn actions", HARD_PROMPT_EMBEDDED),
                    ("Random", HARD_PROMPT_RANDOM),
                ),
                open=True,
            ),
        ),
    ),
    Group(
        "Anchors: what it must not forget",
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
    ),
    Group(
        "Whitening: what tells no labels apart",
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
    ),
    Group(
        "Machine",
        (
            Setting("seed", "Seed", "The same seed gives the same run.", Input.WHOLE),
            Setting("device", "Device", "auto, cpu, cuda, cuda:1 or mps.", Input.TEXT),
            Setting(
                "precision",
                "Precision",
                "Arithmetic of the towers; automatic takes bfloat16 where the device computes it natively.",
                Input.CHOICE,
                tuple(("automatic" if kind is Precision.AUTO else kind.value, kind.value) for kind in Precision),
            ),
        ),
    ),
)

SETTINGS = tuple(setting for group in GROUPS for setting in group.settings)


def make_field(setting: Setting, value: Any) -> gr.components.Component:
    """The input of one setting."""
    common: dict[str, Any] = {"label": setting.label, "info": setting.help, "elem_id": field_id(setting.path)}
    match setting.input:
        case Input.WHOLE | Input.NUMBER:
            return gr.Number(value, min_width=170, **common)
        case Input.SWITCH:
            return gr.Checkbox(value, min_width=170, **common)
        case Input.CHOICE:
            choices = list(setting.choices)
            return gr.Dropdown(choices, value=value, allow_custom_value=setting.open, min_width=170, **common)
        case Input.TEXT:
            return gr.Textbox(value, min_width=170, max_lines=1, **common)


def field_id(path: str) -> str:
    """The id of a setting's input on the page."""
    return "set-" + path.replace(".", "-").replace("_", "-")


def values_of(config: RunConfig) -> list[Any]:
    """What the fields show for ``config``, in the order of SETTINGS."""
    data = config.to_dict()
    return [_get(data, setting.path) for setting in SETTINGS]


def config_of(dataset: str, backbone: str, values: Sequence[Any]) -> RunConfig:
    """The configuration that the form holds. Raises ConfigError with every fault, each at its dotted path."""
    data: dict[str, Any] = {"dataset": dataset, "backbone": backbone}
    for setting, value in zip(SETTINGS, values, strict=True):
        section, _, name = setting.path.rpartition(".")
        target = data.setdefault(section, {}) if section else data
        target[name] = _entered(setting, value)
    return RunConfig.from_dict(data)


def field_updates(faults: Sequence[Fault]) -> list[Any]:
    """For each field its help, or in its place what is wrong with its value."""
    told: dict[str, list[str]] = {}
    for fault in faults:
        told.setdefault(fault.field, []).append(fault.message)
    return [
        gr.update(info="⚠ " + "; ".join(told[setting.path]), elem_classes=["faulty"])
        if setting.path in told
        else gr.update(info=setting.help, elem_classes=[])
        for setting in SETTINGS
    ]


def group_updates(faults: Sequence[Fault]) -> list[Any]:
    """Open every group that holds a fault; leave the others as they are."""
    faulty = {fault.field for fault in faults}
    return [
        gr.update(open=True) if faulty & {setting.path for setting in group.settings} else gr.update()
        for group in GROUPS
    ]


def label_of(path: str) -> str:
    """What the form calls the field at ``path``; the path itself where the form has no such field."""
    return next((setting.label for setting in SETTINGS if setting.path == path), path)


def _entered(setting: Setting, value: Any) -> Any:
    if setting.input is Input.WHOLE and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _get(data: Mapping[str, Any], path: str) -> Any:
    value: Any = data
    for part in path.split("."):
        value = value[part]
    return value
