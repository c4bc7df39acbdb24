"""What a backbone's files and a bundle's manifest say, without loading them: which prompts and labels fit."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ga2app.clip.files import clip_config, find_clip
from ga2app.config import (
    HARD_PROMPT_EMBEDDED,
    HARD_PROMPT_RANDOM,
    HARD_PROMPT_TO_NAME,
    SKETCH,
    ClipConfig,
    PromptConfig,
    RunConfig,
)
from ga2app.errors import BackboneError, Fault
from ga2app.labels import spoken
from ga2app.paths import SKETCH_HARD_PROMPT
from ga2app.untrusted import parse_json, read_ordinary

HARD_PROMPT = "prompts.hard_prompt"
"""The path of the setting."""

_LAYERS, _WIDTH = 12, 768
_USUAL = {"siglip": (16, 768, 64)}
"""Patch size, text width and text positions where a configuration does not say them: transformers leaves out what is
usual for a ``model_type``."""


def _usual(data: Any) -> tuple[int, int, int]:
    return _USUAL.get(str(data.get("model_type")), (32, 512, 77))


_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Towers:
    """Shapes of both towers: layers, widths, the tokens of a frame and those that a text may have."""

    visual_layers: int
    visual_width: int
    frame_tokens: int
    text_layers: int
    text_width: int
    text_positions: int


def towers_of(backbone: str) -> Towers | None:
    """The towers of ``backbone``; None where it is not on this machine or cannot be read."""
    try:
        return _towers(clip_config(_folder(backbone)))
    except (BackboneError, OSError, ValueError, TypeError, AttributeError, ArithmeticError):
        return None


def _folder(backbone: str) -> Path:
    folder = Path(os.path.expanduser(backbone))
    return folder if os.path.isdir(folder) else find_clip(backbone).folder


def _towers(data: Mapping[str, Any]) -> Towers:
    # Older files say the same twice, and the second place counts.
    vision, text = (
        (data.get(name) or {}) | (data.get(f"{name}_dict") or {}) for name in ("vision_config", "text_config")
    )
    patch, width, positions = _usual(data)
    return Towers(
        int(vision.get("num_hidden_layers", _LAYERS)),
        int(vision.get("hidden_size", _WIDTH)),
        (int(vision.get("image_size", 224)) // int(vision.get("patch_size", patch))) ** 2 + 1,
        int(text.get("num_hidden_layers", _LAYERS)),
        int(text.get("hidden_size", width)),
        int(text.get("max_position_embeddings", positions)),
    )


def tower_faults(config: RunConfig) -> list[Fault]:
    """Prompts that are deeper or longer than the towers of the backbone allow."""
    towers, prompts = towers_of(config.backbone), config.prompts
    if towers is None:
        return []
    rule = "must be at most {}, the layers of that tower (it is {}): lower it, or choose a larger backbone"
    faults = [
        Fault(f"prompts.{name}", rule.format(layers, depth))
        for name, depth, layers in (
            ("visual_depth", prompts.visual_depth, towers.visual_layers),
            ("text_depth", prompts.text_depth, towers.text_layers),
        )
        if depth > layers
    ]
    room = towers.text_positions // 2
    if prompts.text_depth and prompts.length > room:
        rule = f"must be at most {room}, half of what a text may have on this backbone (it is {prompts.length})"
        faults.append(Fault("prompts.length", rule))
    return faults


def too_small_for(backbone: str, prompts: PromptConfig) -> str:
    """What ``prompts`` need that ``backbone`` lacks, as in "9 image layers"; empty where they fit or nobody knows."""
    towers = towers_of(backbone)
    if towers and prompts.visual_depth > towers.visual_layers:
        return f"{prompts.visual_depth} image layers"
    return f"{prompts.text_depth} text layers" if towers and prompts.text_depth > towers.text_layers else ""


def too_long(backbone: str, labels: tuple[str, ...], prompt_length: int) -> Sequence[str]:
    """Those of ``labels`` that do not fit into the text tower behind ``prompt_length`` tokens.

    Nothing where the backbone's tokenizer cannot be looked at.
    """
    try:
        return _too_long(find_clip(backbone).folder, labels, prompt_length)
    except BackboneError:
        return ()
    except Exception as exc:  # whatever is wrong with a tokenizer comes up again, with advice, when it is loaded
        _log.info("the tokenizer of %s cannot be looked at: %s", backbone, exc)
        return ()


@lru_cache(maxsize=16)
def _too_long(folder: Path, labels: tuple[str, ...], prompt_length: int) -> Sequence[str]:
    counter = _counter(folder)
    if counter is None:
        return ()
    tokenizer, positions = counter
    lengths = tokenizer.encode_batch([f"{spoken(label)}." for label in labels], add_special_tokens=False)
    room = positions - prompt_length - tokenizer.num_special_tokens_to_add(False)
    return tuple(label for label, length in zip(labels, lengths, strict=True) if len(length.ids) > room)


@lru_cache(maxsize=8)
def _counter(folder: Path) -> tuple[Any, int] | None:
    """The tokenizer in ``folder`` and the tokens that a text may have; None where it is of another kind."""
    from tokenizers import Tokenizer

    if not (folder / "tokenizer.json").is_file():
        return None
    data = clip_config(folder)
    text = data.get("text_config") or {}
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer, int(text.get("max_position_embeddings", _usual(data)[2]))


@dataclass(frozen=True)
class HardPromptFacts:
    """What decides whether a bundle can be a hard prompt: its backbone, tokens, and whether it has text prompts.

    ``num_frames`` are the frames that it looks at of each clip.
    """

    backbone: str
    length: int
    text_depth: int
    num_frames: int

    def fault(self, backbone: str, length: int) -> str | None:
        """Why it cannot serve a run with ``length`` tokens on ``backbone``; None if it can."""
        if not self.text_depth:
            return "it has no text prompts; choose another bundle"
        if self.backbone != backbone:
            return f"it belongs to backbone '{self.backbone}', not to '{backbone}'; choose another one, or 'random'"
        if self.length != length:
            return (
                f"it has {self.length} tokens and this run's prompt length is {length}; set the prompt length to "
                f"{self.length}, or choose another one"
            )
        return None


def facts_of(folder: str | Path) -> HardPromptFacts | None:
    """The facts of the bundle in ``folder``; None where there is none that can be read."""
    path = Path(folder) / "bundle.json"
    try:
        return _facts(path, path.stat().st_mtime)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


@lru_cache(maxsize=256)
def _facts(path: Path, changed_s: float) -> HardPromptFacts:
    data = parse_json(read_ordinary(path))
    prompts, usual = data["config"].get("prompts", {}), PromptConfig()
    length, depth = prompts.get("length", usual.length), prompts.get("text_depth", usual.text_depth)
    frames = data["config"].get("clips", {}).get("num_frames", ClipConfig().num_frames)
    return HardPromptFacts(str(data["backbone"]["name"]), int(length), int(depth), int(frames))


def hard_prompt_faults(config: RunConfig) -> list[Fault]:
    """Why the hard prompt of ``config`` cannot be used."""
    prompts = config.prompts
    named = prompts.hard_prompt
    if not prompts.coupled or named in (HARD_PROMPT_RANDOM, HARD_PROMPT_TO_NAME):
        return []
    if named == HARD_PROMPT_EMBEDDED and config.backbone != SKETCH:
        text = f"the embedded one belongs to backbone '{SKETCH}', not to '{config.backbone}'; choose another one"
        return [Fault(HARD_PROMPT, text)]
    facts = facts_of(SKETCH_HARD_PROMPT if named == HARD_PROMPT_EMBEDDED else named)
    if facts is None:
        text = f"'{named}' is not the folder of a prompt bundle; choose one of the list, or 'random'"
        return [Fault(HARD_PROMPT, text)]
    fault = facts.fault(config.backbone, prompts.length)
    return [Fault(HARD_PROMPT, fault)] if fault else []
