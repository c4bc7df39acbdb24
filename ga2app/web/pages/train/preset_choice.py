"""What the presets are called on the screen, and what each is for."""

from __future__ import annotations

from ga2app.config import PRESETS, preset
from ga2app.web.pages.train.towers import towers_of

NEEDS = " (needs "
"""Marks a title that cannot be chosen; ``accessible_controls.js`` looks for it."""

PRESET_TITLES = {
    "quick": "Quick",
    "full": "Full",
    "paper-hmdb": "Paper HMDB-51",
    "paper-ucf": "Paper UCF-101",
    "paper-ssv2": "Paper SSv2",
    "paper-k400": "Paper K400",
}
_PAPER_HELP = "The published run, setting by setting, for that data set on CLIP ViT-B/16: hours on a GPU. {}"
_TO_NAME = "Choose its hard prompt below: a bundle trained on Kinetics-400."
PRESET_HELP = {
    "quick": "Learns text prompts only. Each clip is looked at once: seconds to a minute, even without a GPU.",
    "full": "Learns prompts in both towers: adapts to how your clips look, and takes minutes to hours.",
    "paper-hmdb": _PAPER_HELP.format(_TO_NAME),
    "paper-ucf": _PAPER_HELP.format(_TO_NAME),
    "paper-ssv2": _PAPER_HELP.format(_TO_NAME),
    "paper-k400": _PAPER_HELP.format("The bundle that it makes is the hard prompt of the other three."),
}


def preset_choices(backbone: str) -> list[tuple[str, str]]:
    """Titles and names for the list; a preset that ``backbone`` is too small for says so, and the page closes it."""
    return [(_title(name, backbone), name) for name in PRESETS]


def preset_info(name: str, backbone: str) -> str:
    """The help of the preset ``name``, and what to do about those that are closed."""
    closed = any(NEEDS in title for title, _ in preset_choices(backbone))
    return PRESET_HELP[name] + (" The gray ones need a larger backbone, such as CLIP ViT-B/16." if closed else "")


def _title(name: str, backbone: str) -> str:
    towers, prompts = towers_of(backbone), preset(name, backbone).prompts
    if towers and prompts.visual_depth > towers.visual_layers:
        return f"{PRESET_TITLES[name]}{NEEDS}{prompts.visual_depth} image layers)"
    if towers and prompts.text_depth > towers.text_layers:
        return f"{PRESET_TITLES[name]}{NEEDS}{prompts.text_depth} text layers)"
    return PRESET_TITLES[name]
