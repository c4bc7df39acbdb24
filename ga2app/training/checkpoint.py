"""A run's state between two steps, whole or not at all, and whether a run may go on from it.

Random numbers need no place in it: those of a step depend on the run's seed and the step alone. Settings, data and
what tells the backbone from others stand in it as JSON, so that a run that goes on can be held against them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ga2app.bundles import difference
from ga2app.clip import BackboneId
from ga2app.config import AUTO, Precision, RunConfig
from ga2app.config.reading import flat
from ga2app.errors import BundleError, ConfigError, ErrorCode, TrainingError
from ga2app.method.prompts import PromptLearner
from ga2app.training import checkpoint_file
from ga2app.training.optimizer import Updater
from ga2app.types import Dataset, TrainingData
from ga2app.untrusted import stored_json

FREE = (
    *("device", "precision", "processes", "dataset", "anchors", "negatives", "optimizer.evaluate_every"),
    *("optimizer.checkpointing", "attention", "threads"),
    *("clips.decoders", "clips.cache_bytes"),
    *("report_to", "project", "trackio_space_id"),
)
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

NEVER_HASHED = (
    *("processes", "attention", "threads"),
    *("optimizer.checkpointing", "clips.decoders", "clips.cache_bytes"),
    *("report_to", "project", "trackio_space_id"),
)
"""Settings that came after that: no such hash was made of them."""


def settings_changes(then: Mapping[str, Any], config: RunConfig) -> list[str]:
    """The settings of ``config`` that are other than ``then``, in words; one that is new had its default."""
    try:
        before = flat(RunConfig.from_dict(then).to_dict())
    except ConfigError as exc:
        return [f"this version does not know them all ({exc}); update GA² Studio to the one that began the run"]
    now = flat(config.to_dict())
    return [
        f"{name} was {_told(before[name])} and is {_told(now[name])}"
        for name in now
        if name not in FREE and now[name] != before[name]
    ]


def hashed_settings_fit(known: str, config: RunConfig) -> bool:
    """Whether a checkpoint that holds but the hash ``known`` of its settings can belong to ``config``.

    It may have been written before some settings existed, and in another arithmetic.
    """
    defaults = flat(RunConfig().to_dict())
    for precision in dict.fromkeys((config.precision, *Precision)):
        now = flat(hashed_settings(replace(config, precision=precision)))
        for left in _before(now, defaults):
            if _hash(_nested(left)) == known:
                return True
    return False


def hashed_settings(config: RunConfig) -> dict[str, Any]:
    """The settings without those that change but the time, and without a pooling that was the only one once."""
    left = (*NEVER_HASHED, *(() if config.prompts.ordered else ("prompts.pooling",)))
    return _nested({name: value for name, value in flat(config.to_dict()).items() if name not in left})


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


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name, value in flat.items():
        section, _, key = name.rpartition(".")
        (nested.setdefault(section, {}) if section else nested)[key] = value
    return nested


def _told(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, bool | list) else str(value)


PROMPT, MOMENT = "prompt.", "adam."


@dataclass(frozen=True)
class Resumed:
    """Where a run goes on: ``step`` steps are behind it, in the arithmetic ``precision`` (empty: not known).

    ``measured`` is False where the epoch that ends at ``step`` has no figures yet.
    """

    step: int
    measured: bool = True
    precision: str = ""


def write(
    path: Path,
    step: int,
    config: RunConfig,
    data: TrainingData,
    backbone: BackboneId,
    prompts: PromptLearner,
    updater: Updater,
    *,
    measured: bool = True,
) -> None:
    """Write the checkpoint of ``step`` finished steps. Raises what ``checkpoint_file.write`` raises."""
    tensors = {PROMPT + name: tensor for name, tensor in prompts.tensors().items()}
    for name, parameter in prompts.named_parameters():
        for key, value in updater.adam.state.get(parameter, {}).items():
            tensors[f"{MOMENT}{key}.{name}"] = value.detach().cpu().contiguous()
    metadata = {
        "step": str(step),
        "settings": json.dumps(config.to_dict(), sort_keys=True),
        "data": json.dumps(data.to_dict()),
        "backbone": json.dumps(backbone.to_dict()),
        "scaling": json.dumps(dict(updater.scaling())),
        "measured": json.dumps(measured),
    }
    checkpoint_file.write(path, tensors, metadata)


def check(path: Path, config: RunConfig, dataset: Dataset, data: TrainingData) -> None:
    """Raises TrainingError, with what has changed, where a run of ``config`` on ``data`` cannot go on from ``path``.

    Settings that did not exist when it was written have their defaults; device, precision, the number of processes and
    how often test clips are measured may differ.
    """
    metadata = _metadata(path)
    step = metadata.get("step", "?")
    if changes := _changed_settings(metadata, config):
        raise TrainingError(
            f"the checkpoint of this run, at step {step}, was made with other settings: {'; '.join(changes)}. Set them "
            f"back to go on from there, or {_afresh(path)}",
            code=ErrorCode.CHECKPOINT_UNUSABLE,
        )
    if "data" not in metadata:
        return  # of a version that did not write it down
    changed = _read_data(path, metadata["data"]).changes(data)
    if changed:
        raise TrainingError(
            f"the clips or labels of '{dataset.name}' have changed since step {step}: {'; '.join(changed)}. Bring them "
            f"back as they were to go on from there, or {_afresh(path)}",
            code=ErrorCode.DATA_CHANGED,
        )


def kept_choices(path: Path) -> dict[str, Any]:
    """The attention, precision and threads that the run of ``path`` began with, as far as a checkpoint tells them."""
    if not path.exists():
        return {}
    settings = stored_json(_metadata(path).get("settings", "{}"))
    return {name: settings[name] for name in ("attention", "precision", "threads") if settings.get(name, AUTO) != AUTO}


def check_backbone(path: Path, backbone: BackboneId) -> None:
    """Raises TrainingError, with what has changed, where ``path`` was made on another CLIP of the same name.

    One of a version that did not write its backbone down is let pass.
    """
    metadata = _metadata(path)
    if "backbone" not in metadata:
        return
    try:
        then, now = stored_json(metadata["backbone"]), backbone.to_dict()
        changed, commits = difference(then, now), (then["revision"], now["revision"])
    except (KeyError, TypeError, ValueError) as exc:
        raise _damaged(path, exc) from exc
    if changed:
        commit = "" if commits[0] == commits[1] else f" (commit {commits[0]} then, {commits[1]} now)"
        raise TrainingError(
            f"the backbone '{backbone.name}' has changed since step {metadata.get('step', '?')}: {changed}{commit}. "
            f"Bring it back as it was to go on from there, or {_afresh(path)}"
        )


def read(path: Path, prompts: PromptLearner, updater: Updater) -> Resumed:
    """Take over the checkpoint, which ``check`` has let pass. Raises TrainingError when it is damaged."""
    tensors, metadata = _content(path)
    try:
        prompts.load_tensors({name.removeprefix(PROMPT): tensors[name] for name in tensors if name.startswith(PROMPT)})
    except BundleError as exc:
        raise _damaged(path, exc) from exc
    for name, parameter in prompts.named_parameters():
        state = {}
        for key in ("step", "exp_avg", "exp_avg_sq"):
            if (value := tensors.get(f"{MOMENT}{key}.{name}")) is not None:
                state[key] = value if key == "step" else value.to(parameter.device)
        if state:
            updater.adam.state[parameter] = state
    try:
        precision = str(stored_json(metadata.get("settings", "{}")).get("precision", ""))
        scaling = stored_json(metadata["scaling"])
        # Another arithmetic scales the loss otherwise, or not at all: it finds its own scale within a few steps.
        if scaling and updater.scaling():
            updater.load_scaling(scaling)
        return Resumed(int(metadata["step"]), bool(stored_json(metadata.get("measured", "true"))), precision)
    except (KeyError, ValueError, AttributeError) as exc:
        raise _damaged(path, exc) from exc


def _metadata(path: Path) -> Mapping[str, str]:
    return _content(path)[1]


def _content(path: Path) -> checkpoint_file.Content:
    try:
        return checkpoint_file.read(path)
    except (OSError, ValueError) as exc:
        raise _unreadable(path, exc) from exc


def _changed_settings(metadata: Mapping[str, str], config: RunConfig) -> list[str]:
    if "settings" in metadata:
        return settings_changes(stored_json(metadata["settings"]), config)
    if hashed_settings_fit(metadata.get("config", ""), config):
        return []
    return ["which ones cannot be told, because the version that wrote it did not keep them"]


def _read_data(path: Path, text: str) -> TrainingData:
    try:
        return TrainingData.from_dict(stored_json(text))
    except (ValueError, TrainingError) as exc:
        raise _damaged(path, exc) from exc


def _afresh(path: Path) -> str:
    return f"begin anew at step 0 (Start over on Runs, train --restart, or delete '{path.name}')"


def _unreadable(path: Path, exc: Exception) -> TrainingError:
    return TrainingError(
        f"checkpoint '{path}' cannot be read ({exc})", hint=_afresh(path), code=ErrorCode.CHECKPOINT_UNUSABLE
    )


def _damaged(path: Path, exc: Exception) -> TrainingError:
    return TrainingError(
        f"checkpoint '{path}' is damaged ({exc})", hint=_afresh(path), code=ErrorCode.CHECKPOINT_UNUSABLE
    )
