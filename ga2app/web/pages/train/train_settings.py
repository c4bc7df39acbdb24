"""The settings of a run as a person meets them: groups from few to many, each setting with its help and unit.

``train_settings.toml`` has them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from ga2app.config import ATTENTIONS, AUTO, PRESETS, Pooling, Precision, RunConfig, preset
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
    """Settings that are shown together, ``wide`` ones in one column."""

    title: str
    settings: tuple[Setting, ...]
    open: bool = False
    wide: bool = False


BESIDE = {
    "dataset": "several data sets may be chosen at once, one run each",
    "backbone": "the presets and the lists of the form depend on it",
    "seed": "several seeds may be given at once, one run each",
}
"""Fields of a run that the screen asks for beside the form, and why."""

BESIDE_LABELS = {"dataset": "Data sets", "backbone": "Backbone", "seed": "Seeds"}
BESIDE_LABELS |= {"vary": "Vary settings", "random": "Draw at random"}
BESIDE_LABELS |= {"on": "Machine", "flavor": "Flavor", "timeout": "Time limit"}

_CHOICES = {
    path: tuple(("automatic" if value == AUTO else value, value) for value in values)
    for path, values in (
        ("precision", [kind.value for kind in Precision]),
        ("attention", ATTENTIONS),
        ("prompts.pooling", [kind.value for kind in Pooling]),
    )
}


def _group(told: Mapping[str, Any]) -> Group:
    settings = []
    for path, label, about, *how in told["settings"]:
        kind = Input(*how) if how else Input.NUMBER
        settings.append(Setting(path, label, about, kind, _CHOICES.get(path, ())))
    return Group(told["title"], tuple(settings), told.get("open", False), told.get("wide", False))


_FILE = Path(__file__).with_suffix(".toml")
GROUPS = tuple(_group(told) for told in tomllib.loads(_FILE.read_text(encoding="utf-8"))["group"])
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
    "ga2": "GA²-CLIP as in the paper",
    "paper-hmdb": "Paper HMDB-51",
    "paper-ucf": "Paper UCF-101",
    "paper-ssv2": "Paper SSv2",
    "paper-k400": "Paper K400",
}
_PAPER_HELP = "The published run, setting by setting, for that data set on CLIP ViT-B/16: hours on a GPU. {}"
_TO_NAME = _PAPER_HELP.format("Choose its hard prompt below: a bundle trained on Kinetics-400.")
PRESET_HELP = {
    "quick": "Learns text prompts only. Each clip is encoded once: seconds to a minute, even without a GPU.",
    "full": "Learns prompts in both towers: adapts to how your clips look, and takes minutes to hours.",
    "ga2": "As Full with the parts of the paper alone: coupled prompts and one anchor term. Whitening, zero-shot ratio "
    "and text distillation are ours and off; on drawn clips whitening gains most.",
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
