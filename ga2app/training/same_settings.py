"""Whether a run's settings are those that its checkpoint was made with, and which ones are not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from ga2app.config import Precision, RunConfig
from ga2app.errors import ConfigError

FREE = ("device", "precision", "dataset", "anchors", "negatives", "optimizer.evaluate_every")
"""What may differ: none of it changes what is learned but by rounding.

Labels, clips, anchors and prompts are held against the data, whatever the sets that they come from are called.
"""

ADDED_LATER = (
    ("anchors", "negatives"),
    ("whitening",),
    ("prompts.residual", "objective.relate", "objective.stay", "objective.attributes"),
    ("optimizer.max_gradient_norm", "optimizer.accumulate"),
)
"""Settings that came one group after the other, the newest first, while checkpoints held a hash of all settings."""


def settings_changes(then: Mapping[str, Any], config: RunConfig) -> list[str]:
    """The settings of ``config`` that are other than ``then``, in words; one that is new had its default."""
    try:
        before = _flat(RunConfig.from_dict(then).to_dict())
    except ConfigError as exc:
        return [f"this version does not know them all ({exc}); update GA² Studio to the one that began the run"]
    now = _flat(config.to_dict())
    return [
        f"{name} was {_told(before[name])} and is {_told(now[name])}"
        for name in now
        if name not in FREE and now[name] != before[name]
    ]


def hashed_settings_fit(known: str, config: RunConfig) -> bool:
    """Whether a checkpoint that holds but the hash ``known`` of its settings can belong to ``config``.

    It may have been written before some settings existed, and in another arithmetic.
    """
    defaults = _flat(RunConfig().to_dict())
    for precision in dict.fromkeys((config.precision, *Precision)):
        flat = _flat({**config.to_dict(), "precision": precision.value})
        for left in _before(flat, defaults):
            if _hash(_nested(left)) == known:
                return True
    return False


def _before(flat: Mapping[str, Any], defaults: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """``flat`` as it was before each group of settings came, as long as these have their defaults."""
    left = dict(flat)
    yield left
    for group in ADDED_LATER:
        names = [name for name in left if name.startswith(tuple(group))]
        if any(left[name] != defaults[name] for name in names):
            return
        left = {name: value for name, value in left.items() if name not in names}
        yield left


def _hash(settings: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Settings by their dotted paths."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return flat


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name, value in flat.items():
        section, _, key = name.rpartition(".")
        (nested.setdefault(section, {}) if section else nested)[key] = value
    return nested


def _told(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, bool | list) else str(value)
