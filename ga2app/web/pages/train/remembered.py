"""What the form says outlives a reload: kept in the browser, and nothing old is trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from ga2app.config import PRESETS, preset
from ga2app.services.studio import Studio
from ga2app.web.components.backbone_field import backbone_info
from ga2app.web.pages.train import form
from ga2app.web.pages.train import train_actions as actions
from ga2app.web.pages.train.choices import dataset_choices
from ga2app.web.pages.train.plan import Entered
from ga2app.web.pages.train.preset_choice import preset_choices, preset_info
from ga2app.web.pages.train.train_settings import SETTINGS, Input, Setting

STORAGE_KEY = "ga2-train"


def build_memory() -> gr.BrowserState:
    """Where the browser keeps the form."""
    return gr.BrowserState({}, storage_key=STORAGE_KEY, secret="ga2-studio")


def to_remember(preset_name: str | None, entered: Entered) -> dict[str, Any]:
    """The form as plain JSON, each setting by its path: others may have come when it is read again."""
    return {
        "preset": preset_name,
        "name": entered.name,
        "datasets": list(entered.datasets),
        "backbone": entered.backbone,
        "seeds": entered.seeds,
        "values": dict(zip([setting.path for setting in SETTINGS], entered.values, strict=True)),
    }


def recalled(studio: Studio, memory: object) -> list[Any]:
    """Data sets, their card, the clock, backbone, preset, seeds, name and every field as ``memory`` has them.

    A data set or a backbone that is gone, and a value of another kind, are left as they are.
    """
    kept: Mapping[str, Any] = memory if isinstance(memory, dict) else {}
    names = [name for _, name in dataset_choices(studio)]
    datasets = [name for name in _texts(kept.get("datasets")) if name in names]
    listed = actions.refresh_datasets(studio, datasets or None)
    if not kept:
        return [*listed, *[gr.skip()] * (4 + len(SETTINGS))]
    known = [choice.name for choice in studio.backbones()]
    backbone = next((name for name in known if name == kept.get("backbone")), known[0])
    chosen = next((name for name in PRESETS if name == kept.get("preset")), None)
    info = preset_info(chosen, backbone) if chosen else "Filled in as you left it. Choose a preset to start afresh."
    return [
        *listed,
        gr.update(value=backbone, info=backbone_info(backbone, studio)),
        gr.update(value=chosen, info=info, choices=preset_choices(backbone)),
        _text(kept.get("seeds")),
        _text(kept.get("name")),
        *actions.field_values(studio, backbone, _values(kept.get("values"), chosen or PRESETS[0], backbone)),
    ]


def _values(kept: object, preset_name: str, backbone: str) -> list[Any]:
    """The kept values; those of the preset where there is none, or one of another kind."""
    start = form.values_of(preset(preset_name, backbone))
    by_path = kept if isinstance(kept, dict) else {}
    return [
        by_path[setting.path] if setting.path in by_path and _fits(setting, by_path[setting.path]) else value
        for setting, value in zip(SETTINGS, start, strict=True)
    ]


def _fits(setting: Setting, value: object) -> bool:
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


def _texts(value: object) -> Sequence[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _text(value: object) -> Any:
    return value if isinstance(value, str) else gr.skip()
