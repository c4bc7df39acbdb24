"""The hard prompts on offer: the embedded one, a random one, and bundles of the library that fit.

A browser sees the key of a bundle, a run gets its folder.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ga2app.config import HARD_PROMPT_EMBEDDED, HARD_PROMPT_RANDOM, HARD_PROMPT_TO_NAME, SKETCH, RunConfig
from ga2app.errors import ConfigError, Fault
from ga2app.paths import SKETCH_HARD_PROMPT
from ga2app.services.studio import Studio, bundle_key

FIELD = "prompts.hard_prompt"
_MANIFEST = "bundle.json"


@dataclass(frozen=True)
class HardPromptFacts:
    """What decides whether a bundle can be a hard prompt: its backbone, tokens, and whether it has text prompts."""

    backbone: str
    length: int
    text_depth: int

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
    path = Path(folder) / _MANIFEST
    try:
        return _read(path, path.stat().st_mtime)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def hard_prompt_choices(studio: Studio, backbone: str, length: object, present: str) -> list[tuple[str, str]]:
    """Titles and values for the list; what is chosen at ``present`` stays in it, fitting or not."""
    choices = [("Random: learned nowhere, still a brake", HARD_PROMPT_RANDOM)]
    embedded = facts_of(SKETCH_HARD_PROMPT)
    if backbone == SKETCH and embedded and embedded.length == length:
        choices.insert(0, ("Embedded: learned on other drawn actions", HARD_PROMPT_EMBEDDED))
    titles = {key: title for title, key in studio.bundle_choices()}
    for card in studio.store.bundles.list():
        facts = None if Path(card.folder) == SKETCH_HARD_PROMPT else facts_of(card.folder)
        if facts and isinstance(length, int | float) and facts.fault(backbone, int(length)) is None:
            key = bundle_key(card)
            choices.append((titles.get(key, card.name), key))
    if present and present not in {value for _, value in choices}:
        choices.append((f"{titles.get(present, present)} (does not fit)" if present in titles else present, present))
    return choices


def to_folder(studio: Studio, value: str) -> str:
    """What a run gets for the ``value`` of the list. Raises ConfigError for a path where none may be named."""
    if value in (HARD_PROMPT_EMBEDDED, HARD_PROMPT_RANDOM, HARD_PROMPT_TO_NAME):
        return value
    for card in studio.store.bundles.list():
        if value in (bundle_key(card), card.folder):
            return card.folder
    if not studio.server_paths:
        raise ConfigError([Fault(FIELD, f"there is no bundle '{value}' in the library; choose one of the list")])
    return value


def to_key(studio: Studio, folder: str) -> str:
    """What the list shows for the hard prompt of a run."""
    for card in studio.store.bundles.list():
        if card.folder == folder:
            return bundle_key(card)
    return folder


def hard_prompt_faults(config: RunConfig) -> list[Fault]:
    """Why the hard prompt of ``config`` cannot be used."""
    prompts = config.prompts
    named = prompts.hard_prompt
    if not prompts.coupled or named in (HARD_PROMPT_RANDOM, HARD_PROMPT_TO_NAME):
        return []
    if named == HARD_PROMPT_EMBEDDED and config.backbone != SKETCH:
        text = f"the embedded one belongs to backbone '{SKETCH}', not to '{config.backbone}'; choose another one"
        return [Fault(FIELD, text)]
    facts = facts_of(SKETCH_HARD_PROMPT if named == HARD_PROMPT_EMBEDDED else named)
    if facts is None:
        text = f"'{named}' is not the folder of a prompt bundle; choose one of the list, or 'random'"
        return [Fault(FIELD, text)]
    fault = facts.fault(config.backbone, prompts.length)
    return [Fault(FIELD, fault)] if fault else []


@lru_cache(maxsize=256)
def _read(path: Path, changed_s: float) -> HardPromptFacts:
    data = json.loads(path.read_text(encoding="utf-8"))
    prompts = data["config"].get("prompts", {})
    config = RunConfig()
    return HardPromptFacts(
        str(data["backbone"]["name"]),
        int(prompts.get("length", config.prompts.length)),
        int(prompts.get("text_depth", config.prompts.text_depth)),
    )
