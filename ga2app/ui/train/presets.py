"""What the presets are called on the screen, and what each is for."""

from __future__ import annotations

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
