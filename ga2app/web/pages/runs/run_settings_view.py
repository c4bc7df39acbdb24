"""The settings of a run in readable form: what differs from the preset first; and what could not be used as asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from ga2app.config import PRESETS, RunConfig, preset
from ga2app.config.presets import method_of
from ga2app.config.reading import flat
from ga2app.errors import ConfigError
from ga2app.services.run_comparison import as_in_json
from ga2app.types import Adjustment, Conditions, Report, RunRecord
from ga2app.web.components.markup import notices, render
from ga2app.web.pages.train.train_settings import PRESET_TITLES, SETTINGS

_NOT_OF_A_PRESET = ("dataset", "backbone", "seed", "device", "processes", "anchors", "negatives")
_LABELS = {setting.path: setting.label for setting in SETTINGS} | {
    "dataset": "Data set",
    "backbone": "Backbone",
    "seed": "Seed",
    "device": "Device",
    "precision": "Precision",
    "anchors": "Anchor set",
    "negatives": "Negative prompts",
}
_LEFT_OPEN = "those of the data set, or borrowed where it has none"
"""Anchors and negative prompts that nobody named."""
_SHOWN_NEGATIVES = 12


def label_of(path: str) -> str:
    """What the screens call a setting."""
    return _LABELS.get(path) or path.rpartition(".")[2].replace("_", " ").capitalize()


def value_text(value: Any) -> str:
    """The value of a setting for a person."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value) or _LEFT_OPEN
    return str(value) if value != "" else _LEFT_OPEN


def adjusted_text(one: Adjustment) -> str:
    """A setting that was not used as asked, in one sentence."""
    asked, used = value_text(one.asked), value_text(one.used)
    return f"{label_of(one.setting)}: {asked} was asked for and {used} was used, because {one.reason}."


def adjusted_html(conditions: Conditions) -> Markup:
    """All settings that were not used as asked; empty where there are none."""
    return Markup(notices("warning", [adjusted_text(one) for one in conditions.adjustments], "Not as asked for:"))


def preset_word(config: Mapping[str, Any]) -> str:
    """Quick where only text prompts are learned, else Full."""
    return "Full" if config.get("prompts", {}).get("visual_depth") else "Quick"


def method_word(config: Mapping[str, Any]) -> str:
    """Quick or Full, and the method that these settings amount to."""
    try:
        return f"{preset_word(config)}, {method_of(RunConfig.from_dict(config))}"
    except ConfigError:
        return preset_word(config)


def nearest_preset(config: Mapping[str, Any]) -> tuple[str, dict[str, tuple[Any, Any]]]:
    """The preset with the fewest differences, and these: path to (value of the run, value of the preset)."""
    own = flat(config)
    best: tuple[str, dict[str, tuple[Any, Any]]] | None = None
    for name in PRESETS:
        try:
            start = flat(preset(name, str(config.get("backbone", ""))).to_dict())
        except ConfigError:
            continue
        differing = {
            path: (own[path], start[path])
            for path in start
            if path in own and path not in _NOT_OF_A_PRESET and as_in_json(own[path]) != as_in_json(start[path])
        }
        if best is None or len(differing) < len(best[1]):
            best = name, differing
    return best or (PRESETS[0], {})


def settings_html(
    run: RunRecord, report: Report | None, backbone_title: str, conditions: Conditions | None = None
) -> Markup:
    """What a run was trained on and how, from what sets it apart to everything.

    ``conditions`` are what it really used, where that is known.
    """
    name, differing = nearest_preset(run.config)
    own, used = flat(run.config), conditions or Conditions()
    title = PRESET_TITLES.get(name, name)
    real = {"anchors": used.anchors, "negatives": used.negatives, "backbone": backbone_title}
    about = [("Preset", title if not differing else f"{title}, with {len(differing)} changed")]
    about += [(label_of(path), real.get(path) or value_text(own[path])) for path in _NOT_OF_A_PRESET if path in own]
    if used.clips:
        about.append(("Training clips", f"{used.clips}: {used.shots_text(int(own.get('shots', 0)))}"))
    instead = {one.setting: value_text(one.used) for one in used.adjustments}
    return render(
        "run_settings.html",
        about=about,
        adjusted=adjusted_html(used),
        preset=title,
        changed=[(label_of(path), *map(value_text, values)) for path, values in differing.items()],
        made_with=_made_with(report) if report else [],
        everything=[
            (label_of(path), value_text(value), instead.get(path), path)
            for path, value in sorted(own.items(), key=lambda item: ("." in item[0], item[0]))
        ],
    )


def _made_with(report: Report) -> list[tuple[str, str]]:
    shown = ", ".join(report.negatives[:_SHOWN_NEGATIVES])
    facts = [
        ("Anchors show", ", ".join(report.anchor_captions)),
        ("Negative prompts", shown + (" …" if len(report.negatives) > _SHOWN_NEGATIVES else "")),
        ("Versions", ", ".join(f"{name} {version}" for name, version in (report.packages or {}).items())),
    ]
    return [fact for fact in facts if fact[1]]
