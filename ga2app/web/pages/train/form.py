"""The settings of a run as a form: one entry for each field of ``RunConfig``, by its dotted path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from ga2app.config import RunConfig
from ga2app.errors import Fault
from ga2app.web.pages.train.train_settings import BESIDE, GROUPS, SETTINGS, Input, Setting

_WIDE_PX, _NARROW_PX = 290, 170


def make_field(
    setting: Setting, value: Any, choices: Sequence[tuple[str, str]] | None = None, *, wide: bool = False
) -> gr.components.Component:
    """The input of one setting; ``choices`` are those of a list that store and library fill."""
    common: dict[str, Any] = {
        "label": setting.label,
        "info": setting.help,
        "elem_id": field_id(setting.path),
        "min_width": _WIDE_PX if wide else _NARROW_PX,
    }
    match setting.input:
        case Input.WHOLE | Input.NUMBER:
            return gr.Number(value, **common)
        case Input.SWITCH:
            return gr.Checkbox(value, **common)
        case Input.CHOICE:
            return gr.Dropdown(list(setting.choices), value=value, **common)
        case Input.ONE:
            return gr.Dropdown(list(choices or ()), value=value, allow_custom_value=True, **common)
        case Input.SEVERAL:
            return gr.Dropdown(list(choices or ()), value=value, multiselect=True, **common)
        case Input.TEXT:
            return gr.Textbox(value, max_lines=1, **common)


def field_id(path: str) -> str:
    """The id of a setting's input on the page."""
    return "set-" + path.replace(".", "-").replace("_", "-")


def values_of(config: RunConfig) -> list[Any]:
    """What the fields show for ``config``, in the order of SETTINGS."""
    data = config.to_dict()
    return [_get(data, setting.path) for setting in SETTINGS]


def config_of(dataset: str, backbone: str, seed: int, values: Sequence[Any]) -> RunConfig:
    """The configuration that the form holds. Raises ConfigError with every fault, each at its dotted path."""
    data: dict[str, Any] = {"dataset": dataset, "backbone": backbone, "seed": seed}
    for setting, value in zip(SETTINGS, values, strict=True):
        section, _, name = setting.path.rpartition(".")
        target = data.setdefault(section, {}) if section else data
        target[name] = _entered(setting, value)
    return RunConfig.from_dict(data)


def field_updates(faults: Sequence[Fault]) -> list[Any]:
    """For each field its help, or in its place what is wrong with its value."""
    told = by_field(faults)
    return [
        gr.update(info=_marked(told[setting.path]), elem_classes=["faulty"])
        if setting.path in told
        else gr.update(info=setting.help, elem_classes=[])
        for setting in SETTINGS
    ]


def beside_updates(faults: Sequence[Fault], helps: Mapping[str, str]) -> list[Any]:
    """The same for the fields beside the form, in the order of BESIDE; ``helps`` is what they say without a fault."""
    told = by_field(faults)
    return [
        gr.update(info=_marked(told[path]), elem_classes=["faulty"])
        if path in told
        else gr.update(info=helps[path], elem_classes=[])
        for path in BESIDE
    ]


def group_updates(faults: Sequence[Fault]) -> list[Any]:
    """Open every group that holds a fault; leave the others as they are."""
    faulty = by_field(faults).keys()
    return [
        gr.update(open=True) if faulty & {setting.path for setting in group.settings} else gr.update()
        for group in GROUPS
    ]


def by_field(faults: Sequence[Fault]) -> dict[str, list[str]]:
    """What is wrong with each field."""
    told: dict[str, list[str]] = {}
    for fault in faults:
        told.setdefault(fault.field, []).append(fault.message)
    return told


def place_of(path: str) -> int:
    """Where the field at ``path`` stands among the settings."""
    return next(place for place, setting in enumerate(SETTINGS) if setting.path == path)


def _marked(messages: Sequence[str]) -> str:
    return "⚠ " + "; ".join(messages)


def _entered(setting: Setting, value: Any) -> Any:
    if setting.input is Input.WHOLE and isinstance(value, float) and value.is_integer():
        return int(value)
    if setting.input is Input.SEVERAL:
        return list(value or ())
    return value


def _get(data: Mapping[str, Any], path: str) -> Any:
    value: Any = data
    for part in path.split("."):
        value = value[part]
    return value
