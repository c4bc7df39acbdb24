"""The settings of a run in readable form: what differs from the preset first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ga2app.config import PRESETS, preset
from ga2app.errors import ConfigError
from ga2app.types import Conditions, Report, RunRecord
from ga2app.web.components.markup import escape
from ga2app.web.pages.runs.run_messages import label_of as label_of
from ga2app.web.pages.runs.run_messages import spoken as spoken
from ga2app.web.pages.runs.standing import adjusted_html
from ga2app.web.pages.train.preset_choice import PRESET_TITLES

_NOT_OF_A_PRESET = ("dataset", "backbone", "seed", "device", "anchors", "negatives")


def flat(config: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Every setting by its dotted path."""
    found: dict[str, Any] = {}
    for key, value in config.items():
        path = f"{above}{key}"
        found |= flat(value, f"{path}.") if isinstance(value, Mapping) else {path: value}
    return found


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
            if path in own and path not in _NOT_OF_A_PRESET and _plain(own[path]) != _plain(start[path])
        }
        if best is None or len(differing) < len(best[1]):
            best = name, differing
    return best or (PRESETS[0], {})


def settings_html(
    run: RunRecord, report: Report | None, backbone_title: str, conditions: Conditions | None = None
) -> str:
    """What a run was trained on and how, from what sets it apart to everything.

    ``conditions`` are what it really used, where that is known.
    """
    name, differing = nearest_preset(run.config)
    own, used = flat(run.config), conditions or Conditions()
    title = PRESET_TITLES.get(name, name)
    real = {"anchors": used.anchors, "negatives": used.negatives}
    about = [
        (label_of(path), real.get(path) or spoken(own[path], path))
        for path in _NOT_OF_A_PRESET
        if path in own and path != "backbone"
    ]
    about.insert(1, ("Backbone", backbone_title))
    about.insert(0, ("Preset", title if not differing else f"{title}, with {len(differing)} changed"))
    if used.clips:
        about.append(("Training clips", f"{used.clips}: {used.shots_text(int(own.get('shots', 0)))}"))
    rows = "".join(
        f'<tr><th scope="row">{escape(label_of(path))}</th><td>{escape(spoken(mine, path))}</td>'
        f"<td>{escape(spoken(usual, path))}</td></tr>"
        for path, (mine, usual) in differing.items()
    )
    changed = (
        f"<h4>Changed from the preset</h4>{_table(('Setting', 'This run', title), rows)}"
        if rows
        else f'<p class="legend">Every setting was chosen as in the preset {escape(title)}.</p>'
    )
    everything = "".join(
        f'<tr><th scope="row">{escape(label_of(path))}</th><td>{escape(spoken(value, path))}{_instead(path, used)}</td>'
        f"<td><code>{escape(path)}</code></td></tr>"
        for path, value in sorted(own.items(), key=lambda item: ("." in item[0], item[0]))
    )
    return (
        f'<section class="settings-of-run">{_facts(about)}{adjusted_html(used)}{changed}{_made_with(report)}'
        f"<details><summary>All {len(own)} settings</summary>"
        f"{_table(('Setting', 'Value', 'Name in JSON'), everything)}</details></section>"
    )


def differing_settings(configs: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The settings that are not the same in all runs, with the value of each run; None where a run has none."""
    flattened = [flat(config) for config in configs]
    paths = dict.fromkeys(path for config in flattened for path in config)
    found = {path: [config.get(path) for config in flattened] for path in paths}
    return {path: values for path, values in found.items() if len({repr(_plain(value)) for value in values}) > 1}


def _instead(path: str, used: Conditions) -> str:
    """What was used in the place of a setting; empty where it was used as chosen."""
    instead = {one.setting: one.used for one in used.adjustments}
    return f" <b>(used: {escape(spoken(instead[path], path))})</b>" if path in instead else ""


def _made_with(report: Report | None) -> str:
    if report is None:
        return ""
    facts = []
    if report.anchor_captions:
        facts.append(("Anchors show", ", ".join(report.anchor_captions)))
    if report.negatives:
        shown = ", ".join(report.negatives[:12])
        facts.append(("Negative prompts", shown + (" …" if len(report.negatives) > 12 else "")))
    if report.packages:
        facts.append(("Versions", ", ".join(f"{name} {version}" for name, version in report.packages.items())))
    return f"<h4>Made with</h4>{_facts(facts)}" if facts else ""


def _facts(facts: Sequence[tuple[str, str]]) -> str:
    items = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts)
    return f'<dl class="run-facts">{items}</dl>'


def _table(heads: Sequence[str], rows: str) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    return f'<div class="scroll"><table class="plain"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _plain(value: Any) -> Any:
    """Lists and tuples, and whole numbers as whole or not, compare equal: JSON does not tell them apart."""
    return list(value) if isinstance(value, tuple) else float(value) if type(value) is int else value
